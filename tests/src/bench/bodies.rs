//! A receiver that keeps what it is sent and looks at it afterwards, so that it takes as little as it can from the agent that is
//! measured: on two cores a receiver that decodes would be half of the measurement.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use millstream_wire::loki_push;
use tokio::time::Instant;

/// The largest request, unpacked: far above any that is meant.
const LARGEST: usize = 256 << 20;

/// What a buffer made beforehand has room for: most requests of the default size, packed.
const ROOM: usize = 256 << 10;

/// A request.
struct Request {
    /// When it was whole.
    at: Instant,
    /// Head and body, and perhaps something behind them.
    buffer: Vec<u8>,
    /// Where the body is.
    body: Range<usize>,
}

/// What came, and where more can be put.
#[derive(Default)]
struct Store {
    kept: Mutex<Vec<Request>>,
    /// Buffers made beforehand.
    spare: Mutex<Vec<Vec<u8>>>,
    /// Keeps nothing.
    forgets: bool,
}

/// The receiver.
pub struct Bodies {
    address: SocketAddr,
    store: Arc<Store>,
}

/// What a request brought.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// When.
    pub at: Instant,
    /// Entries.
    pub entries: usize,
    /// Bytes of their lines.
    pub bytes: usize,
}

impl Bodies {
    /// On a free port, with buffers for so many requests made beforehand. Its threads end with the process.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start(requests: usize) -> io::Result<Self> {
        // Not zero, so that the system gives the memory now and not while something is measured.
        let spare = (0..requests).map(|_| vec![1; ROOM]).collect();
        Self::listen(Store {
            spare: Mutex::new(spare),
            ..Store::default()
        })
    }

    /// The same, for a run that sends more than there is memory: keeps nothing.
    ///
    /// # Errors
    /// Likewise.
    pub fn forgetting() -> io::Result<Self> {
        Self::listen(Store {
            forgets: true,
            ..Store::default()
        })
    }

    fn listen(store: Store) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (address, store) = (listener.local_addr()?, Arc::new(store));
        let all = store.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let store = all.clone();
                // The sender goes when it is done.
                std::thread::spawn(move || serve(stream, &store));
            }
        });
        Ok(Self { address, store })
    }

    /// Where to push.
    #[must_use]
    pub fn push_url(&self) -> String {
        format!("http://{}/loki/api/v1/push", self.address)
    }

    /// What came, in order; with how often each text came when asked for, to find what is missing or came twice.
    ///
    /// # Errors
    /// When a body is no push request.
    pub fn arrivals(&self, mut texts: Option<&mut HashMap<String, usize>>) -> anyhow::Result<Vec<Arrival>> {
        let mut arrivals = Vec::new();
        for Request { at, buffer, body } in lock(&self.store.kept).iter() {
            let request = loki_push::decode(&buffer[body.clone()], LARGEST)
                .context("a body that is no push request")?;
            let (mut entries, mut bytes) = (0, 0);
            for entry in request.streams.into_iter().flat_map(|stream| stream.entries) {
                entries += 1;
                bytes += entry.line.len();
                if let Some(texts) = &mut texts {
                    *texts.entry(entry.line).or_default() += 1;
                }
            }
            arrivals.push(Arrival {
                at: *at,
                entries,
                bytes,
            });
        }
        Ok(arrivals)
    }
}

impl Drop for Bodies {
    /// Gives the memory back, which the thread that listens would keep.
    fn drop(&mut self) {
        *lock(&self.store.kept) = Vec::new();
        *lock(&self.store.spare) = Vec::new();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers requests until the sender goes. A request is read to where it stays, and in as few calls as it comes in: every further
/// copy, call and page of fresh memory is time that the sender does not have on a machine of two cores.
fn serve(mut stream: TcpStream, store: &Store) -> io::Result<()> {
    loop {
        let mut buffer = lock(&store.spare).pop().unwrap_or_else(|| vec![1; ROOM]);
        let mut filled = 0;
        let body = loop {
            if let Some(body) = body(&buffer[..filled]) {
                break body;
            }
            match stream.read(&mut buffer[filled..])? {
                0 => return Ok(()),
                read => filled += read,
            }
        };
        if buffer.len() < body.end {
            buffer.resize(body.end, 1);
        }
        stream.read_exact(&mut buffer[filled..body.end])?;
        if store.forgets {
            lock(&store.spare).push(buffer);
        } else {
            lock(&store.kept).push(Request {
                at: Instant::now(),
                buffer,
                body,
            });
        }
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
    }
}

/// Where a request's body is, once its head is there.
fn body(buffer: &[u8]) -> Option<Range<usize>> {
    let start = buffer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(buffer.get(..start)?).to_ascii_lowercase();
    let length: Option<usize> = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    Some(start..start + length.unwrap_or(0))
}
