use serde::Deserialize;

use super::parse;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read through Debug and refusals")]
struct Settings {
    expression: String,
    #[serde(default)]
    max_lines: u32,
    #[serde(default)]
    rules: Vec<Rule>,
    #[serde(default)]
    mode: Mode,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read through Debug and refusals")]
struct Rule {
    limit: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    #[default]
    Keep,
    Drop,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[test]
fn refusals_name_the_setting() {
    for (json, is) in [
        ("null", "missing setting `expression`"),
        ("", "missing setting `expression`"),
        (
            r#"{"expresion":"x"}"#,
            "unknown setting `expresion`: expected one of `expression`, `max_lines`, `rules`, `mode`",
        ),
        (
            r#"{"expression":5}"#,
            "setting `expression`: got integer `5`, expected a string",
        ),
        (
            r#"{"expression":"x","max_lines":-1}"#,
            "setting `max_lines`: got integer `-1`, expected u32",
        ),
        (
            r#"{"expression":"x","max_lines":{}}"#,
            "setting `max_lines`: got map, expected u32",
        ),
        (
            r#"{"expression":"x","rules":[{"limit":1},{}]}"#,
            "missing setting `rules[1].limit`",
        ),
        (
            r#"{"expression":"x","rules":[{"limit":"a"}]}"#,
            "setting `rules[0].limit`: got string \"a\", expected u32",
        ),
        (
            r#"{"expression":"x","rules":[{"limt":1}]}"#,
            "unknown setting `rules[0].limt`: expected `limit`",
        ),
        (
            r#"{"expression":"x","mode":"skip"}"#,
            "setting `mode`: unknown value `skip`, expected `keep` or `drop`",
        ),
        (
            r#"{"expression":"x","expression":"y"}"#,
            "setting `expression` is given twice",
        ),
        (r#""text""#, "got string \"text\", expected struct Settings"),
    ] {
        assert_eq!(parse::<Settings>(json).unwrap_err().message(), is, "{json}");
    }
    let refusal = parse::<Nothing>(r#"{"a":1}"#).unwrap_err();
    assert_eq!(refusal.message(), "unknown setting `a`: there are no settings");
}

#[test]
fn nothing_and_null_are_no_settings() {
    for json in ["", "null", " null ", "{}"] {
        assert!(parse::<Nothing>(json).is_ok(), "{json:?}");
    }
}
