//! Promise: whatever a receiver answers, and whether it answers, only what it named as refused is lost, and counted;
//! the order is kept. A sink that is down stops no pipeline but its own. The long version is `make torture`.

use anyhow::Context;
use millstream_tests::torture::answers;
use millstream_tests::torture::seed;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_but_what_an_answer_named() {
    let seed = seed();
    let figures = answers::random(seed, 400).await;
    println!(
        "{}",
        figures.with_context(|| format!("TORTURE_SEED={seed}")).unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_is_down_stops_no_other_pipeline() {
    println!("{}", answers::one_down(20_000).await.unwrap());
}
