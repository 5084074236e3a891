//! The queue: shipments in, requests out, in order.
//!
//! Plain state: the time comes in as an argument. Bounded by `capacity` rows; because a shipment is never cut on its
//! way in, the last one may reach beyond it.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use millstream_batch::SampleBatch;
use tokio::time::Instant;

use crate::delivery::Receipt;

/// Rows of a batch.
#[derive(Clone, Debug)]
pub struct Segment {
    /// The batch.
    pub batch: Arc<SampleBatch>,
    /// Which rows.
    pub rows: Range<usize>,
}

/// What goes out together.
#[derive(Clone, Debug, Default)]
pub struct Parcel {
    /// The rows, in order.
    pub segments: Vec<Segment>,
    /// One per shipment that has rows in it.
    pub owed: Vec<Receipt>,
    /// When the first row came.
    pub since: Option<Instant>,
}

impl Parcel {
    /// How many rows it has.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.segments.iter().map(|segment| segment.rows.len()).sum()
    }
}

#[derive(Debug)]
struct Waiting {
    batch: Arc<SampleBatch>,
    next: usize,
    end: usize,
    owed: Receipt,
    since: Instant,
}

/// Rows that wait for a request.
#[derive(Debug)]
pub struct Queue {
    waiting: VecDeque<Waiting>,
    rows: usize,
    capacity: usize,
    most: usize,
    patience: Duration,
}

impl Queue {
    /// A queue for `capacity` rows, giving out at most `most` at a time, and fewer once one has waited `patience`.
    #[must_use]
    pub fn new(capacity: usize, most: usize, patience: Duration) -> Self {
        Self {
            waiting: VecDeque::new(),
            rows: 0,
            capacity: capacity.max(1),
            most: most.max(1),
            patience,
        }
    }

    /// Whether another shipment may come in.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.rows < self.capacity
    }

    /// Whether no row waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many rows wait.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Takes in a shipment. An empty one is settled at once.
    pub fn push(&mut self, batch: Arc<SampleBatch>, receipt: Receipt, now: Instant) {
        if batch.is_empty() {
            receipt.settle();
            return;
        }
        self.rows += batch.len();
        self.waiting.push_back(Waiting {
            next: 0,
            end: batch.len(),
            batch,
            owed: receipt,
            since: now,
        });
    }

    /// Takes in what another queue gave out and nobody delivered.
    pub fn restore(&mut self, parcel: Parcel) {
        self.rows += parcel.rows();
        let since = parcel.since.unwrap_or_else(Instant::now);
        // One receipt for each segment: that is how they were taken.
        for (segment, owed) in parcel.segments.into_iter().zip(parcel.owed) {
            self.waiting.push_back(Waiting {
                batch: segment.batch,
                next: segment.rows.start,
                end: segment.rows.end,
                owed,
                since,
            });
        }
    }

    /// Whether a request is due: full, or its first row has waited long enough, or nothing more will come, or no more
    /// can.
    #[must_use]
    pub fn is_due(&self, open: bool, now: Instant) -> bool {
        !self.is_empty() && (!open || self.rows >= self.most || !self.has_room() || self.deadline() <= now)
    }

    /// When the first row has waited long enough; far away when none waits.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        // Nobody waits for this one, but a timer wants a time.
        const FAR: Duration = Duration::from_secs(86_400);
        self.waiting
            .front()
            .map_or_else(|| Instant::now() + FAR, |first| first.since + self.patience)
    }

    /// The rows of the next request.
    pub fn take(&mut self) -> Parcel {
        let mut parcel = Parcel::default();
        let mut room = self.most;
        while room > 0
            && let Some(mut first) = self.waiting.pop_front()
        {
            parcel.since.get_or_insert(first.since);
            let start = first.next;
            first.next = first.end.min(start + room);
            let taken = first.next - start;
            room -= taken;
            self.rows -= taken;
            parcel.segments.push(Segment {
                batch: first.batch.clone(),
                rows: start..first.next,
            });
            if first.next < first.end {
                // The rest goes with the next request, and owes its own part.
                parcel.owed.push(first.owed.clone());
                self.waiting.push_front(first);
            } else {
                parcel.owed.push(first.owed);
            }
        }
        parcel
    }
}

#[cfg(test)]
mod tests {
    use millstream_batch::Labels;

    use super::*;
    use crate::delivery::Settlements;

    const PATIENCE: Duration = Duration::from_secs(5);

    fn batch(values: Range<i32>) -> Arc<SampleBatch> {
        let mut batch = SampleBatch::default();
        values.for_each(|value| batch.push(Labels::default(), value.into(), 0));
        Arc::new(batch)
    }

    fn values(parcel: &Parcel) -> Vec<f64> {
        let rows = |segment: &Segment| segment.batch.values[segment.rows.clone()].to_vec();
        parcel.segments.iter().flat_map(rows).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn requests_are_cut_in_order_and_settle_with_their_last_part() {
        let settlements = Arc::new(Settlements::default());
        let mut queue = Queue::new(100, 4, PATIENCE);
        queue.push(batch(0..3), settlements.receipt(1), Instant::now());
        queue.push(batch(3..9), settlements.receipt(2), Instant::now());
        queue.push(batch(0..0), settlements.receipt(3), Instant::now());
        assert_eq!(settlements.take(), [3], "an empty shipment has arrived");
        let parcels: Vec<Parcel> = std::iter::from_fn(|| (!queue.is_empty()).then(|| queue.take())).collect();
        let cut: Vec<Vec<f64>> = parcels.iter().map(values).collect();
        assert_eq!(
            cut,
            [vec![0.0, 1.0, 2.0, 3.0], vec![4.0, 5.0, 6.0, 7.0], vec![8.0]]
        );
        assert_eq!(queue.rows(), 0);
        let mut settled = Vec::new();
        for parcel in parcels {
            parcel.owed.into_iter().for_each(Receipt::settle);
            settled.push(settlements.take());
        }
        assert_eq!(settled, [vec![1], vec![], vec![2]]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_is_due_when_full_or_old_or_last() {
        let mut queue = Queue::new(100, 4, PATIENCE);
        assert!(!queue.is_due(false, Instant::now()));
        queue.push(batch(0..3), Receipt::none(), Instant::now());
        assert!(!queue.is_due(true, Instant::now()));
        assert!(queue.is_due(false, Instant::now()), "nothing more will come");
        tokio::time::advance(PATIENCE / 2).await;
        queue.push(batch(0..1), Receipt::none(), Instant::now());
        assert!(queue.is_due(true, Instant::now()), "full");
        queue.take();
        queue.push(batch(0..1), Receipt::none(), Instant::now());
        assert!(!queue.is_due(true, Instant::now()));
        tokio::time::advance(PATIENCE).await;
        assert!(queue.is_due(true, Instant::now()), "old");
        let mut small = Queue::new(2, 10, PATIENCE);
        small.push(batch(0..3), Receipt::none(), Instant::now());
        assert!(
            !small.has_room() && small.is_due(true, Instant::now()),
            "no more can come"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_dropped_on_its_way_never_settles() {
        let settlements = Arc::new(Settlements::default());
        let mut queue = Queue::new(100, 2, PATIENCE);
        queue.push(batch(0..3), settlements.receipt(1), Instant::now());
        queue.push(batch(0..1), settlements.receipt(2), Instant::now());
        let first = queue.take();
        drop(queue);
        first.owed.into_iter().for_each(Receipt::settle);
        assert!(settlements.take().is_empty());
    }
}
