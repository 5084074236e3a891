//! What the plugin platform costs: the pause of a reload under load, the memory of an instance, the start with ten plugins.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use tokio::time::Instant;

use super::spring;
use crate::agent::Agent;
use crate::process;
use crate::receiver::Receiver;

/// Reloads under load.
const RELOADS: usize = 200;

/// Stages of the memory figure: each has an instance of its own.
const INSTANCES: usize = 100;

/// What came out.
pub struct Figure {
    /// Bounds in seconds below which the pauses of half, and of 99 of 100, reloads lay.
    pub pauses: (f64, f64),
    /// The longest any reload took, plan and all, in seconds.
    pub longest: f64,
    /// Reloads made.
    pub reloads: usize,
    /// Lines read a second while they were made.
    pub load: f64,
    /// Resident bytes an instance adds.
    pub instance: f64,
    /// Seconds from the start to ready with ten plugins, compiled anew.
    pub cold: f64,
    /// The same with their code in the cache.
    pub warm: f64,
}

/// Measures.
///
/// # Errors
/// When the agent does not run or a reload fails.
pub fn measure() -> anyhow::Result<Figure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(run())
}

async fn run() -> anyhow::Result<Figure> {
    let (pauses, longest, load) = reloads().await?;
    let (few, many) = (resident(1).await?, resident(INSTANCES + 1).await?);
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let instance = (many - few) / INSTANCES as f64;
    let folder = tempfile::tempdir()?;
    let (cold, warm) = (start(folder.path()).await?, start(folder.path()).await?);
    Ok(Figure {
        pauses,
        longest,
        reloads: RELOADS,
        load,
        instance,
        cold,
        warm,
    })
}

/// The user's stages, with what changes from round to round: `multiline`, which holds, and `static_labels`.
fn manifest(logs: &Path, push_url: &str, round: usize) -> String {
    format!(
        "sources: {{ logs: {{ file: {{ include: ['{}/*.log'] }} }} }}\n\
         pipelines:\n  app:\n    from: [logs]\n    stages:\n      \
         - multiline: {{ firstline: '^\\d{{4}}-\\d{{2}}-\\d{{2}} \\d{{2}}:\\d{{2}}:\\d{{2}}\\.\\d{{3}}', max_wait_time: {}s }}\n      \
         - regex: {{ expression: '.*(?P<level>INFO|WARN|ERROR|DEBUG|TRACE).*' }}\n      \
         - labels: {{ values: {{ level: level }} }}\n      \
         - static_labels: {{ values: {{ job: j{} }} }}\n    to: [loki]\n\
         sinks: {{ loki: {{ loki: {{ url: '{push_url}' }} }} }}\n",
        logs.display(),
        3 + round % 2,
        round % 5,
    )
}

/// Reloads an agent that reads as fast as it can.
async fn reloads() -> anyhow::Result<((f64, f64), f64, f64)> {
    let folder = tempfile::tempdir()?;
    let logs = folder.path().join("logs");
    fs::create_dir(&logs)?;
    let receiver = Receiver::counting().await?;
    let text = |round| manifest(&logs, &receiver.push_url(), round);
    // Whole before anything is read: a reader that keeps up with a writer has little to do.
    let written = tokio::task::spawn_blocking({
        let log = logs.join("a.log");
        move || spring::write(&log, 2000)
    })
    .await??;
    let agent = Agent::start(folder.path(), &text(0)).await?;
    let read = "loki_source_file_read_lines_total";
    let (started, before) = (Instant::now(), agent.metric(read).await?);
    let mut longest = Duration::ZERO;
    for round in 1..=RELOADS {
        fs::write(folder.path().join("millstream.yaml"), text(round))?;
        let asked = Instant::now();
        let (status, words) = agent.reload().await?;
        anyhow::ensure!(status == 200, "{words}");
        longest = longest.max(asked.elapsed());
    }
    let lines = agent.metric(read).await? - before;
    anyhow::ensure!(
        receiver.accepted() < written.entries / 20 * 19,
        "the log was read before the reloads were over: write a larger one"
    );
    let load = lines / started.elapsed().as_secs_f64();
    let (_, page) = agent.get("/metrics").await?;
    let pauses = (quantile(&page, 0.5)?, quantile(&page, 0.99)?);
    agent.kill()?;
    Ok((pauses, longest.as_secs_f64(), load))
}

/// The bound of the bucket in which a quantile of the pauses lies.
fn quantile(page: &str, quantile: f64) -> anyhow::Result<f64> {
    let buckets: Vec<(f64, f64)> = page
        .lines()
        .filter(|line| line.starts_with("millstream_reload_pause_seconds_bucket"))
        .filter_map(|line| {
            let (_, bound) = line.split_once("le=\"")?;
            let (bound, count) = bound.split_once("\"} ")?;
            Some((bound.parse().unwrap_or(f64::INFINITY), count.parse().ok()?))
        })
        .collect();
    let all = buckets.last().context("no pause was counted")?.1;
    let found = buckets.iter().find(|(_, count)| *count >= all * quantile);
    Ok(found.context("no bucket holds them")?.0)
}

/// Resident bytes of an agent with so many stages, after each had work.
async fn resident(stages: usize) -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("a.log");
    fs::write(&log, "one\n")?;
    let receiver = Receiver::start().await?;
    let list = "      - regex: { expression: '(?P<level>INFO|WARN)' }\n".repeat(stages);
    let text = format!(
        "sources: {{ logs: {{ file: {{ include: ['{}'] }} }} }}\n\
         pipelines:\n  p:\n    from: [logs]\n    stages:\n{list}    to: [loki]\n\
         sinks: {{ loki: {{ loki: {{ url: '{}' }} }} }}\n",
        log.display(),
        receiver.push_url()
    );
    // From the cache: compiling leaves memory behind that is no instance's.
    Agent::start(folder.path(), &text).await?.stop().await?;
    fs::write(&log, "one\ntwo\n")?;
    let agent = Agent::start(folder.path(), &text).await?;
    receiver.wait_for(1).await?;
    let resident = process::resident(agent.id())?;
    agent.kill()?;
    Ok(resident)
}

/// Seconds from the start of the process to ready with ten plugins.
async fn start(folder: &Path) -> anyhow::Result<f64> {
    let stages = [
        "multiline: { firstline: '^2' }",
        "regex: { expression: '(?P<level>INFO|WARN)' }",
        "labels: { values: { level: level } }",
        "static_labels: { values: { job: j } }",
        "json: { expressions: { a: a } }",
        "timestamp: { source: a, format: RFC3339 }",
        "drop: { expression: never }",
        "output: { source: b }",
        "regex: { expression: '(?P<b>x)' }",
        "drop: { longer_than: 8KB }",
    ];
    let list: String = stages.iter().map(|stage| format!("      - {stage}\n")).collect();
    let text = format!(
        "sources: {{ logs: {{ file: {{ include: ['{}/*.log'] }} }} }}\n\
         pipelines:\n  p:\n    from: [logs]\n    stages:\n{list}    to: [console]\nsinks: {{ console: {{ console: {{}} }} }}\n",
        folder.display()
    );
    let started = Instant::now();
    let agent = Agent::start(folder, &text).await?;
    let took = started.elapsed().as_secs_f64();
    agent.stop().await?;
    Ok(took)
}
