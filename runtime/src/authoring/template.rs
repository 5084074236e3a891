//! A new plugin: the template of a language, and its SDK beside it, so that it builds without this repository.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::folder::check_name;
use super::mistake::Mistake;

#[cfg(test)]
mod tests;

/// What stands for the plugin's name in a template, in texts and in file names.
const NAME: &str = "{{name}}";

/// Other names of languages.
const ALIASES: [(&str, &str); 9] = [
    ("rs", "rust"),
    ("cpp", "c"),
    ("c++", "c"),
    ("golang", "go"),
    ("javascript", "js"),
    ("ts", "js"),
    ("typescript", "js"),
    ("node", "js"),
    ("py", "python"),
];

/// A file inside the binary: its path and what is in it.
type EmbeddedFile = (&'static str, &'static [u8]);

/// A language's SDK and template inside the binary.
#[derive(Debug)]
pub struct EmbeddedSdk {
    /// The language.
    pub language: &'static str,
    /// What a new plugin consists of.
    template: &'static [EmbeddedFile],
    /// What goes beside it, into `sdk`.
    sdk: &'static [EmbeddedFile],
}

include!(concat!(env!("OUT_DIR"), "/sdks.rs"));

impl EmbeddedSdk {
    /// The SDK of a language, by its name or one of its other names.
    ///
    /// # Errors
    /// Which languages there are.
    pub fn of(language: &str) -> Result<&'static Self, Mistake> {
        let wanted = language.to_ascii_lowercase();
        let alias = ALIASES.iter().find(|(other, _)| *other == wanted);
        let name = alias.map_or(&*wanted, |(_, name)| name);
        SDKS.iter().find(|sdk| sdk.language == name).ok_or_else(|| {
            Mistake::new(format!(
                "there is no SDK for `{language}`, but for {}; for any other language see guest-sdk/wit/README.md",
                languages().join(", ")
            ))
        })
    }

    /// Writes a new plugin to `folder`, which is made or empty.
    ///
    /// # Errors
    /// When the name cannot be one, something is in the folder already, or a file cannot be written.
    pub fn write(&self, name: &str, folder: &Path) -> anyhow::Result<()> {
        check_name(name)?;
        let full = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
        if full || folder.is_file() {
            let what = format!(
                "{} is there already and not empty; nothing was written",
                folder.display()
            );
            return Err(Mistake::new(what).into());
        }
        for (path, content) in self.template {
            let path = folder.join(path.replace(NAME, name));
            match std::str::from_utf8(content) {
                Ok(text) => put(&path, text.replace(NAME, name).as_bytes())?,
                Err(_) => put(&path, content)?,
            }
        }
        for (path, content) in self.sdk {
            put(&folder.join("sdk").join(path), content)?;
        }
        Ok(())
    }
}

/// The languages there are, sorted.
#[must_use]
pub fn languages() -> Vec<&'static str> {
    SDKS.iter().map(|sdk| sdk.language).collect()
}

fn put(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let folder: PathBuf = path.parent().unwrap_or(Path::new("")).into();
    fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}
