//! Declared plugins, and the limits of bundled ones.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::cursor::At;
use crate::manifest::document::{ManifestDocument, OnErrorWord, PluginDocument, RecycleDocument};
use crate::manifest::nearest::nearest;
use crate::manifest::place::Place;
use crate::manifest::{OnError, PluginEntry, RecycleEntry, size};

/// What an instance may take unless the manifest says otherwise: room for a batch, its copy, and a language runtime.
const MEMORY_DEFAULT: u64 = 64 << 20;

/// A Rust guest alone takes 17 pages of 64 KiB for its stack; below this nothing starts.
const MEMORY_MIN: u64 = 1 << 20;

/// The end of a 32-bit guest's address space.
const MEMORY_MAX: u64 = 4 << 30;

/// A call takes microseconds; whoever needs a second is stuck.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(1);

/// Calls are timed by a ticker of this period; less cannot be told apart.
const TIMEOUT_MIN: Duration = Duration::from_millis(10);

impl From<OnErrorWord> for OnError {
    fn from(word: OnErrorWord) -> Self {
        match word {
            OnErrorWord::Pass => Self::Pass,
            OnErrorWord::Drop => Self::Drop,
            OnErrorWord::DeadLetter => Self::DeadLetter,
            OnErrorWord::Halt => Self::Halt,
        }
    }
}

/// A bundled plugin nobody set limits for, first named here.
pub fn bundled(place: Place) -> PluginEntry {
    PluginEntry {
        path: None,
        memory: MEMORY_DEFAULT,
        timeout: TIMEOUT_DEFAULT,
        on_error: OnError::default(),
        recycle: RecycleEntry {
            memory: recycle_default(MEMORY_DEFAULT),
            calls: None,
        },
        place,
    }
}

/// What stands under `plugins:`.
pub fn declared(at: &At<'_>, document: &ManifestDocument) -> BTreeMap<String, PluginEntry> {
    let mut entries = BTreeMap::new();
    for (name, plugin) in document.plugins.iter().flatten() {
        let at = at.key(name);
        at.check_name(name);
        entries.insert(name.clone(), entry(&at, name, plugin));
    }
    entries
}

fn entry(at: &At<'_>, name: &str, document: &PluginDocument) -> PluginEntry {
    let memory = at.size("memory", document.memory.as_ref(), MEMORY_DEFAULT);
    if !(MEMORY_MIN..=MEMORY_MAX).contains(&memory) {
        let message = format!("{} cannot be {}", at.key("memory").subject(), size::show(memory));
        at.key("memory")
            .refuse(message, "write between `1MiB` and `4GiB`; the default is `64MiB`");
    }
    let timeout = at.duration("timeout", document.timeout.as_ref(), TIMEOUT_DEFAULT);
    if timeout < TIMEOUT_MIN {
        let message = format!("{} is too short", at.key("timeout").subject());
        at.key("timeout")
            .refuse(message, "calls are timed to `10ms`; the default is `1s`");
    }
    PluginEntry {
        path: path(at, name, document.path.as_deref()),
        memory,
        timeout,
        on_error: document.on_error.map(OnError::from).unwrap_or_default(),
        recycle: recycle(&at.key("recycle"), memory, document.recycle.as_ref()),
        place: at.key_place(),
    }
}

/// Three quarters of what an instance may take: room for the batch that comes next.
const fn recycle_default(memory: u64) -> u64 {
    memory / 4 * 3
}

fn recycle(at: &At<'_>, most: u64, document: Option<&RecycleDocument>) -> RecycleEntry {
    let default = recycle_default(most);
    let memory = at.size(
        "memory",
        document.and_then(|document| document.memory.as_ref()),
        default,
    );
    if memory > most {
        let at = at.key("memory");
        let message = format!("{} is above the plugin's `memory`", at.subject());
        at.refuse(message, format!("write less than `{}`", size::show(most)));
    }
    let calls = document.and_then(|document| document.calls);
    if calls == Some(0) {
        let at = at.key("calls");
        at.refuse(
            format!("{} cannot be 0", at.subject()),
            "write how many calls an instance serves, or leave it out",
        );
    }
    RecycleEntry { memory, calls }
}

/// The component's file. Without one the entry sets the limits of a bundled plugin, so the name must be such.
fn path(at: &At<'_>, name: &str, path: Option<&str>) -> Option<PathBuf> {
    if at.key("path").is_missing() && !at.bundled().contains(&name) {
        let fix = match nearest(name, at.bundled().iter().copied()) {
            Some(known) => format!("add `path: ./{name}.wasm`; or is the bundled `{known}` meant?"),
            None => format!("add `path: ./{name}.wasm`; only bundled plugins go without"),
        };
        at.refuse_key(format!("{} has no `path`", at.subject()), fix);
    }
    at.file("path", path)
}
