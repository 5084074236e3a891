//! A program: compiled once, run per entry.
//!
//! The engine walks the program's tree. Its entry points for a whole run set up a state of their own every time and look up every
//! function again; here state, function cache and variables live as long as the stage, which more than halves the price
//! of a short program.
//!
//! Nothing leads out of a program: the engine is built without modules, clock and `eval`. Steps, depth of calls and sizes
//! of values are limited, so that a program that never ends is an error of its entry and not the host's time limit for the
//! whole batch.

use std::cell::RefCell;
use std::rc::Rc;

use millstream_stage::{Entry, log};
use rhai::packages::{
    ArithmeticPackage, BasicArrayPackage, BasicFnPackage, BasicIteratorPackage, BasicMapPackage,
    BasicMathPackage, BasicStringPackage, LogicPackage, MoreStringPackage, Package,
};
use rhai::{
    Caches, Dynamic, Engine, EvalAltResult, EvalContext, Expr, GlobalRuntimeState, ImmutableString, Map,
    Position, Scope, StmtBlock,
};

use crate::fault::Fault;
use crate::row::{Kind, Row, Values, text_of};
use crate::survey::Survey;
use crate::text::{self, Patterns};

/// Steps of all entries of a call together. A step takes 50 to 100 ns, a search by a pattern or a check of a large array several
/// times that, and the host gives a call one second by default, even when every entry of the batch runs into its limit.
const OPERATIONS_PER_CALL: u64 = 2_000_000;

/// Calls within calls. Each takes several kilobytes of the guest's stack of 1 MiB.
const CALL_LEVELS: usize = 32;

/// Operators and brackets within each other: outside of functions, and in them, where [`CALL_LEVELS`] multiplies it.
const EXPRESSION_DEPTHS: (usize, usize) = (64, 32);

/// The longest text, in bytes. Above any line; 64 of them fit into the sandbox's memory.
const TEXT_SIZE: usize = 1024 * 1024;

/// The most items of an array or a map, `state` among them. The engine counts them again with every step that changes one.
const ITEMS: usize = 1_000;

/// What `drop()` counts under.
pub(crate) const DROPPED: &str = "script";

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

/// A compiled program and everything its runs share.
pub(crate) struct Program {
    engine: Engine,
    body: Expr,
    survey: Survey,
    global: GlobalRuntimeState,
    caches: Caches,
    scope: Scope<'static>,
    row: Rc<RefCell<Row>>,
    /// Steps that one entry may take.
    operations: u64,
    /// Steps that are left in this call.
    budget: u64,
}

impl Program {
    /// Compiles and examines a program whose runs may take so many steps each.
    pub(crate) fn new(code: &str, operations: u64) -> Result<Self, Fault> {
        let row = Rc::<RefCell<Row>>::default();
        let patterns = Rc::<Patterns>::default();
        let mut engine = engine(&row, &patterns);
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
        survey
            .properties
            .iter()
            .for_each(|name| register_property(&mut engine, name));
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
            operations,
            budget: OPERATIONS_PER_CALL,
        })
    }

    /// What the program reaches.
    pub(crate) fn survey(&self) -> &Survey {
        &self.survey
    }

    /// The columns of the batch that the next runs are about.
    pub(crate) fn row(&self) -> &RefCell<Row> {
        &self.row
    }

    /// A new call has come.
    pub(crate) fn refill(&mut self) {
        self.budget = OPERATIONS_PER_CALL;
    }

    /// Runs on one entry.
    pub(crate) fn run(&mut self, entry: Entry<'_>) -> Outcome {
        self.row.borrow_mut().go(entry.row());
        if self.budget == 0 {
            let message = "not run: earlier entries of the batch took all the steps there are for one call";
            return Outcome::Failed(Fault::new(Position::NONE, message));
        }
        if self.survey.line {
            self.scope.set_value("line", ImmutableString::from(entry.line()));
        }
        if self.survey.timestamp {
            self.scope.set_value("timestamp", entry.timestamp());
        }
        let answer = self.evaluate();
        let row = self.row.borrow();
        if let Some(reason) = row.dropped() {
            return Outcome::Dropped(reason.to_owned());
        }
        match answer.and_then(|()| self.apply(entry)) {
            Ok(()) => {
                row.apply(entry);
                Outcome::Passed
            }
            Err(error) => Outcome::Failed(Fault::of_run(error)),
        }
    }

    fn evaluate(&mut self) -> Result<(), Box<EvalAltResult>> {
        // Zero would mean no limit.
        self.engine
            .set_max_operations(self.operations.min(self.budget).max(1));
        self.global.num_operations = 0;
        let mut context = EvalContext::new(
            &self.engine,
            &mut self.global,
            &mut self.caches,
            &mut self.scope,
            None,
        );
        let answer = context.eval_expression_tree(&(&self.body).into());
        let steps = match &answer {
            Err(error) if is_limit(error) => self.operations.max(self.global.num_operations),
            _ => self.global.num_operations,
        };
        self.budget = self.budget.saturating_sub(steps);
        // An error leaves these where it arose.
        self.global.level = 0;
        self.global.lib.truncate(1);
        match answer {
            Ok(_) => Ok(()),
            Err(error) if matches!(*error, EvalAltResult::Return(..)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Writes what the program made of its variables to the entry.
    fn apply(&self, entry: Entry<'_>) -> Result<(), Box<EvalAltResult>> {
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
        if self.survey.timestamp {
            let given = value("timestamp");
            let timestamp = given.as_int().map_err(|found| {
                format!("timestamp takes a whole number, nanoseconds since 1970, not {found}")
            })?;
            if timestamp != entry.timestamp() {
                entry.set_timestamp(timestamp);
            }
        }
        if let Some(line) = line
            && line != entry.line()
        {
            entry.set_line(&line);
        }
        Ok(())
    }
}

/// Whether a run was stopped for what it costs. Steps do not tell all of that: counting a large array is one.
fn is_limit(error: &EvalAltResult) -> bool {
    matches!(
        error.unwrap_inner(),
        EvalAltResult::ErrorTooManyOperations(..)
            | EvalAltResult::ErrorDataTooLarge(..)
            | EvalAltResult::ErrorStackOverflow(..)
    )
}

fn engine(row: &Rc<RefCell<Row>>, patterns: &Rc<Patterns>) -> Engine {
    let mut engine = Engine::new_raw();
    // Not the engine's package of language features: its property `tag`, on every value, would hide a label of that name.
    engine
        .register_global_module(ArithmeticPackage::new().as_shared_module())
        .register_global_module(LogicPackage::new().as_shared_module())
        .register_global_module(BasicStringPackage::new().as_shared_module())
        .register_global_module(MoreStringPackage::new().as_shared_module())
        .register_global_module(BasicIteratorPackage::new().as_shared_module())
        .register_global_module(BasicFnPackage::new().as_shared_module())
        .register_global_module(BasicMathPackage::new().as_shared_module())
        .register_global_module(BasicArrayPackage::new().as_shared_module())
        .register_global_module(BasicMapPackage::new().as_shared_module());
    engine
        .set_strict_variables(true)
        .set_max_call_levels(CALL_LEVELS)
        .set_max_expr_depths(EXPRESSION_DEPTHS.0, EXPRESSION_DEPTHS.1)
        .set_max_string_size(TEXT_SIZE)
        .set_max_array_size(ITEMS)
        .set_max_map_size(ITEMS)
        .disable_symbol("eval")
        .on_print(log::info)
        .on_debug(|message, _, place| log::debug(&format!("{place:?}: {message}")));
    text::register(&mut engine, patterns);
    engine
        .register_type_with_name::<Values>("values")
        .register_indexer_get(|values: &mut Values, name: &str| values.get(name))
        .register_indexer_set(Values::set)
        .register_fn("get", |values: &mut Values, name: &str| values.get(name))
        .register_fn("set", Values::set)
        .register_fn("remove", Values::remove)
        .register_fn("contains", |values: &mut Values, name: &str| {
            values.contains(name)
        })
        .register_fn("keys", Values::keys)
        .register_fn("to_map", Values::to_map);
    let dropped = Rc::clone(row);
    let drop = move |reason: ImmutableString| -> Result<(), Box<EvalAltResult>> {
        dropped.borrow_mut().drop(reason);
        // The one error that a program cannot catch: nothing behind `drop` runs.
        Err(EvalAltResult::ErrorTerminated(Dynamic::UNIT, Position::NONE).into())
    };
    let plain = drop.clone();
    engine.register_fn("drop", drop);
    engine.register_fn("drop", move || plain(DROPPED.into()));
    engine
}

/// Makes `labels.name` a function of its own. Without it the engine takes `labels["name"]` instead, but makes up the whole error of a
/// missing property first, every time.
fn register_property(engine: &mut Engine, name: &str) {
    let read = ImmutableString::from(name);
    let write = read.clone();
    engine
        .register_get(name, move |values: &mut Values| values.get(&read))
        .register_set(name, move |values: &mut Values, value: Dynamic| {
            values.set(write.clone(), value)
        });
}
