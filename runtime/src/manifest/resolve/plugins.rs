//! Declared plugins, and the limits of bundled ones.

use std::collections::BTreeMap;
use std::time::Duration;

use millstream_plugin_host::{Grants, Limits, Recycling};
use url::Url;

use super::cursor::At;
use crate::manifest::document::{
    GrantsDocument, ManifestDocument, OnErrorWord, PluginDocument, RecycleDocument,
};
use crate::manifest::nearest::nearest;
use crate::manifest::place::Place;
use crate::manifest::{OnError, PluginEntry, PluginOrigin, RecycleEntry, size};
use crate::plugins::{Image, is_loopback, is_sha256};
use crate::stages::events::LOG_LINES;

/// A Rust guest alone takes 17 pages of 64 KiB for its stack; below this nothing starts.
const MEMORY_MIN: u64 = 1 << 20;

/// The end of a 32-bit guest's address space.
const MEMORY_MAX: u64 = 4 << 30;

/// A call takes microseconds; whoever needs a second is stuck.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(1);

/// Calls are timed by a ticker of this period; less cannot be told apart.
const TIMEOUT_MIN: Duration = Duration::from_millis(10);

/// Above this a call's answer is not bounded by what went in any more.
const OUTPUT_MAX: u64 = 10_000;

/// The keys that say where a component comes from.
const ORIGINS: [&str; 3] = ["path", "url", "oci"];

/// The keys that only make sense for one that is fetched.
const CLIENT: [&str; 6] = [
    "basic_auth",
    "bearer_token",
    "bearer_token_file",
    "authorization",
    "headers",
    "tls_config",
];

/// What stands for a sha256 in a fix.
const SHA256: &str = "sha256: <64 hex digits>";

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
        origin: PluginOrigin::Bundled,
        sha256: None,
        memory: Limits::MEMORY,
        timeout: TIMEOUT_DEFAULT,
        output: Limits::default().output_factor,
        log_rate: LOG_LINES,
        grants: Grants::default(),
        on_error: OnError::default(),
        recycle: RecycleEntry {
            memory: Recycling::soft(Limits::MEMORY),
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
    let memory = at.size("memory", document.memory.as_ref(), Limits::MEMORY);
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
    let origin = origin(at, name, document);
    PluginEntry {
        sha256: sha256(at, &origin, document.sha256.as_deref()),
        origin,
        memory,
        timeout,
        output: output(at, document.output),
        log_rate: document.log_rate.unwrap_or(LOG_LINES),
        grants: document
            .grants
            .as_ref()
            .map(|grants| self::grants(&at.key("grants"), grants))
            .unwrap_or_default(),
        on_error: document.on_error.map(OnError::from).unwrap_or_default(),
        recycle: recycle(&at.key("recycle"), memory, document.recycle.as_ref()),
        place: at.key_place(),
    }
}

fn recycle(at: &At<'_>, most: u64, document: Option<&RecycleDocument>) -> RecycleEntry {
    let default = Recycling::soft(most);
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

fn output(at: &At<'_>, written: Option<u64>) -> usize {
    let default = Limits::default().output_factor;
    let factor = written.unwrap_or(default as u64);
    if !(1..=OUTPUT_MAX).contains(&factor) {
        let at = at.key("output");
        let fix = format!("write between 1 and {OUTPUT_MAX}; the default is {default}");
        at.refuse(format!("{} cannot be {factor}", at.subject()), fix);
    }
    usize::try_from(factor).unwrap_or(default)
}

/// Where the component comes from. Without a word of it the entry sets the limits of a bundled plugin, so the name must
/// be such.
fn origin(at: &At<'_>, name: &str, document: &PluginDocument) -> PluginOrigin {
    let mut written = ORIGINS.into_iter().filter(|key| at.key(key).is_written());
    if let (Some(first), Some(second)) = (written.next(), written.next()) {
        let message = format!("{} has both `{first}` and `{second}`", at.subject());
        at.key(second)
            .refuse_key(message, "a component comes from one place: keep one of them");
        return PluginOrigin::Bundled;
    }
    if !at.key("url").is_written() && !at.key("oci").is_written() {
        for key in CLIENT.into_iter().filter(|key| at.key(key).is_written()) {
            let message = format!("{} has `{key}` but nothing to fetch", at.subject());
            at.key(key)
                .refuse_key(message, "it is for `url` and `oci`: leave it away");
        }
    }
    if let Some(text) = &document.url {
        let client = at.client(&document.client());
        let url = component_url(&at.key("url"), text);
        return url.map_or(PluginOrigin::Bundled, |url| PluginOrigin::Url(url, client));
    }
    if let Some(text) = &document.oci {
        let client = at.client(&document.client());
        return match Image::parse(text) {
            Ok(image) => PluginOrigin::Image(image, client),
            Err(why) => {
                let at = at.key("oci");
                let fix = "write it as `ghcr.io/example/redact:1.0.0` or `ghcr.io/example/redact@sha256:…`";
                at.refuse_because(format!("{} is no image", at.subject()), why, fix);
                PluginOrigin::Bundled
            }
        };
    }
    if ORIGINS.iter().all(|key| at.key(key).is_missing()) && !at.bundled().contains(&name) {
        let fix = match nearest(name, at.bundled().iter().copied()) {
            Some(known) => format!("add `path: ./{name}.wasm`; or is the bundled `{known}` meant?"),
            None => format!("add `path: ./{name}.wasm`; only bundled plugins go without"),
        };
        at.refuse_key(format!("{} has no `path`", at.subject()), fix);
    }
    let path = at.file("path", document.path.as_deref());
    path.map_or(PluginOrigin::Bundled, PluginOrigin::File)
}

/// Code comes over an encrypted way, though its sha256 is checked: what is fetched is nobody else's business.
fn component_url(at: &At<'_>, text: &str) -> Option<Url> {
    const EXAMPLE: &str = "write it as `https://example.com/redact.wasm`";
    let url = match Url::parse(text.trim()) {
        Ok(url) => url,
        Err(why) => {
            at.refuse_because(format!("{} is no URL", at.subject()), why, EXAMPLE);
            return None;
        }
    };
    if !url.username().is_empty() || url.password().is_some() {
        let message = format!("{} holds credentials", at.subject());
        at.refuse(message, "move them to `basic_auth: { username: …, password: … }`");
    } else if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
        let message = format!("{} does not begin with `https:`", at.subject());
        at.refuse(message, format!("{EXAMPLE}; `http:` is for this machine alone"));
    }
    Some(url)
}

fn sha256(at: &At<'_>, origin: &PluginOrigin, written: Option<&str>) -> Option<String> {
    let key = at.key("sha256");
    let fetched = match origin {
        PluginOrigin::Bundled if written.is_some() && ORIGINS.iter().all(|key| at.key(key).is_missing()) => {
            let message = format!("{} has a `sha256` but no component of its own", at.subject());
            key.refuse_key(message, "it is for `path`, `url` and `oci`: leave it away");
            None
        }
        PluginOrigin::Bundled | PluginOrigin::File(_) => None,
        PluginOrigin::Url(..) => Some("url"),
        PluginOrigin::Image(..) => Some("oci"),
    };
    if let Some(fetched) = fetched.filter(|_| key.is_missing()) {
        let message = format!("{} is fetched and has no `sha256`", at.subject());
        at.key(fetched)
            .refuse_key(message, format!("add `{SHA256}`, as `sha256sum` prints it"));
    }
    let text = written?.trim();
    let hex = text.strip_prefix("sha256:").unwrap_or(text).to_ascii_lowercase();
    if !is_sha256(&hex) {
        let message = format!("{} is no sha256", key.subject());
        key.refuse(
            message,
            format!("write it as `{SHA256}`, as `sha256sum` prints it"),
        );
    }
    Some(hex)
}

fn grants(at: &At<'_>, document: &GrantsDocument) -> Grants {
    let mut grants = Grants {
        clock: document.clock.unwrap_or(false),
        random: document.random.unwrap_or(false),
        ..Grants::default()
    };
    let folders = at.key("folders");
    for (name, path) in document.folders.iter().flatten() {
        let at = folders.key(name);
        if !name.starts_with('/') || name.contains("/../") || name.ends_with("/..") {
            let message = format!(
                "`{name}` cannot be a folder's name for a plugin, in {}",
                folders.subject()
            );
            at.refuse_key(
                message,
                format!("it begins with `/` and goes on without `..`: `/lookup: {path}`"),
            );
        }
        if let Some(path) = folders.file(name, Some(path)) {
            grants.folders.insert(name.clone(), path);
        }
    }
    let environment = at.key("environment");
    for (name, value) in document.environment.iter().flatten() {
        let at = environment.key(name);
        if name.is_empty() || name.contains(['=', '\0']) {
            let message = format!(
                "`{name}` cannot be a variable's name, in {}",
                environment.subject()
            );
            at.refuse_key(message, "a name is not empty and has no `=`");
        }
        grants.environment.insert(name.clone(), value.clone());
    }
    grants
}
