use millstream_stage::harness::Harness;
use std::panic::{AssertUnwindSafe, catch_unwind};
#[test]
fn every_function_with_anything() {
    let values = [
        "0",
        "-1",
        "1",
        "9223372036854775807",
        "-9223372036854775807 - 1",
        "0.0/0.0",
        "1e308*10.0",
        "\"\"",
        "\"äöü\"",
        "'ß'",
        "[]",
        "[1,\"a\",[2]]",
        "#{a:1}",
        "0..5",
        "-9..=9223372036854775807",
        "|x| x",
        "|x, y| throw 1",
        "()",
        "true",
        "labels",
        "line",
    ];
    let mut seed = 12345_u64;
    let mut next = |n: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % n as u64) as usize
    };
    let mut bad = 0;
    std::panic::set_hook(Box::new(|i| eprintln!("  {i}")));
    for name in crate::functions::NAMES {
        let mut code = String::new();
        for a in values {
            code += &format!("try {{ {name}({a}) }} catch {{ }}\n");
            code += &format!("try {{ let v = {a}; v.{name} }} catch {{ }}\n");
            for b in values {
                code += &format!("try {{ {name}({a}, {b}) }} catch {{ }}\n");
            }
        }
        for _ in 0..1500 {
            let (a, b, c) = (values[next(21)], values[next(21)], values[next(21)]);
            code += &format!("try {{ {name}({a}, {b}, {c}) }} catch {{ }}\n");
            let d = values[next(21)];
            if next(4) == 0 {
                code += &format!("try {{ {name}({a}, {b}, {c}, {d}) }} catch {{ }}\n");
            }
        }
        // drop statements that the check refuses, by using them
        for (i, l) in code.lines().enumerate() {
            if *name == "drop" || *name == "print" || *name == "debug" {
                continue;
            }
            let l = if l.contains("let v") {
                l.replace(&format!("v.{name} "), &format!("labels.q = v.{name} "))
            } else {
                l.replace("try { ", "try { let q = ")
            };
            let _ = i;
            let r = catch_unwind(AssertUnwindSafe(|| {
                let text = serde_json::json!({"code": l}).to_string();
                if millstream_stage::Instance::<crate::Script>::configure(&text).is_ok() {
                    let mut s = Harness::<crate::Script>::new(text);
                    s.push(["x"]);
                }
            }));
            if r.is_err() {
                bad += 1;
                eprintln!("PANIC {l}");
            }
        }
    }
    for op in [
        "+", "-", "*", "/", "%", "**", "<<", ">>", "&", "|", "^", "==", "<", "in", "&&", "??",
    ] {
        for a in values {
            for b in values {
                let l = format!("let a = {a}; let b = {b}; let q = a {op} b;");
                let r = catch_unwind(AssertUnwindSafe(|| {
                    let text = serde_json::json!({"code": l}).to_string();
                    if millstream_stage::Instance::<crate::Script>::configure(&text).is_ok() {
                        Harness::<crate::Script>::new(text).push(["x"]);
                    }
                }));
                if r.is_err() {
                    bad += 1;
                    eprintln!("PANIC {l}");
                }
                let l = format!("let a = {a}; let b = a[{b}]; a[{b}] = 1; ");
                let r = catch_unwind(AssertUnwindSafe(|| {
                    let text = serde_json::json!({"code": l}).to_string();
                    if millstream_stage::Instance::<crate::Script>::configure(&text).is_ok() {
                        Harness::<crate::Script>::new(text).push(["x"]);
                    }
                }));
                if r.is_err() {
                    bad += 1;
                    eprintln!("PANIC {l}");
                }
            }
        }
    }
    eprintln!("bad {bad}");
}
