//! What a component does not need is left out: debug information, producers and feature lists, however deep.
//!
//! The `name` sections stay, so that a trap names its functions. Sections are copied as they are and only the lengths
//! around them are written anew, which is why no encoder is needed.

use anyhow::{Context, Result};
use wasmparser::{Encoding, Parser, Payload};

#[cfg(test)]
mod tests;

/// Section numbers of the component format.
const CORE_MODULE: u8 = 1;
const COMPONENT: u8 = 4;

/// A module or component without the custom sections that neither the encoder nor a trap's report needs.
pub(crate) fn slim(wasm: &[u8]) -> Result<Vec<u8>> {
    let mut slim = Vec::with_capacity(wasm.len());
    let mut outer: Vec<(Vec<u8>, u8)> = Vec::new();
    let mut opening = COMPONENT;
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.context("not WebAssembly, or broken")?;
        match &payload {
            Payload::Version { range, encoding, .. } => {
                opening = match encoding {
                    Encoding::Module => CORE_MODULE,
                    Encoding::Component => COMPONENT,
                };
                if let Some((_, section)) = outer.last_mut() {
                    *section = opening;
                }
                slim.extend_from_slice(&wasm[range.clone()]);
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                outer.push((std::mem::take(&mut slim), opening));
            }
            Payload::End(_) => {
                if let Some((mut around, section)) = outer.pop() {
                    append(&mut around, section, &slim);
                    slim = around;
                }
            }
            Payload::CustomSection(section) if is_needless(section.name()) => {}
            _ => {
                if let Some((section, range)) = payload.as_section() {
                    append(&mut slim, section, &wasm[range]);
                }
            }
        }
    }
    Ok(slim)
}

fn is_needless(section: &str) -> bool {
    section.starts_with(".debug") || section == "producers" || section == "target_features"
}

fn append(bytes: &mut Vec<u8>, section: u8, content: &[u8]) {
    bytes.push(section);
    push_length(bytes, content.len());
    bytes.extend_from_slice(content);
}

/// LEB128, as the binary format counts.
fn push_length(bytes: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
}
