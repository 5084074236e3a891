//! Reading a manifest from disk: the IO around the pure [`manifest`](crate::manifest).

use std::path::Path;

use super::exit::InputError;
use crate::manifest::{BUNDLED, Manifest};

/// Reads and resolves the manifest at `path` with this process' environment and the bundled plugins.
///
/// # Errors
/// When it cannot be read, or with everything that is wrong with it.
pub fn load(path: &Path) -> Result<Manifest, InputError> {
    let text = std::fs::read_to_string(path).map_err(|source| InputError::Read {
        path: path.to_path_buf(),
        source,
    })?;
    Ok(Manifest::parse(
        path,
        &text,
        |name| std::env::var(name).ok(),
        &BUNDLED,
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = load(Path::new("/nowhere/m.yaml")).unwrap_err();
        assert_eq!(error.to_string(), "cannot read `/nowhere/m.yaml`");
    }

    #[test]
    fn a_file_that_is_there_is_resolved() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.yaml");
        std::fs::write(
            &path,
            "sources: {a: {file: {include: [a.log]}}}\nsinks: {b: {console: {}}}\npipelines: {c: {from: [a], to: [b]}}",
        )
        .unwrap();
        assert_eq!(load(&path).unwrap().pipelines.len(), 1);
    }
}
