//! Who a component is: the name, version and licence that it carries in its metadata.

use anyhow::{Context, Result};
use wasm_metadata::{AddMetadata, AddMetadataField, Licenses, Version};

/// Name, version and licence of a plugin. What is missing is not written; what a component says already stays then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// As a manifest would call it.
    pub name: Option<String>,
    /// Its version, in any form.
    pub version: Option<String>,
    /// An SPDX expression, such as `Apache-2.0`.
    pub licence: Option<String>,
}

impl Identity {
    /// The component with this metadata.
    pub(crate) fn write(&self, component: &[u8]) -> Result<Vec<u8>> {
        let mut metadata = AddMetadata::default();
        if let Some(name) = &self.name {
            metadata.name = AddMetadataField::Set(name.clone());
        }
        if let Some(version) = &self.version {
            metadata.version = AddMetadataField::Set(Version::new(version.clone()));
        }
        if let Some(licence) = &self.licence {
            let licences = Licenses::new(licence).with_context(|| {
                format!("the licence `{licence}` is no SPDX expression, such as Apache-2.0")
            })?;
            metadata.licenses = AddMetadataField::Set(licences);
        }
        metadata.to_wasm(component).context("cannot write its metadata")
    }
}
