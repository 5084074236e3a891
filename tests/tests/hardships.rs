//! Promise: what is broken costs itself only. A binary file, an unreadable one, an endless line, a sink that refuses, a
//! target that is down: the others go on, and it is told once.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use millstream_tests::Agent;
use millstream_tests::receiver::{Answer, Receiver};

fn manifest(logs: &Path, push_url: &str) -> String {
    format!(
        "sources: {{ logs: {{ file: {{ include: [\"{}/*.log\"], rescan: 1s }} }} }}\n\
         pipelines: {{ p: {{ from: [logs], to: [loki] }} }}\n\
         sinks: {{ loki: {{ loki: {{ url: \"{push_url}\", batch_wait: 100ms, min_backoff_period: 50ms, max_backoff_period: 200ms }} }} }}\n",
        logs.display()
    )
}

#[tokio::test]
async fn one_bad_file_does_not_stop_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    fs::create_dir(&logs).unwrap();
    fs::write(
        logs.join("binary.log"),
        [0u8, 159, 146, 150, 0, 0, 10, 0].repeat(1000),
    )
    .unwrap();
    fs::create_dir(logs.join("folder.log")).unwrap();
    std::os::unix::fs::symlink("nowhere", logs.join("dangling.log")).unwrap();
    let mut endless = fs::File::create(logs.join("endless.log")).unwrap();
    let megabyte = vec![b'x'; 1 << 20];
    for _ in 0..100 {
        endless.write_all(&megabyte).unwrap();
    }
    endless.write_all(b"\nafter the endless line\n").unwrap();
    fs::write(logs.join("invalid.log"), b"caf\xe9 au lait\r\n").unwrap();
    fs::write(logs.join("good.log"), "a good line\n").unwrap();
    let receiver = Receiver::start().await.unwrap();
    let agent = Agent::start(folder.path(), &manifest(&logs, &receiver.push_url()))
        .await
        .unwrap();
    receiver.wait_for(4).await.unwrap();
    let resident = agent.metric("process_resident_memory_bytes").await.unwrap();
    assert!(agent.stop().await.unwrap().success());
    let mut lines: Vec<String> = receiver.entries().into_iter().map(|entry| entry.line).collect();
    lines.sort_by_key(String::len);
    assert_eq!(
        lines[..3],
        ["a good line", "caf\u{fffd} au lait", "after the endless line"]
    );
    assert_eq!(lines[3].len(), 256 << 10, "the endless line is cut at the limit");
    assert_eq!(lines.len(), 4);
    assert!(resident < 100e6, "resident {resident}");
}

#[tokio::test]
async fn a_sink_that_refuses_is_told_once_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    fs::create_dir(&logs).unwrap();
    fs::write(
        logs.join("a.log"),
        (0..100).map(|n| format!("line {n}\n")).collect::<String>(),
    )
    .unwrap();
    let receiver = Receiver::start().await.unwrap();
    receiver.script("/loki/api/v1/push", [500, 503, 500, 502, 500].map(Answer::status));
    let agent = Agent::start(folder.path(), &manifest(&logs, &receiver.push_url()))
        .await
        .unwrap();
    receiver.wait_for(100).await.unwrap();
    let complaints = agent
        .log()
        .iter()
        .filter(|line| line.contains("\"WARN\"") || line.contains("\"ERROR\""))
        .count();
    assert_eq!(complaints, 1, "{:#?}", agent.log());
    assert!(agent.metric("loki_write_batch_retries_total").await.unwrap() >= 5.0);
    assert!(agent.stop().await.unwrap().success());
    let lines: Vec<String> = receiver.entries().into_iter().map(|entry| entry.line).collect();
    assert_eq!(lines, (0..100).map(|n| format!("line {n}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn new_and_renamed_files_are_followed_while_running() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    fs::create_dir(&logs).unwrap();
    let receiver = Receiver::start().await.unwrap();
    let agent = Agent::start(folder.path(), &manifest(&logs, &receiver.push_url()))
        .await
        .unwrap();
    let log = logs.join("a.log");
    fs::write(&log, "one\n").unwrap();
    receiver.wait_for(1).await.unwrap();
    let mut old = fs::OpenOptions::new().append(true).open(&log).unwrap();
    fs::rename(&log, logs.join("a.log.1")).unwrap();
    old.write_all(b"two\n").unwrap();
    fs::write(&log, "three\n").unwrap();
    receiver.wait_for(3).await.unwrap();
    let status = tokio::time::timeout(Duration::from_secs(30), agent.stop())
        .await
        .unwrap()
        .unwrap();
    assert!(status.success());
    let mut lines: Vec<String> = receiver.entries().into_iter().map(|entry| entry.line).collect();
    lines.sort();
    assert_eq!(lines, ["one", "three", "two"]);
}
