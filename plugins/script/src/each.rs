//! Functions that call a program's function for each item of an array or a map.
//!
//! The engine's own try every form a function may have, and look up and describe what is not there, for each item: ten times the
//! price of the call. Here a function takes the item, or the item and its index; of a map, name and value.

use std::rc::Rc;

use rhai::{Array, Dynamic, Engine, EvalAltResult, FnPtr, ImmutableString, Map, NativeCallContext};

use crate::meter::{CALLED, Meter};
use crate::text::Answer;

type Context<'c> = NativeCallContext<'c>;

/// Gives the engine `map`, `filter`, `find`, `some`, `all` and `reduce`.
pub(crate) fn register(engine: &mut Engine, meter: &Rc<Meter>) {
    let cost = Rc::clone(meter);
    engine.register_fn(
        "map",
        move |context: Context<'_>, array: Array, function: FnPtr| -> Answer<Array> {
            let mut each = Each::new(&context, &function, &cost);
            array.iter().map(|item| each.call(item)).collect()
        },
    );
    let cost = Rc::clone(meter);
    engine.register_fn(
        "filter",
        move |context: Context<'_>, array: Array, function: FnPtr| -> Answer<Array> {
            let mut each = Each::new(&context, &function, &cost);
            let mut kept = Array::new();
            for item in array {
                if each.holds(&item)? {
                    kept.push(item);
                }
            }
            Ok(kept)
        },
    );
    let cost = Rc::clone(meter);
    engine.register_fn(
        "filter",
        move |context: Context<'_>, map: Map, function: FnPtr| -> Answer<Map> {
            let mut kept = Map::new();
            for (name, value) in map {
                cost.charge(CALLED)?;
                let name_of = ImmutableString::from(name.as_str());
                let answer = function.call_raw(&context, None, [name_of.into(), value.clone()])?;
                if is_true(&answer)? {
                    kept.insert(name, value);
                }
            }
            Ok(kept)
        },
    );
    let cost = Rc::clone(meter);
    engine.register_fn(
        "find",
        move |context: Context<'_>, array: Array, function: FnPtr| -> Answer<Dynamic> {
            let mut each = Each::new(&context, &function, &cost);
            for item in array {
                if each.holds(&item)? {
                    return Ok(item);
                }
            }
            Ok(Dynamic::UNIT)
        },
    );
    for (name, sought) in [("some", true), ("all", false)] {
        let cost = Rc::clone(meter);
        engine.register_fn(
            name,
            move |context: Context<'_>, array: Array, function: FnPtr| -> Answer<bool> {
                let mut each = Each::new(&context, &function, &cost);
                for item in &array {
                    if each.holds(item)? == sought {
                        return Ok(sought);
                    }
                }
                Ok(!sought)
            },
        );
    }
    register_reduce(engine, meter);
}

/// `reduce`, with and without a first value; without, that is `()`.
fn register_reduce(engine: &mut Engine, meter: &Rc<Meter>) {
    fn reduce(
        context: &Context<'_>,
        (array, function, first): (Array, &FnPtr, Dynamic),
        cost: &Meter,
    ) -> Answer<Dynamic> {
        array.into_iter().try_fold(first, |sum, item| {
            cost.charge(CALLED)?;
            function.call_raw(context, None, [sum, item])
        })
    }
    let cost = Rc::clone(meter);
    engine.register_fn(
        "reduce",
        move |context: Context<'_>, array: Array, function: FnPtr| {
            reduce(&context, (array, &function, Dynamic::UNIT), &cost)
        },
    );
    let cost = Rc::clone(meter);
    engine.register_fn(
        "reduce",
        move |context: Context<'_>, array: Array, function: FnPtr, first: Dynamic| {
            reduce(&context, (array, &function, first), &cost)
        },
    );
}

/// Calls a function for one item after the other.
struct Each<'c> {
    context: &'c Context<'c>,
    function: &'c FnPtr,
    cost: &'c Meter,
    index: i64,
    /// Whether the function takes the index too.
    indexed: bool,
}

impl<'c> Each<'c> {
    fn new(context: &'c Context<'c>, function: &'c FnPtr, cost: &'c Meter) -> Self {
        Self {
            context,
            function,
            cost,
            index: 0,
            indexed: false,
        }
    }

    fn call(&mut self, item: &Dynamic) -> Answer<Dynamic> {
        self.cost.charge(CALLED)?;
        let index = self.index;
        self.index += 1;
        if !self.indexed {
            let answer = self.function.call_raw(self.context, None, [item.clone()]);
            match answer {
                Err(error) if index == 0 && self.is_missing(&error) => self.indexed = true,
                answer => return answer,
            }
        }
        self.function
            .call_raw(self.context, None, [item.clone(), index.into()])
    }

    fn holds(&mut self, item: &Dynamic) -> Answer<bool> {
        is_true(&self.call(item)?)
    }

    /// Whether there is no such function with one argument.
    fn is_missing(&self, error: &EvalAltResult) -> bool {
        matches!(error, EvalAltResult::ErrorFunctionNotFound(called, _) if called.starts_with(self.function.fn_name()))
    }
}

fn is_true(answer: &Dynamic) -> Answer<bool> {
    answer
        .as_bool()
        .map_err(|found| format!("a function that decides answers true or false, not {found}").into())
}
