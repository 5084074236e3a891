use serde_json::json;

use super::*;

fn entry(text: &str) -> Entry {
    serde_json::from_value(json!({ "line": text })).unwrap()
}

fn output(lines: &[&str]) -> Expected {
    Expected::Output {
        entries: lines.iter().map(|line| entry(line)).collect(),
        dropped: BTreeMap::new(),
        metrics: Vec::new(),
    }
}

fn told(expected: &Expected, outcome: &Expected) -> String {
    differences(expected, outcome).join("\n")
}

#[test]
fn what_is_the_same_is_no_difference() {
    assert_eq!(told(&output(&["a", "b"]), &output(&["a", "b"])), "");
    let words = Expected::Refused("setting `mask` must be".into());
    assert_eq!(told(&Expected::Refused("`mask`".into()), &words), "");
}

#[test]
fn every_difference_is_shown_at_its_entry() {
    let text = told(
        &output(&["same", "one", "gone", "same"]),
        &output(&["same", "own", "same", "new"]),
    );
    assert_eq!(
        text,
        r#"  entry 2 differs
    expected  {"line":"one"}
    came out  {"line":"own"}
                        ^
  entry 3 is missing
    expected  {"line":"gone"}
  entry 4 was not expected
    came out  {"line":"new"}"#
    );
}

#[test]
fn a_mark_stands_below_wide_characters_too() {
    let text = told(&output(&["é번x"]), &output(&["é번y"]));
    assert!(text.ends_with("\n                        \u{3000}^"), "{text}");
}

#[test]
fn a_time_counts_where_it_is_asked_for() {
    let timed = |times: [Option<i64>; 2]| Expected::Output {
        entries: times
            .into_iter()
            .map(|timestamp| Entry {
                timestamp,
                ..entry("a")
            })
            .collect(),
        dropped: BTreeMap::new(),
        metrics: Vec::new(),
    };
    let out = timed([Some(1), Some(2)]);
    assert_eq!(told(&timed([None, None]), &out), "");
    assert_eq!(told(&timed([None, Some(2)]), &out), "");
    let text = told(&timed([Some(3), None]), &out);
    assert!(
        text.starts_with("  entry 1 differs") && !text.contains("entry 2"),
        "{text}"
    );
}

#[test]
fn counts_are_compared() {
    let with = |drops: &[(&str, u64)], value: f64| Expected::Output {
        entries: Vec::new(),
        dropped: drops
            .iter()
            .map(|(reason, count)| ((*reason).to_owned(), *count))
            .collect(),
        metrics: vec![Series {
            metric: "m".into(),
            labels: [("kind".to_owned(), "x".to_owned())].into(),
            value,
        }],
    };
    assert_eq!(
        told(&with(&[], 2.0), &with(&[("old", 3)], 1.0)),
        "  dropped entries differ\n    expected  none\n    counted   3 as old\n  metric m{kind=\"x\"} differs\n    expected  2\n    counted   1"
    );
    let text = told(&with(&[], 2.0), &output(&[]));
    assert!(
        text.contains("counted   0 (the stage touched no metric of this name)"),
        "{text}"
    );
}

#[test]
fn another_end_is_told_in_words() {
    assert_eq!(
        told(&Expected::Refused("`mask`".into()), &output(&["a"])),
        "  expected that the stage refuses its settings: `mask`\n  but entries come out; it put out 1"
    );
    let text = told(
        &Expected::Failed("time".into()),
        &Expected::Failed("it trapped".into()),
    );
    assert!(
        text.contains("expected  …time…\n    came out  it trapped"),
        "{text}"
    );
}
