use std::collections::BTreeMap;

use millstream_batch::{Labels, SampleBatch};
use proptest::prelude::*;

use super::message::{Label, MetricMetadata, MetricType, Sample, TimeSeries};
use super::*;

fn labels() -> impl Strategy<Value = BTreeMap<String, String>> {
    proptest::collection::btree_map("[a-e_]{1,3}", ".{0,20}", 0..5)
}

fn batch(sets: &[BTreeMap<String, String>], rows: &[(prop::sample::Index, f64, i64)]) -> SampleBatch {
    let mut batch = SampleBatch {
        labels: sets
            .iter()
            .map(|set| Labels::from_pairs(set.iter().map(|(n, v)| (n.as_str(), v.as_str()))))
            .collect(),
        ..SampleBatch::default()
    };
    for (series, value, timestamp) in rows {
        batch
            .series
            .push(u32::try_from(series.index(sets.len())).unwrap());
        batch.values.push(*value);
        batch.timestamps.push(*timestamp);
    }
    batch
}

/// Labels, bits of the value, timestamp.
type Flat = (Vec<(String, String)>, u64, i64);

/// The request as one series per sample.
fn flat(request: &WriteRequest) -> Vec<Flat> {
    let pairs = |series: &TimeSeries| {
        series
            .labels
            .iter()
            .map(|l| (l.name.clone(), l.value.clone()))
            .collect()
    };
    request
        .timeseries
        .iter()
        .flat_map(|series| {
            series
                .samples
                .iter()
                .map(|s| (pairs(series), s.value.to_bits(), s.timestamp))
        })
        .collect()
}

proptest! {
    #[test]
    fn what_is_encoded_is_what_prost_decodes(
        sets in proptest::collection::vec(labels(), 1..5),
        external in labels(),
        rows in proptest::collection::vec((any::<prop::sample::Index>(), any::<f64>(), any::<i64>()), 0..40),
        cut in any::<prop::sample::Index>(),
    ) {
        let batch = batch(&sets, &rows);
        let external_labels = Labels::from_pairs(external.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        let mut encoder = WriteEncoder::default();
        encoder.clear();
        let cut = cut.index(rows.len() + 1);
        encoder.push_rows(&batch, 0..cut, &external_labels);
        encoder.push_rows(&batch, cut..usize::MAX, &external_labels);
        prop_assert_eq!(encoder.samples(), rows.len());
        let request = decode(encoder.finish().unwrap(), 1 << 24).unwrap();

        let wanted: Vec<_> = rows.iter().map(|(series, value, timestamp)| {
            let mut all = external.clone();
            all.extend(sets[series.index(sets.len())].clone());
            let pairs: Vec<_> = all.into_iter().filter(|(_, value)| !value.is_empty()).collect();
            (pairs, value.to_bits(), *timestamp)
        }).collect();
        prop_assert_eq!(flat(&request), wanted);
    }

    #[test]
    fn random_bodies_never_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(&body, 1 << 20);
        let _ = WriteRequest::decode(body.as_slice());
    }
}

#[test]
fn a_stale_marker_keeps_its_bits() {
    let mut batch = SampleBatch::default();
    batch.push(
        Labels::from_pairs([("__name__", "up")]),
        f64::from_bits(SampleBatch::STALE),
        5,
    );
    let mut encoder = WriteEncoder::default();
    encoder.push_rows(&batch, 0..1, &Labels::default());
    let request = decode(encoder.finish().unwrap(), 1000).unwrap();
    assert_eq!(
        request.timeseries[0].samples[0].value.to_bits(),
        SampleBatch::STALE
    );
}

#[test]
fn neighbours_of_one_series_share_a_message() {
    let batch = SampleBatch {
        series: vec![0, 0, 1, 0],
        labels: vec![
            Labels::from_pairs([("__name__", "a")]),
            Labels::from_pairs([("__name__", "b")]),
        ],
        values: vec![1.0, 2.0, 3.0, 0.0],
        timestamps: vec![1, 2, 3, 0],
    };
    let mut encoder = WriteEncoder::default();
    encoder.push_rows(&batch, 0..4, &Labels::default());
    let request = decode(encoder.finish().unwrap(), 1000).unwrap();
    let lengths: Vec<usize> = request
        .timeseries
        .iter()
        .map(|series| series.samples.len())
        .collect();
    assert_eq!(lengths, [2, 1, 1]);
    encoder.clear();
    assert_eq!(
        decode(encoder.finish().unwrap(), 1000).unwrap(),
        WriteRequest::default()
    );
}

#[test]
fn the_messages_have_the_numbers_of_the_protocol() {
    // timeseries=1 { labels=1 {1:"a",2:"b"}, samples=2 {1:double,2:int64} }, metadata=3 {1:type,2:family,4:help,5:unit}
    let request = WriteRequest {
        timeseries: vec![TimeSeries {
            labels: vec![Label {
                name: "a".into(),
                value: "b".into(),
            }],
            samples: vec![Sample {
                value: 1.0,
                timestamp: 3,
            }],
        }],
        metadata: vec![MetricMetadata {
            r#type: MetricType::Gauge.into(),
            metric_family_name: "f".into(),
            help: "h".into(),
            unit: "u".into(),
        }],
    };
    let bytes = [
        0x0a, 21, 0x0a, 6, 0x0a, 1, b'a', 0x12, 1, b'b', 0x12, 11, 0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x10,
        3, //
        0x1a, 11, 0x08, 2, 0x12, 1, b'f', 0x22, 1, b'h', 0x2a, 1, b'u',
    ];
    assert_eq!(request.encode_to_vec(), bytes);
    let mut encoder = WriteEncoder::default();
    encoder.push(
        &Labels::from_pairs([("a", "b")]),
        &Labels::default(),
        [(1.0, 3)].into_iter(),
    );
    assert_eq!(
        snappy::decompress(encoder.finish().unwrap(), 100).unwrap(),
        bytes[..23]
    );
}
