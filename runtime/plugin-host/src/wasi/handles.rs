//! The handles an instance has, of a bounded number.

use std::sync::{Mutex, PoisonError};

use wasmtime::Result;
use wasmtime::component::{Resource, ResourceTable};

/// How many handles (files, streams, pollables) an instance may have at once: runtimes have about ten.
const HANDLES: usize = 1024;

/// What handles stand for. The lock is never locked: it makes the table one that threads may share, so that a stage is,
/// too, and a worker can be a task of any runtime.
pub(super) struct Handles(Mutex<ResourceTable>);

impl Handles {
    pub(super) fn new() -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        Self(Mutex::new(table))
    }

    fn table(&mut self) -> &mut ResourceTable {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push<T: Send + 'static>(&mut self, value: T) -> Result<Resource<T>> {
        Ok(self.table().push(value)?)
    }

    pub(super) fn get<T: 'static>(&mut self, handle: &Resource<T>) -> Result<&T> {
        Ok(self.table().get(handle)?)
    }

    pub(super) fn get_mut<T: 'static>(&mut self, handle: &Resource<T>) -> Result<&mut T> {
        Ok(self.table().get_mut(handle)?)
    }

    pub(super) fn delete<T: 'static>(&mut self, handle: Resource<T>) -> Result<()> {
        self.table().delete(handle)?;
        Ok(())
    }
}
