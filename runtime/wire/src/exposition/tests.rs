use std::fmt::Write as _;

use super::*;

mod properties;

/// Name, labels, value, timestamp.
type Line = (String, Vec<(String, String)>, f64, Option<i64>);

/// Everything a body says, one line each.
fn told(body: &[u8], format: Format) -> String {
    let mut out = String::new();
    for event in parse(body, format) {
        match event {
            Ok(Event::Metadata(metadata)) => writeln!(out, "{metadata:?}"),
            Ok(Event::Sample(sample)) => {
                let labels = labels(sample.labels());
                let exemplar = sample.exemplar.as_ref().map(|e| {
                    format!(
                        " exemplar {} {:?} {:?}",
                        labels_text(&self::labels(e.labels())),
                        e.value,
                        e.timestamp
                    )
                });
                writeln!(
                    out,
                    "{}{} {:?} {:?}{}",
                    sample.name(),
                    labels_text(&labels),
                    sample.value,
                    sample.timestamp,
                    exemplar.unwrap_or_default()
                )
            }
            Err(error) => writeln!(out, "error: {error}"),
        }
        .unwrap();
    }
    out
}

fn labels(pairs: LabelPairs<'_>) -> Vec<(String, String)> {
    pairs
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

fn labels_text(labels: &[(String, String)]) -> String {
    format!("{labels:?}")
}

fn samples(body: &str, format: Format) -> Vec<Line> {
    parse(body.as_bytes(), format)
        .map(Result::unwrap)
        .filter_map(|event| match event {
            Event::Sample(sample) => Some((
                sample.name().into_owned(),
                labels(sample.labels()),
                sample.value,
                sample.timestamp,
            )),
            Event::Metadata(_) => None,
        })
        .collect()
}

fn error(body: &[u8], format: Format) -> ExpositionError {
    let mut parser = parse(body, format);
    let error = parser
        .find_map(Result::err)
        .unwrap_or_else(|| panic!("{:?} was accepted", String::from_utf8_lossy(body)));
    assert!(parser.next().is_none(), "nothing comes after an error");
    error
}

#[test]
fn spring_in_0_0_4() {
    insta::assert_snapshot!(told(include_bytes!("golden/spring.txt"), Format::Text));
}

#[test]
fn spring_in_openmetrics() {
    insta::assert_snapshot!(told(include_bytes!("golden/spring.om"), Format::OpenMetrics));
}

/// Prometheus' own `TestPromParse` and `TestUTF8PromParse`, by meaning.
#[test]
fn what_prometheus_accepts_in_0_0_4() {
    let quantile = |value: &str| ("quantile".to_owned(), value.to_owned());
    let ab = || ("a".to_owned(), "b".to_owned());
    let mut body =
        String::from("# HELP d text\n# \tTYPE d summary\n#\n#nothing\n# HELPX\n# HELP e\n# HELP f \n\n");
    let mut wanted = Vec::new();
    for (written, pairs) in [
        (r#"d{quantile="0"}"#, vec![quantile("0.0")]),
        (r#"d{quantile="0.25",}"#, vec![quantile("0.25")]),
        (r#"d{quantile="0.8", a="b"}"#, vec![quantile("0.8"), ab()]),
        (r#"d{ quantile="1.0", a="b" }"#, vec![quantile("1.0"), ab()]),
        (r#"d { quantile= "1.0", a= "b", }"#, vec![quantile("1.0"), ab()]),
        (r#"d { quantile = "2.0" a = "b" }"#, vec![quantile("2.0"), ab()]),
        (r#"{"d",quantile="0.5"}"#, vec![quantile("0.5")]),
        (
            r#"{ "d", quantile= "1.0", a= "b", }"#,
            vec![quantile("1.0"), ab()],
        ),
        (r#"{a="b","d"}"#, vec![ab()]),
        (r#"{"d"}"#, vec![]),
        ("d{}", vec![]),
        ("  d", vec![]),
    ] {
        writeln!(body, "{written} 4.9351e-05").unwrap();
        wanted.push(("d".to_owned(), pairs, 4.9351e-05, None));
    }
    assert_eq!(samples(&body, Format::Text), wanted);

    let one = |body: &str| samples(body, Format::Text).pop().unwrap();
    assert_eq!(
        one("go_goroutines 33  \t123123"),
        ("go_goroutines".into(), vec![], 33.0, Some(123_123))
    );
    assert_eq!(one("some:rate5m\t1 ").0, "some:rate5m");
    assert_eq!(one("a{b=\"c\"}1").2, 1.0);
    assert_eq!(
        one(r#"a{b="\"c\" \\ \n \t"} 1"#).1,
        [("b".into(), "\"c\" \\ \n \\t".into())]
    );
    assert_eq!(one("a{b=\"x\ny\"} 1").1, [("b".into(), "x\ny".into())]);
    assert_eq!(one("a{b=\"\0\"} 1").1, [("b".into(), "\0".into())]);
    let strange = one("{\"Heizöl 10€ {a\\nb}\",\"strange©™\\n'q' \\\"n\\\"\"=\"6\"} 10.0");
    assert_eq!(strange.0, "Heizöl 10€ {a\nb}");
    assert_eq!(strange.1, [("strange©™\n'q' \"n\"".into(), "6".into())]);
    assert_eq!(one("# UNIT a b\n# EOF\na 1\n# TYPES").0, "a");
}

/// `TestPromParseErrors`, `TestPromNullByteHandling` and more.
#[test]
fn what_prometheus_refuses_in_0_0_4() {
    for body in [
        "a",
        "a{b='c'} 1\n",
        "a{b=\n",
        r#"{"a", "b = "c"}"#,
        r#"{"a",b\nc="d"} 1"#,
        "a true\n",
        "something_weird{problem=\"",
        "empty_label_name{=\"\"} 0",
        "foo 1_2\n",
        "foo 0x1p-3\n",
        "foo 0x1\n",
        "foo 1e999\n",
        "foo 0 1_2\n",
        "foo 0 -1\n",
        "foo 0 99999999999999999999\n",
        "foo 0 1 2\n",
        "foo 1\r\n",
        r#"{a="ok"} 1"#,
        r#"foo{"bar"} 1"#,
        r#"{"foo","bar"} 1"#,
        "foo{a} 1",
        "foo{,} 1",
        "foo{a=\"b\",,} 1",
        "foo{a=\"b\" 1",
        "foo{a=\"b\\",
        "foo{a=\"b\\\nc\"} 1",
        "# TYPE #\n#EOF\n",
        "# HELP #\n#EOF\n",
        "# HELP \n",
        "# TYPE foo unknown\n",
        "# TYPE foo  counter\n",
        "# TYPE foo counter \n",
        "# TYPE foo\n",
        "a{b=\0\"ssss\"} 1\n",
        "a{b=\"\0",
        "a{b\0=\"hiih\"}\t1",
        "a\0{b=\"ddd\"} 1",
        "a 0 1\0",
        "\0",
        "1 2",
        "foo{a=\"b\"} {\"c\"} 1",
    ] {
        error(body.as_bytes(), Format::Text);
    }
}

#[test]
fn what_prometheus_accepts_in_openmetrics() {
    let one = |body: &str| {
        samples(&format!("{body}\n# EOF\n"), Format::OpenMetrics)
            .pop()
            .unwrap()
    };
    assert_eq!(one("a 1"), ("a".into(), vec![], 1.0, None));
    assert_eq!(one("a 1 1520879607.789").3, Some(1_520_879_607_789));
    assert_eq!(one("a 1 -0.5").3, Some(-500));
    assert_eq!(one("a{b=\"\\\"c\\n\"} -Inf 1e3").3, Some(1_000_000));
    assert_eq!(
        one(r#"{"a.b",c="d"} 1"#),
        ("a.b".into(), vec![("c".into(), "d".into())], 1.0, None)
    );
    assert_eq!(one("a_created 1.5e9").0, "a_created");
    assert!(samples("# EOF", Format::OpenMetrics).is_empty());
    let help = told(
        b"# HELP \"a.b\" x \\\"y\\\" \\\\\n# UNIT a_b_s s\n# UNIT a \n# EOF\n",
        Format::OpenMetrics,
    );
    assert_eq!(
        help,
        "Help { family: \"a.b\", text: \"x \\\"y\\\" \\\\\" }\nUnit { family: \"a_b_s\", unit: \"s\" }\nUnit { family: \"a\", unit: \"\" }\n"
    );
    assert_eq!(
        told(
            b"a_bucket{le=\"1\"} 1 5 # {} 2\na_bucket 1 # {x=\"\\\"\",} 2 3.5\n# EOF",
            Format::OpenMetrics
        ),
        "a_bucket[(\"le\", \"1\")] 1.0 Some(5000) exemplar [] 2.0 None\n\
         a_bucket[] 1.0 None exemplar [(\"x\", \"\\\"\")] 2.0 Some(3500)\n"
    );
}

#[test]
fn what_prometheus_refuses_in_openmetrics() {
    for body in [
        "",
        "\n",
        "a 1",
        "a 1\n",
        "\n# EOF\n",
        "# EOF\n\n",
        "# EOF\nmore 1\n",
        "# EOFa",
        "# a comment\n# EOF\n",
        "#EOF\n",
        "a  1\n# EOF\n",
        "a\t1\n# EOF\n",
        "a 1 \n# EOF\n",
        "a 1 x\n# EOF\n",
        "a 1 NaN\n# EOF\n",
        "a 1 Inf\n# EOF\n",
        "a 1 1e300\n# EOF\n",
        "a{b=\"c\", d=\"e\"} 1\n# EOF\n",
        "a{ b=\"c\"} 1\n# EOF\n",
        "a{b=\"c\"d=\"e\"} 1\n# EOF\n",
        "a{b=\"x\ny\"} 1\n# EOF\n",
        "a {b=\"c\"} 1\n# EOF\n",
        "{b=\"c\"} 1\n# EOF\n",
        "# TYPE a untyped\n# EOF\n",
        "# TYPE a\n# EOF\n",
        "# HELP a\n# EOF\n",
        "# HELP a text",
        "# UNIT a_seconds s\n# EOF\n",
        "# UNIT seconds seconds\n# EOF\n",
        "# HELP 1 x\n# EOF\n",
        "a 1 # {b=\"c\"}\n# EOF\n",
        "a 1 # {\"b\"} 1\n# EOF\n",
        "a 1 # {b=\"c\"} 1 2 3\n# EOF\n",
        "a 1 # {b=\"c\"} x\n# EOF\n",
        "a 1 # {b=\"c\"} 1",
        "a 1 #{b=\"c\"} 1\n# EOF\n",
        "a 1\r\n# EOF\n",
    ] {
        error(body.as_bytes(), Format::OpenMetrics);
    }
}

#[test]
fn an_error_says_where_and_shows_little() {
    let body = format!("good 1\n\nbad{{x=\"{}", "ä".repeat(500));
    let error = error(body.as_bytes(), Format::Text);
    assert_eq!((error.line, error.near.chars().count()), (3, 80));
    assert!(error.near.starts_with("\"ää"));
    assert_eq!(
        self::error(b"a 1\na nope\n", Format::Text).to_string(),
        "line 2: expected a floating-point number as value, at \"nope\""
    );
}

#[test]
fn what_is_not_utf8_ends_the_scrape_where_it_stands() {
    let mut parser = parse(b"a 1\nb{c=\"\xff\"} 2\nd 3\n", Format::Text);
    assert!(matches!(parser.next(), Some(Ok(Event::Sample(_)))));
    let error = parser.next().unwrap().unwrap_err();
    assert_eq!((error.line, error.what), (2, "not UTF-8"));
    assert!(parser.next().is_none());
    assert_eq!(
        self::error(b"a 1\n\xff# EOF\n", Format::OpenMetrics).what,
        "not UTF-8"
    );
}

#[test]
fn a_nan_is_never_a_stale_marker() {
    for format in [Format::Text, Format::OpenMetrics] {
        let samples = samples("a NaN\nb nan\n# EOF\n", format);
        assert!(
            samples
                .iter()
                .all(|sample| sample.2.to_bits() == 0x7ff8_0000_0000_0001)
        );
    }
}

#[test]
fn the_format_is_the_content_types() {
    for (content_type, format) in [
        (
            Some("application/openmetrics-text; version=1.0.0; charset=utf-8"),
            Format::OpenMetrics,
        ),
        (Some(" Application/OpenMetrics-Text"), Format::OpenMetrics),
        (Some("text/plain; version=0.0.4"), Format::Text),
        (Some("text/html"), Format::Text),
        (Some(""), Format::Text),
        (None, Format::Text),
    ] {
        assert_eq!(
            Format::from_content_type(content_type),
            format,
            "{content_type:?}"
        );
    }
}
