//! Promise: a reload changes what the manifest names between two batches: no entry is lost, repeated, reordered or cut in two, no
//! file is read again, and when anything of it is wrong, nothing changes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use millstream::stages::bundled;
use millstream_tests::Agent;
use millstream_tests::receiver::{Answer, Entry, PUSH, Receiver};

/// A port on which nobody listens: connections are refused at once.
const NOBODY: &str = "http://127.0.0.1:1/loki/api/v1/push";

/// An agent with one log, and a receiver.
struct Setup {
    folder: tempfile::TempDir,
    receiver: Receiver,
}

impl Setup {
    async fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            receiver: Receiver::start().await.unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, text: &str) {
        append(&self.path("a.log"), text);
    }

    /// A manifest with these stages, one a line.
    fn manifest(&self, stages: &[&str]) -> String {
        let stages: String = stages.iter().map(|stage| format!("      - {stage}\n")).collect();
        format!(
            "plugins: {{ rogue: {{ path: '{}' }} }}\n\
             sources: {{ logs: {{ file: {{ include: ['{}/*.log'] }} }} }}\n\
             pipelines:\n  p:\n    from: [logs]\n    stages:\n{stages}    to: [loki]\n\
             sinks: {{ loki: {{ loki: {{ url: '{}', batch_wait: 50ms }} }} }}\n",
            self.path("rogue.wasm").display(),
            self.folder.path().display(),
            self.receiver.push_url()
        )
    }

    async fn start(&self, manifest: &str) -> Agent {
        if !self.path("rogue.wasm").exists() {
            fs::copy(env!("ROGUE_WASM"), self.path("rogue.wasm")).unwrap();
        }
        Agent::start(self.folder.path(), manifest).await.unwrap()
    }

    async fn reload(&self, agent: &Agent, manifest: &str) -> (u16, String) {
        fs::write(self.path("millstream.yaml"), manifest).unwrap();
        agent.reload().await.unwrap()
    }

    async fn reloads(&self, agent: &Agent, manifest: &str) {
        let (status, words) = self.reload(agent, manifest).await;
        assert_eq!(status, 200, "{words}");
    }

    fn lines(&self) -> Vec<String> {
        self.receiver
            .entries()
            .into_iter()
            .map(|entry| entry.line)
            .collect()
    }
}

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

async fn has_read(agent: &Agent, lines: u32) {
    agent
        .wait_for_metric("loki_source_file_read_lines_total", f64::from(lines))
        .await
        .unwrap();
}

fn label(entry: &Entry, label: &str) -> bool {
    entry.labels.contains(label)
}

const MULTILINE: &str = "multiline: { firstline: '^\\d', max_wait_time: 1h }";

#[tokio::test]
async fn a_stack_trace_that_is_open_goes_over_whole_to_a_changed_stage() {
    let setup = Setup::new().await;
    let agent = setup.start(&setup.manifest(&[MULTILINE])).await;
    setup.write("1 fine\n2 failed\n\tat a\n");
    setup.receiver.wait_for(1).await.unwrap();
    has_read(&agent, 3).await;
    let other = MULTILINE.replace("1h", "2h");
    setup.reloads(&agent, &setup.manifest(&[&other])).await;
    setup.write("\tat b\n3 fine\n");
    setup.receiver.wait_for(2).await.unwrap();
    // A stage comes behind it: it keeps its instance.
    let labels = "static_labels: { values: { job: j } }";
    setup.reloads(&agent, &setup.manifest(&[&other, labels])).await;
    setup.write("\tat c\n4 fine\n");
    setup.receiver.wait_for(3).await.unwrap();
    assert!(agent.stop().await.unwrap().success());
    assert_eq!(
        setup.lines(),
        ["1 fine", "2 failed\n\tat a\n\tat b", "3 fine\n\tat c", "4 fine"]
    );
    let entries = setup.receiver.entries();
    assert!(!label(&entries[1], "job"));
    assert!(label(&entries[2], "job=\"j\"") && label(&entries[3], "job=\"j\""));
}

#[tokio::test]
async fn a_stage_that_is_taken_away_lets_go_of_what_it_holds() {
    let setup = Setup::new().await;
    let labels = "static_labels: { values: { job: j } }";
    let agent = setup.start(&setup.manifest(&[MULTILINE, labels])).await;
    setup.write("1 failed\n\tat a\n");
    has_read(&agent, 2).await;
    setup.reloads(&agent, &setup.manifest(&[labels])).await;
    setup.receiver.wait_for(1).await.unwrap();
    setup.write("\tat b\n");
    setup.receiver.wait_for(2).await.unwrap();
    assert!(agent.stop().await.unwrap().success());
    assert_eq!(setup.lines(), ["1 failed\n\tat a", "\tat b"]);
    assert!(setup.receiver.entries().iter().all(|entry| label(entry, "job")));
}

#[tokio::test]
async fn what_waits_for_a_sink_that_is_down_goes_to_the_one_in_its_place() {
    let setup = Setup::new().await;
    let good = setup.manifest(&["static_labels: { values: { job: j } }"]);
    let bad = good.replace(&setup.receiver.push_url(), NOBODY);
    let agent = setup.start(&bad).await;
    for line in 0..50 {
        setup.write(&format!("{line}\n"));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    has_read(&agent, 1).await;
    agent.wait_for_log("cannot deliver").await.unwrap();
    setup.reloads(&agent, &good).await;
    setup.receiver.wait_for(50).await.unwrap();
    let (status, log) = agent.stop_and_log().await.unwrap();
    assert!(status.success());
    assert!(
        log.iter()
            .any(|line| line.contains("everything read was delivered")),
        "{log:#?}"
    );
    let expected: Vec<String> = (0..50).map(|line| line.to_string()).collect();
    assert_eq!(setup.lines(), expected);
}

#[tokio::test]
async fn what_waits_in_a_worker_goes_to_sinks_that_want_it_in_another_form() {
    const LINES: usize = 300_000;
    let setup = Setup::new().await;
    let packed = setup.manifest(&["static_labels: { values: { job: j } }"]);
    let rows = packed.replace(
        "batch_wait: 50ms",
        "batch_wait: 50ms, limits: { max_line_size: 1KiB }",
    );
    let down = |manifest: &str| manifest.replace(&setup.receiver.push_url(), NOBODY);
    let expected: Vec<String> = (0..LINES).map(|line| format!("{line:0>100}")).collect();
    let agent = setup.start(&down(&packed)).await;
    // More than a request, the sink's queue and the worker's take: the worker waits with a batch in hand.
    setup.write(&(expected.join("\n") + "\n"));
    agent.wait_for_log("cannot deliver").await.unwrap();
    for manifest in [&rows, &packed, &rows] {
        tokio::time::sleep(Duration::from_millis(100)).await;
        setup.reloads(&agent, &down(manifest)).await;
    }
    let read = agent.metric("loki_source_file_read_lines_total").await.unwrap();
    assert!(read < LINES as f64, "nothing had to wait");
    setup.reloads(&agent, &packed).await;
    setup.receiver.wait_for(LINES).await.unwrap();
    assert!(agent.stop().await.unwrap().success());
    assert!(setup.lines() == expected, "lost, repeated or out of order");
}

#[tokio::test]
async fn a_request_under_way_to_a_sink_that_is_replaced_is_not_sent_twice() {
    let setup = Setup::new().await;
    setup
        .receiver
        .script(PUSH, [Answer::status(204).after(Duration::from_secs(2))]);
    let manifest = setup.manifest(&["static_labels: { values: { job: j } }"]);
    let agent = setup.start(&manifest).await;
    setup.write("one\n");
    has_read(&agent, 1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    setup.reloads(&agent, &manifest.replace("50ms", "60ms")).await;
    setup.write("two\n");
    setup.receiver.wait_for(2).await.unwrap();
    assert!(agent.stop().await.unwrap().success());
    assert_eq!(setup.lines(), ["one", "two"]);
}

#[tokio::test]
async fn a_sink_that_is_down_and_goes_holds_nothing_up() {
    let setup = Setup::new().await;
    let both = setup
        .manifest(&["static_labels: { values: { job: j } }"])
        .replace("to: [loki]", "to: [loki, down]")
        .replace(
            "sinks: {",
            &format!("sinks: {{ down: {{ loki: {{ url: '{NOBODY}', batch_wait: 50ms }} }},"),
        );
    let agent = setup.start(&both).await;
    setup.write("one\n");
    setup.receiver.wait_for(1).await.unwrap();
    let without = setup.manifest(&["static_labels: { values: { job: j } }"]);
    setup.reloads(&agent, &without).await;
    setup.write("two\n");
    setup.receiver.wait_for(2).await.unwrap();
    drop(agent);
    // After 30 s nothing would be owed to it; killed before, the start repeats what that sink never had.
    let agent = setup.start(&without).await;
    setup.write("three\n");
    tokio::time::timeout(Duration::from_secs(20), async {
        while !setup.lines().contains(&"three".to_owned()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    assert!(agent.stop().await.unwrap().success());
}

#[tokio::test]
async fn changed_settings_of_a_source_repeat_nothing() {
    let setup = Setup::new().await;
    let first = setup.manifest(&[MULTILINE]);
    let agent = setup.start(&first).await;
    setup.write("1 fine\n2 failed\n\tat a\n");
    setup.receiver.wait_for(1).await.unwrap();
    has_read(&agent, 3).await;
    let second = first.replace("*.log']", "*.log'], labels: { team: t }");
    setup.reloads(&agent, &second).await;
    setup.write("\tat b\n3 fine\n4 fine\n");
    setup.receiver.wait_for(3).await.unwrap();
    assert!(agent.stop().await.unwrap().success());
    let entries = setup.receiver.entries();
    let lines: Vec<&str> = entries.iter().map(|entry| entry.line.as_str()).collect();
    // Its stream has other labels from here on: the group of the first is complete.
    assert_eq!(
        lines.iter().filter(|line| line.contains("at a")).count(),
        1,
        "{lines:?}"
    );
    assert_eq!(
        lines.iter().filter(|line| line.contains("at b")).count(),
        1,
        "{lines:?}"
    );
    assert_eq!(
        lines.iter().filter(|line| line.starts_with('1')).count(),
        1,
        "{lines:?}"
    );
    assert!(label(
        entries.iter().find(|entry| entry.line == "3 fine").unwrap(),
        "team=\"t\""
    ));
}

#[tokio::test]
async fn pipelines_come_and_go_beside_one_that_stays() {
    let setup = Setup::new().await;
    let one = setup.manifest(&["static_labels: { values: { job: one } }"]);
    let two = one.replace(
        "sinks:",
        "  q:\n    from: [logs]\n    stages:\n      - static_labels: { values: { job: two } }\n    to: [loki]\nsinks:",
    );
    let agent = setup.start(&one).await;
    setup.write("a\n");
    setup.receiver.wait_for(1).await.unwrap();
    setup.reloads(&agent, &two).await;
    setup.write("b\n");
    setup.receiver.wait_for(3).await.unwrap();
    setup.reloads(&agent, &one).await;
    setup.write("c\n");
    setup.receiver.wait_for(4).await.unwrap();
    assert!(agent.stop().await.unwrap().success());
    let mut seen: Vec<(String, bool)> = setup
        .receiver
        .entries()
        .iter()
        .map(|entry| (entry.line.clone(), label(entry, "job=\"two\"")))
        .collect();
    seen.sort();
    let expected = [("a", false), ("b", false), ("b", true), ("c", false)];
    assert_eq!(seen, expected.map(|(line, two)| (line.to_owned(), two)));
    // What the one that went never settled holds no checkpoint back.
    let agent = setup.start(&one).await;
    setup.write("d\n");
    setup.receiver.wait_for(5).await.unwrap();
    assert!(agent.stop().await.unwrap().success());
    assert_eq!(setup.lines().last().unwrap(), "d");
    assert_eq!(setup.lines().len(), 5);
}

#[tokio::test]
async fn a_pipeline_that_halted_starts_again_with_the_plugin_mended() {
    let setup = Setup::new().await;
    let broken = setup
        .manifest(&["rogue: { act: panic }"])
        .replace("rogue.wasm' }", "rogue.wasm', on_error: halt }");
    let agent = setup.start(&broken).await;
    setup.write("fine\n");
    setup.receiver.wait_for(1).await.unwrap();
    setup.write("poison\nlater\n");
    agent.wait_for_log("pipeline stopped").await.unwrap();
    setup
        .reloads(
            &agent,
            &setup.manifest(&["static_labels: { values: { job: j } }"]),
        )
        .await;
    setup.receiver.wait_for(3).await.unwrap();
    assert_eq!(agent.get("/-/healthy").await.unwrap().0, 200);
    assert!(agent.stop().await.unwrap().success());
    assert_eq!(setup.lines(), ["fine", "poison", "later"]);
}

#[tokio::test]
async fn a_changed_component_is_noticed_and_a_broken_one_changes_nothing() {
    let setup = Setup::new().await;
    let agent = setup.start(&setup.manifest(&["rogue: { act: panic }"])).await;
    setup.write("one\n");
    setup.receiver.wait_for(1).await.unwrap();
    fs::write(setup.path("rogue.wasm"), "nonsense").unwrap();
    let told = agent.wait_for_log("not reloaded").await.unwrap();
    assert!(
        told.contains("millstream.yaml:1:") && told.contains("rogue"),
        "{told}"
    );
    setup.write("two\n");
    setup.receiver.wait_for(2).await.unwrap();
    let failed = agent
        .metric("millstream_reloads_total{result=\"failure\"}")
        .await
        .unwrap();
    assert!(failed >= 1.0, "{failed}");
    // The bytes are others by a custom section; the code is the same.
    let mut bytes = fs::read(env!("ROGUE_WASM")).unwrap();
    bytes.extend([0, 5, 4, b'n', b'o', b't', b'e']);
    let next = setup.path("next");
    fs::write(&next, bytes).unwrap();
    fs::rename(&next, setup.path("rogue.wasm")).unwrap();
    agent.wait_for_log("\"reloaded\"").await.unwrap();
    setup.write("poison\nthree\n");
    setup.receiver.wait_for(4).await.unwrap();
    assert!(agent.stop().await.unwrap().success());
    assert_eq!(setup.lines(), ["one", "two", "poison", "three"]);
}

#[tokio::test]
async fn a_plugin_that_fails_on_what_is_held_does_not_take_over() {
    let setup = Setup::new().await;
    // A plugin whose next version is another one altogether.
    fs::write(setup.path("rogue.wasm"), bundled::component("multiline").unwrap()).unwrap();
    let agent = setup
        .start(&setup.manifest(&[&MULTILINE.replace("multiline", "rogue")]))
        .await;
    setup.write("1 held\npoison\n");
    has_read(&agent, 2).await;
    agent
        .wait_for_metric("millstream_stage_held_rows", 2.0)
        .await
        .unwrap();
    let broken = setup.manifest(&["rogue: { act: panic }"]);
    let broken = broken.replace(
        &setup.path("rogue.wasm").display().to_string(),
        env!("ROGUE_WASM"),
    );
    let (status, words) = setup.reload(&agent, &broken).await;
    assert_ne!(status, 200, "{words}");
    assert!(words.contains('p') && words.contains("rogue"), "{words}");
    let held = agent.metric("millstream_stage_held_rows").await.unwrap();
    assert!((held - 2.0).abs() < f64::EPSILON, "the old one goes on");
    assert!(agent.stop().await.unwrap().success());
}

#[tokio::test]
async fn a_reload_reports_a_mistake_and_changes_nothing() {
    let setup = Setup::new().await;
    let good = setup.manifest(&["static_labels: { values: { job: one } }"]);
    let agent = setup.start(&good).await;
    let (status, words) = setup.reload(&agent, &good.replace("values:", "valeus:")).await;
    assert_eq!(status, 400, "{words}");
    assert!(words.contains("valeus"), "{words}");
    setup.write("a\n");
    setup.receiver.wait_for(1).await.unwrap();
    assert!(agent.stop().await.unwrap().success());
    assert!(label(&setup.receiver.entries()[0], "job=\"one\""));
}

#[tokio::test]
async fn many_reloads_while_lines_stream_lose_and_repeat_and_reorder_nothing() {
    const LINES: usize = 20_000;
    const RELOADS: usize = 30;
    let setup = Setup::new().await;
    let stages = |round: usize| {
        let label = format!("static_labels: {{ values: {{ round: '{round}' }} }}");
        let multiline = format!(
            "multiline: {{ firstline: '^\\d', max_wait_time: {}s }}",
            3600 + round % 3
        );
        let drop = "drop: { expression: '^never$' }".to_owned();
        let list = match round % 4 {
            0 => vec![multiline, label],
            1 => vec![multiline, drop, label],
            2 => vec![drop, multiline, label],
            _ => vec![multiline],
        };
        setup.manifest(&list.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let agent = setup.start(&stages(0)).await;
    let log = setup.path("a.log");
    let writer = std::thread::spawn(move || {
        for line in 0..LINES {
            append(&log, &format!("{line}\n\tat {line}\n"));
        }
        append(&log, "0 end\n");
    });
    for round in 1..=RELOADS {
        setup.reloads(&agent, &stages(round)).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::task::spawn_blocking(|| writer.join().unwrap())
        .await
        .unwrap();
    setup.receiver.wait_for(LINES).await.unwrap();
    assert!(agent.stop().await.unwrap().success());
    let mut expected: Vec<String> = (0..LINES).map(|line| format!("{line}\n\tat {line}")).collect();
    expected.push("0 end".into());
    // Streams are told apart by `round`: within each the order stands, and all together are what was written.
    for lines in setup.receiver.streams().values() {
        let numbers: Vec<usize> = lines
            .iter()
            .filter(|line| *line != "0 end")
            .map(|line| line.split('\n').next().unwrap().parse().unwrap())
            .collect();
        assert!(numbers.is_sorted(), "{numbers:?}");
    }
    let mut seen = setup.lines();
    seen.sort();
    expected.sort();
    assert!(seen == expected, "{} of {} entries", seen.len(), expected.len());
}
