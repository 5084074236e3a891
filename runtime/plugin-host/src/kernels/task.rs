//! One call's batch, and what kernels made of it so far.

mod column;
mod rewrite;

use std::borrow::Cow;
use std::sync::Arc;

use millstream_batch::derived::put;
use millstream_batch::{Bitmap, Derived, DropCount, Edit, Field, LogBatch};

use super::KernelError;
use super::meter::Meter;
use super::pointers::Pointers;
use super::rule::Rule;
use crate::bindings::millstream::stage::kernels::{Beside, Column, Found};
use crate::bounds::COLUMNS;
use crate::error::CallError;
use column::{Growing, Texts, beside};

/// What a value costs beside its text: where it ends, whether it is there, its place in a list.
const PER_VALUE: usize = 16;

/// What a match costs beside its text: its place, and the memory that its text is in.
const PER_MATCH: usize = 64;

/// A batch at work.
pub(crate) struct Task {
    batch: Arc<LogBatch>,
    derived: Derived,
    /// Per row, whether it was dropped; empty until one is.
    dropped: Vec<bool>,
    drops: Vec<DropCount>,
    meter: Meter,
}

impl Task {
    pub(super) fn new(batch: Arc<LogBatch>, meter: Meter) -> Self {
        Self {
            batch,
            derived: Derived::default(),
            dropped: Vec::new(),
            drops: Vec::new(),
            meter,
        }
    }

    /// Puts what was made into the answer of the call.
    pub(crate) fn settle(self, edit: &mut Edit, first_id: u64) -> Result<(), CallError> {
        edit.derived = self.derived;
        if self.drops.is_empty() {
            return Ok(());
        }
        if edit.origins.is_some() {
            return Err(CallError::DropsAndOrigins);
        }
        let kept = (0..).zip(&self.dropped).filter(|(_, dropped)| !**dropped);
        edit.origins = Some(kept.map(|(row, _): (u64, _)| first_id + row).collect());
        edit.drops.extend(self.drops);
        Ok(())
    }

    /// See `matches` in `stage.wit`; so all the others.
    pub(super) fn matches(&mut self, rule: &Rule, of: &Column) -> Result<Vec<u8>, KernelError> {
        let texts = Texts::of(&self.batch, &self.derived, of);
        let mut bits = vec![0; self.batch.len().div_ceil(8)];
        for row in 0..self.batch.len() {
            let text = checked(&texts, row, rule.longest, &self.meter)?;
            if text.is_some_and(|text| rule.pattern.is_match(text)) {
                bits[row / 8] |= 1 << (row % 8);
            }
        }
        Ok(bits)
    }

    pub(super) fn find(&mut self, rule: &Rule, of: &Column) -> Result<Vec<Found>, KernelError> {
        let texts = Texts::of(&self.batch, &self.derived, of);
        let mut all = Vec::new();
        for row in 0..self.batch.len() {
            let Some(text) = checked(&texts, row, rule.longest, &self.meter)? else {
                continue;
            };
            for span in rule.pattern.spans(text) {
                self.meter.row()?;
                self.meter.take(span.len() + PER_MATCH)?;
                all.push(Found {
                    row: number(row),
                    start: number(span.start),
                    end: number(span.end),
                    text: text.get(span).unwrap_or_default().to_owned(),
                });
            }
        }
        Ok(all)
    }

    pub(super) fn extract(&mut self, rule: &Rule, of: &Column, into: Beside) -> Result<u32, KernelError> {
        let names: Vec<_> = rule.groups.iter().map(|(name, _)| name.clone()).collect();
        let mut slots = rule.pattern.slots();
        let mut matched = 0;
        self.fill(of, into, &names, rule.longest, |text, values| {
            if rule.pattern.captures(text, &mut slots) {
                matched += 1;
                for ((_, slot), value) in rule.groups.iter().zip(values) {
                    let group = slots.get(*slot).and_then(|span| text.get(span));
                    *value = Some(Cow::Borrowed(group.unwrap_or_default()));
                }
            }
        })?;
        Ok(matched)
    }

    pub(super) fn pluck(
        &mut self,
        pointers: &Pointers,
        of: &Column,
        into: Beside,
    ) -> Result<u32, KernelError> {
        let mut read = 0;
        self.fill(of, into, pointers.names(), pointers.longest(), |text, values| {
            read += u32::from(pointers.read(text, values));
        })?;
        Ok(read)
    }

    /// Makes the columns `names`: `take` finds the values of a row, which keeps what it has of those that are not found.
    fn fill(
        &mut self,
        of: &Column,
        into: Beside,
        names: &[Arc<str>],
        longest: usize,
        mut take: impl for<'t> FnMut(&'t str, &mut [Option<Cow<'t, str>>]),
    ) -> Result<(), KernelError> {
        let texts = Texts::of(&self.batch, &self.derived, of);
        let old = names
            .iter()
            .map(|name| beside(&self.batch, &self.derived, into, name));
        let mut columns: Vec<_> = old.map(|old| (old, Growing::default())).collect();
        let mut values = vec![None; names.len()];
        let mut found = false;
        for row in 0..self.batch.len() {
            values.fill(None);
            if let Some(text) = checked(&texts, row, longest, &self.meter)? {
                take(text, &mut values);
            }
            for (value, (old, new)) in values.iter().zip(&mut columns) {
                found |= value.is_some();
                let value = value.as_deref().or_else(|| old.and_then(|old| old.get(row)));
                self.meter.take(value.map_or(0, str::len) + PER_VALUE)?;
                new.push(value);
            }
        }
        if found {
            let columns = columns.into_iter().map(|(_, new)| new).zip(names);
            let fields: Vec<_> = columns.map(|(new, name)| new.into_field(name.clone())).collect();
            for field in fields {
                self.put(into, field)?;
            }
        }
        Ok(())
    }

    fn put(&mut self, into: Beside, field: Field) -> Result<(), KernelError> {
        let columns = match into {
            Beside::Fields => &mut self.derived.fields,
            Beside::Metadata => &mut self.derived.metadata,
        };
        put(columns, field);
        if columns.len() > COLUMNS {
            return KernelError::misuse(format!("more than {COLUMNS} columns are set in a call"));
        }
        Ok(())
    }

    /// See `read` in `stage.wit`.
    pub(super) fn read(&mut self, of: &Column) -> Result<Option<Field>, KernelError> {
        let field = match of {
            Column::Lines => {
                let lines = self.derived.lines.as_ref().unwrap_or(&self.batch.lines);
                (!lines.is_empty()).then(|| Field {
                    name: "".into(),
                    values: lines.clone(),
                    present: Bitmap::default(),
                })
            }
            Column::Field(name) => beside(&self.batch, &self.derived, Beside::Fields, name).cloned(),
            Column::Metadata(name) => beside(&self.batch, &self.derived, Beside::Metadata, name).cloned(),
        };
        if let Some(field) = &field {
            let bytes = field.values.bytes().len() + field.values.len() * PER_VALUE;
            self.meter.take(bytes)?;
        }
        Ok(field)
    }
}

/// The value of a row, if there is one and time left to look at it.
fn checked<'a>(
    texts: &Texts<'a>,
    row: usize,
    longest: usize,
    meter: &Meter,
) -> Result<Option<&'a str>, KernelError> {
    meter.row()?;
    let text = texts.get(row);
    if let Some(text) = text
        && text.len() > longest
    {
        return KernelError::misuse(format!(
            "row {row} has {} bytes, and this kernel is run on at most {longest}",
            text.len()
        ));
    }
    Ok(text)
}

fn number(from: usize) -> u32 {
    u32::try_from(from).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
