//! Promise: at full speed every entry arrives, once, whole and in order.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use millstream_tests::bench::spring;
use millstream_tests::receiver::Receiver;
use millstream_tests::{Agent, users};

/// 30 MB, or what `VOLUME_MB` says: a race may need more to show.
fn megabytes() -> u64 {
    std::env::var("VOLUME_MB")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(30)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_entry_arrives_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    fs::create_dir(&logs).unwrap();
    let written = spring::write(&logs.join("application.log"), megabytes()).unwrap();
    let receiver = Receiver::start().await.unwrap();
    let agent = Agent::start(folder.path(), &users::manifest(&logs, &receiver.push_url()))
        .await
        .unwrap();
    for _ in 0..1200 {
        if receiver.accepted() + 1 >= written.entries {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let log = agent.log();
    assert!(agent.stop().await.unwrap().success());
    // By level, in order: what was written and what came.
    let mut expected: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for number in 1..=written.entries as u64 {
        // The greedy pattern takes the last level word: a WARN that mentions ERROR is an ERROR.
        let level = match number % 4 {
            _ if number.is_multiple_of(20) => "ERROR",
            0 => "INFO",
            1 => "DEBUG",
            2 => "ERROR",
            _ => "TRACE",
        };
        expected
            .entry(level)
            .or_default()
            .push(spring::entry(number).trim_end().to_owned());
    }
    for (labels, lines) in receiver.streams() {
        let level = labels
            .split("level=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .unwrap();
        let wanted = &expected[level];
        let first = lines
            .iter()
            .zip(wanted)
            .position(|(came, wanted)| came.trim_end() != wanted);
        if let Some(at) = first {
            panic!(
                "{level} {at}: {:?}\nwanted {:?}\nlog {log:#?}",
                &lines[at..(at + 2).min(lines.len())],
                wanted[at]
            );
        }
        assert_eq!(lines.len(), wanted.len(), "{level}: {log:#?}");
    }
    assert_eq!(receiver.accepted(), written.entries);
}
