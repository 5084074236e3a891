//! The host's side as the SDK calls it: the imports in the sandbox, a recorder natively.
//!
//! Natively there is no host, so calls go to the recorder of the current thread: [`crate::harness`] reads it,
//! and a native twin that records nothing costs one thread-local look-up per call.

use crate::Refusal;
use crate::contract::host::{Level, MetricKind};

#[cfg(target_family = "wasm")]
pub(crate) use sandbox::{add, log, register, set};

#[cfg(not(target_family = "wasm"))]
pub(crate) use native::{add, log, register, set};

#[cfg(target_family = "wasm")]
mod sandbox {
    use super::{Level, MetricKind, Refusal};
    use crate::contract::host;

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    pub(crate) fn log(level: Level, message: &str) {
        host::log(level, message);
    }

    pub(crate) fn register(
        kind: MetricKind,
        name: &str,
        help: &str,
        labels: &[&str],
        buckets: &[f64],
    ) -> Result<u32, Refusal> {
        host::register(kind, name, help, &owned(labels), buckets).map_err(Refusal::new)
    }

    pub(crate) fn add(metric: u32, label_values: &[&str], value: f64) {
        host::add(metric, &owned(label_values), value);
    }

    pub(crate) fn set(metric: u32, label_values: &[&str], value: f64) {
        host::set(metric, &owned(label_values), value);
    }
}

#[cfg(not(target_family = "wasm"))]
pub(crate) mod native {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    use super::{Level, MetricKind, Refusal};

    /// What a stage told the host, on this thread, since the recording was begun.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct Recording {
        pub(crate) messages: Vec<(Level, String)>,
        pub(crate) metrics: Vec<String>,
        /// Metric and label values; a histogram is the sum of what was observed.
        pub(crate) series: BTreeMap<(u32, Vec<String>), f64>,
    }

    thread_local! {
        static RECORDING: RefCell<Option<Recording>> = const { RefCell::new(None) };
    }

    /// Makes `recording` the current one and answers the one before.
    pub(crate) fn swap(recording: Option<Recording>) -> Option<Recording> {
        RECORDING.with(|slot| slot.replace(recording))
    }

    fn record<T: Default>(note: impl FnOnce(&mut Recording) -> T) -> T {
        RECORDING.with(|slot| slot.borrow_mut().as_mut().map(note).unwrap_or_default())
    }

    pub(crate) fn log(level: Level, message: &str) {
        record(|recording| recording.messages.push((level, message.to_owned())));
    }

    pub(crate) fn register(
        _kind: MetricKind,
        name: &str,
        _help: &str,
        _labels: &[&str],
        _buckets: &[f64],
    ) -> Result<u32, Refusal> {
        Ok(record(|recording| {
            recording.metrics.push(name.to_owned());
            (recording.metrics.len() - 1) as u32
        }))
    }

    fn series(metric: u32, label_values: &[&str]) -> (u32, Vec<String>) {
        (
            metric,
            label_values.iter().map(|value| (*value).to_owned()).collect(),
        )
    }

    pub(crate) fn add(metric: u32, label_values: &[&str], value: f64) {
        record(|recording| *recording.series.entry(series(metric, label_values)).or_default() += value);
    }

    pub(crate) fn set(metric: u32, label_values: &[&str], value: f64) {
        record(|recording| {
            recording.series.insert(series(metric, label_values), value);
        });
    }
}
