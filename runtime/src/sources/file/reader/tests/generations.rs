//! Generations that came, went and changed their names while nobody looked.

use std::os::unix::fs::{MetadataExt, symlink};

use super::*;

/// Lines long enough for a fingerprint that proves something.
fn line(text: &str) -> String {
    format!("2026-11-22T10:00:00Z INFO a line that is long enough to tell files apart by it: {text}\n")
}

fn block(name: &str, count: usize) -> String {
    (0..count)
        .map(|number| line(&format!("{name} {number}")))
        .collect()
}

fn expected(blocks: &[String]) -> Vec<String> {
    blocks.concat().lines().map(str::to_owned).collect()
}

fn rename(place: &Place, from: &str, to: &str) {
    fs::rename(place.path(from), place.path(to)).unwrap();
}

fn copytruncate(place: &Place, from: &str, to: &str) {
    fs::copy(place.path(from), place.path(to)).unwrap();
    OpenOptions::new()
        .write(true)
        .truncate(true)
        .open(place.path(from))
        .unwrap();
}

/// Two rotations between two looks: nobody ever saw the generation in the middle under its name.
#[tokio::test]
async fn a_generation_that_nobody_saw_is_found_while_running() {
    let place = Place::new();
    place.append("a.log", line("one"));
    place.append("a.log.7", line("from before"));
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut run = place.start(place.settings());
    assert_eq!(run.lines(1).await.len(), 1);
    place.append("a.log", line("two"));
    rename(&place, "a.log", "a.log.2");
    place.append("a.log.1", line("three"));
    place.append("a.log.bak", line("never read"));
    place.append("a.log", line("four"));
    let lines = run.lines(3).await;
    assert!(lines.iter().all(|(name, _)| name == "a.log"), "{lines:?}");
    let texts: Vec<_> = lines.into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, expected(&[line("two"), line("three"), line("four")]));
    run.silence().await;
    run.stop().await;
}

#[tokio::test]
async fn two_rotations_while_down_are_read_in_order_and_once() {
    for oldest_is_gone in [false, true] {
        let place = Place::new();
        tokio::time::sleep(Duration::from_millis(20)).await;
        place.append("a.log", block("first", 3));
        let mut run = place.start(place.settings());
        run.lines(3).await;
        run.stop().await;
        place.append("a.log", line("rest"));
        rename(&place, "a.log", "a.log.2");
        place.append("a.log.1", line("in the middle"));
        place.append("a.log", line("last"));
        let mut wanted = vec![line("rest"), line("in the middle"), line("last")];
        if oldest_is_gone {
            fs::remove_file(place.path("a.log.2")).unwrap();
            wanted.remove(0);
        }
        for round in 0..2 {
            let mut run = place.start(place.settings());
            if round == 0 {
                let lines = run.lines(wanted.len()).await;
                assert!(lines.iter().all(|(name, _)| name == "a.log"), "{lines:?}");
                let texts: Vec<_> = lines.into_iter().map(|(_, text)| text).collect();
                assert_eq!(texts, expected(&wanted));
            }
            run.silence().await;
            run.stop().await;
        }
    }
}

#[tokio::test]
async fn copytruncate_far_behind_loses_nothing() {
    let place = Place::new();
    let blocks: Vec<String> = ["first", "second", "third"].map(|name| block(name, 5000)).into();
    place.append("a.log", &blocks[0]);
    let mut run = place.start_with(place.settings(), 1);
    let first = run.parcel().await;
    run.settle(&first);
    let mut texts: Vec<String> = first.batch.lines.iter().map(str::to_owned).collect();
    for (number, block) in blocks.iter().enumerate().skip(1) {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if number > 1 {
            rename(&place, "a.log.1", "a.log.2");
        }
        copytruncate(&place, "a.log", "a.log.1");
        place.append("a.log", block);
    }
    texts.extend(run.texts(15_000 - texts.len()).await);
    assert!(texts == expected(&blocks), "all, once, in order");
    run.silence().await;
    run.stop().await;
}

#[tokio::test]
async fn what_was_under_way_when_a_file_was_copied_and_truncated_is_read_again_after_a_crash() {
    let place = Place::new();
    place.append("a.log", block("first", 5000));
    let mut run = place.start_with(place.settings(), 1);
    run.parcel().await;
    copytruncate(&place, "a.log", "a.log.1");
    place.append("a.log", line("new"));
    // Nothing settles, and the process dies when it has moved on to the copy.
    let mut read = 0;
    while read < 2000 {
        read += run.parcel().await.batch.len();
    }
    run.stop().await;
    let mut run = place.start(place.settings());
    let texts = run.texts(5001).await;
    assert!(texts == expected(&[block("first", 5000), line("new")]));
    run.stop().await;
}

#[tokio::test]
async fn copytruncate_while_down_loses_nothing() {
    let place = Place::new();
    place.append("a.log", block("first", 3));
    let mut run = place.start(place.settings());
    run.lines(3).await;
    run.stop().await;
    place.append("a.log", line("rest"));
    copytruncate(&place, "a.log", "a.log.1");
    place.append("a.log", line("second"));
    rename(&place, "a.log.1", "a.log.2");
    copytruncate(&place, "a.log", "a.log.1");
    place.append("a.log", block("third", 10));
    for round in 0..2 {
        let mut run = place.start(place.settings());
        if round == 0 {
            let wanted = expected(&[line("rest"), line("second"), block("third", 10)]);
            assert_eq!(run.texts(wanted.len()).await, wanted);
        }
        run.silence().await;
        run.stop().await;
    }
}

/// Rotations leave empty files, and nothing in those tells one time from another.
#[tokio::test]
async fn what_was_written_to_an_empty_file_before_it_was_copied_and_truncated_is_read() {
    for (down, after) in [(false, ""), (false, "after"), (true, ""), (true, "after")] {
        let place = Place::new();
        place.append("a.log", "");
        let before = place.start(place.settings());
        while before.metric("loki_source_file_files_active_total") < 1.0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mut wanted = vec![line("between two looks")];
        let mut before = Some(before);
        if down {
            before.take().unwrap().stop().await;
        }
        place.append("a.log", &wanted[0]);
        copytruncate(&place, "a.log", "a.log.1");
        if !after.is_empty() {
            wanted.push(line(after));
            place.append("a.log", &wanted[1]);
        }
        let mut run = before.unwrap_or_else(|| place.start(place.settings()));
        assert_eq!(
            run.texts(wanted.len()).await,
            expected(&wanted),
            "{down} {after:?}"
        );
        run.silence().await;
        run.stop().await;
    }
}

#[tokio::test]
async fn truncated_and_written_anew_with_the_same_content_is_read_again() {
    let place = Place::new();
    place.append("a.log", block("same", 3));
    let mut run = place.start(place.settings());
    run.lines(3).await;
    for round in 1..=2 {
        fs::write(place.path("a.log"), "").unwrap();
        let seen = async {
            while run.metric("millstream_source_file_truncations_total") < f64::from(round) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, seen).await.unwrap();
        place.append("a.log", block("same", 3));
        assert_eq!(run.texts(3).await, expected(&[block("same", 3)]));
    }
    run.silence().await;
    run.stop().await;
}

#[tokio::test]
async fn a_file_replaced_as_a_whole_is_read_from_its_beginning() {
    for (name, size) in [("smaller", 2), ("bigger", 9)] {
        for running in [true, false] {
            let place = Place::new();
            place.append("a.log", block("old", 5));
            let mut run = place.start(place.settings());
            run.lines(5).await;
            if running {
                place.append("a.log", line("late"));
                place.append("fresh", block(name, size));
                rename(&place, "fresh", "a.log");
                assert_eq!(
                    run.texts(1).await,
                    expected(&[line("late")]),
                    "what had the name is read to its end"
                );
            } else {
                run.stop().await;
                place.append("a.log", line("unread, and gone with its name"));
                place.append("fresh", block(name, size));
                rename(&place, "fresh", "a.log");
                run = place.start(place.settings());
            }
            assert_eq!(
                run.texts(size).await,
                expected(&[block(name, size)]),
                "{name}, running: {running}"
            );
            run.silence().await;
            run.stop().await;
        }
    }
}

#[tokio::test]
async fn a_reused_inode_with_the_same_first_bytes_is_another_file() {
    let place = Place::new();
    let mut reused = false;
    for _ in 0..20 {
        place.append("a.log", block("same", 30));
        let inode = fs::metadata(place.path("a.log")).unwrap().ino();
        let mut run = place.start(place.settings());
        assert_eq!(run.texts(30).await, expected(&[block("same", 30)]));
        run.stop().await;
        fs::remove_file(place.path("a.log")).unwrap();
        place.append("a.log", block("same", 60));
        reused |= fs::metadata(place.path("a.log")).unwrap().ino() == inode;
        let mut run = place.start(place.settings());
        assert_eq!(run.texts(60).await, expected(&[block("same", 60)]));
        run.stop().await;
        fs::remove_file(place.path("a.log")).unwrap();
        if reused {
            return;
        }
    }
    eprintln!("this file system did not use an inode again");
}

/// As the kubelet does: a link per container that leads to the file of its latest start.
#[tokio::test]
async fn a_link_set_anew_ends_the_old_target_before_the_new_one() {
    for running in [true, false] {
        let place = Place::new();
        fs::create_dir(place.path("pod")).unwrap();
        let settings = place.settings();
        place.append("pod/0.log", block("old", 3));
        symlink(place.path("pod/0.log"), place.path("x.log")).unwrap();
        let mut before = Some(place.start(settings.clone()));
        before.as_mut().unwrap().lines(3).await;
        if !running {
            before.take().unwrap().stop().await;
        }
        place.append("pod/0.log", block("last words", 2000));
        // The kubelet rotates by renaming, then points the link at the new file.
        rename(&place, "pod/0.log", "pod/0.log.20261122-101010");
        place.append("pod/1.log", block("new", 3));
        symlink(place.path("pod/1.log"), place.path("next")).unwrap();
        rename(&place, "next", "x.log");
        let mut run = before.unwrap_or_else(|| place.start(settings));
        let lines = run.lines(2003).await;
        assert!(lines.iter().all(|(name, _)| name == "x.log"), "the link's path");
        let texts: Vec<_> = lines.into_iter().map(|(_, text)| text).collect();
        assert!(
            texts == expected(&[block("last words", 2000), block("new", 3)]),
            "running: {running}"
        );
        run.silence().await;
        run.stop().await;
    }
}

#[tokio::test]
async fn a_reload_goes_on_in_files_that_globs_do_not_find() {
    let place = Place::new();
    place.append("a.log", block("old", 3000));
    let mut run = place.start_with(place.settings(), 1);
    let first = run.parcel().await;
    run.settle(&first);
    let mut texts: Vec<String> = first.batch.lines.iter().map(str::to_owned).collect();
    rename(&place, "a.log", "a.log.1");
    place.append("a.log", block("new", 3));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let book = run.end().await;
    let mut run = place.start_on(book, place.settings(), 64);
    texts.extend(run.texts(3003 - texts.len()).await);
    assert!(texts == expected(&[block("old", 3000), block("new", 3)]));
    run.silence().await;
    run.stop().await;
}

#[tokio::test]
async fn start_at_end_is_not_for_what_took_the_name_of_a_known_file() {
    let place = Place::new();
    place.append("a.log", block("old", 3));
    let settings = FileSettings {
        start_at: StartAt::End,
        ..place.settings()
    };
    let mut run = place.start(settings.clone());
    tokio::time::sleep(Duration::from_millis(300)).await;
    place.append("a.log", line("one"));
    assert_eq!(run.texts(1).await, expected(&[line("one")]));
    run.stop().await;
    rename(&place, "a.log", "a.log.1");
    place.append("a.log", line("first of the new"));
    place.append("b.log", line("a file of another name begins at its end"));
    let mut run = place.start(settings.clone());
    assert_eq!(run.texts(1).await, expected(&[line("first of the new")]));
    run.silence().await;
    run.stop().await;
    // Truncated while down, and never at its end: what was there is new.
    fs::write(place.path("a.log"), line("other")).unwrap();
    let mut run = place.start(settings);
    assert_eq!(run.texts(1).await, expected(&[line("other")]));
    run.stop().await;
}

#[tokio::test]
async fn a_restart_between_the_halves_of_a_line_neither_loses_nor_doubles_it() {
    let place = Place::new();
    let settings = FileSettings {
        idle_flush: Duration::from_millis(300),
        ..place.settings()
    };
    // Not given out before the restart: the whole line comes after it.
    place.append("a.log", "one\ntw");
    let mut run = place.start(place.settings());
    assert_eq!(run.texts(1).await, ["one"]);
    run.stop().await;
    place.append("a.log", "o\nthr");
    let mut run = place.start(settings.clone());
    // Given out by idle_flush: what comes later is a line of its own, and the line end alone is none.
    assert_eq!(run.texts(2).await, ["two", "thr"]);
    run.stop().await;
    let mut run = place.start(settings.clone());
    run.silence().await;
    run.stop().await;
    place.append("a.log", "\nfour\nfi");
    let mut run = place.start(settings.clone());
    assert_eq!(run.texts(2).await, ["four", "fi"]);
    run.stop().await;
    place.append("a.log", "ve\n");
    let mut run = place.start(settings);
    assert_eq!(run.texts(1).await, ["ve"]);
    run.silence().await;
    run.stop().await;
}
