use millstream_stage::harness::{Harness, Row, START};
use serde_json::json;

use crate::Script;

mod cases;
mod hostile;
mod page;

fn stage(code: &str) -> Harness<Script> {
    Harness::new(json!({ "code": code }))
}

/// What the program makes of one entry.
fn one(code: &str, row: impl Into<Row>) -> Row {
    let mut out = stage(code).push([row.into()]);
    assert_eq!(out.len(), 1, "{code}");
    out.remove(0)
}

/// The line that the program leaves.
fn line(code: &str, line: &str) -> String {
    let mut stage = stage(code);
    let out = stage.push([line]);
    assert_eq!(
        stage.metric("script_errors_total", &[]),
        0.0,
        "{:?}",
        stage.messages()
    );
    out[0].line.clone()
}

fn refusal(code: &str) -> String {
    Harness::<Script>::refusal(json!({ "code": code }))
}

#[test]
fn nothing_in_nothing_changed() {
    let row = Row::new("a").label("l", "1").field("f", "2").metadata("m", "3");
    assert_eq!(one("", row.clone()), row);
    assert_eq!(one("// a comment", row.clone()), row);
}

#[test]
fn every_part_of_an_entry_can_be_read_and_written() {
    let row = Row::new("text")
        .at(START)
        .label("app", "a")
        .field("level", "warn")
        .metadata("trace", "t");
    let code = "
        line = `${labels.app}/${fields.level}/${metadata.trace}/${line}`;
        timestamp += 1_000_000;
        labels.app = labels.app.to_upper();
        labels[\"level\"] = fields[\"level\"];
        fields.n = 1 + 1;
        metadata.ok = true;
        metadata.trace = ();
        fields.level = ();";
    let out = one(code, row);
    let expected = Row::new("a/warn/t/text")
        .at(START + 1_000_000)
        .label("app", "A")
        .label("level", "warn")
        .field("n", "2")
        .metadata("ok", "true");
    assert_eq!(out, expected);
}

#[test]
fn values_that_are_not_there_are_unit_and_removing_answers_what_was() {
    let row = Row::new("x").label("a", "1").label("b", "2").field("f", "3");
    let code = "
        let seen = `${labels.none ?? \"none\"} ${labels.remove(\"a\")} ${\"a\" in labels} ${\"b\" in labels}`;
        seen += ` ${labels.keys()} ${fields.to_map()} ${labels.remove(\"zzz\") == ()}`;
        line = seen";
    let out = one(code, row);
    assert_eq!(out.line, "none 1 false true [\"b\"] #{\"f\": \"3\"} true");
    assert_eq!(out.labels.get("a"), None);
}

#[test]
fn a_label_called_tag_is_a_label() {
    assert_eq!(
        one("labels.tag = labels.tag + 1", Row::new("x").label("tag", "v"))
            .labels
            .get("tag"),
        Some("v1")
    );
}

#[test]
fn texts_are_changed_as_people_expect() {
    for (code, from, to) in [
        ("line = line.replace(\"a\", \"b\")", "aXa", "bXb"),
        ("line = line.replace('a', \"b\")", "aXa", "bXb"),
        ("line = line.trim()", "  x ", "x"),
        ("line = line.trim_start() + '|'", "  x ", "x |"),
        ("line = line.trim_end()", "  x ", "  x"),
        ("line = line.to_lower()", "ÄB", "äb"),
        ("line = line.split(\",\")[1]", "a,b", "b"),
        ("line = line.sub_string(1, 2)", "abcd", "bc"),
        ("line += \"!\"", "x", "x!"),
        ("line = (parse_int(line) + 1).to_string()", "41", "42"),
        ("line = parse_float(line) * 2.0", "1.25", "2.5"),
        (
            "if line.starts_with(\"a\") && line.ends_with(\"z\") { line = \"yes\" }",
            "a-z",
            "yes",
        ),
        (
            "line = line.replace_matches(`(\\d+)-(?P<b>\\d+)`, \"${b}-$1\")",
            "x 1-2",
            "x 2-1",
        ),
        ("line = `${line.matches(\"^x\")}`", "xy", "true"),
        (
            "line = line.captures(`user=(?P<who>\\w+)`).who",
            "a user=bo",
            "bo",
        ),
        (
            "line = `${line.captures(`user=(?P<who>\\w+)`)?.who ?? \"nobody\"}`",
            "a",
            "nobody",
        ),
        (
            "let o = parse_json(line); line = `${o.a.b[1]} ${o.n + 1} ${o.z}`",
            "{\"a\":{\"b\":[1,2.5]},\"n\":1,\"z\":null}",
            "2.5 2 ",
        ),
        (
            "fn mask(t) { t.replace(\"1\", \"*\") }\nline = mask(line)",
            "1x",
            "*x",
        ),
        (
            "line = line.split(' ').filter(|word| word.len > 1).map(|word| word.to_upper()).reduce(|all, word| (all ?? \"\") + word)",
            "a bc de",
            "BCDE",
        ),
        (
            "line = line.split(' ').order().to_string()",
            "c a b",
            r#"["a", "b", "c"]"#,
        ),
        (
            "let a = line.split(' '); a.sort_desc(); line = `${a}`",
            "c a b",
            r#"["c", "b", "a"]"#,
        ),
        (
            "let a = line.split(' ').map(|n| parse_float(n)); a.sort(); line = `${a[0]} ${a.len}`",
            "2.5 NaN 1.5 -1",
            "-1.0 4",
        ),
        (
            "let a = line.split(' '); a.sort(|x, y| x.len - y.len); line = `${a} ${a.order_by(|x, y| x > y)}`",
            "bbb a ccc dd",
            r#"["a", "dd", "bbb", "ccc"] ["dd", "ccc", "bbb", "a"]"#,
        ),
        (
            "let longest = 3; if line.split(' ').some(|word| word.len > longest) { line = \"long\" }",
            "abcd e",
            "long",
        ),
    ] {
        assert_eq!(line(code, from), to, "{code}");
    }
}

#[test]
fn a_closure_may_capture_the_entry() {
    let row = Row::new("x").label("a", "1").label("b", "2");
    let out = one(
        "let put = |name| labels[name] = name + line;\nfor name in labels.keys() { put.call(name) }",
        row,
    );
    assert_eq!(
        (out.labels.get("a"), out.labels.get("b")),
        (Some("ax"), Some("bx"))
    );
}

#[test]
fn what_a_closure_captured_is_new_with_the_next_entry() {
    let code = "let f = |x| line + x + timestamp; let a = [line, 1]; a.push(line); state.last = line; line = f.call(\"!\")";
    let mut stage = stage(code);
    let out = stage.push([Row::new("a").at(1), Row::new("b").at(2)]);
    assert_eq!(out, ["a!1", "b!2"], "{:?}", stage.messages());
}

#[test]
fn a_function_sees_what_it_is_given() {
    let out = one(
        "fn tag(values, name) { values[name] = \"yes\" }\ntag(labels, \"seen\")",
        "x",
    );
    assert_eq!(out.labels.get("seen"), Some("yes"));
    let said = refusal("fn f() { labels.a = 1 }\nf()");
    assert!(
        said.contains("line 1, column 10") && said.contains("give it `labels`"),
        "{said}"
    );
}

#[test]
fn return_ends_a_run_and_drop_ends_it_for_good() {
    assert_eq!(line("if line == \"a\" { return; }\nline = \"b\"", "a"), "a");
    let mut stage = stage("try { drop() } catch { }\nthrow \"never\"");
    assert!(stage.push(["a"]).is_empty());
    assert_eq!(stage.dropped("script"), 1);
    assert_eq!(stage.metric("script_errors_total", &[]), 0.0);
}

#[test]
fn variables_end_with_the_entry_and_state_does_not() {
    let mut stage = stage("let n = state.n ?? 0;\nstate.n = n + 1;\nline = `${n}`");
    assert_eq!(stage.push(["a", "b"]), ["0", "1"]);
    assert_eq!(stage.push(["c"]), ["2"]);
}

#[test]
fn a_failed_entry_is_as_it_was_and_is_told_with_its_place() {
    let code = "labels.a = \"1\";\nline = \"changed\";\nif fields.b.contains(\"x\") { line += \"!\" }";
    let mut stage = stage(code);
    assert_eq!(stage.push(["one", "two"]), ["one", "two"]);
    let out = stage.push([Row::new("three").field("b", "x")]);
    assert_eq!(
        out[0].labels.get("a"),
        Some("1"),
        "the next one is not touched by it"
    );
    assert_eq!(out, ["changed!"]);
    assert_eq!(stage.metric("script_errors_total", &[]), 2.0);
    let messages = format!("{:?}", stage.messages());
    assert!(
        messages.contains("line 3, column 13") && messages.contains("not there"),
        "{messages}"
    );
    assert_eq!(stage.messages().len(), 1, "once per place: {messages}");
}

#[test]
fn on_error_may_drop_or_fail() {
    let mut stage = Harness::<Script>::new(json!({ "code": "throw \"no\"", "on_error": "drop" }));
    assert!(stage.push(["a"]).is_empty());
    assert_eq!(stage.dropped("script_error"), 1);
    let mut stage = Harness::<Script>::new(json!({ "code": "throw \"no\"", "on_error": "fail" }));
    let message = stage.try_push(["a"]).unwrap_err();
    assert!(message.contains("line 1, column 1: no"), "{message}");
    assert_eq!(stage.metric("script_errors_total", &[]), 1.0);
}

#[test]
fn a_wrong_type_is_an_error_of_the_entry() {
    for (code, why) in [
        ("line = []", "line takes text"),
        ("timestamp = \"now\"", "timestamp takes a whole number"),
        ("labels.a = #{}", "labels[\"a\"] takes text"),
        ("labels[\"a-b\"] = 1", "`a-b` is no name of a label"),
        ("fields[\"*\"] = 1", "`*` is no name"),
        ("parse_json(line).x", "not JSON"),
        ("let x = line - 1", "`- (text, i64)`"),
        ("[1, \"a\"].order()", "have no order"),
        (
            "[2, 1].order(|x, y| #{})",
            "answers a number or a boolean, not map",
        ),
    ] {
        let mut stage = stage(code);
        assert_eq!(stage.push(["x"]), ["x"], "{code}");
        let messages = format!("{:?}", stage.messages()).replace("\\\"", "\"");
        assert!(messages.contains(why), "{code}: {messages}");
    }
}

#[test]
fn the_steps_of_an_entry_are_a_setting() {
    for (operations, errors) in [(50, 1.0), (5_000, 0.0)] {
        let settings = json!({ "code": "for n in 0..100 { state.n = n }", "operations": operations });
        let mut stage = Harness::<Script>::new(settings);
        stage.push(["a"]);
        assert_eq!(stage.metric("script_errors_total", &[]), errors, "{operations}");
    }
    for operations in [0, 500_001] {
        let said = Harness::<Script>::refusal(json!({ "code": "", "operations": operations }));
        assert!(said.contains("`operations`: must be from 1 to 500000"), "{said}");
    }
}

#[test]
fn an_endless_entry_does_not_stop_the_next_one() {
    let mut stage = stage("if line == \"bad\" { loop { } }\nline = \"good\"");
    assert_eq!(stage.push(["a", "bad", "b"]), ["good", "bad", "good"]);
}

#[test]
fn mistakes_in_the_text_are_refused_with_their_place() {
    for (code, place, why) in [
        (
            "let x = 1;\nif line.contains(\"a\" { drop() }",
            "line 2, column 22",
            "Expecting",
        ),
        (
            "labels.a = 1;\nlabels.b = leine",
            "line 2, column 12",
            "no variable `leine`",
        ),
        (
            "line.contain(\"x\")",
            "line 1, column 6",
            "did you mean `contains`?",
        ),
        ("drap()", "line 1, column 1", "did you mean `drop`?"),
        (
            "if line.contains(\"x\") {\n  line.trim();\n}",
            "line 2, column 8",
            "changes nothing",
        ),
        ("labels = #{}", "line 1, column 1", "set single values"),
        (
            "if line != \"\" {\n  let line = line.trim();\n}",
            "line 2, column 3",
            "without `let`",
        ),
        (
            "let x = 1;\nif line.matches(\"(\") { }",
            "line 2, column 17",
            "unclosed group",
        ),
        ("eval(\"1\")", "line 1, column 1", "eval"),
        ("import \"x\" as y;", "line 1", "import"),
    ] {
        let said = refusal(code);
        assert!(
            said.starts_with("setting `code`: ") && said.contains(place) && said.contains(why),
            "{code}: {said}"
        );
    }
    assert!(Harness::<Script>::refusal("{}").contains("missing setting `code`"));
    assert!(Harness::<Script>::refusal(json!({ "code": "", "kode": "" })).contains("unknown setting `kode`"));
}

#[test]
fn functions_of_the_program_may_have_any_name() {
    assert_eq!(
        line("fn contain(t) { t + \"!\" }\nline = contain(line)", "x"),
        "x!"
    );
    assert_eq!(
        line("let tool = #{ twice: |t| t + t };\nline = tool.twice(line)", "x"),
        "xx"
    );
}

#[test]
fn only_what_the_program_uses_crosses() {
    use millstream_stage::Instance;
    let interest = |code: &str| {
        Instance::<Script>::configure(&json!({ "code": code }).to_string())
            .unwrap()
            .interest()
    };
    let none = interest("let x = 1;");
    assert!(
        !none.lines && !none.timestamps && !none.labels && none.fields.is_empty() && none.metadata.is_empty()
    );
    let some = interest(
        "if fields.a == \"x\" || \"b\" in fields { fields.remove(\"c\"); fields[\"d\"] = metadata.e.len() }",
    );
    assert_eq!(
        (some.fields.join(","), some.metadata.join(",")),
        ("a,b,c,d".into(), "e".into())
    );
    assert!(!some.lines && !some.labels);
    for code in [
        "fields[line]",
        "fields.keys()",
        "fn f(v) { v.x }\nf(fields)",
        "let g = |n| fields[n]; g.call(\"a\")",
    ] {
        assert!(interest(code).fields.contains(&"*".to_owned()), "{code}");
    }
    assert!(interest("`${line}`").lines && interest("timestamp").timestamps && interest("labels.a").labels);
}

#[test]
fn reasons_are_bounded() {
    let mut stage = stage("drop(line)");
    stage.push((0..60).map(|row| format!("reason {row}")));
    assert_eq!(stage.dropped("reason 49"), 1);
    assert_eq!(stage.dropped("script"), 10);
    let mut stage = self::stage("drop(line)");
    stage.push(["é".repeat(1_000)]);
    assert_eq!(stage.dropped(&"é".repeat(100)), 1);
}
