//! Change events from the system, boiled down to hints.
//!
//! Invariants: what is kept between two looks is bounded by what is watched, however fast events come and however
//! long the reader waits for its pipelines; a hint is never the only way to learn of a change.
//!
//! `linemux` watches files, and a directory only for a file that is not there yet. So every directory of interest
//! is watched through a name that nobody uses. Its line reader is not used: it reads lines as `String`s one by
//! one, forgets offsets and gives up a file that is renamed.
//!
//! It cannot stop watching a path. When most of what it watches is of no interest any more, it is built anew.
//!
//! Every write of a watched file is two events, through two threads and a `stat`. A writer of 100,000 lines a
//! second would cost half a core to be told what a look every ten milliseconds finds as well; so when events come
//! in a flood they are turned off for a while.

use crate::causes;
use std::collections::{BTreeSet, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use linemux::MuxedEvents;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Watched for so that its directory is.
const NOBODY: &str = ".millstream-watches-this-directory";

/// How long to go on without events before they are tried again.
const RETRY: Duration = Duration::from_secs(60);

/// The most paths watched. Watches are a resource all programs of a user share; what is more is polled.
const MAX_WATCHED: usize = 16 << 10;

/// Paths of no interest that may stay watched.
const SLACK: usize = 1024;

/// So many events ...
const FLOOD: u32 = 2000;

/// ... in so short a time cost more than looking.
const FLOOD_WITHIN: Duration = Duration::from_millis(100);

/// How long to look instead of listening; doubled while every attempt to listen ends in a flood.
const LOOKING: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60));

/// How often to look meanwhile: an added line should not wait much longer than with events.
const LOOK: Duration = Duration::from_millis(10);

/// Every how many looks to look for new and renamed files.
const LOOKS_PER_LISTING: u32 = 20;

/// Up to how many files all are looked at in a flood; of more, only those that caused it.
const MAX_LOOKED_AT: usize = 256;

/// What to look at.
#[derive(Debug, Default)]
pub struct News {
    /// Files that changed.
    pub changed: HashSet<PathBuf>,
    /// Files came, went or were renamed: globs may find others than before.
    pub listing: bool,
    /// A file nobody asked for changed in a watched directory: perhaps one that was renamed.
    pub strangers: bool,
    /// Events may have been lost: look at everything.
    pub everything: bool,
}

impl News {
    fn is_empty(&self) -> bool {
        self.changed.is_empty() && !self.listing && !self.strangers && !self.everything
    }
}

/// Hints on their way from the system to the reader, and orders on their way back.
#[derive(Debug, Default)]
pub struct Hints {
    state: Mutex<State>,
    news: Notify,
    orders: Notify,
}

#[derive(Debug, Default)]
struct State {
    news: News,
    wanted: BTreeSet<PathBuf>,
    /// Watches could not be set; they are tried again.
    deaf: bool,
    /// Changes came without events. For good: a look by the second costs little, and mounts seldom learn to talk.
    blind: bool,
    renew: bool,
    /// Events are turned off because of their number.
    flooded: bool,
}

impl Hints {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is something to look at.
    pub async fn wait(&self) {
        self.news.notified().await;
    }

    /// What has come since the last call.
    #[must_use]
    pub fn take(&self) -> News {
        std::mem::take(&mut self.state().news)
    }

    /// Whether events cannot be relied on: the reader should look by itself, often.
    #[must_use]
    pub fn is_deaf(&self) -> bool {
        let state = self.state();
        state.deaf || state.blind
    }

    /// Says what to watch: these files and directories and no others.
    pub fn want<'a>(&self, files: impl Iterator<Item = &'a Path>, folders: impl Iterator<Item = &'a Path>) {
        let wanted = folders
            .map(|folder| folder.join(NOBODY))
            .chain(files.map(Path::to_owned))
            .collect();
        let mut state = self.state();
        if state.wanted != wanted {
            state.wanted = wanted;
            self.orders.notify_one();
        }
    }

    /// Says that a change came without an event: the watches are to be set anew.
    pub fn missed(&self, path: &Path) {
        let mut state = self.state();
        if !state.flooded && !std::mem::replace(&mut state.blind, true) {
            tracing::warn!(file = %path.display(), "it grew and no event came: looking at all files by the second");
            // A directory that was removed and made again is no longer watched.
            state.renew = true;
            self.orders.notify_one();
        }
    }

    fn add(&self, note: impl FnOnce(&mut News)) {
        let mut state = self.state();
        note(&mut state.news);
        if !state.news.is_empty() {
            self.news.notify_one();
        }
    }

    fn deafen(&self, error: &io::Error) {
        self.add(|news| news.everything = true);
        let mut state = self.state();
        if !std::mem::replace(&mut state.deaf, true) {
            tracing::warn!(
                error = causes::told(error),
                "files cannot be watched for changes: looking at all of them by the second \
                 (is fs.inotify.max_user_watches or max_user_instances reached?)"
            );
        }
    }
}

/// Watches what `hints` wants. Ends never.
pub async fn watch(hints: &Hints) {
    let (shortest, longest) = LOOKING;
    let mut pause = shortest;
    loop {
        let begun = Instant::now();
        let end = match MuxedEvents::new() {
            Ok(mut events) => serve(&mut events, hints).await,
            Err(error) => {
                hints.deafen(&error);
                End::Renew
            }
        };
        if let End::Flood(hot) = end {
            pause = if begun.elapsed() < pause {
                (pause * 2).min(longest)
            } else {
                shortest
            };
            look_instead(hints, hot, pause).await;
            continue;
        }
        if hints.state().deaf {
            sleep_until(begun + RETRY).await;
            hints.state().deaf = false;
        }
    }
}

/// Why the life of an event queue ended.
#[derive(Debug)]
enum End {
    /// It should be built anew.
    Renew,
    /// These files change so often that looking is cheaper.
    Flood(HashSet<PathBuf>),
}

/// Hints by the clock.
async fn look_instead(hints: &Hints, hot: HashSet<PathBuf>, pause: Duration) {
    let until = Instant::now() + pause;
    let (mut looks, mut files) = (0u32, hot);
    hints.state().flooded = true;
    while Instant::now() < until {
        if looks % LOOKS_PER_LISTING == 0 {
            let state = hints.state();
            let all = state.wanted.iter().filter(|path| !path.ends_with(NOBODY));
            if all.clone().count() <= MAX_LOOKED_AT {
                files = all.cloned().collect();
            }
        }
        hints.add(|news| {
            news.changed.extend(files.iter().cloned());
            news.listing |= looks % LOOKS_PER_LISTING == 0;
        });
        looks = looks.wrapping_add(1);
        sleep_until(Instant::now() + LOOK).await;
    }
    hints.state().flooded = false;
}

/// One life of the event queue.
async fn serve(events: &mut MuxedEvents, hints: &Hints) -> End {
    let mut meter = Meter::new();
    let mut added = HashSet::new();
    let mut retry: Option<Instant> = None;
    loop {
        let wanted = {
            let mut state = hints.state();
            if std::mem::take(&mut state.renew) || added.len() > 2 * state.wanted.len() + SLACK {
                return End::Renew;
            }
            state.wanted.clone()
        };
        if let Err(error) = add(events, &mut added, wanted).await {
            hints.deafen(&error);
            retry.get_or_insert_with(|| Instant::now() + RETRY);
        }
        // What changed before it was watched.
        hints.add(|news| news.everything = true);
        loop {
            tokio::select! {
                () = hints.orders.notified() => break,
                () = sleep_until(retry.unwrap_or_else(Instant::now)), if retry.is_some() => return End::Renew,
                alive = next(events, hints, &mut meter.hot), if !added.is_empty() => if !alive { return End::Renew },
            }
            if meter.floods() {
                return End::Flood(meter.hot);
            }
        }
    }
}

/// Counts events.
#[derive(Debug)]
struct Meter {
    since: Instant,
    events: u32,
    /// The files they were about.
    hot: HashSet<PathBuf>,
}

impl Meter {
    /// Whether so many have come that they are a flood. Looks at the clock once per [`FLOOD`] events.
    fn floods(&mut self) -> bool {
        self.events += 1;
        if self.events < FLOOD {
            return false;
        }
        let flood = self.since.elapsed() < FLOOD_WITHIN;
        if !flood {
            *self = Self::new();
        }
        flood
    }

    fn new() -> Self {
        Self {
            since: Instant::now(),
            events: 0,
            hot: HashSet::new(),
        }
    }
}

/// Watches what is wanted and not yet watched; what cannot be is tried again at the next call.
async fn add(
    events: &mut MuxedEvents,
    added: &mut HashSet<PathBuf>,
    wanted: BTreeSet<PathBuf>,
) -> io::Result<()> {
    let mut failed = None;
    for path in wanted {
        if added.contains(&path) {
            continue;
        }
        if added.len() >= MAX_WATCHED {
            failed = Some(io::Error::other(
                "too many files and directories to watch them all",
            ));
            break;
        }
        match events.add_file(&path).await {
            Ok(_) => {
                added.insert(path);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => failed = Some(error),
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Takes one event and notes the files it is about as `hot`; false when there will be no more.
async fn next(events: &mut MuxedEvents, hints: &Hints, hot: &mut HashSet<PathBuf>) -> bool {
    match events.next_event().await {
        Ok(Some(event)) => {
            if !event.kind.is_access() {
                hints.add(|news| {
                    news.everything |= event.need_rescan();
                    // Renames carry a number that ties their two halves together.
                    news.listing |=
                        event.kind.is_create() || event.kind.is_remove() || event.tracker().is_some();
                    news.strangers |= event.paths.is_empty() && event.kind.is_modify();
                    for path in event.paths {
                        if !hot.contains(&path) {
                            hot.insert(path.clone());
                        }
                        news.changed.insert(path);
                    }
                });
            }
            true
        }
        Ok(None) => false,
        Err(error) => {
            tracing::debug!(error = causes::told(&error), "an event could not be read");
            hints.add(|news| news.everything = true);
            true
        }
    }
}

#[cfg(test)]
mod tests;
