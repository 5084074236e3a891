//! Receipts: how a sink tells a worker that a shipment has arrived everywhere.
//!
//! A shipment's receipt is cloned for every sink and every request it is spread over. When all clones were settled
//! (delivered, or dropped on purpose and counted) the shipment is. A clone that is merely dropped, by a failed send, a
//! task that was aborted, a panic, abandons it: it never settles in this run and its entries are read again.
//!
//! Settling is said and abandoning is what silence means, because a path through a sink that forgets to answer then
//! costs a repetition, not an entry.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// Where receipts report. One per worker. Bounded by the shipments on their way, which the queues bound.
#[derive(Debug, Default)]
pub struct Settlements {
    settled: Mutex<Vec<u64>>,
    changed: Notify,
}

impl Settlements {
    /// A receipt for the shipment with this number.
    pub fn receipt(self: &Arc<Self>, shipment: u64) -> Receipt {
        let slip = Slip {
            shipment,
            abandoned: AtomicBool::new(false),
            settlements: self.clone(),
        };
        Receipt(Some(Arc::new(slip)))
    }

    /// The shipments settled since the last call.
    pub fn take(&self) -> Vec<u64> {
        std::mem::take(&mut *self.settled.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until `take` has something new.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }
}

/// A promise to say when a shipment has arrived. Clone it per part, and settle each part when it is done.
#[derive(Clone, Debug)]
#[must_use = "dropping a receipt abandons its shipment"]
pub struct Receipt(Option<Arc<Slip>>);

impl Receipt {
    /// For what nobody waits for (samples, tests).
    pub fn none() -> Self {
        Self(None)
    }

    /// This part was delivered, or dropped on purpose and counted.
    pub fn settle(mut self) {
        drop(self.0.take());
    }

    /// This part was neither; the same as dropping the receipt, said aloud.
    pub fn abandon(self) {
        drop(self);
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        if let Some(slip) = &self.0 {
            slip.abandoned.store(true, Ordering::Release);
        }
    }
}

/// Goes with the last receipt of a shipment.
#[derive(Debug)]
struct Slip {
    shipment: u64,
    abandoned: AtomicBool,
    settlements: Arc<Settlements>,
}

impl Drop for Slip {
    fn drop(&mut self) {
        if !self.abandoned.load(Ordering::Acquire) {
            self.settlements
                .settled
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(self.shipment);
            self.settlements.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settled_when_the_last_clone_is() {
        let settlements = Arc::new(Settlements::default());
        let receipt = settlements.receipt(7);
        let part = receipt.clone();
        receipt.settle();
        assert!(settlements.take().is_empty());
        part.settle();
        assert_eq!(settlements.take(), [7]);
    }

    #[test]
    fn never_settled_once_a_part_was_dropped() {
        let settlements = Arc::new(Settlements::default());
        let receipt = settlements.receipt(7);
        drop(receipt.clone());
        receipt.settle();
        assert!(settlements.take().is_empty());
        let receipt = settlements.receipt(8);
        receipt.clone().abandon();
        receipt.settle();
        assert!(settlements.take().is_empty());
    }
}
