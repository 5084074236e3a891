//! A core module becomes a component.
//!
//! A module that carries no description of its world gets ours: code by hand or by a language without bindings then
//! only has to name its functions as the contract does. A module for WASI's first preview gets the adapter that turns
//! its imports into those of the component model. What is plainly wrong is told before the encoder sees it, which
//! speaks of its own affairs.

use anyhow::{Context, Result, bail};
use wasi_preview1_component_adapter_provider::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER;
use wasmparser::{Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::surface::{EXPORTS, HOST, KERNELS, missing_exports};

/// The contract.
const WIT: &str = include_str!("../../wit/stage.wit");

/// The world of a stage for log entries.
const WORLD: &str = "log-stage";

/// WASI's first preview, as modules import it.
const PREVIEW1: &str = "wasi_snapshot_preview1";

/// The custom section that describes a module's world.
const DESCRIPTION: &str = "component-type";

/// Wraps a module.
pub(crate) fn wrap(module: &[u8]) -> Result<Vec<u8>> {
    let outline = Outline::of(module)?;
    outline.check()?;
    let mut module = module.to_vec();
    if !outline.described {
        describe(&mut module)?;
    }
    let mut encoder = ComponentEncoder::default()
        .module(&module)
        .context("the description of its world cannot be read")?;
    if outline.imports.iter().any(|(from, _)| from == PREVIEW1) {
        encoder = encoder
            .adapter(PREVIEW1, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)
            .context("cannot add the adapter for WASI's first preview")?;
    }
    encoder
        .validate(true)
        .encode()
        .context("the module does not fit the contract (guest-sdk/wit/stage.wit)")
}

/// Adds the description of a stage's world.
fn describe(module: &mut Vec<u8>) -> Result<()> {
    let mut resolve = Resolve::default();
    let package = resolve
        .push_source("stage.wit", WIT)
        .context("cannot read the contract")?;
    let world = resolve
        .select_world(&[package], Some(WORLD))
        .context("cannot find the contract's world")?;
    embed_component_metadata(module, &resolve, world, StringEncoding::UTF8)
        .context("cannot describe the module's world")
}

/// What a module imports and exports.
#[derive(Default)]
struct Outline {
    imports: Vec<(String, String)>,
    exports: Vec<String>,
    described: bool,
}

impl Outline {
    fn of(module: &[u8]) -> Result<Self> {
        let mut outline = Self::default();
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        outline
                            .imports
                            .push((import.module.to_owned(), import.name.to_owned()));
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        outline.exports.push(export?.name.to_owned());
                    }
                }
                Payload::CustomSection(section) => {
                    outline.described |= section.name().starts_with(DESCRIPTION);
                }
                _ => {}
            }
        }
        Ok(outline)
    }

    fn check(&self) -> Result<()> {
        let undefined: Vec<&str> = self
            .imports
            .iter()
            .filter(|(from, _)| from == "env")
            .map(|(_, name)| name.as_str())
            .collect();
        if !undefined.is_empty() {
            let them = undefined.join("`, `");
            bail!("it imports `{them}` from `env`: the linker did not find them in what it was given");
        }
        let strange = self
            .imports
            .iter()
            .find(|(from, _)| !self.described && from != PREVIEW1 && !is_ours(from));
        if let Some((from, name)) = strange {
            bail!(
                "it imports `{name}` from `{from}`, which no agent gives; a stage gets `{HOST}`, `{KERNELS}` and WASI's first preview"
            );
        }
        if self.exports("_start") && !self.exports("_initialize") {
            bail!(
                "it is a program that runs and ends (it exports `_start`); a stage is a reactor: link it with \
                 `-mexec-model=reactor` (C, C++), `-buildmode=c-shared` (Go) or as a library"
            );
        }
        let missing: Vec<&str> = EXPORTS.into_iter().filter(|name| !self.exports(name)).collect();
        if !missing.is_empty() {
            bail!("{}", missing_exports(&missing));
        }
        if !self.exports("memory") && !self.exports("cm32p2_memory") {
            bail!("it does not export its `memory`");
        }
        let allocates = ["cabi_realloc", "canonical_abi_realloc", "cm32p2_realloc"];
        if !allocates.iter().any(|name| self.exports(name)) {
            bail!("it does not export `cabi_realloc`, by which the agent gets room for a batch");
        }
        Ok(())
    }

    /// Whether it exports `name`, in the plain or the standard mangling of the component model.
    fn exports(&self, name: &str) -> bool {
        let mangled = format!("cm32p2||{name}");
        self.exports
            .iter()
            .any(|export| export == name || *export == mangled)
    }
}

fn is_ours(module: &str) -> bool {
    // `cm32p2|millstream:stage/host@1` is the standard mangling, which names only the part of a version that breaks.
    let ours = [HOST, KERNELS];
    let standard = [
        "cm32p2|millstream:stage/host@1",
        "cm32p2|millstream:stage/kernels@1",
    ];
    ours.contains(&module) || standard.contains(&module)
}
