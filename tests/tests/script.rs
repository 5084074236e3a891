//! Promise: a program in the manifest does what it says, and its mistakes are told at their line before anything runs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use millstream_tests::receiver::Receiver;
use millstream_tests::{Agent, millstream, users};

/// The manifest of a user with a program behind the other stages.
fn manifest(logs: &Path, push_url: &str, code: &str) -> String {
    let code: String = code.lines().map(|line| format!("          {line}\n")).collect();
    let users = users::manifest(logs, push_url).replace("batch_wait: 1s", "batch_wait: 200ms");
    let last = users.find("      - static_labels:").unwrap();
    format!("{}      - script: |\n{code}{}", &users[..last], &users[last..])
}

#[tokio::test]
async fn a_program_works_on_the_users_log() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    fs::create_dir(&logs).unwrap();
    let log = include_str!("../data/ticketon/application.log");
    fs::write(logs.join("application.log"), log).unwrap();
    let receiver = Receiver::start().await.unwrap();
    let code = "if fields.level == \"DEBUG\" { drop(\"debug\") }\n\
                if line.contains(\"\\n\\tat \") { labels.trace = true; metadata.lines = line.split(\"\\n\").len }\n\
                labels.team = \"tickets\";";
    let lines = f64::from(u32::try_from(log.lines().count()).unwrap());
    let agent = Agent::start(folder.path(), &manifest(&logs, &receiver.push_url(), code))
        .await
        .unwrap();
    agent
        .wait_for_metric(
            "millstream_stage_rows_in_total{pipeline=\"app\",stage=\"multiline\"}",
            lines,
        )
        .await
        .unwrap();
    assert!(agent.stop().await.unwrap().success());
    let entries = receiver.entries();
    let mut expected = users::expected(&logs).unwrap();
    expected.retain(|labels, _| !labels.contains("level=\"DEBUG\""));
    let wanted: usize = expected.values().map(Vec::len).sum();
    assert!(wanted > 10 && wanted < 65, "the log has both: {wanted}");
    assert_eq!(entries.len(), wanted);
    for entry in &entries {
        assert!(
            entry.labels.contains("team=\"tickets\"") && !entry.labels.contains("DEBUG"),
            "{}",
            entry.labels
        );
        let trace = entry.line.contains("\n\tat ");
        assert_eq!(entry.labels.contains("trace=\"true\""), trace, "{}", entry.line);
        let lines = trace.then(|| ("lines".to_owned(), entry.line.split('\n').count().to_string()));
        assert_eq!(entry.metadata.first().cloned(), lines);
    }
    assert!(
        entries.iter().any(|entry| entry.labels.contains("trace=")),
        "the log has a trace"
    );
}

#[tokio::test]
async fn errors_of_entries_are_counted_and_told_with_the_programs_line() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    fs::create_dir(&logs).unwrap();
    fs::write(logs.join("application.log"), "1\n0\nloop\ndeep\n4\n").unwrap();
    let receiver = Receiver::start().await.unwrap();
    let text = "sources: { logs: { file: { include: ['LOGS/*.log'] } } }\n\
                pipelines:\n  p:\n    from: [logs]\n    stages:\n      - script: |\n          \
                fn deep(n) { (((deep(n + 1) + 1) + 1) + 1) }\n          \
                if line == \"loop\" { loop { } }\n          \
                if line == \"deep\" { deep(0) }\n          \
                line = (8 / parse_int(line)).to_string()\n    to: [loki]\n\
                sinks: { loki: { loki: { url: 'URL', batch_wait: 100ms } } }\n";
    let text = text
        .replace("LOGS", &logs.display().to_string())
        .replace("URL", &receiver.push_url());
    let agent = Agent::start(folder.path(), &text).await.unwrap();
    receiver.wait_for(5).await.unwrap();
    agent
        .wait_for_log("`code` line 4, column 11: Division by zero")
        .await
        .unwrap();
    agent.wait_for_log("`code` line 2, column").await.unwrap();
    let errors = agent.metric("script_errors_total").await.unwrap();
    assert!((errors - 3.0).abs() < f64::EPSILON, "{errors}");
    let failures = agent.metric("millstream_stage_failures_total").await;
    assert!(
        failures.is_ok_and(|failures| failures == 0.0),
        "no entry took its batch with it"
    );
    assert!(agent.stop().await.unwrap().success());
    let lines: Vec<String> = receiver.entries().into_iter().map(|entry| entry.line).collect();
    assert_eq!(lines, ["8", "0", "loop", "deep", "2"]);
}

/// As `tests/manifests.rs` does for what needs no plugin to be refused.
#[test]
fn check_shows_mistakes_of_programs_at_their_line() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/refused");
    let check = std::process::Command::new(millstream_tests::agent::binary().unwrap())
        .current_dir(&folder)
        .args(["check", "script_syntax.yaml"])
        .output()
        .unwrap();
    assert_eq!(check.status.code(), Some(2));
    let said = String::from_utf8(check.stderr).unwrap();
    let golden = folder.join("script_syntax.err");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&golden, &said).unwrap();
    }
    assert_eq!(said, fs::read_to_string(golden).unwrap());
}

#[test]
fn a_good_program_is_checked_in_both_forms() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.yaml");
    for stage in [
        "script: drop()",
        "script: { code: drop(), on_error: fail, operations: 10 }",
    ] {
        let text = format!(
            "sources: {{ logs: {{ file: {{ include: [\"*.log\"] }} }} }}\n\
             pipelines: {{ p: {{ from: [logs], stages: [{{ {stage} }}], to: [out] }} }}\n\
             sinks: {{ out: {{ console: {{}} }} }}\n"
        );
        fs::write(&path, text).unwrap();
        let check = millstream(["check".as_ref(), path.as_os_str()]).unwrap();
        assert!(
            check.status.success(),
            "{stage}: {}",
            String::from_utf8_lossy(&check.stderr)
        );
    }
}
