use crate::Drop;
use millstream_stage::harness::{Harness, Row, START};

const HOUR: i64 = 3_600_000_000_000;
const TEN: &str = r#"{ "longer_than": "10B" }"#;
const AN_HOUR: &str = r#"{ "older_than": "1h" }"#;
const LONG_KEY: &str = r#"{ "source": "key", "longer_than": "10B" }"#;
const EVERYTHING: &str =
    r#"{ "source": "key", "expression": ".*val.*", "older_than": "1h", "longer_than": "10B" }"#;

fn row(line: &str, fields: &[(&str, &str)]) -> Row {
    fields
        .iter()
        .fold(Row::new(line), |row, (name, value)| row.field(name, value))
}

fn key(value: &str) -> Row {
    row("line", &[("key", value)])
}

fn two() -> Row {
    row("line", &[("key1", "val1"), ("key2", "val200.*")])
}

fn dropped(settings: &str, row: Row) -> bool {
    let mut stage = Harness::<Drop>::new(settings);
    let gone = stage.push([row]).is_empty();
    assert_eq!(stage.dropped("drop_stage"), u64::from(gone), "{settings}");
    gone
}

#[test]
fn by_length_in_bytes_and_by_age() {
    assert!(dropped(TEN, Row::new("12345678901")));
    assert!(!dropped(TEN, Row::new("1234567890")));
    assert!(!dropped(TEN, Row::new("123456789")));
    assert!(dropped(TEN, Row::new("한국어예")));
    assert!(dropped(AN_HOUR, Row::new("x").at(START - HOUR - 1)));
    assert!(!dropped(AN_HOUR, Row::new("x").at(START - HOUR)));
    assert!(!dropped(AN_HOUR, Row::new("x").at(START - HOUR / 12)));
    assert!(!dropped(AN_HOUR, Row::new("x").at(START + HOUR)));
}

#[test]
fn by_sources_that_are_there() {
    let source = |names: &str| format!(r#"{{ "source": "{names}" }}"#);
    assert!(dropped(&source("key"), key("")));
    assert!(dropped(&source("key"), Row::new("").label("key", "x")));
    assert!(!dropped(&source("key1"), key("val1")));
    assert!(dropped(&source("key1,key2"), two()));
    assert!(!dropped(&source("key1,key3"), two()));
    assert!(
        !dropped(&source("key1, key2"), two()),
        "blanks belong to the names"
    );
}

#[test]
fn by_the_value_of_sources() {
    let value = |settings: &str, row: Row| dropped(&format!("{{ {settings} }}"), row);
    assert!(value(r#""source": "key", "value": "val1""#, key("val1")));
    assert!(!value(r#""source": "key", "value": "val1""#, key("VAL1")));
    assert!(!value(r#""source": "key", "value": "50""#, key("500")));
    assert!(value(r#""source": "key1,key2", "value": "val1;val200.*""#, two()));
    assert!(value(
        r#""source": "key1,key2", "separator": "|", "value": "val1|val200.*""#,
        two()
    ));
    assert!(
        value(r#""source": "none,key1", "value": "val1""#, two()),
        "those not there are left out"
    );
}

#[test]
fn by_expression_on_the_line_or_on_sources() {
    let like = |settings: &str, row: Row| dropped(&format!("{{ {settings} }}"), row);
    assert!(like(
        r#""expression": ".*val.*""#,
        Row::new("with the word value in it")
    ));
    assert!(!like(r#""expression": ".*val.*""#, Row::new("without")));
    assert!(like(r#""source": "key", "expression": "50""#, key("500")));
    assert!(
        !like(r#""source": "key", "expression": "line""#, key("pal")),
        "not the line"
    );
    assert!(like(
        r#""source": "key1,key2", "expression": "val\\d{1};val\\d{3}""#,
        two()
    ));
    assert!(!like(
        r#""source": "key1,key2", "expression": "val\\d;val\\d$""#,
        two()
    ));
    assert!(like(
        r##""source": "key1,key2", "separator": "#", "expression": "1#v""##,
        two()
    ));
    assert!(!like(
        r##""source": "key1,key2", "separator": "#", "expression": "1;v""##,
        two()
    ));
    assert!(!like(r#""source": "none", "expression": ".*val.*""#, key("val")));
    assert!(
        like(r#""source": "none", "expression": "^$""#, key("val")),
        "no source is the empty text"
    );
}

#[test]
fn every_condition_has_to_be_met() {
    let old = |line: &str| Row::new(line).at(START - 2 * HOUR);
    assert!(dropped(LONG_KEY, row("12345678901", &[("key", "x")])));
    assert!(!dropped(LONG_KEY, row("1", &[("key", "x")])));
    assert!(!dropped(LONG_KEY, Row::new("12345678901")));
    assert!(dropped(EVERYTHING, old("12345678901").field("key", "a value")));
    assert!(!dropped(EVERYTHING, old("12345678901").field("key", "other")));
    assert!(!dropped(EVERYTHING, old("1").field("key", "a value")));
    assert!(!dropped(EVERYTHING, row("12345678901", &[("key", "a value")])));
}

#[test]
fn counts_under_its_reason_and_keeps_the_others_in_order() {
    let mut stage = Harness::<Drop>::new(r#"{ "expression": "DEBUG", "drop_counter_reason": "noise" }"#);
    let out = stage.push(["INFO a", "DEBUG b", "INFO c", "DEBUG d"]);
    assert_eq!(out, ["INFO a", "INFO c"]);
    assert_eq!(
        (
            stage.dropped("noise"),
            stage.dropped("drop_stage"),
            stage.merged()
        ),
        (2, 0, 0)
    );
    assert_eq!(stage.push(["INFO e"]), ["INFO e"]);
    assert_eq!(stage.push(["DEBUG"]).len(), 0);
}

#[test]
fn settings_are_checked() {
    let cases = [
        ("{}", "needs one of source, expression, older_than, longer_than"),
        (r#"{ "value": "x" }"#, "needs one of source"),
        (
            r#"{ "value": "x", "longer_than": "1B" }"#,
            "setting `value`: needs a source",
        ),
        (
            r#"{ "source": "a", "value": "x", "expression": "y" }"#,
            "setting `value`: cannot be combined",
        ),
        (
            r#"{ "expression": "(?P<ts[0-9]+).*" }"#,
            "setting `expression`: a group name",
        ),
        (
            r#"{ "older_than": "-1h" }"#,
            "setting `older_than`: must not be negative",
        ),
        (r#"{ "older_than": "1d" }"#, "`older_than`: `1d` is no duration"),
        (r#"{ "longer_than": "8k" }"#, "`longer_than`: `8k` is no size"),
        (r#"{ "longer": "8KB" }"#, "unknown setting `longer`"),
    ];
    for (settings, expected) in cases {
        let refused = Harness::<Drop>::refusal(settings);
        assert!(refused.contains(expected), "{settings}: {refused}");
    }
}
