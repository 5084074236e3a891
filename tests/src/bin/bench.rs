//! `make bench`: the figures of `tests/bench/RESULTS.md`.
//!
//! Prints a table and appends nothing: a person copies what is worth keeping, with the commit and the date.

use std::process::ExitCode;

use millstream_tests::bench;

fn main() -> ExitCode {
    match bench::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            bench::complain(&error);
            ExitCode::FAILURE
        }
    }
}
