//! Reading files in turns and handing their lines on.
//!
//! Invariants: no file is read further than the pipelines take it; a file gets at most [`TURN`] bytes per turn, and none while
//! its worker has no room, so neither a hot file nor a slow worker starves the others; while a parcel waits for a pipeline, files
//! that appear are still opened.
//!
//! One task and no thread per file: the disk is read in large pieces from the page cache, which is faster than
//! any hand-over, and an order among files (a rotated one before its successor) comes for free.

use std::future::ready;
use std::io;
use std::pin::pin;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::identity::FileId;
use super::lines::{Lines, Rows};
use super::stamps::{Stamps, wall};
use super::table::Table;
use super::tail::{CHUNK, Step};
use crate::sources::{LogParcel, Outlet};

/// How much of a file is read before it is the next one's turn: a few full parcels.
const TURN: usize = 4 * CHUNK;

/// Reading is over: the source was stopped, or its pipelines were.
#[derive(Debug)]
struct Over;

/// Reads the files of a table.
#[derive(Debug)]
pub struct Reader {
    table: Table,
    outlet: Outlet,
    rest: CancellationToken,
    stop: CancellationToken,
    /// It reads out what nobody else can: then it waits for the pipelines.
    parting: bool,
    buffer: Vec<u8>,
    rows: Rows,
    stamps: Stamps,
}

impl Reader {
    /// A reader that pours into `outlet` until `rest`, or, whatever it is doing, `stop`.
    #[must_use]
    pub fn new(table: Table, outlet: Outlet, rest: CancellationToken, stop: CancellationToken) -> Self {
        Self {
            table,
            outlet,
            rest,
            stop,
            parting: false,
            buffer: Vec::new(),
            rows: Rows::new(),
            stamps: Stamps::new(wall),
        }
    }

    /// Reads until it is stopped.
    pub async fn run(mut self) {
        // Both ends are told to the one who stops: nothing is left to do.
        let Err(Over) = self.read_all().await;
        if self.rest.is_cancelled() {
            // A parcel that no pipeline has taken is read again by whoever goes on from here.
            let (Ok(()) | Err(Over)) = self.read_out().await;
            self.table.close_all();
        }
    }

    /// Reads files that have no name any more to their end: whoever reads on from here cannot open them.
    async fn read_out(&mut self) -> Result<(), Over> {
        self.parting = true;
        for id in self.table.deleted() {
            while self.table.look(id)
                && self
                    .table
                    .files
                    .get(&id)
                    .is_some_and(|entry| entry.tail.has_unread())
            {
                self.turn(id).await?;
            }
            self.finish(id).await?;
        }
        Ok(())
    }

    async fn read_all(&mut self) -> Result<std::convert::Infallible, Over> {
        loop {
            if self.rest.is_cancelled() || self.stop.is_cancelled() {
                return Err(Over);
            }
            self.table.catch_up();
            self.table.follow_renames();
            for id in std::mem::take(&mut self.table.leaving) {
                self.see_off(id).await?;
            }
            while let Some(id) = self.table.ready.due(Instant::now()) {
                self.flush(id).await?;
            }
            if let Some(id) = self.next() {
                self.turn(id).await?;
                // Lets events be taken while there is always something to read.
                tokio::task::yield_now().await;
                continue;
            }
            let scan = self.table.scan_at;
            let wake = self.table.ready.next_due().map_or(scan, |due| due.min(scan));
            let full: Vec<u32> = self.table.ready.lanes_aside().collect();
            tokio::select! {
                () = self.stop.cancelled() => return Err(Over),
                () = self.rest.cancelled() => return Err(Over),
                () = self.outlet.wait_for_room(full) => {}
                () = self.table.parts.hints.wait() => {}
                () = sleep_until(wake) => {}
            }
        }
    }

    /// Whose turn it is; those whose workers have no room are set aside.
    fn next(&mut self) -> Option<FileId> {
        let outlet = &self.outlet;
        if let Some(id) = self.table.ready.pop_aside(|lane| outlet.has_room(lane)) {
            return Some(id);
        }
        while let Some(id) = self.table.ready.pop() {
            match self.lane(id) {
                Some(lane) if !self.outlet.has_room(lane) => {
                    self.table.ready.set_aside(self.outlet.way(lane), lane, id);
                }
                _ => return Some(id),
            }
        }
        None
    }

    /// The lane of a file; none when it is not open any more.
    fn lane(&mut self, id: FileId) -> Option<u32> {
        let entry = self.table.files.get(&id)?;
        if entry.lane.is_some() {
            return entry.lane;
        }
        let open = self.table.files.values().map(|entry| entry.label.as_str());
        let lane = self.outlet.lanes().of(&entry.label, open);
        self.table.files.get_mut(&id)?.lane = Some(lane);
        Some(lane)
    }

    /// Whether a parcel of a file would have to wait.
    fn is_full(&mut self, id: FileId) -> bool {
        self.lane(id).is_some_and(|lane| self.outlet.is_full(lane))
    }

    /// Reads a piece of a file.
    async fn turn(&mut self, id: FileId) -> Result<(), Over> {
        if self.table.must_wait(id) {
            self.table.ready.push(id);
            return Ok(());
        }
        if !self.table.look(id) {
            return Ok(());
        }
        if self.table.must_wait(id) {
            // It was truncated, and a copy of what it held is to be read first.
            self.table.ready.push(id);
            return Ok(());
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let more = self.read_some(id, &mut buffer).await?;
        self.buffer = buffer;
        self.send(id).await?;
        let Some(entry) = self.table.files.get_mut(&id) else {
            return Ok(());
        };
        entry.metrics.at(entry.tail.size(), entry.tail.position());
        if entry.tail.unpacked().is_some() {
            self.finish(id).await?;
            self.table.spend(id);
        } else if more {
            self.table.ready.push(id);
        } else {
            self.remind(id);
        }
        Ok(())
    }

    /// Reads up to a turn's worth; returns whether there is more.
    async fn read_some(&mut self, id: FileId, buffer: &mut Vec<u8>) -> Result<bool, Over> {
        let limit = self.table.parts.limit;
        let mut left = TURN;
        while left > 0 {
            let Some(entry) = self.table.files.get_mut(&id) else {
                return Ok(false);
            };
            let tail = &mut entry.tail;
            let before = tail.position();
            match tail.read(buffer, limit) {
                Ok(Step::End | Step::Partial(_)) => {
                    self.table.no_trouble(id);
                    return Ok(false);
                }
                // Passing over packed text takes its time too.
                Ok(Step::Passed(bytes)) => left = left.saturating_sub(bytes),
                Ok(Step::Lines(length)) => {
                    let (offset, codec) = (tail.offset(), tail.codec());
                    let mut lines = Lines::new(&buffer[..length], offset, codec, limit);
                    let mut waited = false;
                    while lines.fill(&mut self.rows) {
                        waited |= self.send(id).await?;
                        if self.is_full(id) {
                            // The others need not wait for this one's worker.
                            let taken = lines.taken();
                            if let Some(entry) = self.table.files.get_mut(&id) {
                                entry.tail.advance(taken);
                            }
                            return Ok(true);
                        }
                    }
                    if let Some(entry) = self.table.files.get_mut(&id) {
                        entry.tail.advance(length);
                    }
                    if waited {
                        // It may have been truncated meanwhile: nothing more of it is read before the next look.
                        return Ok(true);
                    }
                }
                Ok(Step::Long(kept, end)) => {
                    let codec = tail.codec();
                    self.send(id).await?;
                    self.rows.push_kept(&kept, end, codec, limit);
                }
                Ok(Step::Binary) => {
                    self.table.pass_over(id);
                    return Ok(false);
                }
                Err(error) if tail.is_packed() && error.kind() == io::ErrorKind::InvalidData => {
                    self.table.spoil(id, &error);
                    return Ok(false);
                }
                Err(error) => {
                    let path = entry.path.clone();
                    self.table.trouble(&path, &error);
                    return Ok(false);
                }
            }
            let after = self
                .table
                .files
                .get(&id)
                .map_or(before, |entry| entry.tail.position());
            left = left.saturating_sub(
                usize::try_from(after.saturating_sub(before))
                    .unwrap_or(left)
                    .max(1),
            );
        }
        self.table.no_trouble(id);
        Ok(true)
    }

    /// Comes back when the unfinished line of a file has waited long enough.
    fn remind(&mut self, id: FileId) {
        let idle = self.table.parts.settings.idle_flush;
        let Some(entry) = self.table.files.get_mut(&id) else {
            return;
        };
        if !idle.is_zero() && entry.tail.is_unfinished() && !std::mem::replace(&mut entry.reminded, true) {
            self.table.ready.remind(entry.tail.grown() + idle, id);
        }
    }

    /// Hands the unfinished line of a file on, when it has waited long enough.
    async fn flush(&mut self, id: FileId) -> Result<(), Over> {
        let idle = self.table.parts.settings.idle_flush;
        if self.is_full(id) {
            // When it is its turn it is reminded of again.
            if let Some(entry) = self.table.files.get_mut(&id) {
                entry.reminded = false;
            }
            self.table.ready.push(id);
            return Ok(());
        }
        if !self.table.look(id) {
            return Ok(());
        }
        let Some(entry) = self.table.files.get_mut(&id) else {
            return Ok(());
        };
        entry.reminded = false;
        if entry.tail.grown() + idle > Instant::now() || entry.tail.has_unread() {
            // It has grown meanwhile; what it grew by is read first, and the reminder set anew then.
            self.table.ready.push(id);
            return Ok(());
        }
        self.finish(id).await
    }

    /// Takes the unfinished line of a file as it is.
    async fn finish(&mut self, id: FileId) -> Result<(), Over> {
        let limit = self.table.parts.limit;
        let Some(entry) = self.table.files.get_mut(&id) else {
            return Ok(());
        };
        match entry.tail.finish(&mut self.buffer, limit) {
            Ok(Step::Partial(length)) => {
                let (end, codec) = (entry.tail.offset(), entry.tail.codec());
                self.rows.push_raw(&self.buffer[..length], end, codec, limit);
            }
            Ok(Step::Long(kept, end)) => self.rows.push_kept(&kept, end, entry.tail.codec(), limit),
            Ok(Step::Binary) => self.table.pass_over(id),
            Ok(Step::End | Step::Passed(_) | Step::Lines(_)) => {}
            Err(error) => {
                let path = entry.path.clone();
                self.table.trouble(&path, &error);
            }
        }
        self.send(id).await.map(drop)
    }

    /// Closes a file that is gone, unless it is not read to its end after all.
    async fn see_off(&mut self, id: FileId) -> Result<(), Over> {
        let readable = self.table.look(id);
        let Some(entry) = self.table.files.get(&id).filter(|entry| entry.is_gone()) else {
            return Ok(());
        };
        if readable && (entry.after.is_some() || entry.tail.has_unread()) {
            self.table.ready.push(id);
            return Ok(());
        }
        self.finish(id).await?;
        self.table.close(id);
        Ok(())
    }

    /// Hands on the rows at hand; returns whether the pipelines had to be waited for. Files that appear meanwhile are
    /// opened.
    async fn send(&mut self, id: FileId) -> Result<bool, Over> {
        let tally = self.rows.tally();
        let (lines, ends) = self.rows.take();
        let lane = self.lane(id).unwrap_or_default();
        let Some(entry) = self.table.files.get_mut(&id) else {
            return Ok(false);
        };
        entry.metrics.lines(ends.len(), tally);
        let Some(&sent) = ends.last() else {
            return Ok(false);
        };
        let timestamps = self.stamps.next(ends.len());
        let batch = millstream_batch::LogBatch {
            streams: vec![0; timestamps.len()],
            timestamps,
            lines,
            labels: vec![entry.labels.clone()],
            ..Default::default()
        };
        let parcel = LogParcel {
            source: 0,
            origin: entry.origin,
            batch,
            ends,
        };
        let Self {
            table,
            outlet,
            rest,
            stop,
            parting,
            ..
        } = self;
        // With one pipeline, what it has not taken nobody has: rest need not wait for it.
        let leaves_it = outlet.is_single() && !*parting;
        let mut sending = pin!(outlet.send(parcel, lane));
        let mut waited = false;
        loop {
            tokio::select! {
                biased;
                done = &mut sending => {
                    done.map_err(|_| Over)?;
                    if let Some(entry) = table.files.get_mut(&id) {
                        entry.sent = sent;
                    }
                    return Ok(waited);
                }
                () = ready(()), if !waited => waited = true,
                () = stop.cancelled() => return Err(Over),
                () = rest.cancelled(), if leaves_it => return Err(Over),
                () = table.parts.hints.wait() => table.catch_up(),
                () = sleep_until(table.scan_at) => table.catch_up(),
            }
        }
    }
}

#[cfg(test)]
mod tests;
