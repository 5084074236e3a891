use std::convert::Infallible;

use super::*;

fn named(name: &str) -> Labels {
    Labels::from_pairs([("__name__", name)])
}

impl Series {
    fn scrape(&mut self, written: &[&str]) -> Vec<bool> {
        self.begin();
        written.iter().map(|written| self.one(written, false)).collect()
    }

    fn one(&mut self, written: &str, timed: bool) -> bool {
        // Blanks do not matter to what a series is.
        let met = self.meet(written, timed, || Ok::<_, Infallible>(named(written.trim())));
        let Ok(met) = met;
        assert_eq!(met.labels, named(written.trim()));
        met.again
    }

    fn ended(&mut self) -> Vec<String> {
        let mut ended: Vec<String> = self
            .succeed()
            .1
            .iter()
            .map(|labels| labels.get("__name__").unwrap().to_owned())
            .collect();
        ended.sort();
        ended
    }
}

#[test]
fn what_vanishes_is_ended_once() {
    let mut series = Series::default();
    series.scrape(&["a", "b", "c"]);
    assert_eq!(series.succeed(), (3, vec![]));
    series.scrape(&["b", "d"]);
    assert_eq!(series.ended(), ["a", "c"]);
    series.scrape(&["b", "d"]);
    assert_eq!(series.succeed(), (0, vec![]));
    series.scrape(&["a", "b", "d"]);
    assert_eq!(series.succeed(), (1, vec![]), "one that comes back is new");
    assert_eq!(series.len(), 3);
}

#[test]
fn a_failed_scrape_ends_everything_once_and_forgets_only_its_own() {
    let mut series = Series::default();
    series.scrape(&["a", "b"]);
    series.succeed();
    series.scrape(&["a", "new"]);
    assert_eq!(series.fail().len(), 2);
    assert_eq!(series.len(), 2, "what only the failed scrape brought is gone");
    series.begin();
    assert!(series.fail().is_empty(), "ended once");
    series.scrape(&["a", "b"]);
    assert_eq!(
        series.succeed(),
        (0, vec![]),
        "they are not new when the target is back"
    );
    series.begin();
    assert_eq!(series.fail().len(), 2, "and stand again");
}

#[test]
fn series_with_timestamps_are_never_ended() {
    let mut series = Series::default();
    series.begin();
    series.one("a", true);
    series.one("b", false);
    series.succeed();
    series.begin();
    series.one("b", true);
    assert_eq!(
        series.ended(),
        ["b"],
        "it stood, and is not due at any time any more"
    );
    series.begin();
    assert!(series.fail().is_empty());
}

#[test]
fn a_series_is_its_labels_however_it_is_written() {
    let mut series = Series::default();
    assert_eq!(series.scrape(&["a", " a", "b", "a"]), [false, true, false, true]);
    assert_eq!(series.succeed(), (2, vec![]));
    series.scrape(&["a  "]);
    assert_eq!(series.ended(), ["b"]);
    assert_eq!((series.len(), series.written.len()), (1, 1));
}

#[test]
fn memory_is_bounded_by_the_last_success() {
    let mut series = Series::default();
    series.scrape(&["a"]);
    series.succeed();
    for round in 0..100 {
        series.begin();
        series.one(&format!("churn{round}"), false);
        series.one(&format!("a{}", " ".repeat(round)), false);
        series.fail();
    }
    assert!(series.known.len() <= 2 && series.len() == 1 && series.written.len() == 1);
    for round in 0..100 {
        series.begin();
        series.one(&format!("churn{round}"), false);
        series.succeed();
    }
    assert!(series.known.len() <= 3 && series.len() == 1 && series.written.len() == 1);
}

#[test]
fn labels_that_fail_leave_no_trace() {
    let mut series = Series::default();
    series.begin();
    assert!(series.meet("bad", false, || Err::<Labels, _>("no")).is_err());
    assert!(series.is_empty());
}
