//! The golden cases of `cases/`, in the form that `millstream plugin test` reads; here without the sandbox.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use millstream_stage::harness::{Harness, Row, START};
use serde_json::Value;

use crate::Script;

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn pairs(entry: &Value, key: &str) -> Vec<(String, String)> {
    let object = entry[key].as_object().into_iter().flatten();
    object
        .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
        .collect()
}

fn row(entry: &Value, index: usize) -> Row {
    let mut row = Row::new(entry["line"].as_str().unwrap())
        .at(entry["timestamp"].as_i64().unwrap_or(START + index as i64));
    for (name, value) in pairs(entry, "labels") {
        row = row.label(&name, &value);
    }
    row.fields = pairs(entry, "fields").into_iter().collect();
    row.metadata = pairs(entry, "metadata").into_iter().collect();
    row
}

fn run(case: &Path) {
    let settings = fs::read_to_string(case.join("settings.json")).unwrap();
    let expected = lines(&case.join("expected.jsonl"));
    if let Some(refused) = expected.iter().find_map(|line| line["refused"].as_str()) {
        let said = Harness::<Script>::refusal(&settings);
        return assert!(said.contains(refused), "{}: {said}", case.display());
    }
    let mut stage = Harness::<Script>::new(&settings);
    let mut out = Vec::new();
    let mut batch = Vec::new();
    for (index, entry) in lines(&case.join("input.jsonl")).iter().enumerate() {
        if entry.get("batch").is_some() {
            out.extend(stage.push(std::mem::take(&mut batch)));
        } else {
            batch.push(row(entry, index));
        }
    }
    out.extend(stage.push(batch));
    let entries = expected.iter().filter(|line| line.get("line").is_some());
    let entries: Vec<(Row, bool)> = entries
        .map(|entry| (row(entry, 0), entry.get("timestamp").is_some()))
        .collect();
    assert_eq!(out.len(), entries.len(), "{}: {out:?}", case.display());
    for (mut out, (wanted, timed)) in out.into_iter().zip(entries) {
        if !timed {
            out.timestamp = wanted.timestamp;
        }
        assert_eq!(out, wanted, "{}", case.display());
    }
    let mut drops: BTreeMap<String, u64> = BTreeMap::new();
    for line in &expected {
        for (reason, count) in line["dropped"].as_object().into_iter().flatten() {
            drops.insert(reason.clone(), count.as_u64().unwrap());
        }
        if let Some(metric) = line["metric"].as_str() {
            assert_eq!(
                stage.metric(metric, &[]),
                line["value"].as_f64().unwrap(),
                "{}",
                case.display()
            );
        }
    }
    for (reason, count) in drops {
        assert_eq!(stage.dropped(&reason), count, "{}: {reason}", case.display());
    }
}

#[test]
fn golden_cases_hold() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/cases");
    let cases: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|case| case.unwrap().path())
        .collect();
    assert!(cases.len() >= 4, "{}", cases.len());
    cases.iter().for_each(|case| run(case));
}
