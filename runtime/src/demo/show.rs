//! What the demonstration prints.

use std::io::{self, Write};
use std::path::Path;

use millstream_wire::loki_push::message::PushRequest;
use millstream_wire::remote_write::message::WriteRequest;

use super::tally::Summary;

/// What is about to happen.
pub fn opening(manifest: &str, log: &Path, address: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "An application logs to {} and shows metrics on http://{address}/actuator/prometheus.",
        log.display()
    )?;
    writeln!(
        out,
        "Millstream runs this manifest on it; every stage is a sandboxed WebAssembly component:\n"
    )?;
    for line in manifest.lines() {
        writeln!(out, "    {line}")?;
    }
    writeln!(
        out,
        "\nWhat arrives at the Loki push API and the remote-write API, decoded from the wire:\n"
    )
}

/// A word in between.
pub fn note(text: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "-- {text}")
}

/// Entries that arrived.
pub fn entries(request: &PushRequest) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for stream in &request.streams {
        writeln!(out, "loki   {}", stream.labels)?;
        for line in stream.entries.iter().flat_map(|entry| entry.line.lines()) {
            writeln!(out, "         {line}")?;
        }
    }
    Ok(())
}

/// Samples that arrived, one line per series.
pub fn samples(request: &WriteRequest) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for series in &request.timeseries {
        let name = series
            .labels
            .iter()
            .find(|label| label.name == "__name__")
            .map_or("", |label| &label.value);
        let labels: Vec<String> = series
            .labels
            .iter()
            .filter(|label| label.name != "__name__")
            .map(|label| format!("{}={:?}", label.name, label.value))
            .collect();
        let values: Vec<String> = series
            .samples
            .iter()
            .map(|sample| sample.value.to_string())
            .collect();
        writeln!(out, "sample {name}{{{}}} {}", labels.join(", "), values.join(" "))?;
    }
    Ok(())
}

/// How it ended.
pub fn closing(summary: &Summary) -> io::Result<()> {
    let Summary {
        written,
        traces,
        missing,
        repeated,
        pushes,
        samples,
        writes,
    } = summary;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "\nEntries written {written}, of them stack traces {traces}; arrived whole {}, missing {missing}, repeated {repeated}; push requests {pushes}.",
        written - missing
    )?;
    writeln!(
        out,
        "Samples arrived {samples} in {writes} remote-write requests."
    )
}
