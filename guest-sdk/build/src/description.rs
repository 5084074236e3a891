//! What a component says of itself: its metadata, imports and exports.

use anyhow::{Context, Result};
use wasm_metadata::Payload;

use crate::identity::Identity;
use crate::surface::{Surface, TYPES};

/// What a component says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// Its name, version and licence.
    pub identity: Identity,
    /// What it imports, types aside.
    pub imports: Vec<String>,
    /// What it exports.
    pub exports: Vec<String>,
}

impl Description {
    /// Reads a component.
    ///
    /// # Errors
    /// When the bytes are no component.
    pub fn of(component: &[u8]) -> Result<Self> {
        let payload = Payload::from_binary(component).context("not a WebAssembly component")?;
        let metadata = payload.metadata();
        let Surface { mut imports, exports } = Surface::of(component)?;
        imports.retain(|import| import != TYPES);
        Ok(Self {
            identity: Identity {
                name: metadata.name.clone(),
                version: metadata.version.as_ref().map(ToString::to_string),
                licence: metadata.licenses.as_ref().map(ToString::to_string),
            },
            imports,
            exports,
        })
    }
}
