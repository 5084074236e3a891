use std::error::Error;
use std::fs;

use super::*;

const GOOD: &str = r#"
[plugin]
name = "redact"
version = "0.1.0"
license = "Apache-2.0"
[build]
command = ["make"]
output = "build/redact.wasm"
[test]
command = ["make", "test"]
"#;

fn refusal(text: &str) -> String {
    PluginFolder::read("/p".into(), text).unwrap_err().to_string()
}

#[test]
fn a_folder_says_what_to_build() {
    let folder = PluginFolder::read("/p".into(), GOOD).unwrap();
    assert_eq!(folder.component(), Path::new("/p/redact.wasm"));
    assert_eq!(folder.cases(), Path::new("/p/cases"));
    assert_eq!(
        folder.test.as_deref(),
        Some(&["make".to_owned(), "test".to_owned()][..])
    );
}

#[test]
fn a_folder_says_what_memory_its_plugin_needs() {
    assert_eq!(PluginFolder::read("/p".into(), GOOD).unwrap().memory, None);
    let text = format!("{GOOD}[limits]\nmemory = \"256MiB\"\n");
    let folder = PluginFolder::read("/p".into(), &text).unwrap();
    assert_eq!(folder.memory, Some(256 << 20));
}

#[test]
fn what_is_wrong_is_named() {
    for (from, to, says) in [
        (
            "name = \"redact\"",
            "name = \"Redact\"",
            "`Redact` is no name of a plugin",
        ),
        ("version = \"0.1.0\"", "", "missing field `version`"),
        ("output", "outptu", "unknown field `outptu`"),
        ("[test]", "[limits]\nmemory = \"much\"\n[test]", "`limits.memory`"),
        ("[\"make\"]", "[]", "`build.command` names no program"),
        ("[\"make\", \"test\"]", "[]", "`test.command` names no program"),
    ] {
        let error = refusal(&GOOD.replace(from, to));
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn a_folder_without_the_file_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let error = PluginFolder::open(folder.path()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("is no plugin folder: it has no plugin.toml"),
        "{error}"
    );
    assert!(error.source().is_some());
}

#[test]
fn the_sdk_beside_it_goes_before_the_repositorys() {
    let root = tempfile::tempdir().unwrap();
    let path = fs::canonicalize(root.path()).unwrap();
    for folder in ["guest-sdk/wit", "guest-sdk/go/template", "examples/redact/go"] {
        fs::create_dir_all(path.join(folder)).unwrap();
    }
    fs::write(path.join("guest-sdk/wit/stage.wit"), "").unwrap();
    for place in ["guest-sdk/go/template", "examples/redact/go"] {
        let folder = PluginFolder::read(path.join(place), GOOD).unwrap();
        assert_eq!(folder.sdk(), Some(path.join("guest-sdk/go")), "{place}");
        assert_eq!(folder.wit(), Some(path.join("guest-sdk/wit")), "{place}");
    }
    fs::create_dir_all(path.join("examples/redact/go/sdk/wit")).unwrap();
    fs::write(path.join("examples/redact/go/sdk/wit/stage.wit"), "").unwrap();
    let folder = PluginFolder::read(path.join("examples/redact/go"), GOOD).unwrap();
    assert_eq!(folder.sdk(), Some(path.join("examples/redact/go/sdk")));
    assert_eq!(folder.wit(), Some(path.join("examples/redact/go/sdk/wit")));
}
