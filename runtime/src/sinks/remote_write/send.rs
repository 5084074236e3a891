//! Delivering one request: encode, post, and again until it is accepted or cannot be.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use millstream_batch::Labels;
use millstream_wire::remote_write::WriteEncoder;
use millstream_wire::snappy::SnappyError;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT};
use reqwest::{Client, RequestBuilder, Response};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::metrics::SinkMetrics;
use super::outcome::outcome;
use super::queue::{Parcel, Segment};
use super::settings::RemoteWriteSettings;
use crate::causes::told;
use crate::delivery::spool::SpoolSettings;
use crate::delivery::{Outcome, Receipt};
use crate::transport::{self, ClientError};

/// How much of an answer is read: an error's text is short, and a receiver gone mad must not fill our memory.
const ANSWER: usize = 4096;

/// How the receiver took the last request; a change is logged, a state is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Good,
    Failing,
    Rejecting,
}

/// How the attempts on a part ended.
enum End {
    /// Accepted, or dropped and counted.
    Done,
    /// It was too large: its halves.
    Halved(Vec<Segment>, Vec<Segment>),
    /// It was told not to go on.
    GivenUp,
}

/// Delivers requests, one at a time.
#[derive(Debug)]
pub struct Sender {
    name: String,
    settings: RemoteWriteSettings,
    external: Labels,
    client: Client,
    encoder: WriteEncoder,
    metrics: SinkMetrics,
    health: Health,
    random: RandomState,
}

impl Sender {
    pub(super) fn new(
        name: &str,
        settings: RemoteWriteSettings,
        client: Client,
        metrics: SinkMetrics,
    ) -> Self {
        Self {
            name: name.into(),
            external: Labels::from_pairs(
                settings
                    .external_labels
                    .iter()
                    .map(|(name, value)| (&**name, &**value)),
            ),
            settings,
            client,
            encoder: WriteEncoder::default(),
            metrics,
            health: Health::Good,
            random: RandomState::new(),
        }
    }

    /// What the settings say of a spool.
    pub(super) fn spool(&self) -> Option<SpoolSettings> {
        self.settings.spool.clone()
    }

    /// Delivers a parcel, however long it takes, or until `until` when given and the receiver does not take it. Its receipts
    /// are settled at the end, and abandoned when this is dropped before or says that it is not done.
    pub(super) async fn deliver(&mut self, parcel: Parcel, until: Option<&CancellationToken>) -> bool {
        // Parts to send, the next one last: one that is too large is cut in two, the earlier half first.
        let mut parts = vec![parcel.segments];
        while let Some(part) = parts.pop() {
            match self.deliver_part(&part, until).await {
                End::Done => {}
                End::Halved(first, second) => parts.extend([second, first]),
                End::GivenUp => return false,
            }
        }
        parcel.owed.into_iter().for_each(Receipt::settle);
        true
    }

    /// Delivers a part; gives it back in halves when the receiver finds it too large.
    async fn deliver_part(&mut self, part: &[Segment], until: Option<&CancellationToken>) -> End {
        let rows: usize = part.iter().map(|segment| segment.rows.len()).sum();
        if rows == 0 {
            return End::Done;
        }
        let body = match self.encode(part) {
            Ok(body) => body,
            Err(error) => {
                // A request above 4 GiB: not with any sane max_samples_per_send, but smaller ones may pass.
                tracing::warn!(sink = &*self.name, error = told(&error), "a request is too large");
                return self.halve(part, rows);
            }
        };
        let mut attempt = 0;
        loop {
            match self.post(body.clone(), rows).await {
                Outcome::Accepted => {
                    self.change(Health::Good, "");
                    self.metrics.accepted(part, rows, body.len());
                    return End::Done;
                }
                Outcome::Retry { after, why } => {
                    if self.settings.backoff.retries.is_some_and(|most| attempt >= most) {
                        self.change(
                            Health::Rejecting,
                            &format!("giving up after {} attempts: {why}", attempt + 1),
                        );
                        self.metrics.failed(rows);
                        return End::Done;
                    }
                    self.change(Health::Failing, &why);
                    if until.is_some_and(CancellationToken::is_cancelled) {
                        return End::GivenUp;
                    }
                    self.metrics.retried(rows);
                    let wait = tokio::time::sleep(self.wait(attempt, after));
                    match until {
                        Some(until) => tokio::select! { () = wait => {}, () = until.cancelled() => {} },
                        None => wait.await,
                    }
                    attempt = attempt.saturating_add(1);
                }
                Outcome::TooLarge => return self.halve(part, rows),
                Outcome::Reject { why, .. } => {
                    self.change(Health::Rejecting, &why);
                    self.metrics.failed(rows);
                    return End::Done;
                }
            }
        }
    }

    fn encode(&mut self, part: &[Segment]) -> Result<Bytes, SnappyError> {
        self.encoder.clear();
        for segment in part {
            self.encoder
                .push_rows(&segment.batch, segment.rows.clone(), &self.external);
        }
        self.encoder.finish().map(Bytes::copy_from_slice)
    }

    async fn post(&self, body: Bytes, rows: usize) -> Outcome {
        self.metrics.sent(rows);
        let start = Instant::now();
        let request = match self.request(body) {
            Ok(request) => request,
            // A secret's file that cannot be read is mended by a person; the samples wait.
            Err(error) => {
                return Outcome::Retry {
                    after: None,
                    why: told(&error),
                };
            }
        };
        let answer = request.send().await;
        let outcome = match answer {
            Ok(response) => {
                let (status, headers) = (response.status(), response.headers().clone());
                outcome(status, &headers, &text(response).await, Timestamp::now())
            }
            // No answer: refused, reset, timed out. Whether it arrived is unknown, so it goes again: receivers know a
            // sample they have.
            Err(error) => Outcome::Retry {
                after: None,
                why: told(&error.without_url()),
            },
        };
        self.metrics.took(start.elapsed());
        outcome
    }

    /// The one place a request is made.
    fn request(&self, body: Bytes) -> Result<RequestBuilder, ClientError> {
        let request = self
            .client
            .post(self.settings.url.clone())
            .timeout(self.settings.remote_timeout)
            .header(USER_AGENT, concat!("millstream/", env!("CARGO_PKG_VERSION")))
            .header(CONTENT_TYPE, "application/x-protobuf")
            .header(CONTENT_ENCODING, "snappy")
            .header("X-Prometheus-Remote-Write-Version", "0.1.0")
            .body(body);
        transport::authorize(request, &self.settings.client)
    }

    /// How long to wait after this attempt: the back-off, but never less than the receiver asked for.
    fn wait(&self, attempt: u32, after: Option<Duration>) -> Duration {
        // The upper half of 64 random bits as a fraction; no need for a better source of jitter.
        let jitter = f64::from((self.random.hash_one(Instant::now()) >> 32) as u32) / f64::from(u32::MAX);
        self.settings
            .backoff
            .delay(attempt, jitter)
            .max(after.unwrap_or_default())
    }

    fn halve(&mut self, part: &[Segment], rows: usize) -> End {
        if rows <= 1 {
            self.change(
                Health::Rejecting,
                "a request with a single sample is too large for the receiver",
            );
            self.metrics.failed(rows);
            return End::Done;
        }
        let (first, second) = split(part, rows / 2);
        End::Halved(first, second)
    }

    /// Says it once when the receiver's state changes.
    fn change(&mut self, health: Health, why: &str) {
        if std::mem::replace(&mut self.health, health) == health {
            return;
        }
        let (sink, url) = (&*self.name, self.metrics.url());
        match health {
            Health::Good => tracing::info!(sink, url, "samples are being accepted again"),
            Health::Failing => tracing::warn!(sink, url, why, "sending samples fails, trying again"),
            Health::Rejecting => tracing::error!(sink, url, why, "samples were rejected and dropped"),
        }
    }
}

/// The segments cut behind row `at`.
fn split(part: &[Segment], at: usize) -> (Vec<Segment>, Vec<Segment>) {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    let mut left = at;
    for segment in part {
        let cut = segment.rows.start + left.min(segment.rows.len());
        left -= cut - segment.rows.start;
        for (half, rows) in [
            (&mut first, segment.rows.start..cut),
            (&mut second, cut..segment.rows.end),
        ] {
            if !rows.is_empty() {
                half.push(Segment {
                    batch: segment.batch.clone(),
                    rows,
                });
            }
        }
    }
    (first, second)
}

/// The beginning of an answer's body; what cannot be read of it is left out.
async fn text(mut response: Response) -> String {
    let mut text = Vec::new();
    while text.len() < ANSWER
        && let Ok(Some(chunk)) = response.chunk().await
    {
        text.extend_from_slice(&chunk[..chunk.len().min(ANSWER - text.len())]);
    }
    String::from_utf8_lossy(&text).into_owned()
}
