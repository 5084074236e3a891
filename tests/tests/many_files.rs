//! Promise: many files at once lose nothing, and many quiet ones cost next to nothing. The long version is `make
//! torture`.

use std::time::Duration;

use millstream_tests::torture::many_files;

#[tokio::test(flavor = "multi_thread")]
async fn files_written_all_at_once_arrive() {
    println!("{}", many_files::at_once(1100, 20, None).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_files_cost_next_to_nothing() {
    println!(
        "{}",
        many_files::quiet(3000, Duration::from_secs(6)).await.unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_low_soft_limit_for_descriptors_is_raised() {
    println!(
        "{}",
        many_files::at_once(1100, 5, Some((1024, 4096))).await.unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn more_files_than_descriptors_are_said_once_and_the_others_go_on() {
    println!("{}", many_files::too_many(400, 256).await.unwrap());
}
