use crate::Regex;
use millstream_stage::harness::{Harness, Row};
use std::collections::BTreeMap;

const ACCESS_LOG: &str = r#"^(?P<ip>\S+) (?P<identd>\S+) (?P<user>\S+) \[(?P<timestamp>[\w:/]+\s[+\-]\d{4})\] "(?P<action>\S+)\s?(?P<path>\S+)?\s?(?P<protocol>\S+)?" (?P<status>\d{3}|-) (?P<size>\d+|-)\s?"?(?P<referer>[^"]*)"?\s?"?(?P<useragent>[^"]*)?"?$"#;
const ACCESS_LINE: &str = r#"11.11.11.11 - frank [25/Jan/2000:14:00:01 -0500] "GET /1986.js HTTP/1.1" 200 932 "-" "Mozilla/5.0 (Windows; U; rv:1.9.1.7)""#;
const LEVEL: &str = ".*(?P<level>INFO|WARN|ERROR|DEBUG|TRACE).*";
const VERSION: &str = "^HTTP/(?P<version>[0-9.]+)$";

fn settings(expression: &str, more: &str) -> String {
    let quoted = expression.replace('\\', r"\\").replace('"', r#"\""#);
    format!(r#"{{ "expression": "{quoted}"{more} }}"#)
}

type Pairs<'a> = &'a [(&'a str, &'a str)];

fn fields(pairs: Pairs<'_>) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn sets_one_field_per_named_group() {
    let access = [
        ("ip", "11.11.11.11"),
        ("identd", "-"),
        ("user", "frank"),
        ("timestamp", "25/Jan/2000:14:00:01 -0500"),
        ("action", "GET"),
        ("path", "/1986.js"),
        ("protocol", "HTTP/1.1"),
        ("status", "200"),
        ("size", "932"),
        ("referer", "-"),
        ("useragent", "Mozilla/5.0 (Windows; U; rv:1.9.1.7)"),
    ];
    let case_insensitive = "(?i)(?P<bad>panic:|core_dumped|failure|error|attack| bad |illegal |denied)";
    let cases: [(&str, &str, Pairs<'_>); 8] = [
        (ACCESS_LOG, ACCESS_LINE, &access),
        (LEVEL, "12:00 WARN retry after ERROR", &[("level", "ERROR")]),
        (LEVEL, "INFO\n\tat a.B\n\tat c.D ERROR", &[("level", "INFO")]),
        (LEVEL, "nothing", &[]),
        (
            case_insensitive,
            "A Terrible Error has occurred!!!",
            &[("bad", "Error")],
        ),
        ("(?P<a>x)(?P<b>y)?(z)", "xz", &[("a", "x"), ("b", "")]),
        ("(?P<a>x)|(?P<a>y)", "x", &[("a", "")]),
        (
            r"^(?s)(?P<time>\S+?) (?P<rest>.*)$",
            "t a\nb",
            &[("time", "t"), ("rest", "a\nb")],
        ),
    ];
    for (expression, line, expected) in cases {
        let out = Harness::<Regex>::new(settings(expression, "")).push([line]);
        assert_eq!(out[0].fields, fields(expected), "{expression} on {line}");
        assert_eq!(out, [line]);
    }
}

#[test]
fn a_row_without_a_match_keeps_its_fields() {
    let mut stage = Harness::<Regex>::new(settings(LEVEL, ""));
    let out = stage.push([
        Row::new("INFO").field("level", "old"),
        Row::new("none").field("level", "old").field("other", "x"),
        Row::new("none"),
    ]);
    let seen: Vec<_> = out
        .iter()
        .map(|row| row.fields.get("level").map(String::as_str))
        .collect();
    assert_eq!(seen, [Some("INFO"), Some("old"), None]);
    assert_eq!(out[1].fields["other"], "x");
    let none = stage.push([Row::new("none").field("level", "old"), Row::new("none")]);
    assert_eq!(none, [Row::new("none").field("level", "old"), Row::new("none")]);
}

#[test]
fn reads_a_source_field_or_label_instead_of_the_line() {
    let mut stage = Harness::<Regex>::new(settings(VERSION, r#", "source": "protocol""#));
    let out = stage.push([
        Row::new("HTTP/9").field("protocol", "HTTP/1.1"),
        Row::new("HTTP/9").field("protocol", "true"),
        Row::new("HTTP/9").field("protocol", ""),
        Row::new("HTTP/9"),
        Row::new("HTTP/9").label("protocol", "HTTP/2"),
        Row::new("HTTP/9")
            .label("protocol", "HTTP/2")
            .field("protocol", "HTTP/3"),
    ]);
    let seen: Vec<_> = out
        .iter()
        .map(|row| row.fields.get("version").map(String::as_str))
        .collect();
    assert_eq!(seen, [Some("1.1"), None, None, None, Some("2"), Some("3")]);
}

#[test]
fn may_write_the_field_it_reads() {
    let mut stage = Harness::<Regex>::new(settings("(?P<path>[^/]+)$", r#", "source": "path""#));
    let out = stage.push([
        Row::new("").field("path", "/var/log/app.log"),
        Row::new("").field("path", "/"),
    ]);
    assert_eq!([&out[0].fields["path"], &out[1].fields["path"]], ["app.log", "/"]);
}

#[test]
fn groups_become_labels_when_asked_to() {
    let mut stage = Harness::<Regex>::new(settings("(?P<a>x)(?P<b>y)?", r#", "labels_from_groups": true"#));
    let out = stage.push([
        Row::new("xy").label("a", "old").label("c", "kept"),
        Row::new("x"),
        Row::new("none").label("a", "old"),
    ]);
    let labels: Vec<Vec<_>> = out.iter().map(|row| row.labels.iter().collect()).collect();
    let expected: [&[_]; 3] = [
        &[("a", "x"), ("b", "y"), ("c", "kept")],
        &[("a", "x"), ("b", "")],
        &[("a", "old")],
    ];
    assert_eq!(labels, expected);
    assert_eq!(out[0].fields, fields(&[("a", "x"), ("b", "y")]));
    let plain = Harness::<Regex>::new(settings("(?P<a>x)", "")).push([Row::new("x")]);
    assert_eq!(plain[0].labels.iter().count(), 0);
}

#[test]
fn settings_are_checked() {
    let refusal = |settings: String| Harness::<Regex>::refusal(settings);
    let cases = [
        ("{}".to_owned(), "missing setting `expression`"),
        (settings("", ""), "setting `expression`: must not be empty"),
        (
            settings("(?P<ts[0-9]+).*", ""),
            "setting `expression`: a group name is letters, digits and `_`",
        ),
        (
            settings("(x)", ""),
            "setting `expression`: needs at least one named group",
        ),
        (
            settings("(?P<a>x)", r#", "source": """#),
            "setting `source`: must not be empty",
        ),
        (
            settings("(?P<1a>x)", r#", "labels_from_groups": true"#),
            "`1a` is no label name",
        ),
        (
            settings("(?P<a>x)", r#", "sauce": "x""#),
            "unknown setting `sauce`",
        ),
    ];
    for (settings, expected) in cases {
        let refused = refusal(settings.clone());
        assert!(refused.contains(expected), "{settings}: {refused}");
    }
}
