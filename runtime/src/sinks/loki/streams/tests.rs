//! Grouping, order, sizes, and what is forgotten between requests.

use millstream_batch::Field;
use millstream_wire::loki_push::decode;
use proptest::prelude::*;

use super::*;

/// Rows of (label set, line) with timestamps 0, 1, 2, …
fn batch(labels: &[Labels], rows: &[(u32, &str)]) -> LogBatch {
    LogBatch {
        timestamps: (0..rows.len() as i64).collect(),
        lines: rows.iter().map(|(_, line)| *line).collect(),
        streams: rows.iter().map(|(set, _)| *set).collect(),
        labels: labels.to_vec(),
        ..LogBatch::default()
    }
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::from_pairs(pairs.iter().copied())
}

/// What a body holds: (stream, lines).
fn read(sealed: &Sealed) -> Vec<(String, Vec<String>)> {
    let streams = decode(&sealed.body, usize::MAX).unwrap().streams;
    streams
        .into_iter()
        .map(|stream| {
            (
                stream.labels,
                stream.entries.into_iter().map(|entry| entry.line).collect(),
            )
        })
        .collect()
}

fn streams_of(bodies: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
    let owned = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
    bodies
        .iter()
        .map(|(labels, lines)| ((*labels).to_owned(), owned(lines)))
        .collect()
}

#[test]
fn rows_are_grouped_by_labels_and_keep_their_order() {
    let sets = [
        labels(&[("a", "1")]),
        labels(&[("b", "2")]),
        labels(&[("a", "1")]),
    ];
    let mut streams = Streams::new(1000);
    assert_eq!(
        streams.fill(
            &batch(&sets, &[(0, "one"), (1, "two"), (2, "three"), (0, "four")]),
            0
        ),
        4
    );
    let sealed = streams.seal().unwrap();
    let expected = [
        (r#"{a="1"}"#, &["one", "three", "four"][..]),
        (r#"{b="2"}"#, &["two"]),
    ];
    assert_eq!(read(&sealed), streams_of(&expected));
    assert_eq!((sealed.entries, sealed.bytes), (4, 15));
}

#[test]
fn labels_that_begin_with_two_underscores_make_no_stream_of_their_own() {
    let sets = [
        labels(&[("__path__", "/x"), ("a", "1")]),
        labels(&[("__path__", "/y"), ("a", "1")]),
    ];
    let mut streams = Streams::new(1000);
    streams.fill(&batch(&sets, &[(0, "one"), (1, "two"), (0, "three")]), 0);
    let expected = [(r#"{a="1"}"#, &["one", "two", "three"][..])];
    assert_eq!(read(&streams.seal().unwrap()), streams_of(&expected));
}

#[test]
fn a_request_ends_before_the_row_that_does_not_fit() {
    let rows = batch(&[labels(&[("a", "1")])], &[(0, "12345"), (0, "12345"), (0, "1")]);
    let mut streams = Streams::new(10);
    assert_eq!(streams.fill(&rows, 0), 2);
    assert!(streams.is_full());
    assert_eq!(streams.seal().unwrap().bytes, 10);
    assert_eq!(streams.fill(&rows, 2), 3);
    assert!(!streams.is_full());
}

#[test]
fn an_entry_larger_than_the_limit_goes_alone() {
    let rows = batch(
        &[labels(&[("a", "1")])],
        &[(0, "1"), (0, "12345678901"), (0, "1")],
    );
    let mut streams = Streams::new(10);
    assert_eq!(streams.fill(&rows, 0), 1);
    streams.seal().unwrap();
    assert_eq!(streams.fill(&rows, 1), 2);
    assert!(streams.is_full());
    assert_eq!(streams.seal().unwrap().entries, 1);
    assert_eq!(streams.fill(&rows, 2), 3);
}

#[test]
fn a_packed_batch_goes_in_whole_or_not_at_all() {
    let set = [labels(&[("a", "1")])];
    let packed = |rows: &[(u32, &str)]| Arc::new(Packer::default().pack(&batch(&set, rows), 0..rows.len()));
    let mut streams = Streams::new(10);
    assert!(
        streams.has_room(&packed(&[(0, "123456"), (0, "123456")])),
        "there is nothing else"
    );
    streams.add(&packed(&[(0, "123456")]));
    assert_eq!(streams.fill(&batch(&set, &[(0, "7")]), 0), 1);
    assert!(!streams.has_room(&packed(&[(0, "89"), (0, "01")])));
    streams.add(&packed(&[(0, "89"), (0, "0")]));
    assert!(streams.is_full() && !streams.has_room(&packed(&[(0, "")])));
    let sealed = streams.seal().unwrap();
    assert_eq!((sealed.entries, sealed.bytes), (4, 10));
    assert_eq!(
        read(&sealed),
        streams_of(&[(r#"{a="1"}"#, &["123456", "7", "89", "0"])])
    );
}

#[test]
fn a_packed_batch_has_no_room_where_labels_are_too_heavy() {
    let (sets, rows): (Vec<_>, Vec<_>) = (0..100)
        .map(|i| {
            (
                labels(&[("file", format!("{i}{}", "x".repeat(1000)).as_str())]),
                (i, "x"),
            )
        })
        .unzip();
    let packed = Arc::new(Packer::default().pack(&batch(&sets, &rows), 0..rows.len()));
    let mut streams = Streams::new(10_000);
    streams.fill(&batch(&[labels(&[("a", "1")])], &[(0, "one")]), 0);
    assert!(!streams.has_room(&packed));
    streams.seal().unwrap();
    assert!(streams.has_room(&packed));
}

#[test]
fn structured_metadata_is_sent_where_present_and_counts() {
    let mut rows = batch(&[labels(&[("a", "1")])], &[(0, "one"), (0, "two")]);
    rows.metadata = vec![Field::from_values("trace", [None, Some("42")])];
    let mut streams = Streams::new(1000);
    streams.fill(&rows, 0);
    let sealed = streams.seal().unwrap();
    assert_eq!(sealed.bytes, 6 + "trace42".len());
    let stream = decode(&sealed.body, 1000).unwrap().streams.remove(0);
    assert!(stream.entries[0].structured_metadata.is_empty());
    let pair = &stream.entries[1].structured_metadata[0];
    assert_eq!((pair.name.as_str(), pair.value.as_str()), ("trace", "42"));
}

#[test]
fn weight_bounds_what_text_does_not() {
    let empty: Vec<_> = (0..10_000).map(|_| (0, "")).collect();
    let mut streams = Streams::new(1000);
    let taken = streams.fill(&batch(&[labels(&[("a", "1")])], &empty), 0);
    assert!(taken < 10_000, "empty lines end a request too");
    assert!(streams.weight <= heaviest(1000));

    let sets: Vec<_> = (0..10_000)
        .map(|i| labels(&[("file", format!("/var/log/{i}.log").as_str())]))
        .collect();
    let each: Vec<_> = (0..10_000).map(|i| (i, "x")).collect();
    let mut streams = Streams::new(1000);
    assert!(
        streams.fill(&batch(&sets, &each), 0) < 10_000,
        "labels end a request too"
    );
}

#[test]
fn what_a_huge_row_was_packed_in_is_not_kept() {
    let sets = [labels(&[("a", "1")])];
    let mut streams = Streams::new(1000);
    let bound = heaviest(1000) * SCRATCH;
    for line in [String::new(), "x".repeat(bound), "y".repeat(500)] {
        streams.fill(&batch(&sets, &[(0, line.as_str())]), 0);
        let sealed = streams.seal().unwrap();
        assert_eq!(read(&sealed), streams_of(&[(r#"{a="1"}"#, &[line.as_str()])]));
        assert!(streams.scratch() <= bound, "{} bytes are kept", streams.scratch());
    }
    assert!(
        streams.scratch() > 0,
        "buffers are kept from one request to the next"
    );
}

#[test]
fn streams_that_have_ended_are_forgotten() {
    let mut streams = Streams::new(1000);
    for i in 0..100 {
        let set = labels(&[("file", format!("{i}").as_str())]);
        streams.fill(
            &batch(&[set, labels(&[("job", "x")])], &[(0, "one"), (1, "two")]),
            0,
        );
        assert_eq!(read(&streams.seal().unwrap()).len(), 2);
        assert!(streams.streams.len() <= 3);
        assert!(streams.slots.len() <= 3);
    }
}

#[test]
fn a_row_without_labels_does_no_harm() {
    let rows = batch(&[], &[(7, "one")]);
    let mut streams = Streams::new(1000);
    assert_eq!(streams.fill(&rows, 0), 1);
    assert_eq!(read(&streams.seal().unwrap()), streams_of(&[("{}", &["one"])]));
}

proptest! {
    /// However rows are cut into batches and requests, packed before or not: every row comes out once, streams keep
    /// their order, and only a single entry exceeds the limit.
    #[test]
    fn nothing_is_lost_or_reordered(rows in proptest::collection::vec((0u32..4, ".{0,12}"), 1..120),
                                    cut in 1usize..40, limit in 1usize..200, packs in any::<u64>()) {
        let sets: Vec<_> = (0..4).map(|i| labels(&[("set", format!("{}", i % 3).as_str())])).collect();
        let mut streams = Streams::new(limit);
        let mut got: HashMap<String, Vec<String>> = HashMap::new();
        let mut seal = |streams: &mut Streams| {
            let sealed = streams.seal().unwrap();
            assert!(sealed.bytes <= limit || sealed.entries == 1);
            for (labels, lines) in read(&sealed) {
                got.entry(labels).or_default().extend(lines);
            }
        };
        for (number, piece) in rows.chunks(cut).enumerate() {
            let borrowed: Vec<_> = piece.iter().map(|(set, line)| (*set, line.as_str())).collect();
            let piece = batch(&sets, &borrowed);
            let packed = Packer::default().pack(&piece, 0..piece.len());
            if packs >> (number % 64) & 1 == 1 && packed.text() <= limit {
                if !streams.has_room(&packed) {
                    seal(&mut streams);
                }
                assert!(streams.has_room(&packed));
                streams.add(&Arc::new(packed));
                continue;
            }
            let mut next = 0;
            while next < piece.len() {
                next = streams.fill(&piece, next);
                if next < piece.len() {
                    seal(&mut streams);
                }
            }
        }
        seal(&mut streams);
        let mut expected: HashMap<String, Vec<String>> = HashMap::new();
        for (set, line) in rows {
            expected.entry(sets[set as usize].to_string()).or_default().push(line);
        }
        prop_assert_eq!(got, expected);
    }
}
