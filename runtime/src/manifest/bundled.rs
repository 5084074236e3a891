//! The plugins that come with the binary.

/// Their names: the folders of `plugins/`.
pub const BUNDLED: [&str; 9] = [
    "drop",
    "json",
    "labels",
    "multiline",
    "output",
    "regex",
    "script",
    "static_labels",
    "timestamp",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_the_folders_of_plugins() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins");
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.path().join("Cargo.toml").exists())
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, BUNDLED);
    }
}
