//! Promise: while the storage is full, read-only or out of reach, entries are delivered all the same; it is said once,
//! and saving goes on by itself. Needs root, and says loudly when it is skipped.

use millstream_tests::torture::storage::{self, Fault};

/// What stands in the manifest's sink; a spool belongs here.
const SINK: &str = "batch_wait: 100ms, batch_size: 64KB";

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_nothing() {
    println!("{}", storage::run(Fault::Full, SINK).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_file_system_stops_nothing() {
    println!("{}", storage::run(Fault::ReadOnly, SINK).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_permissions_stop_nothing() {
    println!("{}", storage::run(Fault::Permission, SINK).await.unwrap());
}
