//! What is wrong with a program, or with one run of it, and where.

use std::fmt;

use rhai::{EvalAltResult, ParseError, ParseErrorType, Position};

use crate::engine::{CALL_LEVELS, ITEMS, TEXT_SIZE};
use crate::meter::{DEPTH, TOO_DEEP};
use crate::row::Kind;

/// Characters of a message; a program may throw a whole line.
const MESSAGE: usize = 300;

/// A fault at a place of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    place: Position,
    message: String,
}

impl Fault {
    pub(crate) fn new(place: Position, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if let Some((end, _)) = message.char_indices().nth(MESSAGE) {
            message.truncate(end);
            message.push('…');
        }
        Self { place, message }
    }

    /// Where it is; none where only the program as a whole is known.
    pub(crate) fn place(&self) -> Position {
        self.place
    }

    /// A text that is no program.
    pub(crate) fn of_syntax(error: &ParseError) -> Self {
        let message = match error.err_type() {
            ParseErrorType::VariableUndefined(name) => format!("there is no variable `{name}`"),
            ParseErrorType::ExprTooDeep => {
                "too many operators or brackets within each other: give parts of it a name with `let`"
                    .to_owned()
            }
            other => other.to_string(),
        };
        Self::new(error.position(), message)
    }

    /// A run that was stopped for its steps; `short` when it had fewer than an entry may take.
    pub(crate) fn of_steps(error: &EvalAltResult, short: bool) -> Self {
        let message = match short {
            true => "stopped: other entries of the batch have taken most steps of the call",
            false => "stopped: the program takes more steps than `operations` allows",
        };
        Self::new(error.unwrap_inner().position(), message)
    }

    /// A run that failed: what went wrong innermost.
    pub(crate) fn of_run(mut error: EvalAltResult) -> Self {
        while let EvalAltResult::ErrorInFunctionCall(_, _, inner, _) = error {
            error = *inner;
        }
        let place = error.take_position();
        let message = match &error {
            EvalAltResult::ErrorFunctionNotFound(called, _) => not_found(called),
            EvalAltResult::ErrorRuntime(value, _) => value.to_string(),
            EvalAltResult::ErrorStackOverflow(_) => {
                format!("stopped: more than {CALL_LEVELS} calls within each other")
            }
            EvalAltResult::ErrorDataTooLarge(what, _) if what == TOO_DEEP => format!(
                "stopped: more than {DEPTH} values within each other, or one within itself; \
                 what calls itself is written as a function, `fn`"
            ),
            EvalAltResult::ErrorDataTooLarge(..) => format!(
                "stopped: too large; a text may have {} KiB, an array or a map {ITEMS} items",
                TEXT_SIZE / 1024
            ),
            other => other.to_string(),
        };
        Self::new(place, message)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.place.line() {
            write!(f, "line {line}, column {}: ", self.place.position().unwrap_or(1))?;
        }
        f.write_str(&self.message)
    }
}

/// Whether a program reaches the entry by this name.
pub(crate) fn is_of_entry(name: &str) -> bool {
    matches!(name, "line" | "timestamp" | "state") || Kind::of(name).is_some()
}

/// A function that is there, but not for these types. `called` is its name with the types it was called with.
fn not_found(called: &str) -> String {
    let called = called.replace("&str | ImmutableString | String", "text");
    let fix = if called.contains("()") {
        "; `()` stands for a value that is not there: test for it, or give another with `?? \"\"`"
    } else {
        ""
    };
    format!("nothing is called `{called}`{fix}")
}
