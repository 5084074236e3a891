//! Promise: the real Loki and the real Prometheus take what Millstream sends, and answer queries with it.
//!
//! A server that is not on this machine skips its tests, loudly; with `MILLSTREAM_REQUIRE_REAL=1` it fails them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::routing::get;
use millstream_tests::receiver::{Entry, Sample};
use millstream_tests::servers::{Loki, Prometheus};
use millstream_tests::users::{DAY, TIME};
use millstream_tests::{Agent, users};
use tokio::net::TcpListener;

/// What finds the log's entries in Loki.
const SELECTOR: &str = r#"{service_name="ticketon"}"#;

/// How many entries the log holds.
const ENTRIES: usize = 65;

/// The user's pipeline, quick to send, with further stages after its own.
fn manifest(logs: &Path, push_url: &str, further: &str) -> String {
    users::manifest_with(logs, push_url, further, "batch_wait: 200ms, batch_size: 1MB")
}

/// Writes the user's log under `folder`.
fn write_log(folder: &Path) -> PathBuf {
    let logs = folder.join("logs");
    fs::create_dir(&logs).unwrap();
    fs::write(
        logs.join("application.log"),
        include_str!("../data/ticketon/application.log"),
    )
    .unwrap();
    logs
}

fn by_stream(entries: &[Entry]) -> BTreeMap<String, Vec<String>> {
    let mut streams: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in entries {
        streams
            .entry(entry.labels.clone())
            .or_default()
            .push(entry.line.clone());
    }
    streams
}

/// The time a line of the log begins with, in nanoseconds since the epoch.
fn time_of(line: &str) -> i64 {
    let clock = line.strip_prefix("2026-01-08 ").unwrap();
    let part = |from: usize, to: usize| clock[from..to].parse::<u64>().unwrap();
    let seconds = DAY + part(0, 2) * 3600 + part(3, 5) * 60 + part(6, 8);
    i64::try_from(seconds * 1_000_000_000 + part(9, 12) * 1_000_000).unwrap()
}

/// Runs the agent with fresh storage until Loki has acknowledged the whole log.
async fn run_once(logs: &Path, loki: &Loki, further: &str) {
    let folder = tempfile::tempdir().unwrap();
    let agent = Agent::start(folder.path(), &manifest(logs, &loki.push_url(), further))
        .await
        .unwrap();
    agent
        .wait_for_metric("loki_write_sent_entries_total", ENTRIES as f64)
        .await
        .unwrap();
    assert_eq!(
        agent.metric("loki_write_dropped_entries_total").await.unwrap(),
        0.0,
        "{:#?}",
        agent.log()
    );
    assert!(agent.stop().await.unwrap().success());
}

#[tokio::test]
async fn loki_answers_with_the_users_log() {
    let Some(loki) = Loki::start("loki_answers_with_the_users_log").await.unwrap() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let logs = write_log(folder.path());
    // Without a stage that says otherwise, an entry's time is when it was read.
    let start = SystemTime::now();
    run_once(&logs, &loki, "").await;
    let entries = loki.wait_for(SELECTOR, start, ENTRIES).await.unwrap();
    assert_eq!(entries.len(), ENTRIES);
    assert_eq!(by_stream(&entries), users::expected(&logs).unwrap());
    // Every line of a stack trace is in the entry it belongs to, so every line of the log is in one.
    let lines: usize = entries.iter().map(|entry| entry.line.split('\n').count()).sum();
    assert_eq!(
        lines,
        include_str!("../data/ticketon/application.log").lines().count()
    );
    assert!(
        entries
            .iter()
            .any(|entry| entry.line.contains("\n\tat com.ticketon."))
    );
    assert_eq!(loki.lines_received().await.unwrap(), ENTRIES as f64);
}

#[tokio::test]
async fn what_is_sent_twice_with_its_own_time_is_in_loki_once() {
    let Some(loki) = Loki::start("what_is_sent_twice_with_its_own_time_is_in_loki_once")
        .await
        .unwrap()
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let logs = write_log(folder.path());
    run_once(&logs, &loki, TIME).await;
    let day = SystemTime::UNIX_EPOCH + Duration::from_secs(DAY);
    let first = loki.wait_for(SELECTOR, day, ENTRIES).await.unwrap();
    assert_eq!(by_stream(&first), users::expected(&logs).unwrap());
    for entry in &first {
        assert_eq!(entry.timestamp, time_of(&entry.line), "{}", entry.line);
    }
    run_once(&logs, &loki, TIME).await;
    assert_eq!(loki.lines_received().await.unwrap(), 2.0 * ENTRIES as f64);
    assert_eq!(loki.entries(SELECTOR, day).await.unwrap(), first);
}

const PAGE: &str = "# HELP jvm_threads_live_threads The current number of live threads\n\
    # TYPE jvm_threads_live_threads gauge\n\
    jvm_threads_live_threads{application=\"ticketon\",job=\"mine\"} 42.0\n";

/// The value of the only sample; its labels must be these.
fn only(samples: &[Sample], labels: &[(&str, &str)]) -> f64 {
    let labels: Vec<_> = labels
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    assert_eq!(samples.len(), 1, "{samples:?}");
    assert_eq!(samples[0].labels, labels);
    samples[0].value
}

#[tokio::test]
async fn prometheus_answers_with_the_scraped_page() {
    let Some(prometheus) = Prometheus::start("prometheus_answers_with_the_scraped_page")
        .await
        .unwrap()
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let page = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = page.local_addr().unwrap().to_string();
    let served = tokio::spawn(async move {
        let routes = Router::new().route("/actuator/prometheus", get(|| async { PAGE }));
        axum::serve(page, routes).await.unwrap();
    });
    let manifest = format!(
        "sources: {{ spring: {{ prometheus: {{ job_name: ticketon, metrics_path: /actuator/prometheus, scrape_interval: 1s, \
         scrape_timeout: 1s, static_configs: [{{ targets: [\"{target}\"] }}] }} }} }}\n\
         pipelines: {{ metrics: {{ from: [spring], to: [out] }} }}\n\
         sinks: {{ out: {{ remote_write: {{ url: \"{}\", queue_config: {{ batch_send_deadline: 100ms }} }} }} }}\n",
        prometheus.write_url()
    );
    let agent = Agent::start(folder.path(), &manifest).await.unwrap();
    // On a busy machine the first scrape may run into its timeout.
    prometheus.wait_for(r#"up{job="ticketon"} == 1"#).await.unwrap();
    let threads = prometheus
        .wait_for(r#"jvm_threads_live_threads{job="ticketon"}"#)
        .await
        .unwrap();
    let up = prometheus.samples(r#"up{job="ticketon"}"#).await.unwrap();
    let instance = ("instance", target.as_str());
    assert_eq!(
        only(&up, &[("__name__", "up"), instance, ("job", "ticketon")]),
        1.0
    );
    let labels = [
        ("__name__", "jvm_threads_live_threads"),
        ("application", "ticketon"),
        ("exported_job", "mine"),
        instance,
        ("job", "ticketon"),
    ];
    assert_eq!(only(&threads, &labels), 42.0);
    assert!(agent.stop().await.unwrap().success());
    served.abort();
}
