//! TLS and secrets.

use super::*;
use crate::transport::TlsSettings;
use crate::transport::tls::tests::Authority;

#[tokio::test]
async fn entries_arrive_over_tls_with_our_own_authority() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    let port = authority.serve("localhost", None);
    let mut settings = settings(&format!("https://localhost:{port}/loki/api/v1/push"));
    settings.client.tls = TlsSettings {
        ca_file: Some(ca),
        ..TlsSettings::default()
    };
    let mut bench = Bench::new(settings);
    bench.ship(&[("a", "1")]).await;
    assert_eq!(bench.finish().await, SinkReport::default());
    assert_eq!(bench.settlements.take(), [0]);
    assert_eq!(bench.metric("loki_write_sent_entries_total", ""), 1.0);
}

#[tokio::test]
async fn a_secrets_file_that_is_missing_for_a_while_costs_nothing() {
    let receiver = Receiver::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    let mut settings = settings(&receiver.push_url());
    settings.client.authorization = Some(Authorization::Bearer(Secret::File(token.clone())));
    let mut bench = Bench::new(settings);
    bench.ship(&[("a", "1")]).await;
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert!(receiver.arrivals().is_empty(), "nothing goes out without it");
    std::fs::write(&token, "hunter2").unwrap();
    receiver.wait_for(1).await.unwrap();
    assert_eq!(receiver.arrivals()[0].headers["authorization"], "Bearer hunter2");
    bench.finish().await;
}

#[tokio::test]
async fn secrets_show_in_no_debug() {
    let mut settings = settings("http://user:hunter2@loki/push?token=hunter2");
    let secret = || Secret::Inline("hunter2".to_owned());
    settings.client.authorization = Some(Authorization::Bearer(secret()));
    settings.client.headers = [("X-Key".to_owned(), secret())].into();
    let metrics = Arc::new(LokiMetrics::register(&Registry::new()).unwrap());
    let client = client(&settings.client, settings.remote_timeout).unwrap();
    let shown = format!("{settings:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    let shown = format!(
        "{:?}",
        LokiSink::new("loki".to_owned(), settings, client, metrics)
    );
    assert!(!shown.contains("hunter2"), "{shown}");
}
