//! Where a source pours into: the inlets of every pipeline that names it.

use millstream_batch::SampleBatch;
use tokio::sync::mpsc;

use super::parcel::LogParcel;

/// The pipelines have gone: the source should stop.
#[derive(Debug, thiserror::Error)]
#[error("every pipeline of this source has stopped")]
pub struct Closed;

/// A log source's way out. Waits while any pipeline is full: back-pressure reaches the reader.
#[derive(Clone, Debug)]
pub struct Outlet {
    source: u32,
    numbers: Vec<u32>,
    pipes: Vec<mpsc::Sender<LogParcel>>,
}

impl Outlet {
    /// An outlet of source number `source` into these pipelines, each with its number.
    #[must_use]
    pub fn new(source: u32, pipes: impl IntoIterator<Item = (u32, mpsc::Sender<LogParcel>)>) -> Self {
        let (numbers, pipes) = pipes.into_iter().unzip();
        Self {
            source,
            numbers,
            pipes,
        }
    }

    /// The numbers of the pipelines it feeds.
    #[must_use]
    pub fn numbers(&self) -> &[u32] {
        &self.numbers
    }

    /// Hands a parcel to every pipeline. One that has stopped is passed over: its positions stay where they are, so
    /// it will read the same again, and the others go on.
    ///
    /// # Errors
    /// When all pipelines have stopped.
    pub async fn send(&self, mut parcel: LogParcel) -> Result<(), Closed> {
        parcel.source = self.source;
        let Some((last, others)) = self.pipes.split_last() else {
            return Ok(());
        };
        let mut taken = false;
        for pipe in others {
            taken |= pipe.send(parcel.clone()).await.is_ok();
        }
        taken |= last.send(parcel).await.is_ok();
        if taken { Ok(()) } else { Err(Closed) }
    }
}

/// A sample source's way out.
#[derive(Clone, Debug)]
pub struct SampleOutlet {
    pipes: Vec<mpsc::Sender<SampleBatch>>,
}

impl SampleOutlet {
    /// An outlet into these pipelines.
    #[must_use]
    pub fn new(pipes: Vec<mpsc::Sender<SampleBatch>>) -> Self {
        Self { pipes }
    }

    /// Hands a batch to every pipeline; one that has stopped is passed over.
    ///
    /// # Errors
    /// When all pipelines have stopped.
    pub async fn send(&self, batch: SampleBatch) -> Result<(), Closed> {
        let Some((last, others)) = self.pipes.split_last() else {
            return Ok(());
        };
        let mut taken = false;
        for pipe in others {
            taken |= pipe.send(batch.clone()).await.is_ok();
        }
        taken |= last.send(batch).await.is_ok();
        if taken { Ok(()) } else { Err(Closed) }
    }
}
