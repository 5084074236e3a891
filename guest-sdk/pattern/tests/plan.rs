//! A plan answers as the regex engine does, for every pattern that gets one and every text.
//! `PROPTEST_CASES=20000 cargo test --release` looks harder.

use millstream_pattern::Pattern;
use proptest::prelude::*;
use proptest::sample::select;

/// Texts made of what the patterns are made of, so that near misses, overlaps and line ends are common.
fn text() -> impl Strategy<Value = String> {
    let pieces = select(vec![
        "INFO",
        "INFORMATION",
        "INF",
        "IN",
        "WARN",
        "WAR",
        "ERROR",
        "level=",
        "a",
        "b",
        "ab",
        "aa",
        "x=",
        "[",
        "]",
        " ",
        "\n",
        "\r\n",
        "é",
        "한",
        "\0",
        "0",
        "2026-01-02 03:04:05.678",
        "12:",
        "_",
        "\t at com.x.Y(Y.java:12)",
        "0123456789abcdefghij",
        "....",
        "ſ",
        "K",
    ]);
    prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
}

fn word() -> impl Strategy<Value = &'static str> {
    select(vec![
        "INFO",
        "INFORMATION",
        "IN",
        "WARN",
        "WARN(?:ING)?",
        "ERROR",
        "a",
        "ab",
        "aab",
        "b",
        "[ab]",
        "[a-c]b",
        "é",
        "한",
        "a?",
        "a??b",
        "(?:a|b){2}",
        "x=",
        r"\[",
        r"\n",
        "a\0",
        "(?i)k",
        "0123456789ab",
        "(?P<inner>a|ab)",
        "(?P<maybe>b)?a",
    ])
}

fn words() -> impl Strategy<Value = String> {
    prop::collection::vec(word(), 1..6).prop_map(|words| words.join("|"))
}

fn scan() -> impl Strategy<Value = String> {
    let lead = select(vec![
        "", "", "^", ".*", ".*", ".*?", "^.*", "^.*?", "(?s).*", "(?s)^.*", r"\A.*", "(?U).*", ".+", "(?m)^",
    ]);
    let before = select(vec!["", "", "level=", r"\[", "a", "a?", "[ab]"]);
    let group = select(vec!["(?P<level>", "(?P<level>", "(", "(?:", "(?:x|(?P<level>"]);
    let after = select(vec!["", "", "b", r"\]", " ", "a|b", "(?P<after>a)?"]);
    let tail = select(vec![
        "",
        "",
        ".*",
        ".*?",
        ".*$",
        "(?s:.*)$",
        "$",
        r"\s*",
        "(?P<rest>.*)",
        "b*",
        r"\b",
        r".*\z",
    ]);
    (lead, before, group, words(), after, tail).prop_map(|(lead, before, group, words, after, tail)| {
        let close = if group.starts_with("(?:x") { "))" } else { ")" };
        format!("{lead}{before}{group}{words}{close}{after}{tail}")
    })
}

fn shape() -> impl Strategy<Value = String> {
    let item = select(vec![
        r"\d",
        r"\d{2}",
        r"\d{4}-",
        "-",
        ":",
        " ",
        "[A-Z]",
        "[A-Za-z_]",
        r"\S",
        "[^ ]",
        ".",
        "é",
        "x",
        r"\[",
        "(?P<g>[0-9]{2})",
        r"(\w)",
        r"\d+",
        ".*",
        "a?",
        "(?P<h>[ab]+)",
        "(?P<i>.)",
        r"(?P<j>\d){2}",
        "[é-ü]",
        r"\b",
        "$",
        "a|b",
        "(?P<k>a|b)",
        "(?:ab){0,2}",
        "(?i)k",
        "[a-c]{60}",
        r"\D{2}",
    ]);
    (
        select(vec!["^", "^", "^", r"\A", "", "(?m)^"]),
        prop::collection::vec(item, 0..6),
    )
        .prop_map(|(start, items)| format!("{start}{}", items.concat()))
}

/// A field's pattern, and texts that it matches or nearly matches.
const FIELDS: &[(&str, &[&str])] = &[
    (r"\S+", &["a", "stdout", "2026-01-08T14:42:00.332Z", "é", ""]),
    (r"\S*", &["", "ab", "longer than sixteen bytes"]),
    ("[^ ]+", &["ab", "한", "a\tb"]),
    ("[^ ]*?", &["", "ab", "one-without-any-blank-at-all"]),
    (".*", &["", "a b", "a\nb", "more than sixteen bytes of it"]),
    (".+?", &["a", "ab", "a b"]),
    (".*?", &["", "a", "a b"]),
    (r"\d+", &["1", "200", "x"]),
    (r"\d{3}", &["200", "20", "2000"]),
    (r"\d{1,3}", &["1", "200", "2000"]),
    ("[^\"]*", &["", "GET /", "a\"b"]),
    (r"[^\]]+", &["08/Jan/2026:14:42:00", "a]b", ""]),
    ("[a-z]+", &["a", "stdout", "A"]),
    ("[a-z]*", &["", "ab", "aé"]),
    ("[a-z]+?", &["a", "ab"]),
    ("[A-Z]{2,}", &["AB", "ABC", "A"]),
    ("stdout|stderr", &["stdout", "stderr", "std"]),
    ("(?:a|ab)", &["a", "ab", "abb"]),
    ("(?:INFO|WARN|ERROR)", &["INFO", "ERROR", "INFOS"]),
    (r"(?:\[|\]|x=)", &["[", "x=", "x"]),
    ("[ab]+", &["ab", "abab", "abc"]),
    ("a*b*", &["", "aab", "ba"]),
    ("[^a]", &["b", "é", "a"]),
    (r"\S", &["b", "é", " "]),
    ("[^é]+", &["ab", "aéb"]),
    (".", &["a", "한", "\n"]),
    (r"\w+", &["a_1", "é"]),
    (r"[\x00-\x7f]+", &["ab", "aé"]),
    ("(?i)k+", &["kK", "K"]),
    ("(?:ab)+", &["ab", "abab", "aba"]),
    (r"\s*", &["", " ", "\t \n", "\u{b}"]),
    ("(?s).*", &["", "a\nb"]),
];

/// A pattern of fields from the start on, with texts made for it.
fn walk() -> impl Strategy<Value = (String, Vec<String>)> {
    let between = select(vec![
        (" ", " "),
        (" ", " "),
        ("", ""),
        ("", ""),
        (" - ", " - "),
        (r" \[", " ["),
        (r"\] ", "] "),
        ("\"", "\""),
        ("=", "="),
        ("a", "a"),
    ]);
    let part = (select(FIELDS), between, any::<u8>());
    let start = select(vec!["^", "^", "^", "^", "(?s)^", "", "(?m)^"]);
    let tail = select(vec!["", "", "", "$", ".*$", r"\b"]);
    let picks = prop::collection::vec(
        (any::<[u8; 5]>(), select(vec!["", "", " ", "b", "\n", "é"])),
        1..12,
    );
    (start, prop::collection::vec(part, 1..6), tail, picks).prop_map(|(start, parts, tail, picks)| {
        let mut expression = start.to_owned();
        for (number, ((field, _), (between, _), group)) in parts.iter().enumerate() {
            expression += &match group % 4 {
                0 => format!("({field}){between}"),
                1 => format!("(?:{field}){between}"),
                _ => format!("(?P<g{number}>{field}){between}"),
            };
        }
        let text = |(picks, behind): ([u8; 5], &str)| {
            let pieces = parts
                .iter()
                .zip(picks)
                .map(|(((_, texts), (_, between), _), pick)| {
                    format!("{}{between}", texts[usize::from(pick) % texts.len()])
                });
            pieces.collect::<String>() + behind
        };
        (expression + tail, picks.into_iter().map(text).collect())
    })
}

/// Fields with what stands between them.
fn fields() -> impl Strategy<Value = String> {
    let pieces = select(vec![
        "stdout",
        "stderr",
        "INFO",
        "a",
        "ab",
        "b",
        "200",
        "1",
        "12",
        "x=",
        "[",
        "]",
        " ",
        " ",
        " ",
        " - ",
        "\"",
        "\n",
        "é",
        "한",
        "\t",
        "\u{b}",
        "2026-01-08T14:42:00.332Z",
        "GET /api/v1/shows",
        "longer than sixteen bytes without a blank?no",
        "AB",
        "K",
        ":",
        "=",
    ]);
    prop::collection::vec(pieces, 0..14).prop_map(|pieces| pieces.concat())
}

fn spans(pattern: &Pattern, text: &str) -> Option<Vec<Option<(usize, usize)>>> {
    let mut slots = pattern.slots();
    pattern.captures(text, &mut slots).then(|| {
        (0..pattern.group_names().len())
            .map(|i| slots.get(i).map(|span| (span.start, span.end)))
            .collect()
    })
}

fn same(expression: &str, texts: &[String]) -> Result<(), TestCaseError> {
    // A generated expression may name a group twice; it is refused either way.
    let (Ok(planned), Ok(plain)) = (Pattern::new(expression), Pattern::without_plan(expression)) else {
        return Ok(());
    };
    for text in texts {
        prop_assert_eq!(
            planned.is_match(text),
            plain.is_match(text),
            "{} on {:?}",
            expression,
            text
        );
        prop_assert_eq!(
            spans(&planned, text),
            spans(&plain, text),
            "{} on {:?}",
            expression,
            text
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn words_on_a_line(expression in scan(), texts in prop::collection::vec(text(), 1..12)) {
        same(&expression, &texts)?;
    }

    #[test]
    fn classes_at_the_start(expression in shape(), texts in prop::collection::vec(text(), 1..12)) {
        same(&expression, &texts)?;
    }

    #[test]
    fn fields_from_the_start((expression, made) in walk(), texts in prop::collection::vec(fields(), 1..4)) {
        same(&expression, &made)?;
        same(&expression, &texts)?;
    }

    #[test]
    fn what_people_write_for_containers_and_web_servers(texts in prop::collection::vec(fields(), 1..40)) {
        for expression in [
            r"^(?P<time>\S+) (?P<stream>stdout|stderr) (?P<flags>\S+) (?P<content>.*)$",
            r"^(?s)(?P<time>\S+?) (?P<stream>stdout|stderr) (?P<flags>\S+?) (?P<content>.*)$",
            r#"^(?P<remote>\S+) \S+ \S+ \[(?P<time>[^\]]+)\] "(?P<method>\S+) (?P<path>\S+) [^"]*" (?P<status>\d{3}) (?P<size>\d+)"#,
        ] {
            same(expression, &texts)?;
        }
    }

    #[test]
    fn the_users_own(texts in prop::collection::vec(text(), 1..40)) {
        for expression in [
            ".*(?P<level>INFO|WARN|ERROR|DEBUG|TRACE).*",
            r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\.\d{3}",
            "(?P<level>INFO|INFORMATION|WARN)",
        ] {
            same(expression, &texts)?;
        }
    }
}

#[test]
fn slots_of_an_earlier_match_do_not_shine_through() {
    let pattern = Pattern::new("(?P<x>a)|(?P<y>b)").expect("a pattern");
    let mut slots = pattern.slots();
    assert!(pattern.captures("a", &mut slots));
    assert_eq!((slots.get(0), slots.get(1)), (Some(0..1), None));
    assert!(pattern.captures("b", &mut slots));
    assert_eq!((slots.get(0), slots.get(1)), (None, Some(0..1)));
    assert!(!pattern.captures("c", &mut slots));
    assert_eq!(slots.get(2), None);
}

#[test]
fn matches_are_replaced_with_groups_by_number_and_by_name() {
    let replaced = |pattern: &Pattern, text: &str, with: &str| {
        let all = pattern.replace_all(text, with, 100);
        all.map(std::borrow::Cow::into_owned)
    };
    let pattern = Pattern::new(r"(?P<key>\w+)=(\d+)").unwrap();
    assert_eq!(replaced(&pattern, "a=1 b=2 c", "${key}:$2").unwrap(), "a:1 b:2 c");
    assert_eq!(replaced(&pattern, "a=1", "$$${1}").unwrap(), "$a");
    assert!(matches!(
        pattern.replace_all("none", "x", 4),
        Some(std::borrow::Cow::Borrowed("none"))
    ));
    // A plan that decides without the engine replaces the same.
    let words = Pattern::new("(?P<level>INFO|WARN)").unwrap();
    assert_eq!(
        replaced(&words, "INFO WARN", "<${level}>").unwrap(),
        "<INFO> <WARN>"
    );
}

#[test]
fn what_replaces_matches_is_never_made_longer_than_allowed() {
    let pattern = Pattern::new("(?P<all>x*)").unwrap();
    let (text, with) = ("x".repeat(100_000), "${all}".repeat(100_000));
    assert_eq!(pattern.replace_all(&text, &with, 1_000_000), None, "10 GB");
    assert_eq!(
        Pattern::new("x").unwrap().replace_all(&text, &with, 1_000_000),
        None
    );
    assert_eq!(Pattern::new("y").unwrap().replace_all("xxx", "", 2), None);
    let pattern = Pattern::new("a").unwrap();
    assert_eq!(pattern.replace_all("aaa", "bb", 5), None);
    assert_eq!(pattern.replace_all("aaa", "bb", 6).unwrap(), "bbbbbb");
}

#[test]
fn replacing_stops_when_it_is_told_to() {
    let pattern = Pattern::new("a").unwrap();
    let mut asked = 0;
    let stopped = pattern.replace_while("aaaa", "b", 100, || {
        asked += 1;
        asked < 3
    });
    assert_eq!((stopped, asked), (None, 3));
    let all = pattern.replace_while("xaya", "b", 100, || true);
    assert_eq!(all.unwrap(), "xbyb");
}

#[test]
fn a_pattern_keeps_within_its_room() {
    let expression = "(?P<a>[ab]{200})c";
    let refused = Pattern::within(expression, 1 << 10, 1 << 16).unwrap_err();
    assert!(refused.to_string().contains("too big to compile"), "{refused}");
    let pattern = Pattern::within(expression, 1 << 16, 1 << 16).unwrap();
    let text = format!("{}c{}c", "ab".repeat(100), "b".repeat(201));
    assert!(pattern.is_match(&text));
    assert_eq!(pattern.spans(&text).collect::<Vec<_>>(), [0..201, 202..403]);
}
