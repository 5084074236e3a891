//! A module becomes a component.
//!
//! The `name` section stays, so that a trap names its functions; debug information, producers and feature lists
//! go. The imports are checked, because an import that the agent does not give would fail only at a start.

use anyhow::{Context, Result, bail};
use wasmparser::{ComponentTypeRef, Parser, Payload};
use wit_component::ComponentEncoder;

#[cfg(test)]
mod tests;

/// What a component may import: the agent's functions, and the interface that only names types.
const IMPORTS: [&str; 2] = ["millstream:stage/host@1.0.0", "millstream:stage/types@1.0.0"];

/// What every stage exports, whatever its signal.
const EXPORTS: [&str; 4] = ["configure", "process", "tick", "flush"];

/// Wraps a module that wit-bindgen prepared. With `wasi` it may import that as well.
pub(crate) fn wrap(module: &[u8], wasi: bool) -> Result<Vec<u8>> {
    let slim = slim(module)?;
    let component = ComponentEncoder::default()
        .module(&slim)
        .context("not a module of a stage")?
        .validate(true)
        .encode()
        .context("the module does not fit the contract")?;
    let Surface { imports, exports } = surface(&component)?;
    let strange: Vec<String> = imports
        .into_iter()
        .filter(|name| !(IMPORTS.contains(&name.as_str()) || (wasi && name.starts_with("wasi:"))))
        .collect();
    if !strange.is_empty() {
        bail!(
            "it imports {}, but a stage gets only {}",
            strange.join(", "),
            IMPORTS[0]
        );
    }
    for export in EXPORTS {
        if !exports.iter().any(|name| name == export) {
            bail!("it does not export `{export}`: is `export_stage!` missing?");
        }
    }
    Ok(component)
}

/// Leaves out the custom sections that neither the encoder nor a trap's report needs.
fn slim(module: &[u8]) -> Result<Vec<u8>> {
    let mut slim = Vec::with_capacity(module.len());
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload.context("not a WebAssembly module")?;
        if let Payload::Version { range, .. } = &payload {
            slim.extend_from_slice(&module[range.clone()]);
        }
        if matches!(&payload, Payload::CustomSection(section) if is_needless(section.name())) {
            continue;
        }
        if let Some((id, range)) = payload.as_section() {
            slim.push(id);
            push_length(&mut slim, range.len());
            slim.extend_from_slice(&module[range]);
        }
    }
    Ok(slim)
}

fn is_needless(section: &str) -> bool {
    section.starts_with(".debug") || section == "producers" || section == "target_features"
}

/// LEB128, as the binary format counts.
fn push_length(bytes: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
}

/// What a component asks for, types aside, and offers.
#[derive(Default)]
struct Surface {
    imports: Vec<String>,
    exports: Vec<String>,
}

fn surface(component: &[u8]) -> Result<Surface> {
    let mut surface = Surface::default();
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
