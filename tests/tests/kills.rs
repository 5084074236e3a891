//! Promise: kill -9 at any moment, while logs are written and rotated, loses nothing, tears no stack trace, keeps the
//! order, and repeats only what no saved checkpoint knew. The long version is `make torture`.

use anyhow::Context;
use millstream_tests::torture::kills::{self, Kills};
use millstream_tests::torture::seed;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_torn_or_out_of_order() {
    let seed = seed();
    let figures = kills::receiver(&Kills::new(seed, 8)).await;
    println!(
        "{:#?}",
        figures.with_context(|| format!("TORTURE_SEED={seed}")).unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_loki_answers_every_entry_once() {
    let seed = seed();
    let figures = kills::loki(&Kills::new(seed, 3)).await;
    println!(
        "{:#?}",
        figures.with_context(|| format!("TORTURE_SEED={seed}")).unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_while_the_agent_lists_its_files_loses_nothing() {
    let seed = seed();
    let figures = kills::rotated_at_start(seed, 4).await;
    println!(
        "{}",
        figures.with_context(|| format!("TORTURE_SEED={seed}")).unwrap()
    );
}
