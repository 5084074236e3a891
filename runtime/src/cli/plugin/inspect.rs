//! `millstream plugin inspect`: show what a component is.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use millstream_plugin_host::Grants;
use serde_json::{Value, json};

use super::report;
use super::subject::{Subject, settings};
use crate::authoring::inspection::{Inspection, Reads, inspect as look};
use crate::authoring::{deep, shelf};
use crate::cli::components::wants;

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
    let inspection = deep(|| look(&host, &subject.name(), &component, &settings, &subject.limits()))?;
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", object(&inspection))
    } else {
        out.write_all(table(&inspection).as_bytes())
    }
    .context("cannot print what the component is")
}

fn object(inspection: &Inspection) -> Value {
    let about = &inspection.about;
    let interest = match &inspection.interest {
        Reads::Columns(columns) => json!({ "columns": columns }),
        Reads::Refused(why) => json!({ "refused": why }),
    };
    json!({
        "name": about.name,
        "version": about.version,
        "licence": about.licence,
        "languages": about.languages,
        "world": about.world,
        "imports": about.imports,
        "exports": about.exports,
        "without_grants": wants(about, &Grants::default()),
        "size": about.size,
        "sha256": about.sha256,
        "interest": interest,
    })
}

fn table(inspection: &Inspection) -> String {
    let about = &inspection.about;
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
        "name      {}\nversion   {}\nlicence   {}\nlanguages {}\nworld     {}\nimports   {}\nexports   {}\n\
         grants    {}\nreads     {reads}\nsize      {} bytes ({})\nsha256    {}\n",
        or_none(&about.name),
        or_none(&about.version),
        or_none(&about.licence),
        listed(&about.languages),
        or_none(&about.world),
        listed(&about.imports),
        about.exports.join(", "),
        listed(&wants(about, &Grants::default())),
        about.size,
        report::size(about.size as u64),
        about.sha256,
    )
}
