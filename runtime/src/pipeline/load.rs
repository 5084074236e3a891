//! The plugins of a manifest: got, compiled, given what they are granted.

use std::collections::BTreeMap;
use std::thread;

use millstream_plugin_host::{About, GrantError, Host, LoadError, Plugin, inspect};
use thiserror::Error;

use super::plan::{deep, joined, no_thread};
use crate::manifest::{Manifest, ManifestError, ManifestErrors, PluginEntry, PluginOrigin};
use crate::plugins::{self, ComponentError, Library, Source};

/// What is known of a plugin once it is loaded.
#[derive(Debug)]
pub struct Loaded {
    /// From where its component was had.
    pub source: Source,
    /// What it says of itself; nobody asks a bundled one.
    pub about: Option<About>,
}

/// A plugin that cannot be loaded.
#[derive(Debug, Error)]
enum Fault {
    #[error(transparent)]
    Component(#[from] ComponentError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Grant(#[from] GrantError),
}

/// The plugins by name, and what is known of them.
pub(super) type Plugins = (BTreeMap<String, Plugin>, BTreeMap<String, Loaded>);

/// Loads the plugins that the manifest declares or runs, side by side.
pub(super) fn all(manifest: &Manifest, host: &Host, library: &Library) -> Result<Plugins, ManifestErrors> {
    let (mut plugins, mut origins) = (BTreeMap::new(), BTreeMap::new());
    let mut faults = Vec::new();
    thread::scope(|scope| {
        let loading: Vec<_> = manifest
            .plugins
            .iter()
            .map(|(name, entry)| {
                let work = move || load(host, library, name, entry);
                (name, entry, deep(scope, "plugin-load", work))
            })
            .collect();
        for (name, entry, thread) in loading {
            match joined(thread) {
                Ok(Ok((plugin, loaded))) => {
                    plugins.insert(name.clone(), plugin);
                    origins.insert(name.clone(), loaded);
                }
                Ok(Err(cause)) => faults.push(told(manifest, name, entry, cause)),
                Err(cause) => faults.push(no_thread(manifest, entry.place, cause)),
            }
        }
    });
    if faults.is_empty() {
        Ok((plugins, origins))
    } else {
        Err(ManifestErrors::new(faults))
    }
}

fn load(host: &Host, library: &Library, name: &str, entry: &PluginEntry) -> Result<(Plugin, Loaded), Fault> {
    let component = plugins::component(name, entry, library)?;
    let plugin = host.load(name, &component.wasm)?.with_grants(&entry.grants)?;
    let loaded = Loaded {
        source: component.source,
        about: match component.source {
            Source::Bundled => None,
            _ => Some(inspect(&component.wasm)?),
        },
    };
    Ok((plugin, loaded))
}

/// A fault at the key it is about, with what to do.
fn told(manifest: &Manifest, name: &str, entry: &PluginEntry, fault: Fault) -> ManifestError {
    let origin = match entry.origin {
        PluginOrigin::Bundled => None,
        PluginOrigin::File(_) => Some("path"),
        PluginOrigin::Url(..) => Some("url"),
        PluginOrigin::Image(..) => Some("oci"),
    };
    let (key, fix): (Vec<&str>, String) = match &fault {
        Fault::Component(ComponentError::Other { found, .. }) => (
            vec!["sha256"],
            format!("if this is the component you mean, write `sha256: {found}`"),
        ),
        Fault::Component(ComponentError::Store { .. } | ComponentError::Runtime(_)) => (
            Vec::new(),
            "look at the storage path: its rights, its room".into(),
        ),
        Fault::Component(ComponentError::Fetch { .. } | ComponentError::Pull { .. }) => (
            origin.into_iter().collect(),
            "correct the address, or fetch it where it can be reached and write `path`".into(),
        ),
        Fault::Grant(grant) => (
            vec!["grants", "folders", &grant.name],
            "make the folder, or correct its path".into(),
        ),
        Fault::Load(LoadError::Import { interfaces, .. }) => (Vec::new(), without(interfaces)),
        Fault::Component(ComponentError::Read { .. }) | Fault::Load(_) => match origin {
            Some("path") => (Vec::new(), "build the plugin, or correct `path`".into()),
            Some(_) => (Vec::new(), "fetch another component".into()),
            None => (
                Vec::new(),
                "this build does not hold the plugin: report it".into(),
            ),
        },
    };
    let mut steps = vec!["plugins", name];
    steps.extend(key);
    let place = manifest.place_of(&steps).unwrap_or(entry.place);
    manifest
        .error_at(place, format!("plugin `{name}` cannot be used"), fix)
        .because(fault)
}

/// How to do without imports that no grant gives.
fn without(interfaces: &[String]) -> String {
    let http = interfaces.iter().any(|name| name.starts_with("wasi:http/"));
    let how = if http {
        ", for JavaScript with `--disable http`"
    } else {
        ""
    };
    format!(
        "build it without them{how}; `grants` can give folders, environment, clock and random, and nothing wider"
    )
}
