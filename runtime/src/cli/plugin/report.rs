//! What the commands say on stderr while they work, and how they print cases.

use std::fmt;
use std::io::{self, Write};

use millstream_plugin_host::{Level, Limits, Plugin};

use crate::authoring::case::Case;
use crate::authoring::comparison::differences;
use crate::authoring::trial::Trial;
use crate::authoring::{Built, Mistake};
use crate::cli::exit;

/// Says something about the work on stderr.
pub fn say(text: impl fmt::Display) {
    // Nothing is left to be done when stderr is gone.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Tells that a component was built.
pub fn built(built: &Built) {
    say(format_args!(
        "built {} ({})",
        built.path.display(),
        size(built.size)
    ));
}

/// A size as people say it.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1000),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// A line of a plugin's own log.
pub fn message(level: Level, text: &str) -> String {
    let level = match level {
        Level::Trace => "trace",
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    };
    format!("  it logged ({level}): {text}")
}

/// How many cases there were, and how many failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub cases: usize,
    /// Those that failed.
    pub failed: usize,
}

/// Runs cases and prints what differs on stdout, one case after the other. With `bless`, what comes out is written
/// down as what is expected. To be called on a thread with the stack that guests need.
///
/// # Errors
/// When stdout or an expectation cannot be written, or a case expects nothing yet.
pub fn run_cases(plugin: &Plugin, limits: &Limits, cases: &[Case], bless: bool) -> anyhow::Result<Tally> {
    let mut out = io::stdout().lock();
    let mut tally = Tally::default();
    for case in cases {
        tally.cases += 1;
        let trial = Trial::run(plugin, case, limits);
        let differences = match &case.expected {
            Some(expected) => differences(expected, &trial.outcome),
            None if bless => vec![String::new()],
            None => {
                let path = case.path.display();
                let what =
                    format!("{path} has no expected.jsonl; `--bless` writes what comes out, for you to read");
                return Err(Mistake::new(what).into());
            }
        };
        if differences.is_empty() {
            writeln!(out, "{} {}", coloured("32", "ok    "), case.name)?;
            continue;
        }
        if bless {
            case.bless(&trial.outcome)?;
            writeln!(out, "{} {}", coloured("33", "blessed"), case.name)?;
            continue;
        }
        tally.failed += 1;
        writeln!(out, "{} {}", coloured("31", "FAILED"), case.name)?;
        for difference in differences {
            writeln!(out, "{difference}")?;
        }
        for (level, text) in &trial.messages {
            writeln!(out, "{}", message(*level, text))?;
        }
    }
    Ok(tally)
}

/// A word in a colour where a person watches both streams.
fn coloured(colour: &str, word: &str) -> String {
    if exit::coloured() && io::IsTerminal::is_terminal(&io::stdout()) {
        format!("\u{1b}[{colour}m{word}\u{1b}[0m")
    } else {
        word.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_as_people_say_them() {
        for (bytes, is) in [(12, "12 bytes"), (12_345, "12 kB"), (34_567_890, "34.6 MB")] {
            assert_eq!(size(bytes), is);
        }
    }
}
