//! The cases of Alloy's own tests by description, then the properties.

use crate::Multiline;
use millstream_stage::harness::{Harness, Row};
use proptest::prelude::*;
use std::time::Duration;

fn stage(settings: &str) -> Harness<Multiline> {
    Harness::new(format!(r#"{{ "firstline": "^START"{settings} }}"#))
}

fn all(stage: &mut Harness<Multiline>, lines: &[&str]) -> Vec<String> {
    let mut out = stage.push(lines.iter().copied());
    out.extend(stage.flush());
    out.into_iter().map(|row| row.line).collect()
}

fn on(stream: &str, line: &str) -> Row {
    Row::new(line).label("value", stream)
}

fn streams(rows: &[Row]) -> Vec<(&str, &str)> {
    rows.iter()
        .map(|row| (row.labels.get("value").unwrap_or_default(), row.line.as_str()))
        .collect()
}

#[test]
fn joins_a_block_and_passes_what_comes_before_the_first() {
    let lines = [
        "before 1",
        "before 2\r\n",
        "START 1",
        "more",
        "START 2",
        "START 3",
    ];
    let expected = ["before 1", "before 2\r\n", "START 1\nmore", "START 2", "START 3"];
    assert_eq!(all(&mut stage(""), &lines), expected);
    assert_eq!(
        all(&mut stage(""), &["none", "of", "them"]),
        ["none", "of", "them"]
    );
}

#[test]
fn trims_newlines_of_each_line_unless_told_not_to() {
    let lines = ["START 1\n", "more", "START 2\r\n", "START 3\n\r\n", "\n", "last"];
    assert_eq!(
        all(&mut stage(""), &lines),
        ["START 1\nmore", "START 2", "START 3\n\nlast"]
    );
    let expected = ["START 1\n\nmore", "START 2\r\n", "START 3\n\r\n\n\n\nlast"];
    assert_eq!(all(&mut stage(r#", "trim_newlines": false"#), &lines), expected);
}

#[test]
fn keeps_streams_apart() {
    let mut stage = stage("");
    let mut out = stage.push([
        on("one", "START 1\r\n"),
        on("one", "more 1\r\n"),
        on("two", "START 1\n"),
        on("one", "more 2\n"),
        on("two", "START 2\n"),
        on("three", "no block yet"),
        on("one", "START 2"),
        on("one", "more 1"),
    ]);
    out.extend(stage.flush());
    let expected = [
        ("two", "START 1"),
        ("three", "no block yet"),
        ("one", "START 1\nmore 1\nmore 2"),
        ("two", "START 2"),
        ("one", "START 2\nmore 1"),
    ];
    assert_eq!(streams(&out), expected);
}

#[test]
fn a_block_is_complete_after_the_wait_and_its_stream_forgotten() {
    let mut stage = stage(r#", "max_wait_time": "100ms""#);
    assert_eq!(stage.push(["START"]).len(), 0);
    assert_eq!(stage.held(), [0]);
    assert_eq!(stage.advance(Duration::from_millis(99)).len(), 0);
    assert_eq!(stage.push(["more"]).len(), 0);
    assert_eq!(stage.advance(Duration::from_millis(99)).len(), 0);
    assert_eq!(stage.advance(Duration::from_millis(1)), ["START\nmore"]);
    assert!(stage.held().is_empty() && stage.wake_at().is_none());
    assert_eq!(stage.push(["late"]), ["late"]);
}

#[test]
fn each_stream_waits_for_itself() {
    let mut stage = stage(r#", "max_wait_time": "2s""#);
    stage.push([on("one", "START a")]);
    stage.advance(Duration::from_secs(1));
    stage.push([on("two", "START b")]);
    assert_eq!(
        streams(&stage.advance(Duration::from_secs(1))),
        [("one", "START a")]
    );
    assert_eq!(
        streams(&stage.push([on("one", "x"), on("two", "y")])),
        [("one", "x")]
    );
    assert_eq!(
        streams(&stage.advance(Duration::from_secs(2))),
        [("two", "START b\ny")]
    );
}

#[test]
fn max_lines_completes_a_block_and_the_rest_carries_it_on() {
    let mut stage = stage(r#", "max_lines": 2"#);
    let rows = ["START", "2", "3", "4", "5", "START again"].iter().enumerate();
    let row = |(i, line): (usize, &&str)| Row::new(*line).at(i as i64).field("n", line).metadata("m", line);
    let mut out = stage.push(rows.map(row));
    out.extend(stage.flush());
    let seen: Vec<_> = out
        .iter()
        .map(|row| (row.line.as_str(), row.timestamp, row.fields["n"].as_str()))
        .collect();
    let expected = [
        ("START\n2", 0, "START"),
        ("3\n4", 0, "3"),
        ("5", 0, "5"),
        ("START again", 5, "START again"),
    ];
    assert_eq!(seen, expected);
    assert!(out.iter().all(|row| row.fields["n"] == row.metadata["m"]));
}

#[test]
fn a_spent_block_is_forgotten_after_the_wait() {
    let mut stage = stage(r#", "max_lines": 2"#);
    assert_eq!(stage.push(["START", "2"]), ["START\n2"]);
    assert!(stage.held().is_empty());
    assert_eq!(stage.advance(Duration::from_secs(2)).len(), 0);
    assert_eq!(stage.push(["3", "4"]), ["3\n4"]);
    assert_eq!(stage.advance(Duration::from_secs(3)).len(), 0);
    assert_eq!(stage.push(["alone"]), ["alone"]);
}

#[test]
fn max_lines_of_one_and_of_none() {
    assert_eq!(
        all(&mut stage(r#", "max_lines": 1"#), &["a", "START", "2", "3"]),
        ["a", "START", "2", "3"]
    );
    let many: Vec<String> = (0..1000)
        .map(|i| if i == 0 { "START".to_owned() } else { i.to_string() })
        .collect();
    let lines: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(all(&mut stage(r#", "max_lines": 0"#), &lines), [many.join("\n")]);
    assert_eq!(all(&mut stage(""), &lines).len(), 8);
}

#[test]
fn an_entry_keeps_what_its_first_line_had() {
    let mut stage = stage("");
    let first = |n: i64| {
        on("one", "START")
            .at(n)
            .metadata("key", &n.to_string())
            .field("f", &n.to_string())
    };
    let mut out = stage.push([first(1), on("one", "more").at(2).metadata("key", "other")]);
    out.extend(stage.push([first(3)]));
    out.extend(stage.flush());
    let expected = [
        Row {
            line: "START\nmore".to_owned(),
            ..first(1)
        },
        first(3),
    ];
    assert_eq!(out, expected);
    assert_eq!(stage.merged(), 1);
}

#[test]
fn a_block_is_rebuilt_from_what_is_held() {
    let mut stage = stage(r#", "max_wait_time": "1s""#);
    stage.push([on("one", "START a"), on("two", "START b"), on("one", "more")]);
    stage.push([on("two", "more")]);
    stage.advance(Duration::from_millis(900));
    assert_eq!(stage.replay().len(), 0);
    assert_eq!(stage.held(), [0, 1, 2, 3]);
    // The wait starts anew: when the lines arrived first is not known any more.
    assert_eq!(stage.advance(Duration::from_millis(900)).len(), 0);
    let out = stage.advance(Duration::from_millis(100));
    assert_eq!(
        streams(&out),
        [("one", "START a\nmore"), ("two", "START b\nmore")]
    );
}

#[test]
fn after_a_replay_what_carried_on_comes_out_line_by_line() {
    let mut stage = stage(r#", "max_lines": 2"#);
    assert_eq!(stage.push(["START", "2", "3"]), ["START\n2"]);
    assert_eq!(stage.replay(), ["3"]);
    assert_eq!(stage.push(["4"]), ["4"]);
}

#[test]
fn settings_are_checked() {
    let refusal = |settings: &str| Harness::<Multiline>::refusal(settings);
    assert_eq!(refusal("{}"), "missing setting `firstline`");
    assert!(refusal(r#"{ "firstline": "" }"#).contains("setting `firstline`: must not be empty"));
    assert!(refusal(r#"{ "firstline": "(?=x)" }"#).contains("setting `firstline`: look-ahead"));
    for wait in ["0s", "-1s"] {
        let settings = format!(r#"{{ "firstline": "x", "max_wait_time": "{wait}" }}"#);
        assert_eq!(
            refusal(&settings),
            "setting `max_wait_time`: must be greater than 0"
        );
    }
    assert!(
        refusal(r#"{ "firstline": "x", "max_wait_time": "3" }"#)
            .contains("`max_wait_time`: `3` is no duration")
    );
    assert!(refusal(r#"{ "firstline": "x", "max_lines": -1 }"#).contains("max_lines"));
    assert!(refusal(r#"{ "first_line": "x" }"#).contains("unknown setting `first_line`"));
}

/// Lines of three streams; about every third starts a block.
fn lines() -> impl Strategy<Value = Vec<(u8, u8)>> {
    prop::collection::vec((0..3_u8, 0..3_u8), 0..60)
}

fn rows(lines: &[(u8, u8)]) -> Vec<Row> {
    let row = |(i, (stream, kind)): (usize, &(u8, u8))| {
        let line = if *kind == 0 {
            format!("START {i}")
        } else {
            format!("more {i}")
        };
        on(&stream.to_string(), &line).at(i as i64)
    };
    lines.iter().enumerate().map(row).collect()
}

/// Pushes the rows in batches that end at `cuts`, replaying after each one if asked to.
fn run(settings: &str, rows: &[Row], cuts: &[usize], replay: bool) -> Vec<Row> {
    let mut stage = stage(settings);
    let mut out = Vec::new();
    let mut rest = rows;
    for cut in cuts {
        let (batch, after) = rest.split_at((*cut).min(rest.len()));
        out.extend(stage.push(batch.iter().cloned()));
        rest = after;
        if replay {
            assert_eq!(stage.replay().len(), 0, "a replay puts nothing out");
        }
    }
    out.extend(stage.push(rest.iter().cloned()));
    out.extend(stage.flush());
    out
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_line_comes_out_once_and_in_order_however_it_was_batched(
        lines in lines(),
        cuts in prop::collection::vec(0..12_usize, 0..10),
        max_lines in 0..4_u8,
    ) {
        let rows = rows(&lines);
        let settings = format!(r#", "max_lines": {max_lines}"#);
        let out = run(&settings, &rows, &cuts, false);
        prop_assert_eq!(&out, &run(&settings, &rows, &[], false));
        for stream in ["0", "1", "2"] {
            let of = |rows: &[Row]| -> Vec<String> {
                let mine = rows.iter().filter(|row| row.labels.get("value") == Some(stream));
                mine.flat_map(|row| row.line.split('\n').map(str::to_owned)).collect()
            };
            prop_assert_eq!(of(&out), of(&rows));
        }
    }

    #[test]
    fn a_replay_changes_nothing(lines in lines(), cuts in prop::collection::vec(0..12_usize, 0..10)) {
        let rows = rows(&lines);
        prop_assert_eq!(run("", &rows, &cuts, true), run("", &rows, &cuts, false));
    }
}
