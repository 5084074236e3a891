//! Waiting for a moment that may never come.

use tokio::time::{Instant, sleep_until};

/// Waits until `at`, for ever when there is no such moment.
pub async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
