//! What the program says about itself while it runs: on stderr, for people at a terminal, as JSON elsewhere.

use std::io::{self, IsTerminal};

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

use super::exit;

/// How and how much to log.
#[derive(Args, Clone, Debug)]
pub struct LogArgs {
    /// How to log; auto is human on a terminal and json elsewhere.
    #[arg(
        id = "log-format",
        long = "log-format",
        value_name = "FORMAT",
        value_enum,
        default_value_t
    )]
    pub format: LogFormat,

    /// How much to log: error, warn, info, debug or trace, also per module, as in `info,millstream::sinks=debug`.
    #[arg(id = "log-level", long = "log-level", value_name = "LEVEL", default_value = "info", value_parser = level)]
    pub level: String,
}

/// The forms of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Human on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// For people.
    Human,
    /// One JSON object per line.
    Json,
}

impl LogFormat {
    /// Whether lines are JSON, given whether stderr is a terminal.
    fn is_json(self, terminal: bool) -> bool {
        match self {
            Self::Auto => !terminal,
            Self::Human => false,
            Self::Json => true,
        }
    }
}

/// Checks a level when the arguments are parsed, so that a slip is a usage error.
fn level(text: &str) -> Result<String, String> {
    EnvFilter::builder()
        .parse(text)
        .map(|_| text.to_owned())
        .map_err(|error| error.to_string())
}

/// Starts logging, once per process.
///
/// # Errors
/// When logging was started before.
pub fn start(args: &LogArgs) -> anyhow::Result<()> {
    let filter = EnvFilter::builder().parse(&args.level)?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    let started = if args.format.is_json(io::stderr().is_terminal()) {
        lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .try_init()
    } else {
        lines.with_ansi(exit::coloured()).with_target(false).try_init()
    };
    started.map_err(|error| anyhow::anyhow!(error).context("cannot start logging"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_is_json_unless_a_person_watches() {
        assert!(LogFormat::Auto.is_json(false));
        assert!(!LogFormat::Auto.is_json(true));
        assert!(LogFormat::Json.is_json(true));
        assert!(!LogFormat::Human.is_json(false));
    }

    #[test]
    fn levels_are_checked() {
        assert!(level("info").is_ok());
        assert!(level("info,millstream::sinks=debug").is_ok());
        assert!(level("[[[").is_err());
    }
}
