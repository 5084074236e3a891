//! A module or component becomes a component that an agent can load, and carries its name.

use anyhow::{Context, Result, bail};
use wasmparser::Parser;

use crate::identity::Identity;
use crate::surface::{HOST, Surface};
use crate::{module, slim};

#[cfg(test)]
mod tests;

/// Makes a stage's component: from a core module (of wasm32-unknown-unknown, or a reactor for WASI's first preview) or
/// from a component, which only gets slimmer. Debug information goes, names of functions stay.
///
/// # Errors
/// What is wrong with it, for its author: no WebAssembly, a missing export, another world, an import that no agent gives.
pub fn componentize(wasm: &[u8], identity: &Identity) -> Result<Vec<u8>> {
    let slim = slim::slim(wasm)?;
    let component = if Parser::is_component(&slim) {
        slim
    } else {
        module::wrap(&slim)?
    };
    Surface::of(&component)?.check()?;
    identity.write(&component)
}

/// [`componentize`] for a plugin that must do without WASI, as the bundled ones do.
pub(crate) fn wrap(module: &[u8], identity: &Identity) -> Result<Vec<u8>> {
    let component = componentize(module, identity)?;
    let surface = Surface::of(&component).context("cannot read the component that was made")?;
    match surface.wasi()[..] {
        [] => Ok(component),
        ref imports => bail!("it imports {}, but a stage gets only {HOST}", imports.join(", ")),
    }
}
