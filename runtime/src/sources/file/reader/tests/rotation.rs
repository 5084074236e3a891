//! Files that are renamed, truncated, copied and deleted while they are read.

use super::*;

#[tokio::test]
async fn rename_and_create_any_number_of_times() {
    let place = Place::new();
    place.append("a.log", "0.0\n0.1\n");
    let mut run = place.start(place.settings());
    assert_eq!(run.texts(2).await, ["0.0", "0.1"]);
    for generation in 1..=5 {
        fs::rename(place.path("a.log"), place.path(&format!("a.log.{generation}"))).unwrap();
        // Its writer has not noticed yet.
        place.append(&format!("a.log.{generation}"), format!("{generation}.late\n"));
        place.append("a.log", format!("{generation}.0\n{generation}.1\n"));
        let lines = run.lines(3).await;
        assert!(lines.iter().all(|(name, _)| name == "a.log"), "{lines:?}");
        let texts: Vec<_> = lines.into_iter().map(|(_, text)| text).collect();
        assert_eq!(
            texts,
            [
                format!("{generation}.late"),
                format!("{generation}.0"),
                format!("{generation}.1")
            ]
        );
    }
    run.silence().await;
    run.stop().await;
}

/// loki#14462: two rotations during a slow push lose the generation in the middle.
#[tokio::test]
async fn rotations_while_the_pipeline_is_full_lose_nothing() {
    let place = Place::new();
    let lines = |generation: u32| {
        (0..5000)
            .map(move |line| format!("{generation} {line}\n"))
            .collect::<String>()
    };
    place.append("a.log", lines(0));
    let mut run = place.start_with(place.settings(), 1);
    for generation in 1..4 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        fs::rename(place.path("a.log"), place.path(&format!("a.log.{generation}"))).unwrap();
        place.append("a.log", lines(generation));
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    fs::remove_file(place.path("a.log.1")).unwrap();
    fs::remove_file(place.path("a.log.2")).unwrap();
    let texts = run.texts(4 * 5000).await;
    let expected: Vec<_> = (0..4)
        .map(lines)
        .collect::<String>()
        .lines()
        .map(str::to_owned)
        .collect();
    assert!(texts == expected, "all lines, once, in order");
    run.stop().await;
}

#[tokio::test]
async fn a_renamed_file_that_globs_still_find_is_not_read_again() {
    let place = Place::new();
    let settings = FileSettings {
        include: vec![place.path("a.log*").display().to_string()],
        ..place.settings()
    };
    place.append("a.log", "one\n");
    let mut run = place.start(settings);
    assert_eq!(run.texts(1).await, ["one"]);
    fs::rename(place.path("a.log"), place.path("a.log.1")).unwrap();
    place.append("a.log.1", "two\n");
    place.append("a.log", "three\n");
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
async fn truncation_and_copytruncate_start_again() {
    let place = Place::new();
    place.append("a.log", "one\ntwo\n");
    let mut run = place.start(place.settings());
    assert_eq!(run.texts(2).await, ["one", "two"]);
    fs::write(place.path("a.log"), "3\n").unwrap();
    assert_eq!(run.texts(1).await, ["3"]);
    fs::copy(place.path("a.log"), place.path("a.log.1")).unwrap();
    OpenOptions::new()
        .write(true)
        .truncate(true)
        .open(place.path("a.log"))
        .unwrap();
    place.append("a.log", "more than there was before\n");
    assert_eq!(run.texts(1).await, ["more than there was before"]);
    assert_eq!(run.metric("millstream_source_file_truncations_total"), 2.0);
    run.silence().await;
    run.stop().await;
}

#[tokio::test]
async fn a_deleted_file_is_read_to_its_end_and_closed() {
    let place = Place::new();
    place.append("a.log", format!("{}unfinished", "line\n".repeat(5000)));
    let settings = FileSettings {
        idle_flush: Duration::ZERO,
        ..place.settings()
    };
    let mut run = place.start_with(settings, 1);
    tokio::time::sleep(Duration::from_millis(200)).await;
    fs::remove_file(place.path("a.log")).unwrap();
    let texts = run.texts(5001).await;
    assert_eq!(
        texts.last().map(String::as_str),
        Some("unfinished"),
        "nothing can follow it any more"
    );
    let closed = async {
        while run.metric("loki_source_file_files_active_total") > 0.0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(PATIENCE, closed)
        .await
        .expect("its descriptor keeps its blocks on the disk");
    run.stop().await;
}

#[tokio::test]
async fn a_link_that_is_set_anew_is_followed() {
    let place = Place::new();
    place.append("target.1", "one\n");
    std::os::unix::fs::symlink(place.path("target.1"), place.path("a.log")).unwrap();
    let mut run = place.start(place.settings());
    assert_eq!(run.texts(1).await, ["one"]);
    place.append("target.2", "two\n");
    std::os::unix::fs::symlink(place.path("target.2"), place.path("next")).unwrap();
    fs::rename(place.path("next"), place.path("a.log")).unwrap();
    assert_eq!(run.lines(1).await, [("a.log".to_owned(), "two".to_owned())]);
    place.append("target.2", "three\n");
    assert_eq!(run.texts(1).await, ["three"]);
    run.stop().await;
}
