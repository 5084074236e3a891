//! What modules and components ask for and offer, and whether a stage may.

use anyhow::{Result, bail};
use wasmparser::{ComponentTypeRef, Parser, Payload};

/// The agent's functions.
pub(crate) const HOST: &str = "millstream:stage/host@1.0.0";

/// Work that the agent does on whole columns.
pub(crate) const KERNELS: &str = "millstream:stage/kernels@1.0.0";

/// The interface that only names types.
pub(crate) const TYPES: &str = "millstream:stage/types@1.0.0";

/// The contract's package, without its version.
const PACKAGE: &str = "millstream:stage/";

/// What every stage exports.
pub(crate) const EXPORTS: [&str; 4] = ["configure", "process", "tick", "flush"];

/// What a component asks for, types aside, and offers.
#[derive(Default)]
pub(crate) struct Surface {
    pub(crate) imports: Vec<String>,
    pub(crate) exports: Vec<String>,
}

impl Surface {
    pub(crate) fn of(component: &[u8]) -> Result<Self> {
        let mut surface = Self::default();
        let mut depth = 0;
        for payload in Parser::new(0).parse_all(component) {
            match payload? {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth -= 1,
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        let import = import?;
                        if !matches!(import.ty, ComponentTypeRef::Type(_)) {
                            surface.imports.push(import.name.name.to_owned());
                        }
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        surface.exports.push(export?.name.name.to_owned());
                    }
                }
                _ => {}
            }
        }
        Ok(surface)
    }

    /// Whether it is a stage: exports what a stage must, imports nothing that no agent gives.
    pub(crate) fn check(&self) -> Result<()> {
        for import in &self.imports {
            if [HOST, KERNELS, TYPES].contains(&import.as_str()) || is_wasi(import) {
                continue;
            }
            if import.starts_with(PACKAGE) {
                bail!(
                    "it is built for another version of the contract: it imports `{import}`, the agent has `{HOST}` and `{KERNELS}`"
                );
            }
            bail!(
                "it imports `{import}`, which no agent gives; a stage gets `{HOST}`, `{KERNELS}` and, where it is granted, WASI"
            );
        }
        let missing: Vec<&str> = EXPORTS
            .into_iter()
            .filter(|name| !self.exports.iter().any(|export| export == name))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        if missing.len() == EXPORTS.len() && !self.exports.is_empty() {
            let exports = self.exports.join("`, `");
            bail!(
                "it is of another world than `log-stage`: it exports `{exports}` and none of a stage's functions"
            );
        }
        bail!("{}", missing_exports(&missing))
    }

    /// The imports that only a grant gives.
    pub(crate) fn wasi(&self) -> Vec<&str> {
        let imports = self.imports.iter().map(String::as_str);
        imports.filter(|import| is_wasi(import)).collect()
    }
}

fn is_wasi(import: &str) -> bool {
    import.starts_with("wasi:")
}

/// That functions of a stage are not there.
pub(crate) fn missing_exports(missing: &[&str]) -> String {
    let them = missing.join("`, `");
    format!("it does not export `{them}`; a stage exports `configure`, `process`, `tick` and `flush`")
}
