use super::{Block, Hold};
use crate::{Batch, LabelSets, Labels, Output, contract, setup::Interest};

fn with_streams(names: &[&str], check: impl FnOnce(&Batch<'_>)) {
    let mut sets = LabelSets::new();
    for name in names {
        sets.push(&Labels::from_iter([("s", *name)]));
    }
    let interest = Interest {
        labels: true,
        ..Interest::default()
    };
    let column = || contract::TextColumn {
        bytes: Vec::new(),
        ends: Vec::new(),
    };
    let batch = contract::LogBatch {
        first_id: 0,
        rows: 0,
        timestamps: Vec::new(),
        lines: column(),
        streams: Vec::new(),
        labels: sets.into_contract(),
        fields: Vec::new(),
        metadata: Vec::new(),
    };
    check(&Batch::new(batch, &interest).unwrap());
}

fn block(ids: &[u64], deadline: i64) -> Block<&'static str> {
    Block {
        ids: ids.to_vec(),
        deadline: Some(deadline),
        value: "x",
    }
}

#[test]
fn blocks_are_found_by_labels_in_the_next_batch() {
    let mut hold = Hold::new();
    with_streams(&["a", "b"], |batch| hold.begin(batch).unwrap());
    hold.insert(hold.place(1), block(&[4], 9));
    with_streams(&["c", "b", "a"], |batch| hold.begin(batch).unwrap());
    assert_eq!(hold.get(hold.place(0)), None);
    assert_eq!(hold.get(hold.place(1)), Some(&block(&[4], 9)));
    assert_eq!(hold.get(hold.place(2)), None);
    hold.get_mut(hold.place(1)).unwrap().ids.push(5);
    assert_eq!(hold.remove(hold.place(1)), Some(block(&[4, 5], 9)));
}

#[test]
fn places_of_streams_gone_are_used_again() {
    let mut hold: Hold<&str> = Hold::new();
    for round in 0..1_000 {
        let name = round.to_string();
        with_streams(&[&name, "always"], |batch| hold.begin(batch).unwrap());
    }
    assert!(hold.blocks.len() <= 4, "{}", hold.blocks.len());
}

#[test]
fn reports_all_ids_and_the_earliest_deadline() {
    let mut hold = Hold::new();
    with_streams(&["a", "b", "c"], |batch| hold.begin(batch).unwrap());
    hold.insert(hold.place(0), block(&[3, 7], 50));
    hold.insert(hold.place(1), block(&[1, 9], 40));
    hold.insert(
        hold.place(2),
        Block {
            ids: vec![5],
            deadline: None,
            value: "x",
        },
    );
    let mut out = Output::default();
    hold.report(&mut out);
    let edit = out.into_contract();
    assert_eq!((edit.held, edit.wake_at), (vec![1, 3, 5, 7, 9], Some(40)));
}

#[test]
fn blocks_leave_in_the_order_of_their_first_ids() {
    let mut hold = Hold::new();
    with_streams(&["a", "b", "c"], |batch| hold.begin(batch).unwrap());
    hold.insert(hold.place(0), block(&[3, 7], 50));
    hold.insert(hold.place(1), block(&[1, 9], 50));
    hold.insert(hold.place(2), block(&[2], 51));
    assert!(hold.take_due(49).is_empty());
    let due: Vec<u64> = hold.take_due(50).iter().map(|block| block.ids[0]).collect();
    assert_eq!(due, [1, 3]);
    assert_eq!(hold.take_all(), [block(&[2], 51)]);
    let mut out = Output::default();
    hold.report(&mut out);
    let edit = out.into_contract();
    assert_eq!((edit.held, edit.wake_at), (vec![], None));
}
