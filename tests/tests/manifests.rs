//! What people write in manifests, and what they are told.
//!
//! `manifests/good/*.yaml` must resolve, with the warnings in `<name>.warn` if there is such a file and none otherwise.
//! `manifests/bad/*.yaml` must be refused with exactly the text of `<name>.err`. A new case is a new file; run with
//! `BLESS=1` to write what is printed now, and read it in the diff as the person would who made the mistake.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests are not marked as tests themselves"
)]

use std::fs;
use std::path::{Path, PathBuf};

use millstream::manifest::{BUNDLED, Manifest, ManifestErrors};

/// A secret that stands in several bad manifests and must not come back in any message.
const SECRET: &str = "hunter2";

fn cases(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests").join(kind);
    let mut cases: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    cases.sort();
    cases
}

/// Resolves a case with a fixed environment, under a name that is the same everywhere.
fn resolve(case: &Path) -> Result<Manifest, ManifestErrors> {
    let variable = |name: &str| match name {
        "HOST" => Some("loki".to_owned()),
        "PORT" => Some("3100".to_owned()),
        "YES" => Some("true".to_owned()),
        "TOKEN" => Some("t0ken".to_owned()),
        _ => None,
    };
    let name = case.file_name().unwrap();
    Manifest::parse(
        Path::new(name),
        &fs::read_to_string(case).unwrap(),
        variable,
        &BUNDLED,
    )
}

/// Compares with the golden file, or writes it; gives what differs.
fn differs(golden: &Path, actual: &str) -> Option<String> {
    let actual = if actual.is_empty() {
        String::new()
    } else {
        format!("{actual}\n")
    };
    if std::env::var_os("BLESS").is_some() {
        let written = if actual.is_empty() {
            fs::remove_file(golden).or(Ok(()))
        } else {
            fs::write(golden, &actual)
        };
        written.unwrap_or_else(|error: std::io::Error| panic!("{}: {error}", golden.display()));
        return None;
    }
    let expected = fs::read_to_string(golden).unwrap_or_default();
    (expected != actual).then(|| {
        format!(
            "=== {}\n--- expected\n{expected}--- actual\n{actual}",
            golden.display()
        )
    })
}

#[test]
fn good_manifests_resolve() {
    let mut wrong = Vec::new();
    for case in cases("good") {
        match resolve(&case) {
            Ok(manifest) => {
                let warnings: Vec<String> = manifest.warnings.iter().map(ToString::to_string).collect();
                wrong.extend(differs(&case.with_extension("warn"), &warnings.join("\n\n")));
            }
            Err(errors) => wrong.push(format!("=== {}\n{errors}", case.display())),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn bad_manifests_are_refused_with_place_and_fix() {
    let mut wrong = Vec::new();
    let cases = cases("bad");
    assert!(cases.len() >= 30, "only {} bad manifests were found", cases.len());
    for case in cases {
        match resolve(&case) {
            Ok(_) => wrong.push(format!("=== {} was accepted", case.display())),
            Err(errors) => {
                let text = errors.to_string();
                if text.contains(SECRET) {
                    wrong.push(format!("=== {} shows a secret:\n{text}", case.display()));
                }
                wrong.extend(differs(&case.with_extension("err"), &text));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_golden_file_outlives_its_case() {
    for (kind, extension) in [("good", "warn"), ("bad", "err")] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests").join(kind);
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let known = path
                .extension()
                .is_some_and(|found| found == "yaml" || found == extension);
            assert!(
                known && path.with_extension("yaml").exists(),
                "{} belongs to no case",
                path.display()
            );
        }
    }
}
