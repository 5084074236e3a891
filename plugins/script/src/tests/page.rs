//! Every program in README.md compiles and runs, and the rule of the repository's README.md does what it says.

use std::fs;
use std::path::Path;

use millstream_stage::harness::{Harness, Row};
use serde_json::json;

use crate::Script;

/// The blocks of the page that are programs.
fn programs() -> Vec<String> {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let blocks = page.split("```rhai\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect()
}

#[test]
fn every_program_of_the_page_runs() {
    let programs = programs();
    assert!(programs.len() >= 3, "{}", programs.len());
    for code in programs {
        let mut stage = Harness::<Script>::new(json!({ "code": code }));
        let rows = [
            "",
            "GET /healthz 200",
            "user=bo status=503 took=12ms",
            r#"{"level":"WARN","user":{"id":7},"msg":"late"}"#,
        ];
        stage.push(rows.map(|line| {
            Row::new(line)
                .label("app", "shop")
                .field("level", "warn")
                .field("took", "12")
        }));
        assert_eq!(
            stage.metric("script_errors_total", &[]),
            0.0,
            "{code}\n{:?}",
            stage.messages()
        );
    }
}

/// The program below the first `script: |` of a page.
fn rule(page: &str) -> String {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    let below = page.split("- script: |\n").nth(1).unwrap();
    let lines = below.lines().take_while(|line| line.starts_with("      "));
    lines.map(|line| format!("{}\n", line.trim())).collect()
}

#[test]
fn the_rule_of_two_lines_drops_and_labels() {
    let code = rule("../../README.md");
    assert_eq!(code.lines().count(), 2);
    assert_eq!(code, rule("README.md"));
    let mut stage = Harness::<Script>::new(json!({ "code": code }));
    let out = stage.push(["GET /healthz", "POST /pay"]);
    assert_eq!(out, ["POST /pay"]);
    assert_eq!(out[0].labels.get("team"), Some("payments"));
    assert_eq!(stage.dropped("health checks"), 1);
}
