//! A plugin folder becomes a component: the folder's command, then everything that is the same in every language.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use millstream_guest_build::{Identity, componentize};

use super::command::{self, Speed};
use super::folder::PluginFolder;
use super::mistake::Mistake;
use super::sources::Sources;

/// A component that was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// Where it is.
    pub path: PathBuf,
    /// Its bytes.
    pub size: u64,
}

/// A component that is not where an agent would find it yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Where it will be.
    path: PathBuf,
    component: Vec<u8>,
}

impl Draft {
    /// The component.
    #[must_use]
    pub fn component(&self) -> &[u8] {
        &self.component
    }

    /// Puts it in its place: a running agent takes it up.
    ///
    /// # Errors
    /// When it cannot be written there.
    pub fn publish(&self) -> anyhow::Result<Built> {
        put(&self.path, &self.component).with_context(|| format!("cannot write {}", self.path.display()))?;
        Ok(Built {
            path: self.path.clone(),
            size: self.component.len() as u64,
        })
    }
}

/// [`draft`], put in its place.
///
/// # Errors
/// Likewise, or when it cannot be written.
pub fn build(folder: &PluginFolder, speed: Speed) -> anyhow::Result<Built> {
    draft(folder, speed)?.publish()
}

/// Runs the folder's build command and makes a component of what it leaves behind.
///
/// # Errors
/// When the command cannot be run or fails, or what it leaves behind is no stage.
pub fn draft(folder: &PluginFolder, speed: Speed) -> anyhow::Result<Draft> {
    command::run(folder, &folder.build, speed)?;
    let output = command::output(folder);
    let module = fs::read(&output).map_err(|cause| {
        Mistake::because(
            format!(
                "the build left no {} behind (`build.output` of plugin.toml)",
                output.display()
            ),
            cause,
        )
    })?;
    let identity = Identity {
        name: Some(folder.name.clone()),
        version: Some(folder.version.clone()),
        licence: folder.license.clone(),
    };
    let component = componentize(&module, &identity)
        .with_context(|| format!("{} cannot be made a stage's component", output.display()))?;
    Ok(Draft {
        path: folder.component(),
        component,
    })
}

/// [`build`], unless the component is newer than everything it is made of.
///
/// # Errors
/// Likewise.
pub fn refresh(folder: &PluginFolder) -> anyhow::Result<Option<Built>> {
    let made = fs::metadata(folder.component()).and_then(|component| component.modified());
    match (made, Sources::of(folder).newest()) {
        (Ok(made), Some(newest)) if made >= newest => Ok(None),
        _ => build(folder, Speed::Thorough).map(Some),
    }
}

/// Appears whole or not at all: a running agent may look at it any time.
fn put(path: &Path, component: &[u8]) -> std::io::Result<()> {
    let draft = path.with_extension("wasm.draft");
    fs::write(&draft, component)?;
    fs::rename(&draft, path)
}
