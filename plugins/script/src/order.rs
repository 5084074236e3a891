//! Sorting of arrays.
//!
//! The engine's own functions use the standard library's sort, which may panic when an order contradicts itself (a program's
//! function, a number that is none), and they go on after a comparison has failed. A panic ends the instance. Here any
//! order gives some result, and the first failure ends the sort.

use std::cmp::Ordering;
use std::rc::Rc;

use rhai::{Array, Dynamic, Engine, FnPtr, ImmutableString, NativeCallContext};

use crate::meter::{CALLED, Meter};
use crate::text::Answer;

/// Gives the engine the functions that sort: `sort…` in place, `order…` as a new array.
pub(crate) fn register(engine: &mut Engine, meter: &Rc<Meter>) {
    for (in_place, answered, descending) in [("sort", "order", false), ("sort_desc", "order_desc", true)] {
        let compare = move |one: &Dynamic, other: &Dynamic| {
            let order = natural(one, other)?;
            Ok(if descending { order.reverse() } else { order })
        };
        engine.register_fn(in_place, move |array: &mut Array| -> Answer<()> {
            *array = sorted(array.clone(), &mut { compare })?;
            Ok(())
        });
        engine.register_fn(answered, move |array: &mut Array| -> Answer<Array> {
            sorted(array.clone(), &mut { compare })
        });
    }
    for (in_place, answered) in [("sort", "order"), ("sort_by", "order_by")] {
        let cost = Rc::clone(meter);
        engine.register_fn(
            in_place,
            move |context: NativeCallContext<'_>, array: &mut Array, order: FnPtr| -> Answer<()> {
                *array = sorted(array.clone(), &mut |one, other| {
                    cost.charge(CALLED)?;
                    asked(&context, &order, one, other)
                })?;
                Ok(())
            },
        );
        let cost = Rc::clone(meter);
        engine.register_fn(
            answered,
            move |context: NativeCallContext<'_>, array: &mut Array, order: FnPtr| -> Answer<Array> {
                sorted(array.clone(), &mut |one, other| {
                    cost.charge(CALLED)?;
                    asked(&context, &order, one, other)
                })
            },
        );
    }
}

/// Sorts by merging; what is equal keeps its order.
fn sorted(
    mut items: Array,
    compare: &mut impl FnMut(&Dynamic, &Dynamic) -> Answer<Ordering>,
) -> Answer<Array> {
    if items.len() < 2 {
        return Ok(items);
    }
    let second = items.split_off(items.len() / 2);
    let mut merged = Array::with_capacity(items.len() + second.len());
    let mut first = sorted(items, compare)?.into_iter().peekable();
    let mut second = sorted(second, compare)?.into_iter().peekable();
    while let (Some(one), Some(other)) = (first.peek(), second.peek()) {
        let next = match compare(one, other)? {
            Ordering::Greater => second.next(),
            _ => first.next(),
        };
        merged.extend(next);
    }
    merged.extend(first);
    merged.extend(second);
    Ok(merged)
}

/// The order of two values of one kind.
fn natural(one: &Dynamic, other: &Dynamic) -> Answer<Ordering> {
    if let (Some(one), Some(other)) = (
        one.read_lock::<ImmutableString>(),
        other.read_lock::<ImmutableString>(),
    ) {
        return Ok(one.as_str().cmp(other.as_str()));
    }
    let order = match (one.as_int(), other.as_int(), one.as_float(), other.as_float()) {
        (Ok(one), Ok(other), ..) => Some(one.cmp(&other)),
        (.., Ok(one), Ok(other)) => Some(one.total_cmp(&other)),
        _ => None,
    };
    let order = order.or_else(|| Some(one.as_char().ok()?.cmp(&other.as_char().ok()?)));
    let order = order.or_else(|| Some(one.as_bool().ok()?.cmp(&other.as_bool().ok()?)));
    order.ok_or_else(|| {
        let (one, other) = (one.type_name(), other.type_name());
        format!("{one} and {other} have no order: give a function that compares them").into()
    })
}

/// The order by the program's function: a number below, above or equal to 0, or whether the first comes first.
fn asked(context: &NativeCallContext<'_>, order: &FnPtr, one: &Dynamic, other: &Dynamic) -> Answer<Ordering> {
    let answer = order.call_raw(context, None, [one.clone(), other.clone()])?;
    if let Ok(number) = answer.as_int() {
        return Ok(number.cmp(&0));
    }
    match answer.as_bool() {
        Ok(true) => Ok(Ordering::Less),
        Ok(false) => Ok(Ordering::Greater),
        Err(found) => {
            Err(format!("a function that compares answers a number or a boolean, not {found}").into())
        }
    }
}
