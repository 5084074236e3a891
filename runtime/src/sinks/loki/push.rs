//! Sends requests one after the other and sees each through: accepted, dropped and counted, or abandoned.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::causes::told;
use crate::delivery::Outcome;
use crate::delivery::spool::SpoolSettings;
use crate::transport::{self, Jitter};

use super::health::{Health, Trouble};
use super::metrics::Endpoint;
use super::outcome::{BLOCKED, RATE_LIMITED, REFUSED, TOO_LONG, blocked, outcome, rejected};
use super::request::Request;
use super::send::send;
use super::settings::LokiSettings;

/// How much of an answer the log shows.
const SHOWN: usize = 1024;

/// Sends requests.
#[derive(Debug)]
pub struct Pusher {
    settings: LokiSettings,
    client: reqwest::Client,
    counts: Arc<Endpoint>,
    health: Health,
    jitter: Jitter,
    /// Whether a wait was already cut short because of the drain.
    hurried: bool,
}

/// What ends a pusher's work.
#[derive(Clone, Copy, Debug)]
pub struct Stops<'a> {
    /// Give everything up.
    pub abort: &'a CancellationToken,
    /// Nothing more will come.
    pub draining: &'a CancellationToken,
    /// Another sink takes over.
    pub retire: &'a CancellationToken,
}

/// How an attempt series on one request ended.
enum End {
    /// Accepted, or dropped and counted.
    Settled,
    /// The receiver wants smaller requests.
    TooLarge,
    /// `abort` or `retire` came first.
    Aborted,
}

impl Pusher {
    /// For the sink of this name.
    #[must_use]
    pub fn new(
        sink: String,
        settings: LokiSettings,
        client: reqwest::Client,
        counts: Arc<Endpoint>,
        jitter: Jitter,
    ) -> Self {
        let health = Health::new(sink, transport::shown(&settings.url));
        Self {
            settings,
            client,
            counts,
            health,
            jitter,
            hurried: false,
        }
    }

    /// The sink's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.health.sink()
    }

    /// What counts its entries.
    #[must_use]
    pub fn counts(&self) -> Arc<Endpoint> {
        self.counts.clone()
    }

    /// What the settings say of a spool.
    #[must_use]
    pub fn spool(&self) -> Option<SpoolSettings> {
        self.settings.spool.clone()
    }

    /// Sends what `remains` of the sink before, then what comes, until the queue is closed and all is settled, or until
    /// `abort`; says how many rows that left here. When it retires, what was not delivered remains.
    pub async fn run(
        mut self,
        mut queue: mpsc::Receiver<Request>,
        stops: Stops<'_>,
        remains: &mut Vec<Request>,
    ) -> u64 {
        let mut inherited = std::mem::take(remains).into_iter();
        loop {
            let request = match inherited.next() {
                Some(request) => Some(request),
                None => tokio::select! {
                    biased;
                    () = stops.abort.cancelled() => break,
                    request = queue.recv() => request,
                },
            };
            let Some(request) = request else { return 0 };
            let left = self.deliver(request, stops).await;
            if left.is_empty() {
                continue;
            }
            // The next piece is the last one.
            let left = left.into_iter().rev();
            if stops.retire.is_cancelled() && !stops.abort.is_cancelled() {
                // What the spool has stays there.
                let (stored, alone): (Vec<_>, Vec<_>) = left.partition(|request| request.stored);
                for request in stored {
                    request.abandon();
                }
                remains.extend(alone);
                continue;
            }
            let left = left.chain(inherited);
            return left.map(Request::abandon).sum::<u64>() + abandon(queue).await;
        }
        inherited.map(Request::abandon).sum::<u64>() + abandon(queue).await
    }

    /// Sees a request through, in pieces if need be. What it returns was not settled.
    async fn deliver(&mut self, request: Request, stops: Stops<'_>) -> Vec<Request> {
        // The next piece is the last one: pieces go out in order.
        let mut pieces = vec![request];
        while let Some(piece) = pieces.pop() {
            match self.repeat(&piece, stops).await {
                End::Settled => piece.settle(),
                End::TooLarge => match piece.halve() {
                    Ok(Some((first, second))) => {
                        // The halves hold its receipts.
                        piece.settle();
                        pieces.extend([second, first]);
                    }
                    Ok(None) => {
                        self.give_up(&piece, TOO_LONG, piece.entries, "status 413 for a single entry");
                        piece.settle();
                    }
                    Err(error) => {
                        self.give_up(&piece, REFUSED, piece.entries, &told(&error));
                        piece.settle();
                    }
                },
                End::Aborted => {
                    pieces.push(piece);
                    return pieces;
                }
            }
        }
        pieces
    }

    /// Sends until there is a verdict.
    async fn repeat(&mut self, request: &Request, stops: Stops<'_>) -> End {
        let mut attempt = 0;
        loop {
            if stops.retire.is_cancelled() {
                return End::Aborted;
            }
            let reply = tokio::select! {
                biased;
                () = stops.abort.cancelled() => return End::Aborted,
                reply = send(&self.client, &self.settings, request, &self.counts) => reply,
            };
            let status = reply.as_ref().ok().map(|answer| answer.status);
            let (after, why) = match outcome(reply.as_ref().map_err(String::as_str), SystemTime::now()) {
                Outcome::Accepted => {
                    self.health.succeeded();
                    match reply {
                        Ok(answer) if blocked(&answer) => {
                            self.give_up(request, BLOCKED, request.entries, &answer.body);
                        }
                        _ => self.count(request, "", 0),
                    }
                    return End::Settled;
                }
                Outcome::TooLarge => return End::TooLarge,
                Outcome::Reject { reason, why } => {
                    // The receiver is well; it is the data it does not want.
                    self.health.succeeded();
                    let body = reply.map(|answer| answer.body).unwrap_or_default();
                    self.give_up(request, reason, rejected(&body, request.entries), &why);
                    return End::Settled;
                }
                Outcome::Retry { after, why } => (after, why),
            };
            if self.settings.backoff.exhausted(attempt) {
                let reason = if status == Some(429) {
                    RATE_LIMITED
                } else {
                    REFUSED
                };
                self.give_up(request, reason, request.entries, &why);
                return End::Settled;
            }
            self.health.failed(Trouble::of(status), shorten(&why));
            // What is in the spool is safe: a drain need not wait for the receiver.
            if request.stored && stops.draining.is_cancelled() {
                return End::Aborted;
            }
            if !self.wait(attempt, after, stops).await {
                return End::Aborted;
            }
            self.counts.retries.inc();
            attempt = attempt.saturating_add(1);
        }
    }

    /// Waits before the next attempt; `false` when `abort` or `retire` came first.
    async fn wait(&mut self, attempt: u32, after: Option<Duration>, stops: Stops<'_>) -> bool {
        let backoff = &self.settings.backoff;
        let ours = backoff.delay(attempt, self.jitter.draw());
        // On top of what the receiver asks for goes the jitter of a first wait: it tells everyone the same number.
        let theirs = after.map(|after| after + backoff.delay(0, self.jitter.draw()));
        tokio::select! {
            biased;
            () = stops.abort.cancelled() => return false,
            () = stops.retire.cancelled() => return false,
            () = stops.draining.cancelled(), if !self.hurried => self.hurried = true,
            () = tokio::time::sleep(ours.max(theirs.unwrap_or_default())) => {}
        }
        true
    }

    /// Counts a settled request: `lost` of its entries were given up for `reason`, the others arrived.
    fn count(&self, request: &Request, reason: &str, lost: usize) {
        let arrived = request.entries.saturating_sub(lost);
        if arrived > 0 {
            self.counts.sent_entries.inc_by(arrived as u64);
            self.counts.sent_bytes.inc_by(request.body.len() as u64);
        }
        if lost > 0 {
            // Which entries were refused is not known, so of the bytes they get their share.
            let bytes = request.bytes as u128 * lost as u128 / request.entries.max(1) as u128;
            self.counts
                .dropped(reason, lost as u64, u64::try_from(bytes).unwrap_or(u64::MAX));
        }
        for part in &request.parts {
            self.counts.latency.observe(part.arrived.elapsed().as_secs_f64());
        }
    }

    /// Gives entries of a request up, seen by metric and log.
    fn give_up(&mut self, request: &Request, reason: &str, lost: usize, why: &str) {
        self.count(request, reason, lost);
        self.health.dropped(reason, lost, shorten(why));
    }
}

/// Gives up the requests that still wait.
async fn abandon(mut queue: mpsc::Receiver<Request>) -> u64 {
    queue.close();
    let mut rows = 0;
    while let Some(request) = queue.recv().await {
        rows += request.abandon();
    }
    rows
}

/// The beginning of a text, for the log.
fn shorten(text: &str) -> &str {
    &text[..text.floor_char_boundary(SHOWN)]
}
