//! `wasi:cli`: the environment, standard streams as log lines, and the end that ends nothing but the call.

use thiserror::Error;
use wasmtime::Result;
use wasmtime::component::Resource;

use super::Wasi;
use super::bindings::wasi::cli::{
    environment, exit, stderr, stdin, stdout, terminal_input, terminal_output, terminal_stderr,
    terminal_stdin, terminal_stdout,
};
use super::stream::{InputStream, OutputStream};
use crate::events::{Level, StageEvents};

/// The longest line, in bytes: as much as the agent's log shows of a stage's line. The rest of a longer one is left out.
pub(super) const LINE: usize = 2048;

/// Cuts what is written into lines.
pub(super) struct Lines {
    level: Level,
    begun: Vec<u8>,
    too_long: bool,
}

impl Lines {
    pub(super) fn new(level: Level) -> Self {
        Self {
            level,
            begun: Vec::new(),
            too_long: false,
        }
    }

    /// Takes what was written and tells the lines that end in it.
    pub(super) fn write(&mut self, bytes: &[u8], events: &dyn StageEvents) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let (text, ends) = match piece.split_last() {
                Some((b'\n', text)) => (text, true),
                _ => (piece, false),
            };
            let room = LINE - self.begun.len();
            self.too_long |= text.len() > room;
            self.begun.extend_from_slice(&text[..text.len().min(room)]);
            if ends {
                self.end(events);
            }
        }
    }

    /// Tells what was begun.
    pub(super) fn end(&mut self, events: &dyn StageEvents) {
        let line = String::from_utf8_lossy(&self.begun);
        let line = line.trim_end();
        if std::mem::take(&mut self.too_long) {
            events.log(self.level, &format!("{line}…"));
        } else if !line.is_empty() {
            events.log(self.level, line);
        }
        self.begun.clear();
    }
}

/// The guest called `exit`.
#[derive(Debug, Error)]
#[error("it ended itself with the status {0}")]
pub(crate) struct Exited(u8);

/// A terminal: there is none.
pub enum Terminal {}

impl environment::Host for Wasi {
    fn get_environment(&mut self) -> Result<Vec<(String, String)>> {
        Ok(self.granted.environment.clone())
    }

    fn get_arguments(&mut self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn initial_cwd(&mut self) -> Result<Option<String>> {
        Ok(None)
    }
}

impl exit::Host for Wasi {
    fn exit(&mut self, status: Result<(), ()>) -> Result<()> {
        Err(Exited(u8::from(status.is_err())).into())
    }

    fn exit_with_code(&mut self, status: u8) -> Result<()> {
        Err(Exited(status).into())
    }
}

impl stdin::Host for Wasi {
    fn get_stdin(&mut self) -> Result<Resource<InputStream>> {
        self.table.push(InputStream::Empty)
    }
}

impl stdout::Host for Wasi {
    fn get_stdout(&mut self) -> Result<Resource<OutputStream>> {
        self.table.push(OutputStream::Stdout)
    }
}

impl stderr::Host for Wasi {
    fn get_stderr(&mut self) -> Result<Resource<OutputStream>> {
        self.table.push(OutputStream::Stderr)
    }
}

impl terminal_stdin::Host for Wasi {
    fn get_terminal_stdin(&mut self) -> Result<Option<Resource<Terminal>>> {
        Ok(None)
    }
}

impl terminal_stdout::Host for Wasi {
    fn get_terminal_stdout(&mut self) -> Result<Option<Resource<Terminal>>> {
        Ok(None)
    }
}

impl terminal_stderr::Host for Wasi {
    fn get_terminal_stderr(&mut self) -> Result<Option<Resource<Terminal>>> {
        Ok(None)
    }
}

impl terminal_input::Host for Wasi {}

impl terminal_input::HostTerminalInput for Wasi {
    fn drop(&mut self, _: Resource<Terminal>) -> Result<()> {
        Ok(())
    }
}

impl terminal_output::Host for Wasi {}

impl terminal_output::HostTerminalOutput for Wasi {
    fn drop(&mut self, _: Resource<Terminal>) -> Result<()> {
        Ok(())
    }
}
