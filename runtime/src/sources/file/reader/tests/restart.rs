//! What a restart reads: from what has settled on, of every file that still exists.

use super::*;

/// Reads `count` lines, settles them, stops.
async fn read_and_stop(place: &Place, count: usize) {
    let mut run = place.start(place.settings());
    run.texts(count).await;
    run.stop().await;
}

#[tokio::test]
async fn reading_goes_on_behind_what_has_settled() {
    let place = Place::new();
    place.append("a.log", "one\ntwo\n");
    let mut run = place.start(place.settings());
    let parcel = run.parcel().await;
    run.book.settled(0, parcel.origin, parcel.ends[0]);
    run.stop().await;
    let mut run = place.start(place.settings());
    assert_eq!(run.texts(1).await, ["two"], "it was read, but it had not settled");
    run.stop().await;
    place.append("a.log", "three\n");
    let mut run = place.start(place.settings());
    assert_eq!(run.texts(1).await, ["three"]);
    run.silence().await;
    run.stop().await;
}

#[tokio::test]
async fn a_file_replaced_while_down_is_read_from_its_beginning() {
    let place = Place::new();
    place.append("a.log", "one\ntwo\n");
    place.append("b.log", "same\n");
    read_and_stop(&place, 3).await;
    fs::write(place.path("a.log"), "another file, and a longer one\n").unwrap();
    place.append("b.log", "more\n");
    let mut run = place.start(place.settings());
    let mut texts = run.texts(2).await;
    texts.sort();
    assert_eq!(texts, ["another file, and a longer one", "more"]);
    run.stop().await;
}

#[tokio::test]
async fn a_file_truncated_while_down_is_read_from_its_beginning() {
    let place = Place::new();
    place.append("a.log", "one\ntwo\n");
    read_and_stop(&place, 2).await;
    fs::write(place.path("a.log"), "one\n").unwrap();
    let mut run = place.start(place.settings());
    assert_eq!(run.texts(1).await, ["one"]);
    run.stop().await;
}

#[tokio::test]
async fn files_rotated_while_down_are_read_to_their_end_and_in_order() {
    let place = Place::new();
    place.append("a.log", "one\n");
    read_and_stop(&place, 1).await;
    place.append("a.log", "two\n");
    fs::rename(place.path("a.log"), place.path("a.log.1")).unwrap();
    place.append("a.log.other", "never read\n");
    tokio::time::sleep(Duration::from_millis(20)).await;
    place.append("a.log", "three\n");
    let mut run = place.start(place.settings());
    assert_eq!(
        run.lines(2).await,
        [
            ("a.log".to_owned(), "two".to_owned()),
            ("a.log".to_owned(), "three".to_owned())
        ]
    );
    run.silence().await;
    run.stop().await;
}

#[tokio::test]
async fn nothing_settled_means_everything_again() {
    let place = Place::new();
    place.append("a.log", "one\ntwo\n");
    let mut run = place.start(place.settings());
    run.parcel().await;
    run.stop().await;
    let mut run = place.start(place.settings());
    assert_eq!(run.texts(2).await, ["one", "two"]);
    run.stop().await;
}

#[tokio::test]
async fn an_empty_file_is_known_after_a_restart() {
    let place = Place::new();
    place.append("a.log", "");
    let run = place.start(place.settings());
    tokio::time::sleep(Duration::from_millis(200)).await;
    run.stop().await;
    place.append("a.log", "one\n");
    let mut run = place.start(place.settings());
    assert_eq!(run.texts(1).await, ["one"]);
    run.stop().await;
}

#[tokio::test]
async fn what_a_file_grew_by_while_down_belongs_to_its_fingerprint() {
    let place = Place::new();
    place.append("a.log", "one\n");
    read_and_stop(&place, 1).await;
    place.append("a.log", "two\n");
    read_and_stop(&place, 1).await;
    fs::write(place.path("a.log"), "one\nand another second line\n").unwrap();
    let mut run = place.start(place.settings());
    assert_eq!(run.texts(2).await, ["one", "and another second line"]);
    run.stop().await;
}
