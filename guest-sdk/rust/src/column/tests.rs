use proptest::prelude::*;

use super::{TextColumn, TextEdit};

fn column(values: &[impl AsRef<str>]) -> TextColumn {
    values.iter().map(AsRef::as_ref).collect()
}

#[test]
fn builds_and_reads() {
    let mut column = TextColumn::with_capacity(4, 16);
    column.push("a");
    column.push("");
    column.push_parts(["ü", "-", "x"]);
    column.append("b");
    column.append("c");
    column.end_value();
    assert_eq!(column.iter().collect::<Vec<_>>(), ["a", "", "ü-x", "bc"]);
    assert_eq!(column.ends(), [1, 1, 5, 7]);
    column.pop();
    assert_eq!(column.get(2), "ü-x");
    column.clear();
    assert!(column.is_empty());
}

#[test]
fn broken_parts_are_refused() {
    for (bytes, ends) in [
        (&b"ab"[..], vec![2, 1]),
        (b"ab", vec![1]),
        (b"ab", vec![3]),
        (b"ab", vec![]),
        ("ü".as_bytes(), vec![1, 2]),
        (&[0xff][..], vec![1]),
    ] {
        assert!(
            TextColumn::checked(bytes.to_vec(), ends.clone()).is_err(),
            "{bytes:?} {ends:?}"
        );
    }
    assert!(TextColumn::checked(Vec::new(), vec![0, 0]).is_ok());
}

#[test]
fn an_edit_without_an_original_has_blanks() {
    let mut edit = TextEdit::new();
    let nothing = TextColumn::new();
    edit.set(&nothing, 1, "b");
    edit.set(&nothing, 3, "d");
    let (column, blanks) = edit.finish(&nothing, 5);
    assert_eq!(column.iter().collect::<Vec<_>>(), ["", "b", "", "d", ""]);
    assert_eq!(blanks, [0, 2, 4]);
}

proptest! {
    #[test]
    fn parts_make_the_same_column(values in prop::collection::vec(".{0,10}", 0..20)) {
        let made = column(&values);
        prop_assert_eq!(TextColumn::checked(made.bytes().to_vec(), made.ends().to_vec()), Ok(made));
    }

    #[test]
    fn stretches_copy_like_single_values(values in prop::collection::vec(".{0,8}", 1..20), a in 0_usize..20, b in 0_usize..20) {
        let (a, b) = (a.min(b).min(values.len()), a.max(b).min(values.len()));
        let mut copy = column(&["first"]);
        copy.push_rows(&column(&values), a..b);
        let mut one_by_one = column(&["first"]);
        values[a..b].iter().for_each(|value| one_by_one.push(value));
        prop_assert_eq!(copy, one_by_one);
    }

    #[test]
    fn edits_in_any_order_are_assignments(
        values in prop::collection::vec(".{0,8}", 1..12),
        changes in prop::collection::vec((0_usize..12, ".{0,8}"), 0..24),
    ) {
        let original = column(&values);
        let mut expected = values.clone();
        let mut edit = TextEdit::new();
        for (row, value) in changes {
            let row = row % values.len();
            expected[row].clone_from(&value);
            edit.set(&original, row, &value);
        }
        let (made, blanks) = edit.finish(&original, values.len());
        prop_assert_eq!(made, column(&expected));
        prop_assert!(blanks.is_empty());
    }
}
