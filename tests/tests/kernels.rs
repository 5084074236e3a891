//! Promise: what the host does on whole columns for a guest, every SDK that has it does alike, in the sandbox and in its tests.
//!
//! One stage per language (`kernels/stage.*`) runs the same cases: natively, where the language's own patterns and JSON stand in, and
//! in the sandbox. That the host does row by row what the `regex` crate does is proved in `runtime/plugin-host/src/kernels`; what a guest
//! cannot do with it, in the suite `sandbox`.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are not marked as tests themselves"
)]

use std::fs;
use std::path::{Path, PathBuf};

use millstream_tests::authors::{is_ready, printed};

/// Its file in a plugin's folder, and the file of its tests with what runs the cases natively.
struct Language {
    name: &'static str,
    stage: &'static str,
    tests: &'static str,
    cases: &'static str,
}

const PYTHON: Language = Language {
    name: "python",
    stage: "stage.py",
    tests: "test_stage.py",
    cases: "import sys\nsys.path.insert(0, 'sdk')\nfrom millstream.harness import cases\nfrom stage import Plugin\n\
            Cases = cases(Plugin, 'cases')\n",
};

const JS: Language = Language {
    name: "js",
    stage: "stage.js",
    tests: "stage.test.js",
    cases: "import { test } from 'node:test';\nimport { cases } from './sdk/harness.js';\nimport Plugin from './stage.js';\n\
            for (const { name, run } of cases(Plugin, new URL('cases', import.meta.url))) test(name, run);\n",
};

const GO: Language = Language {
    name: "go",
    stage: "stage.go",
    tests: "stage_test.go",
    cases: "package main\n\nimport (\n\t\"testing\"\n\n\t\"millstream.internal/stage/stagetest\"\n)\n\n\
            func TestCases(t *testing.T) { stagetest.Cases(t, Plugin, \"cases\") }\n",
};

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kernels")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn passes_the_cases(language: &Language) {
    if !is_ready(language.name) {
        return;
    }
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("kernels");
    let told = folder.to_str().unwrap();
    printed(&["new", "--lang", language.name, "kernels", "--dir", told]);
    fs::copy(here().join(language.stage), folder.join(language.stage)).unwrap();
    fs::write(folder.join(language.tests), language.cases).unwrap();
    fs::remove_dir_all(folder.join("cases")).unwrap();
    copy(&here().join("cases"), &folder.join("cases"));
    let output = printed(&["test", told]);
    let number = fs::read_dir(here().join("cases")).unwrap().count();
    let passed = output.lines().filter(|line| line.starts_with("ok     ")).count();
    assert_eq!(passed, number, "{output}");
    let about = printed(&["inspect", told]);
    assert!(about.contains("millstream:stage/kernels@"), "{about}");
}

#[test]
fn do_the_same_in_python() {
    passes_the_cases(&PYTHON);
}

#[test]
fn do_the_same_in_javascript() {
    passes_the_cases(&JS);
}

#[test]
fn do_the_same_in_go() {
    passes_the_cases(&GO);
}

/// By the offsets and signatures of `guest-sdk/wit/README.md`, without an SDK.
#[test]
fn are_what_the_page_of_the_contract_says() {
    if !is_ready("wat") {
        return;
    }
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("raw");
    copy(&here().join("raw"), &folder);
    let output = printed(&["test", folder.to_str().unwrap()]);
    assert!(output.contains("ok     both_layouts"), "{output}");
}
