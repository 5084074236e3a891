//! Carrying out a checked edit: batch and held rows in, output and held rows out.
//!
//! Columns that nobody touched move without a copy; rows are gathered only when the edit names origins.

use std::collections::HashMap;
use std::sync::Arc;

use crate::derived::put;
use crate::edit::Edit;
use crate::field::Field;
use crate::labels::Labels;
use crate::log_batch::LogBatch;
use crate::text::TextColumn;

/// The rows a stage keeps back, with all their columns, so that they can be output later or fed again.
#[derive(Clone, Debug, Default)]
pub struct Held {
    ids: Vec<u64>,
    rows: LogBatch,
}

impl Held {
    /// Their ids at the stage, ascending.
    #[must_use]
    pub fn ids(&self) -> &[u64] {
        &self.ids
    }

    /// Their columns, in the order of `ids`.
    #[must_use]
    pub fn rows(&self) -> &LogBatch {
        &self.rows
    }

    /// The columns alone: what is fed to a fresh instance.
    #[must_use]
    pub fn into_rows(self) -> LogBatch {
        self.rows
    }

    /// Where row `id` stands in held rows followed by batch rows.
    pub(crate) fn place(&self, id: u64, first_id: u64) -> Option<usize> {
        if id >= first_id {
            Some(self.ids.len() + usize::try_from(id - first_id).ok()?)
        } else {
            self.ids.binary_search(&id).ok()
        }
    }
}

/// The result of an edit.
#[derive(Debug, Default)]
pub struct Applied {
    /// What goes on to the next stage.
    pub output: LogBatch,
    /// What stays with this one.
    pub held: Held,
    /// Sequence numbers of rows that are in neither. Each of them and not the lowest alone: the rows of a batch may stem
    /// from several files, and the lowest of one says nothing of another.
    pub vanished: Vec<u64>,
    /// How many rows vanished.
    pub vanished_rows: usize,
}

/// Applies an edit that [`Edit::check`] has let through.
#[must_use]
pub fn apply(mut batch: LogBatch, first_id: u64, held: Held, mut edit: Edit) -> Applied {
    let Some(origins) = edit.origins.clone() else {
        return in_place(batch, first_id, held, edit);
    };
    let scope = Scope {
        held: &held,
        batch: &batch,
    };
    let places: Vec<usize> = origins
        .iter()
        .filter_map(|&id| held.place(id, first_id))
        .collect();
    let kept: Vec<usize> = edit
        .held
        .iter()
        .filter_map(|&id| held.place(id, first_id))
        .collect();
    let (vanished, vanished_rows) = scope.vanished(places.iter().chain(&kept).copied());
    let next_held = Held {
        ids: edit.held.clone(),
        rows: scope.gather(&kept, &Edit::default()),
    };
    std::mem::take(&mut edit.derived).overlay(&mut batch);
    let scope = Scope {
        held: &held,
        batch: &batch,
    };
    let mut output = scope.gather(&places, &edit);
    overwrite(&mut output, edit);
    Applied {
        output,
        held: next_held,
        vanished,
        vanished_rows,
    }
}

/// No origins: the output is the batch itself with columns replaced.
fn in_place(mut batch: LogBatch, first_id: u64, held: Held, mut edit: Edit) -> Applied {
    let scope = Scope {
        held: &held,
        batch: &batch,
    };
    let kept: Vec<usize> = edit
        .held
        .iter()
        .filter_map(|&id| held.place(id, first_id))
        .collect();
    let batch_places = held.ids.len()..held.ids.len() + batch.len();
    let (vanished, vanished_rows) = scope.vanished(kept.iter().copied().chain(batch_places));
    let next_held = Held {
        ids: edit.held.clone(),
        rows: scope.gather(&kept, &Edit::default()),
    };
    std::mem::take(&mut edit.derived).overlay(&mut batch);
    overwrite(&mut batch, edit);
    Applied {
        output: batch,
        held: next_held,
        vanished,
        vanished_rows,
    }
}

/// Puts the edit's columns in place of the output's.
fn overwrite(output: &mut LogBatch, edit: Edit) {
    if let Some(lines) = edit.lines {
        output.lines = lines;
    }
    if let Some(timestamps) = edit.timestamps {
        output.timestamps = timestamps;
    }
    if let Some(labels) = edit.labels {
        output.labels = labels;
    }
    if let Some(streams) = edit.streams {
        output.streams = streams;
    }
    for (columns, set) in [
        (&mut output.fields, edit.set_fields),
        (&mut output.metadata, edit.set_metadata),
    ] {
        for field in set {
            put(columns, field);
        }
    }
}

/// The rows in scope of a call: those held before, then those of the batch.
struct Scope<'a> {
    held: &'a Held,
    batch: &'a LogBatch,
}

impl<'a> Scope<'a> {
    /// The sequence numbers (see [`Applied::vanished`]) and number of rows that `named` does not name.
    fn vanished(&self, named: impl Iterator<Item = usize>) -> (Vec<u64>, usize) {
        let former = self.held.ids.len();
        let mut there = vec![false; former + self.batch.len()];
        for place in named {
            there[place] = true;
        }
        let gone = || (0..there.len()).filter(|&place| !there[place]);
        let seq_of = |place| {
            let (batch, row) = self.row(place);
            batch.seqs.get(row).copied()
        };
        (gone().filter_map(seq_of).collect(), gone().count())
    }

    fn row(&self, place: usize) -> (&'a LogBatch, usize) {
        match place.checked_sub(self.held.ids.len()) {
            Some(row) => (self.batch, row),
            None => (&self.held.rows, place),
        }
    }

    /// The rows at `places` with the columns that `edit` does not set.
    fn gather(&self, places: &[usize], edit: &Edit) -> LogBatch {
        let mut output = LogBatch::default();
        if places.is_empty() {
            return output;
        }
        output.seqs = self.column(places, |batch| &batch.seqs);
        output.timestamps = self.column(places, |batch| &batch.timestamps);
        if edit.lines.is_none() {
            let bytes = places
                .iter()
                .map(|&place| self.row(place))
                .map(|(b, row)| b.lines.get_bytes(row).len())
                .sum();
            output.lines = TextColumn::with_capacity(places.len(), bytes);
            for &place in places {
                let (batch, row) = self.row(place);
                output.lines.push_from(&batch.lines, row);
            }
        }
        if edit.streams.is_none() || edit.labels.is_none() {
            self.gather_streams(places, &mut output);
        }
        output.fields = self.gather_fields(places, |batch| &batch.fields, &edit.set_fields);
        output.metadata = self.gather_fields(places, |batch| &batch.metadata, &edit.set_metadata);
        output
    }

    fn column<T: Copy + Default>(&self, places: &[usize], of: impl Fn(&LogBatch) -> &Vec<T>) -> Vec<T> {
        places
            .iter()
            .map(|&place| {
                let (batch, row) = self.row(place);
                of(batch).get(row).copied().unwrap_or_default()
            })
            .collect()
    }

    /// Streams of gathered rows. The batch's table comes first and unchanged, so that an edit's indices into it
    /// stay right; sets of held rows that it lacks follow.
    fn gather_streams(&self, places: &[usize], output: &mut LogBatch) {
        let former = self.held.ids.len();
        output.labels.clone_from(&self.batch.labels);
        let mut at: HashMap<Labels, u32> = HashMap::new();
        let mut moved: HashMap<u32, u32> = HashMap::new();
        if places.iter().any(|&place| place < former) {
            for (index, labels) in output.labels.iter().enumerate() {
                at.entry(labels.clone())
                    .or_insert(u32::try_from(index).unwrap_or(u32::MAX));
            }
        }
        output.streams = places
            .iter()
            .map(|&place| {
                let (batch, row) = self.row(place);
                let stream = batch.streams.get(row).copied().unwrap_or_default();
                if place >= former {
                    return stream;
                }
                *moved.entry(stream).or_insert_with(|| {
                    let labels = batch.labels_of(row);
                    *at.entry(labels.clone()).or_insert_with(|| {
                        output.labels.push(labels);
                        u32::try_from(output.labels.len() - 1).unwrap_or(u32::MAX)
                    })
                })
            })
            .collect();
    }

    fn gather_fields(
        &self,
        places: &[usize],
        of: impl Fn(&LogBatch) -> &Vec<Field>,
        set: &[Field],
    ) -> Vec<Field> {
        let mut names: Vec<Arc<str>> = Vec::new();
        for field in of(&self.held.rows).iter().chain(of(self.batch)) {
            if !names.contains(&field.name) && set.iter().all(|other| other.name != field.name) {
                names.push(field.name.clone());
            }
        }
        names
            .into_iter()
            .map(|name| {
                let in_held = of(&self.held.rows).iter().find(|field| field.name == name);
                let in_batch = of(self.batch).iter().find(|field| field.name == name);
                let rows = places
                    .iter()
                    .map(|&place| match place.checked_sub(self.held.ids.len()) {
                        Some(row) => in_batch.and_then(|field| field.get(row)),
                        None => in_held.and_then(|field| field.get(place)),
                    });
                Field::from_values(name, rows)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
