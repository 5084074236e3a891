use millstream_stage::{LabelSets, Labels};

use super::{Known, MOST_STREAMS, Streams};

fn sets(names: impl Iterator<Item = usize>) -> LabelSets {
    let mut sets = LabelSets::new();
    for name in names {
        sets.push(&Labels::from_iter([("n", name.to_string().as_str())]));
    }
    sets
}

#[test]
fn the_streams_used_longest_ago_are_forgotten() {
    let mut streams = Streams::default();
    for first in [0, MOST_STREAMS / 2, MOST_STREAMS] {
        streams.begin(&sets(first..first + MOST_STREAMS / 2));
        for stream in 0..MOST_STREAMS / 2 {
            *streams.get_mut(stream as u32) = Some(Known { given: 1, parsed: 1 });
        }
        streams.end();
    }
    streams.begin(&sets([0, MOST_STREAMS / 2, MOST_STREAMS].into_iter()));
    assert_eq!(*streams.get_mut(0), None);
    assert!(streams.get_mut(1).is_some());
    assert!(streams.get_mut(2).is_some());
}
