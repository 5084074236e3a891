//! Who is well. A pipeline that a stage has halted is not; a sink that retries is, for that is its work.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Who is well.
#[derive(Debug, Default)]
pub struct Health(Mutex<BTreeMap<String, String>>);

impl Health {
    /// The component works.
    pub fn well(&self, component: &str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(component);
    }

    /// The component has stopped working.
    pub fn ill(&self, component: &str, why: &str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(component.into(), why.into());
    }

    /// The components that do not work, and why.
    #[must_use]
    pub fn complaints(&self) -> Vec<(String, String)> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|(component, why)| (component.clone(), why.clone()))
            .collect()
    }
}
