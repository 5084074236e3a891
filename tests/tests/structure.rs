//! The house's structure (design §6, ARCHITECTURE.md "Invariants of absence"), checked on the tree itself.
//!
//! Every rule is a function from texts to faults, with a test on made-up input that proves it can fail. A fault says the
//! file, the rule and what to do.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// The folders whose Rust files the rules are about.
const CODE: [&str; 3] = ["runtime", "guest-sdk", "plugins"];

/// Lines of a file: the most, what 95 of 100 keep to, and the median.
const LINES: (usize, usize, usize) = (600, 450, 150);

/// Names that say nothing about what is in a file.
const EMPTY_NAMES: [&str; 6] = ["utils", "util", "helpers", "common", "manager", "imp"];

/// What stands at the top of the repository, besides dot-folders and what .gitignore names.
const TOP: [&str; 18] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "Makefile",
    "README.md",
    "clippy.toml",
    "deny.toml",
    "examples",
    "guest-sdk",
    "plugins",
    "runtime",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "tests",
    ".gitignore",
];

/// What plugins may depend on besides the guest SDK: crates that do no IO.
const PURE: [&str; 10] = [
    "jiff",
    "jmespath",
    "memchr",
    "proptest",
    "regex",
    "regex-syntax",
    "rhai",
    "serde",
    "serde_json",
    "strsim",
];

/// A text file of the tree; the path is relative to the repository.
struct File {
    path: String,
    text: String,
}

impl File {
    fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.into(),
            text: text.into(),
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All files under `folder` (relative to the repository) whose names end with `ending`.
fn files(folder: &str, ending: &str) -> anyhow::Result<Vec<File>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        let full = root().join(&folder);
        for entry in fs::read_dir(&full).with_context(|| format!("cannot list {}", full.display()))? {
            let entry = entry?;
            let name = entry.file_name();
            let path = folder.join(&name);
            if entry.file_type()?.is_dir() {
                if name != "target" && !name.to_string_lossy().starts_with('.') {
                    folders.push(path);
                }
            } else if name.to_string_lossy().ends_with(ending) {
                let text = fs::read_to_string(entry.path())
                    .with_context(|| format!("cannot read {}", path.display()))?;
                found.push(File {
                    path: path.to_string_lossy().trim_start_matches("./").into(),
                    text,
                });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

fn code() -> anyhow::Result<Vec<File>> {
    let mut all = Vec::new();
    for folder in CODE {
        all.extend(files(folder, ".rs")?);
    }
    Ok(all)
}

fn manifests() -> anyhow::Result<Vec<File>> {
    files(".", "Cargo.toml")
}

/// Whether a Rust file holds tests only.
fn is_test(path: &str) -> bool {
    path.split('/')
        .any(|part| matches!(part, "tests" | "tests.rs" | "examples" | "benches"))
}

/// A file's text up to its inline tests.
fn without_tests(text: &str) -> &str {
    text.find("#[cfg(test)]\nmod tests {")
        .map_or(text, |end| &text[..end])
}

/// The code of a file: no tests, no line comments, no white space.
fn bare(file: &File) -> String {
    let lines = without_tests(&file.text)
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    lines
        .flat_map(str::chars)
        .filter(|c| !c.is_whitespace())
        .collect()
}

/// The names a Cargo.toml depends on, in every table of dependencies.
fn dependencies(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        if let Some(table) = line.strip_prefix('[') {
            let table = table.trim_end_matches(']');
            inside = table.ends_with("dependencies") && !table.starts_with("workspace");
            if let Some((_, name)) = table
                .split_once("dependencies.")
                .filter(|_| !table.starts_with("workspace"))
            {
                names.push(name.to_owned());
            }
        } else if inside && !line.is_empty() && !line.starts_with('#') {
            names.extend(
                line.split(['.', '=', ' '])
                    .next()
                    .map(|name| name.trim_matches('"').to_owned()),
            );
        }
    }
    names
}

fn no_mod_rs(files: &[File]) -> Vec<String> {
    let named = files.iter().filter(|file| file.path.ends_with("/mod.rs"));
    named
        .map(|file| {
            format!(
                "{}: no mod.rs; name it after its folder, beside the folder",
                file.path
            )
        })
        .collect()
}

fn telling_names(files: &[File]) -> Vec<String> {
    let empty = |file: &&File| {
        file.path
            .split('/')
            .any(|part| EMPTY_NAMES.contains(&part.strip_suffix(".rs").unwrap_or(part)))
    };
    let found = files.iter().filter(empty);
    found
        .map(|file| {
            format!(
                "{}: the name says nothing; name it after the one thing in it",
                file.path
            )
        })
        .collect()
}

fn short_files(files: &[File], (most, many, median): (usize, usize, usize)) -> Vec<String> {
    let mut sizes: Vec<(usize, &str)> = files
        .iter()
        .filter(|file| !is_test(&file.path))
        .map(|file| (without_tests(&file.text).lines().count(), file.path.as_str()))
        .collect();
    sizes.sort_unstable();
    let mut faults: Vec<String> = sizes
        .iter()
        .filter(|(lines, _)| *lines > most)
        .map(|(lines, path)| {
            format!("{path}: {lines} lines without tests; {most} at most: split it by nouns")
        })
        .collect();
    let longer: Vec<&str> = sizes
        .iter()
        .filter(|(lines, _)| *lines > many)
        .map(|(_, path)| *path)
        .collect();
    if longer.len() * 20 > sizes.len() {
        faults.push(format!(
            "{}: more than 5 % of files exceed {many} lines; split some of these",
            longer.join(", ")
        ));
    }
    if let Some((lines, path)) = sizes.get(sizes.len() / 2).filter(|(lines, _)| *lines > median) {
        faults.push(format!(
            "{path}: the median file has {lines} lines; {median} at most: split the longer half"
        ));
    }
    faults
}

/// That clippy keeps functions to 80 lines, everywhere.
fn short_functions(clippy: &str, workspace: &str, manifests: &[File]) -> Vec<String> {
    let mut faults = Vec::new();
    if !clippy
        .lines()
        .any(|line| line.trim() == "too-many-lines-threshold = 80")
    {
        faults.push(
            "clippy.toml: functions have 80 lines at most: set `too-many-lines-threshold = 80`".to_owned(),
        );
    }
    if !workspace
        .lines()
        .any(|line| line.trim() == r#"too_many_lines = "deny""#)
    {
        faults.push(r#"Cargo.toml: put `too_many_lines = "deny"` into [workspace.lints.clippy]"#.to_owned());
    }
    // What an author gets builds without this repository, so it cannot refer to its table.
    let stands_alone = |path: &str| path.starts_with("examples/") || path.contains("/template/");
    let crates = manifests
        .iter()
        .filter(|manifest| manifest.text.contains("[package]") && !stands_alone(&manifest.path));
    let careless = crates.filter(|manifest| !manifest.text.contains("[lints]\nworkspace = true"));
    faults.extend(careless.map(|m| {
        format!(
            "{}: one lint table for all: add `[lints]` `workspace = true`",
            m.path
        )
    }));
    faults
}

/// Whether bare code names a module at the crate's root: `crate::x` or inside `use crate::{…}`.
fn names_module(code: &str, module: &str) -> bool {
    code.contains(&format!("crate::{module}"))
        || code.split("usecrate::{").skip(1).any(|rest| {
            let group = rest.split(';').next().unwrap_or_default();
            group
                .split([',', '{', '}'])
                .any(|part| part == module || part.starts_with(&format!("{module}::")))
        })
}

fn ends_do_not_meet(files: &[File]) -> Vec<String> {
    let mut faults = Vec::new();
    for (end, other) in [("sources", "sinks"), ("sinks", "sources")] {
        let inside = format!("runtime/src/{end}");
        let of_end = files.iter().filter(|file| file.path.starts_with(&inside));
        faults.extend(
            of_end
                .filter(|file| names_module(&bare(file), other))
                .map(|file| {
                    format!(
                        "{}: {end} never import {other}; what both need belongs to delivery or transport",
                        file.path
                    )
                }),
        );
    }
    faults
}

fn one_crate_knows_wasmtime(files: &[File], manifests: &[File]) -> Vec<String> {
    let elsewhere = |path: &str| !path.starts_with("runtime/plugin-host/");
    let is_wasmtime = |name: &String| name == "wasmtime" || name.starts_with("wasmtime-");
    let told = "only runtime/plugin-host knows wasmtime: give it what you need under a name of its own";
    let dependent = manifests
        .iter()
        .filter(|m| elsewhere(&m.path) && dependencies(&m.text).iter().any(is_wasmtime));
    let naming = files
        .iter()
        .filter(|file| elsewhere(&file.path) && bare(file).contains("wasmtime::"));
    dependent
        .chain(naming)
        .map(|file| format!("{}: {told}", file.path))
        .collect()
}

/// That the crate in `folder` neither depends on `crates` nor names `paths`.
fn without(folder: &str, crates: &[&str], paths: &[&str], files: &[File], manifests: &[File]) -> Vec<String> {
    let mut faults = Vec::new();
    for manifest in manifests
        .iter()
        .filter(|manifest| manifest.path == format!("{folder}/Cargo.toml"))
    {
        let found = dependencies(&manifest.text).into_iter().filter(|name| {
            crates
                .iter()
                .any(|banned| name == banned || name.starts_with(&format!("{banned}-")))
        });
        faults.extend(found.map(|name| format!("{}: {folder} does no IO: remove `{name}`", manifest.path)));
    }
    for file in files
        .iter()
        .filter(|file| file.path.starts_with(&format!("{folder}/")) && !is_test(&file.path))
    {
        let code = bare(file);
        let found = paths.iter().filter(|path| code.contains(*path));
        faults.extend(found.map(|path| {
            format!(
                "{}: {folder} does no IO: take what `{path}` gives as an argument",
                file.path
            )
        }));
    }
    faults
}

fn plugins_are_pure(manifests: &[File]) -> Vec<String> {
    let sdk: Vec<String> = manifests
        .iter()
        .filter(|manifest| manifest.path.starts_with("guest-sdk/"))
        .filter_map(|manifest| {
            Some(
                manifest
                    .text
                    .split_once("name = \"")?
                    .1
                    .split_once('"')?
                    .0
                    .to_owned(),
            )
        })
        .collect();
    let mut faults = Vec::new();
    for manifest in manifests
        .iter()
        .filter(|manifest| manifest.path.starts_with("plugins/"))
    {
        let names = dependencies(&manifest.text);
        let others = names
            .iter()
            .filter(|name| !sdk.contains(name) && !PURE.contains(&name.as_str()));
        faults.extend(others.map(|name| {
            let path = &manifest.path;
            format!("{path}: `{name}` is neither of guest-sdk nor in PURE of tests/tests/structure.rs; add it there if it does no IO")
        }));
    }
    faults
}

fn known_top(entries: &[String], gitignore: &str) -> Vec<String> {
    let ignored = |name: &str| gitignore.lines().any(|line| line.trim_matches('/') == name);
    let strange = entries.iter().filter(|name| {
        let dot_folder = name.starts_with('.') && root().join(name).is_dir();
        !TOP.contains(&name.as_str()) && !dot_folder && name.as_str() != ".git" && !ignored(name)
    });
    strange
        .map(|name| format!("{name}: not in the map of README.md; move it, or add it there and to TOP here"))
        .collect()
}

/// Relative links of a Markdown text, without anchors.
fn links(text: &str) -> Vec<&str> {
    let targets = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', ' ', '#']).next());
    targets
        .filter(|target| !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"))
        .collect()
}

/// Paths between backquotes: those that begin with a folder of the repository. A name in capitals is a placeholder.
fn quoted_paths(text: &str) -> Vec<&str> {
    let pieces = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    let is_path = |piece: &&str| {
        let top = piece.split('/').next().unwrap_or_default();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-./".contains(c);
        piece.contains('/')
            && TOP.contains(&top)
            && piece[top.len()..].replace("README.md", "").chars().all(plain)
    };
    pieces.filter(is_path).collect()
}

fn documents_point_somewhere(documents: &[File], exists: impl Fn(&Path) -> bool) -> Vec<String> {
    let mut faults = Vec::new();
    for document in documents {
        let folder = Path::new(&document.path).parent().unwrap_or(Path::new(""));
        let linked = links(&document.text)
            .into_iter()
            .map(|link| (link, folder.join(link)));
        let quoted = quoted_paths(&document.text)
            .into_iter()
            .map(|path| (path, PathBuf::from(path)));
        for (name, target) in linked.chain(quoted).filter(|(_, target)| !exists(target)) {
            let (path, target) = (&document.path, target.display());
            faults.push(format!(
                "{path}: `{name}` points at {target}, which is not there; correct the document"
            ));
        }
    }
    faults
}

/// Fails with all faults, a line each.
fn expect_none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

mod the_tree {
    use super::*;

    #[test]
    fn has_no_mod_rs() {
        expect_none(&no_mod_rs(&code().unwrap()));
    }

    #[test]
    fn has_telling_names() {
        expect_none(&telling_names(&code().unwrap()));
    }

    #[test]
    fn has_short_files() {
        expect_none(&short_files(&code().unwrap(), LINES));
    }

    #[test]
    fn has_short_functions() {
        let read = |name| fs::read_to_string(root().join(name)).unwrap();
        expect_none(&short_functions(
            &read("clippy.toml"),
            &read("Cargo.toml"),
            &manifests().unwrap(),
        ));
    }

    #[test]
    fn keeps_sources_and_sinks_apart() {
        expect_none(&ends_do_not_meet(&code().unwrap()));
    }

    #[test]
    fn names_wasmtime_in_one_crate() {
        expect_none(&one_crate_knows_wasmtime(&code().unwrap(), &manifests().unwrap()));
    }

    #[test]
    fn keeps_io_out_of_batch_and_wire() {
        let (code, manifests) = (code().unwrap(), manifests().unwrap());
        let io = ["std::fs", "std::net", "std::process", "std::thread"];
        expect_none(&without(
            "runtime/batch",
            &["tokio", "wasmtime", "reqwest"],
            &io,
            &code,
            &manifests,
        ));
        expect_none(&without(
            "runtime/wire",
            &["tokio", "wasmtime", "reqwest"],
            &io,
            &code,
            &manifests,
        ));
    }

    #[test]
    fn keeps_plugins_pure() {
        expect_none(&plugins_are_pure(&manifests().unwrap()));
    }

    #[test]
    fn has_a_known_top() {
        let entries = fs::read_dir(root()).unwrap();
        let names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        expect_none(&known_top(
            &names,
            &fs::read_to_string(root().join(".gitignore")).unwrap(),
        ));
    }

    #[test]
    fn has_documents_that_point_somewhere() {
        let documents = files(".", ".md").unwrap();
        assert!(
            documents.len() >= 5,
            "only {} documents were found",
            documents.len()
        );
        expect_none(&documents_point_somewhere(&documents, |path| {
            root().join(path).exists()
        }));
    }
}

mod the_rules {
    use super::*;

    #[test]
    fn see_mod_rs_and_empty_names() {
        let tree = [
            File::new("runtime/src/x/mod.rs", ""),
            File::new("runtime/src/x.rs", ""),
        ];
        assert_eq!(no_mod_rs(&tree).len(), 1);
        let tree = [
            File::new("plugins/json/src/helpers.rs", ""),
            File::new("runtime/src/common/x.rs", ""),
            File::new("runtime/src/commonly.rs", ""),
        ];
        assert_eq!(telling_names(&tree).len(), 2);
    }

    #[test]
    fn see_long_files_but_not_their_tests() {
        let file = |path: &str, lines: usize| File::new(path, &"x\n".repeat(lines));
        let one = [
            file("a/long.rs", 11),
            file("a/tests.rs", 99),
            file("a/x.rs", 1),
            file("a/y.rs", 1),
        ];
        let faults = short_files(&one, (10, 11, 3));
        assert!(
            faults.len() == 1 && faults[0].starts_with("a/long.rs: 11 lines"),
            "{faults:?}"
        );
        let longish = [file("a.rs", 9), file("b.rs", 1), file("c.rs", 1)];
        assert!(short_files(&longish, (10, 8, 3))[0].contains("more than 5 %"));
        let median = [file("a.rs", 5), file("b.rs", 5), file("c.rs", 1)];
        assert!(short_files(&median, (10, 8, 4))[0].contains("the median file has 5 lines"));
        let inline = [File::new(
            "a.rs",
            &format!("x\n#[cfg(test)]\nmod tests {{\n{}}}\n", "y\n".repeat(20)),
        )];
        assert!(short_files(&inline, (10, 8, 4)).is_empty());
    }

    #[test]
    fn see_a_loosened_lint_table() {
        let good = [File::new(
            "a/Cargo.toml",
            "[package]\n[lints]\nworkspace = true\n",
        )];
        let (clippy, workspace) = ("too-many-lines-threshold = 80", "too_many_lines = \"deny\"");
        assert!(short_functions(clippy, workspace, &good).is_empty());
        assert_eq!(
            short_functions(
                "too-many-lines-threshold = 800",
                "too_many_lines = \"warn\"",
                &good
            )
            .len(),
            2
        );
        let bad = [File::new("a/Cargo.toml", "[package]\n[dependencies]\n")];
        assert_eq!(short_functions(clippy, workspace, &bad).len(), 1);
    }

    #[test]
    fn see_ends_that_meet() {
        for text in [
            "use crate::sinks::loki;",
            "use crate::{\n    delivery,\n    sinks::loki\n};",
            "crate :: sinks::f()",
        ] {
            assert_eq!(
                ends_do_not_meet(&[File::new("runtime/src/sources/file.rs", text)]).len(),
                1,
                "{text}"
            );
        }
        for text in [
            "// crate::sinks are elsewhere",
            "use crate::{delivery};\nlet sinks = 1;",
            "use crate::sources::x;",
        ] {
            assert!(
                ends_do_not_meet(&[File::new("runtime/src/sources/file.rs", text)]).is_empty(),
                "{text}"
            );
        }
        assert_eq!(
            ends_do_not_meet(&[File::new("runtime/src/sinks/loki.rs", "use crate::sources;")]).len(),
            1
        );
        assert!(
            ends_do_not_meet(&[File::new(
                "runtime/src/pipeline.rs",
                "use crate::{sinks, sources};"
            )])
            .is_empty()
        );
    }

    #[test]
    fn see_wasmtime_elsewhere() {
        let code = [
            File::new("runtime/src/a.rs", "use wasmtime::Engine;"),
            File::new("runtime/src/b.rs", "//! wasmtime::"),
        ];
        let crates = [
            File::new(
                "tests/Cargo.toml",
                "[dev-dependencies]\nwasmtime.workspace = true\n",
            ),
            File::new(
                "runtime/plugin-host/Cargo.toml",
                "[dependencies]\nwasmtime.workspace = true\n",
            ),
            File::new("Cargo.toml", "[workspace.dependencies]\nwasmtime = \"48\"\n"),
        ];
        let faults = one_crate_knows_wasmtime(&code, &crates);
        assert!(
            faults.len() == 2 && faults[0].starts_with("tests/") && faults[1].starts_with("runtime/src/a.rs")
        );
    }

    #[test]
    fn see_io_where_none_belongs() {
        let crates = [File::new(
            "runtime/wire/Cargo.toml",
            "[dependencies]\ntokio-util = { version = \"1\" }\n",
        )];
        let code = [
            File::new("runtime/wire/src/a.rs", "use std::fs;\n"),
            File::new(
                "runtime/wire/src/b.rs",
                "fn f() {}\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n",
            ),
            File::new("runtime/wire/tests/golden.rs", "use std::fs;\n"),
        ];
        assert_eq!(
            without("runtime/wire", &["tokio"], &["std::fs"], &code, &crates).len(),
            2
        );
    }

    #[test]
    fn see_dependencies_in_every_table() {
        let text = "[dependencies]\na.workspace = true\n# b\n\n[dependencies.c]\nversion = \"1\"\n[target.'cfg(unix)'.dependencies]\n\
                    d = \"1\"\n[dev-dependencies]\n\"e\" = \"1\"\n[lints]\nworkspace = true\n[workspace.dependencies]\nf = \"1\"\n";
        assert_eq!(dependencies(text), ["a", "c", "d", "e"]);
    }

    #[test]
    fn see_impure_plugins() {
        let crates = [
            File::new(
                "guest-sdk/rust/Cargo.toml",
                "[package]\nname = \"millstream-stage\"\n",
            ),
            File::new(
                "plugins/x/Cargo.toml",
                "[dependencies]\nmillstream-stage = \"1\"\nserde = \"1\"\nureq = \"3\"\n",
            ),
        ];
        let faults = plugins_are_pure(&crates);
        assert!(faults.len() == 1 && faults[0].contains("`ureq`"), "{faults:?}");
    }

    #[test]
    fn see_strangers_at_the_top() {
        let names = ["Cargo.toml", "target", "notes.txt", ".notes"].map(String::from);
        let faults = known_top(&names, "/target\n");
        assert!(
            faults.len() == 2 && faults[0].starts_with("notes.txt"),
            "{faults:?}"
        );
    }

    #[test]
    fn see_documents_that_point_nowhere() {
        let text = "[a](there.md#x) [b](gone.md) [c](https://x.y/z) `runtime/src/gone.rs` `plugins/NAME/src` `runtime/src` `a/b`";
        let there = ["docs/there.md", "runtime/src"].map(Path::new);
        let faults =
            documents_point_somewhere(&[File::new("docs/page.md", text)], |path| there.contains(&path));
        assert!(
            faults.len() == 2 && faults[0].contains("gone.md") && faults[1].contains("gone.rs"),
            "{faults:?}"
        );
    }
}
