//! Loki, Prometheus and the application's metrics page, as far as the demonstration needs them.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use millstream_wire::{loki_push, remote_write};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::tally::Tally;
use super::{application, show};

/// The largest request that is decoded; the pipeline's are 1 MB.
const LIMIT: usize = 16 << 20;

/// The receiving side.
pub struct Receiver;

impl Receiver {
    /// Serves on a free port of this machine until `stop`.
    pub async fn serve(tally: Arc<Tally>, stop: CancellationToken) -> anyhow::Result<SocketAddr> {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .context("cannot listen on 127.0.0.1")?;
        let address = listener.local_addr().context("cannot tell the port")?;
        let routes = Router::new()
            .route("/loki/api/v1/push", post(push))
            .route("/api/v1/write", post(write))
            .route("/actuator/prometheus", get(metrics))
            .with_state(tally);
        tokio::spawn(async move {
            // The demonstration ends with its receiver; what arrived is in the tally.
            let _ = axum::serve(listener, routes)
                .with_graceful_shutdown(stop.cancelled_owned())
                .await;
        });
        Ok(address)
    }
}

async fn push(State(tally): State<Arc<Tally>>, body: Bytes) -> (StatusCode, String) {
    let request = match loki_push::decode(&body, LIMIT) {
        Ok(request) => request,
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()),
    };
    if show::entries(&request).is_err() {
        return (StatusCode::INTERNAL_SERVER_ERROR, "cannot print".into());
    }
    tally.pushed(
        request
            .streams
            .iter()
            .flat_map(|stream| &stream.entries)
            .map(|entry| entry.line.as_str()),
    );
    (StatusCode::NO_CONTENT, String::new())
}

async fn write(State(tally): State<Arc<Tally>>, body: Bytes) -> (StatusCode, String) {
    let request = match remote_write::decode(&body, LIMIT) {
        Ok(request) => request,
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()),
    };
    if show::samples(&request).is_err() {
        return (StatusCode::INTERNAL_SERVER_ERROR, "cannot print".into());
    }
    tally.wrote_samples(
        request
            .timeseries
            .iter()
            .map(|series| series.samples.len() as u64)
            .sum(),
    );
    (StatusCode::NO_CONTENT, String::new())
}

async fn metrics(State(tally): State<Arc<Tally>>) -> String {
    application::exposition(tally.written())
}
