//! The SDKs and templates of this repository, as `millstream plugin new` hands them out.
//!
//! A language is a folder of `guest-sdk` that has a folder `template`; nothing else names it. What is handed out builds
//! without this repository: the contract goes with each SDK, and a Cargo.toml inherits nothing from a workspace.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::products::is_product;
use crate::standalone;

#[cfg(test)]
mod tests;

/// The folder of a language that holds its template.
const TEMPLATE: &str = "template";

/// The contract, in a handed-out SDK.
const WIT: &str = "wit";

/// A language plugins can be written in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sdk {
    /// The language's name: its folder's.
    pub language: String,
    /// What a new plugin consists of, `{{name}}` standing for its name.
    pub template: Vec<SdkFile>,
    /// What goes beside it.
    pub sdk: Vec<SdkFile>,
}

/// A file to hand out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SdkFile {
    /// Where it goes, relative, with `/` between folders.
    pub path: String,
    /// What is in it.
    pub content: Vec<u8>,
}

impl Sdk {
    /// Every language, by name.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn all(workspace_root: &Path) -> Result<Vec<Self>> {
        let sdks = workspace_root.join("guest-sdk");
        let mut languages = Vec::new();
        for entry in fs::read_dir(&sdks).with_context(|| format!("cannot list {}", sdks.display()))? {
            let folder = entry?.path();
            if folder.join(TEMPLATE).join("plugin.toml").is_file() {
                languages.push(folder);
            }
        }
        languages.sort();
        languages
            .iter()
            .map(|folder| Self::read(workspace_root, folder))
            .collect()
    }

    fn read(workspace_root: &Path, folder: &Path) -> Result<Self> {
        let template = files(&folder.join(TEMPLATE), |_| true)?;
        let mut sdk = files(folder, |path| path != TEMPLATE && path != WIT)?;
        for file in &mut sdk {
            if file.path == "Cargo.toml" {
                let workspace = fs::read_to_string(workspace_root.join("Cargo.toml"))
                    .context("cannot read the workspace's Cargo.toml")?;
                let own = std::str::from_utf8(&file.content).context("a Cargo.toml is no text")?;
                file.content = standalone::manifest(own, &workspace)
                    .with_context(|| format!("{} cannot stand alone", folder.display()))?
                    .into_bytes();
            }
        }
        for mut file in files(&workspace_root.join("guest-sdk").join(WIT), |_| true)? {
            file.path = format!("{WIT}/{}", file.path);
            sdk.push(file);
        }
        let name = folder.file_name().unwrap_or_default();
        Ok(Self {
            language: name.to_string_lossy().into_owned(),
            template,
            sdk,
        })
    }
}

/// The files below a folder whose first part is `wanted`, sorted by path.
fn files(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<SdkFile>> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(inner) = open.pop() {
        let path = folder.join(&inner);
        for entry in fs::read_dir(&path).with_context(|| format!("cannot list {}", path.display()))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_product(&name) || (inner.as_os_str().is_empty() && !wanted(&name)) {
                continue;
            }
            let relative = inner.join(&name);
            if fs::metadata(entry.path())?.is_dir() {
                open.push(relative);
            } else {
                let content = fs::read(entry.path())
                    .with_context(|| format!("cannot read {}", entry.path().display()))?;
                found.push(SdkFile {
                    path: relative.to_string_lossy().replace('\\', "/"),
                    content,
                });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}
