//! Temporary: compares engines.
#![allow(
    clippy::all,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]
use millstream_batch::{Labels, LogBatch};
use millstream_plugin_host::{Host, Level, Limits, LogStage, MetricKind, STACK_SIZE, StageEvents};
use std::sync::Arc;
use std::time::Duration;
struct Instant(u64);
impl Instant {
    fn now() -> Self { Self(cpu()) }
    fn elapsed(&self) -> Duration { Duration::from_nanos(cpu() - self.0) }
}
fn cpu() -> u64 {
    // CPU of this thread only.
    let t = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    t.split(' ').next().unwrap().parse().unwrap()
}
fn all() -> f64 {
    let t = std::fs::read_to_string("/proc/self/stat").unwrap();
    let f: Vec<&str> = t.rsplit(')').next().unwrap().split_whitespace().collect();
    (f[11].parse::<f64>().unwrap() + f[12].parse::<f64>().unwrap()) / 100.0
}
const LINE: &str = "2026-01-08 14:42:00.332  DEBUG 1 --- [nio-8080-exec-7] c.t.seat.SeatLockRepository              : lock acquired key=seat:1791:10 ttl=300s";
fn main() {
    std::thread::Builder::new()
        .stack_size(STACK_SIZE)
        .spawn(run)
        .unwrap()
        .join()
        .unwrap();
}
fn run() {
    let host = Host::new(None).unwrap();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let bytes = std::fs::read(&args[0]).unwrap();
    let t = Instant::now();
    let plugin = host.load("x", &bytes).unwrap();
    let _ = t; println!("{} size {} compile {:.2} CPU s", args[0], bytes.len(), all());
    for settings in &args[1..] {
        let settings: serde_json::Value = serde_json::from_str(settings).unwrap();
        let mut best = Duration::MAX;
        let mut made = None;
        for _ in 0..5 {
            let t = Instant::now();
            match LogStage::new(
                plugin.clone(),
                &settings,
                Limits {
                    timeout: Duration::from_secs(20),
                    ..Limits::default()
                },
                Arc::new(Silent),
            ) {
                Ok(s) => made = Some(s),
                Err(e) => {
                    println!("  {settings}: {e:?}");
                    break;
                }
            }
            best = best.min(t.elapsed());
        }
        let Some(mut stage) = made else { continue };
        let rows = 1000;
        let batch = LogBatch {
            timestamps: vec![1; rows],
            lines: (0..rows)
                .map(|i| if i % 100 == 0 { "GET /healthz 200" } else { LINE })
                .collect(),
            streams: vec![0; rows],
            labels: vec![Labels::from_pairs([(
                "filename",
                "/var/log/ticketon/application.log",
            )])],
            seqs: vec![0; rows],
            ..LogBatch::default()
        };
        let mut least = Duration::MAX;
        for _ in 0..30 {
            let batch = batch.clone();
            let t = Instant::now();
            let answer = match stage.process(batch, 1) {
                Ok(a) => a,
                Err(f) => {
                    println!("  failed {:?}", f.error);
                    break;
                }
            };
            least = least.min(t.elapsed());
            drop(answer);
        }
        println!(
            "  {settings}: configure {best:?}, {} ns/line",
            least.as_nanos() / rows as u128
        );
    }
}
struct Silent;
impl StageEvents for Silent {
    fn log(&self, _: Level, m: &str) {
        println!("log {m}");
    }
    fn register(&self, _: MetricKind, _: &str, _: &str, _: &[String], _: &[f64]) -> Result<u32, String> {
        Ok(0)
    }
    fn add(&self, _: u32, _: &[String], _: f64) {}
    fn set(&self, _: u32, _: &[String], _: f64) {}
}
