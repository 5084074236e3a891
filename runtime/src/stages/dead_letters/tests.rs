use std::io::ErrorKind;
use std::path::Path;

use millstream_batch::{Field, Labels};

use super::*;
use crate::disk::memory::MemoryDisk;

fn batch(lines: &[&str]) -> LogBatch {
    LogBatch {
        timestamps: (0..lines.len() as i64).collect(),
        lines: lines.iter().copied().collect(),
        streams: vec![0; lines.len()],
        labels: vec![Labels::from_pairs([("filename", "/a.log")])],
        fields: vec![Field::from_values(
            "level",
            lines.iter().map(|line| (!line.is_empty()).then_some("INFO")),
        )],
        ..LogBatch::default()
    }
}

fn letters(disk: &MemoryDisk) -> LetterBox {
    DeadLetters::new(Arc::new(disk.clone()), "/letters".into()).of("app", "redact")
}

fn kept(disk: &MemoryDisk) -> Vec<Value> {
    let text = disk
        .read(Path::new("/letters/app.redact.jsonl"))
        .unwrap_or_default();
    let text = String::from_utf8(text).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn an_entry_is_kept_whole_with_the_reason() {
    let disk = MemoryDisk::default();
    letters(&disk)
        .put(&batch(&["one \"quoted\"", ""]), "it trapped", 7)
        .unwrap();
    let why = json!({ "pipeline": "app", "stage": "redact", "error": "it trapped", "at": 7 });
    assert_eq!(
        kept(&disk),
        [
            json!({ "line": "one \"quoted\"", "timestamp": 0, "labels": { "filename": "/a.log" }, "fields": { "level": "INFO" }, "time": "1970-01-01T00:00:00Z", "dead_letter": why }),
            json!({ "line": "", "timestamp": 1, "labels": { "filename": "/a.log" }, "time": "1970-01-01T00:00:00.000000001Z", "dead_letter": why }),
        ]
    );
}

#[test]
fn what_is_kept_survives_a_loss_of_power_and_a_torn_line_spoils_no_other() {
    let disk = MemoryDisk::default();
    letters(&disk).put(&batch(&["first"]), "e", 0).unwrap();
    disk.crash(1);
    let path = Path::new("/letters/app.redact.jsonl");
    let size = disk.open(path).unwrap().size().unwrap();
    disk.open(path)
        .unwrap()
        .write_at(b"{\"line\":\"tor", size)
        .unwrap();
    letters(&disk).put(&batch(&["second"]), "e", 0).unwrap();
    let text = String::from_utf8(disk.read(path).unwrap()).unwrap();
    let whole: Vec<Value> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let lines: Vec<&str> = whole
        .iter()
        .filter_map(|letter| letter["line"].as_str())
        .collect();
    assert_eq!(lines, ["first", "second"]);
}

#[test]
fn a_full_file_or_a_failing_disk_takes_nothing_and_says_so() {
    let disk = MemoryDisk::default();
    let letters = letters(&disk);
    letters
        .put(&batch(&["x".repeat(SIZE_MAX as usize - 400).as_str()]), "e", 0)
        .unwrap();
    let full = letters.put(&batch(&["y".repeat(400).as_str()]), "e", 0);
    assert!(matches!(full, Err(LetterError::Full { .. })), "{full:?}");
    assert_eq!(kept(&disk).len(), 1);
    disk.fail(Some(ErrorKind::StorageFull));
    let failed = letters.put(&batch(&["z"]), "e", 0);
    assert!(matches!(failed, Err(LetterError::Disk { .. })), "{failed:?}");
}
