//! What the kernel knows of a process, from `/proc`.

use std::fs;
use std::time::Duration;

use anyhow::Context;
use tokio::time::Instant;

/// The highest resident memory so far, in bytes.
///
/// # Errors
/// When the process is gone.
pub fn peak(process: u32) -> anyhow::Result<f64> {
    memory(process, "VmHWM:")
}

/// The resident memory now, in bytes.
///
/// # Errors
/// When the process is gone.
pub fn resident(process: u32) -> anyhow::Result<f64> {
    memory(process, "VmRSS:")
}

fn memory(process: u32, what: &str) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix(what))
        .with_context(|| format!("no {what}"))?;
    Ok(kib.trim().trim_end_matches("kB").trim().parse::<f64>()? * 1024.0)
}

/// How many descriptors are open.
///
/// # Errors
/// When the process is gone.
pub fn descriptors(process: u32) -> anyhow::Result<usize> {
    Ok(fs::read_dir(format!("/proc/{process}/fd"))?.count())
}

/// User and system seconds so far.
///
/// # Errors
/// When the process is gone.
pub fn cpu(process: u32) -> anyhow::Result<f64> {
    seconds(process, 14)
}

/// User and system seconds of all children of this process that were waited for so far, with theirs.
///
/// # Errors
/// When `/proc` is not as it should be.
pub fn children_cpu() -> anyhow::Result<f64> {
    seconds(std::process::id(), 16)
}

/// The sum of two neighbouring fields of `/proc/PID/stat`, in ticks of 10 ms, as seconds.
fn seconds(process: u32, first: usize) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let behind = stat.rsplit_once(')').context("no name in stat")?.1;
    // Fields are counted from 1, and the third is the first behind the name.
    let mut fields = behind.split_whitespace().skip(first - 3);
    let mut ticks = || {
        fields
            .next()
            .and_then(|text| text.parse::<f64>().ok())
            .context("no time in stat")
    };
    Ok((ticks()? + ticks()?) / 100.0)
}

/// The share of one core that a process takes over this long, in percent. A busy machine can only lower it.
///
/// # Errors
/// When the process is gone.
pub async fn share(process: u32, over: Duration) -> anyhow::Result<f64> {
    let (before, begun) = (cpu(process)?, Instant::now());
    tokio::time::sleep(over).await;
    Ok((cpu(process)? - before) / begun.elapsed().as_secs_f64() * 100.0)
}
