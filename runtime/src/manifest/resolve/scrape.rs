//! A scrape source.

use std::time::Duration;

use super::cursor::At;
use crate::manifest::document::{SchemeWord, ScrapeDocument, StaticConfigDocument};
use crate::manifest::duration;
use crate::sources::prometheus::{ScrapeSettings, StaticTargets};

/// The settings of a scrape source.
pub fn settings(at: &At<'_>, document: &ScrapeDocument, name: &str) -> ScrapeSettings {
    let default = ScrapeSettings::default();
    let (scrape_interval, scrape_timeout) = rhythm(at, document, &default);
    ScrapeSettings {
        job_name: document.job_name.clone().unwrap_or_else(|| name.to_owned()),
        scheme: match document.scheme {
            Some(SchemeWord::Https) => "https".to_owned(),
            Some(SchemeWord::Http) => "http".to_owned(),
            None => default.scheme,
        },
        metrics_path: metrics_path(
            &at.key("metrics_path"),
            document.metrics_path.as_deref(),
            default.metrics_path,
        ),
        params: document.params.clone().unwrap_or_default(),
        scrape_interval,
        scrape_timeout,
        honor_labels: document.honor_labels.unwrap_or(default.honor_labels),
        honor_timestamps: document.honor_timestamps.unwrap_or(default.honor_timestamps),
        body_size_limit: at.size(
            "body_size_limit",
            document.body_size_limit.as_ref(),
            default.body_size_limit,
        ),
        sample_limit: document.sample_limit.unwrap_or(default.sample_limit),
        static_configs: static_configs(at, document.static_configs.as_deref()),
        client: at.client(&document.client()),
    }
}

/// Interval and timeout. As in Prometheus, a timeout that is not given follows a shorter interval.
fn rhythm(at: &At<'_>, document: &ScrapeDocument, default: &ScrapeSettings) -> (Duration, Duration) {
    let interval = at.some_duration(
        "scrape_interval",
        document.scrape_interval.as_ref(),
        default.scrape_interval,
    );
    if document.scrape_timeout.is_none() {
        return (interval, default.scrape_timeout.min(interval));
    }
    let timeout = at.some_duration(
        "scrape_timeout",
        document.scrape_timeout.as_ref(),
        default.scrape_timeout,
    );
    if timeout > interval {
        let (longer, shorter) = (duration::show(timeout), duration::show(interval));
        let message = format!("`scrape_timeout` ({longer}) is longer than `scrape_interval` ({shorter})");
        let fix = format!("make it at most `{shorter}`, or scrape less often");
        at.key("scrape_timeout").refuse(message, fix);
    }
    (interval, timeout)
}

fn metrics_path(at: &At<'_>, path: Option<&str>, default: String) -> String {
    let Some(path) = path else { return default };
    if !path.starts_with('/') {
        let message = format!("{} does not begin with `/`", at.subject());
        at.refuse(
            message,
            "write the path only, as `/metrics`; host and port are `targets`",
        );
    }
    if path.contains('?') {
        let message = format!("{} holds a query", at.subject());
        at.refuse(message, "move it to `params: { name: [value] }`");
    }
    path.to_owned()
}

fn static_configs(at: &At<'_>, configs: Option<&[StaticConfigDocument]>) -> Vec<StaticTargets> {
    let list = at.key("static_configs");
    let configs = configs.unwrap_or_default();
    if list.is_missing() || list.is_empty_list() {
        let fix = "give at least one: `static_configs: [{ targets: [\"app:8080\"] }]`";
        list.refuse_key(format!("{} has no targets", at.subject()), fix);
    }
    let mut resolved = Vec::new();
    for (item, config) in list.items().zip(configs) {
        let targets_at = item.key("targets");
        let targets = config.targets.as_deref().unwrap_or_default();
        if targets_at.is_missing() || targets_at.is_empty_list() {
            targets_at.refuse_key(
                format!("{} has no targets", item.subject()),
                "add `targets: [\"app:8080\"]`",
            );
        }
        for (target_at, target) in targets_at.items().zip(targets) {
            check_target(&target_at, target);
        }
        let labels = item.labels("labels", config.labels.as_ref());
        resolved.push(StaticTargets {
            targets: targets.to_vec(),
            labels,
        });
    }
    resolved
}

fn check_target(at: &At<'_>, target: &str) {
    let fix = "write `host:port`; `http` or `https` is `scheme`, the path is `metrics_path`";
    if target.contains("://") || target.contains('/') {
        at.refuse(format!("target `{target}` is a URL"), fix);
        return;
    }
    let port = target
        .rsplit_once(':')
        .filter(|_| !target.ends_with(']'))
        .map(|(_, port)| port);
    let bad_port = port.is_some_and(|port| port.parse::<u16>().is_err());
    if target.is_empty() || target.starts_with(':') || target.contains(char::is_whitespace) || bad_port {
        at.refuse(format!("target `{target}` is not `host:port`"), fix);
    }
}
