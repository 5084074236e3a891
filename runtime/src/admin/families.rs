//! Every metric family of the agent, registered once per process: sources and sinks come and go with reloads.

use std::sync::Arc;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGauge, Opts, Registry};

use super::reloads::ReloadMetrics;
use crate::delivery::spool::SpoolMetrics;
use crate::pipeline::plan::Instruments;
use crate::sinks::loki::LokiMetrics;
use crate::sinks::remote_write::RemoteWriteMetrics;
use crate::sources::file::FileMetrics;
use crate::sources::prometheus::ScrapeMetrics;
use crate::stages::{DeadLetters, GuestMetrics, StageMetrics};

/// The families by component.
#[derive(Clone)]
pub struct Families {
    /// Where they are registered.
    pub registry: Registry,
    /// Of file sources.
    pub files: Arc<FileMetrics>,
    /// Of scrape sources.
    pub scrape: Arc<ScrapeMetrics>,
    /// Of stages.
    pub stages: Instruments,
    /// Of Loki sinks.
    pub loki: Arc<LokiMetrics>,
    /// Of remote-write sinks.
    pub remote_write: Arc<RemoteWriteMetrics>,
    /// Of spools.
    pub spools: SpoolMetrics,
    /// Of reloads.
    pub reloads: ReloadMetrics,
}

impl Families {
    /// Registers all of them. `letters` is where stages put what they fail on, when told to.
    ///
    /// # Errors
    /// When two components use one name.
    pub fn register(letters: DeadLetters) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let build = IntGauge::with_opts(
            Opts::new("millstream_build_info", "The version that runs; always 1.")
                .const_label("version", env!("CARGO_PKG_VERSION")),
        )?;
        build.set(1);
        registry.register(Box::new(build))?;
        registry.register(Box::new(Process::new()?))?;
        Ok(Self {
            files: Arc::new(FileMetrics::register(&registry)?),
            scrape: Arc::new(ScrapeMetrics::register(&registry)?),
            stages: Instruments {
                stages: Arc::new(StageMetrics::register(&registry)?),
                guests: Arc::new(GuestMetrics::register_in(&registry)?),
                letters,
            },
            loki: Arc::new(LokiMetrics::register(&registry)?),
            remote_write: Arc::new(RemoteWriteMetrics::register(&registry)?),
            spools: SpoolMetrics::register(&registry)?,
            reloads: ReloadMetrics::register(&registry)?,
            registry,
        })
    }
}

/// What the kernel knows of this process, read from `/proc/self` when asked. Names are the Prometheus clients' own.
struct Process {
    cpu: prometheus::Counter,
    resident: IntGauge,
    threads: IntGauge,
    descriptors: IntGauge,
}

impl Process {
    fn new() -> Result<Self, prometheus::Error> {
        Ok(Self {
            cpu: prometheus::Counter::new(
                "process_cpu_seconds_total",
                "User and system CPU time, in seconds.",
            )?,
            resident: IntGauge::new("process_resident_memory_bytes", "Resident memory, in bytes.")?,
            threads: IntGauge::new("process_threads", "Threads of the process.")?,
            descriptors: IntGauge::new("process_open_fds", "Open file descriptors.")?,
        })
    }

    /// Reads `/proc`; on a system without one the values stay as they are.
    fn read(&self) -> Option<()> {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        // Behind the name in parentheses, which may hold spaces; proc(5) counts fields from 1, `state` is the third.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3).and_then(|text| text.parse::<u64>().ok());
        // USER_HZ is 100 on every Linux ABI that Rust supports.
        let seconds = |ticks: u64| f64::from(u32::try_from(ticks).unwrap_or(u32::MAX)) / 100.0;
        let used = seconds(field(14)?) + seconds(field(15)?);
        self.cpu.inc_by((used - self.cpu.get()).max(0.0));
        self.threads.set(i64::try_from(field(20)?).ok()?);
        // `status` and not field 24 of `stat`: that one counts pages, whose size differs between machines.
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?
            .trim()
            .strip_suffix(" kB")?;
        self.resident
            .set(kib.trim().parse::<i64>().ok()?.checked_mul(1024)?);
        let open = std::fs::read_dir("/proc/self/fd").ok()?.count();
        self.descriptors.set(i64::try_from(open).ok()?);
        Some(())
    }

    fn parts(&self) -> [&dyn Collector; 4] {
        [&self.cpu, &self.resident, &self.threads, &self.descriptors]
    }
}

impl Collector for Process {
    fn desc(&self) -> Vec<&Desc> {
        let [cpu, resident, threads, descriptors] = self.parts();
        [cpu.desc(), resident.desc(), threads.desc(), descriptors.desc()].concat()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let _ = self.read();
        self.parts().into_iter().flat_map(Collector::collect).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::LocalDisk;

    #[test]
    fn no_two_components_use_one_name_and_the_process_is_read() {
        let letters = DeadLetters::new(Arc::new(LocalDisk), "dead_letters".into());
        let families = Families::register(letters).unwrap();
        let page = prometheus::TextEncoder::new()
            .encode_to_string(&families.registry.gather())
            .unwrap();
        let resident = page
            .lines()
            .find_map(|line| line.strip_prefix("process_resident_memory_bytes "))
            .unwrap();
        assert!(resident.parse::<u64>().unwrap() > 1 << 20, "{resident}");
    }
}
