//! Scraping a real HTTP server. Time is real here: tokio's stopped clock runs ahead while a socket is waited for.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use millstream_batch::SampleBatch;
use prometheus::Registry;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::*;

/// Short, so that tests are; long against what a loopback request takes on a busy machine.
const INTERVAL: Duration = Duration::from_millis(100);

/// A server that answers every request with what `answer` makes of its number and itself.
async fn serve(answer: impl Fn(usize, Request) -> Response + Clone + Send + Sync + 'static) -> String {
    let count = Arc::new(AtomicUsize::new(0));
    let router = Router::new().fallback(move |request: Request| {
        let (answer, number) = (answer.clone(), count.fetch_add(1, Ordering::SeqCst));
        async move {
            if request.uri().path() == "/hang" {
                std::future::pending::<()>().await;
            }
            answer(number, request)
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn settings(address: &str) -> ScrapeSettings {
    ScrapeSettings {
        job_name: "test".into(),
        scrape_interval: INTERVAL,
        scrape_timeout: INTERVAL,
        static_configs: vec![StaticTargets {
            targets: vec![address.into()],
            labels: [].into(),
        }],
        ..ScrapeSettings::default()
    }
}

struct Running {
    batches: mpsc::Receiver<SampleBatch>,
    stop: CancellationToken,
    task: JoinHandle<()>,
    registry: Registry,
}

fn start(settings: &ScrapeSettings) -> Running {
    // Another test may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let registry = Registry::new();
    let metrics = ScrapeMetrics::register(&registry).unwrap();
    let (pipe, batches) = mpsc::channel(1);
    let outlet = SampleOutlet::new(vec![pipe]);
    let source =
        PrometheusSource::new("spring", settings, &reqwest::Client::new(), &outlet, &metrics).unwrap();
    drop(outlet);
    let stop = CancellationToken::new();
    Running {
        batches,
        stop: stop.clone(),
        task: tokio::spawn(source.run(stop)),
        registry,
    }
}

impl Running {
    /// The next batch: name (and value) of every sample.
    async fn next(&mut self) -> Vec<(String, f64)> {
        let batch = tokio::time::timeout(Duration::from_secs(20), self.batches.recv())
            .await
            .unwrap()
            .unwrap();
        (0..batch.len())
            .map(|row| {
                let labels = &batch.labels[batch.series[row] as usize];
                assert_eq!(labels.get("job"), Some("test"));
                (labels.get("__name__").unwrap().to_owned(), batch.values[row])
            })
            .collect()
    }

    fn metric(&self, name: &str, label: &str) -> f64 {
        let families = self.registry.gather();
        let metrics = families
            .iter()
            .filter(|family| family.name() == name)
            .flat_map(|family| family.get_metric());
        metrics
            .filter(|metric| label.is_empty() || metric.get_label().iter().any(|pair| pair.value() == label))
            .map(|metric| metric.get_counter().get_value() + metric.get_gauge().get_value())
            .sum()
    }
}

fn value(batch: &[(String, f64)], name: &str) -> f64 {
    batch
        .iter()
        .find(|sample| sample.0 == name)
        .unwrap_or_else(|| panic!("{name} in {batch:?}"))
        .1
}

fn is_stale(batch: &[(String, f64)], name: &str) -> bool {
    value(batch, name).to_bits() == SampleBatch::STALE
}

fn openmetrics(body: &'static str) -> Response {
    (
        [(
            "content-type",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        )],
        body,
    )
        .into_response()
}

#[tokio::test]
async fn a_target_is_asked_as_prometheus_asks() {
    let seen: Arc<Mutex<Option<(String, HeaderMap)>>> = Arc::default();
    let keep = seen.clone();
    let address = serve(move |_, request| {
        *keep.lock().unwrap() = Some((request.uri().to_string(), request.headers().clone()));
        openmetrics("a_total 1 1.5 # {x=\"y\"} 1\nb_created 5\n# EOF\n")
    })
    .await;
    let mut settings = settings(&address);
    settings.metrics_path = "/actuator/prometheus".into();
    settings.params = [("match[]".to_owned(), vec!["x".to_owned()])].into();
    let mut running = start(&settings);
    let batch = running.next().await;
    assert_eq!((value(&batch, "a_total"), value(&batch, "b_created")), (1.0, 5.0));
    let report: Vec<f64> = [
        "up",
        "scrape_samples_scraped",
        "scrape_samples_post_metric_relabeling",
        "scrape_series_added",
    ]
    .iter()
    .map(|name| value(&batch, name))
    .collect();
    assert_eq!(report, [1.0, 2.0, 2.0, 2.0]);
    assert!(value(&batch, "scrape_duration_seconds") > 0.0);

    let (uri, headers) = seen.lock().unwrap().take().unwrap();
    assert_eq!(uri, "/actuator/prometheus?match%5B%5D=x");
    assert_eq!(
        headers["user-agent"],
        concat!("millstream/", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(headers["x-prometheus-scrape-timeout-seconds"], "0.1");
    assert_eq!(headers["accept-encoding"], "gzip");
    let accept = headers["accept"].to_str().unwrap();
    assert!(
        accept.starts_with("application/openmetrics-text;version=1.0.0") && accept.contains("version=0.0.4")
    );
}

#[tokio::test]
async fn stopping_ends_every_series() {
    let address = serve(|_, _| "a 1\n".into_response()).await;
    let mut running = start(&settings(&address));
    assert_eq!(value(&running.next().await, "up"), 1.0);
    running.stop.cancel();
    let mut last = running.next().await;
    // One more scrape may have been under way.
    if !is_stale(&last, "up") {
        last = running.next().await;
    }
    for name in ["a", "up", "scrape_duration_seconds", "scrape_series_added"] {
        assert!(is_stale(&last, name), "{name}");
    }
    assert!(
        running.batches.recv().await.is_none(),
        "nothing comes after the end"
    );
    running.task.await.unwrap();
    assert_eq!(
        running
            .registry
            .gather()
            .iter()
            .filter(|f| f.name() == "millstream_scrape_targets_up")
            .count(),
        1
    );
}

#[tokio::test]
async fn a_gzip_body_is_unpacked_and_its_size_limited_unpacked() {
    const PACKED: &[u8] = &[
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x4b, 0x54, 0x30, 0xe4, 0x4a, 0xaa, 0x4e,
        0xb6, 0x55, 0x4a, 0x51, 0xaa, 0x55, 0x30, 0xe2, 0x02, 0x00, 0xf7, 0x09, 0x66, 0x70, 0x0f, 0x00, 0x00,
        0x00,
    ];
    let address = serve(|_, _| ([("content-encoding", "gzip")], PACKED).into_response()).await;
    let mut running = start(&settings(&address));
    let batch = running.next().await;
    assert_eq!(
        (value(&batch, "a"), value(&batch, "b"), value(&batch, "up")),
        (1.0, 2.0, 1.0)
    );
    running.stop.cancel();

    let mut running = start(&ScrapeSettings {
        body_size_limit: 14,
        ..settings(&address)
    });
    assert_eq!(value(&running.next().await, "up"), 0.0);
    assert_eq!(running.metric("millstream_scrapes_total", "body_size_limit"), 1.0);
    assert_eq!(
        running.metric("prometheus_target_scrapes_exceeded_body_size_limit_total", ""),
        1.0
    );
}

#[tokio::test]
async fn every_failure_is_down_with_its_reason() {
    let address = serve(|_, request| match request.uri().path() {
        "/500" => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        "/204" => StatusCode::NO_CONTENT.into_response(),
        "/cut" => openmetrics("a 1\n"),
        "/html" => "<html>".into_response(),
        "/many" => "a 1\nb 1\nc 1\n".into_response(),
        path => panic!("{path}"),
    })
    .await;
    let closed = "127.0.0.1:1";
    for (address, path, result, scraped) in [
        (&*address, "/500", "status", 0.0),
        (&address, "/204", "status", 0.0),
        (&address, "/cut", "parse", 1.0),
        (&address, "/html", "parse", 0.0),
        (&address, "/many", "sample_limit", 3.0),
        (&address, "/hang", "timeout", 0.0),
        (closed, "/", "request", 0.0),
    ] {
        let mut running = start(&ScrapeSettings {
            metrics_path: path.into(),
            sample_limit: 2,
            ..settings(address)
        });
        let batch = running.next().await;
        assert_eq!(batch.len(), 5, "{path} sends its report only: {batch:?}");
        assert_eq!(
            (value(&batch, "up"), value(&batch, "scrape_samples_scraped")),
            (0.0, scraped),
            "{path}"
        );
        assert_eq!(running.metric("millstream_scrapes_total", result), 1.0, "{path}");
        running.stop.cancel();
    }
}

#[tokio::test]
async fn series_end_with_the_failure_and_come_back_after_it() {
    let address = serve(|number, _| match number {
        0 => "a 1\nb 1\n".into_response(),
        1 => "a 1\n".into_response(),
        2 | 3 => StatusCode::BAD_GATEWAY.into_response(),
        _ => "a 1\n".into_response(),
    })
    .await;
    // Patient, so that a slow machine is no failure of its own.
    let mut running = start(&ScrapeSettings {
        scrape_timeout: Duration::from_secs(10),
        ..settings(&address)
    });
    assert_eq!(running.next().await.len(), 2 + 5);
    let second = running.next().await;
    assert!(is_stale(&second, "b") && value(&second, "a") == 1.0);
    let third = running.next().await;
    assert!(is_stale(&third, "a") && value(&third, "up") == 0.0 && third.len() == 1 + 5);
    assert_eq!(running.next().await.len(), 5);
    let back = running.next().await;
    assert_eq!(
        (
            value(&back, "a"),
            value(&back, "up"),
            value(&back, "scrape_series_added")
        ),
        (1.0, 1.0, 0.0)
    );
}

#[tokio::test]
async fn a_full_pipeline_holds_the_target_up_and_the_missed_scrapes_are_counted() {
    let address = serve(|_, _| "a 1\n".into_response()).await;
    let mut running = start(&settings(&address));
    tokio::time::sleep(INTERVAL * 8).await;
    for _ in 0..3 {
        running.next().await;
    }
    assert!(running.metric("millstream_scrapes_missed_total", "spring") >= 1.0);
    drop(running.batches);
    tokio::time::timeout(Duration::from_secs(20), running.task)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_source_without_targets_waits_for_its_end() {
    let running = start(&ScrapeSettings {
        static_configs: vec![],
        ..settings("")
    });
    tokio::task::yield_now().await;
    assert!(!running.task.is_finished());
    running.stop.cancel();
    running.task.await.unwrap();
}

/// Where a test's log goes.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
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
    let address = serve(|number, _| match number {
        0..2 => "a 1\n".into_response(),
        2..4 => "a nope\n".into_response(),
        _ => "a 1\n".into_response(),
    })
    .await;
    let mut settings = settings(&address);
    settings.scrape_timeout = Duration::from_secs(10);
    settings.params = [("token".to_owned(), vec!["secret".to_owned()])].into();
    let mut running = start(&settings);
    for _ in 0..6 {
        running.next().await;
    }
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("the target is"))
        .collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(
        lines[0].contains("INFO") && lines[0].contains("is up") && lines[0].contains("source=\"spring\"")
    );
    assert!(
        lines[1].contains("WARN") && lines[1].contains("is down") && lines[1].contains("line 1"),
        "{}",
        lines[1]
    );
    assert!(lines[2].contains("is up"));
    assert!(!text.contains("secret"));
}
