//! A receiver that keeps what it is sent and looks at it afterwards, so that it takes as little as it can from the agent that is
//! measured: on two cores a receiver that decodes would be half of the measurement.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use millstream_wire::loki_push;
use tokio::time::Instant;

/// The largest request, unpacked: far above any that is meant.
const LARGEST: usize = 256 << 20;

/// Request bodies, with the time they were whole.
type Kept = Arc<Mutex<Vec<(Instant, Vec<u8>)>>>;

/// The receiver.
pub struct Bodies {
    address: SocketAddr,
    kept: Kept,
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
    /// On a free port. Its threads end with the process.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start() -> io::Result<Self> {
        Self::listen(true)
    }

    /// The same, for a run that sends more than there is memory: keeps nothing.
    ///
    /// # Errors
    /// Likewise.
    pub fn forgetting() -> io::Result<Self> {
        Self::listen(false)
    }

    fn listen(keep: bool) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (address, kept) = (listener.local_addr()?, Kept::default());
        let all = kept.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let kept = all.clone();
                // The sender goes when it is done.
                std::thread::spawn(move || serve(stream, keep.then_some(&kept)));
            }
        });
        Ok(Self { address, kept })
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
        for (at, body) in lock(&self.kept).iter() {
            let request = loki_push::decode(body, LARGEST).context("a body that is no push request")?;
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers requests until the sender goes. A body is read to where it stays, since every further copy is time that the sender
/// does not have on a machine of two cores.
fn serve(mut stream: TcpStream, kept: Option<&Kept>) -> io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        let (end, length) = loop {
            if let Some(head) = head(&buffer) {
                break head;
            }
            if read(&mut stream, &mut buffer)? == 0 {
                return Ok(());
            }
        };
        let mut body = vec![0; length];
        let here = buffer.len().min(end + length) - end;
        body[..here].copy_from_slice(&buffer[end..end + here]);
        buffer.drain(..end + here);
        stream.read_exact(&mut body[here..])?;
        if let Some(kept) = kept {
            lock(kept).push((Instant::now(), body));
        }
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
    }
}

/// Where a request's head ends, and how long its body is.
fn head(buffer: &[u8]) -> Option<(usize, usize)> {
    let end = buffer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(buffer.get(..end)?).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    Some((end, length.unwrap_or(0)))
}

/// Reads what is there, the heads of requests and little of their bodies.
fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let mut piece = [0; 1024];
    let read = stream.read(&mut piece)?;
    buffer.extend_from_slice(&piece[..read]);
    Ok(read)
}
