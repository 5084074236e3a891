//! How a sink takes over from one of the same name and kind, and gives over to another.

use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use super::loki::request::Request;
use super::remote_write::queue::Parcel;

/// What was taken in and not delivered, in order.
#[derive(Debug, Default)]
pub enum Remains {
    /// Nothing.
    #[default]
    None,
    /// Of a Loki sink.
    Requests(Vec<Request>),
    /// Of a remote-write sink.
    Parcels(Vec<Parcel>),
}

/// Where a sink that retires puts what it has not delivered. Clones are the same place.
#[derive(Clone, Debug, Default)]
pub struct Estate(Arc<Mutex<Remains>>);

impl Estate {
    /// Puts it there.
    pub fn put(&self, remains: Remains) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = remains;
    }

    /// Takes it.
    #[must_use]
    pub fn take(&self) -> Remains {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How a sink takes over, and gives over.
#[derive(Debug, Default)]
pub struct Succession {
    /// What the one before left.
    pub inherited: Remains,
    /// Cancelled when another takes over: then nothing is tried again, and what is not delivered remains. The attempt under
    /// way is seen through, for the receiver may have accepted it already.
    pub retire: CancellationToken,
    /// Where what remains is put.
    pub estate: Estate,
}
