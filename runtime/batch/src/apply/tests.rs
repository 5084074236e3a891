use proptest::prelude::*;

use super::*;
use crate::derived::Derived;
use crate::edit::{DropCount, EditError};

/// Rows with ids `first..first+n`, line and sequence number named after the id, stream by parity.
fn batch(first: u64, n: u64) -> LogBatch {
    LogBatch {
        timestamps: (first..first + n).map(|id| id.cast_signed() * 10).collect(),
        lines: (first..first + n)
            .map(|id| format!("line {id}"))
            .collect::<Vec<_>>()
            .iter()
            .map(String::as_str)
            .collect(),
        streams: (first..first + n).map(|id| (id % 2) as u32).collect(),
        labels: vec![
            Labels::from_pairs([("s", "even")]),
            Labels::from_pairs([("s", "odd")]),
        ],
        fields: vec![Field::from_values(
            "f",
            (first..first + n).map(|id| (id % 3 == 0).then_some("three")),
        )],
        metadata: Vec::new(),
        seqs: (first..first + n).collect(),
    }
}

fn holding(ids: Vec<u64>) -> Edit {
    Edit {
        origins: Some(vec![]),
        held: ids,
        ..Edit::default()
    }
}

fn carry_out(batch: LogBatch, first: u64, held: Held, edit: Edit) -> Applied {
    edit.check(&batch, first, &held, true).unwrap();
    apply(batch, first, held, edit)
}

#[test]
fn an_unchanged_edit_moves_the_batch() {
    let applied = carry_out(batch(0, 3), 0, Held::default(), Edit::default());
    assert_eq!(applied.output, batch(0, 3));
    assert_eq!(applied.vanished_rows, 0);
}

#[test]
fn held_rows_come_out_later_with_all_their_columns() {
    let first = carry_out(batch(0, 4), 0, Held::default(), holding(vec![3]));
    assert_eq!(first.output.len(), 0);
    assert_eq!(first.vanished, [0, 1, 2]);
    let edit = Edit {
        origins: Some(vec![3, 5]),
        ..Edit::default()
    };
    let second = carry_out(batch(4, 2), 4, first.held, edit);
    assert_eq!(
        second.output.lines.iter().collect::<Vec<_>>(),
        ["line 3", "line 5"]
    );
    assert_eq!(second.output.labels_of(0).get("s"), Some("odd"));
    assert_eq!(second.output.labels_of(1).get("s"), Some("odd"));
    assert_eq!(second.output.field("f").unwrap().get(0), Some("three"));
    assert_eq!(second.output.field("f").unwrap().get(1), None);
    assert_eq!(second.output.seqs, [3, 5]);
    assert_eq!(second.vanished, [4]);
    assert!(second.held.ids().is_empty());
}

/// What the host worked out is inherited like the batch's own, and held rows keep what they came with.
#[test]
fn derived_columns_stand_in_for_the_batchs_own() {
    let derived = Derived {
        lines: Some(["a", "b", "c"].into_iter().collect()),
        fields: vec![Field::from_values("f", [None, Some("new"), None])],
        metadata: vec![Field::from_values("m", [Some("x"), Some("y"), Some("z")])],
    };
    let whole = Edit {
        derived: derived.clone(),
        ..Edit::default()
    };
    let output = carry_out(batch(0, 3), 0, Held::default(), whole).output;
    assert_eq!(output.lines.iter().collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(output.field("f").unwrap().get(0), None);
    assert_eq!(output.metadata("m").unwrap().get(2), Some("z"));
    assert_eq!(output.timestamps, batch(0, 3).timestamps);

    let gathered = Edit {
        origins: Some(vec![2, 1]),
        set_fields: vec![Field::from_values("m", [Some("own"), None])],
        set_metadata: vec![Field::from_values("m", [Some("own"), None])],
        held: vec![0],
        derived: derived.clone(),
        ..Edit::default()
    };
    let applied = carry_out(batch(0, 3), 0, Held::default(), gathered);
    assert_eq!(applied.output.lines.iter().collect::<Vec<_>>(), ["c", "b"]);
    assert_eq!(applied.output.field("f").unwrap().get(1), Some("new"));
    assert_eq!(
        applied.output.metadata("m").unwrap().get(0),
        Some("own"),
        "what the answer sets counts more"
    );
    assert_eq!(applied.output.metadata("m").unwrap().get(1), None);
    assert_eq!(applied.held.rows(), &batch(0, 3).rows(0..1));

    let held = Edit {
        derived: derived.clone(),
        ..holding(vec![0, 1, 2])
    };
    let applied = carry_out(batch(0, 3), 0, Held::default(), held);
    assert_eq!(applied.held.rows(), &batch(0, 3));

    let misfit = Edit {
        derived,
        ..Edit::default()
    };
    let refused = misfit.check(&batch(0, 2), 0, &Held::default(), false);
    assert_eq!(
        refused,
        Err(EditError::Rows {
            column: "lines".into(),
            found: 3,
            rows: 2
        })
    );
}

#[test]
fn columns_are_replaced_and_the_rest_inherited() {
    let edit = Edit {
        origins: Some(vec![0, 2]),
        lines: Some(["a", "b"].into_iter().collect()),
        set_fields: vec![Field::from_values("f", [None, Some("new")])],
        drops: vec![DropCount {
            reason: "r".into(),
            count: 1,
        }],
        ..Edit::default()
    };
    let applied = carry_out(batch(0, 3), 0, Held::default(), edit);
    assert_eq!(applied.output.lines.iter().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(applied.output.timestamps, [0, 20]);
    assert_eq!(applied.output.field("f").unwrap().get(0), None);
    assert_eq!(applied.output.field("f").unwrap().get(1), Some("new"));
}

#[test]
fn every_broken_rule_of_rows_is_named() {
    let held = carry_out(batch(0, 2), 0, Held::default(), holding(vec![1])).held;
    let check = |edit: Edit| edit.check(&batch(2, 2), 2, &held, true).unwrap_err();
    let lines = |n: usize| Some((0..n).map(|_| "x").collect::<TextColumn>());
    assert_eq!(
        check(Edit {
            lines: lines(3),
            ..Edit::default()
        }),
        EditError::Rows {
            column: "lines".into(),
            found: 3,
            rows: 2
        }
    );
    assert_eq!(
        check(Edit {
            origins: Some(vec![0]),
            ..Edit::default()
        }),
        EditError::UnknownRow {
            list: "origins",
            id: 0
        }
    );
    assert_eq!(
        check(holding(vec![4])),
        EditError::UnknownRow { list: "held", id: 4 }
    );
    assert_eq!(check(holding(vec![2, 2])), EditError::HeldOrder { id: 2 });
}

#[test]
fn every_broken_rule_of_columns_is_named() {
    let held = carry_out(batch(0, 2), 0, Held::default(), holding(vec![1])).held;
    let check = |edit: Edit| edit.check(&batch(2, 2), 2, &held, true).unwrap_err();
    assert_eq!(
        check(Edit {
            streams: Some(vec![0, 9]),
            ..Edit::default()
        }),
        EditError::Stream {
            row: 1,
            stream: 9,
            labels: 2
        }
    );
    assert_eq!(
        check(Edit {
            labels: Some(vec![Labels::default()]),
            ..Edit::default()
        }),
        EditError::LabelSets { found: 1, labels: 2 }
    );
    assert_eq!(
        check(Edit {
            origins: Some(vec![1]),
            streams: Some(vec![0]),
            ..Edit::default()
        }),
        EditError::HeldStreams
    );
    assert_eq!(
        check(Edit {
            origins: Some(vec![1, 2, 3]),
            drops: vec![DropCount {
                reason: "r".into(),
                count: 1
            }],
            ..Edit::default()
        }),
        EditError::Drops {
            dropped: 1,
            vanished: 0
        }
    );
    assert_eq!(
        check(Edit {
            set_fields: vec![Field::from_values("", [None, None])],
            ..Edit::default()
        }),
        EditError::FieldName { name: String::new() }
    );
    let edit = holding(vec![2]);
    assert_eq!(
        edit.check(&batch(2, 2), 2, &held, false),
        Err(EditError::HoldsUndeclared)
    );
}

proptest! {
    /// Whatever a guest returns: refused, or applied to columns of equal length with streams in range, and every
    /// row is output, held or vanished.
    #[test]
    fn what_passes_the_check_applies_cleanly(
        rows in 0u64..6,
        keep in proptest::collection::vec(0u64..12, 0..4),
        origins in proptest::option::of(proptest::collection::vec(0u64..14, 0..6)),
        held in proptest::collection::vec(0u64..14, 0..4),
        streams in proptest::option::of(proptest::collection::vec(0u32..4, 0..6)),
        labels in proptest::option::of(0usize..4),
        lines in proptest::option::of(0usize..6),
        dropped in 0u32..4,
    ) {
        let mut keep = keep.into_iter().filter(|&id| id < 6).collect::<Vec<_>>();
        keep.sort_unstable();
        keep.dedup();
        let before = carry_out(batch(0, 6), 0, Held::default(), holding(keep)).held;
        let scope = before.ids().len() + usize::try_from(rows).unwrap();
        let edit = Edit {
            origins,
            held,
            streams,
            labels: labels.map(|n| vec![Labels::default(); n]),
            lines: lines.map(|n| (0..n).map(|_| "x").collect()),
            drops: vec![DropCount { reason: "r".into(), count: dropped }],
            ..Edit::default()
        };
        let batch = batch(6, rows);
        if edit.check(&batch, 6, &before, true).is_ok() {
            let mut named: Vec<u64> = edit.origins.clone().unwrap_or_else(|| (6..6 + rows).collect());
            named.extend(&edit.held);
            named.sort_unstable();
            named.dedup();
            let applied = apply(batch, 6, before, edit);
            let n = applied.output.len();
            prop_assert_eq!(applied.output.lines.len(), n);
            prop_assert_eq!(applied.output.streams.len(), n);
            prop_assert_eq!(applied.output.seqs.len(), n);
            prop_assert!(applied.output.fields.iter().all(|field| field.values.len() == n));
            prop_assert!(applied.output.streams.iter().all(|&s| (s as usize) < applied.output.labels.len()));
            prop_assert_eq!(applied.vanished_rows, scope - named.len());
            prop_assert_eq!(applied.held.ids().len(), applied.held.rows().len());
        }
    }
}
