use super::*;

const HEAD: &[u8] = b"2026-01-01 first line\n";
const ID: FileId = FileId { device: 1, inode: 10 };

fn identity() -> Identity {
    Identity {
        id: ID,
        print: Fingerprint::of(HEAD),
    }
}

fn begin(book: &CheckpointBook, offset: u64, pipes: u32) -> u64 {
    book.begin(Beginning {
        source: "app",
        path: "/a.log",
        identity: identity(),
        offset,
        pipes,
    })
    .origin
}

/// What a restart would find: the offset and path of the file.
fn after_restart(dir: &Path, size: u64) -> Option<(u64, String)> {
    let book = CheckpointBook::open(dir).unwrap();
    book.resume("app", ID, "/a.log", HEAD, size, 1)
        .map(|resume| (resume.offset, resume.path))
}

#[test]
fn the_slowest_pipe_decides() {
    let dir = tempfile::tempdir().unwrap();
    let book = CheckpointBook::open(dir.path()).unwrap();
    let origin = begin(&book, 0, 2);
    book.settled(0, origin, 500);
    book.save().unwrap();
    assert_eq!(after_restart(dir.path(), 1000), Some((0, "/a.log".into())));
    book.settled(1, origin, 300);
    book.settled(1, origin, 200);
    book.settled(7, origin, 900);
    book.settled(0, origin + 99, 900);
    book.save().unwrap();
    assert_eq!(after_restart(dir.path(), 1000), Some((300, "/a.log".into())));
}

#[test]
fn only_the_same_file_resumes() {
    let dir = tempfile::tempdir().unwrap();
    let book = CheckpointBook::open(dir.path()).unwrap();
    let origin = begin(&book, 0, 1);
    book.settled(0, origin, 100);
    book.save().unwrap();
    let resume = |source: &str, id, path: &str, head: &[u8], size| {
        let book = CheckpointBook::open(dir.path()).unwrap();
        book.resume(source, id, path, head, size, 1)
            .map(|resume| resume.offset)
    };
    assert_eq!(resume("app", ID, "/renamed", HEAD, 100), Some(100));
    assert_eq!(
        resume("app", ID, "/a.log", HEAD, 99),
        None,
        "shorter than what was read"
    );
    assert_eq!(
        resume("app", ID, "/a.log", b"2026-02-02 other line\n", 200),
        None,
        "written anew"
    );
    assert_eq!(resume("other", ID, "/a.log", HEAD, 200), None, "another source");
    let mounted = FileId { device: 2, ..ID };
    assert_eq!(
        resume("app", mounted, "/a.log", HEAD, 200),
        Some(100),
        "mounted anew"
    );
    assert_eq!(
        resume("app", mounted, "/b.log", HEAD, 200),
        None,
        "the same inode of another disk"
    );
    assert_eq!(
        resume("app", FileId { inode: 11, ..ID }, "/a.log", HEAD, 200),
        None,
        "another file of that name"
    );
}

#[test]
fn a_closed_file_waits_for_its_entries_and_reads_on_where_it_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let book = CheckpointBook::open(dir.path()).unwrap();
    let origin = begin(&book, 0, 1);
    book.settled(0, origin, 100);
    book.close(origin, 300, false);
    let resume = book.resume("app", ID, "/a.log", HEAD, 400, 1).unwrap();
    assert_eq!(
        (resume.origin, resume.offset),
        (origin, 300),
        "what is on its way is not read again"
    );
    book.close(origin, 300, false);
    book.settled(0, origin, 300);
    assert_eq!(
        book.unread("app")
            .iter()
            .map(|checkpoint| checkpoint.offset)
            .collect::<Vec<_>>(),
        [300]
    );
    let resume = book.resume("app", ID, "/a.log", HEAD, 400, 1).unwrap();
    assert_eq!(resume.offset, 300);
    assert_ne!(resume.origin, origin);
}

#[test]
fn a_source_built_anew_starts_at_what_has_settled() {
    let dir = tempfile::tempdir().unwrap();
    let book = CheckpointBook::open(dir.path()).unwrap();
    let origin = begin(&book, 0, 1);
    book.settled(0, origin, 100);
    let resume = book.resume("app", ID, "/a.log", HEAD, 400, 1).unwrap();
    assert_eq!(resume.offset, 100);
    book.settled(0, origin, 400);
    book.save().unwrap();
    assert_eq!(
        after_restart(dir.path(), 400),
        Some((100, "/a.log".into())),
        "reports of the former run are void"
    );
}

#[test]
fn a_deleted_file_is_forgotten_once_it_has_settled() {
    let dir = tempfile::tempdir().unwrap();
    let book = CheckpointBook::open(dir.path()).unwrap();
    let origin = begin(&book, 0, 1);
    book.close(origin, 300, true);
    book.save().unwrap();
    assert_eq!(after_restart(dir.path(), 400), Some((0, "/a.log".into())));
    book.settled(0, origin, 300);
    book.save().unwrap();
    assert_eq!(
        after_restart(dir.path(), 400),
        None,
        "its inode may be another file's by now"
    );
}

#[test]
fn a_file_that_is_gone_is_forgotten_after_a_day() {
    let dir = tempfile::tempdir().unwrap();
    let book = CheckpointBook::open(dir.path()).unwrap();
    let origin = begin(&book, 50, 1);
    book.close(origin, 50, false);
    let mut pages = book.pages();
    assert_eq!(
        pages.snapshot(now() + FORGET_AFTER.as_secs() - 5).unwrap().len(),
        1
    );
    pages.changed = true;
    assert_eq!(pages.snapshot(now() + FORGET_AFTER.as_secs() + 5).unwrap(), []);
}

#[test]
fn an_agent_that_was_down_for_days_remembers() {
    let dir = tempfile::tempdir().unwrap();
    let book = CheckpointBook::open(dir.path()).unwrap();
    let origin = begin(&book, 50, 1);
    book.close(origin, 50, false);
    book.save().unwrap();
    let book = CheckpointBook::open(dir.path()).unwrap();
    let mut pages = book.pages();
    for checkpoint in pages.resting.values_mut() {
        checkpoint.seen = 0;
    }
    pages.changed = true;
    assert_eq!(pages.snapshot(now() + RECALL - 5).unwrap().len(), 1);
}

#[test]
fn a_failed_save_is_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let book = CheckpointBook::open(dir.path()).unwrap();
    let origin = begin(&book, 0, 1);
    book.settled(0, origin, 70);
    let obstacle = dir.path().join("checkpoints.json.new");
    std::fs::create_dir(&obstacle).unwrap();
    book.save().unwrap_err();
    std::fs::remove_dir(&obstacle).unwrap();
    book.save().unwrap();
    assert_eq!(after_restart(dir.path(), 100), Some((70, "/a.log".into())));
}

#[tokio::test(start_paused = true)]
async fn keep_saves_within_a_second_and_only_changes() {
    let dir = tempfile::tempdir().unwrap();
    let book = CheckpointBook::open(dir.path()).unwrap();
    let stop = CancellationToken::new();
    let keeper = tokio::spawn(book.clone().keep(stop.clone()));
    let origin = begin(&book, 0, 1);
    book.settled(0, origin, 70);
    while book.pages().changed {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stop.cancel();
    keeper.await.unwrap();
    assert_eq!(after_restart(dir.path(), 100), Some((70, "/a.log".into())));
    assert_eq!(book.pages().snapshot(now()), None);
}

#[test]
fn what_a_graph_left_unsettled_is_read_again_by_the_next_also_of_closed_files() {
    let dir = tempfile::tempdir().unwrap();
    let book = CheckpointBook::open(dir.path()).unwrap();
    let origin = begin(&book, 0, 1);
    book.settled(0, origin, 100);
    book.close(origin, 300, false);
    let resume = |offset| {
        book.resume("app", ID, "/a.log", HEAD, 300, 1)
            .map(|resume| resume.offset)
            == Some(offset)
    };
    assert!(resume(300), "in the same graph it is on its way");
    book.close(origin, 300, false);
    book.end();
    assert!(resume(100));
    book.settled(0, origin, 300);
    book.save().unwrap();
    assert_eq!(after_restart(dir.path(), 300), Some((100, "/a.log".into())));
}
