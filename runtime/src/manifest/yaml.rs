//! YAML text → a tree that remembers where everything stood.
//!
//! Built on the events of `granit-parser`, the parser beneath `serde-saphyr`. Not on `serde-saphyr` itself: it stops at
//! the first error and forgets places once a value is read, while a manifest with four slips should say so in one go, and
//! a plugin that refuses its settings minutes later should still point at the line.
//!
//! Anchors, aliases and merge keys (`<<`) are followed; the tree is bounded in size and depth whatever aliases do.
//! Keys that come twice, tags and further documents are problems, not guesses.

mod builder;
mod node;
mod scalar;

pub use builder::read;
pub use node::{Key, Node, Value};
pub use scalar::{Scalar, Typed};
