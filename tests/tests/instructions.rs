//! Promise: the road of a line does not become slower unnoticed. Instructions are counted and not seconds, which vary here by half.
//!
//! `tests/bench/instructions.txt` has the count. It belongs to the compiler and the dependencies of Cargo.lock: whoever changes one of
//! these, or makes the road faster, writes it anew with `BLESS=1 cargo test --release -p millstream-tests --test instructions`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

/// How much more is still the same: what the hash maps' seeds and the allocator make of it is mostly far below.
const TOLERANCE: f64 = 1.03;

/// How often too many are counted again: of some dozen counts two were 3 % above all others, why is not known.
const AGAIN: usize = 2;

/// Instructions of one travel; none where there is no valgrind.
fn count() -> Option<f64> {
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--toggle-collect=*counted*",
            "--callgrind-out-file=/dev/null",
        ])
        .arg(env!("CARGO_BIN_EXE_bench"))
        .arg("count")
        .output()
        .ok()?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    let (_, count) = told.split_once("Collected : ").unwrap();
    Some(count.split_whitespace().next().unwrap().parse().unwrap())
}

#[test]
fn the_road_takes_no_more_instructions_than_it_did() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/instructions.txt");
    let Some(count) = count() else {
        assert!(
            std::env::var_os("CI").is_none(),
            "valgrind is missing: apt-get install valgrind"
        );
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: no valgrind, so no instructions were counted"
        );
        return;
    };
    assert!(count > 1e6, "nothing was counted");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&file, format!("{count}\n")).unwrap();
        return;
    }
    let known: f64 = fs::read_to_string(&file).unwrap().trim().parse().unwrap();
    let mut count = count;
    for _ in 0..AGAIN {
        if count >= known * TOLERANCE {
            count = count.min(self::count().unwrap());
        }
    }
    let part = count / known;
    let _ = writeln!(
        std::io::stderr(),
        "{count} instructions, {:.1} % of what they were",
        part * 100.0
    );
    assert!(
        part < TOLERANCE,
        "the road takes {count} instructions, {:.1} % more than the {known} in {}",
        (part - 1.0) * 100.0,
        file.display()
    );
}
