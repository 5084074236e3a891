//! Promise: the user's pipeline gives what Promtail gives for the same stages, entry for entry.

use std::fs;
use std::path::Path;
use std::time::Duration;

use millstream_tests::receiver::Receiver;
use millstream_tests::{Agent, millstream, users};

/// The user's pipeline, quick to send.
fn manifest(logs: &Path, push_url: &str) -> String {
    users::manifest(logs, push_url).replace("batch_wait: 1s", "batch_wait: 200ms")
}

#[tokio::test]
async fn the_users_log_arrives_as_promtail_would_send_it() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    fs::create_dir(&logs).unwrap();
    fs::write(
        logs.join("application.log"),
        include_str!("../data/ticketon/application.log"),
    )
    .unwrap();
    let receiver = Receiver::start().await.unwrap();
    let agent = Agent::start(folder.path(), &manifest(&logs, &receiver.push_url()))
        .await
        .unwrap();
    // The last entry is held until max_wait_time says that nothing more belongs to it.
    receiver.wait_for(65).await.unwrap();
    assert!(agent.stop().await.unwrap().success());
    assert_eq!(receiver.entries().len(), 65);
    assert_eq!(receiver.streams(), users::expected(&logs).unwrap());
    let tenants: Vec<_> = receiver
        .arrivals()
        .iter()
        .map(|arrival| arrival.headers["x-scope-orgid"].clone())
        .collect();
    assert!(tenants.iter().all(|tenant| tenant == "fake"));
}

#[tokio::test]
async fn what_is_held_when_the_agent_stops_is_flushed_and_nothing_is_sent_twice() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    fs::create_dir(&logs).unwrap();
    fs::write(
        logs.join("application.log"),
        include_str!("../data/ticketon/application.log"),
    )
    .unwrap();
    let receiver = Receiver::start().await.unwrap();
    let text = manifest(&logs, &receiver.push_url()).replace("max_wait_time: 3s", "max_wait_time: 1h");
    let agent = Agent::start(folder.path(), &text).await.unwrap();
    receiver.wait_for(64).await.unwrap();
    assert!(agent.stop().await.unwrap().success());
    assert_eq!(receiver.streams(), users::expected(&logs).unwrap());
    // The second run finds its checkpoint: only what is new is sent.
    let agent = Agent::start(folder.path(), &text).await.unwrap();
    let mut log = fs::OpenOptions::new()
        .append(true)
        .open(logs.join("application.log"))
        .unwrap();
    let late = "2026-01-08 15:00:00.000  INFO 1 --- [main] c.t.Main : stopped";
    std::io::Write::write_all(&mut log, format!("{late}\n").as_bytes()).unwrap();
    agent
        .wait_for_metric(
            "millstream_stage_rows_in_total{pipeline=\"app\",stage=\"multiline\"}",
            1.0,
        )
        .await
        .unwrap();
    assert!(agent.stop().await.unwrap().success());
    let entries = receiver.entries();
    assert_eq!(entries.len(), 66);
    assert_eq!(entries[65].line, late);
}

#[tokio::test]
async fn a_reload_changes_the_labels_and_a_wrong_manifest_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    fs::create_dir(&logs).unwrap();
    let log = logs.join("application.log");
    fs::write(&log, "2026-01-08 15:00:00.000  INFO first\n").unwrap();
    let receiver = Receiver::start().await.unwrap();
    let text = manifest(&logs, &receiver.push_url()).replace("max_wait_time: 3s", "max_wait_time: 100ms");
    let agent = Agent::start(folder.path(), &text).await.unwrap();
    receiver.wait_for(1).await.unwrap();
    let path = folder.path().join("millstream.yaml");
    fs::write(&path, text.replace("service_name", "service-name")).unwrap();
    let (status, answer) = agent.reload().await.unwrap();
    assert_eq!(status, 400, "{answer}");
    assert!(answer.contains("service-name"), "{answer}");
    fs::write(&path, text.replace("var-log-collector", "other")).unwrap();
    assert_eq!(agent.reload().await.unwrap(), (200, "config reloaded\n".into()));
    let mut file = fs::OpenOptions::new().append(true).open(&log).unwrap();
    std::io::Write::write_all(&mut file, b"2026-01-08 15:00:01.000  INFO second\n").unwrap();
    receiver.wait_for(2).await.unwrap();
    assert!(agent.stop().await.unwrap().success());
    let labels: Vec<String> = receiver.entries().into_iter().map(|entry| entry.labels).collect();
    assert!(labels[0].contains("job=\"var-log-collector\""), "{labels:?}");
    assert!(labels[1].contains("job=\"other\""), "{labels:?}");
    assert_eq!(labels.len(), 2);
}

#[tokio::test]
async fn the_pages_answer_and_a_second_agent_is_refused_the_storage() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await.unwrap();
    let agent = Agent::start(folder.path(), &manifest(folder.path(), &receiver.push_url()))
        .await
        .unwrap();
    assert_eq!(
        agent.get("/-/ready").await.unwrap(),
        (200, "Millstream is ready.\n".into())
    );
    assert_eq!(agent.get("/-/healthy").await.unwrap().0, 200);
    assert!(
        agent
            .get("/metrics")
            .await
            .unwrap()
            .1
            .contains("millstream_build_info{version=")
    );
    let second = millstream([
        "run".as_ref(),
        folder.path().join("millstream.yaml").as_os_str(),
        "--listen".as_ref(),
        "127.0.0.1:0".as_ref(),
        "--storage-path".as_ref(),
        folder.path().join("state").as_os_str(),
    ])
    .unwrap();
    assert_eq!(second.status.code(), Some(1));
    let words = String::from_utf8(second.stderr).unwrap();
    assert!(
        words.contains("another millstream runs with the storage folder"),
        "{words}"
    );
    tokio::time::timeout(Duration::from_secs(20), agent.stop())
        .await
        .unwrap()
        .unwrap();
}
