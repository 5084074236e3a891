//! Edit, build, cases, reload: one turn of the author's wheel.
//!
//! The wheel is turned by times of change, looked at ten times a second: a plugin has a few dozen files, editors write them in
//! every way there is (in place, by rename, through a swap file), and a look sees them all alike.

use std::time::{Duration, SystemTime};

use anyhow::{Context, bail};
use url::Url;

use super::folder::PluginFolder;
use super::sources::Sources;
use crate::transport::{self, ClientSettings};

/// How often to look.
const LOOK: Duration = Duration::from_millis(100);

/// How long an agent may take to answer a reload: it drains and compiles first.
const ANSWER: Duration = Duration::from_secs(60);

/// Waits until something has changed and is quiet, and answers when it changed.
pub async fn changed(folder: &PluginFolder, known: &mut Sources) -> SystemTime {
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let seen = Sources::of(folder);
        if seen == *known {
            continue;
        }
        // A file that went has no time of its own.
        let edited = seen
            .files
            .iter()
            .filter(|file| !known.files.contains(file))
            .map(|(_, changed)| *changed)
            .max();
        *known = seen;
        return edited.unwrap_or_else(SystemTime::now);
    }
}

/// Tells a running agent to read its manifest and plugins again.
///
/// # Errors
/// When it cannot be reached, or says no.
pub async fn reload(agent: &Url) -> anyhow::Result<()> {
    let address = agent
        .join("/-/reload")
        .context("cannot make the address of the reload")?;
    let client = transport::client(&ClientSettings::default(), ANSWER)?;
    let answer = client
        .post(address)
        .send()
        .await
        .with_context(|| format!("cannot reach the agent at {agent}"))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let why = answer.text().await.unwrap_or_default();
    bail!("the agent does not reload ({status}): {}", why.trim())
}
