//! Receipts: how a sink tells a worker that a shipment has arrived everywhere.
//!
//! A shipment's receipt is cloned for every sink and every request it is spread over. When all clones were settled
//! (delivered, or dropped on purpose and counted) the shipment is. A clone that is merely dropped, by a failed send, a
//! task that was aborted, a panic, abandons it: it never settles in this run and its entries are read again.
//!
//! Invariant: every shipment is reported once, settled or abandoned, when the last of its receipts has gone; so whoever
//! waits for it waits no longer than somebody holds it.
//!
//! Settling is said and abandoning is what silence means, because a path through a sink that forgets to answer then
//! costs a repetition, not an entry.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Where receipts report. One per worker. Bounded by the shipments on their way, which the queues bound.
#[derive(Debug, Default)]
pub struct Settlements {
    ended: Mutex<Ended>,
    changed: Notify,
}

/// The shipments whose last receipt has gone.
#[derive(Debug, Default)]
struct Ended {
    settled: Vec<u64>,
    abandoned: Vec<u64>,
}

impl Settlements {
    /// A receipt for the shipment with this number.
    pub fn receipt(self: &Arc<Self>, shipment: u64) -> Receipt {
        let slip = Slip {
            shipment,
            abandoned: AtomicBool::new(false),
            settlements: self.clone(),
        };
        Receipt {
            slip: Some(Arc::new(slip)),
            release: None,
        }
    }

    /// The shipments settled since the last call.
    pub fn take(&self) -> Vec<u64> {
        std::mem::take(&mut self.ended().settled)
    }

    /// The shipments abandoned since the last call.
    pub fn take_abandoned(&self) -> Vec<u64> {
        std::mem::take(&mut self.ended().abandoned)
    }

    /// Waits until `take` or `take_abandoned` has something new.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    fn ended(&self) -> MutexGuard<'_, Ended> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A promise to say when a shipment has arrived. Clone it per part, and settle each part when it is done.
#[derive(Clone, Debug)]
#[must_use = "dropping a receipt abandons its shipment"]
pub struct Receipt {
    slip: Option<Arc<Slip>>,
    release: Option<Release>,
}

/// Releases a sink from what it was given: once it is said, nothing more is owed to that sink, and a receipt it drops counts as
/// settled. For a sink that the manifest no longer names.
#[derive(Clone, Debug, Default)]
pub struct Release(Arc<AtomicBool>);

impl Release {
    /// Says it.
    pub fn say(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_said(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Receipt {
    /// For what nobody waits for (samples, tests).
    pub fn none() -> Self {
        Self {
            slip: None,
            release: None,
        }
    }

    /// The same, for a sink that may be released from it.
    pub fn until(mut self, release: &Release) -> Self {
        self.release = Some(release.clone());
        self
    }

    /// This part was delivered, or dropped on purpose and counted.
    pub fn settle(mut self) {
        drop(self.slip.take());
    }

    /// This part was neither; the same as dropping the receipt, said aloud.
    pub fn abandon(self) {
        drop(self);
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        let released = self.release.as_ref().is_some_and(Release::is_said);
        if let Some(slip) = self.slip.as_ref().filter(|_| !released) {
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
        let mut ended = self.settlements.ended();
        if self.abandoned.load(Ordering::Acquire) {
            ended.abandoned.push(self.shipment);
        } else {
            ended.settled.push(self.shipment);
        }
        drop(ended);
        self.settlements.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_released_sink_drops_counts_as_settled_and_what_others_drop_does_not() {
        let settlements = Arc::new(Settlements::default());
        let release = Release::default();
        let (kept, dropped) = (settlements.receipt(1), settlements.receipt(2));
        let for_sink = kept.clone().until(&release);
        drop(dropped.clone().until(&release));
        release.say();
        drop(for_sink.clone());
        drop(for_sink);
        kept.settle();
        dropped.settle();
        assert_eq!(settlements.take(), [1]);
        assert_eq!(settlements.take_abandoned(), [2], "dropped before the release");
    }

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
    fn abandoned_once_a_part_was_dropped_and_said_so_when_the_last_has_gone() {
        let settlements = Arc::new(Settlements::default());
        let receipt = settlements.receipt(7);
        drop(receipt.clone());
        assert!(settlements.take_abandoned().is_empty());
        receipt.settle();
        assert_eq!(settlements.take_abandoned(), [7]);
        let receipt = settlements.receipt(8);
        let part = receipt.clone();
        receipt.settle();
        part.abandon();
        assert_eq!(settlements.take_abandoned(), [8]);
        assert!(settlements.take().is_empty());
    }

    #[tokio::test]
    async fn an_abandoned_shipment_wakes_who_waits() {
        let settlements = Arc::new(Settlements::default());
        let receipt = settlements.receipt(7);
        tokio::join!(settlements.changed(), async { receipt.abandon() });
    }
}
