//! Every program in README.md compiles and runs.

use std::fs;

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
