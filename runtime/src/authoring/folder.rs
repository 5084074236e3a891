//! A plugin's folder: what `plugin.toml` says, and where the SDK beside it lies.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use millstream_plugin_host::Limits;
use serde::Deserialize;

use super::mistake::Mistake;
use crate::manifest::size;

#[cfg(test)]
mod tests;

/// The file that makes a folder a plugin's.
pub const FILE: &str = "plugin.toml";

/// Where the SDKs lie in Millstream's own repository.
const SDKS: &str = "guest-sdk";

/// The contract's file, by which a folder with the contract is known.
const CONTRACT: &str = "stage.wit";

/// A plugin's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginFolder {
    /// Where it is; absolute.
    pub path: PathBuf,
    /// The plugin's name, as a manifest would call it.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its licence, an SPDX expression.
    pub license: Option<String>,
    /// The command that builds a module or component, run in the folder.
    pub build: Vec<String>,
    /// What that command leaves behind, relative to the folder.
    pub output: PathBuf,
    /// The command that runs the tests of the plugin's own language.
    pub test: Option<Vec<String>>,
    /// The `memory` it needs in a manifest, in bytes; none where the default does.
    pub memory: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    plugin: PluginTable,
    build: BuildTable,
    test: Option<TestTable>,
    limits: Option<LimitsTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PluginTable {
    name: String,
    version: String,
    license: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BuildTable {
    command: Vec<String>,
    output: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TestTable {
    command: Vec<String>,
}

/// What a manifest has to say for it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsTable {
    memory: String,
}

impl PluginFolder {
    /// Reads the folder's `plugin.toml`.
    ///
    /// # Errors
    /// When there is none, or something in it is wrong.
    pub fn open(path: &Path) -> Result<Self, Mistake> {
        let wrong =
            |cause| Mistake::because(format!("cannot open the plugin folder {}", path.display()), cause);
        let path = fs::canonicalize(path).map_err(wrong)?;
        let file = path.join(FILE);
        let text = fs::read_to_string(&file).map_err(|cause| {
            Mistake::because(
                format!(
                    "{} is no plugin folder: it has no {FILE} that can be read",
                    path.display()
                ),
                cause,
            )
        })?;
        Self::read(path, &text)
            .map_err(|cause| Mistake::because(format!("{} is wrong", file.display()), cause))
    }

    fn read(path: PathBuf, text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let Document {
            plugin,
            build,
            test,
            limits,
        } = toml::from_str(text)?;
        check_name(&plugin.name)?;
        if build.command.is_empty() {
            return Err("`build.command` names no program".into());
        }
        let test = test.map(|test| test.command);
        if test.as_ref().is_some_and(Vec::is_empty) {
            return Err("`test.command` names no program".into());
        }
        let memory = limits
            .map(|limits| size::parse(&limits.memory).map_err(|why| format!("`limits.memory`: {why}")))
            .transpose()?;
        Ok(Self {
            path,
            name: plugin.name,
            version: plugin.version,
            license: plugin.license,
            build: build.command,
            output: build.output,
            test,
            memory,
        })
    }

    /// The component that a build writes.
    #[must_use]
    pub fn component(&self) -> PathBuf {
        self.path.join(format!("{}.wasm", self.name))
    }

    /// What it may use while it is tried out, which is what it has in a manifest with its `memory`.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits::of_memory(self.memory.unwrap_or(Limits::MEMORY))
    }

    /// The folder of cases.
    #[must_use]
    pub fn cases(&self) -> PathBuf {
        self.path.join("cases")
    }

    /// The SDK its sources refer to: the copy beside them, or inside of Millstream's repository the one there.
    #[must_use]
    pub fn sdk(&self) -> Option<PathBuf> {
        let own = self.path.join("sdk");
        if own.is_dir() {
            return Some(own);
        }
        let sdks = self.repository()?.join(SDKS);
        // `examples/redact/go` and `guest-sdk/go/template` both name their language.
        let mut names = self.path.iter().rev().take(2);
        names.find_map(|name| Some(sdks.join(name)).filter(|sdk| sdk.is_dir()))
    }

    /// The folder with the contract.
    #[must_use]
    pub fn wit(&self) -> Option<PathBuf> {
        let own = self.path.join("sdk/wit");
        let there = |wit: &PathBuf| wit.join(CONTRACT).is_file();
        Some(own)
            .filter(there)
            .or_else(|| Some(self.repository()?.join(SDKS).join("wit")).filter(there))
    }

    /// What its commands find in their environment, besides ours.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, OsString)> {
        let mut variables = Vec::new();
        if let Some(sdk) = self.sdk() {
            variables.push(("MILLSTREAM_SDK", sdk.into_os_string()));
        }
        if let Some(wit) = self.wit() {
            variables.push(("MILLSTREAM_WIT", wit.into_os_string()));
        }
        if let Some(tools) = self.tools() {
            let mut path = tools.join("bin").into_os_string();
            if let Some(rest) = std::env::var_os("PATH") {
                path.push(":");
                path.push(rest);
            }
            variables.push(("MILLSTREAM_TOOLS", tools.into_os_string()));
            variables.push(("PATH", path));
        }
        variables
    }

    /// Where language tool chains are that `.ci/guests.sh` installed: as the environment says, or the repository's.
    fn tools(&self) -> Option<PathBuf> {
        std::env::var_os("MILLSTREAM_TOOLS")
            .map(PathBuf::from)
            .or_else(|| Some(self.repository()?.join("target/tools")))
            .filter(|tools| tools.is_dir())
    }

    /// Millstream's repository, when the folder lies in it.
    fn repository(&self) -> Option<&Path> {
        self.path
            .ancestors()
            .find(|folder| folder.join(SDKS).join("wit").join(CONTRACT).is_file())
    }
}

/// Whether a plugin may be called so.
///
/// # Errors
/// How names look.
pub fn check_name(name: &str) -> Result<(), Mistake> {
    let mut bytes = name.bytes();
    let good = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if good {
        return Ok(());
    }
    Err(Mistake::new(format!(
        "`{name}` is no name of a plugin: it begins with a small letter and goes on with small letters, digits and `_`"
    )))
}
