//! What flows through Millstream: batches of log entries and of samples, as columns.
//!
//! Invariants: every [`TextColumn`] is UTF-8 in every value and its ends ascend; every row of a [`LogBatch`] has
//! a stream that exists in its label table; [`Labels`] are sorted by name and names are unique.
//!
//! Columns and not rows, because a batch crosses into a sandbox at every stage: as columns that is a handful of
//! memory copies, as rows it is an allocation per string (design §4). No IO, no tokio, no wasmtime in here.

pub mod apply;
pub mod derived;
pub mod edit;
pub mod field;
pub mod labels;
pub mod log_batch;
pub mod sample_batch;
pub mod text;

pub use apply::{Applied, Held, apply};
pub use derived::Derived;
pub use edit::{DropCount, Edit, EditError};
pub use field::{Bitmap, Field};
pub use labels::{Labels, LabelsBuilder};
pub use log_batch::LogBatch;
pub use sample_batch::SampleBatch;
pub use text::{TextColumn, TextError};
