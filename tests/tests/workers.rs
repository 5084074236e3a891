//! Promise: a pipeline of several workers takes every entry once; entries of a file keep their order, also over rotations, reloads
//! and restarts, and what one worker must not go on from stops them all.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use millstream_tests::Agent;
use millstream_tests::receiver::Receiver;

/// Files; more than workers, and no multiple of them.
const FILES: usize = 7;

/// Entries of a file in each part of the test.
const ENTRIES: usize = 1500;

/// What all workers hold together, and how much that is: the last entry of each file.
const HELD: &str = "millstream_stage_held_rows{pipeline=\"p\",stage=\"multiline\"}";
const OPEN: f64 = 7.0;

/// An entry of several lines; the number says its place in its file.
fn entry(file: usize, number: usize) -> String {
    format!("{number} file {file}\n\tat a\n\tat b")
}

fn path(folder: &Path, file: usize) -> PathBuf {
    folder.join(format!("{file}.log"))
}

/// Writes entries, and of the one behind them its first line.
fn write(folder: &Path, from: usize) {
    for file in 0..FILES {
        let mut log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path(folder, file))
            .unwrap();
        let mut text = String::new();
        if from > 0 {
            text.push_str("\tat a\n\tat b\n");
        }
        for number in from + usize::from(from > 0)..from + ENTRIES {
            text.push_str(&entry(file, number));
            text.push('\n');
        }
        text.push_str(&format!("{} file {file}\n", from + ENTRIES));
        log.write_all(text.as_bytes()).unwrap();
    }
}

fn manifest(folder: &Path, receiver: &Receiver, stages: &str) -> String {
    format!(
        "plugins: {{ rogue: {{ path: '{}', on_error: halt }} }}\n\
         sources: {{ logs: {{ file: {{ include: ['{}/*.log'] }} }} }}\n\
         pipelines:\n  p:\n    from: [logs]\n    workers: 3\n    stages:\n\
         \x20     - multiline: {{ firstline: '^\\d', max_wait_time: 1h }}\n{stages}    to: [loki]\n\
         sinks: {{ loki: {{ loki: {{ url: '{}', batch_wait: 50ms }} }} }}\n",
        env!("ROGUE_WASM"),
        folder.display(),
        receiver.push_url()
    )
}

/// The entries that came, by file.
fn came(receiver: &Receiver) -> BTreeMap<String, Vec<String>> {
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in receiver.entries() {
        let (_, name) = entry.labels.split_once("filename=\"").unwrap();
        let (name, _) = name.split_once('"').unwrap();
        files.entry(name.to_owned()).or_default().push(entry.line);
    }
    files
}

#[tokio::test]
async fn every_entry_comes_once_and_in_its_files_order() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await.unwrap();
    let text = manifest(folder.path(), &receiver, "");
    let agent = Agent::start(folder.path(), &text).await.unwrap();
    write(folder.path(), 0);
    receiver.wait_for(FILES * ENTRIES).await.unwrap();
    agent.wait_for_metric(HELD, OPEN).await.unwrap();
    // Every worker's stages change; the entries that are open go over to the new ones of the same worker.
    let labels = "      - static_labels: { values: { job: j } }\n";
    let changed = manifest(folder.path(), &receiver, labels).replace("1h", "2h");
    fs::write(folder.path().join("millstream.yaml"), changed).unwrap();
    assert_eq!(agent.reload().await.unwrap().0, 200);
    // What is open is continued in another file of the same name.
    for file in 0..FILES {
        let rotated = path(folder.path(), file).with_extension("old");
        fs::rename(path(folder.path(), file), rotated).unwrap();
    }
    write(folder.path(), ENTRIES);
    receiver.wait_for(FILES * ENTRIES * 2).await.unwrap();
    assert!(agent.stop().await.unwrap().success());
    let files = came(&receiver);
    assert_eq!(files.len(), FILES);
    for file in 0..FILES {
        let name = path(folder.path(), file).display().to_string();
        let mut wanted: Vec<String> = (0..ENTRIES * 2).map(|number| entry(file, number)).collect();
        // The drain lets go of what is open.
        wanted.push(format!("{} file {file}", ENTRIES * 2));
        assert!(
            files[&name] == wanted,
            "{name}: entries missing, twice, cut or out of order"
        );
    }
}

#[tokio::test]
async fn a_kill_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await.unwrap();
    let text = manifest(folder.path(), &receiver, "");
    let agent = Agent::start(folder.path(), &text).await.unwrap();
    write(folder.path(), 0);
    receiver.wait_for(FILES * ENTRIES / 2).await.unwrap();
    agent.kill().unwrap();
    let agent = Agent::start(folder.path(), &text).await.unwrap();
    write(folder.path(), ENTRIES);
    receiver.wait_for(FILES * ENTRIES * 2).await.unwrap();
    agent.wait_for_metric(HELD, OPEN).await.unwrap();
    assert!(agent.stop().await.unwrap().success());
    for (name, lines) in came(&receiver) {
        let mut next = 0;
        for line in lines {
            let number: usize = line.split(' ').next().unwrap().parse().unwrap();
            assert!(number <= next, "{name}: {next} is missing before {number}");
            next = next.max(number + 1);
        }
        assert_eq!(next, ENTRIES * 2 + 1, "{name}");
    }
}

#[tokio::test]
async fn one_worker_that_halts_halts_its_pipeline() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await.unwrap();
    let stages = "      - rogue: { act: panic }\n";
    let agent = Agent::start(folder.path(), &manifest(folder.path(), &receiver, stages))
        .await
        .unwrap();
    fs::write(path(folder.path(), 0), "poison\n1 fine\n").unwrap();
    agent.wait_for_log("pipeline stopped").await.unwrap();
    let (status, words) = agent.get("/-/healthy").await.unwrap();
    assert_eq!(status, 500);
    assert_eq!(words.matches("pipeline `p`").count(), 1, "{words}");
    // The files of the other workers wait, too.
    for file in [1, 2] {
        fs::write(path(folder.path(), file), "1 fine\n2 fine\n").unwrap();
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(receiver.entries().len(), 0);
    // Mended, all is read.
    let mended = manifest(folder.path(), &receiver, "");
    fs::write(folder.path().join("millstream.yaml"), mended).unwrap();
    assert_eq!(agent.reload().await.unwrap().0, 200);
    assert_eq!(agent.get("/-/healthy").await.unwrap().0, 200);
    receiver.wait_for(3).await.unwrap();
    assert!(agent.stop().await.unwrap().success());
    let lines: Vec<Vec<String>> = came(&receiver).into_values().collect();
    assert_eq!(
        lines,
        [["poison", "1 fine"], ["1 fine", "2 fine"], ["1 fine", "2 fine"]]
    );
}
