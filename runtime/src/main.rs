//! The binary's edge: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    millstream::cli::main(std::env::args_os())
}
