//! A Cargo.toml without its workspace: every inherited value written out.
//!
//! Line by line and not through a parser: comments and order stay, and both files are ours.

use anyhow::{Context, Result, bail};

/// The manifest with what it inherits from `workspace` written out, and without the workspace's lints.
pub(crate) fn manifest(own: &str, workspace: &str) -> Result<String> {
    let mut text = String::new();
    let mut table = "";
    for line in own.lines() {
        if let Some(name) = line.strip_prefix('[') {
            table = name.trim_end().trim_end_matches(']');
        }
        if table == "lints" {
            continue;
        }
        match line.split_once(".workspace = true") {
            Some((key, "")) => text.push_str(&inherited(table, key, workspace)?),
            Some(_) => bail!("`{line}` inherits and adds to it, which is not understood here"),
            None => text.push_str(line),
        }
        text.push('\n');
    }
    // One empty line at most stays where the lints were.
    Ok(format!("{}\n", text.trim_end()))
}

/// The workspace's line for a key.
fn inherited(table: &str, key: &str, workspace: &str) -> Result<String> {
    let source = if table == "package" {
        "[workspace.package]"
    } else {
        "[workspace.dependencies]"
    };
    let value = workspace
        .lines()
        .skip_while(|line| *line != source)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))
        .with_context(|| format!("the workspace has no `{key}` in {source}"))?;
    if value.contains("path =") {
        bail!("`{key}` is a crate of the workspace, which is not handed out");
    }
    Ok(format!("{key} = {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKSPACE: &str = "[workspace.package]\nversion = \"0.1.0\"\n\n[workspace.dependencies]\n\
                             serde = { version = \"1\" }\nours = { path = \"x\" }\n[profile]\nversion = \"no\"\n";

    #[test]
    fn inherited_values_are_written_out_and_lints_go() {
        let own = "[package]\nname = \"a\" # kept\nversion.workspace = true\n\n[dependencies]\nserde.workspace = true\n\
                   b = \"2\"\n\n[lints]\nworkspace = true\n";
        assert_eq!(
            manifest(own, WORKSPACE).unwrap(),
            "[package]\nname = \"a\" # kept\nversion = \"0.1.0\"\n\n[dependencies]\nserde = { version = \"1\" }\nb = \"2\"\n"
        );
    }

    #[test]
    fn what_cannot_be_written_out_is_refused() {
        for (own, says) in [
            (
                "[dependencies]\nours.workspace = true",
                "a crate of the workspace",
            ),
            (
                "[dependencies]\nother.workspace = true",
                "no `other` in [workspace.dependencies]",
            ),
            (
                "[package]\nserde.workspace = true",
                "no `serde` in [workspace.package]",
            ),
        ] {
            let error = manifest(own, WORKSPACE).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
