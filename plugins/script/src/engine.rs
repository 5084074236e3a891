//! The engine: the functions it has, and the bounds of what one run may do.
//!
//! Nothing leads out of a program: the engine is built without modules, clock and `eval`. Depth of calls and of expressions and sizes
//! of values are limited here, what runs cost by the [`meter`](crate::meter). So a program that never ends, or grows without
//! end, is an error of its entry and not the host's limit for the whole batch.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use millstream_stage::log;
use rhai::packages::{
    ArithmeticPackage, BasicArrayPackage, BasicFnPackage, BasicIteratorPackage, BasicMapPackage,
    BasicMathPackage, BasicStringPackage, LogicPackage, MoreStringPackage, Package,
};
use rhai::{Array, Dynamic, Engine, EvalAltResult, ImmutableString, Map, Position};

use crate::each;
use crate::meter::{self, Meter, Use};
use crate::order;
use crate::row::{Row, Values};
use crate::text::{self, Answer, Patterns};

/// Calls within calls. Each takes several kilobytes of the guest's stack of 1 MiB.
pub(crate) const CALL_LEVELS: usize = 32;

/// Operators and brackets within each other: outside of functions, and in them, where [`CALL_LEVELS`] multiplies it.
const EXPRESSION_DEPTHS: (usize, usize) = (64, 32);

/// The longest text that a program may make, in bytes: the longest line of a file source and of Loki, by default.
pub(crate) const TEXT_SIZE: usize = 256 * 1024;

/// The most items of an array or a map, `state` among them. The engine counts them again with every step that changes one.
pub(crate) const ITEMS: usize = 1_000;

/// What `drop()` counts under.
pub(crate) const DROPPED: &str = "script";

/// An engine whose programs reach this row.
pub(crate) fn engine(row: &Rc<RefCell<Row>>, patterns: &Rc<Patterns>, meter: &Rc<Meter>) -> Engine {
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
        .disable_symbol("eval");
    let steps = Rc::clone(meter);
    engine.on_progress(move |_| (!steps.take(1)).then_some(Dynamic::UNIT));
    let cost = Rc::clone(meter);
    engine.on_print(move |message| {
        if cost.take(meter::LOGGED) {
            log::info(message);
        }
    });
    let cost = Rc::clone(meter);
    engine.on_debug(move |message, _, place| {
        if cost.take(meter::LOGGED) {
            log::debug(&format!("{place:?}: {message}"));
        }
    });
    each::register(&mut engine, meter);
    order::register(&mut engine, meter);
    text::register(&mut engine, patterns, meter);
    register_texts(&mut engine, meter);
    register_values(&mut engine);
    register_drop(&mut engine, row);
    engine
}

/// Has every variable paid for that a program reads; `uses` has those of which it uses more than parts. Only a program that does
/// something more than once needs it.
#[expect(
    deprecated,
    reason = "marked so by the engine because it may change, not because it will go"
)]
pub(crate) fn meter_variables(engine: &mut Engine, meter: &Rc<Meter>, uses: BTreeMap<String, Use>) {
    let meter = Rc::clone(meter);
    engine.on_var(move |name, _, context| {
        if let Some(value) = context.scope().get(name) {
            meter.read(value, uses.get(name).copied().unwrap_or_default())?;
        }
        Ok(None)
    });
}

/// Arrays and maps as text. The engine's own functions look up a function for each item.
fn register_texts(engine: &mut Engine, meter: &Rc<Meter>) {
    for name in ["to_string", "to_debug", "print", "debug"] {
        let cost = Rc::clone(meter);
        engine.register_fn(name, move |array: &mut Array| -> Answer<String> {
            cost.walk(array.iter())?;
            Ok(format!("{array:?}"))
        });
        let cost = Rc::clone(meter);
        engine.register_fn(name, move |map: &mut Map| -> Answer<String> {
            cost.walk(map.values())?;
            Ok(format!("#{map:?}"))
        });
    }
    let cost = Rc::clone(meter);
    engine.register_fn("to_json", move |map: &mut Map| -> Answer<String> {
        cost.walk(map.values())?;
        Ok(rhai::format_map_as_json(map))
    });
}

fn register_values(engine: &mut Engine) {
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
        .register_fn("to_map", Values::whole);
}

fn register_drop(engine: &mut Engine, row: &Rc<RefCell<Row>>) {
    let dropped = Rc::clone(row);
    let drop = move |reason: ImmutableString| -> Result<(), Box<EvalAltResult>> {
        dropped.borrow_mut().drop(reason);
        // The one error that a program cannot catch: nothing behind `drop` runs.
        Err(EvalAltResult::ErrorTerminated(Dynamic::UNIT, Position::NONE).into())
    };
    let plain = drop.clone();
    engine.register_fn("drop", drop);
    engine.register_fn("drop", move || plain(DROPPED.into()));
}

/// Makes `labels.name` a function of its own. Without it the engine takes `labels["name"]` instead, but makes up the whole error of a
/// missing property first, every time.
pub(crate) fn register_property(engine: &mut Engine, name: &str) {
    let read = ImmutableString::from(name);
    let write = read.clone();
    engine
        .register_get(name, move |values: &mut Values| values.get(&read))
        .register_set(name, move |values: &mut Values, value: Dynamic| {
            values.set(write.clone(), value)
        });
}
