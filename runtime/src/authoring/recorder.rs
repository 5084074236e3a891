//! Keeps what a stage says beside its edits: log lines and metrics.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use millstream_plugin_host::{Level, MetricKind, StageEvents};

use super::entry::Texts;

/// A metric's series.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The name the plugin gave it.
    pub metric: String,
    /// Its labels.
    pub labels: Texts,
    /// What it stands at; of a histogram, the sum of what was observed.
    pub value: f64,
}

/// Receives what a stage says. A fresh instance that declares a metric again gets the same one.
#[derive(Debug, Default)]
pub struct Recorder(Mutex<Heard>);

#[derive(Debug, Default)]
struct Heard {
    messages: Vec<(Level, String)>,
    metrics: Vec<(MetricKind, String, Vec<String>)>,
    values: BTreeMap<(u32, Vec<String>), f64>,
}

/// More lines than anyone reads; a plugin that floods must not fill our memory.
const MESSAGES: usize = 1000;

impl Recorder {
    /// Log lines since the last time this was asked.
    pub fn take_messages(&self) -> Vec<(Level, String)> {
        self.with(|heard| std::mem::take(&mut heard.messages))
    }

    /// Every series that was touched.
    #[must_use]
    pub fn series(&self) -> Vec<Series> {
        self.with(|heard| {
            let series = heard.values.iter().filter_map(|((metric, values), value)| {
                let (_, name, labels) = heard.metrics.get(*metric as usize)?;
                Some(Series {
                    metric: name.clone(),
                    labels: labels.iter().cloned().zip(values.iter().cloned()).collect(),
                    value: *value,
                })
            });
            series.collect()
        })
    }

    fn with<T>(&self, look: impl FnOnce(&mut Heard) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn update(&self, metric: u32, label_values: &[String], change: impl FnOnce(&mut f64, MetricKind)) {
        self.with(|heard| {
            let Some((kind, _, names)) = heard.metrics.get(metric as usize) else {
                return;
            };
            if names.len() == label_values.len() {
                let kind = *kind;
                change(
                    heard.values.entry((metric, label_values.to_vec())).or_default(),
                    kind,
                );
            }
        });
    }
}

impl StageEvents for Recorder {
    fn log(&self, level: Level, message: &str) {
        self.with(|heard| {
            if heard.messages.len() < MESSAGES {
                heard.messages.push((level, message.to_owned()));
            }
        });
    }

    fn register(
        &self,
        kind: MetricKind,
        name: &str,
        _help: &str,
        label_names: &[String],
        _buckets: &[f64],
    ) -> Result<u32, String> {
        self.with(|heard| {
            let known = heard.metrics.iter().position(|(_, known, _)| known == name);
            let place = match known {
                Some(place) if heard.metrics[place] == (kind, name.to_owned(), label_names.to_vec()) => place,
                Some(_) => return Err(format!("metric `{name}` is declared differently already")),
                None => {
                    heard.metrics.push((kind, name.to_owned(), label_names.to_vec()));
                    heard.metrics.len() - 1
                }
            };
            u32::try_from(place).map_err(|error| error.to_string())
        })
    }

    fn add(&self, metric: u32, label_values: &[String], value: f64) {
        self.update(metric, label_values, |sum, kind| {
            // As on the agent's page: a counter does not go down.
            if kind != MetricKind::Counter || value >= 0.0 {
                *sum += value;
            }
        });
    }

    fn set(&self, metric: u32, label_values: &[String], value: f64) {
        self.update(metric, label_values, |is, kind| {
            if kind == MetricKind::Gauge {
                *is = value;
            }
        });
    }
}
