use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{LabelEdit, LabelSets, Labels, is_label_name};

fn labels(pairs: &BTreeMap<String, String>) -> Labels {
    pairs
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

#[test]
fn names_are_prometheus_names() {
    for name in ["a", "_", "__path__", "Level2"] {
        assert!(is_label_name(name), "{name}");
    }
    for name in ["", "1", "a-b", "a.b", "ü", "a b", "a:b"] {
        assert!(!is_label_name(name), "{name}");
    }
}

#[test]
fn labels_are_sorted_and_unique() {
    let mut labels = Labels::from_iter([("b", "1"), ("a", "2"), ("b", "3")]);
    assert_eq!(labels.iter().collect::<Vec<_>>(), [("a", "2"), ("b", "3")]);
    assert_eq!(labels.remove("a").as_deref(), Some("2"));
    labels.retain(|name, _| name != "b");
    assert!(labels.is_empty());
}

#[test]
fn equal_changes_make_one_set() {
    let mut sets = LabelSets::new();
    sets.push(&Labels::from_iter([("file", "a")]));
    let streams = vec![0; 100];
    let mut edit = LabelEdit::new(&streams, &sets);
    for row in 0..100 {
        edit.set(row, "level", ["INFO", "WARN"][row % 2]);
        edit.set(row, "app", "shop");
    }
    let (streams, sets) = edit.finish(|_| true);
    assert_eq!(sets.len(), 2, "the sets passed through are left out");
    assert_eq!(streams[..4], [0, 1, 0, 1]);
}

proptest! {
    #[test]
    fn edits_are_assignments(
        given in prop::collection::vec(prop::collection::btree_map("[a-d]", "[x-z]{0,1}", 0..4), 1..5),
        streams in prop::collection::vec(0_usize..5, 1..20),
        changes in prop::collection::vec((0_usize..20, "[a-e]", prop::option::of("[a-z]{0,2}")), 0..120),
    ) {
        let mut sets = LabelSets::new();
        given.iter().for_each(|set| { sets.push(&labels(set)); });
        let streams: Vec<u32> = streams.iter().map(|stream| (stream % given.len()) as u32).collect();
        let mut expected: Vec<BTreeMap<String, String>> =
            streams.iter().map(|stream| given[*stream as usize].clone()).collect();
        let mut edit = LabelEdit::new(&streams, &sets);
        for (row, name, value) in changes {
            let row = row % streams.len();
            match value {
                Some(value) => {
                    edit.set(row, &name, &value);
                    expected[row].insert(name, value);
                }
                None => {
                    edit.remove(row, &name);
                    expected[row].remove(&name);
                }
            }
        }
        let (streams, sets) = edit.finish(|_| true);
        for (row, stream) in streams.iter().enumerate() {
            let set = sets.get(*stream as usize);
            prop_assert_eq!(set.to_labels(), labels(&expected[row]));
            for (name, value) in set.iter() {
                prop_assert_eq!(set.get(name), Some(value));
            }
            prop_assert_eq!(set.get("zz"), None);
        }
    }
}
