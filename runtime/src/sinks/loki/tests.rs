//! The whole sink against a receiver on a socket.

use std::sync::Arc;
use std::time::Duration;

use millstream_batch::{Field, Labels, LogBatch};
use prometheus::Registry;
use tokio::task::JoinHandle;

use super::*;
use crate::delivery::receipt::Settlements;
use crate::delivery::{Load, Receipt};
use crate::transport::{Authorization, Backoff, Secret, client};

// The receiver the suites use, by path: its package depends on this one.
#[path = "../../../../tests/src/receiver.rs"]
#[expect(dead_code, reason = "the suites use more of it than we do")]
mod receiver;
mod secrets;
mod spool;

use receiver::{Answer, PUSH, Receiver};

/// A sink at work.
struct Bench {
    inlet: Option<mpsc::Sender<Shipment>>,
    abort: CancellationToken,
    registry: Registry,
    settlements: Arc<Settlements>,
    shipped: u64,
    task: JoinHandle<SinkReport>,
}

/// Short waits, so that tests are quick.
fn settings(url: &str) -> LokiSettings {
    LokiSettings {
        batch_wait: Duration::from_millis(5),
        remote_timeout: Duration::from_millis(500),
        backoff: Backoff {
            min: Duration::from_millis(2),
            max: Duration::from_millis(10),
            retries: None,
        },
        ..LokiSettings::new(url.parse().unwrap())
    }
}

impl Bench {
    fn new(settings: LokiSettings) -> Self {
        Self::with(settings, |sink, _| sink)
    }

    fn with(settings: LokiSettings, change: impl FnOnce(LokiSink, &Registry) -> LokiSink) -> Self {
        let registry = Registry::new();
        let metrics = Arc::new(LokiMetrics::register(&registry).unwrap());
        let client = client(&settings.client, settings.remote_timeout).unwrap();
        let sink = LokiSink::new("loki".to_owned(), settings, client, metrics);
        let sink = change(sink, &registry);
        let (inlet, received) = mpsc::channel(4);
        let abort = CancellationToken::new();
        let task = tokio::spawn(sink.run(received, abort.clone()));
        Self {
            inlet: Some(inlet),
            abort,
            registry,
            settlements: Arc::default(),
            shipped: 0,
            task,
        }
    }

    async fn ship(&mut self, rows: &[(&str, &str)]) {
        let labels: Vec<_> = rows
            .iter()
            .map(|(app, _)| Labels::from_pairs([("app", *app)]))
            .collect();
        let batch = LogBatch {
            timestamps: (0..rows.len() as i64).collect(),
            lines: rows.iter().map(|(_, line)| *line).collect(),
            streams: (0..rows.len() as u32).collect(),
            labels,
            ..LogBatch::default()
        };
        let receipt = self.settlements.receipt(self.shipped);
        self.shipped += 1;
        let shipment = Shipment {
            load: Load::Logs(Arc::new(batch)),
            receipt,
        };
        self.inlet.as_ref().unwrap().send(shipment).await.unwrap();
    }

    /// Closes the inlet and waits for the end.
    async fn finish(&mut self) -> SinkReport {
        self.inlet = None;
        tokio::time::timeout(Duration::from_secs(30), &mut self.task)
            .await
            .unwrap()
            .unwrap()
    }

    /// A metric's value, summed over what matches the label (`""`: all).
    fn metric(&self, name: &str, label: &str) -> f64 {
        let families = self.registry.gather();
        let metrics = families
            .iter()
            .filter(|family| family.name() == name)
            .flat_map(|family| family.get_metric());
        metrics
            .filter(|metric| label.is_empty() || metric.get_label().iter().any(|pair| pair.value() == label))
            .map(|metric| metric.get_counter().get_value() + metric.get_histogram().get_sample_count() as f64)
            .sum()
    }
}

#[tokio::test]
async fn entries_arrive_grouped_and_in_order() {
    let receiver = Receiver::start().await.unwrap();
    let mut bench = Bench::new(settings(&receiver.push_url()));
    bench.ship(&[("a", "1"), ("b", "2"), ("a", "3")]).await;
    bench.ship(&[("b", "4"), ("a", "5")]).await;
    receiver.wait_for(5).await.unwrap();
    assert_eq!(bench.finish().await, SinkReport::default());
    let streams = receiver.streams();
    assert_eq!(streams[r#"{app="a"}"#], ["1", "3", "5"]);
    assert_eq!(streams[r#"{app="b"}"#], ["2", "4"]);
    assert_eq!(bench.settlements.take(), [0, 1]);
    assert_eq!(bench.metric("loki_write_sent_entries_total", ""), 5.0);
    assert!(bench.metric("loki_write_sent_bytes_total", "") > 0.0);
    assert_eq!(bench.metric("loki_write_dropped_entries_total", ""), 0.0);
    assert!(bench.metric("loki_write_request_duration_seconds", "204") >= 1.0);
}

#[tokio::test]
async fn a_request_says_who_we_are() {
    let receiver = Receiver::start().await.unwrap();
    let mut settings = settings(&receiver.push_url());
    settings.tenant_id = Some("shop".to_owned());
    let password = Secret::Inline("hunter2".to_owned());
    settings.client.authorization = Some(Authorization::Basic {
        username: "me".to_owned(),
        password,
    });
    settings.client.headers = [
        ("X-Team", "x"),
        ("Content-Type", "text/plain"),
        ("X-Scope-OrgID", "other"),
    ]
    .map(|(name, value)| (name.to_owned(), Secret::Inline(value.to_owned())))
    .into();
    let mut bench = Bench::new(settings);
    bench.ship(&[("a", "1")]).await;
    bench.finish().await;
    let arrival = receiver.arrivals().remove(0);
    let header = |name: &str| {
        arrival
            .headers
            .get_all(name)
            .iter()
            .map(|v| v.to_str().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(header("content-type"), ["application/x-protobuf"]);
    assert_eq!(header("content-encoding"), ["snappy"]);
    assert_eq!(header("x-scope-orgid"), ["shop"]);
    assert_eq!(header("authorization"), ["Basic bWU6aHVudGVyMg=="]);
    assert_eq!(header("x-team"), ["x"]);
    assert_eq!(
        header("user-agent"),
        [concat!("millstream/", env!("CARGO_PKG_VERSION"))]
    );
}

#[tokio::test]
async fn whatever_fails_is_sent_again_and_nothing_is_overtaken() {
    let receiver = Receiver::start().await.unwrap();
    let mut answers: Vec<_> = [429, 500, 503, 408, 401, 403, 404, 302]
        .map(Answer::status)
        .into();
    answers.push(Answer::close());
    answers.push(Answer::status(204).after(Duration::from_secs(2)));
    let failures = answers.len();
    receiver.script(PUSH, answers);
    let mut bench = Bench::new(LokiSettings {
        batch_size: 1,
        ..settings(&receiver.push_url())
    });
    let lines: Vec<_> = (0..20).map(|i| i.to_string()).collect();
    for line in &lines {
        bench.ship(&[("a", line)]).await;
    }
    assert_eq!(bench.finish().await, SinkReport::default());
    assert_eq!(receiver.streams()[r#"{app="a"}"#], lines);
    assert_eq!(bench.settlements.take().len(), 20);
    assert_eq!(
        bench.metric("loki_write_batch_retries_total", ""),
        failures as f64
    );
    assert!(
        bench.metric("loki_write_request_duration_seconds", "-1") >= 2.0,
        "the close and the hang"
    );
    assert_eq!(bench.metric("loki_write_dropped_entries_total", ""), 0.0);
}

#[tokio::test]
async fn a_receiver_that_is_down_for_a_while_costs_nothing() {
    let receiver = Receiver::start().await.unwrap();
    let (address, url) = (receiver.address(), receiver.push_url());
    drop(receiver);
    let mut bench = Bench::new(settings(&url));
    bench.ship(&[("a", "1")]).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(bench.settlements.take().is_empty());
    let receiver = Receiver::at(address).await.unwrap();
    receiver.wait_for(1).await.unwrap();
    assert_eq!(bench.finish().await, SinkReport::default());
    assert_eq!(bench.settlements.take(), [0]);
}

#[tokio::test]
async fn retry_after_is_waited_for() {
    let receiver = Receiver::start().await.unwrap();
    receiver.script(PUSH, [Answer::status(429).header("Retry-After", "1")]);
    let mut bench = Bench::new(settings(&receiver.push_url()));
    let start = tokio::time::Instant::now();
    bench.ship(&[("a", "1")]).await;
    receiver.wait_for(1).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));
    bench.finish().await;
}

#[tokio::test]
async fn a_limit_on_repetitions_ends_in_a_counted_drop() {
    let receiver = Receiver::start().await.unwrap();
    receiver.script(PUSH, [500, 500, 500, 429, 429, 429].map(Answer::status));
    let mut settings = settings(&receiver.push_url());
    settings.backoff.retries = Some(2);
    settings.batch_size = 1;
    let mut bench = Bench::new(settings);
    for line in ["1", "2", "3"] {
        bench.ship(&[("a", line)]).await;
    }
    assert_eq!(bench.finish().await, SinkReport::default());
    assert_eq!(receiver.streams()[r#"{app="a"}"#], ["3"]);
    assert_eq!(
        bench.settlements.take(),
        [0, 1, 2],
        "dropped on purpose is settled"
    );
    assert_eq!(
        bench.metric("loki_write_dropped_entries_total", "ingester_error"),
        1.0
    );
    assert_eq!(
        bench.metric("loki_write_dropped_entries_total", "rate_limited"),
        1.0
    );
    assert_eq!(bench.metric("loki_write_dropped_bytes_total", ""), 2.0);
}

#[tokio::test]
async fn too_large_is_split_down_to_the_entry_that_is_too_large() {
    let receiver = Receiver::start().await.unwrap();
    // The whole, its first half (1, 2), of that the first quarter (1): the only entry that is lost.
    receiver.script(PUSH, [413, 413, 413].map(Answer::status));
    let mut bench = Bench::new(settings(&receiver.push_url()));
    bench
        .ship(&[("a", "1"), ("a", "2"), ("a", "3"), ("a", "4")])
        .await;
    assert_eq!(bench.finish().await, SinkReport::default());
    assert_eq!(receiver.streams()[r#"{app="a"}"#], ["2", "3", "4"]);
    assert_eq!(
        bench.metric("loki_write_dropped_entries_total", "line_too_long"),
        1.0
    );
    assert_eq!(bench.metric("loki_write_sent_entries_total", ""), 3.0);
    assert_eq!(bench.settlements.take(), [0]);
}

#[tokio::test]
async fn of_a_rejected_request_only_what_loki_names_is_counted_as_lost() {
    let receiver = Receiver::start().await.unwrap();
    let partial = "entry with timestamp 1 ignored, reason: 'entry too far behind',\nuser 'fake', total ignored: 1 out \
                   of 4 for stream: {app=\"a\"}";
    receiver.script(PUSH, [Answer::status(400).body(partial), Answer::status(422)]);
    let mut bench = Bench::new(LokiSettings {
        batch_size: 4,
        ..settings(&receiver.push_url())
    });
    bench
        .ship(&[("a", "1"), ("a", "2"), ("a", "3"), ("a", "4")])
        .await;
    bench.ship(&[("a", "5")]).await;
    assert_eq!(bench.finish().await, SinkReport::default());
    assert_eq!(
        bench.metric("loki_write_dropped_entries_total", "too_far_behind"),
        1.0
    );
    assert_eq!(bench.metric("loki_write_sent_entries_total", ""), 3.0);
    assert_eq!(
        bench.metric("loki_write_dropped_entries_total", "ingester_error"),
        1.0
    );
    assert_eq!(receiver.arrivals().len(), 2, "neither is sent again");
    assert_eq!(bench.settlements.take(), [0, 1]);
}

#[tokio::test]
async fn a_blocked_tenant_is_a_counted_drop() {
    let receiver = Receiver::start().await.unwrap();
    receiver.script(
        PUSH,
        [Answer::status(260).body("ingestion blocked for user 'fake'")],
    );
    let mut bench = Bench::new(settings(&receiver.push_url()));
    bench.ship(&[("a", "1")]).await;
    bench.finish().await;
    assert_eq!(
        bench.metric("loki_write_dropped_entries_total", outcome::BLOCKED),
        1.0
    );
    assert_eq!(bench.settlements.take(), [0]);
}

#[tokio::test]
async fn abort_abandons_and_reports_what_is_left() {
    let receiver = Receiver::start().await.unwrap();
    receiver.script(
        PUSH,
        [
            Answer::status(204),
            Answer::status(204).after(Duration::from_secs(60)),
        ],
    );
    let patient = LokiSettings {
        remote_timeout: Duration::from_secs(60),
        ..settings(&receiver.push_url())
    };
    let mut bench = Bench::new(patient);
    bench.ship(&[("a", "1")]).await;
    receiver.wait_for(1).await.unwrap();
    for line in ["2", "3", "4"] {
        bench.ship(&[("a", line), ("b", line)]).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bench.abort.cancel();
    let report = tokio::time::timeout(Duration::from_secs(5), &mut bench.task)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(report, SinkReport { left_rows: 6 });
    assert_eq!(
        bench.settlements.take(),
        [0],
        "what was answered is settled, the rest never"
    );
}

#[tokio::test]
async fn a_drain_does_not_sit_out_a_long_wait() {
    let receiver = Receiver::start().await.unwrap();
    receiver.script(PUSH, [Answer::status(503).header("Retry-After", "60")]);
    let mut bench = Bench::new(settings(&receiver.push_url()));
    bench.ship(&[("a", "1")]).await;
    while bench.metric("loki_write_request_duration_seconds", "503") < 1.0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(bench.finish().await, SinkReport::default());
    assert_eq!(receiver.streams()[r#"{app="a"}"#], ["1"]);
}

#[tokio::test]
async fn structured_metadata_arrives() {
    let receiver = Receiver::start().await.unwrap();
    let mut bench = Bench::new(settings(&receiver.push_url()));
    let batch = LogBatch {
        timestamps: vec![1_700_000_000_123_456_789],
        lines: ["line"].into_iter().collect(),
        streams: vec![0],
        labels: vec![Labels::from_pairs([("app", "a")])],
        metadata: vec![
            Field::from_values("trace_id", [Some("42")]),
            Field::from_values("absent", [None]),
        ],
        ..LogBatch::default()
    };
    let shipment = Shipment {
        load: Load::Logs(Arc::new(batch)),
        receipt: Receipt::none(),
    };
    bench.inlet.as_ref().unwrap().send(shipment).await.unwrap();
    bench.finish().await;
    let expected = receiver::Entry {
        labels: r#"{app="a"}"#.to_owned(),
        timestamp: 1_700_000_000_123_456_789,
        line: "line".to_owned(),
        metadata: vec![("trace_id".to_owned(), "42".to_owned())],
    };
    assert_eq!(receiver.entries(), [expected]);
}

#[test]
fn the_sinks_future_can_be_spawned_and_is_not_huge() {
    fn sendable<T: Send>(value: T) -> T {
        value
    }
    let settings = settings("http://loki/push");
    let metrics = Arc::new(LokiMetrics::register(&Registry::new()).unwrap());
    let client = client(&settings.client, settings.remote_timeout).unwrap();
    let sink = LokiSink::new("loki".to_owned(), settings, client, metrics);
    let (_, inlet) = mpsc::channel(1);
    let run = sendable(sink.run(inlet, CancellationToken::new()));
    assert!(size_of_val(&run) < 16 * 1024, "{}", size_of_val(&run));
}
