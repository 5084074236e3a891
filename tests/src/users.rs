//! The user's pipeline, as several suites run it.

use std::path::Path;

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
