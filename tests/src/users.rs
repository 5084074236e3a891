//! The user's pipeline, as several suites run it, and what must come of it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;

/// Takes an entry's time from its text. `keep`: the same text must give the same time, whatever came before it.
pub const TIME: &str =
    "      - regex: { expression: '^(?P<time>\\d{4}-\\d{2}-\\d{2} \\d{2}:\\d{2}:\\d{2}\\.\\d{3})' }
      - timestamp: { source: time, format: '2006-01-02 15:04:05.000', action_on_duplicate_timestamp: keep }
";

/// 2026-01-08, the first day of every log here, in seconds since the epoch.
pub const DAY: u64 = 1_767_830_400;

/// The user's pipeline on these logs, with further stages behind its own and these settings of the sink.
#[must_use]
pub fn manifest_with(logs: &Path, push_url: &str, stages: &str, sink: &str) -> String {
    manifest(logs, push_url)
        .replace("batch_wait: 1s, batch_size: 1MB", sink)
        .replace("    to: [loki]", &format!("{stages}    to: [loki]"))
}

/// The user's pipeline on these logs.
#[must_use]
pub fn manifest(logs: &Path, push_url: &str) -> String {
    format!(
        r"
sources: {{ app_logs: {{ file: {{ include: ['{}/*.log'] }} }} }}
pipelines:
  app:
    from: [app_logs]
    stages:
      - multiline: {{ firstline: '^\d{{4}}-\d{{2}}-\d{{2}} \d{{2}}:\d{{2}}:\d{{2}}\.\d{{3}}', max_wait_time: 3s }}
      - regex: {{ expression: '.*(?P<level>INFO|WARN|ERROR|DEBUG|TRACE).*' }}
      - labels: {{ values: {{ level: level }} }}
      - static_labels: {{ values: {{ service_name: ticketon, job: var-log-collector }} }}
    to: [loki]
sinks: {{ loki: {{ loki: {{ url: '{push_url}', tenant_id: fake, batch_wait: 1s, batch_size: 1MB }} }} }}
",
        logs.display()
    )
}

/// What Promtail 3.4.3 sends for the user's log, by stream; the file's folder is `logs`.
///
/// # Errors
/// When `tests/data/ticketon/expected.json` is not what it should be.
pub fn expected(logs: &Path) -> anyhow::Result<BTreeMap<String, Vec<String>>> {
    let text = include_str!("../data/ticketon/expected.json");
    let text = text.replace("/var/log/ticketon", &logs.display().to_string());
    let entries: Vec<BTreeMap<String, String>> = serde_json::from_str(&text)?;
    let mut streams: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for mut entry in entries {
        let (labels, line) = (entry.remove("labels"), entry.remove("line"));
        let labels = labels.context("an entry without labels")?;
        streams
            .entry(labels)
            .or_default()
            .push(line.context("an entry without a line")?);
    }
    Ok(streams)
}
