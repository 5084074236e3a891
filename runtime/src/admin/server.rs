//! The admin server: `/-/ready`, `/-/healthy`, `/-/reload`, `/metrics`. Texts and codes are Alloy's where it has them.
//!
//! Binds to localhost unless told otherwise: `/-/reload` is not for everyone.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use prometheus::{Registry, TextEncoder};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::health::Health;

/// A wish to reload; the answer is what came of it.
pub type Reload = oneshot::Sender<Result<(), String>>;

/// What the server shows.
pub struct Admin {
    /// Whether the graph runs.
    pub ready: Arc<AtomicBool>,
    /// Who is well.
    pub health: Arc<Health>,
    /// The metrics page.
    pub registry: Registry,
    /// Where wishes to reload go.
    pub reload: mpsc::Sender<Reload>,
}

/// The address cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct ListenError {
    address: String,
    source: io::Error,
}

impl Admin {
    /// Listens, and serves until `stop`. Answers the bound address: `127.0.0.1:0` gets a free port.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn serve(self, address: &str, stop: CancellationToken) -> Result<SocketAddr, ListenError> {
        let failed = |source| ListenError {
            address: address.into(),
            source,
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let routes = Router::new()
            .route("/-/ready", get(ready))
            .route("/-/healthy", get(healthy))
            .route("/-/reload", post(reload))
            .route("/metrics", get(metrics))
            .with_state(Arc::new(self));
        tokio::spawn(async move {
            let served = axum::serve(listener, routes)
                .with_graceful_shutdown(stop.cancelled_owned())
                .await;
            if let Err(error) = served {
                tracing::error!(%error, "admin server stopped");
            }
        });
        Ok(bound)
    }
}

async fn ready(State(admin): State<Arc<Admin>>) -> (StatusCode, &'static str) {
    if admin.ready.load(Ordering::Acquire) {
        (StatusCode::OK, "Millstream is ready.\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "Millstream is not ready.\n")
    }
}

async fn healthy(State(admin): State<Arc<Admin>>) -> (StatusCode, String) {
    let complaints = admin.health.complaints();
    if complaints.is_empty() {
        return (StatusCode::OK, "All Millstream components are healthy.\n".into());
    }
    let list: Vec<String> = complaints
        .into_iter()
        .map(|(component, why)| format!("{component}: {why}"))
        .collect();
    (
        StatusCode::INTERNAL_SERVER_ERROR,
        format!("unhealthy components:\n{}\n", list.join("\n")),
    )
}

async fn reload(State(admin): State<Arc<Admin>>) -> (StatusCode, String) {
    let (answer, answered) = oneshot::channel();
    if admin.reload.send(answer).await.is_err() {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "Millstream is stopping.\n".into(),
        );
    }
    match answered.await {
        Ok(Ok(())) => (StatusCode::OK, "config reloaded\n".into()),
        Ok(Err(why)) => (StatusCode::BAD_REQUEST, format!("{why}\n")),
        Err(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Millstream is stopping.\n".into(),
        ),
    }
}

async fn metrics(State(admin): State<Arc<Admin>>) -> impl IntoResponse {
    let page = TextEncoder::new()
        .encode_to_string(&admin.registry.gather())
        .unwrap_or_default();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page)
}
