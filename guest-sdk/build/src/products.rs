//! What builds, tests and editors leave behind in a plugin's folder: no source, and nothing for a template.

/// Folders of such things.
const FOLDERS: [&str; 8] = [
    "target",
    "node_modules",
    "zig-out",
    "zig-cache",
    "__pycache__",
    "venv",
    "dist",
    "coverage",
];

/// Hidden names that say how to build.
const KEPT: [&str; 2] = [".cargo", ".gitignore"];

/// Whether a file or folder of this name is no source.
#[must_use]
pub fn is_product(name: &str) -> bool {
    let hidden = name.starts_with('.') && !KEPT.contains(&name);
    hidden
        || FOLDERS.contains(&name)
        || name.ends_with(".pyc")
        || name.ends_with(".wasm")
        || name.ends_with('~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_told_from_products() {
        for source in [
            "src",
            "Cargo.toml",
            ".cargo",
            ".gitignore",
            "go.mod",
            "redact.wit",
            "build.zig",
        ] {
            assert!(!is_product(source), "{source}");
        }
        for product in [
            "target",
            ".git",
            ".zig-cache",
            "node_modules",
            "a.pyc",
            "a.wasm",
            "a.c~",
        ] {
            assert!(is_product(product), "{product}");
        }
    }
}
