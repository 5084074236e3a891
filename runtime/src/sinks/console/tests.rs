//! The sink against writers that misbehave.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use millstream_batch::{Labels, LogBatch};
use millstream_wire::loki_push::Packer;

use super::*;
use crate::delivery::receipt::Settlements;

/// A writer that follows a script (each entry is one call's result; `Ok` bounds how much is taken), then takes all.
#[derive(Clone, Default)]
struct Out {
    script: Arc<Mutex<VecDeque<Result<usize, io::ErrorKind>>>>,
    text: Arc<Mutex<Vec<u8>>>,
}

impl Out {
    fn text(&self) -> String {
        String::from_utf8(self.text.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let most = self
            .script
            .lock()
            .unwrap()
            .pop_front()
            .unwrap_or(Ok(bytes.len()))?;
        let taken = most.min(bytes.len());
        self.text.lock().unwrap().extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn shipment(settlements: &Arc<Settlements>, number: u64, lines: &[&str]) -> Shipment {
    let batch = LogBatch {
        timestamps: vec![0; lines.len()],
        lines: lines.iter().copied().collect(),
        streams: vec![0; lines.len()],
        labels: vec![Labels::from_pairs([("a", "1")])],
        ..LogBatch::default()
    };
    Shipment {
        load: Load::Logs(Arc::new(batch)),
        receipt: settlements.receipt(number),
    }
}

async fn run(script: &[Result<usize, io::ErrorKind>]) -> (String, SinkReport, Vec<u64>) {
    let out = Out {
        script: Arc::new(Mutex::new(script.iter().copied().collect())),
        ..Out::default()
    };
    let settlements = Arc::new(Settlements::default());
    let (inlet, received) = mpsc::channel(4);
    inlet.send(shipment(&settlements, 0, &["one"])).await.unwrap();
    inlet
        .send(shipment(&settlements, 1, &["two", "three"]))
        .await
        .unwrap();
    drop(inlet);
    let sink = ConsoleSink::to("console".to_owned(), ConsoleSettings::default(), out.clone());
    let report = sink.run(received, CancellationToken::new()).await;
    (out.text(), report, settlements.take())
}

const ALL: &str = "1970-01-01T00:00:00.000Z {a=\"1\"} one\n1970-01-01T00:00:00.000Z {a=\"1\"} two\n\
                   1970-01-01T00:00:00.000Z {a=\"1\"} three\n";

#[tokio::test]
async fn all_is_printed_and_settled() {
    assert_eq!(
        run(&[]).await,
        (ALL.to_owned(), SinkReport::default(), vec![0, 1])
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_or_partial_write_goes_on_where_it_stopped() {
    let script = [
        Ok(3),
        Err(io::ErrorKind::Interrupted),
        Ok(1),
        Err(io::ErrorKind::StorageFull),
        Ok(5),
        Ok(0),
    ];
    assert_eq!(
        run(&script).await,
        (ALL.to_owned(), SinkReport::default(), vec![0, 1])
    );
}

#[tokio::test]
async fn a_reader_that_has_gone_ends_the_sink_and_settles_nothing_more() {
    let first = ALL.lines().next().unwrap().len() + 1;
    let (text, report, settled) = run(&[Ok(first), Ok(5), Err(io::ErrorKind::BrokenPipe)]).await;
    assert_eq!(text, ALL[..first + 5]);
    assert_eq!(report, SinkReport { left_rows: 2 });
    assert_eq!(settled, [0]);
}

#[tokio::test]
async fn abort_does_not_wait_for_a_write_that_blocks() {
    /// Blocks until the other end is dropped.
    struct Stuck(std::sync::mpsc::Receiver<()>);
    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (release, stuck) = std::sync::mpsc::sync_channel(1);
    let settlements = Arc::new(Settlements::default());
    let (inlet, received) = mpsc::channel(4);
    let abort = CancellationToken::new();
    let sink = ConsoleSink::to("console".to_owned(), ConsoleSettings::default(), Stuck(stuck));
    let task = tokio::spawn(sink.run(received, abort.clone()));
    inlet.send(shipment(&settlements, 0, &["one"])).await.unwrap();
    inlet.send(shipment(&settlements, 1, &["two"])).await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    abort.cancel();
    let report = tokio::time::timeout(Duration::from_secs(5), task)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(report, SinkReport { left_rows: 2 });
    assert!(settlements.take().is_empty());
    drop(release);
}

#[tokio::test]
async fn what_is_packed_by_mistake_is_never_settled() {
    let settlements = Arc::new(Settlements::default());
    let (inlet, received) = mpsc::channel(4);
    let Shipment { load, receipt } = shipment(&settlements, 0, &["one", "two"]);
    let Load::Logs(batch) = load else {
        panic!("not rows");
    };
    let load = Load::Packed(Arc::new(Packer::default().pack(&batch, 0..2)));
    inlet.send(Shipment { load, receipt }).await.unwrap();
    inlet.send(shipment(&settlements, 1, &["three"])).await.unwrap();
    drop(inlet);
    let out = Out::default();
    let sink = ConsoleSink::to("console".to_owned(), ConsoleSettings::default(), out.clone());
    let report = sink.run(received, CancellationToken::new()).await;
    assert_eq!(report, SinkReport { left_rows: 2 });
    assert_eq!(
        (settlements.take(), settlements.take_abandoned()),
        (vec![1], vec![0])
    );
    assert!(out.text().contains("three"));
}
