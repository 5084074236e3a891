//! What programs do with texts beyond the engine's own functions.
//!
//! The engine's `replace` and `trim` change the variable they are called on and answer nothing. Here they answer the new
//! text, as in the languages most people know; [`survey`](crate::survey) refuses a program that ignores the answer.
//!
//! Patterns are those of the other stages ([`Pattern`], RE2). Each is compiled once: where it stands in the program as an argument
//! when the program is checked, else when it is first used. A pattern must stand in the program as a text; one made from lines would be
//! compiled for each, which takes longer than anything else a program can do.
//!
//! What makes a text larger says so before it does: the engine looks at a result when it is there.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use millstream_pattern::Pattern;
use rhai::{Array, Dynamic, Engine, EvalAltResult, ImmutableString, Map, Position};
use serde_json::Value;

use crate::engine::TEXT_SIZE;
use crate::meter::Meter;

/// The functions whose second argument is a pattern.
pub(crate) const WITH_PATTERN: [&str; 3] = ["captures", "matches", "replace_matches"];

/// What a function answers, or why the run fails.
pub(crate) type Answer<T> = Result<T, Box<EvalAltResult>>;

/// The patterns compiled so far.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    compiled: RefCell<HashMap<ImmutableString, Rc<Pattern>>>,
    /// The texts of the program, which may be patterns.
    texts: RefCell<BTreeSet<ImmutableString>>,
}

impl Patterns {
    /// A text of the program.
    pub(crate) fn allow(&self, text: &ImmutableString) {
        self.texts.borrow_mut().insert(text.clone());
    }

    /// Compiles a pattern that stands in the program, or tells what is wrong with it.
    pub(crate) fn compile(&self, text: &ImmutableString) -> Result<Rc<Pattern>, String> {
        let pattern = Rc::new(Pattern::new(text).map_err(|error| error.to_string())?);
        self.compiled
            .borrow_mut()
            .insert(text.clone(), Rc::clone(&pattern));
        Ok(pattern)
    }

    /// The pattern that a run asks for.
    fn get(&self, text: &ImmutableString) -> Result<Rc<Pattern>, String> {
        if let Some(pattern) = self.compiled.borrow().get(text) {
            return Ok(Rc::clone(pattern));
        }
        if !self.texts.borrow().contains(text) {
            return Err("a pattern must stand in the program as a text, and not be made by it".to_owned());
        }
        self.compile(text)
    }
}

/// Gives the engine the functions on texts.
pub(crate) fn register(engine: &mut Engine, patterns: &Rc<Patterns>, meter: &Rc<Meter>) {
    engine
        .register_fn("trim", |text: &str| -> ImmutableString { text.trim().into() })
        .register_fn("trim_start", |text: &str| -> ImmutableString {
            text.trim_start().into()
        })
        .register_fn("trim_end", |text: &str| -> ImmutableString {
            text.trim_end().into()
        })
        .register_fn("replace", replace)
        .register_fn("replace", |text: &str, old: char, new: &str| {
            replace(text, old.encode_utf8(&mut [0; 4]), new)
        })
        .register_fn("replace", |text: &str, old: &str, new: char| {
            replace(text, old, new.encode_utf8(&mut [0; 4]))
        })
        .register_fn("replace", |text: &str, old: char, new: char| {
            replace(text, old.encode_utf8(&mut [0; 4]), new.encode_utf8(&mut [0; 4]))
        });
    let cost = Rc::clone(meter);
    engine.register_fn("split", move |text: &str, at: &str| -> Answer<Array> {
        cost.search(text)?;
        Ok(text.split(at).map(Into::into).collect())
    });
    let cost = Rc::clone(meter);
    engine.register_fn("split", move |text: &str, at: char| -> Answer<Array> {
        cost.search(text)?;
        Ok(text.split(at).map(Into::into).collect())
    });
    let cost = Rc::clone(meter);
    engine.register_fn("parse_json", move |text: &str| {
        cost.parse(text)?;
        parse_json(text)
    });
    let (known, cost) = (Rc::clone(patterns), Rc::clone(meter));
    engine.register_fn(
        "matches",
        move |text: &str, pattern: ImmutableString| -> Answer<bool> {
            cost.search(text)?;
            Ok(known.get(&pattern)?.is_match(text))
        },
    );
    let (known, cost) = (Rc::clone(patterns), Rc::clone(meter));
    engine.register_fn(
        "captures",
        move |text: &str, pattern: ImmutableString| -> Answer<Dynamic> {
            cost.search(text)?;
            Ok(captures(&*known.get(&pattern)?, text))
        },
    );
    let (known, cost) = (Rc::clone(patterns), Rc::clone(meter));
    engine.register_fn(
        "replace_matches",
        move |text: &str, pattern: ImmutableString, with: &str| -> Answer<ImmutableString> {
            cost.rewrite(text)?;
            let replaced = known.get(&pattern)?.replace_all(text, with, TEXT_SIZE);
            Ok(replaced.ok_or_else(too_large)?.as_ref().into())
        },
    );
}

fn replace(text: &str, old: &str, new: &str) -> Answer<ImmutableString> {
    let found = text.matches(old).count();
    let size = (text.len() - found * old.len()).saturating_add(found.saturating_mul(new.len()));
    if size > TEXT_SIZE {
        return Err(too_large());
    }
    Ok(text.replace(old, new).into())
}

fn too_large() -> Box<EvalAltResult> {
    EvalAltResult::ErrorDataTooLarge("text".to_owned(), Position::NONE).into()
}

/// The named groups of the first match by name, `()` for those that took no part; `()` without a match.
fn captures(pattern: &Pattern, text: &str) -> Dynamic {
    let mut slots = pattern.slots();
    if !pattern.captures(text, &mut slots) {
        return Dynamic::UNIT;
    }
    let mut groups = Map::new();
    for (group, name) in pattern.group_names().iter().enumerate() {
        let value = slots.get(group).and_then(|range| text.get(range));
        groups.insert(name.as_str().into(), value.map_or(Dynamic::UNIT, Into::into));
    }
    groups.into()
}

fn parse_json(text: &str) -> Answer<Dynamic> {
    if text.len() > TEXT_SIZE {
        return Err(too_large());
    }
    let value = serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
    Ok(value_of(value))
}

fn value_of(value: Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(value) => value.into(),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.into(),
            None => number.as_f64().unwrap_or(f64::NAN).into(),
        },
        Value::String(text) => text.into(),
        Value::Array(items) => items.into_iter().map(value_of).collect::<Vec<_>>().into(),
        Value::Object(pairs) => {
            let pairs = pairs
                .into_iter()
                .map(|(name, value)| (name.into(), value_of(value)));
            pairs.collect::<Map>().into()
        }
    }
}
