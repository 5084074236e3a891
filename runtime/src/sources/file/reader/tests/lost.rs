//! Checkpoints that were there and cannot be read.

use super::*;
use crate::sources::file::{FileSourceError, OnCheckpointError};

/// A place where two of three lines were read, whose checkpoints are then damaged.
async fn damaged(previous: Option<&str>) -> Place {
    let place = Place::new();
    place.append("a.log", "one\ntwo\n");
    let mut run = place.start(place.settings());
    run.lines(2).await;
    run.stop().await;
    place.append("a.log", "three\n");
    fs::write(place.state().join("checkpoints.json"), "\0\0\0").unwrap();
    let before = place.state().join("checkpoints.json.1");
    match previous {
        Some(text) => fs::write(before, text).unwrap(),
        None => fs::remove_file(before)
            .or_else(|_| fs::read_dir(place.state()).map(drop))
            .unwrap(),
    }
    place
}

#[tokio::test]
async fn the_choice_decides_where_files_begin() {
    for (choice, start_at, texts) in [
        (
            OnCheckpointError::Beginning,
            StartAt::Beginning,
            &["one", "two", "three"][..],
        ),
        (
            OnCheckpointError::Beginning,
            StartAt::End,
            &["one", "two", "three"][..],
        ),
        (OnCheckpointError::End, StartAt::Beginning, &[][..]),
    ] {
        for previous in [Some("torn"), None] {
            let place = damaged(previous).await;
            let settings = FileSettings {
                on_checkpoint_error: choice,
                start_at,
                ..place.settings()
            };
            let mut run = place.start(settings.clone());
            assert_eq!(run.texts(texts.len()).await, texts, "{choice:?}");
            run.silence().await;
            place.append("a.log", "four\n");
            place.append("b.log", "new\n");
            let mut more = run.texts(2).await;
            more.sort();
            assert_eq!(more, ["four", "new"]);
            run.stop().await;
            // From then on all is as ever.
            let mut run = place.start(settings);
            run.silence().await;
            run.stop().await;
        }
    }
}

#[tokio::test]
async fn refuse_says_what_is_wrong_and_touches_nothing() {
    let place = damaged(Some("torn")).await;
    let listing = || {
        let mut names: Vec<_> = fs::read_dir(place.state())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    let before = listing();
    let book = CheckpointBook::open(&place.state()).unwrap();
    let metrics = Arc::new(FileMetrics::register(&Registry::new()).unwrap());
    let settings = FileSettings {
        on_checkpoint_error: OnCheckpointError::Refuse,
        ..place.settings()
    };
    let error = FileSource::new("app", settings, Outlet::new(0, []), book.clone(), metrics).unwrap_err();
    assert!(matches!(error, FileSourceError::Lost { .. }));
    let text = error.to_string();
    for words in [
        "\"app\"",
        "checkpoints.json (",
        "checkpoints.json.1 (",
        "`beginning`",
        "`end`",
    ] {
        assert!(text.contains(words), "{text}");
    }
    book.save().unwrap();
    assert_eq!(listing(), before);
}

#[tokio::test]
async fn refuse_is_content_when_nothing_was_lost() {
    let place = Place::new();
    place.append("a.log", "one\n");
    let settings = FileSettings {
        on_checkpoint_error: OnCheckpointError::Refuse,
        ..place.settings()
    };
    for _ in 0..2 {
        place.append("a.log", "more\n");
        let mut run = place.start(settings.clone());
        run.parcel().await;
        run.stop().await;
    }
    fs::write(place.state().join("checkpoints.json"), "torn").unwrap();
    let run = place.start(settings);
    run.stop().await;
}
