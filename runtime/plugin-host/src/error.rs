//! What can go wrong with a plugin: loading it, configuring it, calling it.

use std::path::PathBuf;
use std::time::Duration;

use millstream_batch::EditError;
use thiserror::Error;

/// A component that cannot be loaded.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read the component {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no component.
    #[error("{what} is not a WebAssembly component: {hint}")]
    NotAComponent {
        /// Which.
        what: String,
        /// What it looks like instead.
        hint: &'static str,
    },
    /// It cannot be read.
    #[error("cannot read the component")]
    Inspect(#[source] wasmparser::BinaryReaderError),
    /// It does not compile.
    #[error("cannot compile {what}")]
    Compile {
        /// Which.
        what: String,
        /// Why.
        source: wasmtime::Error,
    },
    /// It imports what no plugin is given.
    #[error("{what} imports {}, which no plugin is given", .interfaces.join(", "))]
    Import {
        /// Which.
        what: String,
        /// The interfaces.
        interfaces: Vec<String>,
    },
    /// It is of another world.
    #[error("{what} is not a plugin for the world `millstream:stage/log-stage@1.0.0`")]
    World {
        /// Which.
        what: String,
        /// What does not fit.
        source: wasmtime::Error,
    },
}

/// A folder that cannot be granted.
#[derive(Debug, Error)]
#[error("cannot open the folder {} for a plugin", path.display())]
pub struct GrantError {
    /// Its name for the plugin.
    pub name: String,
    /// Which folder.
    pub path: PathBuf,
    /// Why.
    pub source: std::io::Error,
}

/// A stage that cannot be set up.
#[derive(Debug, Error)]
pub enum StageError {
    /// The plugin refuses its settings.
    #[error("{0}")]
    Refused(String),
    /// The plugin failed while it was set up.
    #[error("the plugin failed in {call}")]
    Failed {
        /// Which call.
        call: &'static str,
        /// How.
        source: CallError,
    },
}

/// A call that did not give a usable answer.
#[derive(Debug, Error)]
pub enum CallError {
    /// The plugin says it cannot.
    #[error("it reports: {0}")]
    Reported(String),
    /// It ran longer than it may.
    #[error("it ran longer than its time limit of {}", humane(*.0))]
    Timeout(Duration),
    /// It wants more memory than it may have.
    #[error("{0}")]
    Memory(String),
    /// It trapped.
    #[error("it trapped: {0}")]
    Trap(String),
    /// It answered with more than it may.
    #[error("its answer has {bytes} bytes where at most {limit} are allowed")]
    Oversize {
        /// How many.
        bytes: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// It hands over more than it may in one call, so much that the rest was not even looked at.
    #[error("it hands over more than it may in a call: at most {limit} bytes are allowed")]
    Flood {
        /// How many bytes are allowed.
        limit: usize,
    },
    /// Its answer breaks the contract.
    #[error("its answer breaks the contract")]
    Contract(#[from] EditError),
    /// Its answer holds a broken column.
    #[error("column {column} of its answer is broken")]
    Column {
        /// Which.
        column: String,
        /// How.
        source: millstream_batch::TextError,
    },
    /// Its answer holds label sets that do not fit.
    #[error("the label sets of its answer are broken: {0}")]
    Labels(&'static str),
    /// Its answer sets too many columns.
    #[error("its answer sets {found} columns of a kind where at most {limit} are allowed")]
    Columns {
        /// How many.
        found: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// A row would come twice: now, and when the held rows are let go or fed again.
    #[error("row {id} is both held and put out")]
    HeldAndOut {
        /// The row.
        id: u64,
    },
    /// Rows were dropped by the kernel `drop-rows`, which says what comes out, and the answer says it, too.
    #[error("its answer names origins although `drop-rows` was called")]
    DropsAndOrigins,
    /// There is no instance to call: it could not be set up again after a failure.
    #[error("it could not be set up again after a failure")]
    Gone,
}

impl CallError {
    /// One word for metrics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Reported(_) => "reported",
            Self::Timeout(_) => "timeout",
            Self::Memory(_) => "memory",
            Self::Trap(_) => "trap",
            Self::Oversize { .. } | Self::Flood { .. } => "oversize",
            Self::Contract(_)
            | Self::Column { .. }
            | Self::Labels(_)
            | Self::Columns { .. }
            | Self::HeldAndOut { .. }
            | Self::DropsAndOrigins => "contract",
            Self::Gone => "gone",
        }
    }
}

fn humane(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{} s", duration.as_secs())
    } else {
        format!("{} ms", duration.as_millis())
    }
}
