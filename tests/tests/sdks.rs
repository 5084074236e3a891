//! Promise: the tests of every SDK pass, what its page shows included.
//!
//! They are written in the SDK's language and run by that language's own tool; here is only how. That the SDKs do alike in the
//! sandbox is proved by the suites `languages` and `kernels`; Rust's are tests of this workspace.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are not marked as tests themselves"
)]

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use millstream_tests::authors::is_ready;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .unwrap()
}

/// Runs a command in an SDK's folder, with the tool chains first on the path; `{out}` among its words is a folder for what it builds.
fn passes(language: &str, command: &[&str]) {
    if !is_ready(language) {
        return;
    }
    let out = tempfile::tempdir().unwrap();
    let words: Vec<String> = command
        .iter()
        .map(|word| word.replace("{out}", out.path().to_str().unwrap()))
        .collect();
    let tools = root().join("target/tools");
    let others = env::var_os("PATH").unwrap();
    let path = env::join_paths(std::iter::once(tools.join("bin")).chain(env::split_paths(&others))).unwrap();
    let output = Command::new(&words[0])
        .args(&words[1..])
        .current_dir(root().join("guest-sdk").join(language))
        .env("PATH", path)
        .env("MILLSTREAM_TOOLS", tools)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{words:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn c_passes_its_tests() {
    passes("c", &["make", "test", "OUT={out}"]);
}

#[test]
fn zig_passes_its_tests() {
    passes("zig", &["make", "test", "OUT={out}"]);
}

#[test]
fn go_passes_its_tests() {
    passes("go", &["go", "test", "./..."]);
    passes("go", &["go", "vet", "./..."]);
}

#[test]
fn javascript_passes_its_tests() {
    passes("js", &["sh", "-c", "node --test tests/*.test.js"]);
}

#[test]
fn javascript_has_the_types_it_says() {
    passes("js", &["tsc", "-p", "jsconfig.json"]);
}

#[test]
fn python_passes_its_tests() {
    passes(
        "python",
        &["python3", "-m", "unittest", "discover", "-s", ".", "-t", "."],
    );
}
