use millstream_stage::harness::{Harness, Row};

use crate::OutputStage;

fn stage() -> Harness<OutputStage> {
    Harness::new(r#"{ "source": "message" }"#)
}

#[test]
fn the_value_becomes_the_line() {
    let rows = [
        Row::new("1").field("message", "one"),
        Row::new("2").field("message", "zwei ü"),
    ];
    assert_eq!(stage().push(rows), ["one", "zwei ü"]);
}

#[test]
fn an_entry_without_the_value_keeps_its_line() {
    let rows = [
        Row::new("1").field("message", "one"),
        Row::new("2").field("other", "x"),
        Row::new("3"),
    ];
    assert_eq!(stage().push(rows), ["one", "2", "3"]);
    assert_eq!(stage().push(["1", "2"]), ["1", "2"]);
}

#[test]
fn an_empty_value_empties_the_line() {
    assert_eq!(stage().push([Row::new("1").field("message", "")]), [""]);
}

#[test]
fn the_rest_of_the_entry_stays() {
    let row = Row::new("x")
        .field("message", "m")
        .field("a", "b")
        .label("l", "v")
        .metadata("k", "v")
        .at(7);
    let is = Row {
        line: "m".to_owned(),
        ..row.clone()
    };
    assert_eq!(stage().push([row]), [is]);
}

#[test]
fn refuses_bad_settings() {
    for (settings, says) in [
        ("{}", "missing setting `source`"),
        (r#"{ "source": "" }"#, "setting `source`: must not be empty"),
        (
            r#"{ "source": null }"#,
            "setting `source`: got null, expected a string",
        ),
        (
            r#"{ "source": "a", "sauce": "b" }"#,
            "unknown setting `sauce`: expected `source`",
        ),
    ] {
        let refusal = Harness::<OutputStage>::refusal(settings);
        assert!(refusal.contains(says), "{settings}: {refusal}");
    }
}
