//! The relay between a maker and a sender that the test plays, over a disk that does as told.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Mutex;

use prometheus::Registry;
use tokio::task::JoinHandle;

use super::*;
use crate::delivery::spool::settings::WhenFull;
use crate::delivery::spool::{Shelf, SpoolMetrics};
use crate::disk::memory::MemoryDisk;

/// A relay at work.
struct Bench {
    inlet: Option<mpsc::Sender<Package>>,
    outlet: mpsc::Receiver<Package>,
    abort: CancellationToken,
    sent: CancellationToken,
    shipped: Arc<Settlements>,
    lost: Arc<Mutex<Vec<u64>>>,
    task: JoinHandle<Left>,
    number: u64,
}

impl Bench {
    fn new(disk: &MemoryDisk, settings: SpoolSettings) -> Self {
        let shelf = Shelf::new(Arc::new(disk.clone()), PathBuf::from("/spool"));
        let metrics = SpoolMetrics::register(&Registry::new()).unwrap();
        let lost: Arc<Mutex<Vec<u64>>> = Arc::default();
        let losses = lost.clone();
        let on_loss: OnLoss = Box::new(move |loss| losses.lock().unwrap().push(loss.rows));
        let relay = Relay::new("s", shelf.place("s"), settings, metrics.of("s"), on_loss);
        let (inlet, packages) = mpsc::channel(1);
        let (ready, outlet) = mpsc::channel(1);
        let (abort, sent) = (CancellationToken::new(), CancellationToken::new());
        let (aborted, ended) = (abort.clone(), sent.clone());
        let retire = CancellationToken::new();
        let task = tokio::spawn(async move { relay.run(packages, ready, &aborted, &ended, &retire).await });
        Self {
            inlet: Some(inlet),
            outlet,
            abort,
            sent,
            shipped: Arc::default(),
            lost,
            task,
            number: 0,
        }
    }

    /// Ships the next package; says whether there was room within a second.
    async fn ship(&mut self, size: usize) -> bool {
        let package = Package {
            payload: vec![b'x'; size].into(),
            rows: 1,
            bytes: size,
            receipts: vec![self.shipped.receipt(self.number)],
            arrived: Instant::now(),
            stored: false,
        };
        self.number += 1;
        let inlet = self.inlet.clone().unwrap();
        let sending = async move { inlet.send(package).await.unwrap() };
        tokio::time::timeout(Duration::from_secs(1), sending)
            .await
            .is_ok()
    }

    async fn take(&mut self) -> Package {
        tokio::time::timeout(Duration::from_secs(10), self.outlet.recv())
            .await
            .unwrap()
            .unwrap()
    }

    /// Waits for the shipments to settle, and says which.
    async fn settled(&self, count: usize) -> Vec<u64> {
        let mut settled = Vec::new();
        while settled.len() < count {
            settled.extend(self.shipped.take());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        settled
    }

    /// Closes the inlet; the sender takes all that comes and then ends.
    async fn finish(mut self) -> (Vec<usize>, Left) {
        self.inlet = None;
        let mut sizes = Vec::new();
        while let Some(package) = self.outlet.recv().await {
            sizes.push(package.payload.len());
            package.receipts.into_iter().for_each(Receipt::settle);
        }
        self.sent.cancel();
        (sizes, self.task.await.unwrap())
    }
}

fn settings() -> SpoolSettings {
    SpoolSettings::new(WhenFull::Block)
}

#[tokio::test(start_paused = true)]
async fn a_package_settles_when_it_is_stored_and_goes_when_it_is_delivered() {
    let disk = MemoryDisk::default();
    let mut bench = Bench::new(&disk, settings());
    for size in [10, 20, 30] {
        assert!(bench.ship(size).await);
    }
    assert_eq!(bench.settled(3).await, [0, 1, 2], "nobody has sent anything");
    let (sizes, left) = bench.finish().await;
    assert_eq!((sizes, left), (vec![10, 20, 30], Left::default()));
    let (sizes, left) = Bench::new(&disk, settings()).finish().await;
    assert_eq!((sizes, left), (vec![], Left::default()));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_delivered_is_there_at_the_next_start() {
    let disk = MemoryDisk::default();
    let mut bench = Bench::new(&disk, settings());
    for size in [10, 20, 30] {
        bench.ship(size).await;
    }
    bench.settled(3).await;
    bench.take().await.receipts.into_iter().for_each(Receipt::settle);
    // The second is under way when the sender gives up.
    drop(bench.take().await);
    bench.sent.cancel();
    let expected = Left {
        stored: 2,
        abandoned: 0,
    };
    assert_eq!(bench.task.await.unwrap(), expected);
    let (sizes, left) = Bench::new(&disk, settings()).finish().await;
    assert_eq!((sizes, left), (vec![20, 30], Left::default()));
}

#[tokio::test(start_paused = true)]
async fn a_crash_repeats_what_was_sent_since_the_last_second_and_loses_nothing() {
    let disk = MemoryDisk::default();
    let mut bench = Bench::new(&disk, settings());
    for size in [10, 20, 30] {
        bench.ship(size).await;
    }
    bench.settled(3).await;
    bench.take().await.receipts.into_iter().for_each(Receipt::settle);
    tokio::time::sleep(SAVE_EVERY * 3).await;
    bench.take().await.receipts.into_iter().for_each(Receipt::settle);
    bench.task.abort();
    let _ = bench.task.await;
    disk.crash(1);
    let (sizes, _) = Bench::new(&disk, settings()).finish().await;
    assert!(sizes == [20, 30] || sizes == [30], "{sizes:?}");
}

#[tokio::test(start_paused = true)]
async fn while_the_disk_fails_packages_go_through_memory_in_order_and_back() {
    let disk = MemoryDisk::default();
    let mut bench = Bench::new(&disk, settings());
    bench.ship(10).await;
    bench.settled(1).await;
    disk.fail(Some(ErrorKind::StorageFull));
    bench.ship(20).await;
    let first = bench.take().await;
    assert!(first.stored && first.payload.len() == 10);
    let second = bench.take().await;
    assert!(!second.stored && second.payload.len() == 20);
    assert!(bench.shipped.take().is_empty(), "only memory has it");
    bench.ship(30).await;
    assert!(!bench.take().await.stored);
    disk.fail(None);
    tokio::time::sleep(RETRY * 2).await;
    bench.ship(40).await;
    let after = bench.take().await;
    assert!(
        after.stored && after.payload.len() == 40,
        "the disk is used again"
    );
    for package in [first, second, after] {
        package.receipts.into_iter().for_each(Receipt::settle);
    }
    let (sizes, left) = bench.finish().await;
    assert_eq!((sizes, left), (vec![], Left::default()));
}

#[tokio::test(start_paused = true)]
async fn or_they_wait_when_told_so() {
    let disk = MemoryDisk::default();
    let blocking = SpoolSettings {
        on_disk_error: OnDiskError::Block,
        ..settings()
    };
    let mut bench = Bench::new(&disk, blocking);
    disk.fail(Some(ErrorKind::ReadOnlyFilesystem));
    assert!(bench.ship(10).await, "one waits");
    assert!(bench.ship(20).await, "one in the queue before it");
    assert!(!bench.ship(30).await, "the third does not come in");
    assert!(bench.outlet.try_recv().is_err());
    disk.fail(None);
    assert_eq!(bench.settled(2).await, [0, 1]);
    let (sizes, left) = bench.finish().await;
    assert_eq!((sizes, left), (vec![10, 20], Left::default()));
}

#[tokio::test(start_paused = true)]
async fn a_full_spool_holds_the_maker_up_or_drops_the_oldest() {
    let small = |when_full| SpoolSettings {
        max_size: 1 << 20,
        ..SpoolSettings::new(when_full)
    };
    let mut bench = Bench::new(&MemoryDisk::default(), small(WhenFull::Block));
    let mut shipped = 0;
    while bench.ship(100_000).await {
        shipped += 1;
    }
    assert!((10..14).contains(&shipped), "{shipped}");
    let (sizes, _) = bench.finish().await;
    assert_eq!(sizes.len(), shipped, "the one that found no room was taken back");

    let mut bench = Bench::new(&MemoryDisk::default(), small(WhenFull::DropOldest));
    for _ in 0..40 {
        assert!(bench.ship(100_000).await);
    }
    bench.settled(40).await;
    let lost = bench.lost.clone();
    let (sizes, _) = bench.finish().await;
    let lost: u64 = lost.lock().unwrap().iter().sum();
    assert_eq!(sizes.len() as u64 + lost, 40);
    assert!(lost >= 28, "{lost}");
}

#[tokio::test(start_paused = true)]
async fn abort_leaves_what_is_stored_and_abandons_what_is_not() {
    let disk = MemoryDisk::default();
    let mut bench = Bench::new(&disk, settings());
    bench.ship(10).await;
    bench.settled(1).await;
    disk.fail(Some(ErrorKind::Other));
    bench.ship(20).await;
    bench.ship(30).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    bench.abort.cancel();
    let expected = Left {
        stored: 1,
        abandoned: 2,
    };
    assert_eq!(bench.task.await.unwrap(), expected);
    assert!(bench.shipped.take().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_drain_with_a_backlog_ends_soon() {
    let disk = MemoryDisk::default();
    let mut bench = Bench::new(&disk, settings());
    for _ in 0..20 {
        bench.ship(10).await;
    }
    bench.settled(20).await;
    bench.inlet = None;
    let started = Instant::now();
    let mut delivered = 0;
    // A receiver that takes one a second.
    while let Some(package) = bench.outlet.recv().await {
        tokio::time::sleep(Duration::from_secs(1)).await;
        package.receipts.into_iter().for_each(Receipt::settle);
        delivered += 1;
    }
    bench.sent.cancel();
    assert!(started.elapsed() <= LINGER + Duration::from_secs(3));
    assert_eq!(bench.task.await.unwrap().stored, 20 - delivered);
}
