//! Programs that never end, grow without end or nest without end: each an error of its entry. What they cost in the sandbox:
//! `tests/tests/script.rs`.

use millstream_stage::Instance;
use millstream_stage::harness::Harness;
use serde_json::json;

use super::{refusal, stage};
use crate::Script;

/// Programs that no entry survives, and what is said about them.
const ENDLESS: [(&str, &str); 15] = [
    ("loop { }", "more steps than `operations` allows"),
    ("fn f(n) { f(n + 1) }\nf(0)", "more than 32 calls"),
    ("let x = \"x\"; loop { x += x }", "too large"),
    ("let x = \"x\"; loop { x = `${x}${x}` }", "too large"),
    ("let a = []; loop { a.push(a.len()) }", "stopped"),
    ("let a = []; loop { a.push(a) }", "too large"),
    ("let a = 1; loop { let b = a; a = || b }", "stopped"),
    ("let a = 1; let f = || a; a = f; loop { f = a }", "stopped"),
    ("let n = 0; loop { n += 1; labels[`n${n}`] = n }", "128 names"),
    ("let a = [1]; loop { a += a }", "too large"),
    ("let a = []; loop { a = [a] }", "stopped"),
    (
        "let m = #{}; let n = 0; loop { n += 1; m[`${n}`] = m }",
        "too large",
    ),
    (
        "loop { state[`${timestamp}`] = state; timestamp += 1 }",
        "too large",
    ),
    (
        "while line.contains(\"r\") { line = line.replace(\"r\", \"rr\") }",
        "too large",
    ),
    (
        "let x = line; while x.len < 20_000 { x += x } line = x.replace(\"\", x)",
        "too large",
    ),
];

#[test]
fn a_program_without_an_end_is_an_error_of_its_entries() {
    for (code, why) in ENDLESS {
        let mut stage = stage(code);
        let rows: Vec<String> = (0..20).map(|row| format!("row {row}")).collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        assert_eq!(stage.push(rows.clone()), rows, "{code}");
        assert_eq!(stage.metric("script_errors_total", &[]), 20.0, "{code}");
        let messages = format!("{:?}", stage.messages());
        assert!(
            messages.contains(why) && messages.contains("line "),
            "{code}: {messages}"
        );
    }
}

#[test]
fn a_closure_that_calls_itself_is_told_to_be_a_function() {
    let mut stage = stage("let f = (); f = |n| f.call(n + 1); f.call(0)");
    assert_eq!(stage.push(["x"]), ["x"]);
    let messages = format!("{:?}", stage.messages());
    assert!(messages.contains("a function, `fn`"), "{messages}");
}

/// A panic is the end of the instance, and some of the engine's functions rely on catching theirs.
#[test]
fn no_function_panics_on_anything() {
    const VALUES: [&str; 20] = [
        "0",
        "-1",
        "1",
        "40",
        "9223372036854775807",
        "(-9223372036854775807 - 1)",
        "(0.0 / 0.0)",
        "1e308",
        "\"\"",
        "\"äöü\"",
        "'ß'",
        "[]",
        "[1, \"a\", [2]]",
        "#{ a: 1 }",
        "(0..5)",
        "(-9..=9223372036854775807)",
        "|x| x",
        "|x, y| throw 1",
        "()",
        "labels",
    ];
    let calls = |name: &str| -> Vec<String> {
        let mut calls = Vec::new();
        for one in VALUES {
            calls.push(format!("{name}({one})"));
            for other in VALUES {
                calls.push(format!("{name}({one}, {other})"));
                for third in ["-1", "9223372036854775807", "\"ä\"", "[3]", "|x, y| x"] {
                    calls.push(format!("{name}({one}, {other}, {third})"));
                }
            }
        }
        calls
    };
    let mut operators = Vec::new();
    for operator in ["+", "-", "*", "/", "%", "**", "<<", ">>", "==", "<", "in", "??"] {
        for (one, other) in VALUES.iter().flat_map(|one| VALUES.map(|other| (one, other))) {
            operators.push(format!("({one}) {operator} ({other})"));
        }
    }
    let names = crate::functions::NAMES
        .iter()
        .filter(|name| !["drop", "print", "debug"].contains(name));
    let groups = names.map(|name| calls(name)).chain([operators]);
    let mut run = 0;
    for expressions in groups {
        for part in expressions.chunks(400) {
            let lines = part
                .iter()
                .map(|expression| format!("try {{ let q = {expression}; }} catch {{ }}\n"));
            let code: String = lines.collect();
            let settings = json!({ "code": code, "operations": 500_000 });
            if Instance::<Script>::configure(&settings.to_string()).is_ok() {
                run += part.len();
                Harness::<Script>::new(settings).push(["x"]);
            }
        }
    }
    assert!(run > 100_000, "{run}");
}

#[test]
fn programs_nested_too_deeply_are_refused() {
    for code in [
        format!("line = {}", vec!["line"; 300].join(" + ")),
        format!("line = line{}", ".trim()".repeat(300)),
        format!("line = {}1{}", "(".repeat(1_000), ")".repeat(1_000)),
        format!("let a = {}1{};", "[".repeat(1_000), "]".repeat(1_000)),
        format!("{}1;{}", "{".repeat(1_000), "}".repeat(1_000)),
        format!("let x = {}true", "!".repeat(1_000)),
        format!("if line == \"\" {{ }} {}", "else if line == \"\" { }".repeat(300)),
        format!("let f = {} 1", "|| ".repeat(1_000)),
    ] {
        let said = refusal(&code);
        assert!(said.contains("within each other"), "{said}");
    }
}

#[test]
fn an_entry_behind_many_that_never_end_still_runs() {
    let mut stage = stage("if line == \"bad\" { loop { } }\nlabels.ran = true");
    let rows = (0..1_000).map(|row| if row == 999 { "good" } else { "bad" });
    let out = stage.push(rows);
    assert_eq!(out[999].labels.get("ran"), Some("true"));
    assert_eq!(stage.metric("script_errors_total", &[]), 999.0);
    let messages = format!("{:?}", stage.messages());
    assert!(
        messages.contains("`operations` allows") || messages.contains("other entries"),
        "{messages}"
    );
}

#[test]
fn what_a_batch_may_grow_by_is_bounded() {
    let mut stage =
        stage("let x = \"0123456789\"; while x.len < 10_000 { x += x } metadata.x = x.sub_string(0, 10_000)");
    let out = stage.push((0..1_000).map(|row| row.to_string()));
    let grown = out.iter().filter(|row| row.metadata.contains_key("x")).count();
    assert!(
        (70..80).contains(&grown),
        "{grown}: 768 KiB are 78 times 10,000 bytes"
    );
    assert_eq!(stage.metric("script_errors_total", &[]), (1_000 - grown) as f64);
    let messages = format!("{:?}", stage.messages());
    assert!(messages.contains("not written"), "{messages}");
}

#[test]
fn a_pattern_is_a_text_of_the_program() {
    let mut stage = stage("for p in [\"^a\", \"b$\"] { if line.matches(p) { labels.hit = p } }");
    let out = stage.push(["ax", "xb", "x"]);
    let hits: Vec<_> = out.iter().map(|row| row.labels.get("hit")).collect();
    assert_eq!(hits, [Some("^a"), Some("b$"), None], "{:?}", stage.messages());
    let mut stage = super::stage("if line.matches(line) { labels.hit = 1 }");
    assert_eq!(stage.push(["(a*)*b"]), ["(a*)*b"]);
    let messages = format!("{:?}", stage.messages());
    assert!(
        messages.contains("line 1, column 9: a pattern must stand in the program"),
        "{messages}"
    );
    let said = refusal("if line.matches(`(\\w{1000}){1000}`) { }");
    assert!(said.contains("too big"), "{said}");
}

#[test]
fn messages_are_short() {
    let mut stage = stage("throw line");
    stage.push(["x".repeat(100_000)]);
    let messages = format!("{:?}", stage.messages());
    assert!(messages.len() < 500, "{}", messages.len());
}
