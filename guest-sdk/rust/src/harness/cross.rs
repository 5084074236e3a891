//! Rows to columns, as they cross into the sandbox, and an edit back onto rows.

use std::collections::{BTreeMap, BTreeSet};

use super::Row;
use super::check::Given;
use crate::contract::{self, Interest, LogBatch, LogEdit};
use crate::setup::EVERY;
use crate::{Field, LabelSets, Labels, TextColumn};

/// The label sets of rows in the order of their first appearance.
pub(super) fn distinct_labels(rows: &[Row]) -> Vec<Labels> {
    let mut sets: Vec<Labels> = Vec::new();
    for row in rows {
        if !sets.contains(&row.labels) {
            sets.push(row.labels.clone());
        }
    }
    sets
}

/// Only the columns of the interest.
pub(super) fn batch(first_id: u64, rows: &[Row], interest: &Interest) -> LogBatch {
    let mut sets = LabelSets::new();
    let mut streams = Vec::new();
    let mut timestamps = Vec::new();
    let mut lines = TextColumn::new();
    if interest.labels {
        let distinct = distinct_labels(rows);
        for set in &distinct {
            sets.push(set);
        }
        let place = |row: &Row| {
            distinct
                .iter()
                .position(|set| *set == row.labels)
                .unwrap_or_default() as u32
        };
        streams = rows.iter().map(place).collect();
    }
    if interest.timestamps {
        timestamps = rows.iter().map(|row| row.timestamp).collect();
    }
    if interest.lines {
        lines = rows.iter().map(|row| row.line.as_str()).collect();
    }
    LogBatch {
        first_id,
        rows: rows.len() as u32,
        timestamps,
        lines: lines.into_contract(),
        streams,
        labels: sets.into_contract(),
        fields: columns(rows, &interest.fields, |row| &row.fields),
        metadata: columns(rows, &interest.metadata, |row| &row.metadata),
    }
}

fn columns(
    rows: &[Row],
    wanted: &[String],
    of: impl Fn(&Row) -> &BTreeMap<String, String>,
) -> Vec<contract::Field> {
    let there: BTreeSet<&String> = rows.iter().flat_map(|row| of(row).keys()).collect();
    let every = wanted.iter().any(|name| name == EVERY);
    let crossing = there.into_iter().filter(|name| every || wanted.contains(name));
    crossing
        .map(|name| {
            let mut field = Field::new(name);
            for row in rows {
                field.push_option(of(row).get(name).map(String::as_str));
            }
            field.into_contract()
        })
        .collect()
}

/// The output rows of an edit that passed the checks.
pub(super) fn apply(given: &Given<'_>, edit: &LogEdit) -> Vec<Row> {
    let ids = given.origins(edit);
    let text = |column: &contract::TextColumn, row: usize| {
        let start = if row == 0 {
            0
        } else {
            column.ends[row - 1] as usize
        };
        String::from_utf8_lossy(&column.bytes[start..column.ends[row] as usize]).into_owned()
    };
    let labels = edit.labels.as_ref().map(sets);
    let mut out = Vec::with_capacity(ids.len());
    for (index, id) in ids.iter().enumerate() {
        let mut row = given.known[id].clone();
        if let Some(lines) = &edit.lines {
            row.line = text(lines, index);
        }
        if let Some(timestamps) = &edit.timestamps {
            row.timestamp = timestamps[index];
        }
        let stream = match &edit.streams {
            Some(streams) => streams[index] as usize,
            None => given
                .sets
                .iter()
                .position(|set| *set == row.labels)
                .unwrap_or_default(),
        };
        match &labels {
            Some(labels) => row.labels = labels[stream].clone(),
            None if edit.streams.is_some() => row.labels = given.sets[stream].clone(),
            None => {}
        }
        for (fields, target) in [
            (&edit.set_fields, &mut row.fields),
            (&edit.set_metadata, &mut row.metadata),
        ] {
            for field in fields {
                let has = field.present.is_empty() || field.present[index / 8] & (1 << (index % 8)) != 0;
                if has {
                    target.insert(field.name.clone(), text(&field.values, index));
                } else {
                    target.remove(&field.name);
                }
            }
        }
        out.push(row);
    }
    out
}

fn sets(sets: &contract::LabelSets) -> Vec<Labels> {
    match LabelSets::adopt(sets.clone()) {
        Ok(sets) => sets.iter().map(|set| set.to_labels()).collect(),
        Err(_) => Vec::new(),
    }
}
