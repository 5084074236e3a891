use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::disk::LocalDisk;
use crate::disk::memory::MemoryDisk;

fn checkpoint(offset: u64) -> Checkpoint {
    Checkpoint {
        source: "app".into(),
        path: "/var/log/예매.log".into(),
        real: None,
        device: 7,
        inode: u64::MAX,
        born: Some(1_700_000_000_000_000_001),
        fingerprint: Fingerprint::of(b"2026"),
        offset,
        unpacked: None,
        deleted: false,
        seen: 1_700_000_000,
    }
}

fn folder(disk: &MemoryDisk) -> Folder {
    Folder::open(Arc::new(disk.clone()), Path::new("/state")).unwrap()
}

fn path(name: &str) -> PathBuf {
    Path::new("/state").join(name)
}

fn names(disk: &MemoryDisk) -> Vec<String> {
    disk.list(Path::new("/state")).unwrap()
}

fn offsets(saved: &Saved) -> Vec<u64> {
    saved.files.iter().map(|file| file.offset).collect()
}

#[test]
fn what_is_saved_is_loaded_and_private() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("deep/state");
    let mut folder = Folder::open(Arc::new(LocalDisk), &path).unwrap();
    assert_eq!(folder.load().unwrap(), Saved::default());
    folder.save(vec![checkpoint(1)]).unwrap();
    folder.save(vec![checkpoint(2), checkpoint(3)]).unwrap();
    let saved = find(&LocalDisk, &path).unwrap();
    assert_eq!(saved.files, [checkpoint(2), checkpoint(3)]);
    assert_eq!(LocalDisk.list(&path).unwrap(), [NAME, PREVIOUS]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&path.join(NAME)), 0o600);
}

/// A save of version 1, as it was written then.
#[test]
fn a_save_of_the_first_version_is_read() {
    let text = r#"{
  "version": 1,
  "checksum": "476f5a05755d0d44",
  "files": [
    {
      "source": "app",
      "path": "/a.log",
      "device": 1,
      "inode": 10,
      "fingerprint": {
        "len": 0,
        "hash": 3244421341483603138
      },
      "offset": 0,
      "seen": 5
    }
  ]
}
"#;
    let files = decode(text.as_bytes()).unwrap();
    assert_eq!(
        (files[0].path.as_str(), files[0].born, files[0].deleted),
        ("/a.log", None, false)
    );
}

/// What can become of a checkpoint file, and what it is called.
fn damages(whole: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<(String, Vec<u8>)> = Vec::new();
    for cut in 0..whole.len() {
        all.push((format!("cut at {cut}"), whole[..cut].to_vec()));
        let nuls = vec![0; whole.len() - cut];
        all.push((format!("NULs from {cut}"), [&whole[..cut], &nuls].concat()));
        for flip in [0x01, 0x10, 0x80, 0xff] {
            let mut bytes = whole.to_vec();
            bytes[cut] ^= flip;
            all.push((format!("byte {cut} flipped by {flip:#x}"), bytes));
        }
    }
    let text = String::from_utf8(whole.to_vec()).unwrap();
    let offset = "\"offset\": 2,";
    assert!(text.contains(offset));
    for (name, other) in [
        ("negative", "\"offset\": -2,"),
        ("huge", "\"offset\": 99999999999999999999999999,"),
        ("a fraction", "\"offset\": 2.5,"),
        ("text", "\"offset\": \"2\","),
        ("null", "\"offset\": null,"),
        ("given twice", "\"offset\": 2, \"offset\": 3,"),
        ("missing", ""),
        ("beside an unknown key", "\"offset\": 2, \"more\": 1,"),
        ("another number", "\"offset\": 3,"),
        ("the largest number", "\"offset\": 18446744073709551615,"),
    ] {
        all.push((format!("offset {name}"), text.replace(offset, other).into_bytes()));
    }
    for (name, bytes) in [
        ("not JSON", "positions:\n  /var/log/a.log: 5\n"),
        ("another document", "{}"),
        ("a list", "[1, 2]"),
        ("no number for a version", r#"{"version": "2"}"#),
        ("version 0", r#"{"version": 0, "checksum": "", "files": []}"#),
        ("a negative version", r#"{"version": -1}"#),
        (
            "files that are none",
            r#"{"version": 2, "checksum": "x", "files": 7}"#,
        ),
    ] {
        all.push((name.to_owned(), bytes.as_bytes().to_vec()));
    }
    all.push(("deep".to_owned(), "[".repeat(100_000).into_bytes()));
    all
}

#[test]
fn every_damage_falls_back_to_the_save_before_and_is_kept() {
    let (older, whole) = (
        encode(vec![checkpoint(1)]).unwrap(),
        encode(vec![checkpoint(2)]).unwrap(),
    );
    let mut harmless = Vec::new();
    for (name, bytes) in damages(&whole) {
        let disk = MemoryDisk::default();
        disk.put(&path(NAME), &bytes);
        disk.put(&path(PREVIOUS), &older);
        let mut folder = folder(&disk);
        let saved = folder.load().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!saved.is_lost(), "{name}");
        if offsets(&saved) == [2] {
            harmless.push(name);
            continue;
        }
        assert_eq!(offsets(&saved), [1], "{name}");
        assert_eq!(
            (saved.from, saved.broken.len()),
            (Some(path(PREVIOUS)), 1),
            "{name}"
        );
        assert_eq!(names(&disk), [NAME, PREVIOUS], "looking changes nothing");
        folder.save(vec![checkpoint(3)]).unwrap();
        assert_eq!(
            disk.read(&path("checkpoints.json.corrupt-1")).unwrap(),
            bytes,
            "{name}"
        );
        assert_eq!(offsets(&find(&disk, Path::new("/state")).unwrap()), [3], "{name}");
    }
    // Only the line end behind the document may be missing or be another white space, and letters of a checksum large.
    for name in harmless {
        assert!(name == format!("cut at {}", whole.len() - 1), "{name}");
    }
}

#[test]
fn when_both_are_damaged_all_is_lost_and_said_and_kept() {
    let whole = encode(vec![checkpoint(2)]).unwrap();
    for (name, bytes) in damages(&whole) {
        if decode(&bytes).is_ok() {
            continue;
        }
        for previous in [Some(b"\0\0\0\0".to_vec()), None] {
            let disk = MemoryDisk::default();
            disk.put(&path(NAME), &bytes);
            if let Some(previous) = &previous {
                disk.put(&path(PREVIOUS), previous);
            }
            let mut folder = folder(&disk);
            let saved = folder.load().unwrap();
            assert!(saved.is_lost() && saved.files.is_empty(), "{name}");
            assert!(saved.broken.iter().all(|file| !file.why.is_empty()), "{name}");
            folder.save(vec![checkpoint(3)]).unwrap();
            let saved = find(&disk, Path::new("/state")).unwrap();
            assert_eq!((offsets(&saved), saved.broken), (vec![3], vec![]), "{name}");
            let kept: Vec<_> = names(&disk)
                .into_iter()
                .filter(|name| name.contains("corrupt"))
                .collect();
            assert_eq!(kept.len(), 1 + usize::from(previous.is_some()), "{name}");
        }
    }
}

#[test]
fn only_the_previous_being_there_and_broken_is_a_loss_too() {
    let disk = MemoryDisk::default();
    disk.put(&path(PREVIOUS), b"");
    assert!(folder(&disk).load().unwrap().is_lost());
}

#[test]
fn what_is_set_aside_is_bounded() {
    let disk = MemoryDisk::default();
    let mut folder = folder(&disk);
    for round in 0..20 {
        disk.put(&path(NAME), b"\0\0\0\0");
        disk.put(&path(PREVIOUS), format!("{{ {round}").as_bytes());
        assert!(folder.load().unwrap().is_lost());
        folder.save(vec![]).unwrap();
    }
    assert_eq!(names(&disk).len(), MAX_SET_ASIDE as usize + 1);
}

#[test]
fn a_later_version_is_refused_and_left_alone() {
    let whole = encode(vec![checkpoint(1)]).unwrap();
    for (current, previous) in [
        (&br#"{"version": 3, "books": []}"#[..], &whole[..]),
        (b"torn", br#"{"version": 3, "books": []}"#),
    ] {
        let disk = MemoryDisk::default();
        disk.put(&path(NAME), current);
        disk.put(&path(PREVIOUS), previous);
        let error = folder(&disk).load().unwrap_err();
        assert!(error.to_string().contains("is of version 3"), "{error}");
        assert!(
            error
                .to_string()
                .contains("run the later program, or move the file away"),
            "{error}"
        );
        assert_eq!(disk.read(&path(NAME)).unwrap(), current);
        assert_eq!(names(&disk), [NAME, PREVIOUS]);
    }
}

#[test]
fn a_file_that_may_not_be_read_is_not_taken_for_a_broken_one() {
    let disk = MemoryDisk::default();
    disk.put(&path(NAME), &encode(vec![checkpoint(1)]).unwrap());
    let mut folder = folder(&disk);
    disk.fail_reading(Some(io::ErrorKind::PermissionDenied));
    let error = folder.load().unwrap_err();
    assert_eq!(
        error.to_string(),
        "reading checkpoints from /state/checkpoints.json"
    );
    disk.fail_reading(Some(io::ErrorKind::IsADirectory));
    assert!(
        folder.load().unwrap().is_lost(),
        "what the disk cannot give is lost"
    );
}

#[test]
fn whatever_fails_the_last_save_stands_and_the_next_works() {
    for kind in [
        io::ErrorKind::StorageFull,
        io::ErrorKind::ReadOnlyFilesystem,
        io::ErrorKind::PermissionDenied,
        io::ErrorKind::Other,
    ] {
        let disk = MemoryDisk::default();
        let mut folder = folder(&disk);
        folder.save(vec![checkpoint(1)]).unwrap();
        if kind == io::ErrorKind::StorageFull {
            disk.resize(Some(disk.used() + 40));
        } else {
            disk.fail(Some(kind));
        }
        let error = folder.save(vec![checkpoint(2)]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "writing checkpoints to /state/checkpoints.json.new"
        );
        assert_eq!(
            offsets(&find(&disk, Path::new("/state")).unwrap()),
            [1],
            "{kind:?}"
        );
        if kind == io::ErrorKind::StorageFull {
            assert_eq!(names(&disk), [NAME], "what did not fit is not left in the way");
        }
        disk.resize(None);
        disk.fail(None);
        folder.save(vec![checkpoint(3)]).unwrap();
        assert_eq!(
            offsets(&find(&disk, Path::new("/state")).unwrap()),
            [3],
            "{kind:?}"
        );
    }
}

/// Goes down after every number of steps of three saves, and comes up with all that a crash may leave.
fn crash_everywhere(prepare: impl Fn(&MemoryDisk), allowed: impl Fn(&Saved, usize) -> bool) {
    let saves = |disk: &MemoryDisk| -> usize {
        let mut folder = folder(disk);
        folder.load().unwrap();
        (1..=3_u32)
            .take_while(|&number| folder.save(vec![checkpoint(u64::from(number))]).is_ok())
            .count()
    };
    let disk = MemoryDisk::default();
    disk.make_folder(Path::new("/state")).unwrap();
    prepare(&disk);
    let before = disk.steps();
    assert_eq!(saves(&disk), 3);
    let steps = disk.steps() - before;
    assert!(steps > 15, "{steps}");
    for step in 0..=steps {
        for seed in 0..200 {
            let disk = MemoryDisk::default();
            disk.make_folder(Path::new("/state")).unwrap();
            prepare(&disk);
            disk.cut_power_after(disk.steps() + step);
            let done = saves(&disk);
            disk.crash(seed);
            let found = find(&disk, Path::new("/state")).unwrap();
            assert!(
                allowed(&found, done),
                "step {step}, seed {seed}, {done} saved: {found:?}"
            );
            // And it goes on from there.
            let mut folder = folder(&disk);
            folder.load().unwrap();
            folder.save(vec![checkpoint(9)]).unwrap();
            assert_eq!(offsets(&find(&disk, Path::new("/state")).unwrap()), [9]);
        }
    }
}

#[test]
fn a_crash_at_any_step_leaves_the_last_save_or_the_new_one() {
    crash_everywhere(
        |_| {},
        |found, done| {
            let allowed = if done == 0 {
                vec![vec![], vec![1]]
            } else {
                vec![vec![done as u64], vec![done as u64 + 1]]
            };
            found.broken.is_empty() && allowed.contains(&offsets(found))
        },
    );
}

#[test]
fn a_crash_while_broken_files_are_set_aside_does_not_hide_the_loss() {
    for (current, previous) in [
        (Some("torn"), Some("torn too")),
        (Some("torn"), None),
        (None, Some("torn")),
    ] {
        crash_everywhere(
            |disk| {
                for (name, text) in [(NAME, current), (PREVIOUS, previous)] {
                    if let Some(text) = text {
                        disk.put(&path(name), text.as_bytes());
                    }
                }
            },
            |found, done| {
                let newer = [vec![done as u64], vec![done as u64 + 1]];
                (done == 0 && found.is_lost()) || newer.contains(&offsets(found)) && !found.is_lost()
            },
        );
    }
}

#[test]
fn a_crash_after_a_fall_back_leaves_what_it_fell_back_to() {
    crash_everywhere(
        |disk| {
            disk.put(&path(NAME), b"torn");
            disk.put(&path(PREVIOUS), &encode(vec![checkpoint(7)]).unwrap());
        },
        |found, done| {
            let newer = [vec![done as u64], vec![done as u64 + 1]];
            (done == 0 && offsets(found) == [7]) || newer.contains(&offsets(found))
        },
    );
}
