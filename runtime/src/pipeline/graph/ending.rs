//! Something that ends by itself once told, with a last word: a task, or a thread with a runtime of its own.

use std::io;
use std::thread::JoinHandle;

use tokio::sync::oneshot;
use tokio::task::JoinHandle as Task;

/// A thread cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot start the thread of {what}")]
pub struct StartError {
    what: String,
    source: io::Error,
}

/// Something that ends by itself once told.
pub(super) enum Ending<T> {
    Task(Task<T>),
    Thread(oneshot::Receiver<T>, JoinHandle<()>),
    /// Its last word was heard.
    Ended,
}

impl<T> Ending<T> {
    /// Waits for the end and its last word; there is none from what panicked or was asked before.
    pub(super) async fn done(&mut self) -> Option<T> {
        let word = match self {
            Self::Task(task) => task.await.ok(),
            Self::Thread(done, _) => done.await.ok(),
            Self::Ended => return None,
        };
        if let Self::Thread(_, handle) = std::mem::replace(self, Self::Ended) {
            // It has said its last word, or died: joining cannot block for long.
            let _ = handle.join();
        }
        word
    }
}

/// A thread with a tokio runtime of its own, running one future.
pub(super) fn thread<F: Future<Output: Send + 'static>>(
    what: &str,
    stack: usize,
    work: impl FnOnce() -> F + Send + 'static,
) -> Result<Ending<F::Output>, StartError> {
    let failed = |source| StartError {
        what: what.into(),
        source,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    let (say, done) = oneshot::channel();
    // Backquotes are for messages; tools that list threads show the first 15 characters.
    let name: String = what.chars().filter(|c| *c != '`').collect();
    let handle = std::thread::Builder::new()
        .name(name)
        .stack_size(stack)
        .spawn(move || {
            // Whoever waited may have gone.
            let _ = say.send(runtime.block_on(work()));
        })
        .map_err(failed)?;
    Ok(Ending::Thread(done, handle))
}
