//! Patterns as Grafana Alloy's users write them (Go's RE2 flavour), run as cheaply as their shape allows.
//!
//! A stage matches one pattern against every line, so the pattern is most of what a stage costs. Two steps:
//!
//! 1. [`flavour`] rewrites the RE2 spelling for the `regex` crate, whose classes and escapes mean other things.
//! 2. [`plan`] looks for shapes that a few vector instructions can decide: a set of words anywhere on a line, a
//!    fixed row of byte classes at the start, or fields from the start on. Everything else runs on `regex`.
//!
//! Invariant: a plan never changes an answer. `tests/` holds every plan against the plain regex, and the flavour
//! against Go itself.
//!
//! Why not `regex` alone: `.*(?P<level>INFO|WARN|…).*` makes it find the match, then run a second engine over the
//! line for the group; twenty times the price of looking for the words from the end.

mod error;
mod flavour;
mod lanes;
mod pattern;
mod plan;

pub use error::PatternError;
pub use pattern::{Pattern, Slots};
