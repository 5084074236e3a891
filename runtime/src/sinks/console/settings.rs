//! The resolved settings of a console sink.

/// How rows are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConsoleFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// The resolved settings of a console sink.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsoleSettings {
    /// How rows are printed.
    pub format: ConsoleFormat,
}
