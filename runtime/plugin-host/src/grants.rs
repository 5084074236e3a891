//! What a plugin may use beside the `host` interface.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// What a plugin may use beside the `host` interface; nothing by default, and nothing wider than this.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// Folders it may read, by the name they have for it, such as `/lookup`.
    pub folders: BTreeMap<String, PathBuf>,
    /// Environment variables it sees.
    pub environment: BTreeMap<String, String>,
    /// Whether it sees the system's clocks.
    pub clock: bool,
    /// Whether it gets the system's randomness.
    pub random: bool,
}

/// Without the values of variables: they may be secrets.
impl fmt::Debug for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grants")
            .field("folders", &self.folders)
            .field("environment", &self.environment.keys())
            .field("clock", &self.clock)
            .field("random", &self.random)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_value_of_a_variable() {
        let grants = Grants {
            environment: BTreeMap::from([("TOKEN".into(), "hunter2".into())]),
            ..Grants::default()
        };
        let shown = format!("{grants:?}");
        assert!(shown.contains("TOKEN") && !shown.contains("hunter2"), "{shown}");
    }
}
