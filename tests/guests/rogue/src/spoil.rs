//! Answers that break the contract.

use millstream_stage::contract::{DropCount, Field, LabelSets, LogEdit, TextColumn};

use crate::act::Act;

/// How many columns, copies or labels are too many.
const MANY: u32 = 50_000;

/// Bytes of an answer that is somewhat too large, and of one that is far too large.
const LARGE: (usize, usize) = (3 << 19, 5 << 20);

/// Breaks the answer to a batch of `rows` rows as `act` says.
pub(crate) fn spoil(act: Act, first_id: u64, rows: u32, edit: &mut LogEdit) {
    match act {
        Act::Oversize => edit.lines = Some(lines_of(rows, LARGE.0)),
        Act::Gush => edit.lines = Some(lines_of(rows, LARGE.1)),
        Act::Copies => edit.origins = Some(vec![first_id; MANY as usize]),
        Act::Columns => {
            edit.origins = Some(Vec::new());
            edit.set_fields = (0..MANY)
                .map(|index| empty_field(format!("{index:06}")))
                .collect();
        }
        Act::EndsDescend => {
            edit.lines = Some(TextColumn {
                bytes: b"abcd".to_vec(),
                ends: vec![4; rows as usize],
            })
        }
        Act::NotUtf8 => {
            edit.lines = Some(TextColumn {
                bytes: vec![0xff],
                ends: vec![1; rows as usize],
            })
        }
        Act::ShortColumn => {
            edit.lines = Some(TextColumn {
                bytes: Vec::new(),
                ends: Vec::new(),
            })
        }
        Act::FieldTwice => {
            edit.origins = Some(Vec::new());
            edit.set_fields = vec![empty_field("twice".into()), empty_field("twice".into())];
        }
        Act::StreamRange => edit.streams = Some(vec![u32::MAX; rows as usize]),
        Act::LabelName => edit.labels = Some(one_set(["not-a-name".into()])),
        Act::LabelOrder => edit.labels = Some(one_set((0..MANY).rev().map(|index| format!("l{index:06}")))),
        Act::UnknownOrigin => edit.origins = Some(vec![first_id, first_id + u64::from(rows)]),
        Act::HeldInvented => hold(edit, vec![first_id, u64::MAX]),
        Act::HeldUndeclared => hold(edit, vec![first_id]),
        Act::HeldDescend => hold(edit, vec![first_id + 1, first_id]),
        Act::HeldAndOut => edit.held = vec![first_id],
        Act::TooManyDrops => {
            edit.drops = vec![DropCount {
                reason: "greed".into(),
                count: u32::MAX,
            }]
        }
        _ => {}
    }
    if act == Act::EndsDescend
        && let Some(last) = edit.lines.as_mut().and_then(|lines| lines.ends.last_mut())
    {
        *last = 2;
    }
}

fn hold(edit: &mut LogEdit, held: Vec<u64>) {
    edit.origins = Some(Vec::new());
    edit.held = held;
}

/// As many lines as rows, the first of which has all the bytes.
fn lines_of(rows: u32, bytes: usize) -> TextColumn {
    TextColumn {
        bytes: vec![b'x'; bytes],
        ends: vec![bytes as u32; rows as usize],
    }
}

fn empty_field(name: String) -> Field {
    Field {
        name,
        values: TextColumn {
            bytes: Vec::new(),
            ends: Vec::new(),
        },
        present: Vec::new(),
    }
}

fn one_set(names: impl IntoIterator<Item = String>) -> LabelSets {
    let mut column = TextColumn {
        bytes: Vec::new(),
        ends: Vec::new(),
    };
    for name in names {
        column.bytes.extend(name.bytes());
        column.ends.push(column.bytes.len() as u32);
    }
    let pairs = column.ends.len();
    LabelSets {
        ends: vec![pairs as u32],
        names: column,
        values: TextColumn {
            bytes: Vec::new(),
            ends: vec![0; pairs],
        },
    }
}
