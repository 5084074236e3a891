//! The interface `kernels` as the linker knows it: who is called, and when.

use super::rule::MEMORY;
use super::{Pointers, Rule};
use crate::bindings::millstream::stage::kernels::{Beside, Column, Field, Found, Host, Patch};
use crate::instance::Guest;

impl Host for Guest {
    fn pattern(&mut self, expression: String) -> wasmtime::Result<Result<u32, String>> {
        self.kernels.configuring()?;
        match Rule::new(&expression) {
            Ok(rule) => {
                self.limiter.take(MEMORY)?;
                Ok(Ok(self.kernels.keep_pattern(rule)))
            }
            Err(refused) => Ok(Err(refused)),
        }
    }

    fn pointers(&mut self, named: Vec<(String, String)>) -> wasmtime::Result<Result<u32, String>> {
        self.kernels.configuring()?;
        match Pointers::new(named) {
            Ok(pointers) => {
                self.limiter.take(pointers.memory())?;
                Ok(Ok(self.kernels.keep_pointers(pointers)))
            }
            Err(refused) => Ok(Err(refused)),
        }
    }

    fn matches(&mut self, pattern: u32, of: Column) -> wasmtime::Result<Vec<u8>> {
        let (rule, task) = self.kernels.with_pattern(pattern)?;
        Ok(task.matches(rule, &of)?)
    }

    fn find(&mut self, pattern: u32, of: Column) -> wasmtime::Result<Vec<Found>> {
        let (rule, task) = self.kernels.with_pattern(pattern)?;
        Ok(task.find(rule, &of)?)
    }

    fn extract(&mut self, pattern: u32, of: Column, into: Beside) -> wasmtime::Result<u32> {
        let (rule, task) = self.kernels.with_pattern(pattern)?;
        Ok(task.extract(rule, &of, into)?)
    }

    fn replace(&mut self, pattern: u32, of: Column, text: String) -> wasmtime::Result<u32> {
        let (rule, task) = self.kernels.with_pattern(pattern)?;
        Ok(task.replace(rule, &of, &text)?)
    }

    fn pluck(&mut self, pointers: u32, of: Column, into: Beside) -> wasmtime::Result<u32> {
        let (pointers, task) = self.kernels.with_pointers(pointers)?;
        Ok(task.pluck(pointers, &of, into)?)
    }

    fn splice(&mut self, of: Column, patches: Vec<Patch>) -> wasmtime::Result<()> {
        Ok(self.kernels.task()?.splice(&of, &patches)?)
    }

    fn drop_rows(&mut self, rows: Vec<u8>, reason: String) -> wasmtime::Result<()> {
        Ok(self.kernels.task()?.drop_rows(&rows, reason)?)
    }

    fn read(&mut self, of: Column) -> wasmtime::Result<Option<Field>> {
        Ok(self.kernels.task()?.read(&of)?.map(crate::convert::lowered))
    }
}
