//! `make torture`: proves by breaking things that nothing is lost. `torture [SCENARIO] [--seed N] [--rounds N]`.

use std::process::ExitCode;

use millstream_tests::torture;

fn main() -> ExitCode {
    match torture::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            torture::complain(&error);
            ExitCode::FAILURE
        }
    }
}
