//! `multiline`: joins the lines of a block (a stack trace) into one entry.
//!
//! A block begins with a line that matches `firstline` and takes every line after it, of the same label set, until
//! the next such line, `max_lines`, or `max_wait_time` without a line. The entry it becomes has the timestamp,
//! labels, fields and metadata of its first line. Lines before the first block pass unchanged.
//!
//! States of a stream, with the event that leads to the next:
//! - none: a first line opens a block; any other line passes.
//! - open: a first line completes the block and opens the next; any other line joins; `max_lines` completes it.
//! - spent (after `max_lines`): the next line opens a block, a first line or not. If not, the block carries on the
//!   one before, so it gets that one's timestamp; its fields and metadata are those of its own first line.
//! - `max_wait_time` after the last line, open and spent both become none. A line that comes later still finds none,
//!   whether or not the host's call was on time.
//!
//! Invariants: a row is held as long as its block is incomplete. State follows from the held rows, so a fresh
//! instance that is fed them rebuilds the same blocks; but "spent" holds nothing: a block that carries on another
//! comes out line by line after a replay, as it does from Alloy after a restart.
//!
//! Compared with Alloy: the wait counts from when lines arrived here, and is the same for all lines of a batch; a
//! late line never carries on a block that was given up (there it depends on which of two timers is faster); an
//! empty first line still counts as a line; fields and metadata of a carried-on block are its own.

mod joined;
mod open;

use joined::Joined;
use millstream_pattern::Pattern;
use millstream_stage::{
    Batch, Block, Failure, GoDuration, Hold, Output, Refusal, Setup, Stage, export_stage,
};
use open::Open;

/// The settings, as in a manifest.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The pattern (RE2) of a block's first line.
    firstline: String,
    /// A block is complete at this many lines; 0 is unlimited.
    #[serde(default = "default_max_lines")]
    max_lines: u64,
    /// A block is complete when no line came for so long.
    #[serde(default = "default_max_wait_time")]
    max_wait_time: GoDuration,
    /// Whether line ends at the end of a line are cut off.
    #[serde(default = "default_trim_newlines")]
    trim_newlines: bool,
}

fn default_max_lines() -> u64 {
    128
}

fn default_max_wait_time() -> GoDuration {
    GoDuration::from_nanos(3_000_000_000)
}

fn default_trim_newlines() -> bool {
    true
}

/// The stage.
pub struct Multiline {
    firstline: Pattern,
    max_lines: u64,
    max_wait: i64,
    trim: bool,
    hold: Hold<Open>,
}

impl Stage for Multiline {
    type Settings = Settings;

    fn configure(settings: Settings, setup: &mut Setup) -> Result<Self, Refusal> {
        if settings.firstline.is_empty() {
            return Err(Refusal::setting(
                "firstline",
                "must not be empty: it would match every line",
            ));
        }
        let firstline =
            Pattern::new(&settings.firstline).map_err(|error| Refusal::setting("firstline", error))?;
        if settings.max_wait_time.nanos() <= 0 {
            return Err(Refusal::setting("max_wait_time", "must be greater than 0"));
        }
        setup.reads_lines().reads_labels().holds();
        if settings.max_lines > 0 {
            setup.reads_timestamps();
        }
        Ok(Self {
            firstline,
            max_lines: settings.max_lines,
            max_wait: settings.max_wait_time.nanos(),
            trim: settings.trim_newlines,
            hold: Hold::new(),
        })
    }

    fn process(&mut self, batch: &mut Batch<'_>, now: i64) -> Result<(), Failure> {
        let late = self.hold.take_due(now);
        self.hold.begin(batch)?;
        let timestamps = if self.max_lines > 0 {
            Some(batch.timestamps()?)
        } else {
            None
        };
        let mut joined = Joined::new(batch.lines()?, batch.id(0), timestamps, self.trim);
        for block in &late {
            joined.block(&block.ids, &block.value);
        }
        for (row, stream) in batch.streams()?.iter().enumerate() {
            self.row(&mut joined, row, *stream, now);
        }
        for stream in 0..batch.labels()?.len() {
            let place = self.hold.place(stream as u32);
            if let Some(block) = self.hold.get_mut(place) {
                joined.carry(&block.ids, &mut block.value);
            }
        }
        let edit = joined.finish(batch.len());
        edit.put(batch.output());
        self.hold.report(batch.output());
        Ok(())
    }

    fn tick(&mut self, out: &mut Output, now: i64) -> Result<(), Failure> {
        let due = self.hold.take_due(now);
        self.let_go(&due, out);
        Ok(())
    }

    fn flush(&mut self, out: &mut Output, _now: i64) -> Result<(), Failure> {
        let all = self.hold.take_all();
        self.let_go(&all, out);
        Ok(())
    }
}

impl Multiline {
    /// One line, by the state of its stream.
    #[inline]
    fn row(&mut self, joined: &mut Joined<'_>, row: usize, stream: u32, now: i64) {
        let place = self.hold.place(stream);
        let is_first = self.firstline.is_match(joined.line(row));
        let deadline = Some(now.saturating_add(self.max_wait));
        let Some(block) = self.hold.get_mut(place) else {
            if !is_first {
                joined.pass(row);
                return;
            }
            let mut block = Block {
                ids: vec![joined.id(row)],
                deadline,
                value: Open::at(joined.timestamp(row)),
            };
            if self.max_lines == 1 {
                joined.block(&block.ids, &block.value);
                block.ids.clear();
            }
            self.hold.insert(place, block);
            return;
        };
        if is_first {
            if !block.ids.is_empty() {
                joined.block(&block.ids, &block.value);
                block.ids.clear();
            }
            block.value.begin(joined.timestamp(row));
        } else if block.ids.is_empty() {
            block.value.carry_on();
        }
        block.ids.push(joined.id(row));
        block.deadline = deadline;
        if block.ids.len() as u64 == self.max_lines {
            joined.block(&block.ids, &block.value);
            block.ids.clear();
        }
    }

    fn let_go(&mut self, blocks: &[Block<Open>], out: &mut Output) {
        let edit = Joined::of_held(
            blocks.iter().map(|block| (block.ids.as_slice(), &block.value)),
            self.max_lines > 0,
        );
        edit.put(out);
        self.hold.report(out);
    }
}

export_stage!(Multiline);

#[cfg(test)]
mod tests;
