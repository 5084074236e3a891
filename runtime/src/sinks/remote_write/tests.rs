//! Delivering to a real HTTP server. Time is real here: tokio's stopped clock runs ahead while a socket is waited for.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use millstream_batch::{Labels, LogBatch, SampleBatch};
use millstream_wire::remote_write::{WriteRequest, decode};
use prometheus::Registry;

use super::*;
use crate::delivery::{Receipt, Settlements};
use crate::transport::Backoff;

mod spool;

/// A receiver: what it was asked, and what it took.
#[derive(Clone, Default)]
struct Receiver {
    asked: Arc<Mutex<Vec<(HeaderMap, WriteRequest)>>>,
    taken: Arc<Mutex<Vec<f64>>>,
}

impl Receiver {
    /// Serves; `answer` is told the number of the request and its values, and they are taken when it says 2xx.
    async fn serve(
        &self,
        answer: impl Fn(usize, &[f64]) -> Response + Clone + Send + Sync + 'static,
    ) -> url::Url {
        let receiver = self.clone();
        let router = Router::new().fallback(move |headers: HeaderMap, body: Bytes| {
            let (receiver, answer) = (receiver.clone(), answer.clone());
            async move {
                let request = decode(&body, 1 << 20).unwrap();
                let values = values(&request);
                let number = {
                    let mut asked = receiver.asked.lock().unwrap();
                    asked.push((headers, request));
                    asked.len() - 1
                };
                let response = answer(number, &values);
                if response.status() == StatusCode::REQUEST_TIMEOUT {
                    std::future::pending::<()>().await;
                }
                if response.status().is_success() {
                    receiver.taken.lock().unwrap().extend(values);
                }
                response
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "http://user:pw@{}/api/v1/write?token=secret",
            listener.local_addr().unwrap()
        );
        tokio::spawn(async move { axum::serve(listener, router).await });
        url.parse().unwrap()
    }

    fn taken(&self) -> Vec<f64> {
        self.taken.lock().unwrap().clone()
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

fn values(request: &WriteRequest) -> Vec<f64> {
    request
        .timeseries
        .iter()
        .flat_map(|series| series.samples.iter().map(|sample| sample.value))
        .collect()
}

fn settings(url: url::Url) -> RemoteWriteSettings {
    RemoteWriteSettings {
        backoff: Backoff {
            min: Duration::from_millis(1),
            max: Duration::from_millis(5),
            retries: None,
        },
        batch_send_deadline: Duration::from_millis(20),
        ..RemoteWriteSettings::new(url)
    }
}

struct Running {
    inlet: mpsc::Sender<Shipment>,
    abort: CancellationToken,
    task: tokio::task::JoinHandle<SinkReport>,
    registry: Registry,
    settlements: Arc<Settlements>,
}

fn start(settings: RemoteWriteSettings) -> Running {
    start_with(settings, |sink, _| sink)
}

fn start_with(
    settings: RemoteWriteSettings,
    change: impl FnOnce(RemoteWriteSink, &Registry) -> RemoteWriteSink,
) -> Running {
    // Another test may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let registry = Registry::new();
    let metrics = RemoteWriteMetrics::register(&registry).unwrap();
    let sink = RemoteWriteSink::new("prom", settings, reqwest::Client::new(), &metrics);
    let sink = change(sink, &registry);
    let (inlet, receiver) = mpsc::channel(1);
    let abort = CancellationToken::new();
    let task = tokio::spawn(sink.run(receiver, abort.clone()));
    Running {
        inlet,
        abort,
        task,
        registry,
        settlements: Arc::default(),
    }
}

fn shipment(values: std::ops::Range<u32>, receipt: Receipt) -> Shipment {
    let mut batch = SampleBatch::default();
    for value in values {
        batch.push(
            Labels::from_pairs([("__name__", "m"), ("job", "j")]),
            value.into(),
            1000 * i64::from(value),
        );
    }
    Shipment {
        load: Load::Samples(Arc::new(batch)),
        receipt,
    }
}

impl Running {
    async fn push(&self, number: u64, values: std::ops::Range<u32>) {
        self.inlet
            .send(shipment(values, self.settlements.receipt(number)))
            .await
            .unwrap();
    }

    /// Closes the inlet and waits for the end: the report, what settled, and the metrics.
    async fn drained(self) -> (SinkReport, Vec<u64>, Registry) {
        drop(self.inlet);
        let report = tokio::time::timeout(Duration::from_secs(30), self.task)
            .await
            .unwrap()
            .unwrap();
        (report, self.settlements.take(), self.registry)
    }
}

fn metric(registry: &Registry, name: &str) -> f64 {
    let name = format!("prometheus_remote_storage_{name}");
    let families = registry.gather();
    let family = families
        .iter()
        .find(|family| family.name() == name)
        .unwrap_or_else(|| panic!("{name}"));
    family
        .get_metric()
        .iter()
        .map(|metric| metric.get_counter().get_value() + metric.get_gauge().get_value())
        .sum()
}

fn numbers(range: std::ops::Range<u32>) -> Vec<f64> {
    range.map(f64::from).collect()
}

async fn until(what: impl Fn() -> bool) {
    tokio::time::timeout(Duration::from_secs(20), async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn samples_arrive_in_order_and_settle() {
    let receiver = Receiver::default();
    let url = receiver
        .serve(|_, _| StatusCode::NO_CONTENT.into_response())
        .await;
    let external_labels = [
        ("cluster".to_owned(), "c".to_owned()),
        ("job".to_owned(), "ours".to_owned()),
    ]
    .into();
    let running = start(RemoteWriteSettings {
        max_samples_per_send: 4,
        external_labels,
        ..settings(url)
    });
    running.push(1, 0..3).await;
    running.push(2, 3..9).await;
    running.push(3, 9..9).await;
    let (report, mut settled, registry) = running.drained().await;
    settled.sort_unstable();
    assert_eq!((report, settled), (SinkReport::default(), vec![1, 2, 3]));
    assert_eq!(receiver.taken(), numbers(0..9));

    let asked = receiver.asked.lock().unwrap();
    assert!(asked.iter().all(|(_, request)| values(request).len() <= 4));
    let (headers, request) = &asked[0];
    for (name, value) in [
        ("content-type", "application/x-protobuf"),
        ("content-encoding", "snappy"),
        ("x-prometheus-remote-write-version", "0.1.0"),
        ("user-agent", concat!("millstream/", env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(headers[name], value);
    }
    let labels: Vec<(&str, &str)> = request.timeseries[0]
        .labels
        .iter()
        .map(|label| (&*label.name, &*label.value))
        .collect();
    assert_eq!(
        labels,
        [("__name__", "m"), ("cluster", "c"), ("job", "j")],
        "external labels never override"
    );
    for (name, value) in [
        ("samples_in_total", 9.0),
        ("samples_total", 9.0),
        ("samples_failed_total", 0.0),
        ("samples_retried_total", 0.0),
        ("samples_pending", 0.0),
        ("highest_timestamp_in_seconds", 8.0),
        ("queue_highest_sent_timestamp_seconds", 8.0),
        ("max_samples_per_send", 4.0),
    ] {
        assert_eq!(metric(&registry, name), value, "{name}");
    }
    assert!(metric(&registry, "bytes_total") > 0.0);
    let shown = format!("{:?}", registry.gather());
    assert!(
        !shown.contains("secret") && !shown.contains("pw@"),
        "no secret in a label"
    );
}

#[tokio::test]
async fn failures_are_repeated_in_order() {
    let receiver = Receiver::default();
    let url = receiver
        .serve(|number, _| match number {
            0 => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            1 => StatusCode::TOO_MANY_REQUESTS.into_response(),
            // The server hangs on this one: the request times out.
            2 => StatusCode::REQUEST_TIMEOUT.into_response(),
            _ => StatusCode::OK.into_response(),
        })
        .await;
    let remote_timeout = Duration::from_millis(300);
    let running = start(RemoteWriteSettings {
        max_samples_per_send: 2,
        remote_timeout,
        ..settings(url)
    });
    running.push(1, 0..5).await;
    let (report, settled, registry) = running.drained().await;
    assert_eq!((report, settled), (SinkReport::default(), vec![1]));
    assert_eq!(receiver.taken(), numbers(0..5));
    assert_eq!(metric(&registry, "samples_retried_total"), 6.0);
    assert_eq!(metric(&registry, "samples_total"), 5.0 + 6.0);
    assert_eq!(metric(&registry, "samples_failed_total"), 0.0);
}

#[tokio::test]
async fn retry_after_is_obeyed() {
    let receiver = Receiver::default();
    let url = receiver
        .serve(|number, _| match number {
            0 => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")]).into_response(),
            _ => StatusCode::OK.into_response(),
        })
        .await;
    let running = start(settings(url));
    let start = Instant::now();
    running.push(1, 0..1).await;
    running.drained().await;
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert_eq!(receiver.asked(), 2);
}

#[tokio::test]
async fn what_is_rejected_is_counted_and_holds_nothing_up() {
    let receiver = Receiver::default();
    let url = receiver
        .serve(|_, values| {
            if values.contains(&1.0) {
                (StatusCode::BAD_REQUEST, "out of order").into_response()
            } else {
                StatusCode::OK.into_response()
            }
        })
        .await;
    let running = start(RemoteWriteSettings {
        max_samples_per_send: 2,
        ..settings(url)
    });
    running.push(1, 0..4).await;
    let (report, settled, registry) = running.drained().await;
    assert_eq!(
        (report, settled),
        (SinkReport::default(), vec![1]),
        "dropped on purpose is settled"
    );
    assert_eq!(receiver.taken(), [2.0, 3.0]);
    assert_eq!(metric(&registry, "samples_failed_total"), 2.0);
    assert_eq!(metric(&registry, "samples_pending"), 0.0);
}

#[tokio::test]
async fn what_is_too_large_is_halved_in_order() {
    let receiver = Receiver::default();
    let url = receiver
        .serve(|_, values| {
            let fits = values.len() <= 3 && !values.contains(&6.0);
            if fits {
                StatusCode::OK
            } else {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            .into_response()
        })
        .await;
    let running = start(settings(url));
    running.push(1, 0..4).await;
    running.push(2, 4..11).await;
    let (report, mut settled, registry) = running.drained().await;
    settled.sort_unstable();
    assert_eq!((report, settled), (SinkReport::default(), vec![1, 2]));
    assert_eq!(receiver.taken(), [numbers(0..6), numbers(7..11)].concat());
    assert_eq!(
        metric(&registry, "samples_failed_total"),
        1.0,
        "one sample that is too large alone"
    );
}

#[tokio::test]
async fn giving_up_is_counted_where_it_is_asked_for() {
    let receiver = Receiver::default();
    let url = receiver
        .serve(|_, _| StatusCode::BAD_GATEWAY.into_response())
        .await;
    let mut settings = settings(url);
    settings.backoff.retries = Some(2);
    let running = start(settings);
    running.push(1, 0..2).await;
    let (report, settled, registry) = running.drained().await;
    assert_eq!((report, settled), (SinkReport::default(), vec![1]));
    assert_eq!(receiver.asked(), 3);
    assert_eq!(metric(&registry, "samples_failed_total"), 2.0);
}

#[tokio::test]
async fn a_full_queue_holds_the_pipeline_up_and_abort_reports_what_is_left() {
    let receiver = Receiver::default();
    let url = receiver
        .serve(|_, _| StatusCode::REQUEST_TIMEOUT.into_response())
        .await;
    let running = start(RemoteWriteSettings {
        capacity: 4,
        max_samples_per_send: 2,
        ..settings(url)
    });
    running.push(1, 0..2).await;
    until(|| receiver.asked() == 1).await;
    // Two rows under way, four in the queue, two in the channel; then nothing moves.
    for number in 2..=4 {
        let first = u32::try_from(number).unwrap() * 10;
        running.push(number, first..first + 2).await;
    }
    let more = running.inlet.send(shipment(0..2, Receipt::none()));
    assert!(
        tokio::time::timeout(Duration::from_millis(100), more)
            .await
            .is_err(),
        "the pipeline waits"
    );
    assert_eq!(metric(&running.registry, "samples_pending"), 6.0);
    running.abort.cancel();
    let (report, settled, registry) = running.drained().await;
    assert_eq!(
        (report, settled),
        (SinkReport { left_rows: 8 }, vec![]),
        "nothing left may settle"
    );
    assert_eq!(metric(&registry, "samples_pending"), 0.0);
}

#[tokio::test]
async fn an_aborted_task_settles_nothing() {
    let receiver = Receiver::default();
    let url = receiver
        .serve(|_, _| StatusCode::REQUEST_TIMEOUT.into_response())
        .await;
    let running = start(RemoteWriteSettings {
        max_samples_per_send: 2,
        capacity: 2,
        ..settings(url)
    });
    // One under way, one in the queue, one in the channel.
    running.push(1, 0..2).await;
    until(|| receiver.asked() == 1).await;
    running.push(2, 0..2).await;
    running.push(3, 0..2).await;
    running.task.abort();
    assert!(running.task.await.unwrap_err().is_cancelled());
    assert!(running.settlements.take().is_empty());
}

#[tokio::test]
async fn log_entries_never_settle_here() {
    let running = start(settings("http://127.0.0.1:1/".parse().unwrap()));
    let load = Load::Logs(Arc::new(LogBatch::default()));
    running
        .inlet
        .send(Shipment {
            load,
            receipt: running.settlements.receipt(1),
        })
        .await
        .unwrap();
    assert!(running.drained().await.1.is_empty());
}

/// Where a test's log goes.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_change_of_state_is_logged_once() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let receiver = Receiver::default();
    let url = receiver
        .serve(|number, _| match number {
            0..=2 => (StatusCode::SERVICE_UNAVAILABLE, "busy").into_response(),
            4 | 5 => (StatusCode::UNPROCESSABLE_ENTITY, "bad labels").into_response(),
            _ => StatusCode::OK.into_response(),
        })
        .await;
    let running = start(RemoteWriteSettings {
        max_samples_per_send: 1,
        ..settings(url)
    });
    running.push(1, 0..5).await;
    running.drained().await;
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("sink=\"prom\""))
        .collect();
    let wanted = [
        ("WARN", "trying again"),
        ("INFO", "accepted again"),
        ("ERROR", "rejected and dropped"),
        ("INFO", "accepted again"),
    ];
    assert_eq!(lines.len(), wanted.len(), "{text}");
    for (line, (level, what)) in lines.iter().zip(wanted) {
        assert!(line.contains(level) && line.contains(what), "{line}");
    }
    assert!(
        lines[0].contains("503 Service Unavailable: busy") && lines[2].contains("bad labels"),
        "{text}"
    );
    assert!(!text.contains("secret") && !text.contains("user:pw"));
}
