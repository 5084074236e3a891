use std::sync::Arc;

use millstream_batch::{DropCount, Edit, Field, Labels, LogBatch};
use proptest::prelude::*;
use regex::Regex;

use super::*;
use crate::bindings::millstream::stage::kernels::Patch;
use crate::kernels::Ticks;

/// Patterns that mean the same to RE2 and to the regex crate: with a plan and without.
const PATTERNS: &[&str] = &[
    r".*(?P<level>ERROR|WARN|INFO).*",
    r"(?P<a>[a-c]+)(?P<b>[0-9]*)",
    r"^(?P<head>[^ ]*) (?P<rest>.*)$",
    r"(?P<x>é|a)?b",
    "[0-9]+",
];

fn batch(lines: &[&str]) -> LogBatch {
    LogBatch {
        timestamps: vec![0; lines.len()],
        lines: lines.iter().copied().collect(),
        streams: vec![0; lines.len()],
        labels: vec![Labels::default()],
        seqs: (0..lines.len() as u64).collect(),
        ..LogBatch::default()
    }
}

fn task(batch: LogBatch) -> Task {
    within(batch, 1 << 20)
}

fn within(batch: LogBatch, bytes: usize) -> Task {
    Task::new(Arc::new(batch), Meter::new(Ticks::default(), 1, bytes))
}

fn rule(expression: &str) -> Rule {
    Rule::new(expression).unwrap()
}

fn patch(row: u32, start: u32, end: u32, text: &str) -> Patch {
    Patch {
        row,
        start,
        end,
        text: text.into(),
    }
}

/// What the task made, as an edit.
fn made(task: Task) -> Edit {
    let mut edit = Edit::default();
    task.settle(&mut edit, 0).unwrap();
    edit
}

fn values(field: &Field) -> Vec<Option<&str>> {
    (0..field.values.len()).map(|row| field.get(row)).collect()
}

fn lines() -> impl Strategy<Value = Vec<String>> {
    let line = prop_oneof!["[abcé0-9 ]{0,12}", ".{0,8}(ERROR|WARN|INFO).{0,8}", "\\PC{0,12}"];
    proptest::collection::vec(line, 0..40)
}

proptest! {
    /// A kernel over a column says of each row what the regex crate says of it alone.
    #[test]
    fn patterns_do_row_by_row_what_the_regex_crate_does(
        lines in lines(),
        at in 0..PATTERNS.len(),
        old in proptest::collection::vec(proptest::option::of("[xy]{0,2}"), 40),
    ) {
        let (rule, regex) = (rule(PATTERNS[at]), Regex::new(PATTERNS[at]).unwrap());
        let texts: Vec<&str> = lines.iter().map(String::as_str).collect();
        let mut given = batch(&texts);
        let old: Vec<Option<&str>> = old.iter().take(lines.len()).map(Option::as_deref).collect();
        given.fields.push(Field::from_values("level", old.iter().copied()));

        let mut kernels = task(given.clone());
        let bits = kernels.matches(&rule, &Column::Lines).unwrap();
        let found = kernels.find(&rule, &Column::Lines).unwrap();
        let matched = kernels.extract(&rule, &Column::Lines, Beside::Fields).unwrap();
        let replaced = kernels.replace(&rule, &Column::Lines, "<${1}>").unwrap();
        let edit = made(kernels);

        for (row, text) in texts.iter().enumerate() {
            prop_assert_eq!(bits[row / 8] >> (row % 8) & 1 == 1, regex.is_match(text));
        }
        let expected: Vec<_> = texts.iter().enumerate().flat_map(|(row, text)| {
            regex.find_iter(text).map(move |found| (row as u32, found.start() as u32, found.end() as u32, found.as_str()))
        }).collect();
        let found: Vec<_> = found.iter().map(|one| (one.row, one.start, one.end, one.text.as_str())).collect();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(matched as usize, texts.iter().filter(|text| regex.is_match(text)).count());
        for name in regex.capture_names().flatten().filter(|_| matched > 0) {
            let field = edit.derived.fields.iter().find(|field| &*field.name == name).unwrap();
            for (row, text) in texts.iter().enumerate() {
                let before = if name == "level" { old[row] } else { None };
                let value = match regex.captures(text) {
                    Some(groups) => Some(groups.name(name).map_or("", |group| group.as_str())),
                    None => before,
                };
                prop_assert_eq!(field.get(row), value, "{} of row {}", name, row);
            }
        }
        let after: Vec<_> = texts.iter().map(|text| regex.replace_all(text, "<${1}>")).collect();
        prop_assert_eq!(replaced as usize, after.iter().zip(&texts).filter(|(after, text)| after != *text).count());
        if let Some(lines) = &edit.derived.lines {
            prop_assert_eq!(lines.iter().collect::<Vec<_>>(), after);
        } else {
            prop_assert_eq!(replaced, 0);
        }
    }

    /// Taking out what was found and putting it back changes nothing; putting something else replaces it.
    #[test]
    fn patches_are_what_replacing_is(lines in lines(), at in 0..PATTERNS.len(), with in "[é+]{0,3}") {
        let texts: Vec<&str> = lines.iter().map(String::as_str).collect();
        let rule = rule(PATTERNS[at]);
        let mut spliced = task(batch(&texts));
        let found = spliced.find(&rule, &Column::Lines).unwrap();
        let patches: Vec<_> = found.iter().map(|one| patch(one.row, one.start, one.end, &with)).collect();
        spliced.splice(&Column::Lines, &patches).unwrap();
        let mut replaced = task(batch(&texts));
        replaced.replace(&rule, &Column::Lines, &with).unwrap();
        let own = batch(&texts).lines;
        let lines = |task| made(task).derived.lines.unwrap_or_else(|| own.clone());
        prop_assert_eq!(lines(spliced), lines(replaced));
    }

    /// Whatever expression comes, it is refused or it runs.
    #[test]
    fn no_expression_panics(
        expression in "([a-cé0-9(){}\\[\\]|*+?.^$,:<>P\\\\dwsbBzAQE-]|\\(\\?[imsU]\\)|\\(\\?P<a>){0,24}",
        line in "[abcé0-9 ]{0,12}",
    ) {
        if let Ok(rule) = Rule::new(&expression) {
            let mut kernels = task(batch(&[&line, ""]));
            let bits = kernels.matches(&rule, &Column::Lines).unwrap();
            let found = kernels.find(&rule, &Column::Lines).unwrap();
            let matched = kernels.extract(&rule, &Column::Lines, Beside::Metadata).unwrap();
            prop_assert_eq!(bits[0].count_ones(), matched);
            prop_assert_eq!(found.is_empty(), matched == 0);
            kernels.replace(&rule, &Column::Lines, "$1${a}").unwrap();
        }
    }

    /// Whatever patches come, the lines stay text, and what does not fit is refused.
    #[test]
    fn no_patch_cuts_a_character(
        lines in lines(),
        patches in proptest::collection::vec((0..6u32, 0..10u32, 0..10u32, "[é+]{0,2}"), 0..6),
    ) {
        let texts: Vec<&str> = lines.iter().map(String::as_str).collect();
        let patches: Vec<_> = patches.iter().map(|(row, start, end, text)| patch(*row, *start, *end, text)).collect();
        let mut kernels = task(batch(&texts));
        if kernels.splice(&Column::Lines, &patches).is_ok()
            && let Some(lines) = made(kernels).derived.lines
        {
            prop_assert!(lines.iter().zip(0..).all(|(line, row)| line.as_bytes() == lines.get_bytes(row)));
            prop_assert_eq!(lines.len(), texts.len());
        }
    }
}

#[test]
fn a_kernel_sees_what_those_before_it_set() {
    let mut given = batch(&["id=7 x", "none"]);
    given
        .metadata
        .push(Field::from_values("host", [None, Some("h1")]));
    let mut kernels = task(given);
    let read = |kernels: &mut Task, of| kernels.read(&of).unwrap();
    kernels.replace(&rule("x"), &Column::Lines, "INFO").unwrap();
    kernels
        .extract(&rule("id=(?P<id>[0-9]+)"), &Column::Lines, Beside::Metadata)
        .unwrap();
    let id = Column::Metadata("id".into());
    kernels.replace(&rule("7"), &id, "8").unwrap();
    let column = read(&mut kernels, id).unwrap();
    assert_eq!(values(&column), [Some("8"), None]);
    let lines = read(&mut kernels, Column::Lines).unwrap();
    assert_eq!(values(&lines), [Some("id=7 INFO"), Some("none")]);
    assert_eq!(read(&mut kernels, Column::Field("id".into())), None);
    let host = read(&mut kernels, Column::Metadata("host".into())).unwrap();
    assert_eq!(values(&host), [None, Some("h1")]);
    let edit = made(kernels);
    assert_eq!(edit.derived.metadata.len(), 1, "host was not touched");
    assert!(edit.derived.fields.is_empty());
}

#[test]
fn what_nobody_has_is_not_found_and_not_made() {
    let mut kernels = task(batch(&["a", "b"]));
    let nobody = Column::Field("gone".into());
    assert_eq!(kernels.matches(&rule(""), &nobody).unwrap(), [0]);
    assert_eq!(kernels.replace(&rule("a"), &nobody, "b").unwrap(), 0);
    assert_eq!(
        kernels
            .extract(&rule("(?P<c>c)"), &Column::Lines, Beside::Fields)
            .unwrap(),
        0
    );
    kernels.splice(&nobody, &[]).unwrap();
    let refused = kernels.splice(&nobody, &[patch(1, 0, 0, "x")]);
    assert!(refused.unwrap_err().to_string().contains("row 1 has no value"));
    assert!(made(kernels).is_unchanged());
}

#[test]
fn dropped_rows_are_counted_once_and_leave_the_others_in_order() {
    let lines: Vec<String> = (0..11).map(|row| row.to_string()).collect();
    let mut kernels = task(batch(&lines.iter().map(String::as_str).collect::<Vec<_>>()));
    kernels
        .drop_rows(&[0b1000_0001, 0b1111_1100], "ends".into())
        .unwrap();
    kernels
        .drop_rows(&[0b0000_0011, 0b0000_0010], "starts".into())
        .unwrap();
    kernels.drop_rows(&[0, 0b0000_0100], "ends".into()).unwrap();
    assert!(kernels.drop_rows(&[0; 3], "more".into()).is_err());
    let mut edit = Edit::default();
    kernels.settle(&mut edit, 100).unwrap();
    assert_eq!(edit.origins.unwrap(), [102, 103, 104, 105, 106, 108]);
    let count = |reason: &str, count| DropCount {
        reason: reason.into(),
        count,
    };
    assert_eq!(edit.drops, [count("ends", 3), count("starts", 2)]);

    let mut kernels = task(batch(&["a"]));
    kernels.drop_rows(&[1], "all".into()).unwrap();
    let mut edit = Edit {
        origins: Some(vec![0]),
        ..Edit::default()
    };
    assert!(matches!(
        kernels.settle(&mut edit, 0),
        Err(CallError::DropsAndOrigins)
    ));
}

#[test]
fn patches_that_do_not_fit_are_refused() {
    let misuse = |patches: &[Patch]| {
        let refused = task(batch(&["aé", "b"])).splice(&Column::Lines, patches);
        refused.unwrap_err().to_string()
    };
    for (patches, says) in [
        (vec![patch(0, 2, 2, "x")], "row 0, bytes 2..2 does not fit"),
        (vec![patch(0, 1, 4, "x")], "row 0, bytes 1..4 does not fit"),
        (vec![patch(1, 1, 0, "x")], "row 1, bytes 1..0 is not behind"),
        (
            vec![patch(0, 0, 1, ""), patch(0, 0, 1, "")],
            "row 0, bytes 0..1 is not behind",
        ),
        (
            vec![patch(1, 0, 0, ""), patch(0, 0, 0, "")],
            "row 0, bytes 0..0 is not behind",
        ),
        (vec![patch(2, 0, 0, "x")], "row 2 has no value"),
    ] {
        assert!(misuse(&patches).contains(says), "{}", misuse(&patches));
    }
}

#[test]
fn time_and_bytes_are_kept() {
    let ticks = Ticks::default();
    let given = Arc::new(batch(&["aaaa", "aaaa"]));
    let mut late = Task::new(given.clone(), Meter::new(ticks.clone(), 2, 1 << 20));
    assert!(late.matches(&rule("a"), &Column::Lines).is_ok());
    ticks.advance();
    assert!(late.find(&rule("a"), &Column::Lines).is_ok());
    ticks.advance();
    let rule = rule("(?P<a>a)");
    for outcome in [
        late.matches(&rule, &Column::Lines).map(drop),
        late.find(&rule, &Column::Lines).map(drop),
        late.extract(&rule, &Column::Lines, Beside::Fields).map(drop),
        late.replace(&rule, &Column::Lines, "b").map(drop),
        late.splice(&Column::Lines, &[patch(0, 0, 1, "b")]),
    ] {
        assert!(matches!(outcome, Err(KernelError::Late)), "{outcome:?}");
    }
    let flood = |outcome: Result<(), KernelError>| {
        assert!(
            matches!(outcome, Err(KernelError::Flood { limit: 40 })),
            "{outcome:?}"
        )
    };
    let few = || Task::new(given.clone(), Meter::new(Ticks::default(), 1, 40));
    flood(few().find(&rule, &Column::Lines).map(drop));
    flood(few().replace(&rule, &Column::Lines, "0123456789").map(drop));
    flood(few().splice(&Column::Lines, &[patch(0, 0, 1, &"x".repeat(40))]));
    flood(few().drop_rows(&[1], "because of forty and more characters".into()));
    let mut twice = few();
    assert!(twice.read(&Column::Lines).is_ok());
    flood(twice.read(&Column::Lines).map(drop));
    let mut columns = few();
    assert!(columns.extract(&rule, &Column::Lines, Beside::Fields).is_ok());
    flood(columns.read(&Column::Field("a".into())).map(drop));
}

#[test]
fn a_row_too_long_for_the_size_of_its_pattern_is_refused() {
    let small = rule("a+");
    let large = rule("(?:[ab]?){300}");
    assert!(large.longest < small.longest);
    let long = "c".repeat(large.longest + 1);
    let mut kernels = within(batch(&[&long]), 16 << 20);
    assert_eq!(kernels.matches(&small, &Column::Lines).unwrap(), [0]);
    let refused = kernels.matches(&large, &Column::Lines).unwrap_err().to_string();
    assert!(
        refused.contains("row 0 has") && refused.contains("this kernel is run on at most"),
        "{refused}"
    );
}

#[test]
fn patterns_that_are_too_much_are_refused() {
    assert!(Rule::new("(?:[ab]{100}){1000}").unwrap_err().contains("too big"));
    assert!(
        Rule::new(&"a".repeat(20_000))
            .unwrap_err()
            .contains("has 20000 bytes")
    );
    assert!(Rule::new("a(?=b)").unwrap_err().contains("look-ahead"));
    assert_eq!(
        rule("(?P<a>x)|(?P<a>y)(?P<b>z)").groups,
        [("a".into(), 1), ("b".into(), 2)]
    );
}
