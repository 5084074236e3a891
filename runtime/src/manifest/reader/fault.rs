//! Serde's complaints, kept apart until their place is known.

use std::fmt;

use serde::de;

use crate::manifest::error::Problem;
use crate::manifest::nearest::{nearest, suggest};
use crate::manifest::place::Place;
use crate::manifest::reader::locate;
use crate::manifest::trail::Trail;
use crate::manifest::yaml::Node;

/// What is wrong with one value.
#[derive(Debug)]
pub struct Fault {
    slip: Slip,
    /// Where; filled in by the innermost reader that knows.
    place: Option<Trail>,
    /// What to leave out to go on; filled in by the innermost map or list.
    culprit: Option<Trail>,
}

#[derive(Debug)]
enum Slip {
    UnknownKey {
        key: String,
        known: &'static [&'static str],
    },
    UnknownKind {
        name: String,
        known: &'static [&'static str],
    },
    TwoKinds {
        first: String,
        second: String,
    },
    UnknownValue {
        value: String,
        known: &'static [&'static str],
    },
    Wanted {
        wanted: String,
        found: String,
        fix: String,
    },
    Other(String),
}

impl Fault {
    /// Another thing than `wanted` was found.
    pub fn wanted(wanted: impl Into<String>, found: impl Into<String>, fix: impl Into<String>) -> Self {
        let slip = Slip::Wanted {
            wanted: wanted.into(),
            found: found.into(),
            fix: fix.into(),
        };
        Self {
            slip,
            place: None,
            culprit: None,
        }
    }

    /// A one-key map has two.
    pub fn two_kinds(first: &str, second: &str) -> Self {
        let slip = Slip::TwoKinds {
            first: first.to_owned(),
            second: second.to_owned(),
        };
        Self {
            slip,
            place: None,
            culprit: None,
        }
    }

    /// Says where, if nobody closer did.
    pub fn at(mut self, trail: &Trail) -> Self {
        self.place.get_or_insert_with(|| trail.clone());
        self
    }

    /// Says what to leave out, if nobody closer did.
    pub fn of(mut self, trail: &Trail) -> Self {
        self.culprit.get_or_insert_with(|| trail.clone());
        self
    }

    /// An unknown variant of a one-key map is an unknown kind.
    pub fn of_kind(mut self) -> Self {
        if let Slip::UnknownValue { value, known } = self.slip {
            self.slip = Slip::UnknownKind { name: value, known };
        }
        self
    }

    /// What to leave out to go on; the root when nothing can be.
    pub fn culprit(&self) -> Trail {
        self.culprit.clone().unwrap_or_default()
    }

    /// The error to report.
    pub fn problem(self, root: &Node) -> Problem {
        let trail = self.place.unwrap_or_default();
        let at = locate(root, &trail);
        let on_key = matches!(
            self.slip,
            Slip::UnknownKey { .. } | Slip::UnknownKind { .. } | Slip::TwoKinds { .. }
        );
        let value = at.node.place.filter(|place| !on_key && place.width > 0);
        let place = value.or(at.key).unwrap_or(Place {
            line: 1,
            column: 1,
            width: 1,
        });
        let (message, fix) = match self.slip {
            Slip::UnknownKey { key, known } => {
                let message = format!("unknown key `{key}` in {}", trail.parent().subject());
                (message, suggest(&key, "keys here", known))
            }
            Slip::UnknownKind { name, known } => {
                let owner = trail.parent();
                let message = format!("{} is of the unknown kind `{name}`", owner.subject());
                (message, suggest(&name, "kinds", known))
            }
            Slip::TwoKinds { first, second } => {
                let message = format!(
                    "{} is of two kinds, `{first}` and `{second}`",
                    trail.parent().subject()
                );
                (
                    message,
                    "keep one, or make it two entries with a name each".to_owned(),
                )
            }
            Slip::UnknownValue { value, known } => {
                let message = format!("{} cannot be `{value}`", trail.subject());
                let list = known.join(", ");
                let fix = match nearest(&value, known.iter().copied()) {
                    Some(name) => format!("did you mean `{name}`? it is one of: {list}"),
                    None => format!("it is one of: {list}"),
                };
                (message, fix)
            }
            Slip::Wanted { wanted, found, fix } => (
                format!("{} should be {wanted}, but is {found}", trail.subject()),
                fix,
            ),
            Slip::Other(message) => (
                format!("cannot read {}: {message}", trail.subject()),
                String::new(),
            ),
        };
        Problem::error(place, message, fix)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.slip)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            slip: Slip::Other(message.to_string()),
            place: None,
            culprit: None,
        }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let slip = Slip::UnknownKey {
            key: field.to_owned(),
            known: expected,
        };
        Self {
            slip,
            place: None,
            culprit: None,
        }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let slip = Slip::UnknownValue {
            value: variant.to_owned(),
            known: expected,
        };
        Self {
            slip,
            place: None,
            culprit: None,
        }
    }
}
