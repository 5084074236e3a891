//! Parsers for what a scraped endpoint answers: Prometheus text 0.0.4 and OpenMetrics text 1.0.
//!
//! They accept and refuse what Prometheus' `model/textparse` does, so that an endpoint behaves here as it does
//! there. Known differences, each on the careful side: bytes that are not UTF-8 and stray NULs are an error
//! wherever they stand (Prometheus overlooks the former in comments and ends a 0.0.4 scrape silently at the
//! latter), and blanks in front of a metric name are skipped, not taken into it.
//!
//! Invariants: nothing is copied and nothing allocated per sample; after an error nothing more comes. A
//! [`Sample`] carries its series as written, which is the key to look it up by; only a series never seen before
//! needs its labels taken apart.
//!
//! A cursor and not one pattern per line, because a label value may contain a line break in 0.0.4, and because
//! an error must be able to say where it stands.

mod cursor;
mod error;
mod labels;
mod metadata;
mod number;
mod openmetrics;
mod parser;
mod sample;
mod text;

pub use error::ExpositionError;
pub use labels::LabelPairs;
pub use metadata::{Kind, Metadata};
pub use parser::{Event, Format, Parser, parse};
pub use sample::{Exemplar, Sample};

#[cfg(test)]
mod tests;
