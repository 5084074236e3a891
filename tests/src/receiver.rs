//! A receiver in this process: Loki push and Prometheus remote write, with scripted answers.
//!
//! Takes the place of Loki and Prometheus in suites. It decodes what arrives with the wire crate's messages, answers
//! what the script says (2xx when it is empty) and keeps what it has accepted. What was refused, or whose sender
//! went away before the answer, counts as not arrived.
//!
//! Also used by the runtime's own tests (by path, because this package depends on that crate); so it names nothing
//! that only one of them has.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use millstream_wire::{loki_push, remote_write};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Where Loki takes entries.
pub const PUSH: &str = "/loki/api/v1/push";

/// Where Prometheus takes samples.
pub const WRITE: &str = "/api/v1/write";

/// The largest request, unpacked: far above any that is meant, so that a runaway sender fails a test, not the machine.
const LARGEST: usize = 256 << 20;

/// How long `wait_for` waits: far above what a loaded machine needs, below a suite's own limit.
const PATIENCE: Duration = Duration::from_secs(30);

/// One scripted answer.
#[derive(Clone, Debug)]
pub struct Answer {
    status: u16,
    body: String,
    headers: Vec<(String, String)>,
    delay: Duration,
    closes: bool,
}

impl Answer {
    /// An answer with this status and no body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self {
            status,
            body: String::new(),
            headers: Vec::new(),
            delay: Duration::ZERO,
            closes: false,
        }
    }

    /// No answer: the connection is closed instead.
    #[must_use]
    pub fn close() -> Self {
        Self {
            closes: true,
            ..Self::status(500)
        }
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    /// With a further header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Given only after a while; a delay beyond the sender's timeout is a hang.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = self.body.into_response();
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// A request that came, accepted or not.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The path it came to.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// What was answered; 0 when the connection was closed instead.
    pub status: u16,
    /// How many entries or samples it held.
    pub rows: usize,
    /// The body's size as it came.
    pub bytes: usize,
}

/// An accepted entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The stream, as text.
    pub labels: String,
    /// Nanoseconds since the Unix epoch.
    pub timestamp: i64,
    /// The text.
    pub line: String,
    /// Structured metadata.
    pub metadata: Vec<(String, String)>,
}

/// An accepted sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The series.
    pub labels: Vec<(String, String)>,
    /// The value.
    pub value: f64,
    /// Milliseconds since the Unix epoch.
    pub timestamp: i64,
}

#[derive(Default)]
struct Store {
    scripts: HashMap<String, VecDeque<Answer>>,
    arrivals: Vec<Arrival>,
    entries: Vec<Entry>,
    samples: Vec<Sample>,
}

struct Shared {
    store: Mutex<Store>,
    /// Accepted rows so far.
    accepted: watch::Sender<usize>,
    /// Whether rows are kept, or only counted (for load).
    keeps: bool,
}

impl Shared {
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A receiver; stops when dropped.
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    _stop: DropGuard,
}

impl Receiver {
    /// A receiver on a free port that keeps what it accepts.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> io::Result<Self> {
        Self::listen("127.0.0.1:0", true).await
    }

    /// A receiver on a free port that only counts what it accepts, for measurements.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn counting() -> io::Result<Self> {
        Self::listen("127.0.0.1:0", false).await
    }

    /// A receiver at a given address: one that comes back.
    ///
    /// # Errors
    /// When the address is taken.
    pub async fn at(address: SocketAddr) -> io::Result<Self> {
        Self::listen(&address.to_string(), true).await
    }

    async fn listen(address: &str, keeps: bool) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            store: Mutex::default(),
            accepted: watch::Sender::new(0),
            keeps,
        });
        let router = Router::new()
            .fallback(answer)
            .layer(DefaultBodyLimit::max(LARGEST))
            .with_state(shared.clone());
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stopped.cancelled() => {}
                _ = axum::serve(listener, router) => {}
            }
        });
        Ok(Self {
            address,
            shared,
            _stop: stop.drop_guard(),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL for Loki pushes.
    #[must_use]
    pub fn push_url(&self) -> String {
        format!("http://{}{PUSH}", self.address)
    }

    /// The URL for remote writes.
    #[must_use]
    pub fn write_url(&self) -> String {
        format!("http://{}{WRITE}", self.address)
    }

    /// Appends answers for the next requests to `path`; without any, 204 (200 for remote write) is answered.
    pub fn script(&self, path: &str, answers: impl IntoIterator<Item = Answer>) {
        self.shared
            .store()
            .scripts
            .entry(path.to_owned())
            .or_default()
            .extend(answers);
    }

    /// Every request so far, in order of arrival.
    #[must_use]
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.shared.store().arrivals.clone()
    }

    /// The accepted entries, in order of arrival.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.shared.store().entries.clone()
    }

    /// The lines of each accepted stream, in order of arrival.
    #[must_use]
    pub fn streams(&self) -> BTreeMap<String, Vec<String>> {
        let mut streams = BTreeMap::<_, Vec<_>>::new();
        for entry in self.entries() {
            streams.entry(entry.labels).or_default().push(entry.line);
        }
        streams
    }

    /// The accepted samples, in order of arrival.
    #[must_use]
    pub fn samples(&self) -> Vec<Sample> {
        self.shared.store().samples.clone()
    }

    /// How many entries and samples were accepted.
    #[must_use]
    pub fn accepted(&self) -> usize {
        *self.shared.accepted.borrow()
    }

    /// Waits until at least `rows` entries and samples were accepted.
    ///
    /// # Errors
    /// When they do not come within half a minute.
    pub async fn wait_for(&self, rows: usize) -> io::Result<()> {
        let mut accepted = self.shared.accepted.subscribe();
        match tokio::time::timeout(PATIENCE, accepted.wait_for(|now| *now >= rows)).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("{} of {rows} rows arrived within {PATIENCE:?}", self.accepted()),
            )),
        }
    }
}

async fn answer(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let path = uri.path();
    let decoded = match path {
        PUSH => loki_push::decode(&body, LARGEST)
            .map(entries)
            .map_err(|error| error.to_string()),
        WRITE => remote_write::decode(&body, LARGEST)
            .map(samples)
            .map_err(|error| error.to_string()),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let (answer, rows) = match decoded {
        Ok(rows) => {
            let usual = Answer::status(if path == PUSH { 204 } else { 200 });
            let scripted = shared.store().scripts.get_mut(path).and_then(VecDeque::pop_front);
            (scripted.unwrap_or(usual), rows)
        }
        Err(why) => (Answer::status(400).body(&why), Rows::default()),
    };
    tokio::time::sleep(answer.delay).await;
    let count = rows.entries.len() + rows.samples.len();
    {
        let mut store = shared.store();
        let status = if answer.closes { 0 } else { answer.status };
        store.arrivals.push(Arrival {
            path: path.to_owned(),
            headers,
            status,
            rows: count,
            bytes: body.len(),
        });
        if shared.keeps && (200..300).contains(&status) {
            store.entries.extend(rows.entries);
            store.samples.extend(rows.samples);
        }
    }
    if answer.closes {
        // Unwinding ends the connection's task, and with it the connection; no hook runs, nothing is printed.
        std::panic::resume_unwind(Box::new("closed by the script"));
    }
    if (200..300).contains(&answer.status) {
        shared.accepted.send_modify(|accepted| *accepted += count);
    }
    answer.into_response()
}

#[derive(Default)]
struct Rows {
    entries: Vec<Entry>,
    samples: Vec<Sample>,
}

fn entries(request: loki_push::PushRequest) -> Rows {
    let mut rows = Rows::default();
    for stream in request.streams {
        rows.entries.extend(stream.entries.into_iter().map(|entry| {
            Entry {
                labels: stream.labels.clone(),
                timestamp: entry.timestamp.map_or(0, |time| time.nanoseconds()),
                line: entry.line,
                metadata: entry
                    .structured_metadata
                    .into_iter()
                    .map(|pair| (pair.name, pair.value))
                    .collect(),
            }
        }));
    }
    rows
}

fn samples(request: remote_write::WriteRequest) -> Rows {
    let mut rows = Rows::default();
    for series in request.timeseries {
        let labels: Vec<_> = series
            .labels
            .into_iter()
            .map(|label| (label.name, label.value))
            .collect();
        rows.samples
            .extend(series.samples.into_iter().map(|sample| Sample {
                labels: labels.clone(),
                value: sample.value,
                timestamp: sample.timestamp,
            }));
    }
    rows
}
