//! Promise: what a failing stage costs is what its `on_error` says: nothing, the entry at fault, or the pipeline.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use millstream_tests::Agent;
use millstream_tests::receiver::Receiver;

/// A pipeline whose first stage panics on lines that begin with `poison`, behind it one that works.
fn manifest(logs: &Path, push_url: &str, on_error: &str) -> String {
    format!(
        "plugins: {{ rogue: {{ path: '{}', on_error: {on_error} }} }}\n\
         sources: {{ logs: {{ file: {{ include: ['{}/*.log'] }} }} }}\n\
         pipelines:\n  p:\n    from: [logs]\n    stages:\n      - rogue: {{ act: panic }}\n      \
         - static_labels: {{ values: {{ job: j }} }}\n    to: [loki]\n\
         sinks: {{ loki: {{ loki: {{ url: '{push_url}', batch_wait: 100ms }} }} }}\n",
        env!("ROGUE_WASM"),
        logs.display()
    )
}

/// An agent that has read `poison` and `fine` in one batch, and then a line `late`.
async fn run(folder: &Path, receiver: &Receiver, on_error: &str) -> Agent {
    let logs = folder.join("logs");
    fs::create_dir(&logs).unwrap();
    fs::write(logs.join("a.log"), "poison\nfine\n").unwrap();
    let agent = Agent::start(folder, &manifest(&logs, &receiver.push_url(), on_error))
        .await
        .unwrap();
    agent
        .wait_for_metric("millstream_stage_failures_total{kind=\"trap\"", 1.0)
        .await
        .unwrap();
    fs::write(logs.join("b.log"), "late\n").unwrap();
    agent
}

#[tokio::test]
async fn pass_lets_the_entry_at_fault_go_on_marked_and_works_on_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await.unwrap();
    let agent = run(folder.path(), &receiver, "pass").await;
    receiver.wait_for(3).await.unwrap();
    assert!(agent.stop().await.unwrap().success());
    let entries = receiver.entries();
    let marks: Vec<_> = entries
        .iter()
        .map(|entry| (entry.line.as_str(), entry.metadata.len()))
        .collect();
    assert_eq!(marks, [("poison", 1), ("fine", 0), ("late", 0)]);
    assert_eq!(
        entries[0].metadata[0],
        ("stage_error".into(), "rogue: trap".into())
    );
    assert!(
        entries.iter().all(|entry| entry.labels.contains("job=\"j\"")),
        "the next stage works on them"
    );
}

#[tokio::test]
async fn drop_counts_the_entry_at_fault_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await.unwrap();
    let agent = run(folder.path(), &receiver, "drop").await;
    receiver.wait_for(2).await.unwrap();
    let dropped = agent
        .metric("loki_process_dropped_lines_total{reason=\"stage_error\"}")
        .await
        .unwrap();
    assert!((dropped - 1.0).abs() < f64::EPSILON, "{dropped}");
    assert!(agent.stop().await.unwrap().success());
    let lines: Vec<String> = receiver.entries().into_iter().map(|entry| entry.line).collect();
    assert_eq!(lines, ["fine", "late"]);
}

#[tokio::test]
async fn halt_stops_the_pipeline_and_keeps_its_entries_owed() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await.unwrap();
    let agent = run(folder.path(), &receiver, "halt").await;
    agent.wait_for_log("pipeline stopped").await.unwrap();
    let (status, words) = agent.get("/-/healthy").await.unwrap();
    assert_eq!(status, 500);
    assert!(
        words.contains("pipeline `p`") && words.contains("rogue"),
        "{words}"
    );
    assert!(agent.stop().await.unwrap().success());
    assert!(receiver.entries().is_empty());
    // With the fault gone, the next start reads all of it.
    let text = fs::read_to_string(folder.path().join("millstream.yaml")).unwrap();
    let agent = Agent::start(folder.path(), &text.replace("halt", "pass"))
        .await
        .unwrap();
    receiver.wait_for(3).await.unwrap();
    assert!(agent.stop().await.unwrap().success());
}

#[tokio::test]
async fn dead_letters_keep_the_entry_at_fault_and_can_be_fed_back() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await.unwrap();
    let agent = run(folder.path(), &receiver, "dead_letter").await;
    receiver.wait_for(2).await.unwrap();
    let kept = agent
        .metric("loki_process_dropped_lines_total{reason=\"dead_letter\"}")
        .await
        .unwrap();
    assert!((kept - 1.0).abs() < f64::EPSILON, "{kept}");
    let told = agent.wait_for_log("stage failed").await.unwrap();
    assert!(told.contains("logs/a.log") && told.contains("rogue"), "{told}");
    assert!(agent.stop().await.unwrap().success());
    let letters = folder.path().join("state/dead_letters/p.rogue.jsonl");
    let text = fs::read_to_string(&letters).unwrap();
    let letter: serde_json::Value = serde_json::from_str(text.trim_end()).unwrap();
    assert_eq!(letter["line"], "poison");
    assert_eq!(
        letter["labels"]["filename"],
        folder.path().join("logs/a.log").display().to_string()
    );
    assert!(
        letter["dead_letter"]["error"]
            .as_str()
            .unwrap()
            .contains("trapped"),
        "{letter}"
    );

    // With the plugin mended, stages feed the letters back with their own time and labels.
    let back = tempfile::tempdir().unwrap();
    let manifest = format!(
        "sources: {{ letters: {{ file: {{ include: ['{}'] }} }} }}\n\
         pipelines:\n  p:\n    from: [letters]\n    stages:\n      \
         - json: {{ expressions: {{ line: line, time: time, file: labels.filename }} }}\n      \
         - timestamp: {{ source: time, format: RFC3339Nano }}\n      \
         - labels: {{ values: {{ filename: file }} }}\n      - output: {{ source: line }}\n    to: [loki]\n\
         sinks: {{ loki: {{ loki: {{ url: '{}', batch_wait: 100ms }} }} }}\n",
        letters.display(),
        receiver.push_url()
    );
    let agent = Agent::start(back.path(), &manifest).await.unwrap();
    receiver.wait_for(3).await.unwrap();
    assert!(agent.stop().await.unwrap().success());
    let entries = receiver.entries();
    let fed = entries.last().unwrap();
    assert_eq!(fed.line, "poison");
    assert!(fed.labels.contains("logs/a.log"), "{}", fed.labels);
    assert_eq!(fed.timestamp.to_string(), letter["timestamp"].to_string());
}
