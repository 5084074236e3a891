//! What a run costs.
//!
//! To the engine a search in a long text, a copy of a large array and an addition are one step each, and steps within functions that
//! are called for items of an array are not counted at all. So a program that never ends would be stopped after the right number of
//! steps and much too late. Here every step costs one unit, and reading a variable, searching by a pattern, parsing and
//! comparing cost by size.
//!
//! What is not seen: `this`, constants of the program and values on their way from one function to the next. They are as large
//! as the program and its variables make them, so they change the factor and not the order.

use std::cell::Cell;

use rhai::{Array, Dynamic, EvalAltResult, FnPtr, ImmutableString, Map, Position};

/// Bytes of a text that one unit pays for where it is read: whoever reads it looks through it.
const READ: usize = 32;

/// Bytes of a text that one unit pays for where it is searched by a pattern.
const SEARCHED: usize = 4;

/// Items of arrays and maps that one unit pays for where one of them is reached; the engine counts all of them when they change.
const COUNTED: u64 = 16;

/// What a call of a program's function for an item costs beside its steps.
pub(crate) const CALLED: u64 = 8;

/// What comparing an item costs: the engine looks up a function for each.
const COMPARED: u64 = 8;

/// How deep values may lie in each other: all that is done to them, down to giving back their memory, takes a part of the guest's
/// stack for each level.
pub(crate) const DEPTH: usize = 200;

/// What the engine's error for large values calls one that lies deeper.
pub(crate) const TOO_DEEP: &str = "depth";

/// What a text that is parsed costs beside its length.
const PARSED: u64 = 10;

/// What a line for the agent's log costs: it leaves the sandbox.
pub(crate) const LOGGED: u64 = 50;

/// What a program does to a variable beside reaching for parts of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Use {
    /// Copies it, or goes through it.
    pub(crate) whole: bool,
    /// Compares it, or looks whether something is in it. In a map that is a part; in an array every item is compared.
    pub(crate) compared: bool,
}

/// What is left for the run under way.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    left: Cell<u64>,
    /// Whether that was not enough.
    exceeded: Cell<bool>,
}

impl Meter {
    /// A run begins that may cost so much.
    pub(crate) fn start(&self, units: u64) {
        self.left.set(units);
        self.exceeded.set(false);
    }

    /// What the run has not used.
    pub(crate) fn left(&self) -> u64 {
        self.left.get()
    }

    /// Whether the run wanted more than there was.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.exceeded.get()
    }

    /// Takes from what is left; whether that was enough.
    pub(crate) fn take(&self, units: u64) -> bool {
        let left = self.left.get().checked_sub(units);
        self.left.set(left.unwrap_or(0));
        self.exceeded.set(self.exceeded.get() || left.is_none());
        left.is_some()
    }

    /// Takes from what is left; fails when that is not enough, and for `u64::MAX`, what is too deep to be counted.
    pub(crate) fn charge(&self, units: u64) -> Result<(), Box<EvalAltResult>> {
        if units >= u64::MAX / COUNTED {
            return Err(EvalAltResult::ErrorDataTooLarge(TOO_DEEP.to_owned(), Position::NONE).into());
        }
        match self.take(units) {
            true => Ok(()),
            false => Err(EvalAltResult::ErrorTooManyOperations(Position::NONE).into()),
        }
    }

    /// A text is searched by a pattern.
    pub(crate) fn search(&self, text: &str) -> Result<(), Box<EvalAltResult>> {
        self.charge(units(text.len(), SEARCHED))
    }

    /// Matches in a text are replaced: as if every second byte were one.
    pub(crate) fn rewrite(&self, text: &str) -> Result<(), Box<EvalAltResult>> {
        self.charge(units(text.len(), SEARCHED) * 2)
    }

    /// A text is parsed.
    pub(crate) fn parse(&self, text: &str) -> Result<(), Box<EvalAltResult>> {
        self.charge(PARSED + units(text.len(), 1))
    }

    /// All values of an array or a map are looked at.
    pub(crate) fn walk<'v>(
        &self,
        values: impl Iterator<Item = &'v Dynamic>,
    ) -> Result<(), Box<EvalAltResult>> {
        self.charge(values.fold(0, |sum, value| sum.saturating_add(items(value, 1))))
    }

    /// A variable is read, for this use or for a part.
    pub(crate) fn read(&self, value: &Dynamic, used: Use) -> Result<(), Box<EvalAltResult>> {
        let units = if value.is_string() {
            let text = value.read_lock::<ImmutableString>();
            text.map_or(0, |text| units(text.len(), READ))
        } else if value.is_array() || value.is_map() || value.is_fnptr() {
            let items = items(value, 0);
            if used.compared && value.is_array() {
                items.saturating_mul(COMPARED)
            } else if used.whole {
                items
            } else {
                items / COUNTED
            }
        } else {
            0
        };
        if units == 0 { Ok(()) } else { self.charge(units) }
    }
}

fn units(size: usize, per_unit: usize) -> u64 {
    (size / per_unit) as u64
}

/// How many values there are in one. The engine keeps them few enough to be counted, but not how deep they lie, nor closures: these
/// hold what they captured, which may be themselves. `u64::MAX` for what lies too deep.
fn items(value: &Dynamic, depth: usize) -> u64 {
    let all = |items: &mut dyn Iterator<Item = &Dynamic>| {
        items.fold(1_u64, |sum, item| {
            sum.saturating_add(self::items(item, depth + 1))
        })
    };
    if depth > DEPTH {
        u64::MAX
    } else if value.is_array() {
        let array = value.read_lock::<Array>();
        array.map_or(1, |array| all(&mut array.iter()))
    } else if value.is_map() {
        let map = value.read_lock::<Map>();
        map.map_or(1, |map| all(&mut map.values()))
    } else if value.is_fnptr() {
        let closure = value.read_lock::<FnPtr>();
        closure.map_or(1, |closure| all(&mut closure.curry().iter()))
    } else {
        1
    }
}
