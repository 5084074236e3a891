//! `millstream checkpoint show` and `on_checkpoint_error`, with the built program.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are not marked as tests themselves"
)]

use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use millstream_tests::{Agent, millstream};
use serde_json::Value;

fn manifest(folder: &Path, more: &str) -> String {
    format!(
        "sources:\n  app: {{ file: {{ include: [\"{}/*.log\"], {more} }} }}\npipelines:\n  app: {{ from: [app], to: [out] }}\n\
         sinks:\n  out: {{ console: {{}} }}\n",
        folder.display()
    )
}

fn show(state: &Path, more: &[&str]) -> (i32, String, String) {
    let arguments = ["checkpoint", "show", "--storage-path", state.to_str().unwrap()];
    let Output {
        status,
        stdout,
        stderr,
    } = millstream(arguments.iter().chain(more)).unwrap();
    (
        status.code().unwrap(),
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    )
}

#[tokio::test]
async fn shows_what_a_running_agent_has_saved_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (state, log) = (folder.path().join("state"), folder.path().join("a.log"));
    let (code, out, err) = show(&state, &[]);
    assert_eq!(
        (code, out.as_str()),
        (0, "SOURCE  FILE  DEVICE:INODE  DELIVERED  OF  LAST SEEN\n")
    );
    assert!(err.contains("holds no checkpoints yet"), "{err}");
    assert!(!state.exists());
    fs::write(&log, "one\ntwo\nthr").unwrap();
    let agent = Agent::start(folder.path(), &manifest(folder.path(), "idle_flush: 0s"))
        .await
        .unwrap();
    let mut shown = (0, String::new(), String::new());
    for _ in 0..200 {
        shown = show(&state, &["--format", "json"]);
        if shown.1.contains("\"offset\": 8") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let value: Value = serde_json::from_str(&shown.1).unwrap();
    let file = &value["files"][0];
    assert_eq!(
        (file["source"].as_str(), file["path"].as_str()),
        (Some("app"), log.to_str())
    );
    assert_eq!(
        (file["offset"].as_u64(), file["size"].as_u64()),
        (Some(8), Some(11))
    );
    assert_eq!(file["state"], "here");
    assert!(
        agent
            .metric("millstream_checkpoint_save_failures_total")
            .await
            .unwrap()
            < 1.0
    );
    assert!(agent.stop().await.unwrap().success());
    fs::rename(&log, folder.path().join("a.log.1")).unwrap();
    let (code, out, _) = show(&state, &[]);
    assert_eq!(code, 0);
    assert!(
        out.contains(&format!("renamed to {}", folder.path().join("a.log.1").display())),
        "{out}"
    );
    fs::remove_file(folder.path().join("a.log.1")).unwrap();
    assert!(show(&state, &[]).1.lines().nth(1).unwrap().ends_with("gone"));
}

#[tokio::test]
async fn a_broken_file_is_named_and_the_save_before_shown() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    fs::write(folder.path().join("a.log"), "one\n").unwrap();
    let agent = Agent::start(folder.path(), &manifest(folder.path(), ""))
        .await
        .unwrap();
    agent.stop().await.unwrap();
    let (current, previous) = (state.join("checkpoints.json"), state.join("checkpoints.json.1"));
    fs::copy(&current, &previous).unwrap();
    fs::write(&current, "\0\0").unwrap();
    let (code, out, err) = show(&state, &[]);
    assert_eq!((code, out.lines().count()), (0, 2), "{out}");
    assert!(
        err.contains("checkpoints.json is broken (it is not a checkpoint document"),
        "{err}"
    );
    assert!(err.contains("this is the save before it"), "{err}");
    fs::write(&previous, "torn").unwrap();
    let (code, out, err) = show(&state, &[]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.starts_with("error: no checkpoints can be read: "), "{err}");
    fs::write(&current, "{\"version\": 99}").unwrap();
    let (code, _, err) = show(&state, &[]);
    assert_eq!(code, 1);
    assert!(err.contains("is of version 99"), "{err}");
}

#[tokio::test]
async fn an_agent_told_to_refuse_does_so_with_the_fix_and_one_told_to_go_on_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    fs::create_dir(&state).unwrap();
    fs::write(folder.path().join("a.log"), "one\n").unwrap();
    for name in ["checkpoints.json", "checkpoints.json.1"] {
        fs::write(state.join(name), "torn").unwrap();
    }
    let path = folder.path().join("refuse.yaml");
    fs::write(&path, manifest(folder.path(), "on_checkpoint_error: refuse")).unwrap();
    let run = [
        "run",
        path.to_str().unwrap(),
        "--listen",
        "127.0.0.1:0",
        "--storage-path",
        state.to_str().unwrap(),
    ];
    let output = millstream(run).unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(
        err.contains("on_checkpoint_error: refuse") && err.contains("set `on_checkpoint_error` to"),
        "{err}"
    );
    assert!(output.stdout.is_empty(), "nothing was read");
    assert_eq!(fs::read(state.join("checkpoints.json")).unwrap(), b"torn");
    let agent = Agent::start(folder.path(), &manifest(folder.path(), ""))
        .await
        .unwrap();
    let line = agent.wait_for_log("none can be read").await.unwrap();
    assert!(
        line.contains("reading all files from their beginning") && line.contains("checkpoints.json.1"),
        "{line}"
    );
    agent.stop().await.unwrap();
    assert!(state.join("checkpoints.json.corrupt-1").exists());
    let told = show(&state, &[]);
    assert_eq!(told.0, 0, "{told:?}");
}
