//! From the settings to targets: whom to ask, and what labels the answers get.
//!
//! As in Prometheus, a target begins as a label set in which labels that start with `__` say how to scrape it; a
//! static label `__metrics_path__`, `__scheme__` or `__param_<name>` thus overrides the setting. What remains without
//! `__`, with `job` and `instance` filled in, is set on every sample.

use std::collections::HashSet;

use millstream_batch::{Labels, LabelsBuilder};
use thiserror::Error;
use twox_hash::XxHash3_64;
use url::Url;

use super::settings::ScrapeSettings;

/// Why a target cannot be scraped.
#[derive(Debug, Error)]
pub enum TargetError {
    /// There is nothing to connect to.
    #[error("job {job:?} has a target without an address")]
    NoAddress {
        /// The job.
        job: String,
    },
    /// A URL where `host:port` belongs.
    #[error(
        "the target {address:?} of job {job:?} is not `host:port`: scheme and path are settings of their own"
    )]
    NotAnAddress {
        /// The job.
        job: String,
        /// The address.
        address: String,
    },
    /// Scheme, address and path make no URL.
    #[error("making a URL of scheme {scheme:?} and target {address:?} of job {job:?}")]
    Url {
        /// The job.
        job: String,
        /// The scheme.
        scheme: String,
        /// The address.
        address: String,
        /// What is wrong.
        source: url::ParseError,
    },
}

/// An endpoint to scrape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where to ask.
    pub url: Url,
    /// What its samples get: `job`, `instance` and the static labels.
    pub labels: Labels,
    /// Of all of it; spreads targets over the interval.
    pub hash: u64,
}

/// The targets of a source, each once.
///
/// # Errors
/// When one has no address, or one that makes no URL.
pub fn resolve(settings: &ScrapeSettings) -> Result<Vec<Target>, TargetError> {
    let mut seen = HashSet::new();
    let mut targets = Vec::new();
    for group in &settings.static_configs {
        for address in &group.targets {
            let mut labels = LabelsBuilder::default();
            labels.set("__address__", address.as_str());
            for (name, value) in &group.labels {
                labels.set(name.as_str(), value.as_str());
            }
            let target = target(labels, settings)?;
            if seen.insert((target.url.clone(), target.labels.clone())) {
                targets.push(target);
            }
        }
    }
    Ok(targets)
}

fn target(mut labels: LabelsBuilder, settings: &ScrapeSettings) -> Result<Target, TargetError> {
    let unless_set = |labels: &mut LabelsBuilder, name: &str, value: &str| {
        if labels.get(name).unwrap_or_default().is_empty() {
            labels.set(name, value);
        }
    };
    unless_set(&mut labels, "job", &settings.job_name);
    unless_set(&mut labels, "__metrics_path__", &settings.metrics_path);
    unless_set(&mut labels, "__scheme__", &settings.scheme);
    for (name, values) in &settings.params {
        if let Some(first) = values.first() {
            unless_set(&mut labels, &format!("__param_{name}"), first);
        }
    }
    let address = labels.get("__address__").unwrap_or_default().to_owned();
    unless_set(&mut labels, "instance", &address);

    let all = labels.clone().build();
    let url = url(&all, settings)?;
    labels.retain(|name, value| !name.starts_with("__") && !value.is_empty());
    let labels = labels.build();
    let hash = XxHash3_64::oneshot(format!("{labels} {url}").as_bytes());
    Ok(Target { url, labels, hash })
}

fn url(labels: &Labels, settings: &ScrapeSettings) -> Result<Url, TargetError> {
    let of = |name: &str| labels.get(name).unwrap_or_default();
    let (job, scheme, address) = (
        of("job").to_owned(),
        of("__scheme__").to_owned(),
        of("__address__").to_owned(),
    );
    if address.is_empty() {
        return Err(TargetError::NoAddress { job });
    }
    if address.contains('/') {
        return Err(TargetError::NotAnAddress { job, address });
    }
    let mut url = Url::parse(&format!("{scheme}://{address}")).map_err(|source| TargetError::Url {
        job,
        scheme,
        address,
        source,
    })?;
    url.set_path(of("__metrics_path__"));
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for (name, value) in labels.iter() {
        let Some(name) = name.strip_prefix("__param_") else {
            continue;
        };
        pairs.push((name, value));
        // The label stands for the first value; the others cannot be relabelled.
        let others = settings
            .params
            .get(name)
            .map(|values| values.iter().skip(1))
            .into_iter()
            .flatten();
        pairs.extend(others.map(|other| (name, other.as_str())));
    }
    if !pairs.is_empty() {
        url.query_pairs_mut().extend_pairs(pairs);
    }
    Ok(url)
}

/// The labels of a sample of this target. Where both have a label, `honor` lets the sample's stand; otherwise the
/// target's wins and the sample's goes on as `exported_<name>`. Empty values are labels that do not exist.
#[must_use]
pub fn attach(mut sample: LabelsBuilder, target: &Labels, honor: bool) -> Labels {
    let mut exported = Vec::new();
    for (name, value) in target.iter() {
        match sample.get(name) {
            // Even an empty label of the sample keeps the target's away: how an endpoint asks for none.
            Some(_) if honor => continue,
            Some(existing) if !existing.is_empty() => exported.push((name, existing.to_owned())),
            _ => {}
        }
        sample.set(name, value);
    }
    // Shorter names first, so that the answer does not depend on what is exported already.
    exported.sort_by_key(|(name, _)| name.len());
    for (name, value) in exported {
        let mut name = format!("exported_{name}");
        while !sample.get(&name).unwrap_or_default().is_empty() {
            name.insert_str(0, "exported_");
        }
        sample.set(name, value);
    }
    sample.retain(|_, value| !value.is_empty());
    sample.build()
}

#[cfg(test)]
mod tests;
