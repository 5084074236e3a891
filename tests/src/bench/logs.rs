//! The logs that are measured with, each seeded and with the stages people have for it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use fastrand::Rng;

use super::spring::{self, Written};

/// A kind of log.
pub struct Kind {
    /// What it is called.
    pub name: &'static str,
    /// Stages, one a line, as in a manifest.
    pub stages: &'static [&'static str],
    /// Whether its last entry is held until the end.
    pub holds: bool,
    write: Writer,
}

enum Writer {
    /// The reference log, the same bytes every time.
    Spring,
    /// A line for a number, with its random values.
    Lines(fn(u64, &mut Rng) -> String),
}

/// All of them.
pub const KINDS: [Kind; 4] = [
    Kind {
        name: "Spring",
        stages: &[
            r"multiline: { firstline: '^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\.\d{3}', max_wait_time: 3s }",
            "regex: { expression: '.*(?P<level>INFO|WARN|ERROR|DEBUG|TRACE).*' }",
            "labels: { values: { level: level } }",
            "static_labels: { values: { service_name: ticketon, job: var-log-collector } }",
        ],
        holds: true,
        write: Writer::Spring,
    },
    Kind {
        name: "nginx",
        stages: &[
            r#"regex: { expression: '^(?P<remote>\S+) \S+ \S+ \[(?P<time>[^\]]+)\] "(?P<method>\S+) (?P<path>\S+) [^"]*" (?P<status>\d{3}) (?P<size>\d+)' }"#,
            "timestamp: { source: time, format: '02/Jan/2006:15:04:05 -0700' }",
            "labels: { values: { method: method, status: status } }",
        ],
        holds: false,
        write: Writer::Lines(nginx),
    },
    Kind {
        name: "JSON",
        stages: &[
            "json: { expressions: { time: time, level: level, message: message } }",
            "timestamp: { source: time, format: RFC3339Nano }",
            "labels: { values: { level: level } }",
            "output: { source: message }",
        ],
        holds: false,
        write: Writer::Lines(json),
    },
    Kind {
        name: "CRI",
        stages: &[
            r"regex: { expression: '^(?P<time>\S+) (?P<stream>stdout|stderr) (?P<flags>\S+) (?P<content>.*)$' }",
            "labels: { values: { stream: stream } }",
            "timestamp: { source: time, format: RFC3339Nano }",
            "output: { source: content }",
        ],
        holds: false,
        write: Writer::Lines(cri),
    },
];

impl Kind {
    /// A manifest with this pipeline; see [`super::run::Job::manifest`].
    #[must_use]
    pub fn manifest(&self) -> String {
        manifest(self.stages, "", 1)
    }

    /// Writes at least so many 10^6 bytes.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path, megabytes: u64) -> std::io::Result<Written> {
        match self.write {
            Writer::Spring => spring::write(path, megabytes),
            Writer::Lines(line) => write_lines(path, megabytes * 1_000_000, line),
        }
    }
}

/// A manifest with these stages, this in its pipeline, and so many sinks.
#[must_use]
pub fn manifest(stages: &[&str], pipeline: &str, sinks: usize) -> String {
    let stages: String = stages.iter().map(|stage| format!("      - {stage}\n")).collect();
    let names: Vec<String> = (0..sinks).map(|number| format!("loki{number}")).collect();
    let sinks: String = names
        .iter()
        .map(|name| {
            format!("  {name}: {{ loki: {{ url: '{{url}}', tenant_id: fake, batch_wait: 1s, batch_size: 1MB }} }}\n")
        })
        .collect();
    let stages = if stages.is_empty() {
        String::new()
    } else {
        format!("    stages:\n{stages}")
    };
    format!(
        "sources: {{ logs: {{ file: {{ include: ['{{logs}}/*.log'] }} }} }}\npipelines:\n  app:\n    from: [logs]\n{pipeline}{stages}\
         \x20   to: [{}]\nsinks:\n{sinks}",
        names.join(", ")
    )
}

/// Writes lines until there are so many bytes: the same every time.
///
/// # Errors
/// When the file cannot be written.
pub fn write_lines(
    path: &Path,
    bytes: u64,
    line: impl Fn(u64, &mut Rng) -> String,
) -> std::io::Result<Written> {
    let mut random = Rng::with_seed(20_261_127);
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut written = Written { bytes: 0, entries: 0 };
    while written.bytes < bytes {
        let text = line(written.entries as u64, &mut random);
        writeln!(out, "{text}")?;
        written.bytes += text.len() as u64 + 1;
        written.entries += 1;
    }
    out.flush()?;
    Ok(written)
}

fn clock(number: u64) -> (u64, u64, u64, u64) {
    let seconds = number / 1000;
    (
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60,
        number % 1000,
    )
}

fn nginx(number: u64, random: &mut Rng) -> String {
    let (hour, minute, second, _) = clock(number);
    let method = ["GET", "GET", "GET", "POST", "PUT"][random.usize(0..5)];
    let status = [200, 200, 200, 304, 404, 500][random.usize(0..6)];
    format!(
        "203.0.113.{} - - [08/Jan/2026:{hour:02}:{minute:02}:{second:02} +0900] \"{method} /api/v1/shows/{}/seats?page={} HTTP/1.1\" \
         {status} {} \"https://ticketon.example/shows\" \"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\" r={number}",
        random.u8(..),
        random.u32(0..10_000),
        random.u8(0..50),
        random.u32(0..100_000),
    )
}

fn json(number: u64, random: &mut Rng) -> String {
    let (hour, minute, second, milli) = clock(number);
    let level = ["info", "info", "debug", "warn", "error"][random.usize(0..5)];
    format!(
        "{{\"time\":\"2026-01-08T{hour:02}:{minute:02}:{second:02}.{milli:03}Z\",\"level\":\"{level}\",\"logger\":\"c.t.order.OrderService\",\
         \"trace\":\"{:016x}\",\"took\":{},\"message\":\"order {number} of user {} placed \\\"A-{}\\\"\"}}",
        random.u64(..),
        random.u16(0..5000),
        random.u32(0..100_000),
        random.u16(0..400),
    )
}

fn cri(number: u64, random: &mut Rng) -> String {
    let (hour, minute, second, milli) = clock(number);
    let stream = ["stdout", "stdout", "stdout", "stderr"][random.usize(0..4)];
    let flag = if random.u8(0..50) == 0 { 'P' } else { 'F' };
    format!(
        "2026-01-08T{hour:02}:{minute:02}:{second:02}.{milli:03}{:06}Z {stream} {flag} I0108 seat {} locked for user {} by worker {number}",
        random.u32(0..1_000_000),
        random.u32(0..10_000),
        random.u32(0..100_000),
    )
}
