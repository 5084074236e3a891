//! `millstream schema`: print the manifest's JSON Schema.

use std::io::{self, Write};

use anyhow::Context;

use crate::manifest::{self, BUNDLED};

/// Prints the schema.
///
/// # Errors
/// When stdout cannot be written.
pub fn schema() -> anyhow::Result<()> {
    let schema = manifest::schema(&BUNDLED);
    writeln!(io::stdout().lock(), "{schema:#}").context("cannot print the schema")
}
