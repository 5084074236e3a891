//! What a component says of itself, read without compiling it.

use sha2::{Digest, Sha256};
use wasmparser::{
    ComponentExternalKind, ComponentName, ComponentTypeRef, CustomSectionReader, KnownCustom, Parser,
    Payload, ProducersSectionReader,
};

use crate::error::LoadError;
use crate::plugin::{OURS, hex, refuse_other_formats};
use crate::wasi;

/// The longest name or version that is shown, in characters. They are a stranger's words.
const SHOWN: usize = 100;

/// How many languages are told.
const LANGUAGES: usize = 4;

/// What every stage exports.
const STAGE: [&str; 4] = ["configure", "process", "tick", "flush"];

/// The contract's types. A component names them as an import and gets nothing by it.
const TYPES: &str = "millstream:stage/types@1.0.0";

/// What a component says of itself, and what it asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The sha256 of its bytes, in hex.
    pub sha256: String,
    /// How many bytes it has.
    pub size: usize,
    /// The world it is made for, such as `millstream:stage/log-stage`, if it exports all of it.
    pub world: Option<String>,
    /// What it imports: interfaces with their versions.
    pub imports: Vec<String>,
    /// What it exports.
    pub exports: Vec<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Its licence, an SPDX expression.
    pub licence: Option<String>,
    /// The languages it was written in.
    pub languages: Vec<String>,
}

/// Something a component can ask for, of which its import says that it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Files: `grants.folders`.
    Files,
    /// Environment variables: `grants.environment`.
    Environment,
    /// The time: `grants.clock`.
    Clock,
    /// Random numbers: `grants.random`.
    Random,
    /// Standard output and error: lines in its stage's log.
    Output,
    /// Sockets: calls fail.
    Sockets,
}

impl Want {
    /// Every want, in the order people are told of them.
    pub const ALL: [Self; 6] = [
        Self::Files,
        Self::Environment,
        Self::Clock,
        Self::Random,
        Self::Output,
        Self::Sockets,
    ];

    fn interfaces(self) -> &'static [&'static str] {
        match self {
            Self::Files => &["wasi:filesystem/"],
            Self::Environment => &["wasi:cli/environment@"],
            Self::Clock => &["wasi:clocks/"],
            Self::Random => &["wasi:random/"],
            Self::Output => &["wasi:cli/stdout@", "wasi:cli/stderr@"],
            Self::Sockets => &["wasi:sockets/"],
        }
    }
}

impl About {
    /// Whether its imports allow it to ask for something. Language runtimes import most of WASI whatever a plugin does, so
    /// this says what it may do, not what it does.
    #[must_use]
    pub fn wants(&self, want: Want) -> bool {
        let prefixes = want.interfaces();
        self.imports
            .iter()
            .any(|import| prefixes.iter().any(|prefix| import.starts_with(prefix)))
    }

    /// The imports that no plugin is given: with any, it is not loaded.
    pub fn refused(&self) -> impl Iterator<Item = &str> {
        let known =
            |import: &&str| import.starts_with(OURS) || wasi::is_given(import) || wasi::is_socket(import);
        self.imports
            .iter()
            .map(String::as_str)
            .filter(move |import| !known(import))
    }
}

/// Reads a component. It is not checked further than that takes.
///
/// # Errors
/// When the bytes are no component.
pub fn inspect(wasm: &[u8]) -> Result<About, LoadError> {
    refuse_other_formats("it", wasm)?;
    let mut about = About {
        sha256: hex(&Sha256::digest(wasm)),
        size: wasm.len(),
        ..About::default()
    };
    about.read(wasm).map_err(LoadError::Inspect)?;
    let whole = STAGE
        .iter()
        .all(|name| about.exports.iter().any(|export| export == name));
    about.world = whole.then(|| format!("{OURS}log-stage"));
    Ok(about)
}

impl About {
    fn read(&mut self, wasm: &[u8]) -> Result<(), wasmparser::BinaryReaderError> {
        // The component's own sections are those of depth 0; its modules say in which languages it was written.
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        let import = import?;
                        if !matches!(import.ty, ComponentTypeRef::Type(_)) && import.name.name != TYPES {
                            self.imports.push(told(import.name.name));
                        }
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        let export = export?;
                        if export.kind != ComponentExternalKind::Type {
                            self.exports.push(told(export.name.name));
                        }
                    }
                }
                Payload::CustomSection(section) => self.note(&section, depth),
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes what a custom section says; a broken one says nothing.
    fn note(&mut self, section: &CustomSectionReader<'_>, depth: usize) {
        let text = || std::str::from_utf8(section.data()).ok().map(told);
        match section.as_known() {
            KnownCustom::Producers(producers) => self.note_languages(producers),
            KnownCustom::ComponentName(names) if depth == 0 => {
                for name in names.into_iter().flatten() {
                    if let ComponentName::Component { name, .. } = name {
                        self.name = Some(told(name));
                    }
                }
            }
            KnownCustom::Unknown if depth == 0 && section.name() == "version" => self.version = text(),
            KnownCustom::Unknown if depth == 0 && section.name() == "licenses" => self.licence = text(),
            _ => {}
        }
    }

    fn note_languages(&mut self, producers: ProducersSectionReader<'_>) {
        for field in producers.into_iter().flatten() {
            if field.name != "language" {
                continue;
            }
            for language in field.values.into_iter().flatten() {
                let language = told(language.name);
                if self.languages.len() < LANGUAGES && !self.languages.contains(&language) {
                    self.languages.push(language);
                }
            }
        }
    }
}

/// A stranger's words, without what a terminal would obey.
fn told(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}
