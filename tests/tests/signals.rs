//! Promise: SIGTERM drains, a second one ends at once and loses nothing; SIGHUP reloads; a drain waits for nothing that cannot
//! come, and says what it left.

use std::fs;
use std::path::Path;
use std::time::Duration;

use millstream_tests::Agent;
use millstream_tests::receiver::Receiver;

/// A port on which nobody listens: connections are refused at once.
const NOBODY: &str = "http://127.0.0.1:1/loki/api/v1/push";

fn manifest(logs: &Path, push_url: &str) -> String {
    format!(
        "sources: {{ logs: {{ file: {{ include: ['{}/*.log'], labels: {{ job: first }} }} }} }}\n\
         pipelines: {{ p: {{ from: [logs], to: [loki] }} }}\n\
         sinks: {{ loki: {{ loki: {{ url: '{push_url}', batch_wait: 50ms }} }} }}\n",
        logs.display()
    )
}

#[tokio::test]
async fn a_second_signal_ends_at_once_and_the_next_start_sends_what_was_left() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.log"), "one\ntwo\n").unwrap();
    let agent = Agent::start(folder.path(), &manifest(folder.path(), NOBODY))
        .await
        .unwrap();
    agent
        .wait_for_metric("loki_source_file_read_lines_total", 2.0)
        .await
        .unwrap();
    agent.signal("TERM").unwrap();
    agent.wait_for_log("draining").await.unwrap();
    // The drain alone would take 30 s.
    let status = tokio::time::timeout(Duration::from_secs(15), agent.stop())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(status.code(), Some(1));
    let receiver = Receiver::start().await.unwrap();
    let agent = Agent::start(folder.path(), &manifest(folder.path(), &receiver.push_url()))
        .await
        .unwrap();
    receiver.wait_for(2).await.unwrap();
    assert!(agent.stop().await.unwrap().success());
    let lines: Vec<String> = receiver.entries().into_iter().map(|entry| entry.line).collect();
    assert_eq!(lines, ["one", "two"]);
}

#[tokio::test]
async fn hup_reloads() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await.unwrap();
    let text = manifest(folder.path(), &receiver.push_url());
    let agent = Agent::start(folder.path(), &text).await.unwrap();
    fs::write(
        folder.path().join("millstream.yaml"),
        text.replace("first", "second"),
    )
    .unwrap();
    agent.signal("HUP").unwrap();
    agent.wait_for_log("\"reloaded\"").await.unwrap();
    fs::write(folder.path().join("a.log"), "one\n").unwrap();
    receiver.wait_for(1).await.unwrap();
    assert!(agent.stop().await.unwrap().success());
    assert!(
        receiver.entries()[0].labels.contains("job=\"second\""),
        "{:?}",
        receiver.entries()
    );
}

#[tokio::test]
async fn a_drain_does_not_wait_for_a_sink_that_has_gone_and_says_what_it_left() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await.unwrap();
    let text = manifest(folder.path(), &receiver.push_url())
        .replace("to: [loki]", "to: [loki, console]")
        .replace("sinks: {", "sinks: { console: { console: {} },");
    let mut agent = Agent::start(folder.path(), &text).await.unwrap();
    agent.close_stdout();
    fs::write(folder.path().join("a.log"), "one\ntwo\n").unwrap();
    agent.wait_for_log("gave entries up").await.unwrap();
    receiver.wait_for(2).await.unwrap();
    // The drain's deadline is 30 s.
    let (status, log) = tokio::time::timeout(Duration::from_secs(15), agent.stop_and_log())
        .await
        .unwrap()
        .unwrap();
    assert!(status.success(), "{log:#?}");
    let told = log
        .iter()
        .find(|line| line.contains("not everything was delivered"));
    let told: serde_json::Value = serde_json::from_str(told.unwrap()).unwrap();
    let field = |name: &str| {
        let value = told.pointer(&format!("/fields/{name}")).or(told.get(name));
        value.map(ToString::to_string).unwrap_or_default()
    };
    assert!(field("left").contains("console\\\": 2"), "{told}");
    assert!(field("again").contains("p\\\": 2"), "{told}");
    assert_eq!(field("in_time"), "true");
}
