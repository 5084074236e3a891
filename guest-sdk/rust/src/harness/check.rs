//! The contract, as the host enforces it on every edit.

use std::collections::{BTreeMap, BTreeSet};

use super::Row;
use crate::contract::{self, Interest, LogEdit};
use crate::{LabelSets, Labels, TextColumn};

/// What the stage was given: the rows of the call, and those it held.
pub(super) struct Given<'a> {
    pub(super) first: u64,
    pub(super) rows: usize,
    pub(super) known: &'a BTreeMap<u64, Row>,
    pub(super) sets: &'a [Labels],
    pub(super) interest: &'a Interest,
}

impl Given<'_> {
    /// The id each output row stems from.
    pub(super) fn origins(&self, edit: &LogEdit) -> Vec<u64> {
        let all = || (self.first..self.first + self.rows as u64).collect();
        edit.origins.clone().unwrap_or_else(all)
    }

    fn is_of_batch(&self, id: u64) -> bool {
        (self.first..self.first + self.rows as u64).contains(&id)
    }
}

/// How many of the known rows live on, as output or held.
pub(super) fn staying(given: &Given<'_>, edit: &LogEdit) -> usize {
    given
        .origins(edit)
        .into_iter()
        .chain(edit.held.iter().copied())
        .collect::<BTreeSet<_>>()
        .len()
}

/// The first violation.
pub(super) fn edit(given: &Given<'_>, edit: &LogEdit) -> Result<(), String> {
    let origins = given.origins(edit);
    rows(given, edit, &origins)?;
    labels(given, edit, &origins)?;
    columns(edit, origins.len())?;
    let vanished = given.known.len() - staying(given, edit);
    let dropped: usize = edit.drops.iter().map(|drop| drop.count as usize).sum();
    if dropped > vanished {
        return Err(format!(
            "{dropped} rows counted as dropped, but only {vanished} vanished"
        ));
    }
    Ok(())
}

fn rows(given: &Given<'_>, edit: &LogEdit, origins: &[u64]) -> Result<(), String> {
    if let Some(id) = origins.iter().find(|id| !given.known.contains_key(id)) {
        return Err(format!("origin {id} is neither of the batch nor held"));
    }
    if let Some(id) = edit.held.iter().find(|id| !given.known.contains_key(id)) {
        return Err(format!(
            "row {id} is held, but neither of the batch nor held before"
        ));
    }
    if !edit.held.windows(2).all(|pair| pair[0] < pair[1]) {
        return Err(format!("held rows do not ascend: {:?}", edit.held));
    }
    if !edit.held.is_empty() && !given.interest.holds {
        return Err("rows are held without `setup.holds()`".to_owned());
    }
    if let Some(id) = origins.iter().find(|id| edit.held.binary_search(id).is_ok()) {
        return Err(format!(
            "row {id} is put out and held at once, so a replay would repeat it"
        ));
    }
    Ok(())
}

fn labels(given: &Given<'_>, edit: &LogEdit, origins: &[u64]) -> Result<(), String> {
    let old = origins.iter().any(|id| !given.is_of_batch(*id));
    if old && edit.labels.is_none() && edit.streams.is_some() {
        return Err("streams without labels, though a held row is put out".to_owned());
    }
    let sets = match &edit.labels {
        None => given.sets.len(),
        Some(labels) => {
            let sets = LabelSets::adopt(labels.clone())?;
            for set in sets.iter() {
                let names: Vec<&str> = set.iter().map(|(name, _)| name).collect();
                if !names.windows(2).all(|pair| pair[0] < pair[1]) {
                    return Err(format!(
                        "the names of a label set are not sorted and unique: {names:?}"
                    ));
                }
            }
            sets.len()
        }
    };
    match &edit.streams {
        Some(streams) => {
            length("streams", streams.len(), origins.len())?;
            match streams.iter().find(|stream| **stream as usize >= sets) {
                Some(stream) => Err(format!("stream {stream} of {sets} label sets")),
                None => Ok(()),
            }
        }
        None if edit.labels.is_some() && (old || sets != given.sets.len()) => {
            Err("labels without streams have to replace the batch's label sets one by one".to_owned())
        }
        None => Ok(()),
    }
}

fn columns(edit: &LogEdit, rows: usize) -> Result<(), String> {
    if let Some(lines) = &edit.lines {
        text("lines", lines, rows)?;
    }
    if let Some(timestamps) = &edit.timestamps {
        length("timestamps", timestamps.len(), rows)?;
    }
    for fields in [&edit.set_fields, &edit.set_metadata] {
        let mut names = BTreeSet::new();
        for field in fields {
            if !names.insert(&field.name) {
                return Err(format!("`{}` is set twice", field.name));
            }
            text(&field.name, &field.values, rows)?;
            if !field.present.is_empty() {
                length(
                    &format!("the bitmap of {}", field.name),
                    field.present.len(),
                    rows.div_ceil(8),
                )?;
            }
        }
    }
    Ok(())
}

fn text(name: &str, column: &contract::TextColumn, rows: usize) -> Result<(), String> {
    TextColumn::checked(column.bytes.clone(), column.ends.clone())
        .map_err(|what| format!("{name}: {what}"))?;
    length(name, column.ends.len(), rows)
}

fn length(name: &str, is: usize, rows: usize) -> Result<(), String> {
    if is == rows {
        Ok(())
    } else {
        Err(format!("{name}: {is} values for {rows}"))
    }
}
