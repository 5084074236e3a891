//! The native twin of a stage: the same plugin crate, linked into this process.
//!
//! It is the yardstick for the sandbox: what a stage would cost if its author's code ran in the agent. Columns are copied for it
//! once, as any host would that keeps the batch in case the stage fails; its answer is applied as a component's is, but not
//! checked beyond the text's encoding.

use anyhow::Context;
use millstream_batch::{Bitmap, Edit, Field, Held, Labels, LogBatch, TextColumn, apply};
use millstream_stage::contract::{self, Interest, LogEdit};
use millstream_stage::{Instance, Stage};

/// A stage without a sandbox.
pub struct Twin {
    stage: Box<dyn Calls>,
    interest: Interest,
    held: Held,
    next_id: u64,
}

trait Calls {
    fn process(&mut self, batch: contract::LogBatch, now: i64) -> Result<LogEdit, String>;
}

impl<S: Stage> Calls for Instance<S> {
    fn process(&mut self, batch: contract::LogBatch, now: i64) -> Result<LogEdit, String> {
        Self::process(self, batch, now).map_err(|failure| failure.message)
    }
}

impl Twin {
    /// A configured stage.
    ///
    /// # Errors
    /// When it refuses the settings.
    pub fn new<S: Stage + 'static>(settings: &serde_json::Value) -> anyhow::Result<Self> {
        let stage = Instance::<S>::configure(&settings.to_string())
            .map_err(|refusal| anyhow::anyhow!("the twin refuses {settings}: {refusal}"))?;
        Ok(Self {
            interest: stage.interest(),
            stage: Box::new(stage),
            held: Held::default(),
            next_id: 0,
        })
    }

    /// What comes out for a batch.
    ///
    /// # Errors
    /// When the stage fails or its answer is broken.
    pub fn process(&mut self, batch: LogBatch, now: i64) -> anyhow::Result<LogBatch> {
        let first_id = self.next_id;
        self.next_id += batch.len() as u64;
        let edit = self
            .stage
            .process(lower(&batch, first_id, &self.interest)?, now)
            .map_err(anyhow::Error::msg)?;
        let edit = lift(edit)?;
        if edit.is_unchanged() && self.held.ids().is_empty() {
            return Ok(batch);
        }
        let applied = apply(batch, first_id, std::mem::take(&mut self.held), edit);
        self.held = applied.held;
        Ok(applied.output)
    }
}

fn lower(batch: &LogBatch, first_id: u64, interest: &Interest) -> anyhow::Result<contract::LogBatch> {
    let none = TextColumn::default();
    let sets: &[Labels] = if interest.labels { &batch.labels } else { &[] };
    Ok(contract::LogBatch {
        first_id,
        rows: u32::try_from(batch.len()).context("too many rows")?,
        timestamps: if interest.timestamps {
            batch.timestamps.clone()
        } else {
            Vec::new()
        },
        lines: text(if interest.lines { &batch.lines } else { &none }),
        streams: if interest.labels {
            batch.streams.clone()
        } else {
            Vec::new()
        },
        labels: label_sets(sets)?,
        fields: columns(&batch.fields, &interest.fields),
        metadata: columns(&batch.metadata, &interest.metadata),
    })
}

fn text(column: &TextColumn) -> contract::TextColumn {
    contract::TextColumn {
        bytes: column.bytes().to_vec(),
        ends: column.ends().to_vec(),
    }
}

fn label_sets(sets: &[Labels]) -> anyhow::Result<contract::LabelSets> {
    let (mut names, mut values) = (TextColumn::default(), TextColumn::default());
    let mut ends = Vec::with_capacity(sets.len());
    for set in sets {
        for (name, value) in set.iter() {
            names.push(name);
            values.push(value);
        }
        ends.push(u32::try_from(names.len())?);
    }
    Ok(contract::LabelSets {
        ends,
        names: text(&names),
        values: text(&values),
    })
}

fn columns(fields: &[Field], wanted: &[String]) -> Vec<contract::Field> {
    let wanted = fields
        .iter()
        .filter(|field| wanted.iter().any(|name| **name == *field.name));
    wanted
        .map(|field| contract::Field {
            name: field.name.to_string(),
            values: text(&field.values),
            present: field.present.as_bytes().to_vec(),
        })
        .collect()
}

fn lift(edit: LogEdit) -> anyhow::Result<Edit> {
    let fields = |fields: Vec<contract::Field>| fields.into_iter().map(field).collect::<anyhow::Result<_>>();
    Ok(Edit {
        origins: edit.origins,
        lines: edit.lines.map(column).transpose()?,
        timestamps: edit.timestamps,
        streams: edit.streams,
        labels: edit.labels.map(sets).transpose()?,
        set_fields: fields(edit.set_fields)?,
        set_metadata: fields(edit.set_metadata)?,
        drops: Vec::new(),
        held: edit.held,
        wake_at: edit.wake_at,
        derived: millstream_batch::Derived::default(),
    })
}

fn column(column: contract::TextColumn) -> anyhow::Result<TextColumn> {
    Ok(TextColumn::checked(column.bytes, column.ends)?)
}

fn field(field: contract::Field) -> anyhow::Result<Field> {
    Ok(Field {
        name: field.name.into(),
        values: column(field.values)?,
        present: Bitmap::from_bytes(field.present),
    })
}

fn sets(sets: contract::LabelSets) -> anyhow::Result<Vec<Labels>> {
    let (names, values) = (column(sets.names)?, column(sets.values)?);
    let mut start = 0;
    let mut labels = Vec::with_capacity(sets.ends.len());
    for end in sets.ends {
        let pairs = start..end as usize;
        start = end as usize;
        labels.push(Labels::from_pairs(
            pairs.map(|pair| (names.get(pair), values.get(pair))),
        ));
    }
    Ok(labels)
}
