//! A program: compiled once, run per entry.
//!
//! The engine walks the program's tree. Its entry points for a whole run set up a state of their own every time and look up every
//! function again; here state, function cache and variables live as long as the stage, which more than halves the price
//! of a short program.
//!
//! Steps are limited per entry and per call. Half of a call's steps are shared out evenly, so that an entry runs behind however many
//! that never end; the other half goes to those that come first.

use std::cell::RefCell;
use std::rc::Rc;

use millstream_stage::{Batch, Entry, Failure};
use rhai::{
    Caches, Dynamic, Engine, EvalAltResult, EvalContext, Expr, GlobalRuntimeState, ImmutableString, Map,
    Position, Scope, StmtBlock,
};

use crate::engine;
use crate::fault::Fault;
use crate::meter::Meter;
use crate::row::{Kind, Row, Values, text_of};
use crate::survey::Survey;
use crate::text::Patterns;

/// Steps of all entries of a call together, in units of the [`Meter`]. One takes 50 to 400 ns, and the host gives a call one second
/// by default, even when every entry of the batch runs into its limit.
pub(crate) const OPERATIONS_PER_CALL: u64 = 1_000_000;

/// Bytes that all entries of a call may be given beside [`GROWTH`]. The host takes a call's answer up to 1 MiB and 16
/// times what went in; names, offsets and labels that stay are in it too.
const WRITTEN_PER_CALL: usize = 768 * 1024;

/// Bytes that entries of a call may be given per byte of line that crossed.
const GROWTH: usize = 8;

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The entry was changed, or not.
    Passed,
    /// The program called `drop`, with this reason.
    Dropped(String),
    /// The entry is as it was.
    Failed(Fault),
}

/// What is left of a call.
#[derive(Debug, Default)]
struct Budget {
    steps: u64,
    /// Entries that have not run.
    entries: u64,
    /// Steps that each of these will have in any case.
    share: u64,
    /// Bytes that may be written.
    room: usize,
}

impl Budget {
    fn new(entries: usize) -> Self {
        let entries = entries as u64;
        Self {
            steps: OPERATIONS_PER_CALL,
            entries,
            share: OPERATIONS_PER_CALL / 2 / entries.max(1),
            room: WRITTEN_PER_CALL,
        }
    }

    /// What the next entry may take.
    fn next(&mut self) -> u64 {
        self.entries = self.entries.saturating_sub(1);
        self.steps.saturating_sub(self.entries * self.share)
    }
}

/// A compiled program and everything its runs share.
pub(crate) struct Program {
    engine: Engine,
    body: Expr,
    survey: Survey,
    global: GlobalRuntimeState,
    caches: Caches,
    scope: Scope<'static>,
    row: Rc<RefCell<Row>>,
    meter: Rc<Meter>,
    /// Steps that one entry may take.
    operations: u64,
    budget: Budget,
}

impl Program {
    /// Compiles and examines a program whose runs may take so many steps each.
    pub(crate) fn new(code: &str, operations: u64) -> Result<Self, Fault> {
        let row = Rc::<RefCell<Row>>::default();
        let patterns = Rc::<Patterns>::default();
        let meter = Rc::<Meter>::default();
        let mut engine = engine::engine(&row, &patterns, &meter);
        let mut scope = Scope::new();
        scope.push("state", Map::new());
        scope.push("timestamp", 0_i64);
        scope.push("line", ImmutableString::new());
        for kind in Kind::ALL {
            scope.push(kind.name(), Values::new(kind, &row));
        }
        let program = engine
            .compile_with_scope(&scope, code)
            .map_err(|error| Fault::of_syntax(&error))?;
        let survey = Survey::of(&program, &patterns)?;
        for name in &survey.properties {
            engine::register_property(&mut engine, name);
        }
        if survey.repeats {
            engine::meter_variables(&mut engine, &meter, survey.uses());
        }
        let body = StmtBlock::new(program.statements().to_vec(), Position::NONE, Position::NONE);
        let mut global = engine.new_global_runtime_state();
        global.lib.push(program.shared_lib().clone());
        Ok(Self {
            engine,
            body: Expr::Stmt(Box::new(body)),
            survey,
            global,
            caches: Caches::new(),
            scope,
            row,
            meter,
            operations,
            budget: Budget::default(),
        })
    }

    /// What the program reaches.
    pub(crate) fn survey(&self) -> &Survey {
        &self.survey
    }

    /// The next runs are about this batch.
    pub(crate) fn open(&mut self, batch: &Batch<'_>) -> Result<(), Failure> {
        self.budget = Budget::new(batch.len());
        self.row.borrow_mut().open(batch, self.survey.labels)
    }

    /// Runs on one entry.
    pub(crate) fn run(&mut self, entry: Entry<'_>) -> Outcome {
        self.row.borrow_mut().go(entry.row());
        if self.survey.line {
            self.scope.set_value("line", ImmutableString::from(entry.line()));
            self.budget.room += entry.line().len() * GROWTH;
        }
        if self.survey.timestamp {
            self.scope.set_value("timestamp", entry.timestamp());
        }
        let left = self.budget.next();
        let answer = self.evaluate(self.operations.min(left));
        let row = Rc::clone(&self.row);
        let row = row.borrow();
        if let Some(reason) = row.dropped() {
            return Outcome::Dropped(reason.to_owned());
        }
        match answer.and_then(|()| self.apply(entry, &row)) {
            Ok(()) => Outcome::Passed,
            Err(error) if self.meter.is_exceeded() => {
                Outcome::Failed(Fault::of_steps(&error, left < self.operations))
            }
            Err(error) => Outcome::Failed(Fault::of_run(*error)),
        }
    }

    fn evaluate(&mut self, limit: u64) -> Result<(), Box<EvalAltResult>> {
        self.meter.start(limit);
        let mut context = EvalContext::new(
            &self.engine,
            &mut self.global,
            &mut self.caches,
            &mut self.scope,
            None,
        );
        let answer = context.eval_expression_tree(&(&self.body).into());
        let taken = limit - self.meter.left();
        self.budget.steps = self.budget.steps.saturating_sub(taken);
        // An error leaves these where it arose.
        self.global.level = 0;
        self.global.lib.truncate(1);
        match answer {
            Ok(_) => Ok(()),
            Err(error) if matches!(*error, EvalAltResult::Return(..)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Writes what the program made of its variables and of the row to the entry, or nothing.
    fn apply(&mut self, entry: Entry<'_>, row: &Row) -> Result<(), Box<EvalAltResult>> {
        let value = |name: &str| {
            self.scope
                .get(name)
                .map(Dynamic::flatten_clone)
                .unwrap_or_default()
        };
        let line = match self.survey.line {
            true => Some(text_of(value("line"), || "line".to_owned())?),
            false => None,
        };
        let line = line.filter(|line| line != entry.line());
        let timestamp = match self.survey.timestamp {
            true => Some(value("timestamp").as_int().map_err(|found| {
                format!("timestamp takes a whole number, nanoseconds since 1970, not {found}")
            })?),
            false => None,
        };
        let size = row.size() + line.as_ref().map_or(0, |line| line.len());
        let room = self.budget.room.checked_sub(size);
        self.budget.room =
            room.ok_or("not written: the entries of the batch would grow by more than the host takes")?;
        if let Some(timestamp) = timestamp
            && timestamp != entry.timestamp()
        {
            entry.set_timestamp(timestamp);
        }
        if let Some(line) = line {
            entry.set_line(&line);
        }
        row.apply(entry);
        Ok(())
    }
}
