use proptest::prelude::*;

use super::{Field, FieldEdit};

fn field(values: &[Option<String>]) -> Field {
    let mut field = Field::new("f");
    values
        .iter()
        .for_each(|value| field.push_option(value.as_deref()));
    field
}

fn values(field: &Field) -> Vec<Option<String>> {
    (0..field.len())
        .map(|row| field.get(row).map(str::to_owned))
        .collect()
}

#[test]
fn all_present_needs_no_bitmap() {
    let mut field = Field::new("f");
    (0..20).for_each(|_| field.push("x"));
    assert!(field.is_full());
    field.push_none();
    field.push("y");
    assert!(!field.is_full());
    assert_eq!(
        (field.get(19), field.get(20), field.get(21)),
        (Some("x"), None, Some("y"))
    );
}

proptest! {
    #[test]
    fn keeps_what_was_pushed(given in prop::collection::vec(prop::option::of(".{0,4}"), 0..40)) {
        let field = field(&given);
        prop_assert_eq!(values(&field), given);
        let sent = field.clone().into_contract();
        prop_assert!(sent.present.is_empty() || sent.present.len() == field.len().div_ceil(8));
        prop_assert_eq!(Field::adopt(sent), Ok(field));
    }

    #[test]
    fn edits_in_any_order_are_assignments(
        given in prop::collection::vec(prop::option::of(".{0,4}"), 1..20),
        there in any::<bool>(),
        changes in prop::collection::vec((0_usize..20, prop::option::of(".{0,4}")), 0..30),
    ) {
        let original = field(&given);
        let mut expected = if there { given.clone() } else { vec![None; given.len()] };
        let mut edit = FieldEdit::new("f", there.then_some(&original));
        for (row, value) in changes {
            let row = row % given.len();
            expected[row].clone_from(&value);
            match &value {
                Some(value) => edit.set(row, value),
                None => edit.unset(row),
            }
        }
        prop_assert_eq!(values(&edit.finish(given.len())), expected);
    }
}
