//! The sink with its spool, and with limits.

use super::*;
use crate::delivery::spool::{Shelf, SpoolMetrics, SpoolSettings, WhenFull};
use crate::disk::memory::MemoryDisk;
use crate::sinks::loki::limits::Limits;

fn spooling(url: &str) -> LokiSettings {
    LokiSettings {
        spool: Some(SpoolSettings::new(WhenFull::Block)),
        ..settings(url)
    }
}

impl Bench {
    fn on(disk: &MemoryDisk, settings: LokiSettings) -> Self {
        let shelf = Shelf::new(Arc::new(disk.clone()), "/spool".into());
        Self::with(settings, |sink, registry| {
            sink.spooling(&shelf, &SpoolMetrics::register(registry).unwrap())
        })
    }

    async fn settled(&self, count: usize) -> Vec<u64> {
        let mut settled = Vec::new();
        while settled.len() < count {
            settled.extend(self.settlements.take());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        settled
    }
}

#[tokio::test]
async fn what_a_receiver_that_is_down_does_not_take_is_sent_at_the_next_start() {
    let disk = MemoryDisk::default();
    let mut bench = Bench::on(&disk, spooling("http://127.0.0.1:1/"));
    for line in ["1", "2", "3"] {
        bench.ship(&[("a", line), ("b", line)]).await;
    }
    assert_eq!(bench.settled(3).await, [0, 1, 2], "stored is settled");
    assert_eq!(
        bench.finish().await,
        SinkReport::default(),
        "nothing is left behind"
    );
    let receiver = Receiver::start().await.unwrap();
    let mut bench = Bench::on(&disk, spooling(&receiver.push_url()));
    bench.ship(&[("a", "4")]).await;
    assert_eq!(bench.finish().await, SinkReport::default());
    assert_eq!(receiver.streams()[r#"{app="a"}"#], ["1", "2", "3", "4"]);
    assert_eq!(receiver.streams()[r#"{app="b"}"#], ["1", "2", "3"]);
    assert_eq!(
        Bench::on(&disk, spooling("http://127.0.0.1:1/")).finish().await,
        SinkReport::default()
    );
}

#[tokio::test]
async fn a_request_from_the_spool_is_halved_and_rejected_like_any_other() {
    let receiver = Receiver::start().await.unwrap();
    let halves = [413, 204, 413, 400, 204].map(Answer::status);
    receiver.script(PUSH, halves);
    let mut bench = Bench::on(&MemoryDisk::default(), spooling(&receiver.push_url()));
    bench
        .ship(&[("a", "1"), ("a", "2"), ("a", "3"), ("a", "4")])
        .await;
    assert_eq!(bench.finish().await, SinkReport::default());
    assert_eq!(receiver.streams()[r#"{app="a"}"#], ["1", "2", "4"]);
    assert_eq!(
        bench.metric("loki_write_dropped_entries_total", outcome::REFUSED),
        1.0
    );
}

#[tokio::test]
async fn what_is_over_the_limits_is_counted_and_the_rest_arrives() {
    let receiver = Receiver::start().await.unwrap();
    let limited = LokiSettings {
        limits: Limits {
            max_line_size: Some(5),
            ..Limits::default()
        },
        ..settings(&receiver.push_url())
    };
    let mut bench = Bench::new(limited);
    bench.ship(&[("a", "short"), ("a", "longer"), ("a", "ok")]).await;
    bench.ship(&[("a", "longer")]).await;
    assert_eq!(bench.finish().await, SinkReport::default());
    assert_eq!(receiver.streams()[r#"{app="a"}"#], ["short", "ok"]);
    assert_eq!(
        bench.metric("loki_write_dropped_entries_total", outcome::TOO_LONG),
        2.0
    );
    assert_eq!(
        bench.metric("loki_write_dropped_bytes_total", outcome::TOO_LONG),
        12.0
    );
    let mut settled = bench.settled(2).await;
    settled.sort_unstable();
    assert_eq!(settled, [0, 1], "a drop on purpose settles");
}
