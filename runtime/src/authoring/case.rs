//! A case: a folder with a stage's settings, what goes in and what has to come out.
//!
//! `settings.json`, `input.jsonl` and `expected.jsonl`; the README of `guest-sdk` describes the lines. Reading says the
//! file and the line of a slip.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};

use super::entry::{Entry, Texts};
use super::mistake::Mistake;
use super::recorder::Series;

#[cfg(test)]
mod tests;

/// When a case starts, and what the timestamp of its first entry is unless it names one: 2026-01-01T00:00:00Z.
pub const START: i64 = 1_767_225_600_000_000_000;

/// The expectation's file.
const EXPECTED: &str = "expected.jsonl";

/// A case.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The folder's name.
    pub name: String,
    /// The folder.
    pub path: PathBuf,
    /// The stage's settings.
    pub settings: Value,
    /// What goes in, in order; every entry has a timestamp.
    pub steps: Vec<Step>,
    /// What has to come out; none in a case that was not blessed yet.
    pub expected: Option<Expected>,
}

/// What happens next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// An entry joins the batch.
    Entry(Entry),
    /// The batch ends.
    NextBatch,
    /// The batch ends, and it becomes this late.
    Now(i64),
    /// The batch ends, and a fresh instance takes over.
    Replay,
}

/// What has to come out.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    /// Entries, and what was counted.
    Output {
        /// In order.
        entries: Vec<Entry>,
        /// Dropped entries by reason.
        dropped: BTreeMap<String, u64>,
        /// What these series stand at.
        metrics: Vec<Series>,
    },
    /// The stage refuses its settings, with this in its words.
    Refused(String),
    /// A call fails, with this in its words.
    Failed(String),
}

type Reading<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MetricLine {
    metric: String,
    #[serde(default)]
    labels: Texts,
    value: f64,
}

impl Case {
    /// The cases in a folder, by name.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn all(folder: &Path) -> Result<Vec<Self>, Mistake> {
        let cannot =
            |cause| Mistake::because(format!("cannot list the cases in {}", folder.display()), cause);
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(cannot)? {
            let path = entry.map_err(cannot)?.path();
            if path.join("input.jsonl").is_file() {
                paths.push(path);
            }
        }
        paths.sort();
        paths.iter().map(|path| Self::read(path)).collect()
    }

    /// The case in this folder.
    ///
    /// # Errors
    /// When a file is missing, or a line of one is not what it should be.
    pub fn read(path: &Path) -> Result<Self, Mistake> {
        let settings = text(path, "settings.json")?.unwrap_or_else(|| "{}".to_owned());
        let settings = serde_json::from_str(&settings).map_err(|cause| {
            Mistake::because(
                format!("{} is not JSON", path.join("settings.json").display()),
                cause,
            )
        })?;
        let input = text(path, "input.jsonl")?.unwrap_or_default();
        let mut entries = 0;
        let steps = lines(path, "input.jsonl", &input, |value| {
            let mut step = step(value)?;
            if let Step::Entry(entry) = &mut step {
                entry.timestamp.get_or_insert(START + entries);
                entries += 1;
            }
            Ok(step)
        })?;
        let expected = match text(path, EXPECTED)? {
            Some(text) => Some(expected(path, &text)?),
            None => None,
        };
        Ok(Self {
            name: path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            path: path.to_path_buf(),
            settings,
            steps,
            expected,
        })
    }

    /// Writes what has to come out.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn bless(&self, expected: &Expected) -> std::io::Result<()> {
        fs::write(self.path.join(EXPECTED), self.told(expected))
    }

    /// The text of an expectation. A timestamp is left out that is merely the one an entry without gets, and of the
    /// metrics those that were not asked for before.
    fn told(&self, expected: &Expected) -> String {
        let (entries, dropped, metrics) = match expected {
            Expected::Refused(why) => return format!("{}\n", json!({ "refused": why })),
            Expected::Failed(why) => return format!("{}\n", json!({ "failed": why })),
            Expected::Output {
                entries,
                dropped,
                metrics,
            } => (entries, dropped, metrics),
        };
        let defaults = START..START + self.entries();
        let mut text = String::new();
        for entry in entries {
            let mut entry = entry.clone();
            entry.timestamp = entry.timestamp.filter(|timestamp| !defaults.contains(timestamp));
            text.push_str(&format!("{entry}\n"));
        }
        if !dropped.is_empty() {
            text.push_str(&format!("{}\n", json!({ "dropped": dropped })));
        }
        for Series {
            metric,
            labels,
            value,
        } in metrics.iter().filter(|series| self.asks_for(series))
        {
            let mut line = json!({ "metric": metric });
            if !labels.is_empty() {
                line["labels"] = json!(labels);
            }
            line["value"] = json!(value);
            if value.fract() == 0.0 && value.abs() < 1e15 {
                line["value"] = json!(*value as i64);
            }
            text.push_str(&format!("{line}\n"));
        }
        text
    }

    fn asks_for(&self, series: &Series) -> bool {
        match &self.expected {
            Some(Expected::Output { metrics, .. }) => metrics
                .iter()
                .any(|asked| asked.metric == series.metric && asked.labels == series.labels),
            _ => true,
        }
    }

    /// How many entries go in.
    fn entries(&self) -> i64 {
        let entries = self.steps.iter().filter(|step| matches!(step, Step::Entry(_)));
        i64::try_from(entries.count()).unwrap_or(i64::MAX)
    }
}

fn text(folder: &Path, name: &str) -> Result<Option<String>, Mistake> {
    let path = folder.join(name);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(Mistake::because(format!("cannot read {}", path.display()), cause)),
    }
}

/// What stands on each line that is not empty.
fn lines<T>(
    folder: &Path,
    name: &str,
    text: &str,
    mut read: impl FnMut(Value) -> Reading<T>,
) -> Result<Vec<T>, Mistake> {
    let mut all = Vec::new();
    for (number, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let one = serde_json::from_str(line).map_err(Into::into).and_then(&mut read);
        all.push(one.map_err(|cause| {
            let place = folder.join(name);
            Mistake::because(
                format!("{}, line {} cannot be read", place.display(), number + 1),
                cause,
            )
        })?);
    }
    Ok(all)
}

fn step(mut value: Value) -> Reading<Step> {
    // A dead letter of the agent: what it says beside the entry is for people.
    if let Some(letter) = value.as_object_mut()
        && letter.remove("dead_letter").is_some()
    {
        letter.remove("time");
    }
    match (value.get("batch"), value.get("now"), value.get("replay")) {
        (Some(batch), None, None) if batch == "next" => Ok(Step::NextBatch),
        (None, Some(now), None) => match now.as_i64() {
            Some(now) => Ok(Step::Now(now)),
            None => Err("`now` is nanoseconds since the Unix epoch".into()),
        },
        (None, None, Some(Value::Bool(true))) => Ok(Step::Replay),
        (None, None, None) if value.get("line").is_some() => Ok(Step::Entry(serde_json::from_value(value)?)),
        _ => Err(
            "it is none of {\"line\": …}, {\"batch\": \"next\"}, {\"now\": ns} and {\"replay\": true}".into(),
        ),
    }
}

/// A line of an expectation.
enum Wanted {
    Entry(Entry),
    Dropped(BTreeMap<String, u64>),
    Metric(Series),
    Refused(String),
    Failed(String),
}

fn wanted(value: Value) -> Reading<Wanted> {
    let own = |key: &str| value.get(key).cloned();
    if value.get("line").is_some() {
        return Ok(Wanted::Entry(serde_json::from_value(value)?));
    }
    if value.get("metric").is_some() {
        let MetricLine {
            metric,
            labels,
            value,
        } = serde_json::from_value(value)?;
        return Ok(Wanted::Metric(Series {
            metric,
            labels,
            value,
        }));
    }
    if let Some(dropped) = own("dropped") {
        return Ok(Wanted::Dropped(serde_json::from_value(dropped)?));
    }
    if let Some(Value::String(why)) = own("refused") {
        return Ok(Wanted::Refused(why));
    }
    if let Some(Value::String(why)) = own("failed") {
        return Ok(Wanted::Failed(why));
    }
    Err("it is none of {\"line\": …}, {\"dropped\": …}, {\"metric\": …}, {\"refused\": …} and {\"failed\": …}".into())
}

fn expected(folder: &Path, text: &str) -> Result<Expected, Mistake> {
    let all = lines(folder, EXPECTED, text, wanted)?;
    let (mut entries, mut dropped, mut metrics) = (Vec::new(), BTreeMap::new(), Vec::new());
    let count = all.len();
    for line in all {
        match line {
            Wanted::Entry(entry) => entries.push(entry),
            Wanted::Dropped(more) => dropped.extend(more),
            Wanted::Metric(series) => metrics.push(series),
            Wanted::Refused(why) if count == 1 => return Ok(Expected::Refused(why)),
            Wanted::Failed(why) if count == 1 => return Ok(Expected::Failed(why)),
            Wanted::Refused(_) | Wanted::Failed(_) => {
                let place = folder.join(EXPECTED);
                return Err(Mistake::new(format!(
                    "{}: `refused` and `failed` stand alone",
                    place.display()
                )));
            }
        }
    }
    Ok(Expected::Output {
        entries,
        dropped,
        metrics,
    })
}
