//! One instance of a plugin and the calls into it.

use std::sync::Arc;

use millstream_batch::{Edit, LogBatch};
use wasmtime::{Store, Trap};

use crate::bindings::millstream::stage::host as guest_api;
use crate::bindings::{LogEdit as RawEdit, LogStage as Bindings};
use crate::convert::{self, Scratch};
use crate::engine::TICK;
use crate::error::{CallError, StageError};
use crate::events::{Level, MetricKind, StageEvents};
use crate::interest::Interest;
use crate::kernels::{KernelError, Kernels, Ticks};
use crate::limits::{Limiter, Limits, TooMuch};
use crate::plugin::Plugin;
use crate::wasi::{Exited, Wasi};

/// What belongs to one instance on the host's side.
pub(crate) struct Guest {
    pub(crate) limiter: Limiter,
    pub(crate) kernels: Kernels,
    events: Arc<dyn StageEvents>,
    wasi: Wasi,
}

impl Guest {
    pub(crate) fn wasi(&mut self) -> &mut Wasi {
        &mut self.wasi
    }
}

/// One instance of a plugin. After an error that is not [`CallError::Reported`] it must be dropped.
pub(crate) struct Instance {
    store: Store<Guest>,
    calls: Bindings,
    limits: Limits,
    scratch: Scratch,
    ticks: Ticks,
}

impl Instance {
    /// Makes an instance and configures it.
    pub(crate) fn new(
        plugin: &Plugin,
        settings: &str,
        limits: &Limits,
        events: Arc<dyn StageEvents>,
    ) -> Result<(Self, Interest), StageError> {
        let guest = Guest {
            limiter: Limiter::new(limits),
            kernels: Kernels::new(),
            wasi: Wasi::new(plugin.granted().clone(), events.clone()),
            events,
        };
        let mut store = Store::new(plugin.host().engine(), guest);
        store.limiter(|guest| &mut guest.limiter);
        arm(&mut store, limits);
        let failed = |call: &'static str, limits: &Limits| {
            let limits = limits.clone();
            move |error: wasmtime::Error| StageError::Failed {
                call,
                source: classify(error, &limits),
            }
        };
        let calls = plugin
            .pre()
            .instantiate(&mut store)
            .map_err(failed("its start", limits))?;
        arm(&mut store, limits);
        let answer = calls
            .call_configure(&mut store, settings)
            .map_err(failed("configure", limits))?;
        let interest = answer.map_err(StageError::Refused)?;
        store.data_mut().kernels.close();
        let instance = Self {
            store,
            calls,
            limits: limits.clone(),
            scratch: Scratch::default(),
            ticks: plugin.host().ticks().clone(),
        };
        Ok((instance, interest.into()))
    }

    /// Bytes of linear memory it has.
    pub(crate) fn memory(&self) -> usize {
        self.store.data().limiter.used()
    }

    pub(crate) fn process(
        &mut self,
        batch: &Arc<LogBatch>,
        first_id: u64,
        interest: &Interest,
        now: i64,
    ) -> Result<Edit, CallError> {
        let input = convert::lower(batch, first_id, interest, &mut self.scratch);
        let allowed = self.limits.output(input.crossing());
        ready(&mut self.store, &self.limits, allowed, now);
        let makes = self.limits.output(batch.bytes());
        let kernels = &mut self.store.data_mut().kernels;
        kernels.begin(batch.clone(), &self.ticks, ticks(&self.limits), makes);
        let answer = input.call(&self.calls, &mut self.store, now);
        let made = self.store.data_mut().kernels.end();
        let mut edit = self.finish(answer, allowed)?;
        if let Some(made) = made {
            made.settle(&mut edit, first_id)?;
        }
        Ok(edit)
    }

    pub(crate) fn tick(&mut self, now: i64, held_bytes: usize) -> Result<Edit, CallError> {
        let allowed = self.limits.output(held_bytes);
        ready(&mut self.store, &self.limits, allowed, now);
        let answer = self.calls.call_tick(&mut self.store, now);
        self.finish(
            answer.map(|answer| answer.map_err(|failure| failure.message)),
            allowed,
        )
    }

    pub(crate) fn flush(&mut self, now: i64, held_bytes: usize) -> Result<Edit, CallError> {
        let allowed = self.limits.output(held_bytes);
        ready(&mut self.store, &self.limits, allowed, now);
        let answer = self.calls.call_flush(&mut self.store, now);
        self.finish(
            answer.map(|answer| answer.map_err(|failure| failure.message)),
            allowed,
        )
    }

    fn finish(
        &mut self,
        answer: wasmtime::Result<Result<RawEdit, String>>,
        allowed: usize,
    ) -> Result<Edit, CallError> {
        let told = |error| {
            if is_flood(&error) {
                CallError::Flood { limit: allowed }
            } else {
                classify(error, &self.limits)
            }
        };
        let edit = answer.map_err(told)?.map_err(CallError::Reported)?;
        let bytes = convert::size(&edit);
        if bytes > allowed {
            return Err(CallError::Oversize {
                bytes,
                limit: allowed,
            });
        }
        convert::lift(edit)
    }
}

/// Readies a store for a call that may return so many bytes.
fn ready(store: &mut Store<Guest>, limits: &Limits, allowed: usize, now: i64) {
    arm(store, limits);
    store.set_hostcall_fuel(allowed.saturating_mul(2));
    store.data_mut().wasi.now = now;
}

/// Starts the time limit of the next call.
fn arm(store: &mut Store<Guest>, limits: &Limits) {
    store.set_epoch_deadline(ticks(limits));
}

/// How often the clock ticks until a call's time is up.
fn ticks(limits: &Limits) -> u64 {
    // One tick more, because the first may come at once.
    let ticks = limits
        .timeout
        .as_nanos()
        .div_ceil(TICK.as_nanos())
        .saturating_add(1);
    u64::try_from(ticks).unwrap_or(u64::MAX)
}

/// Whether wasmtime stopped taking data from the guest. It has no type for that, only these words.
fn is_flood(error: &wasmtime::Error) -> bool {
    error
        .chain()
        .any(|cause| cause.to_string().contains("fuel allocated for hostcalls"))
}

fn classify(error: wasmtime::Error, limits: &Limits) -> CallError {
    if let Some(too_much) = error.downcast_ref::<TooMuch>() {
        return CallError::Memory(too_much.to_string());
    }
    if let Some(exited) = error.downcast_ref::<Exited>() {
        return CallError::Trap(exited.to_string());
    }
    match error.downcast_ref::<KernelError>() {
        Some(KernelError::Late) => return CallError::Timeout(limits.timeout),
        Some(&KernelError::Flood { limit }) => return CallError::Flood { limit },
        Some(KernelError::Misuse(_)) | None => {}
    }
    let place = error
        .downcast_ref::<wasmtime::WasmBacktrace>()
        .map(functions)
        .unwrap_or_default();
    match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => CallError::Timeout(limits.timeout),
        Some(trap) => CallError::Trap(format!("{trap}{place}")),
        // What the host said no to.
        None => CallError::Trap(format!("{}{place}", error.root_cause())),
    }
}

/// The innermost functions of the guest, by name.
fn functions(backtrace: &wasmtime::WasmBacktrace) -> String {
    const SHOWN: usize = 6;
    let names: Vec<String> = backtrace
        .frames()
        .iter()
        .filter_map(|frame| frame.func_name())
        .filter(|name| !name.contains("panic") && !name.contains("rust_begin_unwind"))
        .take(SHOWN)
        .map(without_hash)
        .collect();
    if names.is_empty() {
        String::new()
    } else {
        format!(" in {}", names.join(" < "))
    }
}

/// Rust's mangled names end in a hash that says nothing to a reader.
fn without_hash(name: &str) -> String {
    match name.rsplit_once("::h") {
        Some((path, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => path.into(),
        _ => name.into(),
    }
}

impl crate::bindings::millstream::stage::types::Host for Guest {}

impl guest_api::Host for Guest {
    fn log(&mut self, level: guest_api::Level, message: String) {
        let level = match level {
            guest_api::Level::Trace => Level::Trace,
            guest_api::Level::Debug => Level::Debug,
            guest_api::Level::Info => Level::Info,
            guest_api::Level::Warn => Level::Warn,
            guest_api::Level::Error => Level::Error,
        };
        self.events.log(level, &message);
    }

    fn register(
        &mut self,
        kind: guest_api::MetricKind,
        name: String,
        help: String,
        label_names: Vec<String>,
        buckets: Vec<f64>,
    ) -> Result<u32, String> {
        let kind = match kind {
            guest_api::MetricKind::Counter => MetricKind::Counter,
            guest_api::MetricKind::Gauge => MetricKind::Gauge,
            guest_api::MetricKind::Histogram => MetricKind::Histogram,
        };
        self.events.register(kind, &name, &help, &label_names, &buckets)
    }

    fn add(&mut self, metric: u32, label_values: Vec<String>, value: f64) {
        self.events.add(metric, &label_values, value);
    }

    fn set(&mut self, metric: u32, label_values: Vec<String>, value: f64) {
        self.events.set(metric, &label_values, value);
    }
}
