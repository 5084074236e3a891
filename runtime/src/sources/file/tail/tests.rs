use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::sources::file::lines::{Lines, Rows, Tally};
use crate::sources::file::settings::LongLine;

const LIMIT: Limit = Limit {
    max: 256 << 10,
    action: LongLine::Truncate,
};

fn append(path: &Path, bytes: &[u8]) {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap()
        .write_all(bytes)
        .unwrap();
}

fn open(path: &Path, codec: Codec, offset: u64) -> Tail {
    let file = File::open(path).unwrap();
    let mut content = Content::of(file, path).unwrap();
    let print = Fingerprint::of(&content.head().unwrap());
    Tail::new(content, codec, print, offset)
}

/// Everything a reader does with a file, and what comes of it.
#[derive(Default)]
struct Desk {
    buffer: Vec<u8>,
    texts: Vec<String>,
    ends: Vec<u64>,
    tally: Tally,
    rows: Rows,
}

impl Desk {
    /// Reads to the end; false when the file turns out to be binary.
    fn read(&mut self, tail: &mut Tail, limit: Limit) -> bool {
        if tail.look().unwrap() == Look::Anew {
            tail.restart().unwrap();
            tail.look().unwrap();
        }
        loop {
            match tail.read(&mut self.buffer, limit).unwrap() {
                Step::End => return true,
                Step::Binary => return false,
                Step::Passed(_) => {}
                Step::Lines(length) => {
                    let mut lines = Lines::new(&self.buffer[..length], tail.offset(), tail.codec(), limit);
                    while lines.fill(&mut self.rows) {
                        let (texts, ends) = self.rows.take();
                        self.texts.extend(texts.iter().map(str::to_owned));
                        self.ends.extend(ends);
                    }
                    tail.advance(length);
                }
                Step::Long(kept, end) => self.rows.push_kept(&kept, end, tail.codec(), limit),
                Step::Partial(_) => unreachable!("only `finish` says so"),
            }
            self.collect();
        }
    }

    fn finish(&mut self, tail: &mut Tail, limit: Limit) {
        match tail.finish(&mut self.buffer, limit).unwrap() {
            Step::Partial(length) => {
                self.rows
                    .push_raw(&self.buffer[..length], tail.offset(), tail.codec(), limit);
            }
            Step::Long(kept, end) => self.rows.push_kept(&kept, end, tail.codec(), limit),
            _ => {}
        }
        self.collect();
    }

    fn collect(&mut self) {
        let (texts, ends) = self.rows.take();
        self.texts.extend(texts.iter().map(str::to_owned));
        self.ends.extend(ends);
        let tally = self.rows.tally();
        self.tally.invalid += tally.invalid;
        self.tally.truncated += tally.truncated;
        self.tally.skipped += tally.skipped;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn however_a_file_grows_its_lines_are_the_same(
        pieces in proptest::collection::vec("[a-z예\r\n]{0,12}", 0..30), max in 1usize..12, skip: bool,
    ) {
        let action = if skip { LongLine::Skip } else { LongLine::Truncate };
        let limit = Limit { max, action };
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.log");
        append(&path, b"first\n");
        let (mut desk, mut tail) = (Desk::default(), open(&path, Codec::UTF_8, 0));
        for piece in &pieces {
            append(&path, piece.as_bytes());
            prop_assert!(desk.read(&mut tail, limit));
        }
        prop_assert!(desk.read(&mut tail, limit));
        let whole = format!("first\n{}", pieces.concat());
        let whole = whole.rfind('\n').map_or("", |at| &whole[..=at]);
        let lines = whole.split_terminator('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
        let expected: Vec<_> = lines
            .filter(|line| !skip || line.len() <= max)
            .map(|line| &line[..line.floor_char_boundary(max)])
            .collect();
        prop_assert_eq!(&desk.texts, &expected);
        // From every end, another reader gives the rest.
        for (row, &end) in desk.ends.iter().enumerate() {
            let (mut other, mut tail) = (Desk::default(), open(&path, Codec::UTF_8, end));
            other.read(&mut tail, limit);
            prop_assert_eq!(&other.texts, &desk.texts[row + 1..]);
        }
    }
}

#[test]
fn a_line_end_across_chunks_is_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    for shift in 0..3 {
        let line = vec![b'x'; CHUNK / 2 - shift];
        let bytes = [&line, &b"\r\n"[..], &line, b"\r\nlast\r\n"].concat();
        std::fs::write(&path, &bytes).unwrap();
        let (mut desk, mut tail) = (Desk::default(), open(&path, Codec::UTF_8, 0));
        desk.read(&mut tail, LIMIT);
        assert_eq!(
            desk.texts.iter().map(String::len).collect::<Vec<_>>(),
            [line.len(), line.len(), 4]
        );
        assert_eq!(desk.ends.last(), Some(&(bytes.len() as u64)));
    }
}

#[test]
fn a_line_of_a_hundred_megabytes_takes_no_memory() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    append(&path, b"before\n");
    for _ in 0..100 {
        append(&path, &vec![b'x'; 1 << 20]);
    }
    for action in [LongLine::Truncate, LongLine::Skip] {
        let limit = Limit { action, ..LIMIT };
        let (mut desk, mut tail) = (Desk::default(), open(&path, Codec::UTF_8, 0));
        desk.read(&mut tail, limit);
        assert_eq!(desk.texts, ["before"], "not before it has ended");
        append(&path, b"\nafter\n");
        desk.read(&mut tail, limit);
        let lengths: Vec<usize> = desk.texts.iter().map(String::len).collect();
        match action {
            LongLine::Truncate => assert_eq!(lengths, [6, LIMIT.max, 5]),
            LongLine::Skip => assert_eq!(lengths, [6, 5]),
        }
        assert_eq!(desk.tally.truncated + desk.tally.skipped, 1);
        assert_eq!(desk.ends.last(), Some(&std::fs::metadata(&path).unwrap().len()));
        assert!(
            desk.buffer.len() <= limit.max + CHUNK + 4,
            "{}",
            desk.buffer.len()
        );
        OpenOptions::new()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(7 + (100 << 20))
            .unwrap();
    }
}

#[test]
fn an_unfinished_line_is_taken_when_asked_for_and_what_follows_is_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    append(&path, b"one\ntwo");
    let (mut desk, mut tail) = (Desk::default(), open(&path, Codec::UTF_8, 0));
    desk.read(&mut tail, LIMIT);
    assert_eq!(desk.texts, ["one"]);
    desk.finish(&mut tail, LIMIT);
    append(&path, b" goes on\nthree\r");
    desk.read(&mut tail, LIMIT);
    desk.finish(&mut tail, LIMIT);
    append(&path, b"\nfour\n");
    desk.read(&mut tail, LIMIT);
    assert_eq!(
        desk.texts,
        ["one", "two", " goes on", "three", "four"],
        "no empty line for a late line end"
    );
    assert_eq!(desk.ends, [4, 7, 16, 21, 28]);
    let (mut other, mut tail) = (Desk::default(), open(&path, Codec::UTF_8, 21));
    other.read(&mut tail, LIMIT);
    assert_eq!(other.texts, ["four"], "nor after a restart in between");
}

#[test]
fn byte_order_marks_are_no_text() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let (mut desk, mut tail) = (Desk::default(), {
        append(&path, b"\xEF");
        open(&path, Codec::UTF_8, 0)
    });
    desk.read(&mut tail, LIMIT);
    append(&path, b"\xBB\xBFone\n");
    desk.read(&mut tail, LIMIT);
    assert_eq!((desk.texts, desk.ends), (vec!["one".to_owned()], vec![7]));

    std::fs::write(&path, b"\xFF\xFEa\0\r\0\n\0\x0A\x0A\n\0b").unwrap();
    let (mut desk, mut tail) = (Desk::default(), open(&path, Codec::UTF_8, 0));
    desk.read(&mut tail, LIMIT);
    assert_eq!(
        (desk.texts, desk.ends),
        (vec!["a".to_owned(), "\u{0A0A}".to_owned()], vec![8, 12])
    );
}

#[test]
fn half_a_mark_at_the_end_of_its_patience_is_text() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    append(&path, b"\xEF");
    let (mut desk, mut tail) = (Desk::default(), open(&path, Codec::UTF_8, 0));
    desk.read(&mut tail, LIMIT);
    assert!(tail.is_unfinished());
    desk.finish(&mut tail, LIMIT);
    assert_eq!(desk.texts, ["\u{FFFD}"]);
}

#[test]
fn binary_is_recognised_and_a_hole_is_not_binary() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    append(&path, b"\x7FELF\x02\0\0\0\n");
    let (mut desk, mut tail) = (Desk::default(), open(&path, Codec::UTF_8, 0));
    assert!(!desk.read(&mut tail, LIMIT));
    // What copytruncate leaves of a file whose writer keeps its position.
    std::fs::write(&path, [&vec![0; 3 * CHUNK + 5][..], b"text\n"].concat()).unwrap();
    let (mut desk, mut tail) = (Desk::default(), open(&path, Codec::UTF_8, 0));
    assert!(desk.read(&mut tail, LIMIT));
    assert_eq!(
        (desk.texts, desk.ends),
        (vec!["text".to_owned()], vec![3 * CHUNK as u64 + 10])
    );
}

#[test]
fn truncation_is_seen_however_large_the_file_is_by_then() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    append(&path, b"old 1\nold 2\n");
    let (mut desk, mut tail) = (Desk::default(), open(&path, Codec::UTF_8, 0));
    desk.read(&mut tail, LIMIT);
    for (content, kind) in [
        ("new 1\n", "shorter"),
        ("newer, and longer than the one before\n", "longer"),
    ] {
        let file = OpenOptions::new().write(true).truncate(true).open(&path).unwrap();
        (&file).write_all(content.as_bytes()).unwrap();
        desk.read(&mut tail, LIMIT);
        assert_eq!(
            desk.texts.last().map(String::as_str),
            Some(content.trim()),
            "{kind}"
        );
    }
}

#[test]
fn the_end_is_where_the_last_line_begins() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let end = |content: &[u8], max| {
        std::fs::write(&path, content).unwrap();
        let limit = Limit {
            max,
            action: LongLine::Truncate,
        };
        last_line(
            &Content::from(File::open(&path).unwrap()),
            content,
            content.len() as u64,
            Codec::UTF_8,
            limit,
        )
        .unwrap()
    };
    assert_eq!(end(b"one\ntwo\n", 10), 8);
    assert_eq!(end(b"one\ntwo", 10), 4);
    assert_eq!(end(b"one", 10), 0);
    assert_eq!(end(b"one\nvery long line", 5), 18);
    assert_eq!(end(b"", 5), 0);
}
