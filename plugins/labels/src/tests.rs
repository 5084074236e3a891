use millstream_stage::harness::{Harness, Row};

use crate::LabelsStage;

fn out_of(settings: &str, rows: impl IntoIterator<Item = Row>) -> Vec<Row> {
    Harness::<LabelsStage>::new(settings).push(rows)
}

#[test]
fn takes_values_under_their_own_or_another_name() {
    let settings = r#"{ "values": { "level": "severity", "app": "", "zone": null } }"#;
    let row = Row::new("x")
        .field("severity", "INFO")
        .field("app", "shop")
        .field("zone", "b");
    let is = row
        .clone()
        .label("level", "INFO")
        .label("app", "shop")
        .label("zone", "b");
    assert_eq!(out_of(settings, [row]), [is]);
}

#[test]
fn missing_is_skipped_and_empty_is_set() {
    let settings = r#"{ "values": { "level": null } }"#;
    let rows = [
        Row::new("missing").label("level", "old"),
        Row::new("empty").field("level", "").label("level", "old"),
        Row::new("given").field("level", "INFO").label("level", "old"),
    ];
    let levels: Vec<_> = out_of(settings, rows)
        .into_iter()
        .map(|row| row.labels.get("level").unwrap().to_owned())
        .collect();
    assert_eq!(levels, ["old", "", "INFO"]);
}

#[test]
fn nothing_extracted_changes_nothing() {
    let rows = [Row::new("x").label("a", "1"), Row::new("y")];
    assert_eq!(out_of(r#"{ "values": { "level": null } }"#, rows.clone()), rows);
}

#[test]
fn metadata_is_a_source_only_when_asked() {
    let row = Row::new("x").field("id", "field").metadata("id", "metadata");
    let from_metadata = r#"{ "values": { "id": null }, "source_type": "structured_metadata" }"#;
    assert_eq!(
        out_of(from_metadata, [row.clone()])[0].labels.get("id"),
        Some("metadata")
    );
    let from_fields = r#"{ "values": { "id": null }, "source_type": "extracted" }"#;
    assert_eq!(out_of(from_fields, [row])[0].labels.get("id"), Some("field"));
}

#[test]
fn many_streams_and_many_values_stay_apart() {
    let rows = (0..400).map(|i| {
        let row = Row::new(i.to_string()).label("file", &(i % 7).to_string());
        if i % 5 == 0 {
            row
        } else {
            row.field("user", &(i % 61).to_string())
        }
    });
    for row in out_of(r#"{ "values": { "user": null } }"#, rows) {
        let i: usize = row.line.parse().unwrap();
        assert_eq!(row.labels.get("file"), Some((i % 7).to_string().as_str()));
        let user = (i % 61).to_string();
        assert_eq!(
            row.labels.get("user"),
            (!i.is_multiple_of(5)).then_some(user.as_str())
        );
    }
}

#[test]
fn refuses_bad_settings() {
    for (settings, says) in [
        ("null", "missing setting `values`"),
        (r#"{ "values": {} }"#, "setting `values`: names no label"),
        (
            r#"{ "values": { "log-level": "level" } }"#,
            "`log-level` is not a label name",
        ),
        (r#"{ "values": { "ünit": "level" } }"#, "is not a label name"),
        (
            r#"{ "values": { "a": 3 } }"#,
            "setting `values.a`: got integer `3`, expected a string",
        ),
        (
            r#"{ "values": { "a": "" }, "source": "x" }"#,
            "unknown setting `source`: expected `values` or `source_type`",
        ),
        (
            r#"{ "values": { "a": "" }, "source_type": "labels" }"#,
            "setting `source_type`: unknown value `labels`, expected `extracted` or `structured_metadata`",
        ),
    ] {
        let refusal = Harness::<LabelsStage>::refusal(settings);
        assert!(refusal.contains(says), "{settings}: {refusal}");
    }
}
