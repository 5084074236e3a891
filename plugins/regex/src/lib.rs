//! `regex`: the named groups of a pattern become fields.
//!
//! The first match in the line, or in `source`, counts. Each named group sets the field of its name; one that took
//! no part in the match sets it to "". Where the pattern does not match, everything stays as it was: fields cross
//! as whole columns, so the stage reads the fields it writes and copies what is to stay.
//!
//! With `labels_from_groups` the groups set labels as well. A group name given twice takes its last group, as in
//! Alloy.
//!
//! Compared with Alloy: a pattern without a named group is refused, because it could not do anything; with
//! `labels_from_groups` a group name that is no label name is refused instead of skipped.

use millstream_pattern::Pattern;
use millstream_stage::{
    Batch, Failure, Field, Refusal, Setup, Source, Sourced, Stage, TextColumn, export_stage, is_label_name,
};

/// The settings, as in a manifest.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The pattern (RE2), with at least one named group.
    expression: String,
    /// The field (or label) to read; the line where not given.
    source: Option<String>,
    /// Whether the groups set labels of their names, too.
    #[serde(default)]
    labels_from_groups: bool,
}

/// The stage.
pub struct Regex {
    pattern: Pattern,
    source: Option<Source>,
    groups: Vec<Group>,
    labels_from_groups: bool,
}

/// A field to write.
struct Group {
    name: String,
    /// Which of the pattern's named groups it takes.
    slot: usize,
}

impl Stage for Regex {
    type Settings = Settings;

    fn configure(settings: Settings, setup: &mut Setup) -> Result<Self, Refusal> {
        if settings.expression.is_empty() {
            return Err(Refusal::setting("expression", "must not be empty"));
        }
        if settings.source.as_deref() == Some("") {
            return Err(Refusal::setting(
                "source",
                "must not be empty; leave it out to read the line",
            ));
        }
        let pattern =
            Pattern::new(&settings.expression).map_err(|error| Refusal::setting("expression", error))?;
        let columns = pattern.columns().into_iter();
        let groups: Vec<Group> = columns
            .map(|(name, slot)| Group {
                name: name.to_owned(),
                slot,
            })
            .collect();
        if groups.is_empty() {
            return Err(Refusal::setting(
                "expression",
                "needs at least one named group: `(?P<name>…)`",
            ));
        }
        for group in &groups {
            setup.reads_field(&group.name);
            if settings.labels_from_groups && !is_label_name(&group.name) {
                let message = format!(
                    "`{}` is no label name, but labels_from_groups makes it one",
                    group.name
                );
                return Err(Refusal::setting("expression", message));
            }
        }
        if settings.labels_from_groups {
            setup.reads_labels();
        }
        let source = settings.source.map(|name| Source::new(name, setup));
        if source.is_none() {
            setup.reads_lines();
        }
        Ok(Self {
            pattern,
            source,
            groups,
            labels_from_groups: settings.labels_from_groups,
        })
    }

    fn process(&mut self, batch: &mut Batch<'_>, _now: i64) -> Result<(), Failure> {
        for field in self.extract(batch)? {
            batch.output().set_field(field);
        }
        Ok(())
    }
}

impl Regex {
    /// The new columns; none when no row matched.
    fn extract(&self, batch: &Batch<'_>) -> Result<Vec<Field>, Failure> {
        let texts = match &self.source {
            None => Texts::Lines(batch.lines()?),
            Some(source) => Texts::Source(source.of(batch)?),
        };
        let mut columns = Vec::with_capacity(self.groups.len());
        for group in &self.groups {
            columns.push(Column {
                old: batch.field(&group.name)?,
                new: Field::new(group.name.as_str()),
            });
        }
        let mut slots = self.pattern.slots();
        let mut matched = false;
        for row in 0..batch.len() {
            let text = texts
                .get(row)
                .filter(|text| self.pattern.captures(text, &mut slots));
            let Some(text) = text else {
                for column in &mut columns {
                    column.keep(row);
                }
                continue;
            };
            matched = true;
            for (group, column) in self.groups.iter().zip(&mut columns) {
                let value = slots
                    .get(group.slot)
                    .and_then(|span| text.get(span))
                    .unwrap_or_default();
                column.new.push(value);
                if self.labels_from_groups {
                    batch.entry(row).set_label(&group.name, value);
                }
            }
        }
        let new = columns.into_iter().map(|column| column.new);
        Ok(if matched { new.collect() } else { Vec::new() })
    }
}

/// What the pattern is matched against.
enum Texts<'b> {
    Lines(&'b TextColumn),
    Source(Sourced<'b>),
}

impl Texts<'_> {
    #[inline]
    fn get(&self, row: usize) -> Option<&str> {
        match self {
            Self::Lines(lines) => Some(lines.get(row)),
            Self::Source(sourced) => sourced.get(row),
        }
    }
}

/// A field before and after.
struct Column<'b> {
    old: Option<&'b Field>,
    new: Field,
}

impl Column<'_> {
    fn keep(&mut self, row: usize) {
        self.new.push_option(self.old.and_then(|old| old.get(row)));
    }
}

export_stage!(Regex);

#[cfg(test)]
mod tests;
