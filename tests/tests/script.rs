//! Promise: a program in the manifest does what it says, and its mistakes are told at their line before anything runs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use millstream::stages::bundled;
use millstream_batch::{Labels, LogBatch};
use millstream_plugin_host::{Host, Level, Limits, LogStage, MetricKind, STACK_SIZE, StageEvents};
use serde_json::json;

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
    let errors = agent
        .metric("millstream_plugin_script_errors_total")
        .await
        .unwrap();
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

/// Programs without an end, each in its own way, and what is dear in a few steps.
const ENDLESS: [&str; 37] = [
    "loop { }",
    "loop { timestamp += 1 }",
    "loop { print(line) }",
    "fn f(n) { f(n + 1) }\nf(0)",
    "fn f(n) { [1].map(|x| (((f(n + 1) + 1) + 1) + 1)) }\nf(0)",
    "let x = \"x\"; loop { x += x }",
    "let x = \"x\"; loop { x = x + \"y\" }",
    "let x = line; while x.len < 100_000 { x += x } loop { x.len }",
    "let x = line; while x.len < 100_000 { x += x } loop { let y = x.to_upper(); }",
    "let x = line; while x.len < 100_000 { x += x } line = x.replace(\"\", x)",
    "let x = line; while x.len < 100_000 { x += x } line = x.replace_matches(\"\", x)",
    "let x = line; while x.len < 200_000 { x += x } line = x",
    "fn f(n) { let x = line2(n); f(n + 1) }\nfn line2(n) { let x = `${n} text`; while x.len < 120_000 { x += x } x }\nf(0)",
    "loop { let words = line.split(\" \"); }",
    "loop { line = line.replace(\"e\", \"e\") }",
    "loop { line = line.replace_matches(`[a-z]`, \"x\") }",
    "loop { if line.matches(`(\\w+\\w+)+;$`) { drop() } }",
    "loop { let c = line.captures(`(?P<a>\\w+) (?P<b>.*)=(?P<c>.*)`); }",
    "loop { state.o = parse_json(`{\"a\":[1,2,3,{\"b\":\"c\"}]}`) }",
    "let a = []; loop { a.push(a.len()) }",
    "let a = []; loop { a.push(a) }",
    "let a = []; loop { a = [a] }",
    "let m = #{}; loop { m = #{ m: m, n: 1 } }",
    "let a = 1; loop { let b = a; a = || b }",
    "let x = 0; let f = || x; x = f; loop { x = f }",
    "let a = []; for i in 0..990 { a.push(i) } loop { a[0] = 1 }",
    "let a = line.split(\"\"); loop { let b = a; b.sort() }",
    "let a = line.split(\"\"); loop { let b = a.to_string(); }",
    "let a = line.split(\"\"); loop { a.sort(|x, y| 1) }",
    "let a = line.split(\"\"); loop { let b = a.map(|x, i| { for n in 0..400 { } 1 }); }",
    "let n = 0; let a = line.split(\"\"); loop { a.sort(|x, y| { n = (n * 7 + 3) % 11; n - 5 }) }",
    "let a = line.split(\"\"); loop { if 1 in a { drop() } }",
    "let a = line.split(\"\"); let b = line.split(\"\"); loop { if a != b { drop() } }",
    "loop { state[`k${timestamp}`] = line; timestamp += 1 }",
    "loop { labels[`x${timestamp}`] = 1; timestamp += 1 }",
    "loop { labels.x = labels.filename }",
    "loop { let all = fields.to_map(); }",
];

/// No call takes a stage's default time or memory, though every entry runs into its limit; and no entry is lost by it.
#[test]
fn programs_without_an_end_stay_within_the_sandbox() {
    let run = || {
        let host = Host::new(None).unwrap();
        let plugin = host
            .load("script", bundled::component("script").unwrap())
            .unwrap();
        let line = "2026-01-08 14:42:00.332  DEBUG 1 --- [nio-8080-exec-7] c.t.seat.SeatLock : acquired key=seat:1791:10 ttl=300s";
        let rows = 1_000;
        let batch = LogBatch {
            timestamps: vec![1; rows],
            lines: (0..rows).map(|_| line).collect(),
            streams: vec![0; rows],
            labels: vec![Labels::from_pairs([("filename", "a.log")])],
            seqs: vec![0; rows],
            ..LogBatch::default()
        };
        for code in ENDLESS {
            for operations in [50_000, 500_000] {
                let settings = json!({ "code": code, "operations": operations });
                let silent = Arc::new(Silent);
                let mut stage = LogStage::new(plugin.clone(), &settings, Limits::default(), silent).unwrap();
                for _ in 0..2 {
                    let answer = stage.process(batch.clone(), 1);
                    let answer = answer.map_err(|failed| failed.error);
                    assert!(answer.is_ok(), "{code}: {:?}", answer.err());
                }
            }
        }
    };
    let thread = std::thread::Builder::new().stack_size(STACK_SIZE);
    thread.spawn(run).unwrap().join().unwrap();
}

struct Silent;

impl StageEvents for Silent {
    fn log(&self, _: Level, _: &str) {}
    fn register(&self, _: MetricKind, _: &str, _: &str, _: &[String], _: &[f64]) -> Result<u32, String> {
        Ok(0)
    }
    fn add(&self, _: u32, _: &[String], _: f64) {}
    fn set(&self, _: u32, _: &[String], _: f64) {}
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
