//! What `check` says of plugins that are not bundled: what they are, what they ask for, what they are given.

use std::fmt::Write as _;

use millstream_plugin_host::{About, Grants, Want};

use crate::manifest::{PluginEntry, PluginOrigin};
use crate::pipeline::{Loaded, Plan};
use crate::plugins::{Library, Source};
use crate::transport::shown;

/// A few lines for each.
pub(super) fn told(plan: &Plan, library: &Library) -> String {
    let mut text = String::new();
    for (name, entry) in &plan.manifest.plugins {
        if let Some(Loaded {
            source,
            about: Some(about),
        }) = plan.origins.get(name)
        {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "plugin `{name}`: {}", identity(about));
            let _ = writeln!(text, "  from {}", origin(entry, *source, about, library));
            for line in wants(about, &entry.grants) {
                let _ = writeln!(text, "  {line}");
            }
        }
    }
    text
}

/// Name, version, licence and languages, as far as it says.
fn identity(about: &About) -> String {
    let name = about.name.as_deref().unwrap_or("without a name");
    let named = match &about.version {
        Some(version) => format!("{name} {version}"),
        None => name.to_owned(),
    };
    let mut parts = vec![named];
    parts.extend(about.licence.clone());
    parts.extend((!about.languages.is_empty()).then(|| about.languages.join(" and ")));
    parts.push(format!("{} bytes", about.size));
    parts.push(format!("sha256 {}", about.sha256));
    parts.join(", ")
}

fn origin(entry: &PluginEntry, source: Source, about: &About, library: &Library) -> String {
    let place = match &entry.origin {
        PluginOrigin::Bundled => "the binary".into(),
        PluginOrigin::File(path) => path.display().to_string(),
        PluginOrigin::Url(url, _) => shown(url),
        PluginOrigin::Image(image, _) => image.to_string(),
    };
    let stored = || library.path(&about.sha256).display().to_string();
    match source {
        Source::Bundled | Source::File => place,
        Source::Stored => format!("{place}, fetched before: {}", stored()),
        Source::Fetched => format!("{place}, fetched for this: {}", stored()),
    }
}

/// A line for each thing it may ask for, with what it is given, or the line that would give it; and for each grant that it
/// cannot use.
pub(super) fn wants(about: &About, grants: &Grants) -> Vec<String> {
    let mut lines = Vec::new();
    for want in Want::ALL {
        let (granted, wanted) = (given(want, grants), about.wants(want));
        let line = match (want, granted, wanted) {
            (_, None, false) => continue,
            (_, Some(granted), true) => format!("may use {}: given {granted}", subject(want)),
            (_, Some(granted), false) => {
                format!("does not import {}: {granted} is of no use to it", subject(want))
            }
            (want, None, true) => format!("may use {}: {}", subject(want), instead(want)),
        };
        lines.push(line);
    }
    if lines.is_empty() {
        lines.push("imports nothing but the host's functions".into());
    }
    lines
}

fn subject(want: Want) -> &'static str {
    match want {
        Want::Files => "files",
        Want::Environment => "environment variables",
        Want::Clock => "the clock",
        Want::Random => "random numbers",
        Want::Output => "standard output",
        Want::Sockets => "sockets",
    }
}

/// What is granted; of variables the names.
fn given(want: Want, grants: &Grants) -> Option<String> {
    match want {
        Want::Files if !grants.folders.is_empty() => {
            let folder =
                |(name, path): (&String, &std::path::PathBuf)| format!("{name} ({})", path.display());
            Some(grants.folders.iter().map(folder).collect::<Vec<_>>().join(", "))
        }
        Want::Environment if !grants.environment.is_empty() => {
            let names: Vec<&str> = grants.environment.keys().map(String::as_str).collect();
            Some(names.join(", "))
        }
        Want::Clock if grants.clock => Some("the system's".into()),
        Want::Random if grants.random => Some("the system's".into()),
        _ => None,
    }
}

/// What there is without a grant, and the line that would grant it.
fn instead(want: Want) -> &'static str {
    match want {
        Want::Files => "given none; `grants: { folders: { /lookup: ./lookup } }` would give a folder to read",
        Want::Environment => "given none; `grants: { environment: { NAME: value } }` would give one",
        Want::Clock => "given the time of its call; `grants: { clock: true }` would give the system's",
        Want::Random => "given the same ones each time; `grants: { random: true }` would give the system's",
        Want::Output => "given the log",
        Want::Sockets => "given none; a call fails, and nothing grants them",
    }
}
