//! The flavour is Go's: every answer in `golden/answers.txt` was given by Go's `regexp` (see `golden/re2.go`).

use millstream_pattern::Pattern;

const TEXTS: &str = include_str!("golden/texts.txt");
const PATTERNS: &str = include_str!("golden/patterns.txt");
const ANSWERS: &str = include_str!("golden/answers.txt");

/// Go takes it as nothing; here it is more likely a mistake.
const REFUSED_HERE: &str = "(?)";

fn unpicture(text: &str) -> String {
    let pictures = [
        ('␀', '\0'),
        ('␉', '\t'),
        ('␊', '\n'),
        ('␋', '\x0B'),
        ('␌', '\x0C'),
        ('␍', '\r'),
    ];
    text.chars()
        .map(|c| {
            pictures
                .iter()
                .find(|(picture, _)| *picture == c)
                .map_or(c, |(_, control)| *control)
        })
        .collect()
}

fn answer(pattern: &Pattern, text: &str) -> String {
    let mut slots = pattern.slots();
    let matched = pattern.captures(text, &mut slots);
    assert_eq!(
        matched,
        pattern.is_match(text),
        "{} on {text:?}",
        pattern.expression()
    );
    if !matched {
        return "-".to_owned();
    }
    let spans = pattern
        .group_names()
        .iter()
        .enumerate()
        .map(|(i, name)| match slots.get(i) {
            Some(span) => format!("{name}={}..{}", span.start, span.end),
            None => format!("{name}=none"),
        });
    spans.collect::<Vec<_>>().join(" ")
}

#[test]
fn answers_as_go_does() {
    let texts: Vec<String> = TEXTS.lines().map(unpicture).collect();
    assert_eq!(
        PATTERNS.lines().count(),
        ANSWERS.lines().count(),
        "run golden/re2.go again"
    );
    let mut wrong = Vec::new();
    for (expression, answers) in PATTERNS.lines().zip(ANSWERS.lines()) {
        let compiled = Pattern::new(expression);
        if answers == "refused" {
            if compiled.is_ok() {
                wrong.push(format!("{expression}: Go refuses it"));
            }
            continue;
        }
        if let Err(error) = compiled {
            if expression == REFUSED_HERE {
                continue;
            }
            wrong.push(format!("{expression}: Go takes it; {error}"));
            continue;
        }
        let whole = Pattern::new(&format!("(?P<m>{expression})")).expect("the same in a group");
        let bare = Pattern::new(expression).expect("compiled before");
        for (text, expected) in texts.iter().zip(answers.split('\t')) {
            let found = answer(&whole, text);
            if found != expected {
                wrong.push(format!("{expression} on {text:?}: {found}, Go says {expected}"));
            }
            // The bare pattern may have a plan; its groups are those behind `m`.
            let groups = expected.split_once(' ').map_or("", |(_, groups)| groups);
            let bare_found = answer(&bare, text);
            if bare_found != if expected == "-" { "-" } else { groups } {
                wrong.push(format!(
                    "{expression} bare on {text:?}: {bare_found}, Go says {expected}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
