//! The output rows of a call.
//!
//! Single lines that need no change are copied in runs, as many as lie next to each other: at one copy per line,
//! the calls would cost more than the bytes. When the whole output turns out to be the batch itself, nothing is
//! sent back at all.

use crate::open::Open;
use millstream_stage::{Output, TextColumn};
use std::ops::Range;

static NO_LINES: TextColumn = TextColumn::new();

/// Output under construction.
pub(crate) struct Joined<'a> {
    lines: &'a TextColumn,
    first_id: u64,
    /// None where no block can need another time than its first row's.
    timestamps: Option<&'a [i64]>,
    trim: bool,
    /// Rows that come out as they are and are not copied yet.
    run: Range<usize>,
    edit: Edit,
}

/// Finished columns.
#[derive(Debug, Default)]
pub(crate) struct Edit {
    origins: Vec<u64>,
    lines: TextColumn,
    timestamps: Vec<i64>,
    /// Whether some row's timestamp is not its origin's.
    restamped: bool,
    /// Whether the output is the batch, row by row.
    untouched: bool,
}

impl<'a> Joined<'a> {
    pub(crate) fn new(
        lines: &'a TextColumn,
        first_id: u64,
        timestamps: Option<&'a [i64]>,
        trim: bool,
    ) -> Self {
        let edit = Edit {
            origins: Vec::with_capacity(lines.len()),
            lines: TextColumn::with_capacity(lines.len(), lines.bytes().len()),
            timestamps: Vec::with_capacity(timestamps.map_or(0, <[i64]>::len)),
            ..Edit::default()
        };
        Self {
            lines,
            first_id,
            timestamps,
            trim,
            run: 0..0,
            edit,
        }
    }

    /// The output of a call without a batch: blocks whose text was carried here.
    pub(crate) fn of_held<'b>(blocks: impl Iterator<Item = (&'b [u64], &'b Open)>, stamped: bool) -> Edit {
        let mut joined = Joined::new(&NO_LINES, 0, stamped.then_some(&[]), false);
        for (ids, open) in blocks {
            joined.block(ids, open);
        }
        joined.edit
    }

    #[inline]
    pub(crate) fn line(&self, row: usize) -> &'a str {
        self.lines.get(row)
    }

    #[inline]
    pub(crate) fn id(&self, row: usize) -> u64 {
        self.first_id + row as u64
    }

    #[inline]
    pub(crate) fn timestamp(&self, row: usize) -> i64 {
        self.timestamps
            .and_then(|all| all.get(row))
            .copied()
            .unwrap_or_default()
    }

    /// A row that belongs to no block.
    #[inline]
    pub(crate) fn pass(&mut self, row: usize) {
        self.origin(self.id(row), self.timestamp(row));
        self.as_it_is(row);
    }

    /// A complete block; a spent one has no rows and puts nothing out.
    #[inline(always)]
    pub(crate) fn block(&mut self, ids: &[u64], open: &Open) {
        let Some(origin) = ids.first() else { return };
        self.origin(*origin, open.timestamp);
        self.edit.restamped |= open.carries_on;
        if let ([id], 0) = (ids, open.carried) {
            let row = self.row_of(*id);
            if self.part(row).len() == self.lines.get(row).len() {
                self.as_it_is(row);
                return;
            }
        }
        self.copy_run();
        self.edit.lines.append(&open.text);
        for (i, id) in ids.iter().enumerate().skip(open.carried) {
            if i > 0 {
                self.edit.lines.append("\n");
            }
            let part = self.part(self.row_of(*id));
            self.edit.lines.append(part);
        }
        self.edit.lines.end_value();
    }

    /// Saves the lines of this batch that an incomplete block took, before the batch goes.
    pub(crate) fn carry(&self, ids: &[u64], open: &mut Open) {
        for (i, id) in ids.iter().enumerate().skip(open.carried) {
            if i > 0 {
                open.text.push('\n');
            }
            open.text.push_str(self.part(self.row_of(*id)));
        }
        open.carried = ids.len();
    }

    /// The columns of a batch of `rows` rows.
    pub(crate) fn finish(mut self, rows: usize) -> Edit {
        if self.run == (0..rows) && self.edit.origins.len() == rows && !self.edit.restamped {
            self.edit.untouched = true;
        } else {
            self.copy_run();
        }
        self.edit
    }

    #[inline]
    fn origin(&mut self, id: u64, timestamp: i64) {
        self.edit.origins.push(id);
        if self.timestamps.is_some() {
            self.edit.timestamps.push(timestamp);
        }
    }

    #[inline]
    fn as_it_is(&mut self, row: usize) {
        if self.run.end != row {
            self.copy_run();
            self.run = row..row;
        }
        self.run.end = row + 1;
    }

    fn copy_run(&mut self) {
        self.edit
            .lines
            .push_rows(self.lines, std::mem::take(&mut self.run));
    }

    /// The row of this batch with that id.
    #[inline]
    fn row_of(&self, id: u64) -> usize {
        (id - self.first_id) as usize
    }

    /// A line as it goes into a block.
    #[inline(always)]
    fn part(&self, row: usize) -> &'a str {
        let line = self.lines.get(row);
        match line.as_bytes().last() {
            Some(b'\n' | b'\r') if self.trim => line.trim_end_matches(['\r', '\n']),
            _ => line,
        }
    }
}

impl Edit {
    /// Hands the columns over.
    pub(crate) fn put(self, out: &mut Output) {
        if self.untouched {
            return;
        }
        out.set_origins(self.origins);
        out.set_lines(self.lines);
        if self.restamped {
            out.set_timestamps(self.timestamps);
        }
    }
}
