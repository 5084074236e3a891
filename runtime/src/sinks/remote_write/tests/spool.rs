//! The sink with its spool.

use super::*;
use crate::delivery::spool::{Shelf, SpoolMetrics};
use crate::disk::memory::MemoryDisk;

fn start_on(disk: &MemoryDisk, settings: RemoteWriteSettings) -> Running {
    let shelf = Shelf::new(Arc::new(disk.clone()), "/spool".into());
    start_with(settings, |sink, registry| {
        sink.spooling(&shelf, &SpoolMetrics::register(registry).unwrap())
    })
}

#[tokio::test]
async fn samples_outlive_a_restart_while_the_receiver_is_down() {
    let disk = MemoryDisk::default();
    let down = settings("http://127.0.0.1:1/".parse().unwrap());
    let running = start_on(&disk, down.clone());
    running.push(1, 0..3).await;
    running.push(2, 3..5).await;
    let mut settled = Vec::new();
    while settled.len() < 2 {
        settled.extend(running.settlements.take());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let (report, _, registry) = running.drained().await;
    assert_eq!(report, SinkReport::default(), "stored is not left behind");
    assert_eq!(metric(&registry, "samples_pending"), 0.0);

    let receiver = Receiver::default();
    let url = receiver.serve(|_, _| StatusCode::OK.into_response()).await;
    let labelled = RemoteWriteSettings {
        external_labels: [("cluster".to_owned(), "c".to_owned())].into(),
        ..settings(url)
    };
    let running = start_on(&disk, labelled);
    running.push(3, 5..7).await;
    let (report, _, registry) = running.drained().await;
    assert_eq!(report, SinkReport::default());
    assert_eq!(receiver.taken(), numbers(0..7));
    assert_eq!(metric(&registry, "samples_pending"), 0.0);
    let asked = receiver.asked.lock().unwrap();
    let labels = asked.iter().flat_map(|(_, request)| &request.timeseries);
    for series in labels {
        let names: Vec<&str> = series.labels.iter().map(|label| label.name.as_str()).collect();
        assert_eq!(
            names,
            ["__name__", "cluster", "job"],
            "as the manifest that sends it says"
        );
    }
    assert!(
        asked
            .iter()
            .flat_map(|(_, request)| &request.timeseries)
            .all(|series| {
                series
                    .samples
                    .iter()
                    .all(|sample| sample.timestamp == 1000 * sample.value as i64)
            })
    );
}

#[tokio::test]
async fn too_large_a_request_from_the_spool_is_halved() {
    let receiver = Receiver::default();
    let url = receiver
        .serve(|_, values| {
            let status = if values.len() > 2 {
                StatusCode::PAYLOAD_TOO_LARGE
            } else {
                StatusCode::OK
            };
            status.into_response()
        })
        .await;
    let running = start_on(&MemoryDisk::default(), settings(url));
    running.push(1, 0..7).await;
    let (report, settled, _) = running.drained().await;
    assert_eq!((report, settled), (SinkReport::default(), vec![1]));
    assert_eq!(receiver.taken(), numbers(0..7));
}

#[tokio::test]
async fn abort_reports_only_what_is_nowhere() {
    let disk = MemoryDisk::default();
    let receiver = Receiver::default();
    let url = receiver
        .serve(|_, _| StatusCode::REQUEST_TIMEOUT.into_response())
        .await;
    let running = start_on(&disk, settings(url));
    running.push(1, 0..2).await;
    until(|| receiver.asked() == 1).await;
    running.abort.cancel();
    let (report, _, registry) = running.drained().await;
    assert_eq!(report, SinkReport::default());
    assert_eq!(metric(&registry, "samples_pending"), 0.0);
}
