//! The entry a program runs on, as far as it is reached by name: labels, fields, metadata.
//!
//! [`Values`] is what the program holds as `labels`, `fields` and `metadata`: a handle without a value of its own, so that it can
//! be handed to a function. Reads look at the program's own changes first, then at the batch. Changes are kept beside
//! the batch until the program has ended well; a program that fails leaves none.
//!
//! The columns are copies: the engine wants values that outlive the call. A batch's label sets are few, and only declared
//! fields are there.

use std::cell::RefCell;
use std::rc::Rc;

use millstream_stage::{Batch, Entry, Failure, Field, LabelSets, is_label_name};
use rhai::{Array, Dynamic, EvalAltResult, ImmutableString, Map};

/// Names under which an entry's labels, fields, or metadata can be changed. They are searched one by one, and Loki takes 15
/// labels by default.
const CHANGES: usize = 128;

/// Which of an entry's named values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Labels,
    Fields,
    Metadata,
}

impl Kind {
    /// All, in the order of [`Row::changes`].
    pub(crate) const ALL: [Self; 3] = [Self::Labels, Self::Fields, Self::Metadata];

    /// What programs call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Labels => "labels",
            Self::Fields => "fields",
            Self::Metadata => "metadata",
        }
    }

    /// The kind that programs call so.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One batch, one of its rows, and what the program changed on it.
#[derive(Debug, Default)]
pub(crate) struct Row {
    row: usize,
    streams: Vec<u32>,
    labels: LabelSets,
    fields: Vec<Field>,
    metadata: Vec<Field>,
    /// Per kind, name and new value, if any; each name once, in the order of their first change.
    changes: [Vec<(ImmutableString, Option<ImmutableString>)>; 3],
    /// The reason given to `drop`.
    dropped: Option<ImmutableString>,
}

impl Row {
    /// Takes the columns of the next batch.
    pub(crate) fn open(&mut self, batch: &Batch<'_>, labels: bool) -> Result<(), Failure> {
        if labels {
            self.streams = batch.streams()?.to_vec();
            self.labels = batch.labels()?.clone();
        }
        self.fields = batch.fields().to_vec();
        self.metadata = batch.all_metadata().to_vec();
        Ok(())
    }

    /// Goes to a row, and forgets what was changed on the last one.
    pub(crate) fn go(&mut self, row: usize) {
        self.row = row;
        self.changes.iter_mut().for_each(Vec::clear);
        self.dropped = None;
    }

    /// Why the program dropped the entry, if it did.
    pub(crate) fn dropped(&self) -> Option<&str> {
        self.dropped.as_deref()
    }

    pub(crate) fn drop(&mut self, reason: ImmutableString) {
        self.dropped = Some(reason);
    }

    /// Bytes of the changes.
    pub(crate) fn size(&self) -> usize {
        let changes = self.changes.iter().flatten();
        changes
            .map(|(name, value)| name.len() + value.as_ref().map_or(0, |value| value.len()))
            .sum()
    }

    /// Writes the changes to the entry.
    pub(crate) fn apply(&self, entry: Entry<'_>) {
        for (kind, changes) in Kind::ALL.into_iter().zip(&self.changes) {
            for (name, value) in changes {
                match (kind, value) {
                    (Kind::Labels, Some(value)) => entry.set_label(name, value),
                    (Kind::Labels, None) => entry.remove_label(name),
                    (Kind::Fields, Some(value)) => entry.set_field(name, value),
                    (Kind::Fields, None) => entry.unset_field(name),
                    (Kind::Metadata, Some(value)) => entry.set_metadata(name, value),
                    (Kind::Metadata, None) => entry.unset_metadata(name),
                }
            }
        }
    }

    fn get(&self, kind: Kind, name: &str) -> Option<ImmutableString> {
        let changed = self.changes[kind as usize]
            .iter()
            .find(|(other, _)| other == name);
        if let Some((_, value)) = changed {
            return value.clone();
        }
        let column = match kind {
            Kind::Labels => {
                let set = self.streams.get(self.row)?;
                return self.labels.get(*set as usize).get(name).map(Into::into);
            }
            Kind::Fields => &self.fields,
            Kind::Metadata => &self.metadata,
        };
        let column = column.iter().find(|column| column.name() == name)?;
        column.get(self.row).map(Into::into)
    }

    /// Fails when that is one name too many.
    fn set(
        &mut self,
        kind: Kind,
        name: ImmutableString,
        value: Option<ImmutableString>,
    ) -> Result<(), Box<EvalAltResult>> {
        let changes = &mut self.changes[kind as usize];
        if let Some((_, old)) = changes.iter_mut().find(|(other, _)| *other == name) {
            *old = value;
        } else if changes.len() == CHANGES {
            let kind = kind.name();
            return Err(format!("an entry's {kind} can be changed under {CHANGES} names").into());
        } else {
            changes.push((name, value));
        }
        Ok(())
    }

    /// The names that have a value, sorted.
    fn names(&self, kind: Kind) -> Vec<ImmutableString> {
        let mut names: Vec<ImmutableString> = match kind {
            Kind::Labels => match self.streams.get(self.row) {
                Some(set) => self
                    .labels
                    .get(*set as usize)
                    .iter()
                    .map(|(name, _)| name.into())
                    .collect(),
                None => Vec::new(),
            },
            Kind::Fields => self.fields.iter().map(|field| field.name().into()).collect(),
            Kind::Metadata => self.metadata.iter().map(|field| field.name().into()).collect(),
        };
        names.extend(self.changes[kind as usize].iter().map(|(name, _)| name.clone()));
        names.sort();
        names.dedup();
        names.retain(|name| self.get(kind, name).is_some());
        names
    }
}

/// `labels`, `fields` or `metadata` in a program.
#[derive(Clone, Debug)]
pub(crate) struct Values {
    kind: Kind,
    row: Rc<RefCell<Row>>,
}

impl Values {
    pub(crate) fn new(kind: Kind, row: &Rc<RefCell<Row>>) -> Self {
        let row = Rc::clone(row);
        Self { kind, row }
    }

    /// The value, or `()`.
    pub(crate) fn get(&mut self, name: &str) -> Dynamic {
        self.row
            .borrow()
            .get(self.kind, name)
            .map_or(Dynamic::UNIT, Into::into)
    }

    /// Sets the value; `()` takes it away.
    pub(crate) fn set(&mut self, name: ImmutableString, value: Dynamic) -> Result<(), Box<EvalAltResult>> {
        let kind = self.kind;
        if kind == Kind::Labels && !is_label_name(&name) {
            return Err(
                format!("`{name}` is no name of a label: letters, digits and `_`, no digit first").into(),
            );
        }
        if name.is_empty() || name == "*" {
            return Err(format!("`{name}` is no name in {}", kind.name()).into());
        }
        let value = if value.is_unit() {
            None
        } else {
            let what = || format!("{}[\"{name}\"]", kind.name());
            Some(text_of(value, what)?)
        };
        self.row.borrow_mut().set(kind, name, value)
    }

    /// Takes the value away and answers it.
    pub(crate) fn remove(&mut self, name: ImmutableString) -> Result<Dynamic, Box<EvalAltResult>> {
        let old = self.get(&name);
        if !old.is_unit() {
            self.row.borrow_mut().set(self.kind, name, None)?;
        }
        Ok(old)
    }

    pub(crate) fn contains(&mut self, name: &str) -> bool {
        self.row.borrow().get(self.kind, name).is_some()
    }

    pub(crate) fn keys(&mut self) -> Array {
        let names = self.row.borrow().names(self.kind);
        names.into_iter().map(Into::into).collect()
    }

    pub(crate) fn whole(&mut self) -> Map {
        let row = self.row.borrow();
        let pairs = row.names(self.kind).into_iter();
        pairs
            .filter_map(|name| Some((name.as_str().into(), row.get(self.kind, &name)?.into())))
            .collect()
    }
}

/// A value as an entry holds it: everything is text.
pub(crate) fn text_of(
    value: Dynamic,
    what: impl FnOnce() -> String,
) -> Result<ImmutableString, Box<EvalAltResult>> {
    let value = value.flatten();
    if value.is_string() {
        return value.into_immutable_string().map_err(Into::into);
    }
    if value.is_int() || value.is_float() || value.is_bool() || value.is_char() {
        return Ok(value.to_string().into());
    }
    let fix = if value.is_map() || value.is_array() {
        ": use `to_json()`"
    } else {
        ""
    };
    Err(format!(
        "{} takes text, a number, true or false, not {}{fix}",
        what(),
        value.type_name()
    )
    .into())
}
