use millstream_stage::harness::{Harness, Row};

use crate::JsonStage;

/// The fields of one row after the stage.
fn fields(settings: &str, row: impl Into<Row>) -> Vec<(String, String)> {
    let out = Harness::<JsonStage>::new(settings).push([row.into()]);
    out[0].fields.clone().into_iter().collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn extracts_every_kind_of_value() {
    let line = r#"{"s":"text","e":"","t":true,"f":false,"i":42,"d":1.50,"big":12345678901234567,"z":-0.0,
        "huge":1e21,"small":1e-7,"o":{"b":1,"a":[1.0,"<x>",null,1e21,1e-7]},"l":[1,"2"],"ü":"ö"}"#;
    for (key, is) in [
        ("s", "text"),
        ("e", ""),
        ("t", "true"),
        ("f", "false"),
        ("i", "42"),
        ("d", "1.5"),
        ("big", "12345678901234568"),
        ("z", "-0"),
        ("huge", "1000000000000000000000"),
        ("small", "0.0000001"),
        ("o", r#"{"b":1,"a":[1,"\u003cx\u003e",null,1e+21,1e-7]}"#),
        ("l", r#"[1,"2"]"#),
        ("\\\"ü\\\"", "ö"),
    ] {
        let settings = format!(r#"{{ "expressions": {{ "x": "{key}" }} }}"#);
        assert_eq!(fields(&settings, line), pairs(&[("x", is)]), "{key}");
    }
}

#[test]
fn walks_paths_and_runs_queries() {
    let line = r#"{"a":{"b":[{"c":1},{"c":2}],"d e":"quoted"},"n":[3,1,2],"s":"str"}"#;
    for (expression, is) in [
        ("a.b[0].c", Some("1")),
        ("a.b[-1].c", Some("2")),
        ("a.\\\"d e\\\"", Some("quoted")),
        ("a.b[*].c", Some("[1,2]")),
        ("length(n)", Some("3")),
        ("max(n)", Some("3")),
        ("missing || s", Some("str")),
        ("n[1:]", Some("[1,2]")),
        ("a.b[2].c", None),
        ("a.b[-3]", None),
        ("a.s.t", None),
        ("n.x", None),
        ("s[0]", None),
        ("missing", None),
    ] {
        let settings = format!(r#"{{ "expressions": {{ "x": "{expression}" }} }}"#);
        let is: Vec<(&str, &str)> = is.map(|is| ("x", is)).into_iter().collect();
        assert_eq!(fields(&settings, line), pairs(&is), "{expression}");
    }
}

#[test]
fn an_empty_expression_is_the_key() {
    let settings = r#"{ "expressions": { "level": "", "app": null, "other": "level" } }"#;
    let is = pairs(&[("app", "shop"), ("level", "INFO"), ("other", "INFO")]);
    assert_eq!(fields(settings, r#"{"level":"INFO","app":"shop"}"#), is);
}

#[test]
fn nothing_found_overwrites() {
    let row = Row::new(r#"{"a":null}"#)
        .field("a", "old")
        .field("b", "old")
        .field("c", "old");
    let settings = r#"{ "expressions": { "a": "", "b": "b.c" } }"#;
    assert_eq!(fields(settings, row), pairs(&[("c", "old")]));
}

#[test]
fn a_failing_query_leaves_the_field() {
    let row = Row::new(r#"{"n":5}"#).field("x", "old");
    assert_eq!(
        fields(r#"{ "expressions": { "x": "length(n)" } }"#, row),
        pairs(&[("x", "old")])
    );
}

#[test]
fn the_last_of_equal_keys_counts() {
    assert_eq!(
        fields(r#"{ "expressions": { "a": "" } }"#, r#"{"a":1,"a":2}"#),
        pairs(&[("a", "2")])
    );
    assert_eq!(
        fields(r#"{ "expressions": { "a": "a||b" } }"#, r#"{"a":1,"a":2}"#),
        pairs(&[("a", "2")])
    );
}

#[test]
fn malformed_lines_pass_unchanged() {
    for settings in [
        r#"{ "expressions": { "a": "" } }"#,
        r#"{ "expressions": { "a": "a||b" } }"#,
    ] {
        for line in [
            "",
            "text",
            "[1]",
            "7",
            r#""a""#,
            r#"{"a":1"#,
            r#"{"a":1} x"#,
            r#"{"a":1}{"a":2}"#,
        ] {
            assert_eq!(
                fields(settings, Row::new(line).field("a", "old")),
                pairs(&[("a", "old")]),
                "{line}"
            );
        }
        assert_eq!(
            fields(settings, Row::new("null").field("a", "old")),
            [],
            "null is an object without keys"
        );
    }
}

#[test]
fn malformed_lines_are_dropped_when_asked() {
    let mut stage = Harness::<JsonStage>::new(r#"{ "expressions": { "a": "" }, "drop_malformed": true }"#);
    let out = stage.push([r#"{"a":"1"}"#, "text", "[]", r#"{"a":"2"}"#]);
    let values: Vec<&str> = out.iter().map(|row| row.fields["a"].as_str()).collect();
    assert_eq!(values, ["1", "2"]);
    assert_eq!(stage.dropped("malformed_json"), 2);
}

#[test]
fn reads_a_field_instead_of_the_line() {
    let settings = r#"{ "expressions": { "a": "" }, "source": "payload" }"#;
    let rows = [
        Row::new(r#"{"a":"line"}"#).field("payload", r#"{"a":"field"}"#),
        Row::new(r#"{"a":"line"}"#).field("a", "old"),
    ];
    let out = Harness::<JsonStage>::new(settings).push(rows);
    assert_eq!([&out[0].fields["a"], &out[1].fields["a"]], ["field", "old"]);
    let untouched = [Row::new(r#"{"a":1}"#)];
    assert_eq!(
        Harness::<JsonStage>::new(settings).push(untouched.clone()),
        untouched
    );
}

#[test]
fn regex_copies_top_level_keys() {
    let mut stage = Harness::<JsonStage>::new(r#"{ "expressions": { "x": "q_b.c" }, "regex": "^(q_|x)" }"#);
    let out = stage.push([
        Row::new(r#"{"q_a":1,"q_b":{"c":2},"other":3,"q_n":null}"#).field("q_n", "old"),
        Row::new(r#"{"q_a":"second","x":"key wins"}"#),
        Row::new("text").field("q_a", "kept"),
    ]);
    let all: Vec<Vec<(String, String)>> = out
        .into_iter()
        .map(|row| row.fields.into_iter().collect())
        .collect();
    assert_eq!(all[0], pairs(&[("q_a", "1"), ("q_b", r#"{"c":2}"#), ("x", "2")]));
    assert_eq!(all[1], pairs(&[("q_a", "second"), ("x", "key wins")]));
    assert_eq!(all[2], pairs(&[("q_a", "kept")]));
}

#[test]
fn refuses_bad_settings() {
    for (settings, says) in [
        (
            "null",
            "one of the settings `expressions` and `regex` is required",
        ),
        (
            r#"{ "source": "x" }"#,
            "one of the settings `expressions` and `regex` is required",
        ),
        (
            r#"{ "regex": "a", "source": "" }"#,
            "setting `source`: must not be empty",
        ),
        (
            r#"{ "expressions": { "a-b": "" } }"#,
            "setting `expressions.a-b`: not a JMESPath expression",
        ),
        (
            r#"{ "expressions": { "a": "b[" } }"#,
            "setting `expressions.a`: not a JMESPath expression",
        ),
        (
            r#"{ "expressions": { "a": 1 } }"#,
            "setting `expressions.a`: got integer `1`",
        ),
        (r#"{ "regex": "(" }"#, "setting `regex`: regex parse error"),
        (
            r#"{ "expression": {} }"#,
            "unknown setting `expression`: expected one of `expressions`, `regex`",
        ),
    ] {
        let refusal = Harness::<JsonStage>::refusal(settings);
        assert!(refusal.contains(says), "{settings}: {refusal}");
    }
}
