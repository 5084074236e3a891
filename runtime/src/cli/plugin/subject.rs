//! What a command is about: a plugin's folder, or a component by itself.

use std::fs;
use std::path::{Path, PathBuf};

use millstream_plugin_host::Limits;
use serde_json::{Value, json};

use crate::authoring::{Mistake, PluginFolder};
use crate::cli::exit::InputError;

/// A plugin's folder, or a component by itself.
#[derive(Debug)]
pub enum Subject {
    /// A folder.
    Folder(PluginFolder),
    /// A component.
    Component(PathBuf),
}

impl Subject {
    /// What lies at this path.
    ///
    /// # Errors
    /// When it is neither.
    pub fn at(path: &Path) -> Result<Self, Mistake> {
        if path.is_file() {
            return Ok(Self::Component(path.to_path_buf()));
        }
        PluginFolder::open(path).map(Self::Folder)
    }

    /// The plugin's name, for messages.
    pub fn name(&self) -> String {
        match self {
            Self::Folder(folder) => folder.name.clone(),
            Self::Component(path) => path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
        }
    }

    /// What it may use while it is tried out: what a manifest gives it that says no more than its folder.
    pub fn limits(&self) -> Limits {
        match self {
            Self::Folder(folder) => folder.limits(),
            Self::Component(_) => Limits::of_memory(Limits::MEMORY),
        }
    }

    /// The component's bytes.
    ///
    /// # Errors
    /// When it cannot be read: a folder that was not built yet.
    pub fn component(&self) -> Result<Vec<u8>, Mistake> {
        let path = match self {
            Self::Folder(folder) => folder.component(),
            Self::Component(path) => path.clone(),
        };
        fs::read(&path).map_err(|cause| {
            let advice = match self {
                Self::Folder(_) => "; `millstream plugin build` makes it",
                Self::Component(_) => "",
            };
            Mistake::because(
                format!("cannot read the component {}{advice}", path.display()),
                cause,
            )
        })
    }
}

/// The settings in a JSON file; `{}` without one.
///
/// # Errors
/// When it cannot be read, or is not JSON.
pub fn settings(path: Option<&Path>) -> anyhow::Result<Value> {
    let Some(path) = path else { return Ok(json!({})) };
    let text = fs::read_to_string(path).map_err(|source| InputError::Read {
        path: path.to_path_buf(),
        source,
    })?;
    let settings = serde_json::from_str(&text);
    Ok(settings.map_err(|cause| Mistake::because(format!("{} is not JSON", path.display()), cause))?)
}
