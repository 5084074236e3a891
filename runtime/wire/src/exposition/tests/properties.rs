//! Rendered bodies come back; damaged ones never panic.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::{Format, Line, samples, told};

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let name = prop_oneof!["[a-zA-Z_:][a-zA-Z0-9_:]{0,9}", ".{1,9}"];
    let label = prop_oneof!["[a-zA-Z_][a-zA-Z0-9_]{0,9}", ".{1,9}"];
    let pairs = proptest::collection::vec((label, "(?s).{0,12}"), 0..4);
    let value = prop_oneof![
        any::<f64>(),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY)
    ];
    proptest::collection::vec(
        (name, pairs, value, proptest::option::of(0i64..4_000_000_000_000)),
        0..12,
    )
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

fn is_plain(text: &str, also: &str) -> bool {
    text.chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '_' || also.contains(c))
        && !text.starts_with(|c: char| c.is_ascii_digit())
}

fn render(lines: &[Line], format: Format) -> String {
    let mut out = String::new();
    for (name, pairs, value, timestamp) in lines {
        let mut inner: Vec<String> = Vec::new();
        if is_plain(name, ":") {
            out.push_str(name);
        } else {
            inner.push(format!("\"{}\"", escaped(name)));
        }
        inner.extend(pairs.iter().map(|(name, value)| {
            let quote = if is_plain(name, "") { "" } else { "\"" };
            let name = if quote.is_empty() {
                name.clone()
            } else {
                escaped(name)
            };
            format!("{quote}{name}{quote}=\"{}\"", escaped(value))
        }));
        if !inner.is_empty() {
            write!(out, "{{{}}}", inner.join(",")).unwrap();
        }
        write!(out, " {value:?}").unwrap();
        match (timestamp, format) {
            (Some(at), Format::Text) => write!(out, " {at}").unwrap(),
            (Some(at), Format::OpenMetrics) => write!(out, " {}.{:03}", at / 1000, at % 1000).unwrap(),
            (None, _) => {}
        }
        out.push('\n');
    }
    if format == Format::OpenMetrics {
        out.push_str("# EOF\n");
    }
    out
}

proptest! {
    #[test]
    fn what_is_rendered_is_parsed(lines in lines()) {
        for format in [Format::Text, Format::OpenMetrics] {
            let parsed = samples(&render(&lines, format), format);
            prop_assert_eq!(parsed.len(), lines.len());
            for (parsed, wanted) in parsed.iter().zip(&lines) {
                prop_assert_eq!(&parsed.0, &wanted.0);
                prop_assert_eq!(&parsed.1, &wanted.1);
                prop_assert!(parsed.2 == wanted.2 || (parsed.2.is_nan() && wanted.2.is_nan()));
                // Seconds as a float are cut off after the millisecond, as in Prometheus: one less may remain.
                match (parsed.3, wanted.3, format) {
                    (Some(got), Some(at), Format::OpenMetrics) => prop_assert!(got == at || got == at - 1),
                    (got, at, _) => prop_assert_eq!(got, at),
                }
            }
        }
    }

    #[test]
    fn random_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        told(&body, Format::Text);
        told(&body, Format::OpenMetrics);
    }

    #[test]
    fn nearly_good_bodies_never_panic(
        at in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
        with in "[\\\\\"{}=,# \n\t\0a1é+-]{0,4}",
    ) {
        for (body, format) in [
            (include_str!("../golden/spring.txt"), Format::Text),
            (include_str!("../golden/spring.om"), Format::OpenMetrics),
        ] {
            let at = at.index(body.len());
            let mut bytes = body.as_bytes().to_vec();
            bytes.splice(at..at, with.bytes());
            told(&bytes, format);
            bytes.truncate(cut.index(bytes.len()));
            told(&bytes, format);
        }
    }

    #[test]
    fn token_soup_never_panics(soup in "([a-c{}\"=,# \\\\\n]|# TYPE |# HELP |# EOF| # \\{|1 |\\\\\"){0,40}") {
        told(soup.as_bytes(), Format::Text);
        told(soup.as_bytes(), Format::OpenMetrics);
    }
}
