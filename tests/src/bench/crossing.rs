//! What it costs to hand a batch to a stage and take its answer.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use millstream::stages::bundled;
use millstream_batch::{Labels, LogBatch};
use millstream_plugin_host::{Host, Limits, LogStage, STACK_SIZE};
use serde_json::json;
use tokio::time::Instant;

use super::road::{Silent, users_stages};

/// A line of 140 bytes.
const LINE: &str = "2026-01-08 14:42:00.332  DEBUG 1 --- [nio-8080-exec-7] c.t.seat.SeatLockRepository              : lock acquired key=seat:1791:10 ttl=300s";

/// The cost of one stage at one batch size.
pub struct Figure {
    /// The stage.
    pub stage: &'static str,
    /// Rows per batch.
    pub rows: usize,
    /// Nanoseconds.
    pub per_row: f64,
    /// Microseconds.
    pub per_batch: f64,
}

/// Measures `output` with a source that no row has, which is a stage that gets all lines and changes nothing; the stages of the
/// user's pipeline on a batch that no other stage has seen (so `labels` finds no field); and `script` with a rule of two lines.
///
/// # Errors
/// When a stage fails.
pub fn measure() -> anyhow::Result<Vec<Figure>> {
    std::thread::Builder::new()
        .stack_size(STACK_SIZE)
        .spawn(on_this_thread)?
        .join()
        .map_err(|_| anyhow::anyhow!("the measuring thread panicked"))?
}

fn on_this_thread() -> anyhow::Result<Vec<Figure>> {
    let host = Host::new(None)?;
    let mut stages = vec![("output", json!({ "source": "nothing" }))];
    stages.extend(users_stages());
    let code = "if line.contains(\"healthz\") { drop(\"health checks\") }\nlabels.team = \"payments\"";
    stages.push(("script", json!({ "code": code })));
    let mut figures = Vec::new();
    for (name, settings) in stages {
        let plugin = host.load(name, bundled::component(name).context("not bundled")?)?;
        let mut stage = LogStage::new(plugin, &settings, Limits::default(), Arc::new(Silent))?;
        for rows in [1, 1000] {
            figures.push(one(name, &mut stage, rows)?);
        }
    }
    Ok(figures)
}

fn one(name: &'static str, stage: &mut LogStage, rows: usize) -> anyhow::Result<Figure> {
    const ROUNDS: u32 = 5;
    let batch = LogBatch {
        timestamps: vec![1; rows],
        lines: (0..rows).map(|_| LINE).collect(),
        streams: vec![0; rows],
        labels: vec![Labels::from_pairs([(
            "filename",
            "/var/log/ticketon/application.log",
        )])],
        seqs: vec![0; rows],
        ..LogBatch::default()
    };
    let batches = u32::try_from(200_000 / rows.max(20))?;
    let mut best = Duration::MAX;
    // The best round: whatever else the machine did, it cannot have made this faster.
    for _ in 0..ROUNDS {
        let mut spent = Duration::ZERO;
        for _ in 0..batches {
            let batch = batch.clone();
            let started = Instant::now();
            let answer = stage
                .process(batch, 1)
                .map_err(|failed| anyhow::anyhow!(failed.error))?;
            spent += started.elapsed();
            drop(answer);
        }
        best = best.min(spent / batches);
    }
    let per_batch = best.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "at most a thousand")]
    let per_row = per_batch * 1e9 / rows as f64;
    Ok(Figure {
        stage: name,
        rows,
        per_row,
        per_batch: per_batch * 1e6,
    })
}
