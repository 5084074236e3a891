//! Promise: what stages hold back survives: a stack trace split across a crash, or across the trap of another stage,
//! arrives whole.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use millstream_tests::Agent;
use millstream_tests::receiver::{Entry, Receiver};

/// Entries begin with a digit; a block waits for long, so that only the rest of it or the next can end it.
fn manifest(folder: &Path, push_url: &str, behind: &str) -> String {
    format!(
        "plugins: {{ rogue: {{ path: '{}' }} }}\n\
         sources: {{ logs: {{ file: {{ include: ['{}/*.log'] }} }} }}\n\
         pipelines:\n  p:\n    from: [logs]\n    stages:\n      \
         - multiline: {{ firstline: '^(\\d|poison)', max_wait_time: 1h }}\n{behind}    to: [loki]\n\
         sinks: {{ loki: {{ loki: {{ url: '{push_url}', batch_wait: 50ms }} }} }}\n",
        env!("ROGUE_WASM"),
        folder.display()
    )
}

fn write(log: &Path, text: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(log).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn lines(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.line.as_str()).collect()
}

/// Waits until the checkpoint of the one file stands at `offset`.
async fn saved(folder: &Path, offset: usize) {
    let wanted = format!("\"offset\": {offset},");
    let there = async {
        loop {
            let text = fs::read_to_string(folder.join("state/checkpoints.json")).unwrap_or_default();
            if text.contains(&wanted) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), there)
        .await
        .unwrap();
}

/// `behind` are the stages after `multiline`.
async fn half_a_trace_survives_a_kill(behind: &str) {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await.unwrap();
    let text = manifest(folder.path(), &receiver.push_url(), behind);
    let log = folder.path().join("a.log");
    let agent = Agent::start(folder.path(), &text).await.unwrap();
    write(&log, "1 fine\n2 failed\n\tat a\n");
    receiver.wait_for(1).await.unwrap();
    // The held entry keeps the checkpoint before it.
    saved(folder.path(), "1 fine\n".len()).await;
    agent
        .wait_for_metric("loki_source_file_read_lines_total", 3.0)
        .await
        .unwrap();
    // Killed with SIGKILL.
    drop(agent);
    write(&log, "\tat b\n3 fine\n");
    let agent = Agent::start(folder.path(), &text).await.unwrap();
    receiver.wait_for(2).await.unwrap();
    assert!(agent.stop().await.unwrap().success());
    assert_eq!(
        lines(&receiver.entries()),
        ["1 fine", "2 failed\n\tat a\n\tat b", "3 fine"]
    );
}

#[tokio::test]
async fn a_stack_trace_split_by_a_crash_arrives_whole_and_once() {
    half_a_trace_survives_a_kill("").await;
}

#[tokio::test]
async fn also_when_another_stage_holds_it_again() {
    half_a_trace_survives_a_kill("      - multiline: { firstline: '^\\d', max_wait_time: 200ms }\n").await;
}

/// What the stage behind does with an entry that begins with `poison` must not touch the trace that is held before it.
async fn half_a_trace_survives_a_failure(act: &str, kind: &str) {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await.unwrap();
    let behind = format!("      - rogue: {{ act: {act} }}\n");
    let log = folder.path().join("a.log");
    let text = manifest(folder.path(), &receiver.push_url(), &behind);
    let agent = Agent::start(folder.path(), &text).await.unwrap();
    write(&log, "poison\n2 failed\n\tat a\n");
    agent
        .wait_for_metric(&format!("millstream_stage_failures_total{{kind=\"{kind}\""), 1.0)
        .await
        .unwrap();
    write(&log, "\tat b\npoison\n\tat c\n");
    receiver.wait_for(2).await.unwrap();
    write(&log, "\tat d\n5 fine\n");
    receiver.wait_for(3).await.unwrap();
    assert!(agent.stop().await.unwrap().success());
    let expected = [
        "poison",
        "2 failed\n\tat a\n\tat b",
        "poison\n\tat c\n\tat d",
        "5 fine",
    ];
    assert_eq!(lines(&receiver.entries()), expected);
}

#[tokio::test]
async fn a_trap_behind_it_leaves_a_half_written_stack_trace_whole() {
    half_a_trace_survives_a_failure("panic", "trap").await;
}

#[tokio::test]
async fn a_timeout_behind_it_leaves_a_half_written_stack_trace_whole() {
    half_a_trace_survives_a_failure("loop", "timeout").await;
}

#[tokio::test]
async fn what_a_stage_holds_when_it_traps_comes_out_whole_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await.unwrap();
    let behind = "      - rogue: { act: tick-trap }\n";
    let log = folder.path().join("a.log");
    let text = manifest(folder.path(), &receiver.push_url(), behind);
    let agent = Agent::start(folder.path(), &text).await.unwrap();
    write(&log, "1 failed\n\tat a\n2 fine\n");
    agent
        .wait_for_metric("millstream_stage_failures_total{kind=\"trap\"", 3.0)
        .await
        .unwrap();
    // Every tick has trapped, and every fresh instance was fed what the one before it held.
    assert!(receiver.entries().is_empty());
    write(&log, "\tat b\n");
    agent
        .wait_for_metric("loki_source_file_read_lines_total", 4.0)
        .await
        .unwrap();
    assert!(agent.stop().await.unwrap().success());
    assert_eq!(lines(&receiver.entries()), ["1 failed\n\tat a", "2 fine\n\tat b"]);
}
