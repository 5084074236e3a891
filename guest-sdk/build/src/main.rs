//! Makes components by hand, in the workspace's directory or anywhere:
//! `millstream-guest-build [--out DIR] PACKAGE…` builds guests of the workspace,
//! `millstream-guest-build --module IN --out OUT` makes a component of a module or component.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use millstream_guest_build::{Identity, Request, build, componentize};

const USAGE: &str = "usage: millstream-guest-build [--out DIR] PACKAGE…\n\
                     or:    millstream-guest-build --module IN --out OUT [--name NAME] [--version VERSION] [--licence SPDX]";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut out = None;
    let mut module = None;
    let mut identity = Identity::default();
    let mut packages = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .with_context(|| format!("{argument} needs a value\n{USAGE}"))
        };
        match argument.as_str() {
            "--out" => out = Some(PathBuf::from(value()?)),
            "--module" => module = Some(PathBuf::from(value()?)),
            "--name" => identity.name = Some(value()?),
            "--version" => identity.version = Some(value()?),
            "--licence" => identity.licence = Some(value()?),
            package if !package.starts_with('-') => packages.push(package.to_owned()),
            other => bail!("unknown option {other}\n{USAGE}"),
        }
    }
    match (module, out) {
        (Some(module), Some(out)) if packages.is_empty() => one(&module, &out, &identity),
        (None, out) if !packages.is_empty() => all(&packages, out),
        _ => bail!("{USAGE}"),
    }
}

fn one(module: &Path, out: &Path, identity: &Identity) -> Result<()> {
    let bytes = fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
    let component =
        componentize(&bytes, identity).with_context(|| format!("{} is no stage", module.display()))?;
    fs::write(out, &component).with_context(|| format!("cannot write {}", out.display()))?;
    writeln!(std::io::stdout(), "{} bytes\t{}", component.len(), out.display())?;
    Ok(())
}

fn all(packages: &[String], out: Option<PathBuf>) -> Result<()> {
    let packages: Vec<&str> = packages.iter().map(String::as_str).collect();
    let workspace_root = std::env::current_dir()?;
    for built in build(&Request {
        workspace_root: &workspace_root,
        packages: &packages,
        out_dir: &out.unwrap_or_else(|| PathBuf::from("target/guests/components")),
        wasi: false,
    })? {
        let size = fs::metadata(&built.path)?.len();
        writeln!(
            std::io::stdout(),
            "{}\t{size} bytes\t{}",
            built.name,
            built.path.display()
        )?;
    }
    Ok(())
}
