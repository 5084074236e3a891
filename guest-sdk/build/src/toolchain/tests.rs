use super::{advice, version};

#[test]
fn reads_versions() {
    for (text, is) in [
        (
            "rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)\n",
            Some((1, 96)),
        ),
        ("rustc 1.95.0-nightly (abc 2026-01-01)", Some((1, 95))),
        ("rustc 1.63.0", Some((1, 63))),
        ("clang 19", None),
        ("", None),
    ] {
        assert_eq!(version(text), is, "{text:?}");
    }
}

#[test]
fn advice_names_both_routes_and_the_gap() {
    let text = advice("the source of std (rust-web-src) is missing");
    for part in [
        "rustup target add wasm32-unknown-unknown",
        "rustc-web cargo-web rust-web-src",
        "is missing",
    ] {
        assert!(text.contains(part), "{text}");
    }
}
