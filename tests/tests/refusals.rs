//! Promise: wrong input is refused before anything starts, with exit code 2, the place and the fix.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use millstream_tests::millstream;

const GOOD: &str = "sources: { logs: { file: { include: [\"*.log\"] } } }\n\
    pipelines:\n  p:\n    from: [logs]\n    stages:\n      - STAGE\n    to: [out]\n\
    sinks: { out: { console: {} } }\n";

/// `check` and `run` on this manifest: exit code and what is said.
fn refused(folder: &Path, manifest: &str) -> String {
    let path = folder.join("m.yaml");
    fs::write(&path, manifest).unwrap();
    let state = folder.join("state");
    let check = millstream(["check".as_ref(), path.as_os_str()]).unwrap();
    let run = millstream([
        "run".as_ref(),
        path.as_os_str(),
        "--storage-path".as_ref(),
        state.as_os_str(),
        "--listen".as_ref(),
        "127.0.0.1:0".as_ref(),
    ])
    .unwrap();
    let said = String::from_utf8(check.stderr).unwrap();
    assert_eq!(check.status.code(), Some(2), "{said}");
    assert_eq!(
        run.status.code(),
        Some(2),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    assert!(check.stdout.is_empty());
    said
}

#[test]
fn a_plugin_that_refuses_its_settings_is_told_at_the_setting() {
    let folder = tempfile::tempdir().unwrap();
    let said = refused(folder.path(), &GOOD.replace("STAGE", "regex: { expresion: 'x' }"));
    assert!(said.contains("m.yaml:6:18"), "{said}");
    assert!(
        said.contains("expresion") && said.contains("expression"),
        "{said}"
    );
    let said = refused(
        folder.path(),
        &GOOD.replace("STAGE", "multiline: { firstline: '(' }"),
    );
    assert!(said.contains("m.yaml:6:"), "{said}");
}

#[test]
fn a_component_that_is_missing_or_of_another_kind_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let with = |path: &str| {
        format!(
            "plugins: {{ mine: {{ path: {path} }} }}\n{}",
            GOOD.replace("STAGE", "mine: {}")
        )
    };
    let said = refused(folder.path(), &with("./nowhere.wasm"));
    assert!(
        said.contains("nowhere.wasm") && said.contains("m.yaml:1:"),
        "{said}"
    );
    fs::write(folder.path().join("core.wasm"), b"\0asm\x01\0\0\0").unwrap();
    let said = refused(folder.path(), &with("./core.wasm"));
    assert!(said.contains("core module"), "{said}");
    fs::write(folder.path().join("text.wasm"), "fn main() {}").unwrap();
    let said = refused(folder.path(), &with("./text.wasm"));
    assert!(said.contains("text file"), "{said}");
    // An empty component: valid, but it exports nothing.
    fs::write(folder.path().join("empty.wasm"), b"\0asm\x0d\0\x01\0").unwrap();
    let said = refused(folder.path(), &with("./empty.wasm"));
    assert!(said.contains("log-stage"), "{said}");
}

#[test]
fn a_good_manifest_is_good_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.yaml");
    fs::write(&path, GOOD.replace("STAGE", "output: { source: message }")).unwrap();
    let check = millstream(["check".as_ref(), path.as_os_str()]).unwrap();
    assert!(
        check.status.success(),
        "{}",
        String::from_utf8_lossy(&check.stderr)
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn schema_and_completions_go_to_stdout() {
    let schema = millstream(["schema"]).unwrap();
    let schema: serde_json::Value = serde_json::from_slice(&schema.stdout).unwrap();
    assert!(schema["properties"]["pipelines"].is_object(), "{schema}");
    for shell in ["bash", "zsh", "fish"] {
        let script = millstream(["completions", shell]).unwrap();
        assert!(String::from_utf8(script.stdout).unwrap().contains("millstream"));
    }
    assert_eq!(millstream(["fly"]).unwrap().status.code(), Some(2));
}
