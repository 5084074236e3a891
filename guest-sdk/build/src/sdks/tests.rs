use std::fs;
use std::path::Path;

use super::*;

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn a_language_is_a_folder_with_a_template() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, "Cargo.toml", "[workspace.package]\nversion = \"9\"\n");
    write(root, "guest-sdk/wit/stage.wit", "the contract");
    write(root, "guest-sdk/build/src/lib.rs", "no language");
    write(root, "guest-sdk/x/template/plugin.toml", "{{name}}");
    write(root, "guest-sdk/x/template/.gitignore", "target");
    write(root, "guest-sdk/x/template/target/debris", "no source");
    write(
        root,
        "guest-sdk/x/Cargo.toml",
        "[package]\nversion.workspace = true\n",
    );
    write(root, "guest-sdk/x/src/lib.rs", "code");
    write(root, "guest-sdk/x/node_modules/a/index.js", "no source");
    let all = Sdk::all(root);
    let [sdk] = &all.unwrap()[..] else {
        panic!("one language")
    };
    let texts = |files: &[SdkFile]| -> Vec<(String, String)> {
        let text = |file: &SdkFile| {
            (
                file.path.clone(),
                String::from_utf8(file.content.clone()).unwrap(),
            )
        };
        files.iter().map(text).collect()
    };
    let owned = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(path, text)| ((*path).into(), (*text).into()))
            .collect()
    };
    assert_eq!(sdk.language, "x");
    assert_eq!(
        texts(&sdk.template),
        owned(&[(".gitignore", "target"), ("plugin.toml", "{{name}}")])
    );
    assert_eq!(
        texts(&sdk.sdk),
        owned(&[
            ("Cargo.toml", "[package]\nversion = \"9\"\n"),
            ("src/lib.rs", "code"),
            ("wit/stage.wit", "the contract"),
        ])
    );
}
