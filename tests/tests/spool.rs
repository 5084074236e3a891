//! Promise: what is in a sink's spool outlives a kill and an outage, and a sink that is down and has one holds nobody up.
#![expect(clippy::unwrap_used, reason = "a suite: what fails, fails the test")]

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use millstream_tests::Agent;
use millstream_tests::receiver::Receiver;
use tokio::net::TcpListener;

/// An address where nobody listens, and where a receiver may come to later.
async fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
}

fn append(path: &Path, lines: std::ops::Range<usize>) {
    let mut file = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    for number in lines {
        writeln!(file, "line {number}").unwrap();
    }
}

fn numbered(lines: std::ops::Range<usize>) -> Vec<String> {
    lines.map(|number| format!("line {number}")).collect()
}

fn lines(receiver: &Receiver) -> Vec<String> {
    receiver.entries().into_iter().map(|entry| entry.line).collect()
}

#[tokio::test]
async fn a_sink_that_is_down_with_a_spool_holds_nobody_up_and_gets_all_of_it_later() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("a.log");
    let (down, up) = (free().await, Receiver::start().await.unwrap());
    let manifest = format!(
        "sources: {{ logs: {{ file: {{ include: [\"{}\"] }} }} }}\n\
         pipelines: {{ p: {{ from: [logs], to: [down, up] }} }}\n\
         sinks:\n  \
           down: {{ loki: {{ url: \"http://{down}/loki/api/v1/push\", batch_wait: 50ms, max_backoff_period: 500ms, spool: {{}} }} }}\n  \
           up: {{ loki: {{ url: \"{}\", batch_wait: 50ms }} }}\n",
        log.display(),
        up.push_url()
    );
    append(&log, 0..1000);
    let agent = Agent::start(folder.path(), &manifest).await.unwrap();
    up.wait_for(1000).await.unwrap();
    for round in 1..20 {
        append(&log, round * 1000..(round + 1) * 1000);
        up.wait_for((round + 1) * 1000).await.unwrap();
    }
    // Wait for the checkpoint: from there on only the spool has them for the sink that is down.
    let book = folder.path().join("state/checkpoints.json");
    let size = fs::metadata(&log).unwrap().len();
    let saved = || fs::read_to_string(&book).is_ok_and(|text| text.contains(&format!("\"offset\": {size}")));
    for _ in 0..200 {
        if saved() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(saved(), "{:?}", fs::read_to_string(&book));
    assert!(
        agent
            .metric("millstream_spool_rows{sink=\"down\"}")
            .await
            .unwrap()
            >= 1.0
    );
    agent.signal("KILL").unwrap();
    drop(agent);

    // With the receiver still down a drain ends at once: what is stored is safe.
    append(&log, 20_000..20_010);
    let agent = Agent::start(folder.path(), &manifest).await.unwrap();
    up.wait_for(20_010).await.unwrap();
    assert!(agent.stop().await.unwrap().success());

    let receiver = Receiver::at(down).await.unwrap();
    let agent = Agent::start(folder.path(), &manifest).await.unwrap();
    receiver.wait_for(20_010).await.unwrap();
    assert_eq!(lines(&receiver), numbered(0..20_010), "once and in order");
    assert_eq!(lines(&up), numbered(0..20_010));
    agent
        .wait_for_metric("loki_write_sent_entries_total", 20_010.0)
        .await
        .unwrap();
    assert!(agent.stop().await.unwrap().success());
}

#[tokio::test]
async fn samples_outlive_a_kill_while_the_receiver_is_down() {
    let folder = tempfile::tempdir().unwrap();
    let page = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = page.local_addr().unwrap();
    let served = tokio::spawn(async move {
        let routes = Router::new().route("/metrics", get(|| async { "a_metric 42\n" }));
        axum::serve(page, routes).await.unwrap();
    });
    let down = free().await;
    let manifest = format!(
        "sources: {{ app: {{ prometheus: {{ scrape_interval: 1s, scrape_timeout: 500ms, static_configs: [{{ targets: [\"{target}\"] }}] }} }} }}\n\
         pipelines: {{ metrics: {{ from: [app], to: [out] }} }}\n\
         sinks: {{ out: {{ remote_write: {{ url: \"http://{down}/api/v1/write\", queue_config: {{ batch_send_deadline: 100ms, max_backoff: 500ms }} }} }} }}\n"
    );
    let agent = Agent::start(folder.path(), &manifest).await.unwrap();
    agent
        .wait_for_metric("millstream_spool_rows{sink=\"out\"}", 20.0)
        .await
        .unwrap();
    agent.signal("KILL").unwrap();
    drop(agent);
    served.abort();

    let receiver = Receiver::at(down).await.unwrap();
    let agent = Agent::start(folder.path(), &manifest).await.unwrap();
    receiver.wait_for(20).await.unwrap();
    assert!(agent.stop().await.unwrap().success());
    let scraped = receiver.samples();
    let ours = scraped
        .iter()
        .filter(|sample| sample.labels.contains(&("__name__".into(), "a_metric".into())));
    let times: Vec<i64> = ours
        .filter(|sample| sample.value == 42.0)
        .map(|sample| sample.timestamp)
        .collect();
    assert!(times.len() >= 3, "{scraped:?}");
    assert!(
        times.is_sorted_by(|one, other| one < other),
        "in order and once: {times:?}"
    );
}
