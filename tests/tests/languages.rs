//! Promise: in every language that has an SDK, the template builds and passes its tests and cases as soon as it is written, and
//! the worked example passes the golden cases.
//!
//! The languages are found, not listed. One whose tool chain `.ci/guests.sh` could not get is left out with a message, and fails
//! where CI is set: a language that is not tested there is not supported.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are not marked as tests themselves"
)]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use millstream_tests::authors;

fn root() -> PathBuf {
    fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap()
}

/// The folders of `folder` that hold this file.
fn with(folder: &str, file: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names
        .filter(|name| root().join(folder).join(name).join(file).is_file())
        .collect();
    names.sort();
    names
}

/// Whether the tool chain of a language is here. Rust's is, or nothing would have been built.
fn is_ready(language: &str) -> bool {
    let needed = root().join(format!(".ci/guests/{language}.sh")).exists();
    if !needed || root().join("target/tools/guests").join(language).exists() {
        return true;
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "no tool chain for {language}: `make guests` says why"
    );
    // Past the capture of a test's output, so that it is seen in a run that passes.
    let _ = writeln!(
        std::io::stderr(),
        "SKIPPED: no tool chain for {language}; `make guests` gets one"
    );
    false
}

/// Runs a `millstream plugin` command and answers what it printed.
fn plugin(arguments: &[&str]) -> String {
    let output = authors::plugin().unwrap().args(arguments).output().unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "{arguments:?}: {}\n{out}{err}",
        output.status
    );
    out.into_owned()
}

#[test]
fn there_are_languages() {
    assert!(with("guest-sdk", "template/plugin.toml").contains(&"rust".to_owned()));
    assert!(with("examples/redact", "plugin.toml").contains(&"rust".to_owned()));
}

#[test]
fn every_template_works_at_once() {
    for language in with("guest-sdk", "template/plugin.toml") {
        if !is_ready(&language) {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mask_it");
        let path = path.to_str().unwrap();
        plugin(&["new", "--lang", &language, "mask_it", "--dir", path]);
        plugin(&["test", path, "--native"]);
        plugin(&["build", path]);
        let cases = plugin(&[
            "test",
            &format!("{path}/mask_it.wasm"),
            "--cases",
            &format!("{path}/cases"),
        ]);
        assert!(cases.contains("ok     "), "{language}: {cases}");
    }
}

#[test]
fn redact_passes_the_golden_cases_in_every_language() {
    let golden = root().join("examples/redact/cases");
    let number = fs::read_dir(&golden).unwrap().count();
    for language in with("examples/redact", "plugin.toml") {
        if !is_ready(&language) {
            continue;
        }
        let folder = root().join("examples/redact").join(&language);
        let path = folder.to_str().unwrap();
        plugin(&["test", path, "--native"]);
        plugin(&["build", path]);
        let component = folder.join("redact.wasm");
        let cases = plugin(&[
            "test",
            component.to_str().unwrap(),
            "--cases",
            golden.to_str().unwrap(),
        ]);
        let passed = cases.lines().filter(|line| line.starts_with("ok     ")).count();
        assert_eq!(passed, number, "{language}: {cases}");
    }
}
