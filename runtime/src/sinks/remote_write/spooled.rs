//! The sink with its spool: parcels become packages, go over the disk, and become parcels again.
//!
//! A package holds a write request without the external labels: those are put on when it is sent, so what waited for a
//! restart goes out under the labels of the manifest that sends it.

use bytes::Bytes;
use millstream_batch::{Labels, SampleBatch};
use millstream_wire::remote_write::{WriteEncoder, decode};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Inlet;
use super::metrics::SinkMetrics;
use super::queue::{Parcel, Queue, Segment};
use super::send::Sender;
use crate::causes::told;
use crate::delivery::spool::{Package, Relay};
use crate::delivery::{Receipt, Shipment};
use crate::sinks::report::SinkReport;

/// How many packages wait between two parts of the sink: the queue before and the spool behind hold the rest.
const PACKAGES_QUEUED: usize = 1;

/// What the sink is made of.
pub(super) struct Spooled {
    pub(super) name: String,
    pub(super) queue: Queue,
    pub(super) relay: Relay,
    pub(super) sender: Sender,
    pub(super) metrics: SinkMetrics,
    pub(super) retire: CancellationToken,
}

impl Spooled {
    /// Delivers what comes in until the inlet is closed and everything is delivered or stored, or until `abort`.
    pub(super) async fn run(self, inlet: mpsc::Receiver<Shipment>, abort: CancellationToken) -> SinkReport {
        let Self {
            name,
            queue,
            relay,
            sender,
            metrics,
            retire,
        } = self;
        let (outlet, packages) = mpsc::channel(PACKAGES_QUEUED);
        let (stored, ready) = mpsc::channel(PACKAGES_QUEUED);
        let (draining, sent) = (CancellationToken::new(), CancellationToken::new());
        let gathered = async {
            let left = gather(&name, queue, Inlet(inlet), outlet, &metrics, &abort).await;
            draining.cancel();
            left
        };
        let delivered = async {
            let left = deliver(sender, ready, &metrics, &abort, &draining, &retire).await;
            sent.cancel();
            left
        };
        let (ungathered, left, undelivered) = tokio::join!(
            gathered,
            relay.run(packages, stored, &abort, &sent, &retire),
            delivered
        );
        metrics.take_pending();
        let left_rows = ungathered + left.abandoned + undelivered;
        if left_rows > 0 {
            tracing::warn!(
                sink = &*name,
                samples = left_rows,
                "stopped before all samples were delivered or stored"
            );
        }
        SinkReport { left_rows }
    }
}

/// Gathers shipments into packages; says how many rows `abort` left here.
async fn gather(
    name: &str,
    mut queue: Queue,
    mut inlet: Inlet,
    outlet: mpsc::Sender<Package>,
    metrics: &SinkMetrics,
    abort: &CancellationToken,
) -> u64 {
    let mut open = true;
    let mut encoder = WriteEncoder::default();
    while open || !queue.is_empty() {
        tokio::select! {
            biased;
            () = abort.cancelled() => break,
            permit = outlet.reserve(), if queue.is_due(open, Instant::now()) => {
                let Ok(permit) = permit else { break };
                let package = pack(queue.take(), &mut encoder);
                metrics.handed_over(package.rows);
                permit.send(package);
            }
            received = inlet.0.recv(), if open && queue.has_room() => match received {
                Some(shipment) => super::accept(name, shipment, &mut queue, metrics),
                None => open = false,
            },
            () = sleep_until(queue.deadline()), if !queue.is_empty() && queue.deadline() > Instant::now() => {}
        }
    }
    queue.rows() as u64 + inlet.abandon()
}

/// Delivers packages; says how many rows were left here that are nowhere else.
async fn deliver(
    mut sender: Sender,
    mut queue: mpsc::Receiver<Package>,
    metrics: &SinkMetrics,
    abort: &CancellationToken,
    draining: &CancellationToken,
    retire: &CancellationToken,
) -> u64 {
    let mut left = 0;
    loop {
        let package = tokio::select! {
            biased;
            () = abort.cancelled() => break,
            package = queue.recv() => package,
        };
        let Some(package) = package else { return left };
        if retire.is_cancelled() && package.stored {
            // It stays on disk for the sink that takes over.
            package.receipts.into_iter().for_each(Receipt::abandon);
            continue;
        }
        metrics.taken_back(package.rows);
        let alone = if package.stored { 0 } else { package.rows as u64 };
        // What is stored is safe: a drain need not wait for the receiver.
        let until = Some(if package.stored { draining } else { retire });
        let done = tokio::select! {
            biased;
            () = abort.cancelled() => false,
            done = sender.deliver(unpack(package, metrics), until) => done,
        };
        if !done && retire.is_cancelled() && !abort.is_cancelled() {
            left += alone;
            continue;
        }
        if !done {
            left += alone;
            break;
        }
    }
    queue.close();
    while let Some(package) = queue.recv().await {
        left += if package.stored { 0 } else { package.rows as u64 };
    }
    left
}

fn pack(parcel: Parcel, encoder: &mut WriteEncoder) -> Package {
    encoder.clear();
    let none = Labels::default();
    let mut rows = 0;
    for segment in &parcel.segments {
        encoder.push_rows(&segment.batch, segment.rows.clone(), &none);
        rows += segment.rows.len();
    }
    let bytes = encoder.size();
    // Only above 4 GiB, which no sane max_samples_per_send comes near: then it has no rows that anyone could read.
    let payload = encoder.finish().map(Bytes::copy_from_slice).unwrap_or_default();
    Package {
        payload,
        rows,
        bytes,
        receipts: parcel.owed,
        arrived: parcel.since.unwrap_or_else(Instant::now),
        stored: false,
    }
}

fn unpack(package: Package, metrics: &SinkMetrics) -> Parcel {
    let mut batch = SampleBatch::default();
    // It is ours and its checksum was right, so what it declares is true.
    match decode(&package.payload, usize::MAX) {
        Ok(request) => {
            for series in request.timeseries {
                let labels = series.labels.into_iter().map(|label| (label.name, label.value));
                let number = u32::try_from(batch.labels.len()).unwrap_or(u32::MAX);
                batch.labels.push(Labels::from_pairs(labels));
                for sample in series.samples {
                    batch.series.push(number);
                    batch.values.push(sample.value);
                    batch.timestamps.push(sample.timestamp);
                }
            }
        }
        Err(error) => {
            tracing::error!(
                samples = package.rows,
                error = told(&error),
                "samples in the spool cannot be read and are dropped"
            );
            metrics.failed(package.rows);
        }
    }
    let rows = 0..batch.len();
    Parcel {
        segments: vec![Segment {
            batch: batch.into(),
            rows,
        }],
        owed: package.receipts,
        since: Some(package.arrived),
    }
}
