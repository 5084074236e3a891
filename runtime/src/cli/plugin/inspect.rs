//! `millstream plugin inspect`: show what a component is.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::report;
use super::subject::{Subject, settings};
use crate::authoring::inspection::{Inspection, Reads, inspect as look};
use crate::authoring::{deep, shelf};

/// Arguments of `plugin inspect`.
#[derive(Args, Debug)]
pub struct InspectArgs {
    /// A component, or a plugin's folder that was built.
    #[arg(value_name = "COMPONENT|FOLDER", default_value = ".")]
    pub subject: PathBuf,

    /// The stage's settings, as JSON: what it reads may depend on them.
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,

    /// Print one JSON object instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// Prints what the component is.
///
/// # Errors
/// When it is no component of a stage.
pub fn inspect(args: &InspectArgs) -> anyhow::Result<()> {
    let subject = Subject::at(&args.subject)?;
    let component = subject.component()?;
    let settings = settings(args.settings.as_deref())?;
    let host = shelf::host()?;
    let inspection = deep(|| look(&host, &subject.name(), &component, &settings))?;
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&inspection)?)
    } else {
        out.write_all(table(&inspection).as_bytes())
    }
    .context("cannot print what the component is")
}

fn table(inspection: &Inspection) -> String {
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "(none)".to_owned());
    let listed = |names: &[String]| {
        if names.is_empty() {
            "(nothing)".to_owned()
        } else {
            names.join("\n          ")
        }
    };
    let reads = match &inspection.interest {
        Reads::Columns(columns) if columns.is_empty() => "(nothing)".to_owned(),
        Reads::Columns(columns) => columns.join(", "),
        Reads::Refused(why) => format!("it refuses these settings: {why}"),
    };
    format!(
        "name      {}\nversion   {}\nlicence   {}\nworld     {}\nimports   {}\nexports   {}\nreads     {reads}\n\
         size      {} bytes ({})\nsha256    {}\n",
        or_none(&inspection.name),
        or_none(&inspection.version),
        or_none(&inspection.licence),
        inspection.world,
        listed(&inspection.imports),
        inspection.exports.join(", "),
        inspection.size,
        report::size(inspection.size as u64),
        inspection.sha256,
    )
}
