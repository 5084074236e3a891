//! Licences and origins of every dependency, from the lists in deny.toml, without a network and without cargo-deny.
//!
//! It sees what `cargo metadata` sees for the platform it runs on. Bans and advisories are `.ci/deny.sh`'s.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The texts of a one-line or many-line TOML array of strings named `key`.
fn list(toml: &str, key: &str) -> Vec<String> {
    let after = toml
        .lines()
        .position(|line| line.trim_start().starts_with(&format!("{key} = [")));
    let Some(first) = after else { return Vec::new() };
    let mut texts = Vec::new();
    for line in toml.lines().skip(first) {
        let line = line.split('#').next().unwrap_or_default();
        texts.extend(line.split('"').skip(1).step_by(2).map(String::from));
        if line.trim_end().ends_with(']') {
            break;
        }
    }
    texts
}

/// The licences allowed for one crate alone: `{ allow = ["X"], crate = "y" }`, a line each.
fn exceptions(toml: &str) -> Vec<(String, String)> {
    let lines = toml
        .lines()
        .filter(|line| line.trim_start().starts_with("{ allow = ["));
    lines
        .filter_map(|line| {
            let mut texts = line.split('"').skip(1).step_by(2);
            let (licence, name) = (texts.next()?, texts.last()?);
            Some((name.to_owned(), licence.to_owned()))
        })
        .collect()
}

/// Whether an SPDX expression can be met with these licences. The old `A/B` is read as `A OR B`.
fn is_met(expression: &str, allowed: &dyn Fn(&str) -> bool) -> anyhow::Result<bool> {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let (met, rest) = any_of(&words, allowed)?;
    ensure!(rest.is_empty(), "`{expression}` is no licence expression");
    Ok(met)
}

type Parsed<'a> = anyhow::Result<(bool, &'a [&'a str])>;

fn any_of<'a>(words: &'a [&'a str], allowed: &dyn Fn(&str) -> bool) -> Parsed<'a> {
    let (mut met, mut rest) = all_of(words, allowed)?;
    while let ["OR", after @ ..] = rest {
        let (next, left) = all_of(after, allowed)?;
        (met, rest) = (met || next, left);
    }
    Ok((met, rest))
}

fn all_of<'a>(words: &'a [&'a str], allowed: &dyn Fn(&str) -> bool) -> Parsed<'a> {
    let (mut met, mut rest) = one(words, allowed)?;
    while let ["AND", after @ ..] = rest {
        let (next, left) = one(after, allowed)?;
        (met, rest) = (met && next, left);
    }
    Ok((met, rest))
}

fn one<'a>(words: &'a [&'a str], allowed: &dyn Fn(&str) -> bool) -> Parsed<'a> {
    match words {
        ["(", inner @ ..] => match any_of(inner, allowed)? {
            (met, [")", rest @ ..]) => Ok((met, rest)),
            _ => bail!("a parenthesis is not closed"),
        },
        [licence, "WITH", exception, rest @ ..] => {
            Ok((allowed(&format!("{licence} WITH {exception}")), rest))
        }
        [licence, rest @ ..] if !["AND", "OR", "WITH", ")"].contains(licence) => {
            // `X+` is X or any later one.
            let plain = licence.strip_suffix('+').unwrap_or(licence);
            Ok((allowed(licence) || allowed(plain), rest))
        }
        _ => bail!("a licence is missing"),
    }
}

/// The packages of the workspace and all they depend on.
fn packages() -> anyhow::Result<Vec<Value>> {
    let version = Command::new("rustc")
        .arg("-vV")
        .output()
        .context("cannot run rustc")?;
    let version = String::from_utf8(version.stdout)?;
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("rustc names no host")?;
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--offline",
            "--filter-platform",
            host,
        ])
        .current_dir(root())
        .output()
        .context("cannot run cargo")?;
    ensure!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut metadata: Value = serde_json::from_slice(&output.stdout)?;
    match metadata["packages"].take() {
        Value::Array(packages) => Ok(packages),
        _ => bail!("cargo metadata names no packages"),
    }
}

/// What is wrong with a package.
fn fault(package: &Value, deny: &str) -> Option<String> {
    let text = |key: &str| package[key].as_str().unwrap_or_default();
    let (name, licence) = (text("name"), text("license"));
    let who = format!("{name} {}", text("version"));
    let registries = list(deny, "allow-registry");
    // No source: a crate of this workspace.
    let known = package["source"].is_null()
        || registries
            .iter()
            .any(|url| text("source") == format!("registry+{url}"));
    if !known {
        return Some(format!(
            "{who}: comes from {}, which deny.toml does not allow",
            text("source")
        ));
    }
    let (common, own) = (list(deny, "allow"), exceptions(deny));
    let allowed = |wanted: &str| {
        common.iter().any(|licence| licence == wanted)
            || own.iter().any(|(krate, l)| krate == name && l == wanted)
    };
    match is_met(licence, &allowed) {
        Ok(true) => None,
        Ok(false) => Some(format!(
            "{who}: its licence `{licence}` is not allowed; decide in deny.toml or do without it"
        )),
        Err(error) => Some(format!("{who}: its licence `{licence}` cannot be read: {error}")),
    }
}

#[test]
fn every_dependency_may_be_linked() {
    let deny = std::fs::read_to_string(root().join("deny.toml")).unwrap();
    let packages = packages().unwrap();
    assert!(
        packages.len() > 100,
        "only {} packages were found",
        packages.len()
    );
    let faults: Vec<String> = packages
        .iter()
        .filter_map(|package| fault(package, &deny))
        .collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn expressions_mean_what_spdx_says() {
    let allowed = |licence: &str| ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].contains(&licence);
    for (expression, met) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND GPL-3.0", false),
        ("GPL-3.0 AND BSD-3-Clause OR MIT", true),
        ("MIT AND (GPL-3.0 OR ISC)", true),
        ("(MIT OR ISC) AND GPL-3.0", false),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("MIT+", true),
        ("GPL-3.0+", false),
        ("Apache-2.0", false),
    ] {
        assert_eq!(is_met(expression, &allowed).unwrap(), met, "{expression}");
    }
    for wrong in ["", "MIT OR", "(MIT", "MIT)", "MIT ISC", "AND"] {
        assert!(is_met(wrong, &allowed).is_err(), "{wrong}");
    }
}

#[test]
fn a_strange_licence_or_origin_is_named() {
    let deny = "allow = [\n  \"MIT\", # why\n]\nexceptions = [\n    { allow = [\"CC0-1.0\"], crate = \"free\" },\n]\n\
                allow-registry = [\"https://good\"]\n";
    let package = |name: &str, licence: &str, source: &str| serde_json::json!({ "name": name, "version": "1.0.0", "license": licence, "source": source });
    assert_eq!(fault(&package("a", "MIT", "registry+https://good"), deny), None);
    assert_eq!(
        fault(&package("free", "CC0-1.0", "registry+https://good"), deny),
        None
    );
    assert!(
        fault(&package("a", "CC0-1.0", "registry+https://good"), deny)
            .unwrap()
            .contains("not allowed")
    );
    assert!(
        fault(&package("a", "MIT", "git+https://good"), deny)
            .unwrap()
            .contains("comes from git+https://good")
    );
    assert!(
        fault(&package("a", "", "registry+https://good"), deny)
            .unwrap()
            .contains("cannot be read")
    );
}
