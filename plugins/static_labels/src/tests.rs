use millstream_stage::harness::{Harness, Row};

use crate::StaticLabels;

fn harness(settings: &str) -> Harness<StaticLabels> {
    Harness::new(settings)
}

#[test]
fn sets_new_and_existing_labels() {
    let mut stage = harness(r#"{ "values": { "job": "app", "zone": "b" } }"#);
    let rows = [
        Row::new("1").label("filename", "/a"),
        Row::new("2").label("job", "old"),
        Row::new("3"),
    ];
    let out = stage.push(rows);
    assert_eq!(
        out,
        [
            Row::new("1")
                .label("filename", "/a")
                .label("job", "app")
                .label("zone", "b"),
            Row::new("2").label("job", "app").label("zone", "b"),
            Row::new("3").label("job", "app").label("zone", "b"),
        ]
    );
}

#[test]
fn skips_empty_and_null_values() {
    let mut stage = harness(r#"{ "values": { "a": "", "b": null, "c": "1" } }"#);
    let out = stage.push([Row::new("x").label("a", "kept")]);
    assert_eq!(out, [Row::new("x").label("a", "kept").label("c", "1")]);
    let mut idle = harness(r#"{ "values": { "a": "" } }"#);
    assert_eq!(idle.push([Row::new("x")]), [Row::new("x")]);
}

#[test]
fn leaves_fields_alone() {
    let mut stage = harness(r#"{ "values": { "level": "x" } }"#);
    let out = stage.push([Row::new("x").field("level", "INFO")]);
    assert_eq!(out[0].fields["level"], "INFO");
}

#[test]
fn refuses_bad_settings() {
    for (settings, says) in [
        ("{}", "missing setting `values`"),
        ("null", "missing setting `values`"),
        (
            r#"{ "values": { "1a": "x" } }"#,
            "setting `values.1a`: `1a` is not a label name",
        ),
        (r#"{ "values": { "a.b": "x" } }"#, "`a.b` is not a label name"),
        (
            r#"{ "values": { "a": 1 } }"#,
            "setting `values.a`: got integer `1`, expected a string",
        ),
        (r#"{ "value": {} }"#, "unknown setting `value`: expected `values`"),
    ] {
        let refusal = Harness::<StaticLabels>::refusal(settings);
        assert!(refusal.contains(says), "{settings}: {refusal}");
    }
}
