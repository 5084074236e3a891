use std::os::unix::fs::PermissionsExt;

use super::*;

fn checkpoint(offset: u64) -> Checkpoint {
    Checkpoint {
        source: "app".into(),
        path: "/var/log/예매.log".into(),
        device: 7,
        inode: u64::MAX,
        fingerprint: Fingerprint::of(b"2026"),
        offset,
        seen: 1_700_000_000,
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_is_saved_is_loaded_and_private() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("deep/state");
    let folder = Folder::open(&path).unwrap();
    assert_eq!(folder.load().unwrap(), []);
    folder.save(vec![checkpoint(1)]).unwrap();
    folder.save(vec![checkpoint(2), checkpoint(3)]).unwrap();
    assert_eq!(
        Folder::open(&path).unwrap().load().unwrap(),
        [checkpoint(2), checkpoint(3)]
    );
    assert_eq!(names(&path), ["checkpoints.json", "checkpoints.json.1"]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&path.join(NAME)), 0o600);
}

#[test]
fn every_truncation_falls_back_to_the_save_before() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("state");
    let whole = encode(vec![checkpoint(2)]).unwrap();
    let older = encode(vec![checkpoint(1)]).unwrap();
    for cut in 0..whole.len() {
        for (broken, kind) in [
            (whole[..cut].to_vec(), "cut"),
            (
                [&whole[..cut], &vec![0; whole.len() - cut][..]].concat(),
                "NUL-filled",
            ),
        ] {
            let folder = Folder::open(&path).unwrap();
            fs::write(path.join(NAME), &broken).unwrap();
            fs::write(path.join(previous()), &older).unwrap();
            let loaded = folder.load().unwrap();
            if decode(&broken).is_ok() {
                // Only the line end behind the document is missing.
                assert_eq!((cut, kind), (whole.len() - 1, "cut"));
                assert_eq!(loaded, [checkpoint(2)]);
            } else {
                assert_eq!(loaded, [checkpoint(1)], "{kind} at {cut}");
                assert_eq!(fs::read(path.join("checkpoints.json.corrupt-1")).unwrap(), broken);
            }
            fs::remove_dir_all(&path).unwrap();
        }
    }
}

#[test]
fn a_flipped_digit_is_noticed() {
    let whole = String::from_utf8(encode(vec![checkpoint(123_456)]).unwrap()).unwrap();
    let flipped = whole.replace("123456", "923456");
    assert!(matches!(decode(flipped.as_bytes()), Err(Broken::Checksum { .. })));
}

#[test]
fn both_broken_starts_anew_and_keeps_the_evidence() {
    let temp = tempfile::tempdir().unwrap();
    let folder = Folder::open(temp.path()).unwrap();
    for round in 0..20 {
        fs::write(temp.path().join(NAME), b"\0\0\0\0").unwrap();
        fs::write(temp.path().join(previous()), format!("{{ {round}")).unwrap();
        assert_eq!(folder.load().unwrap(), []);
    }
    assert_eq!(names(temp.path()).len(), MAX_SET_ASIDE as usize, "bounded");
}

#[test]
fn a_crash_between_the_renames_loses_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let folder = Folder::open(temp.path()).unwrap();
    folder.save(vec![checkpoint(1)]).unwrap();
    fs::rename(temp.path().join(NAME), temp.path().join(previous())).unwrap();
    assert_eq!(folder.load().unwrap(), [checkpoint(1)]);
}

#[test]
fn a_later_version_is_refused_and_left_alone() {
    let temp = tempfile::tempdir().unwrap();
    let folder = Folder::open(temp.path()).unwrap();
    fs::write(temp.path().join(NAME), r#"{"version": 2, "books": []}"#).unwrap();
    let error = folder.load().unwrap_err();
    assert!(error.to_string().contains("is of version 2"), "{error}");
    assert_eq!(names(temp.path()), [NAME]);
}

#[test]
fn a_failed_save_leaves_the_last_one_standing() {
    let temp = tempfile::tempdir().unwrap();
    let folder = Folder::open(temp.path()).unwrap();
    folder.save(vec![checkpoint(1)]).unwrap();
    fs::create_dir(temp.path().join("checkpoints.json.new")).unwrap();
    let error = folder.save(vec![checkpoint(2)]).unwrap_err();
    assert!(error.to_string().starts_with("writing checkpoints to"), "{error}");
    assert_eq!(folder.load().unwrap(), [checkpoint(1)]);
}
