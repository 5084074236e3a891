use std::io;

use super::*;

const HEAD: &[u8] = b"2026-01-01 first line\n";
const ID: FileId = FileId { device: 1, inode: 10 };

fn identity() -> Identity {
    Identity {
        id: ID,
        born: Some(5),
        print: Fingerprint::of(HEAD),
    }
}

fn sighting(size: u64) -> Sighting<'static> {
    Sighting {
        source: "app",
        path: "/a.log",
        id: ID,
        born: Some(5),
        head: HEAD,
        size,
        pipes: &[0],
    }
}

fn begin(book: &CheckpointBook, offset: u64, pipes: &[u32]) -> u64 {
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
    book.resume(&sighting(size))
        .map(|resume| (resume.offset, resume.path))
}

#[test]
fn the_slowest_pipe_decides() {
    let dir = tempfile::tempdir().unwrap();
    let book = CheckpointBook::open(dir.path()).unwrap();
    let origin = begin(&book, 0, &[0, 1]);
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
    let origin = begin(&book, 0, &[0]);
    book.settled(0, origin, 100);
    book.save().unwrap();
    let resume = |source: &str, id, path: &str, head: &[u8], size| {
        let book = CheckpointBook::open(dir.path()).unwrap();
        let file = Sighting {
            source,
            id,
            path,
            head,
            ..sighting(size)
        };
        book.resume(&file).map(|resume| resume.offset)
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
    let origin = begin(&book, 0, &[0]);
    book.settled(0, origin, 100);
    book.close(origin, 300, false);
    let resume = book.resume(&sighting(400)).unwrap();
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
    let resume = book.resume(&sighting(400)).unwrap();
    assert_eq!(resume.offset, 300);
    assert_ne!(resume.origin, origin);
}

#[test]
fn a_source_built_anew_starts_at_what_has_settled() {
    let dir = tempfile::tempdir().unwrap();
    let book = CheckpointBook::open(dir.path()).unwrap();
    let origin = begin(&book, 0, &[0]);
    book.settled(0, origin, 100);
    let resume = book.resume(&sighting(400)).unwrap();
    assert_eq!(resume.offset, 100);
    book.settled(0, origin, 400);
    book.save().unwrap();
    assert_eq!(
        after_restart(dir.path(), 400),
        Some((100, "/a.log".into())),
        "reports of the former run are void"
    );
}

/// Its inode may be another file's by now, which may begin with the same line.
#[test]
fn a_deleted_file_is_never_resumed_and_forgotten_once_it_has_settled() {
    let dir = tempfile::tempdir().unwrap();
    let book = CheckpointBook::open(dir.path()).unwrap();
    let origin = begin(&book, 0, &[0]);
    book.close(origin, 300, true);
    assert_eq!(book.resume(&sighting(400)), None);
    book.save().unwrap();
    assert_eq!(after_restart(dir.path(), 400), None);
    let unread = |book: &CheckpointBook| {
        book.unread("app")
            .iter()
            .map(|known| (known.offset, known.deleted))
            .collect::<Vec<_>>()
    };
    let restarted = CheckpointBook::open(dir.path()).unwrap();
    assert_eq!(unread(&restarted), [(0, true)], "gzip may have packed it");
    book.settled(0, origin, 300);
    assert_eq!(unread(&book), []);
    book.save().unwrap();
    assert_eq!(unread(&CheckpointBook::open(dir.path()).unwrap()), []);
}

#[test]
fn a_file_deleted_while_it_is_open_is_not_resumed_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let book = CheckpointBook::open(dir.path()).unwrap();
    let origin = begin(&book, 100, &[0]);
    book.seen_at(origin, "/a.log", true);
    book.save().unwrap();
    assert_eq!(after_restart(dir.path(), 400), None);
}

#[test]
fn an_inode_that_was_made_later_is_another_file() {
    let dir = tempfile::tempdir().unwrap();
    let book = CheckpointBook::open(dir.path()).unwrap();
    begin(&book, 10, &[0]);
    book.save().unwrap();
    let resume = |born| {
        let book = CheckpointBook::open(dir.path()).unwrap();
        let file = Sighting {
            born,
            ..sighting(400)
        };
        book.resume(&file).is_some()
    };
    assert!(
        !resume(Some(6)),
        "the same inode, the same first bytes, made later"
    );
    assert!(resume(Some(5)));
    assert!(resume(None), "a file system that does not know");
}

#[test]
fn a_file_that_is_gone_is_forgotten_after_a_day() {
    let dir = tempfile::tempdir().unwrap();
    let book = CheckpointBook::open(dir.path()).unwrap();
    let origin = begin(&book, 50, &[0]);
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
    let origin = begin(&book, 50, &[0]);
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
    let origin = begin(&book, 0, &[0]);
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
    let origin = begin(&book, 0, &[0]);
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
    let origin = begin(&book, 0, &[0]);
    book.settled(0, origin, 100);
    book.close(origin, 300, false);
    let resume = |offset| book.resume(&sighting(300)).map(|resume| resume.offset) == Some(offset);
    assert!(resume(300), "in the same graph it is on its way");
    book.close(origin, 300, false);
    book.end();
    assert!(resume(100));
    book.settled(0, origin, 300);
    book.save().unwrap();
    assert_eq!(after_restart(dir.path(), 300), Some((100, "/a.log".into())));
}

/// Disk full, remounted read-only, broken, forbidden: counted every time, over without a restart.
#[test]
fn failed_saves_are_counted_and_the_first_that_works_saves_everything() {
    use crate::disk::memory::MemoryDisk;
    let (disk, dir) = (MemoryDisk::default(), Path::new("/state"));
    let book = CheckpointBook::open_on(Arc::new(disk.clone()), dir).unwrap();
    let registry = Registry::new();
    book.register_in(&registry).unwrap();
    assert!(book.register_in(&registry).is_err(), "once");
    let metric = |name: &str| {
        let families = registry.gather();
        let family = families.iter().find(|family| family.name() == name).unwrap();
        let metric = &family.get_metric()[0];
        metric.get_counter().get_value() + metric.get_gauge().get_value()
    };
    let origin = begin(&book, 0, &[0]);
    book.save().unwrap();
    let kinds = [
        io::ErrorKind::ReadOnlyFilesystem,
        io::ErrorKind::PermissionDenied,
        io::ErrorKind::Other,
    ];
    for (failures, kind) in (1..).zip(kinds) {
        book.settled(0, origin, 10 * failures);
        disk.fail(Some(kind));
        book.save().unwrap_err();
        assert_eq!(
            metric("millstream_checkpoint_save_failures_total"),
            failures as f64
        );
    }
    disk.fail(None);
    disk.resize(Some(disk.used() + 10));
    book.save().unwrap_err();
    let saved = |offset| {
        let book = CheckpointBook::open_on(Arc::new(disk.clone()), dir).unwrap();
        assert_eq!(book.unread("app")[0].offset, offset);
    };
    saved(0);
    disk.resize(None);
    book.save().unwrap();
    saved(30);
    assert_eq!(metric("millstream_checkpoint_save_failures_total"), 4.0);
    assert_eq!(metric("millstream_checkpoint_age_seconds"), 0.0);
}

#[tokio::test(start_paused = true)]
async fn the_age_of_what_is_on_disk_grows_while_it_cannot_be_saved() {
    use crate::disk::memory::MemoryDisk;
    let disk = MemoryDisk::default();
    let book = CheckpointBook::open_on(Arc::new(disk.clone()), Path::new("/state")).unwrap();
    let registry = Registry::new();
    book.register_in(&registry).unwrap();
    let age = || {
        registry
            .gather()
            .iter()
            .find(|family| family.name().contains("age"))
            .unwrap()
            .get_metric()[0]
            .get_gauge()
            .get_value()
    };
    let stop = CancellationToken::new();
    let keeper = tokio::spawn(book.clone().keep(stop.clone()));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(age() < 2.0, "nothing has changed: {}", age());
    disk.fail(Some(io::ErrorKind::ReadOnlyFilesystem));
    begin(&book, 0, &[0]);
    while age() < 30.0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    disk.fail(None);
    while age() > 0.0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    stop.cancel();
    keeper.await.unwrap();
}

#[test]
fn a_reused_inode_does_not_take_the_place_of_what_is_owed_of_the_old_file() {
    let dir = tempfile::tempdir().unwrap();
    let book = CheckpointBook::open(dir.path()).unwrap();
    let old = begin(&book, 0, &[0]);
    book.settled(0, old, 100);
    book.close(old, 300, true);
    let reused = Identity {
        born: Some(6),
        ..identity()
    };
    let file = Beginning {
        source: "app",
        path: "/a.log",
        identity: reused,
        offset: 0,
        pipes: &[0],
    };
    let new = book.begin(file).origin;
    book.settled(0, new, 7);
    book.save().unwrap();
    let mut offsets: Vec<_> = CheckpointBook::open(dir.path())
        .unwrap()
        .unread("app")
        .iter()
        .map(|known| (known.offset, known.deleted))
        .collect();
    offsets.sort_unstable();
    assert_eq!(offsets, [(7, false), (100, true)]);
    book.settled(0, old, 300);
    assert!(book.knows("app", ID, Some(6)) && !book.knows("app", ID, Some(5)));
}
