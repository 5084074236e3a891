//! When requests are finished, with the clock stopped and no socket anywhere.

use millstream_batch::{Labels, SampleBatch};
use millstream_wire::loki_push::{Packer, decode};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;
use crate::delivery::Receipt;
use crate::delivery::receipt::Settlements;
use crate::sinks::loki::{LokiMetrics, LokiSettings};

const WAIT: Duration = Duration::from_secs(1);

/// A batcher at work, with the pusher's end of its queue in our hands.
struct Bench {
    inlet: Option<mpsc::Sender<Shipment>>,
    queue: mpsc::Receiver<Request>,
    abort: CancellationToken,
    draining: CancellationToken,
    counts: Arc<Endpoint>,
    task: JoinHandle<u64>,
}

impl Bench {
    fn new(size: usize) -> Self {
        let metrics = LokiMetrics::register(&prometheus::Registry::new()).unwrap();
        let settings = LokiSettings::new("http://loki:3100/loki/api/v1/push".parse().unwrap());
        let counts = Arc::new(metrics.endpoint(&settings));
        let settings = LokiSettings {
            batch_size: size,
            batch_wait: WAIT,
            ..LokiSettings::new("http://loki/push".parse().unwrap())
        };
        let batcher = Batcher::new("loki", &settings, counts.clone());
        let (inlet, received) = mpsc::channel(16);
        let (outlet, queue) = mpsc::channel(1);
        let (abort, draining) = (CancellationToken::new(), CancellationToken::new());
        let tokens = (abort.clone(), draining.clone());
        let task = tokio::spawn(async move { batcher.run(received, outlet, &tokens.0, &tokens.1).await });
        Self {
            inlet: Some(inlet),
            queue,
            abort,
            draining,
            counts,
            task,
        }
    }

    async fn ship(&self, lines: &[&str], receipt: Receipt) {
        self.send(Load::Logs(Arc::new(batch(lines))), receipt).await;
    }

    /// Ships them as a worker does that packs.
    async fn ship_packed(&self, lines: &[&str], receipt: Receipt) {
        let packed = Packer::default().pack(&batch(lines), 0..lines.len());
        self.send(Load::Packed(Arc::new(packed)), receipt).await;
    }

    async fn send(&self, load: Load, receipt: Receipt) {
        let shipment = Shipment { load, receipt };
        self.inlet.as_ref().unwrap().send(shipment).await.unwrap();
    }

    /// The lines of the next request.
    async fn next(&mut self) -> Vec<String> {
        lines(&self.queue.recv().await.unwrap())
    }

    /// Whether no request comes in this time.
    async fn silent(&mut self, time: Duration) -> bool {
        timeout(time, self.queue.recv()).await.is_err()
    }
}

fn batch(lines: &[&str]) -> LogBatch {
    LogBatch {
        timestamps: vec![0; lines.len()],
        lines: lines.iter().copied().collect(),
        streams: vec![0; lines.len()],
        labels: vec![Labels::from_pairs([("a", "1")])],
        ..LogBatch::default()
    }
}

fn lines(request: &Request) -> Vec<String> {
    let streams = decode(&request.body, usize::MAX).unwrap().streams;
    streams
        .into_iter()
        .flat_map(|stream| stream.entries)
        .map(|entry| entry.line)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn the_first_entry_waits_no_longer_than_batch_wait() {
    let mut bench = Bench::new(1000);
    let start = Instant::now();
    bench.ship(&["one"], Receipt::none()).await;
    tokio::time::sleep(WAIT / 2).await;
    bench.ship(&["two"], Receipt::none()).await;
    assert_eq!(bench.next().await, ["one", "two"]);
    assert_eq!(
        start.elapsed(),
        WAIT,
        "counted from the first entry, not the last"
    );
    assert!(bench.silent(WAIT * 10).await, "an idle sink sends nothing");
}

#[tokio::test(start_paused = true)]
async fn a_full_request_goes_at_once() {
    let mut bench = Bench::new(10);
    let start = Instant::now();
    bench.ship(&["12345", "12345", "12345"], Receipt::none()).await;
    assert_eq!(bench.next().await, ["12345", "12345"]);
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(bench.next().await, ["12345"], "and the rest waits its time");
    assert_eq!(start.elapsed(), WAIT);
}

#[tokio::test(start_paused = true)]
async fn a_packed_shipment_that_does_not_fit_ends_the_request() {
    let mut bench = Bench::new(10);
    let settlements = Arc::new(Settlements::default());
    let start = Instant::now();
    bench.ship(&["1"], settlements.receipt(1)).await;
    bench.ship_packed(&["12345", "123"], settlements.receipt(2)).await;
    bench.ship_packed(&["12"], settlements.receipt(3)).await;
    bench.ship(&["3"], settlements.receipt(4)).await;
    let first = bench.queue.recv().await.unwrap();
    assert_eq!(lines(&first), ["1", "12345", "123"]);
    assert_eq!(start.elapsed(), Duration::ZERO);
    first.settle();
    assert_eq!(settlements.take(), [1, 2], "each is in one request only");
    assert_eq!(bench.next().await, ["12", "3"]);
    assert_eq!(start.elapsed(), WAIT, "of the shipment that opened it");
}

#[tokio::test(start_paused = true)]
async fn a_large_entry_goes_alone_and_at_once() {
    let mut bench = Bench::new(10);
    let start = Instant::now();
    bench.ship(&["1", "123456789012345"], Receipt::none()).await;
    assert_eq!(bench.next().await, ["1"]);
    assert_eq!(bench.next().await, ["123456789012345"]);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn closing_the_inlet_flushes_at_once() {
    let mut bench = Bench::new(1000);
    let start = Instant::now();
    bench.ship(&["one"], Receipt::none()).await;
    bench.inlet = None;
    assert_eq!(bench.next().await, ["one"]);
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert!(bench.draining.is_cancelled());
    assert_eq!(bench.task.await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn while_the_queue_is_full_a_due_request_grows() {
    let mut bench = Bench::new(1000);
    for line in ["one", "two", "three"] {
        bench.ship(&[line], Receipt::none()).await;
        tokio::time::sleep(WAIT * 3).await;
    }
    assert_eq!(bench.next().await, ["one"], "it lay in the queue");
    assert_eq!(bench.next().await, ["two", "three"]);
}

#[tokio::test(start_paused = true)]
async fn a_full_request_holds_up_the_inlet() {
    let bench = Bench::new(10);
    // One waits in the queue, one is full; the inlet holds 16 more.
    for _ in 0..18 {
        bench.ship(&["1234567890"], Receipt::none()).await;
    }
    let blocked = timeout(WAIT * 100, bench.ship(&["1234567890"], Receipt::none())).await;
    assert!(blocked.is_err(), "a receiver that is down is felt by the sender");
}

#[tokio::test(start_paused = true)]
async fn a_shipment_over_several_requests_settles_with_the_last() {
    let mut bench = Bench::new(10);
    let settlements = Arc::new(Settlements::default());
    bench
        .ship(&["1234567890", "1234567890"], settlements.receipt(7))
        .await;
    let first = bench.queue.recv().await.unwrap();
    let second = bench.queue.recv().await.unwrap();
    second.settle();
    assert!(settlements.take().is_empty());
    first.settle();
    assert_eq!(settlements.take(), [7]);
}

#[tokio::test(start_paused = true)]
async fn an_empty_shipment_settles_at_once() {
    let mut bench = Bench::new(10);
    let settlements = Arc::new(Settlements::default());
    bench.ship(&[], settlements.receipt(7)).await;
    assert!(bench.silent(WAIT * 2).await);
    assert_eq!(settlements.take(), [7]);
}

#[tokio::test(start_paused = true)]
async fn abort_abandons_what_is_collected_pending_and_still_coming() {
    let bench = Bench::new(10);
    let settlements = Arc::new(Settlements::default());
    for shipment in 0..5 {
        bench
            .ship(&["1234567890", "1"], settlements.receipt(shipment))
            .await;
        bench
            .ship_packed(&["12345", "1"], settlements.receipt(shipment + 5))
            .await;
    }
    tokio::time::sleep(WAIT).await;
    bench.abort.cancel();
    let left = bench.task.await.unwrap();
    let mut queue = bench.queue;
    let handed_over = queue.recv().await.unwrap();
    assert_eq!(left, 20 - handed_over.entries as u64);
    drop((handed_over, queue));
    assert!(
        settlements.take().is_empty(),
        "not one of them has arrived as a whole"
    );
}

#[tokio::test(start_paused = true)]
async fn samples_are_a_counted_drop() {
    let mut bench = Bench::new(10);
    let mut samples = SampleBatch::default();
    samples.push(Labels::default(), 1.0, 0);
    bench
        .send(Load::Samples(Arc::new(samples)), Receipt::none())
        .await;
    assert!(bench.silent(WAIT * 2).await);
    assert_eq!(bench.counts.dropped_entries(REFUSED), 1);
}
