use super::*;

#[test]
fn a_language_is_known_by_its_other_names() {
    assert_eq!(EmbeddedSdk::of("Rust").unwrap().language, "rust");
    assert_eq!(EmbeddedSdk::of("rs").unwrap().language, "rust");
    let error = EmbeddedSdk::of("cobol").unwrap_err().to_string();
    assert!(
        error.contains("no SDK for `cobol`, but for ") && error.contains("rust"),
        "{error}"
    );
}

#[test]
fn a_new_folder_is_a_plugin_of_that_name() {
    let folder = tempfile::tempdir().unwrap();
    for sdk in SDKS {
        let path = folder.path().join(sdk.language);
        sdk.write("mask_it", &path).unwrap();
        let plugin = crate::authoring::PluginFolder::open(&path).unwrap();
        assert_eq!(plugin.name, "mask_it", "{}", sdk.language);
        assert!(
            plugin.wit().is_some_and(|wit| wit.ends_with("sdk/wit")),
            "{}",
            sdk.language
        );
        let cases = crate::authoring::case::Case::all(&plugin.cases()).unwrap();
        assert!(!cases.is_empty(), "{}", sdk.language);
        for (file, _) in sdk.template {
            let text = fs::read_to_string(path.join(file.replace(NAME, "mask_it"))).unwrap_or_default();
            assert!(!text.contains(NAME), "{} {file}", sdk.language);
        }
    }
}

#[test]
fn nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine"), "").unwrap();
    let sdk = EmbeddedSdk::of("rust").unwrap();
    let error = sdk.write("mask", folder.path()).unwrap_err().to_string();
    assert!(error.contains("not empty; nothing was written"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let error = sdk
        .write("Mask", &folder.path().join("new"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("`Mask` is no name of a plugin"), "{error}");
    assert!(!folder.path().join("new").exists());
}
