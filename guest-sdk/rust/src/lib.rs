//! Write a Millstream stage in Rust.
//!
//! A stage implements [`Stage`] and ends with `millstream_stage::export_stage!(Type);`. It gets batches of
//! columns and changes what it wants: row by row through [`Entry`], or whole columns through [`Output`]. Only
//! what was touched goes back to the host. `README.md` beside this crate is the one page an author needs.
//!
//! Invariants:
//! - A stage reads only the columns it declared on [`Setup`]. Reading or changing another one fails the call
//!   with a message that names the missing declaration; it never looks empty.
//! - Time comes in as `now` (nanoseconds since the Unix epoch). There is no clock.
//! - The same stage runs natively: [`harness::Harness`] drives it with the host's rules, and
//!   [`Instance`] is what a host links for a native twin.

pub mod contract;

mod batch;
mod column;
mod draft;
mod duration;
mod entry;
#[doc(hidden)]
pub mod export;
mod field;
mod hold;
mod host;
mod instance;
mod labels;
mod metric;
mod outcome;
mod output;
mod settings;
mod setup;
mod source;
mod stage;

#[cfg(not(target_family = "wasm"))]
pub mod harness;
pub mod log;

pub use batch::{Batch, Entries};
pub use column::{TextColumn, TextEdit};
pub use duration::GoDuration;
pub use entry::Entry;
pub use field::{Field, FieldEdit};
pub use hold::{Block, Hold, Place};
pub use instance::Instance;
pub use labels::{LabelEdit, LabelSet, LabelSets, Labels, is_label_name};
pub use metric::{Counter, Gauge, Histogram};
pub use outcome::{Failure, Refusal};
pub use output::Output;
pub use setup::Setup;
pub use source::{Source, Sourced};
pub use stage::{NoSettings, Stage};
