use std::sync::Arc;

use millstream_batch::{Field, Labels, LogBatch};
use proptest::prelude::*;

use super::message::{Entry, Pair, Stream, Timestamp};
use super::pack::ALONE;
use super::*;

type Row = (i64, String, Vec<(String, String)>);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let pairs = proptest::collection::vec((".{0,9}", ".{0,200}"), 0..4);
    proptest::collection::vec((any::<i64>(), ".{0,300}", pairs), 0..20)
}

fn expected(labels: &str, rows: &[Row]) -> Stream {
    let entry = |(timestamp, line, pairs): &Row| Entry {
        timestamp: Some(Timestamp {
            seconds: timestamp.div_euclid(1_000_000_000),
            nanos: i32::try_from(timestamp.rem_euclid(1_000_000_000)).unwrap(),
        }),
        line: line.clone(),
        structured_metadata: pairs
            .iter()
            .map(|(name, value)| Pair {
                name: name.clone(),
                value: value.clone(),
            })
            .collect(),
    };
    Stream {
        labels: labels.into(),
        entries: rows.iter().map(entry).collect(),
        hash: 0,
    }
}

proptest! {
    #[test]
    fn what_is_encoded_is_what_prost_decodes(streams in proptest::collection::vec((".{0,30}", rows()), 0..5)) {
        let buffers: Vec<(String, StreamBuffer)> = streams
            .iter()
            .map(|(labels, rows)| {
                let mut buffer = StreamBuffer::default();
                for (timestamp, line, pairs) in rows {
                    buffer.push(*timestamp, line, pairs.iter().map(|(name, value)| (&**name, &**value)));
                }
                (labels.clone(), buffer)
            })
            .collect();
        let mut encoder = PushEncoder::default();
        let body = encoder.encode(buffers.iter().map(|(labels, buffer)| (&**labels, buffer))).unwrap().to_vec();
        let wanted = PushRequest {
            streams: streams.iter().filter(|(_, rows)| !rows.is_empty()).map(|(labels, rows)| expected(labels, rows)).collect(),
        };
        prop_assert_eq!(&decode(&body, encoder.message_len()).unwrap(), &wanted);
        // The whole message is byte for byte what a generated encoder would have sent.
        let plain = snappy::decompress(&body, encoder.message_len()).unwrap();
        if streams.iter().all(|(labels, rows)| {
            !labels.is_empty() && rows.iter().all(|(_, line, pairs)| {
                !line.is_empty() && pairs.iter().all(|(name, value)| !name.is_empty() && !value.is_empty())
            })
        }) {
            prop_assert_eq!(plain, wanted.encode_to_vec());
        }
    }

    #[test]
    fn timestamps_survive(timestamp in any::<i64>()) {
        let mut buffer = StreamBuffer::default();
        buffer.push(timestamp, "", std::iter::empty());
        let mut encoder = PushEncoder::default();
        let request = decode(encoder.encode([("{}", &buffer)]).unwrap(), 1000).unwrap();
        let back = request.streams[0].entries[0].timestamp.unwrap();
        prop_assert_eq!(i128::from(back.seconds) * 1_000_000_000 + i128::from(back.nanos), i128::from(timestamp));
    }

    #[test]
    fn random_bodies_never_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(&body, 1 << 20);
        let _ = PushRequest::decode(body.as_slice());
    }
}

#[test]
fn a_row_of_a_batch_takes_only_the_metadata_it_has() {
    let batch = LogBatch {
        timestamps: vec![1, 2],
        lines: ["one", "two"].into_iter().collect(),
        metadata: vec![
            Field::from_values("trace", [Some("a"), None]),
            Field::from_values("span", [Some(""), Some("s")]),
        ],
        ..LogBatch::default()
    };
    // The third row does not exist.
    let packed = Packer::default().pack(&batch, 0..3);
    assert_eq!(
        (packed.len(), packed.text()),
        (3, 6 + "tracea".len() + "span".len() + "spans".len())
    );
    let request = requested([&Arc::new(packed)]);
    let seen: Vec<(&str, Vec<(&str, &str)>)> = request.streams[0]
        .entries
        .iter()
        .map(|entry| {
            (
                &*entry.line,
                entry
                    .structured_metadata
                    .iter()
                    .map(|pair| (&*pair.name, &*pair.value))
                    .collect(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("one", vec![("trace", "a"), ("span", "")]),
            ("two", vec![("span", "s")]),
            ("", vec![])
        ]
    );
}

#[test]
fn long_chunks_are_compressed_apart_and_short_ones_together() {
    let line = "2026-01-08 14:42:00.332  INFO 1 --- [main] a.b.C : started\n".repeat(4);
    let rows = ALONE.div_ceil(line.len());
    let batch = LogBatch {
        timestamps: vec![1; rows + 1],
        lines: std::iter::repeat_n(line.as_str(), rows)
            .chain(["short"])
            .collect(),
        streams: [vec![0; rows], vec![1]].concat(),
        labels: vec![Labels::from_pairs([("a", "1")]), Labels::from_pairs([("a", "2")])],
        ..LogBatch::default()
    };
    let packed = Packer::default().pack(&batch, 0..rows + 1);
    let kept: Vec<_> = packed
        .chunks()
        .iter()
        .map(|chunk| (chunk.compressed, packed.content(chunk).len() < chunk.length))
        .collect();
    assert_eq!(kept, [(true, true), (false, false)]);
    let (one, other) = (&packed.chunks()[0], &packed.chunks()[1]);
    assert_eq!(
        packed.length(),
        one.length + other.length + 2 * r#"{a="1"}"#.len()
    );
}

#[test]
fn rows_of_equal_labels_are_one_chunk_in_their_order_whatever_their_internal_labels() {
    let set = |path: &str, job: &str| Labels::from_pairs([("__path__", path), ("job", job)]);
    let batch = LogBatch {
        timestamps: vec![1, 2, 3, 4],
        lines: ["one", "two", "three", "four"].into_iter().collect(),
        streams: vec![0, 1, 2, 0],
        labels: vec![set("/x", "a"), set("/y", "a"), set("/x", "b")],
        ..LogBatch::default()
    };
    let mut packer = Packer::default();
    // Twice: the second time the sets are known.
    for _ in 0..2 {
        let request = requested([&Arc::new(packer.pack(&batch, 0..4))]);
        let seen: Vec<(&str, Vec<&str>)> = request
            .streams
            .iter()
            .map(|stream| {
                (
                    &*stream.labels,
                    stream.entries.iter().map(|entry| &*entry.line).collect(),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                (r#"{job="a"}"#, vec!["one", "two", "four"]),
                (r#"{job="b"}"#, vec!["three"])
            ]
        );
    }
}

/// The request of these batches, read again.
fn requested<'a>(batches: impl IntoIterator<Item = &'a Arc<Packed>>) -> PushRequest {
    let mut streams: Vec<(String, StreamBuffer)> = Vec::new();
    for packed in batches {
        for (number, chunk) in packed.chunks().iter().enumerate() {
            let known = streams.iter().position(|(labels, _)| **labels == *chunk.labels);
            let slot = known.unwrap_or_else(|| {
                streams.push((chunk.labels.to_string(), StreamBuffer::default()));
                streams.len() - 1
            });
            streams[slot].1.push_chunk(packed, number);
        }
    }
    let mut encoder = PushEncoder::default();
    let body = encoder.encode(streams.iter().map(|(labels, buffer)| (&**labels, buffer)));
    let body = body.unwrap().to_vec();
    let message = snappy::decompress(&body, encoder.message_len()).unwrap();
    assert_eq!(message.len(), encoder.message_len());
    PushRequest::decode(message.as_slice()).unwrap()
}

/// Rows as (set, line, whether they carry metadata).
fn batches() -> impl Strategy<Value = Vec<Vec<(u32, String, bool)>>> {
    // Long ones, so that some chunks are compressed apart and some are not.
    let line = prop_oneof![3 => ".{0,40}", 1 => "[ab]{2000,6000}", 1 => ".{1500,3000}"];
    let row = (0u32..5, line, any::<bool>());
    proptest::collection::vec(proptest::collection::vec(row, 0..25), 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 64 } else { 256 }))]

    /// Whatever is compressed apart and whatever together, a request is what the rows say, stream by stream.
    #[test]
    fn packed_batches_are_what_their_rows_are(batches in batches()) {
        let sets: Vec<Labels> = (0..5).map(|i| Labels::from_pairs([("set", format!("{}", i % 3)), ("__internal", i.to_string())])).collect();
        let mut packer = Packer::default();
        let mut packed = Vec::new();
        let mut wanted: Vec<(String, Vec<Entry>)> = Vec::new();
        for rows in &batches {
            let batch = LogBatch {
                timestamps: (0..rows.len() as i64).collect(),
                lines: rows.iter().map(|(_, line, _)| line.as_str()).collect(),
                streams: rows.iter().map(|(set, ..)| *set).collect(),
                labels: sets.clone(),
                metadata: vec![Field::from_values("m", rows.iter().map(|(_, line, has)| has.then_some(&line[..0])))],
                ..LogBatch::default()
            };
            // The second row is left out: what is packed need not be all.
            for range in [0..rows.len().min(1), rows.len().min(2)..rows.len()] {
                for row in range.clone() {
                    let (set, line, has) = &rows[row];
                    let labels = stream_labels(&sets[*set as usize]);
                    let entry = Entry {
                        timestamp: Some(Timestamp { seconds: 0, nanos: i32::try_from(row).unwrap() }),
                        line: line.clone(),
                        structured_metadata: has.then(|| Pair { name: "m".into(), value: String::new() }).into_iter().collect(),
                    };
                    match wanted.iter_mut().find(|(known, _)| *known == labels) {
                        Some((_, entries)) => entries.push(entry),
                        None => wanted.push((labels, vec![entry])),
                    }
                }
                packed.push(Arc::new(packer.pack(&batch, range)));
            }
        }
        let got: Vec<_> = requested(&packed).streams.into_iter().map(|stream| (stream.labels, stream.entries)).collect();
        prop_assert_eq!(got, wanted);
    }
}

#[test]
fn a_cleared_buffer_starts_again() {
    let mut buffer = StreamBuffer::default();
    buffer.push(1, "x", std::iter::empty());
    buffer.clear();
    assert!(buffer.is_empty());
    assert_eq!((buffer.length(), buffer.plain_len()), (0, 0));
}

#[test]
fn internal_labels_stay_here() {
    let labels = Labels::from_pairs([("__path__", "/x"), ("job", "a\"b"), ("app", "t")]);
    assert_eq!(stream_labels(&labels), r#"{app="t", job="a\"b"}"#);
    assert_eq!(stream_labels(&Labels::default()), "{}");
}
