//! How the program ends: what is printed, and the exit code.
//!
//! Two tiers: [`InputError`] is the user's world (a manifest, an argument, a file that is not there) and exits 2;
//! everything else failed on the way and exits 1. A chain of causes is printed once, here, a line each; no error's own
//! text repeats its cause.

use std::error::Error;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::authoring::Mistake;
use crate::manifest::{ManifestError, ManifestErrors};

/// Done.
pub const DONE: u8 = 0;
/// It failed.
pub const FAILED: u8 = 1;
/// The user's input is wrong.
pub const INPUT: u8 = 2;

/// What the user gave us cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// A file cannot be read.
    #[error("cannot read `{path}`")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The manifest is wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestErrors),
    /// Anything else, in one sentence.
    #[error("{0}")]
    Other(String),
}

impl From<ManifestError> for InputError {
    fn from(error: ManifestError) -> Self {
        Self::Manifest(error.into())
    }
}

/// Prints what went wrong, if anything did, and gives the exit code.
pub fn code(done: anyhow::Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::from(DONE),
        Err(error) if is_closed_pipe(&error) => ExitCode::from(DONE),
        Err(error) => {
            say(&Report {
                error: &error,
                coloured: coloured(),
            });
            ExitCode::from(tier(&error))
        }
    }
}

/// Prints clap's help, version or complaint, and gives the exit code.
pub fn usage(error: &clap::Error) -> ExitCode {
    // Nothing is left to be done when even this cannot be printed.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(FAILED))
}

/// Prints a manifest's warnings, each with an empty line behind it.
pub fn warn(warnings: &[ManifestError]) {
    for warning in warnings {
        if coloured() {
            say(&format_args!("{}\n", warning.coloured()));
        } else {
            say(&format_args!("{warning}\n"));
        }
    }
}

/// Prints a remark about what is printed on stdout.
pub fn remark(text: &dyn fmt::Display) {
    say(&format_args!("warning: {text}"));
}

/// The exit code of an error.
fn tier(error: &anyhow::Error) -> u8 {
    let input = error.chain().any(|cause| {
        cause.is::<InputError>()
            || cause.is::<ManifestErrors>()
            || cause.is::<ManifestError>()
            || cause.is::<Mistake>()
    });
    if input { INPUT } else { FAILED }
}

/// A reader that has seen enough (`millstream schema | head`) is no failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let kind = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<io::Error>())
        .map(io::Error::kind);
    kind == Some(io::ErrorKind::BrokenPipe)
}

/// Whether stderr shows colours and the user wants them (<https://no-color.org>).
#[must_use]
pub fn coloured() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stderr().is_terminal() && !refused
}

fn say(text: &dyn fmt::Display) {
    // Nothing is left to be done when stderr is gone.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// An error and its causes.
struct Report<'a> {
    error: &'a anyhow::Error,
    coloured: bool,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, cause) in self.error.chain().enumerate() {
            match manifest_errors(cause) {
                Some(errors) if self.coloured => return errors.coloured().fmt(f),
                Some(errors) => return errors.fmt(f),
                None => {}
            }
            match (index, self.coloured) {
                (0, true) => write!(f, "\u{1b}[1;31merror\u{1b}[0m: {cause}")?,
                (0, false) => write!(f, "error: {cause}")?,
                _ => write!(f, "\n  because: {cause}")?,
            }
        }
        Ok(())
    }
}

/// The manifest's errors, which print themselves.
fn manifest_errors<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a ManifestErrors> {
    match cause.downcast_ref::<InputError>() {
        Some(InputError::Manifest(errors)) => Some(errors),
        _ => cause.downcast_ref(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use anyhow::Context;

    use super::*;
    use crate::manifest::Manifest;

    fn missing() -> InputError {
        InputError::Read {
            path: "m.yaml".into(),
            source: io::Error::other("it is gone"),
        }
    }

    #[test]
    fn the_users_world_is_told_from_ours() {
        assert_eq!(tier(&missing().into()), INPUT);
        assert_eq!(tier(&anyhow::Error::from(missing()).context("starting")), INPUT);
        assert_eq!(tier(&anyhow::anyhow!("disk on fire")), FAILED);
        let broken = Manifest::parse(Path::new("m.yaml"), "sourcess:", |_| None, &[]).unwrap_err();
        assert_eq!(tier(&broken.into()), INPUT);
    }

    #[test]
    fn every_cause_is_printed_once() {
        let error = Err::<(), _>(missing()).context("cannot start").unwrap_err();
        let text = Report {
            error: &error,
            coloured: false,
        }
        .to_string();
        assert_eq!(
            text,
            "error: cannot start\n  because: cannot read `m.yaml`\n  because: it is gone"
        );
    }

    #[test]
    fn a_manifests_errors_print_themselves() {
        let broken = Manifest::parse(Path::new("m.yaml"), "sourcess:\n", |_| None, &[]).unwrap_err();
        let expected = broken.to_string();
        let error = anyhow::Error::from(InputError::from(broken));
        assert_eq!(
            Report {
                error: &error,
                coloured: false
            }
            .to_string(),
            expected
        );
    }

    #[test]
    fn a_closed_pipe_is_no_failure() {
        let closed = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe)).context("printing");
        assert!(is_closed_pipe(&closed));
        assert!(!is_closed_pipe(&missing().into()));
    }
}
