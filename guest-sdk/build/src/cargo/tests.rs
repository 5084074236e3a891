use std::path::Path;

use super::{SHOWN_BYTES, flags, passes, shown};

#[test]
fn only_harmless_variables_pass() {
    for name in [
        "PATH",
        "HOME",
        "CARGO_HOME",
        "https_proxy",
        "HTTPS_PROXY",
        "CARGO_NET_OFFLINE",
        "SSL_CERT_FILE",
    ] {
        assert!(passes(name), "{name}");
    }
    for name in [
        "RUSTC",
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "RUSTUP_TOOLCHAIN",
        "CARGO",
        "CARGO_TARGET_DIR",
        "CARGO_BUILD_TARGET",
        "CARGO_MAKEFLAGS",
        "MAKEFLAGS",
        "LD_LIBRARY_PATH",
        "OUT_DIR",
        "TARGET",
        "PROFILE",
        "CARGO_CFG_TARGET_OS",
        "RUSTC_WORKSPACE_WRAPPER",
    ] {
        assert!(!passes(name), "{name}");
    }
}

#[test]
fn flags_cut_the_root() {
    let flags = flags(Path::new("/some/where")).into_string().unwrap();
    assert!(
        flags.contains("\x1f--remap-path-prefix=/some/where=millstream"),
        "{flags}"
    );
}

#[test]
fn shows_from_the_first_error() {
    assert_eq!(shown("   Compiling a\nerror: no\n"), "error: no\n");
    assert_eq!(shown("nothing known"), "nothing known");
    let long = format!("error{}", "é".repeat(SHOWN_BYTES));
    assert!(shown(&long).len() <= SHOWN_BYTES + 1);
}
