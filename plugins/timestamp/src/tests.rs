use millstream_stage::harness::{Harness, Row, START};

use crate::TimestampStage;

const SECOND: i64 = 1_000_000_000;

fn harness(more: &str) -> Harness<TimestampStage> {
    Harness::new(format!(r#"{{ "source": "time", "format": "Unix"{more} }}"#))
}

fn row(time: &str) -> Row {
    Row::new("x").field("time", time).at(7)
}

fn times(rows: Vec<Row>) -> Vec<i64> {
    rows.into_iter().map(|row| row.timestamp).collect()
}

#[test]
fn takes_the_time_of_the_entry() {
    let out = harness("").push([row("1").label("a", "b"), row("2.5")]);
    assert_eq!(
        out[0],
        Row {
            timestamp: SECOND,
            ..row("1").label("a", "b")
        }
    );
    assert_eq!(out[1].timestamp, 2 * SECOND + SECOND / 2);
}

#[test]
fn a_failure_follows_the_last_time_of_its_stream() {
    let mut stage = harness("");
    let (a, b) = (|time| row(time).label("s", "a"), |time| row(time).label("s", "b"));
    assert_eq!(
        times(stage.push([a("no"), a("5"), b("no"), a("no"), a("no")])),
        [7, 5 * SECOND, 7, 5 * SECOND + 1, 5 * SECOND + 2]
    );
    let missing = Row::new("x").at(7).label("s", "a");
    assert_eq!(
        times(stage.push([missing, b("9"), b("")])),
        [5 * SECOND + 3, 9 * SECOND, 9 * SECOND + 1]
    );
}

#[test]
fn a_failure_is_left_alone_when_asked() {
    let mut stage = harness(r#", "action_on_failure": "skip""#);
    assert_eq!(
        times(stage.push([row("5"), row("no"), row("5"), Row::new("x").at(8)])),
        [5 * SECOND, 7, 5 * SECOND + 1, 8]
    );
}

#[test]
fn equal_times_are_set_apart_or_kept() {
    let rows = || [row("5"), row("5"), row("5"), row("6"), row("5")];
    let apart = [5 * SECOND, 5 * SECOND + 1, 5 * SECOND + 2, 6 * SECOND, 5 * SECOND];
    assert_eq!(times(harness("").push(rows())), apart);
    let kept = [5, 5, 5, 6, 5].map(|seconds| seconds * SECOND);
    assert_eq!(
        times(harness(r#", "action_on_duplicate_timestamp": "keep""#).push(rows())),
        kept
    );
}

#[test]
fn a_duplicate_after_a_failure_goes_on_from_there() {
    assert_eq!(
        times(harness("").push([row("5"), row("no"), row("5")])),
        [5 * SECOND, 5 * SECOND + 1, 5 * SECOND + 2]
    );
}

#[test]
fn without_fudging_labels_do_not_cross() {
    let mut stage = harness(r#", "action_on_failure": "skip", "action_on_duplicate_timestamp": "keep""#);
    assert_eq!(
        times(stage.push([row("5"), row("no"), row("5").label("a", "b")])),
        [5 * SECOND, 7, 5 * SECOND]
    );
}

#[test]
fn fallbacks_are_tried_in_order() {
    let mut stage =
        harness(r#", "fallback_formats": ["RFC3339", "2006-01-02 15:04"], "location": "Europe/Berlin""#);
    let rows = [
        row("1"),
        row("2026-01-05T15:04:05Z"),
        row("2026-01-05 15:04"),
        row("?").label("new", "stream"),
    ];
    let is = [SECOND, 1_767_625_445 * SECOND, 1_767_621_840 * SECOND, 7];
    assert_eq!(times(stage.push(rows)), is);
}

#[test]
fn a_layout_without_a_year_takes_the_current_one() {
    let mut stage = Harness::<TimestampStage>::new(r#"{ "source": "time", "format": "Jan _2 15:04:05" }"#);
    // The harness starts in the first second of 2026.
    let out = times(stage.push([row("Jan  1 00:00:01"), row("Dec 31 23:59:59")]));
    assert_eq!(out, [START + SECOND, START - SECOND]);
}

#[test]
fn refuses_bad_settings() {
    for (settings, says) in [
        ("null", "missing setting `source`"),
        (r#"{ "source": "a" }"#, "missing setting `format`"),
        (
            r#"{ "source": "", "format": "Unix" }"#,
            "setting `source`: must not be empty",
        ),
        (
            r#"{ "source": "a", "format": "" }"#,
            "setting `format`: `` is neither a layout",
        ),
        (
            r#"{ "source": "a", "format": "iso" }"#,
            "setting `format`: `iso` is neither a layout",
        ),
        (
            r#"{ "source": "a", "format": "Unix", "fallback_formats": ["Unix", "?"] }"#,
            "setting `fallback_formats[1]`",
        ),
        (
            r#"{ "source": "a", "format": "Unix", "location": "Moon" }"#,
            "setting `location`: `Moon` is not a time zone",
        ),
        (
            r#"{ "source": "a", "format": "Unix", "action_on_failure": "drop" }"#,
            "setting `action_on_failure`: unknown value `drop`, expected `fudge` or `skip`",
        ),
        (
            r#"{ "source": "a", "format": "Unix", "action_on_duplicate_timestamp": "skip" }"#,
            "unknown value `skip`, expected `fudge` or `keep`",
        ),
        (
            r#"{ "source": "a", "formats": [] }"#,
            "unknown setting `formats`: expected one of `source`, `format`",
        ),
    ] {
        let refusal = Harness::<TimestampStage>::refusal(settings);
        assert!(refusal.contains(says), "{settings}: {refusal}");
    }
}
