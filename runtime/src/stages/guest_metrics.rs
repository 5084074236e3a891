//! Metrics that plugins declare.
//!
//! A family lives as long as the process: the same declaration from another stage, or from a fresh instance after a
//! failure, gets the same family. Every series carries `pipeline` and `stage` in front of the plugin's own labels.
//! Numbers are bounded, because names and label values come from untrusted code.

use std::sync::{Mutex, PoisonError};

use millstream_plugin_host::MetricKind;
use prometheus::{CounterVec, GaugeVec, HistogramOpts, HistogramVec, IntCounter, Opts, Registry};

/// In front of every plugin's metric name.
pub const PREFIX: &str = "millstream_plugin_";

/// The most families all plugins together may declare.
const FAMILIES: usize = 500;

/// The most series one family may have.
const SERIES: usize = 2000;

/// Metrics that plugins declare.
pub struct GuestMetrics {
    registry: Registry,
    families: Mutex<Vec<Family>>,
    ignored: IntCounter,
}

struct Family {
    kind: MetricKind,
    name: String,
    label_names: Vec<String>,
    buckets: Vec<f64>,
    values: Values,
    series: std::collections::HashSet<Vec<String>>,
}

enum Values {
    Counter(CounterVec),
    Gauge(GaugeVec),
    Histogram(HistogramVec),
}

impl GuestMetrics {
    /// None yet; they will be registered here.
    ///
    /// # Errors
    /// When the name of its own counter is taken.
    pub fn register_in(registry: &Registry) -> Result<Self, prometheus::Error> {
        let ignored = IntCounter::new(
            "millstream_plugin_metric_updates_ignored_total",
            "Updates by plugins of metrics they did not declare, with wrong labels, or beyond the bound on series.",
        )?;
        registry.register(Box::new(ignored.clone()))?;
        Ok(Self {
            registry: registry.clone(),
            families: Mutex::default(),
            ignored,
        })
    }

    /// Declares a family, or finds the one declared so before.
    ///
    /// # Errors
    /// What is wrong with the declaration.
    pub fn register(
        &self,
        kind: MetricKind,
        name: &str,
        help: &str,
        label_names: &[String],
        buckets: &[f64],
    ) -> Result<u32, String> {
        let mut families = self.families.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = families.iter().position(|family| family.name == name) {
            let family = &families[at];
            let same = family.kind == kind && family.label_names == label_names && family.buckets == buckets;
            let handle = u32::try_from(at).unwrap_or(u32::MAX);
            return if same {
                Ok(handle)
            } else {
                Err(format!("metric `{name}` is declared differently already"))
            };
        }
        if families.len() >= FAMILIES {
            return Err(format!("there are {FAMILIES} metrics of plugins already"));
        }
        let values = self.declare(kind, name, help, label_names, buckets)?;
        families.push(Family {
            kind,
            name: name.into(),
            label_names: label_names.to_vec(),
            buckets: buckets.to_vec(),
            values,
            series: std::collections::HashSet::new(),
        });
        u32::try_from(families.len() - 1).map_err(|error| error.to_string())
    }

    fn declare(
        &self,
        kind: MetricKind,
        name: &str,
        help: &str,
        label_names: &[String],
        buckets: &[f64],
    ) -> Result<Values, String> {
        let wrong = |error: prometheus::Error| format!("metric `{name}`: {error}");
        let name = format!("{PREFIX}{name}");
        let help = if help.is_empty() {
            "Declared by a plugin without a help text."
        } else {
            help
        };
        let mut labels = vec!["pipeline", "stage"];
        labels.extend(label_names.iter().map(String::as_str));
        let opts = Opts::new(&name, help);
        Ok(match kind {
            MetricKind::Counter => {
                let family = CounterVec::new(opts, &labels).map_err(wrong)?;
                self.registry.register(Box::new(family.clone())).map_err(wrong)?;
                Values::Counter(family)
            }
            MetricKind::Gauge => {
                let family = GaugeVec::new(opts, &labels).map_err(wrong)?;
                self.registry.register(Box::new(family.clone())).map_err(wrong)?;
                Values::Gauge(family)
            }
            MetricKind::Histogram => {
                let opts = HistogramOpts {
                    common_opts: opts,
                    buckets: buckets.to_vec(),
                };
                let family = HistogramVec::new(opts, &labels).map_err(wrong)?;
                self.registry.register(Box::new(family.clone())).map_err(wrong)?;
                Values::Histogram(family)
            }
        })
    }

    /// Adds to a counter or gauge, observes in a histogram.
    pub fn add(&self, metric: u32, pipeline: &str, stage: &str, label_values: &[String], value: f64) {
        self.update(
            metric,
            pipeline,
            stage,
            label_values,
            |values, labels| match values {
                // A counter that goes down would be a panic in other clients and a lie in all.
                Values::Counter(family) if value >= 0.0 => {
                    family.get_metric_with_label_values(labels).ok()?.inc_by(value);
                    Some(())
                }
                Values::Counter(_) => None,
                Values::Gauge(family) => {
                    family.get_metric_with_label_values(labels).ok()?.add(value);
                    Some(())
                }
                Values::Histogram(family) => {
                    family.get_metric_with_label_values(labels).ok()?.observe(value);
                    Some(())
                }
            },
        );
    }

    /// Sets a gauge.
    pub fn set(&self, metric: u32, pipeline: &str, stage: &str, label_values: &[String], value: f64) {
        self.update(
            metric,
            pipeline,
            stage,
            label_values,
            |values, labels| match values {
                Values::Gauge(family) => {
                    family.get_metric_with_label_values(labels).ok()?.set(value);
                    Some(())
                }
                Values::Counter(_) | Values::Histogram(_) => None,
            },
        );
    }

    fn update(
        &self,
        metric: u32,
        pipeline: &str,
        stage: &str,
        label_values: &[String],
        change: impl FnOnce(&Values, &[&str]) -> Option<()>,
    ) {
        let mut families = self.families.lock().unwrap_or_else(PoisonError::into_inner);
        let done = families.get_mut(metric as usize).and_then(|family| {
            if label_values.len() != family.label_names.len() {
                return None;
            }
            if !family.series.contains(label_values) {
                if family.series.len() >= SERIES {
                    return None;
                }
                family.series.insert(label_values.to_vec());
            }
            let mut labels = vec![pipeline, stage];
            labels.extend(label_values.iter().map(String::as_str));
            change(&family.values, &labels)
        });
        if done.is_none() {
            self.ignored.inc();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(registry: &Registry) -> String {
        prometheus::TextEncoder::new()
            .encode_to_string(&registry.gather())
            .unwrap()
    }

    #[test]
    fn declared_once_updated_often_and_never_down() {
        let registry = Registry::new();
        let metrics = GuestMetrics::register_in(&registry).unwrap();
        let labels = ["kind".to_owned()];
        let handle = metrics
            .register(MetricKind::Counter, "masked_total", "Masked.", &labels, &[])
            .unwrap();
        assert_eq!(
            metrics.register(MetricKind::Counter, "masked_total", "Masked.", &labels, &[]),
            Ok(handle)
        );
        assert!(
            metrics
                .register(MetricKind::Gauge, "masked_total", "Masked.", &labels, &[])
                .is_err()
        );
        assert!(
            metrics
                .register(MetricKind::Gauge, "not a name", "", &[], &[])
                .is_err()
        );
        metrics.add(handle, "app", "redact", &["card".into()], 2.0);
        metrics.add(handle, "app", "redact", &["card".into()], -1.0);
        metrics.add(handle, "app", "redact", &[], 1.0);
        metrics.add(99, "app", "redact", &[], 1.0);
        let page = page(&registry);
        assert!(
            page.contains(r#"millstream_plugin_masked_total{kind="card",pipeline="app",stage="redact"} 2"#),
            "{page}"
        );
        assert!(
            page.contains("millstream_plugin_metric_updates_ignored_total 3"),
            "{page}"
        );
    }
}
