//! Promise: before a dead sink the agent stands still, within bounds of memory, descriptors and CPU; when the sink
//! comes back everything arrives. The long version, with 10 GB, is `make torture`.

use std::time::Duration;

use millstream_tests::torture::backlog::{self, Dead};

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_before_a_sink_that_refuses() {
    println!(
        "{}",
        backlog::run(Dead::Refuses, 300, Duration::from_secs(4))
            .await
            .unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_before_a_sink_that_never_answers() {
    println!(
        "{}",
        backlog::run(Dead::Silent, 50, Duration::from_secs(4))
            .await
            .unwrap()
    );
}
