use millstream_batch::{Field, Labels, LogBatch};
use proptest::prelude::*;

use super::message::{Entry, Pair, Stream, Timestamp};
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
    let mut buffer = StreamBuffer::default();
    buffer.push_row(&batch, 0);
    buffer.push_row(&batch, 1);
    buffer.push_row(&batch, 2);
    assert_eq!(buffer.len(), 3);
    let request = decode(PushEncoder::default().encode([("{}", &buffer)]).unwrap(), 1000).unwrap();
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
fn a_cleared_buffer_starts_again() {
    let mut buffer = StreamBuffer::default();
    buffer.push(1, "x", std::iter::empty());
    buffer.clear();
    assert!(buffer.is_empty());
    assert!(buffer.bytes().is_empty());
}

#[test]
fn internal_labels_stay_here() {
    let labels = Labels::from_pairs([("__path__", "/x"), ("job", "a\"b"), ("app", "t")]);
    assert_eq!(stream_labels(&labels), r#"{app="t", job="a\"b"}"#);
    assert_eq!(stream_labels(&Labels::default()), "{}");
}
