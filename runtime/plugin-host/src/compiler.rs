//! Compiling in a process of its own.
//!
//! Compiling a plugin takes tens of megabytes, once, and an allocator hands little of that back: an agent that compiled at its start
//! would have 117 MB resident from then on, one that found everything in the cache 33. So the agent runs itself, the other process
//! writes the compiled code into the cache, and the agent maps it from there like any other. A component that makes the compiler
//! take too much memory or crash takes that process down, and not the logs of everybody else.
//!
//! Where no process can be had, it is done in this one.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use thiserror::Error;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::cache;
use crate::engine::config;
use crate::error::LoadError;

/// A program that calls [`compile`] with its standard input and the path in its last argument.
#[derive(Clone, Debug)]
pub struct Compiler {
    program: PathBuf,
    arguments: Vec<OsString>,
}

/// Why there is no compiled code.
#[derive(Debug, Error)]
pub(crate) enum CompilerError {
    /// No process can be had: it has to be done here.
    #[error("cannot run the compiler")]
    Unavailable(#[source] io::Error),
    /// It said no, for a reason that is found here as well.
    #[error("the compiler refused")]
    Refused,
    /// It was ended.
    #[error("the process that compiled it died: {0}")]
    Died(ExitStatus),
}

impl Compiler {
    /// This program with these arguments, to which the path is added.
    #[must_use]
    pub fn new(program: PathBuf, arguments: Vec<OsString>) -> Self {
        Self { program, arguments }
    }

    /// Leaves the compiled code of a component at `path`.
    pub(crate) fn run(&self, wasm: &[u8], path: &Path) -> Result<(), CompilerError> {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(CompilerError::Unavailable)?;
        if let Some(mut input) = child.stdin.take() {
            // One that ends before it has read all says why by its status.
            let _ = input.write_all(wasm);
        }
        let status = child.wait().map_err(CompilerError::Unavailable)?;
        match status.code() {
            Some(0) => Ok(()),
            Some(_) => Err(CompilerError::Refused),
            None => Err(CompilerError::Died(status)),
        }
    }
}

/// Compiles a component and leaves the code at `path`, in the folder of a [`crate::Host`]'s cache.
///
/// # Errors
/// When it does not compile, or the file cannot be written.
pub fn compile(wasm: &[u8], path: &Path) -> Result<(), LoadError> {
    let compiled = || {
        let engine = Engine::new(&config())?;
        let component = Component::new(&engine, wasm)?;
        cache::write(&component, path)?;
        Ok(())
    };
    compiled().map_err(|source| LoadError::Compile {
        what: "the component".into(),
        source,
    })
}
