//! A receiver of Loki pushes that misbehaves as it is told: on the level of bytes, where a web framework will not.
//!
//! What it keeps it hands to [`Arrivals`]; it keeps exactly what a [`Move`] says it keeps, answered or not. The run of
//! the agent stands in the push URL (`?run=3`), so that each run's order can be checked by itself.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use millstream_wire::loki_push::{self, PushRequest};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::arrivals::Arrivals;
use crate::receiver::PUSH;

/// The largest request, unpacked.
const LARGEST: usize = 64 << 20;

/// The longest head of a request.
const LONGEST_HEAD: usize = 64 << 10;

/// What is done with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// Kept and answered 204.
    Accept,
    /// Kept and answered 204 after a while that the sender still waits for.
    Late(Duration),
    /// Not kept; a status, and after how many seconds to come back.
    Refuse(u16, Option<u32>),
    /// Answered 400 with Loki's text: so many entries at the beginning of the first stream are ignored, the rest is kept.
    Partial(usize),
    /// Kept and answered 200 with a body that breaks off.
    BreakOff,
    /// Not answered before the sender gives up; kept or not.
    Hang {
        /// Whether it is kept: then it comes again and is stored twice.
        keeps: bool,
        /// After how long 204 is answered, to whomever is still there.
        after: Duration,
    },
    /// The connection is reset before the body was read, or after.
    Reset {
        /// After the body.
        after_body: bool,
    },
    /// Not kept; bytes that are no HTTP.
    Garbage,
}

impl Move {
    /// Its name in figures.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Accept => "accepted",
            Self::Late(_) => "late",
            Self::Refuse(413, _) => "413",
            Self::Refuse(429, _) => "429",
            Self::Refuse(..) => "5xx",
            Self::Partial(_) => "400 in part",
            Self::BreakOff => "broken off",
            Self::Hang { keeps: true, .. } => "hung, stored",
            Self::Hang { keeps: false, .. } => "hung",
            Self::Reset { .. } => "reset",
            Self::Garbage => "garbage",
        }
    }
}

/// A request, as a policy sees it.
#[derive(Clone, Copy, Debug)]
pub struct Push {
    /// Which it is, from 0.
    pub number: u64,
    /// How many entries it holds.
    pub entries: usize,
    /// How many entries its first stream holds.
    pub first_stream: usize,
}

/// Decides what is done with each request, in order of arrival.
pub type Policy = Box<dyn FnMut(Push) -> Move + Send>;

struct State {
    policy: Policy,
    requests: u64,
    moves: BTreeMap<&'static str, u64>,
    /// Entries that a 400 named: the text of each.
    ignored: Vec<String>,
}

struct Shared {
    state: Mutex<State>,
    arrivals: Arc<Arrivals>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A receiver that misbehaves; its connections end when it is dropped.
pub struct Misbehaver {
    address: SocketAddr,
    shared: Arc<Shared>,
    _stop: DropGuard,
}

impl Misbehaver {
    /// On a free port.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(
        arrivals: &Arc<Arrivals>,
        policy: impl FnMut(Push) -> Move + Send + 'static,
    ) -> io::Result<Self> {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0)), arrivals, policy).await
    }

    /// At this address: one that comes back.
    ///
    /// # Errors
    /// When the address is taken.
    pub async fn at(
        address: SocketAddr,
        arrivals: &Arc<Arrivals>,
        policy: impl FnMut(Push) -> Move + Send + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                policy: Box::new(policy),
                requests: 0,
                moves: BTreeMap::new(),
                ignored: Vec::new(),
            }),
            arrivals: arrivals.clone(),
        });
        let stop = CancellationToken::new();
        tokio::spawn(listen(listener, shared.clone(), stop.clone()));
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

    /// Where to push to.
    #[must_use]
    pub fn push_url(&self) -> String {
        push_url(self.address)
    }

    /// Decides otherwise from now on.
    pub fn behave(&self, policy: impl FnMut(Push) -> Move + Send + 'static) {
        self.shared.state().policy = Box::new(policy);
    }

    /// How many requests have come.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.shared.state().requests
    }

    /// How often each move was made.
    #[must_use]
    pub fn moves(&self) -> BTreeMap<&'static str, u64> {
        self.shared.state().moves.clone()
    }

    /// The entries that were named as ignored.
    #[must_use]
    pub fn ignored(&self) -> Vec<String> {
        self.shared.state().ignored.clone()
    }
}

/// Where to push to at this address.
#[must_use]
pub fn push_url(address: SocketAddr) -> String {
    format!("http://{address}{PUSH}")
}

async fn listen(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else { continue };
        let (shared, stop) = (shared.clone(), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                // A sender that goes away ends its connection, nothing else.
                _ = Box::pin(serve(stream, &shared)) => {}
            }
        });
    }
}

/// One connection.
async fn serve(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut bytes = Vec::new();
    loop {
        let Some(end) = read_head(&mut stream, &mut bytes).await? else {
            return Ok(());
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        bytes.drain(..end);
        let (run, length) = understand(&head).ok_or(io::ErrorKind::InvalidData)?;
        while bytes.len() < length {
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
        }
        let request = loki_push::decode(&bytes[..length], LARGEST).map_err(io::Error::other)?;
        bytes.drain(..length);
        if !carry_out(&mut stream, shared, run, &request).await? {
            return Ok(());
        }
    }
}

/// Reads until the head of a request is there; where it ends, or none when the sender is gone.
async fn read_head(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> io::Result<Option<usize>> {
    loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            return Ok(Some(at + 4));
        }
        if bytes.len() > LONGEST_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if stream.read_buf(bytes).await? == 0 {
            return Ok(None);
        }
    }
}

/// The run in the URL (0 without one) and the length of the body.
fn understand(head: &str) -> Option<(u64, usize)> {
    let target = head.split(' ').nth(1)?;
    let run = target.split_once("run=").map_or("0", |(_, run)| run);
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim())
    });
    Some((run.parse().ok()?, length?.parse().ok()?))
}

/// Does what the policy says; false when the connection is over.
async fn carry_out(
    stream: &mut TcpStream,
    shared: &Shared,
    run: u64,
    request: &PushRequest,
) -> io::Result<bool> {
    let step = {
        let mut state = shared.state();
        let push = Push {
            number: state.requests,
            entries: request.streams.iter().map(|stream| stream.entries.len()).sum(),
            first_stream: request.streams.first().map_or(0, |stream| stream.entries.len()),
        };
        state.requests += 1;
        let step = (state.policy)(push);
        *state.moves.entry(step.name()).or_default() += 1;
        step
    };
    let answer = match step {
        Move::Accept => {
            keep(shared, run, request, 0);
            "HTTP/1.1 204 No Content\r\n\r\n".to_owned()
        }
        Move::Late(after) => {
            keep(shared, run, request, 0);
            tokio::time::sleep(after).await;
            "HTTP/1.1 204 No Content\r\n\r\n".to_owned()
        }
        Move::Refuse(status, after) => {
            let after = after.map_or(String::new(), |seconds| format!("Retry-After: {seconds}\r\n"));
            format!("HTTP/1.1 {status} No\r\n{after}Content-Length: 5\r\n\r\nbusy\n")
        }
        Move::Partial(ignored) => {
            keep(shared, run, request, ignored);
            let stream = request.streams.first();
            let total = stream.map_or(0, |stream| stream.entries.len());
            let body = format!(
                "entry with timestamp 2026-01-08 00:00:00 +0000 UTC ignored, reason: 'entry too far behind',\n\
                 user 'fake', total ignored: {ignored} out of {total} for stream: {}",
                stream.map_or("", |stream| stream.labels.as_str())
            );
            format!(
                "HTTP/1.1 400 Bad Request\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
        }
        Move::BreakOff => {
            keep(shared, run, request, 0);
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of")
                .await?;
            return Ok(false);
        }
        Move::Hang { keeps, after } => {
            if keeps {
                keep(shared, run, request, 0);
            }
            tokio::time::sleep(after).await;
            "HTTP/1.1 204 No Content\r\n\r\n".to_owned()
        }
        Move::Reset { after_body } => {
            if !after_body {
                stream.write_all(b"HTTP/1.1 2").await?;
            }
            stream.set_zero_linger()?;
            return Ok(false);
        }
        Move::Garbage => {
            stream
                .write_all(b"\x00\xff\x16\x03 no answer at all\r\n\r\n\r\n")
                .await?;
            return Ok(false);
        }
    };
    stream.write_all(answer.as_bytes()).await?;
    Ok(true)
}

/// Keeps a request but the first `ignored` entries of its first stream, which are noted as named.
fn keep(shared: &Shared, run: u64, request: &PushRequest, ignored: usize) {
    for (place, stream) in request.streams.iter().enumerate() {
        let skip = if place == 0 { ignored } else { 0 };
        let lines = stream.entries.iter().map(|entry| entry.line.as_str());
        shared
            .arrivals
            .take(run, &stream.labels, lines.clone().skip(skip));
        if skip > 0 {
            shared.state().ignored.extend(lines.take(skip).map(str::to_owned));
        }
    }
}
