//! The reference log: the bytes of `tests/data/gen_spring_log.py`, generated here so that no Python is needed.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// What was written.
pub struct Written {
    /// Bytes.
    pub bytes: u64,
    /// Entries; a stack trace is one.
    pub entries: usize,
}

/// Writes at least `megabytes` of Spring log: the same bytes every time.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, megabytes: u64) -> std::io::Result<Written> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut written = Written { bytes: 0, entries: 0 };
    let mut number: u64 = 0;
    while written.bytes < megabytes * 1_000_000 {
        number += 1;
        let text = entry(number);
        out.write_all(text.as_bytes())?;
        written.bytes += text.len() as u64;
        written.entries += 1;
    }
    out.flush()?;
    Ok(written)
}

/// Entry `t` with its line end.
#[must_use]
pub fn entry(t: u64) -> String {
    let time = format!(
        "2026-01-{:02} {:02}:{:02}:{:02}.{:03}",
        8 + t / 86_400_000,
        t / 3_600_000 % 24,
        t / 60_000 % 60,
        t / 1000 % 60,
        t % 1000
    );
    let thread = t % 10;
    if t.is_multiple_of(20) {
        let frames: String = (0..8)
            .map(|k| {
                format!(
                    "\tat com.ticketon.seat.SeatService.lock{k}(SeatService.java:{}) ~[classes/:na]\n",
                    20 + k * 3
                )
            })
            .collect();
        return format!(
            "{time} ERROR 1 --- [nio-8080-exec-{thread}] c.t.common.GlobalExceptionHandler          : Unhandled exception\n\n\
             java.lang.IllegalStateException: seat lock failed (seatId={})\n{frames}\
             Caused by: org.redisson.client.RedisTimeoutException: command timed out\n\t... 27 common frames omitted\n",
            t % 500
        );
    }
    let (a, b, c) = (t % 9999, t % 97, t % 401);
    let (level, logger, message) = match t % 4 {
        0 => (
            "INFO ",
            "c.t.order.OrderService",
            format!("예매 요청 수신 orderId={a} userId={b} seat=A-{c}"),
        ),
        1 => (
            "DEBUG",
            "c.t.seat.SeatLockRepository",
            format!("lock acquired key=seat:{a}:{b} ttl=300s owner={c}"),
        ),
        2 => (
            "WARN ",
            "c.t.payment.PaymentClient",
            format!("payment slow {a}ms, retry {b} of 3, previous status was ERROR code={c}"),
        ),
        _ => (
            "TRACE",
            "c.t.common.RequestFilter",
            format!("GET /api/v1/shows/{a}/seats?page={b} 200 {c}ms"),
        ),
    };
    format!("{time}  {level} 1 --- [nio-8080-exec-{thread}] {logger:<40} : {message}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first megabyte is, byte for byte, the Python script's.
    #[test]
    fn the_bytes_are_the_scripts() {
        let folder = tempfile::tempdir().unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/data/gen_spring_log.py");
        let (theirs, ours) = (folder.path().join("theirs"), folder.path().join("ours"));
        let ran = std::process::Command::new("python3")
            .arg(script)
            .arg(&theirs)
            .arg("1")
            .output();
        let Ok(ran) = ran else {
            eprintln!("SKIPPED: python3 is not here");
            return;
        };
        assert!(ran.status.success(), "{ran:?}");
        let written = write(&ours, 1).unwrap();
        assert_eq!(std::fs::read(theirs).unwrap(), std::fs::read(ours).unwrap());
        let said = String::from_utf8(ran.stdout).unwrap();
        assert!(
            said.starts_with(&format!("{} {} ", written.bytes, written.entries)),
            "{said}"
        );
    }
}
