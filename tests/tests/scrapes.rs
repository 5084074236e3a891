//! Promise: a Spring endpoint's samples reach remote write with honest labels, and `up` tells when it is down.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use millstream_tests::Agent;
use millstream_tests::receiver::Receiver;
use tokio::net::TcpListener;

const PAGE: &str = "# HELP jvm_threads_live_threads The current number of live threads\n\
    # TYPE jvm_threads_live_threads gauge\n\
    jvm_threads_live_threads{application=\"ticketon\",job=\"mine\"} 42.0\n\
    # TYPE http_server_requests_seconds summary\n\
    http_server_requests_seconds_count{uri=\"/api/\\\"x\\\"\"} 7\n";

#[tokio::test]
async fn samples_arrive_with_up_and_honest_labels() {
    let folder = tempfile::tempdir().unwrap();
    let page = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = page.local_addr().unwrap();
    let served = tokio::spawn(async move {
        let routes = Router::new().route("/actuator/prometheus", get(|| async { PAGE }));
        axum::serve(page, routes).await.unwrap();
    });
    let receiver = Receiver::start().await.unwrap();
    let manifest = format!(
        "sources: {{ spring: {{ prometheus: {{ job_name: ticketon, metrics_path: /actuator/prometheus, scrape_interval: 1s, \
         scrape_timeout: 500ms, static_configs: [{{ targets: [\"{target}\", \"127.0.0.1:1\"] }}] }} }} }}\n\
         pipelines: {{ metrics: {{ from: [spring], to: [out] }} }}\n\
         sinks: {{ out: {{ remote_write: {{ url: \"{}\", queue_config: {{ batch_send_deadline: 100ms }} }} }} }}\n",
        receiver.write_url()
    );
    let agent = Agent::start(folder.path(), &manifest).await.unwrap();
    receiver.wait_for(14).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let samples = receiver.samples();
    let find = |name: &str, instance: &str| {
        samples
            .iter()
            .find(|sample| {
                let has =
                    |label: &str, value: &str| sample.labels.iter().any(|(n, v)| n == label && v == value);
                has("__name__", name) && has("instance", instance)
            })
            .unwrap_or_else(|| panic!("no {name} of {instance} in {samples:?}"))
    };
    let target = target.to_string();
    assert_eq!(find("up", &target).value, 1.0);
    assert_eq!(find("up", "127.0.0.1:1").value, 0.0);
    assert_eq!(find("scrape_samples_scraped", &target).value, 2.0);
    let threads = find("jvm_threads_live_threads", &target);
    assert_eq!(threads.value, 42.0);
    for pair in [
        ("job", "ticketon"),
        ("exported_job", "mine"),
        ("application", "ticketon"),
    ] {
        let pair = (pair.0.to_owned(), pair.1.to_owned());
        assert!(
            threads.labels.contains(&pair),
            "{pair:?} is not in {:?}",
            threads.labels
        );
    }
    let requests = find("http_server_requests_seconds_count", &target);
    assert!(
        requests.labels.contains(&("uri".into(), "/api/\"x\"".into())),
        "{:?}",
        requests.labels
    );
    let down = agent
        .log()
        .iter()
        .filter(|line| line.contains("127.0.0.1:1/") && line.contains("WARN"))
        .count();
    assert_eq!(down, 1, "a target that is down is told once: {:#?}", agent.log());
    assert!(agent.stop().await.unwrap().success());
    served.abort();
}
