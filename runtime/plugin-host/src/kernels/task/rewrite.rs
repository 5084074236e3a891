//! Kernels that put other texts into a column, and the one that drops rows.

use std::borrow::Cow;

use millstream_batch::DropCount;

use super::column::{Growing, Texts};
use super::{PER_VALUE, Task, checked, number};
use crate::bindings::millstream::stage::kernels::{Beside, Column, Patch};
use crate::kernels::KernelError;
use crate::kernels::rule::Rule;

impl Task {
    pub(in crate::kernels) fn replace(
        &mut self,
        rule: &Rule,
        of: &Column,
        with: &str,
    ) -> Result<u32, KernelError> {
        self.rewrite(of, rule.longest, |_, text, meter| {
            let replaced = rule
                .pattern
                .replace_while(text, with, meter.left(), || meter.goes_on());
            match replaced {
                Some(Cow::Borrowed(_)) => Ok(None),
                Some(Cow::Owned(replaced)) => Ok((replaced != text).then_some(replaced)),
                None => Err(meter.reason()),
            }
        })
    }

    pub(in crate::kernels) fn splice(&mut self, of: &Column, patches: &[Patch]) -> Result<(), KernelError> {
        let mut next = patches.iter().peekable();
        let mut before = (0, 0);
        for patch in patches {
            if (patch.row, patch.start) < before || patch.end < patch.start {
                return KernelError::misuse(format!(
                    "the patch of row {}, bytes {}..{} is not behind the one before it",
                    patch.row, patch.start, patch.end
                ));
            }
            before = (patch.row, patch.end);
        }
        self.rewrite(of, usize::MAX, |row, text, meter| {
            let mut new = String::new();
            let mut done = 0;
            while let Some(patch) = next.next_if(|patch| patch.row == number(row)) {
                meter.row()?;
                let (start, end) = (patch.start as usize, patch.end as usize);
                let (Some(kept), Some(_)) = (text.get(done..start), text.get(start..end)) else {
                    return KernelError::misuse(format!(
                        "the patch of row {row}, bytes {start}..{end} does not fit its value"
                    ));
                };
                if new.len() + kept.len() + patch.text.len() > meter.left() {
                    return Err(meter.reason());
                }
                new.push_str(kept);
                new.push_str(&patch.text);
                done = end;
            }
            if done == 0 && new.is_empty() {
                return Ok(None);
            }
            new.push_str(text.get(done..).unwrap_or_default());
            Ok(Some(new))
        })?;
        match next.next() {
            Some(patch) => KernelError::misuse(format!("row {} has no value to patch", patch.row)),
            None => Ok(()),
        }
    }

    /// Puts the texts that `change` answers in the place of those it is given, and says how many those are.
    fn rewrite(
        &mut self,
        of: &Column,
        longest: usize,
        mut change: impl FnMut(usize, &str, &super::Meter) -> Result<Option<String>, KernelError>,
    ) -> Result<u32, KernelError> {
        let rows = self.batch.len();
        let texts = Texts::of(&self.batch, &self.derived, of);
        let mut changes = Vec::new();
        for row in 0..rows {
            let Some(text) = checked(&texts, row, longest, &self.meter)? else {
                continue;
            };
            if let Some(new) = change(row, text, &self.meter)? {
                self.meter.take(new.len() + PER_VALUE)?;
                changes.push((row, new));
            }
        }
        if changes.is_empty() {
            return Ok(0);
        }
        let mut column = Growing::default();
        let mut next = changes.iter().peekable();
        for row in 0..rows {
            let value = match next.next_if(|(changed, _)| *changed == row) {
                Some((_, new)) => Some(new.as_str()),
                None => {
                    let old = texts.get(row);
                    self.meter.take(old.map_or(0, str::len) + PER_VALUE)?;
                    old
                }
            };
            column.push(value);
        }
        match of {
            Column::Lines => self.derived.lines = Some(column.into_lines()),
            Column::Field(name) => self.put(Beside::Fields, column.into_field(name.as_str().into()))?,
            Column::Metadata(name) => self.put(Beside::Metadata, column.into_field(name.as_str().into()))?,
        }
        Ok(number(changes.len()))
    }

    pub(in crate::kernels) fn drop_rows(&mut self, rows: &[u8], reason: String) -> Result<(), KernelError> {
        let count = self.batch.len();
        if rows.len() != count.div_ceil(8) {
            return KernelError::misuse(format!("{} bytes of bits for {count} rows", rows.len()));
        }
        self.dropped.resize(count, false);
        let mut dropped = 0;
        for (row, gone) in self.dropped.iter_mut().enumerate() {
            if rows[row / 8] & (1 << (row % 8)) != 0 && !*gone {
                *gone = true;
                dropped += 1;
            }
        }
        if dropped == 0 {
            return Ok(());
        }
        match self.drops.iter_mut().find(|drop| drop.reason == reason) {
            Some(drop) => drop.count += dropped,
            None => {
                self.meter.take(reason.len() + PER_VALUE)?;
                self.drops.push(DropCount {
                    reason,
                    count: dropped,
                });
            }
        }
        Ok(())
    }
}
