//! Promise: no rotation by renaming loses an entry, however far behind the sink is; copytruncate costs only what the
//! system cut off before it could be read. The long version is `make torture`.

use std::time::Duration;

use anyhow::Context;
use millstream_tests::torture::rotations::{self, Downtime, Mode, Rotations};
use millstream_tests::torture::seed;

/// A few rotations, twice a second, with a sink that takes a third of what is written.
async fn rotates(mode: Mode) -> anyhow::Result<String> {
    let seed = seed();
    let plan = Rotations {
        seed,
        mode,
        rate: 20_000,
        every: Duration::from_millis(500),
        times: 4,
        delay: Duration::from_millis(1000),
    };
    let (figure, _) = rotations::run(&plan)
        .await
        .with_context(|| format!("TORTURE_SEED={seed}"))?;
    Ok(figure)
}

#[tokio::test(flavor = "multi_thread")]
async fn renaming_loses_nothing() {
    println!("{}", rotates(Mode::Create).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_notices_late_loses_nothing() {
    println!("{}", rotates(Mode::Late).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn compressing_what_is_still_to_be_read_loses_nothing() {
    println!("{}", rotates(Mode::Gzip).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn copytruncate_costs_only_what_was_cut_off() {
    println!("{}", rotates(Mode::CopyTruncate).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn logrotate_itself_loses_nothing_by_renaming() {
    if rotations::has_logrotate() {
        println!("{}", rotates(Mode::LogrotateCreate).await.unwrap());
        println!("{}", rotates(Mode::LogrotateCopy).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_while_the_agent_is_down_loses_nothing() {
    let seed = seed();
    let figures = rotations::while_down(seed, Downtime::Renamed).await;
    println!(
        "{:?}",
        figures.with_context(|| format!("TORTURE_SEED={seed}")).unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_compressed_while_the_agent_is_down_loses_nothing() {
    let seed = seed();
    let figures = rotations::while_down(seed, Downtime::Compressed).await;
    println!(
        "{:?}",
        figures.with_context(|| format!("TORTURE_SEED={seed}")).unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generation_that_nobody_saw_is_read() {
    let seed = seed();
    let figures = rotations::while_down(seed, Downtime::Twice).await;
    println!(
        "{:?}",
        figures.with_context(|| format!("TORTURE_SEED={seed}")).unwrap()
    );
}
