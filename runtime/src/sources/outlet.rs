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
    pipes: Vec<mpsc::Sender<LogParcel>>,
}

impl Outlet {
    /// An outlet of source number `source`; a pipe's number is its place in `pipes`.
    #[must_use]
    pub fn new(source: u32, pipes: Vec<mpsc::Sender<LogParcel>>) -> Self {
        Self { source, pipes }
    }

    /// How many pipelines it feeds.
    #[must_use]
    pub fn pipes(&self) -> u32 {
        u32::try_from(self.pipes.len()).unwrap_or(u32::MAX)
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
