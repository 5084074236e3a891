//! Writes text where writing may block, and goes on where it stopped.

use crate::causes;
use std::io::{ErrorKind, Write};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How long to wait after a failed write. Long enough not to spin on a full disk, short enough to go on soon after.
const PAUSE: Duration = Duration::from_secs(1);

/// How printing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Printed {
    /// All is out.
    All,
    /// The reader has gone.
    Closed,
    /// `abort` came first.
    Aborted,
}

/// Writes text; the writer is elsewhere while a write is on its way.
#[derive(Debug)]
pub struct Printer<W> {
    sink: String,
    out: Option<W>,
    /// Whether the current failure was logged.
    said: bool,
}

/// What comes back from the writing thread.
struct Written<W> {
    out: W,
    text: Vec<u8>,
    /// How much of it is out.
    done: usize,
    failure: Option<std::io::Error>,
}

impl<W: Write + Send + 'static> Printer<W> {
    /// A printer for the sink of this name.
    #[must_use]
    pub fn new(sink: String, out: W) -> Self {
        Self {
            sink,
            out: Some(out),
            said: false,
        }
    }

    /// Writes and flushes all of `text`, however often that takes.
    pub async fn print(&mut self, mut text: Vec<u8>, abort: &CancellationToken) -> Printed {
        let mut done = 0;
        loop {
            // Without a writer, an earlier write was aborted or its thread died.
            let Some(out) = self.out.take() else {
                return Printed::Closed;
            };
            let writing = tokio::task::spawn_blocking(move || write(out, text, done));
            let written = tokio::select! {
                biased;
                written = writing => written,
                () = abort.cancelled() => return Printed::Aborted,
            };
            let Ok(written) = written else {
                return Printed::Closed;
            };
            (text, done) = (written.text, written.done);
            self.out = Some(written.out);
            let Some(failure) = written.failure else {
                self.said = false;
                return Printed::All;
            };
            if failure.kind() == ErrorKind::BrokenPipe {
                info!(sink = self.sink, "the reader of our output has gone");
                return Printed::Closed;
            }
            if !self.said {
                warn!(
                    sink = self.sink,
                    error = causes::told(&failure),
                    "cannot print; trying again"
                );
                self.said = true;
            }
            tokio::select! {
                biased;
                () = abort.cancelled() => return Printed::Aborted,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }
}

/// Writes from `done` on until all is out or a write fails. Not `write_all`, which does not say how far it came.
fn write<W: Write>(mut out: W, text: Vec<u8>, mut done: usize) -> Written<W> {
    let failure = loop {
        if done == text.len() {
            match out.flush() {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                flushed => break flushed.err(),
            }
        } else {
            match out.write(&text[done..]) {
                Ok(0) => break Some(ErrorKind::WriteZero.into()),
                Ok(more) => done = text.len().min(done + more),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Some(error),
            }
        }
    };
    Written {
        out,
        text,
        done,
        failure,
    }
}
