//! A stage that does on demand what no stage should.
//!
//! It behaves until a line begins with [`TRIGGER`]; then it commits its act. What the SDK makes impossible is done
//! to the answer on its way out ([`spoil`]): the stage itself is an ordinary one.

mod act;
mod kernels;
mod misdeeds;
mod spoil;

use std::collections::BTreeSet;

pub use act::{ACTS, Act, TRIGGER};
use millstream_stage::contract::{LogBatch, LogEdit};
use millstream_stage::{Batch, Failure, Output, Refusal, Setup, Stage, log};

/// The settings.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    act: String,
}

/// The stage.
pub struct Rogue {
    act: Act,
    held: BTreeSet<u64>,
    calls: u32,
}

impl Rogue {
    fn holds(&self) -> bool {
        matches!(
            self.act,
            Act::HoldThenTrap
                | Act::HoldPoison
                | Act::TickTrap
                | Act::FlushLoop
                | Act::FlushTrap
                | Act::Forget
        )
    }

    /// Holds the whole batch, as a stage that joins entries would.
    fn hold(&mut self, batch: &mut Batch<'_>, now: i64) {
        self.held.extend((0..batch.len()).map(|row| batch.id(row)));
        let held = self.held.iter().copied().collect();
        let out = batch.output();
        out.set_origins(Vec::new());
        out.hold(held);
        out.wake_at(Some(now + 1));
    }

    fn let_go(&mut self, out: &mut Output) {
        out.set_origins(std::mem::take(&mut self.held).into_iter().collect());
    }
}

impl Stage for Rogue {
    type Settings = Settings;

    fn configure(settings: Settings, setup: &mut Setup) -> Result<Self, Refusal> {
        let act = ACTS.iter().find(|(name, _)| *name == settings.act);
        let Some(&(_, act)) = act else {
            return Err(Refusal::setting("act", "no such act"));
        };
        match act {
            Act::ConfigureTrap => misdeeds::give_up(),
            Act::ConfigureLoop => misdeeds::never_end(),
            Act::Refuse => return Err(Refusal::setting("act", "refused, as asked")),
            _ => kernels::set_up(act),
        }
        if act != Act::Blind {
            setup.reads_lines();
        }
        if act != Act::HeldUndeclared {
            setup.holds();
        }
        log::info("configured");
        Ok(Self {
            act,
            held: BTreeSet::new(),
            calls: 0,
        })
    }

    fn process(&mut self, batch: &mut Batch<'_>, now: i64) -> Result<(), Failure> {
        self.calls += 1;
        if self.act == Act::WakePast {
            batch.output().wake_at(Some(now - 1));
        }
        if self.act == Act::HoldPoison && self.calls == 1 && batch.len() > 2 {
            misdeeds::give_up();
        }
        if self.act == Act::Blind || !batch.lines()?.iter().any(|line| line.starts_with(TRIGGER)) {
            if self.holds() {
                self.hold(batch, now);
            }
            return Ok(());
        }
        misdeeds::commit(self.act)?;
        kernels::commit(self.act, batch.len());
        if self.act == Act::KernelDrops {
            batch.output().set_origins(Vec::new());
        }
        if self.act == Act::Forget {
            self.held.clear();
            batch.output().set_origins(Vec::new());
        } else if self.holds() {
            self.hold(batch, now);
        }
        Ok(())
    }

    fn tick(&mut self, out: &mut Output, now: i64) -> Result<(), Failure> {
        match self.act {
            Act::TickTrap => misdeeds::give_up(),
            Act::WakePast => out.wake_at(Some(now - 1)),
            _ => self.let_go(out),
        }
        Ok(())
    }

    fn flush(&mut self, out: &mut Output, _now: i64) -> Result<(), Failure> {
        match self.act {
            Act::FlushLoop => misdeeds::never_end(),
            Act::FlushTrap => misdeeds::give_up(),
            _ => {}
        }
        self.let_go(out);
        Ok(())
    }
}

/// What a batch was, for [`spoil`], before the stage consumes it.
struct Given {
    first_id: u64,
    rows: u32,
    triggered: bool,
}

impl Given {
    fn of(batch: &LogBatch) -> Self {
        let mut starts = vec![0];
        starts.extend(batch.lines.ends.iter().map(|&end| end as usize));
        let triggered = starts
            .iter()
            .any(|&start| batch.lines.bytes[start..].starts_with(TRIGGER.as_bytes()));
        Self {
            first_id: batch.first_id,
            rows: batch.rows,
            triggered,
        }
    }
}

/// Logs what of a batch crossed.
fn tell(batch: &LogBatch) {
    let counts = [
        batch.timestamps.len(),
        batch.lines.bytes.len() + batch.lines.ends.len(),
        batch.streams.len() + batch.labels.ends.len() + batch.labels.names.bytes.len(),
        batch.fields.len(),
        batch.metadata.len(),
    ];
    log::info(&format!("{} rows, {counts:?} crossed", batch.rows));
}

/// The answer of an honest stage, spoiled if the batch sets the act off.
pub fn answer<E>(
    act: Option<Act>,
    batch: LogBatch,
    honest: impl FnOnce(LogBatch) -> Result<LogEdit, E>,
) -> Result<LogEdit, E> {
    if act == Some(Act::Blind) {
        tell(&batch);
    }
    let given = Given::of(&batch);
    let mut edit = honest(batch)?;
    if let (Some(act), true) = (act, given.triggered) {
        spoil::spoil(act, given.first_id, given.rows, &mut edit);
    }
    Ok(edit)
}

#[cfg(target_family = "wasm")]
mod exports {
    use std::cell::{Cell, RefCell};

    use millstream_stage::contract::{Failure, Guest, Interest, LogBatch, LogEdit};
    use millstream_stage::{Instance, contract, export};

    use crate::{ACTS, Act, Rogue};

    std::thread_local! {
        static STAGE: RefCell<Option<Instance<Rogue>>> = const { RefCell::new(None) };
        static ACT: Cell<Option<Act>> = const { Cell::new(None) };
    }

    struct Exported;

    impl Guest for Exported {
        fn configure(settings: String) -> Result<Interest, String> {
            let named = |(name, _): &&(&str, Act)| settings.contains(&format!("{name:?}"));
            ACT.set(ACTS.iter().find(named).map(|(_, act)| *act));
            STAGE.with(|slot| export::configure(slot, &settings))
        }

        fn process(batch: LogBatch, now: i64) -> Result<LogEdit, Failure> {
            let honest = |batch| STAGE.with(|slot| export::call(slot, |stage| stage.process(batch, now)));
            crate::answer(ACT.get(), batch, honest)
        }

        fn tick(now: i64) -> Result<LogEdit, Failure> {
            STAGE.with(|slot| export::call(slot, |stage| stage.tick(now)))
        }

        fn flush(now: i64) -> Result<LogEdit, Failure> {
            STAGE.with(|slot| export::call(slot, |stage| stage.flush(now)))
        }
    }

    contract::export!(Exported with_types_in contract);
}
