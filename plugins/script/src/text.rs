//! What programs do with texts beyond the engine's own functions.
//!
//! The engine's `replace` and `trim` change the variable they are called on and answer nothing. Here they answer the new
//! text, as in the languages most people know; [`survey`](crate::survey) refuses a program that ignores the answer.
//!
//! Patterns are those of the other stages ([`Pattern`], RE2). Each is compiled once; those that stand in the program as
//! text are compiled when it is checked.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use millstream_pattern::Pattern;
use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, Map};
use serde_json::Value;

/// Compiled patterns that are kept. Those of a program's text are few; a program that makes up patterns line by line must
/// not fill the memory with them.
const PATTERNS: usize = 64;

/// The functions whose second argument is a pattern.
pub(crate) const WITH_PATTERN: [&str; 3] = ["captures", "matches", "replace_matches"];

/// The patterns compiled so far.
#[derive(Debug, Default)]
pub(crate) struct Patterns(RefCell<HashMap<ImmutableString, Rc<Pattern>>>);

impl Patterns {
    /// The pattern of this text, or what is wrong with it.
    pub(crate) fn get(&self, text: &ImmutableString) -> Result<Rc<Pattern>, String> {
        if let Some(pattern) = self.0.borrow().get(text) {
            return Ok(Rc::clone(pattern));
        }
        let pattern = Rc::new(Pattern::new(text).map_err(|error| error.to_string())?);
        let mut kept = self.0.borrow_mut();
        if kept.len() == PATTERNS {
            kept.clear();
        }
        kept.insert(text.clone(), Rc::clone(&pattern));
        Ok(pattern)
    }
}

/// Gives the engine the functions on texts.
pub(crate) fn register(engine: &mut Engine, patterns: &Rc<Patterns>) {
    engine
        .register_fn("trim", |text: &str| -> ImmutableString { text.trim().into() })
        .register_fn("trim_start", |text: &str| -> ImmutableString {
            text.trim_start().into()
        })
        .register_fn("trim_end", |text: &str| -> ImmutableString {
            text.trim_end().into()
        })
        .register_fn("replace", |text: &str, old: &str, new: &str| -> ImmutableString {
            text.replace(old, new).into()
        })
        .register_fn("replace", |text: &str, old: char, new: &str| -> ImmutableString {
            text.replace(old, new).into()
        })
        .register_fn("replace", |text: &str, old: &str, new: char| -> ImmutableString {
            text.replace(old, new.encode_utf8(&mut [0; 4])).into()
        })
        .register_fn("replace", |text: &str, old: char, new: char| -> ImmutableString {
            text.replace(old, new.encode_utf8(&mut [0; 4])).into()
        })
        .register_fn("parse_json", |text: &str| parse_json(text));
    let known = Rc::clone(patterns);
    engine.register_fn(
        "matches",
        move |text: &str, pattern: ImmutableString| -> Result<bool, Box<EvalAltResult>> {
            Ok(known.get(&pattern)?.is_match(text))
        },
    );
    let known = Rc::clone(patterns);
    engine.register_fn(
        "captures",
        move |text: &str, pattern: ImmutableString| -> Result<Dynamic, Box<EvalAltResult>> {
            Ok(captures(&*known.get(&pattern)?, text))
        },
    );
    let known = Rc::clone(patterns);
    engine.register_fn(
        "replace_matches",
        move |text: &str,
              pattern: ImmutableString,
              with: &str|
              -> Result<ImmutableString, Box<EvalAltResult>> {
            Ok(known.get(&pattern)?.replace_all(text, with).as_ref().into())
        },
    );
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

fn parse_json(text: &str) -> Result<Dynamic, Box<EvalAltResult>> {
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
