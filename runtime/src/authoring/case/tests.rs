use std::error::Error as _;

use super::*;

fn case(input: &str, expected: Option<&str>) -> (tempfile::TempDir, Result<Case, Mistake>) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("input.jsonl"), input).unwrap();
    if let Some(expected) = expected {
        fs::write(folder.path().join(EXPECTED), expected).unwrap();
    }
    let case = Case::read(folder.path());
    (folder, case)
}

#[test]
fn steps_are_read_and_entries_get_a_time() {
    let input = "{\"line\":\"a\"}\n{\"batch\":\"next\"}\n\n{\"line\":\"b\"}\n{\"now\":5}\n{\"replay\":true}\n{\"line\":\"c\",\"timestamp\":7}\n";
    let case = case(input, None).1.unwrap();
    let entry = |line: &str, timestamp| {
        Step::Entry(Entry {
            line: line.into(),
            timestamp: Some(timestamp),
            ..Entry::default()
        })
    };
    assert_eq!(
        case.steps,
        [
            entry("a", START),
            Step::NextBatch,
            entry("b", START + 1),
            Step::Now(5),
            Step::Replay,
            entry("c", 7)
        ]
    );
    assert_eq!((case.settings, case.expected), (json!({}), None));
}

#[test]
fn a_slip_is_told_with_file_and_line() {
    for (input, expected, place, why) in [
        (
            "{\"line\":\"a\"}\n{\"lines\":\"b\"}",
            None,
            "input.jsonl, line 2",
            "none of",
        ),
        (
            "{\"line\":\"a\",\"label\":{}}",
            None,
            "input.jsonl, line 1",
            "unknown field `label`",
        ),
        ("{", None, "input.jsonl, line 1", "EOF"),
        ("", Some("{\"drop\":{}}"), "expected.jsonl, line 1", "none of"),
        (
            "",
            Some("{\"dropped\":{\"x\":-1}}"),
            "expected.jsonl, line 1",
            "expected u64",
        ),
    ] {
        let error = case(input, expected).1.unwrap_err();
        assert!(error.to_string().contains(place), "{error}");
        let cause = error.source().unwrap().to_string();
        assert!(cause.contains(why), "{cause}");
    }
    let error = case("", Some("{\"refused\":\"a\"}\n{\"line\":\"b\"}"))
        .1
        .unwrap_err();
    assert!(error.to_string().contains("stand alone"), "{error}");
}

#[test]
fn what_is_blessed_is_read_back() {
    let (_folder, case) = case("{\"line\":\"a\"}\n{\"line\":\"b\",\"timestamp\":9}", None);
    let case = case.unwrap();
    let output = |timestamp| Expected::Output {
        entries: vec![
            Entry {
                line: "A".into(),
                timestamp,
                ..Entry::default()
            },
            Entry {
                line: "B".into(),
                timestamp: Some(9),
                ..Entry::default()
            },
        ],
        dropped: [("old".to_owned(), 2)].into(),
        metrics: vec![Series {
            metric: "m".into(),
            labels: Texts::new(),
            value: 1.5,
        }],
    };
    // The first entry's time is the one it got because it named none.
    for (blessed, read) in [
        (output(Some(START)), output(None)),
        (Expected::Refused("no".into()), Expected::Refused("no".into())),
        (Expected::Failed("no".into()), Expected::Failed("no".into())),
    ] {
        case.bless(&blessed).unwrap();
        assert_eq!(Case::read(&case.path).unwrap().expected, Some(read));
    }
}

#[test]
fn a_dead_letter_of_the_agent_is_an_entry() {
    let input =
        r#"{"line":"a","timestamp":7,"time":"1970-01-01T00:00:00.000000007Z","dead_letter":{"stage":"s"}}"#;
    let case = case(input, None).1.unwrap();
    let entry = Entry {
        line: "a".into(),
        timestamp: Some(7),
        ..Entry::default()
    };
    assert_eq!(case.steps, [Step::Entry(entry)]);
}
