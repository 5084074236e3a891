//! `millstream plugin new`: write a new plugin that builds and passes its cases.

use std::path::PathBuf;

use clap::Args;

use super::report::say;
use crate::authoring::template::{EmbeddedSdk, languages};

/// Arguments of `plugin new`.
#[derive(Args, Debug)]
pub struct NewArgs {
    /// The language to write it in.
    #[arg(long, value_name = "LANGUAGE", help = language_help())]
    pub lang: String,

    /// The plugin's name, as a manifest will call it.
    #[arg(value_name = "NAME")]
    pub name: String,

    /// Where to write it; a folder of the plugin's name when not given.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

fn language_help() -> String {
    format!("The language to write it in: {}", languages().join(", "))
}

/// Writes the plugin.
///
/// # Errors
/// When there is no such language, the name cannot be one, or the folder is not empty.
pub fn new(args: &NewArgs) -> anyhow::Result<()> {
    let sdk = EmbeddedSdk::of(&args.lang)?;
    let folder = args.dir.clone().unwrap_or_else(|| PathBuf::from(&args.name));
    sdk.write(&args.name, &folder)?;
    let (name, shown) = (&args.name, folder.display());
    say(format_args!(
        "wrote {shown}: a stage in {language} that builds and passes its cases\n\n  \
         millstream plugin test {shown}       # builds it, runs its tests and cases\n  \
         millstream plugin dev {shown}        # the same on every change, and reloads a running agent\n\n\
         in a manifest: `plugins: {{ {name}: {{ path: {shown}/{name}.wasm }} }}`; what to read: {shown}/README.md",
        language = sdk.language,
    ));
    Ok(())
}
