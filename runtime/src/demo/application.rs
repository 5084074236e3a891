//! A Spring-like application: it logs, throws, and rotates its log once.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::show;
use super::tally::Tally;

/// A pause between two entries.
const PAUSE: Duration = Duration::from_millis(250);

/// The log is rotated before this entry.
const ROTATED_AT: u64 = 20;

/// A Spring-like application.
pub struct Application {
    log: PathBuf,
    tally: Arc<Tally>,
}

impl Application {
    /// One that logs to this file.
    pub fn new(log: PathBuf, tally: Arc<Tally>) -> Self {
        Self { log, tally }
    }

    /// Logs until told to stop.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut file = open(&self.log)?;
        for number in 0.. {
            if number == ROTATED_AT {
                let rotated = self.log.with_extension("log.1");
                fs::rename(&self.log, &rotated).context("cannot rotate the demonstration's log")?;
                file = open(&self.log)?;
                show::note("the application has rotated its log: application.log is now application.log.1")?;
            }
            let entry = entry(number, now());
            self.tally.wrote(&entry);
            writeln!(file, "{entry}").context("cannot write the demonstration's log")?;
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
        Ok(())
    }
}

fn open(path: &Path) -> anyhow::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis())
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok())
        .unwrap_or_default()
}

/// Entry `number`, without its last line end.
fn entry(number: u64, at: Timestamp) -> String {
    let (level, logger, message) = match number % 6 {
        0 => (
            "INFO ",
            "c.t.order.OrderService",
            format!("예매 요청 수신 orderId={} userId=79 seat=A-259", 6300 + number),
        ),
        1 => (
            "DEBUG",
            "c.t.seat.SeatLockRepository",
            format!("lock acquired key=seat:1791:10 ttl=300s owner={number}"),
        ),
        2 => (
            "WARN ",
            "c.t.payment.PaymentClient",
            format!("payment slow 1950ms, retry {number} of 3, previous status was ERROR"),
        ),
        3 => (
            "TRACE",
            "c.t.common.RequestFilter",
            format!("GET /api/v1/shows/{number}/seats?page=29 200 323ms"),
        ),
        4 => (
            "INFO ",
            "c.t.show.ShowService",
            format!("좌석 조회 showId={number}"),
        ),
        _ => (
            "ERROR",
            "c.t.common.GlobalExceptionHandler",
            format!("Unhandled exception {}", trace(number)),
        ),
    };
    let time = at.strftime("%Y-%m-%d %H:%M:%S%.3f");
    format!(
        "{time}  {level} 1 --- [nio-8080-exec-{}] {logger:<40} : {message}",
        number % 10
    )
}

fn trace(number: u64) -> String {
    let mut text = format!("\n\njava.lang.IllegalStateException: seat lock failed (seatId={number})\n");
    for depth in 0..4 {
        text.push_str(&format!(
            "\tat com.ticketon.seat.SeatService.lock{depth}(SeatService.java:{})\n",
            20 + depth * 3
        ));
    }
    text.push_str("Caused by: org.redisson.client.RedisTimeoutException: command timed out\n\t... 27 common frames omitted");
    text
}

/// What the application shows on `/actuator/prometheus`.
pub fn exposition(entries: u64) -> String {
    format!(
        "# HELP jvm_memory_used_bytes The amount of used memory\n\
         # TYPE jvm_memory_used_bytes gauge\n\
         jvm_memory_used_bytes{{area=\"heap\",id=\"G1 Eden Space\"}} {}\n\
         # HELP logback_events_total Number of log events that were enabled by the effective log level\n\
         # TYPE logback_events_total counter\n\
         logback_events_total{{level=\"all\"}} {entries}.0\n",
        50_331_648 + entries * 4096,
    )
}
