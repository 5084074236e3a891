//! What the stage costs without the sandbox: `cargo run --release --example native_cost -- LOG` prints nanoseconds per line,
//! the median of seven rounds over the log's lines in batches of 1,000, as `millstream plugin bench` measures them inside.

use std::fs;
use std::time::{Duration, Instant};

use millstream_stage::Instance;
use millstream_stage::contract::{LabelSets, LogBatch, TextColumn};
use redact::Redact;

const BATCH: usize = 1000;

fn main() {
    let path = std::env::args().nth(1).expect("usage: native_cost LOG");
    let text = fs::read_to_string(path).expect("the log can be read");
    let lines: Vec<&str> = text.lines().collect();
    let batches: Vec<LogBatch> = lines.chunks(BATCH).map(batch).collect();
    let mut stage = Instance::<Redact>::configure("{}").expect("the default settings are good");
    let mut rounds: Vec<f64> = (0..7).map(|_| round(&mut stage, &batches)).collect();
    rounds.sort_by(f64::total_cmp);
    println!("{:.1}", rounds[3]);
}

fn batch(lines: &[&str]) -> LogBatch {
    let ends = lines.iter().scan(0, |end, line| {
        *end += line.len() as u32;
        Some(*end)
    });
    LogBatch {
        first_id: 0,
        rows: lines.len() as u32,
        timestamps: Vec::new(),
        lines: TextColumn {
            ends: ends.collect(),
            bytes: lines.concat().into_bytes(),
        },
        streams: Vec::new(),
        labels: LabelSets {
            ends: Vec::new(),
            names: TextColumn {
                bytes: Vec::new(),
                ends: Vec::new(),
            },
            values: TextColumn {
                bytes: Vec::new(),
                ends: Vec::new(),
            },
        },
        fields: Vec::new(),
        metadata: Vec::new(),
    }
}

fn round(stage: &mut Instance<Redact>, batches: &[LogBatch]) -> f64 {
    let (mut spent, mut lines) = (Duration::ZERO, 0);
    for batch in batches.iter().cycle() {
        let copy = batch.clone();
        let (queued, began) = (waited(), Instant::now());
        let edit = stage.process(copy, 0).expect("the stage does not fail");
        spent += began.elapsed().saturating_sub(waited().saturating_sub(queued));
        lines += batch.rows;
        drop(edit);
        if spent >= Duration::from_millis(250) {
            break;
        }
    }
    spent.as_secs_f64() * 1e9 / f64::from(lines)
}

/// How long this thread has waited for a processor since it began.
fn waited() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let waited = text
        .split_whitespace()
        .nth(1)
        .and_then(|number| number.parse().ok());
    Duration::from_nanos(waited.unwrap_or_default())
}
