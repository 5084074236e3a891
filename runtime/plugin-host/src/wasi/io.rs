//! `wasi:io`: streams and polling, of which none ever waits.

use wasmtime::Result;
use wasmtime::component::Resource;

use super::Wasi;
use super::bindings::wasi::io::{error, poll, streams};
use super::clocks::Pollable;
use super::stream::{Failure, InputStream, OutputStream, READ};

type Streamed<T> = Result<Result<T, streams::StreamError>>;

impl Wasi {
    /// The next bytes of a stream.
    fn next(&mut self, stream: &Resource<InputStream>, length: u64) -> Streamed<Vec<u8>> {
        match self.table.get_mut(stream)?.read(length) {
            Ok(Some(bytes)) => Ok(Ok(bytes)),
            Ok(None) => Ok(Err(streams::StreamError::Closed)),
            Err(error) => {
                let failure = self.table.push(Failure(error))?;
                Ok(Err(streams::StreamError::LastOperationFailed(failure)))
            }
        }
    }

    fn put(&mut self, stream: &Resource<OutputStream>, bytes: &[u8]) -> Streamed<()> {
        let lines = match *self.table.get(stream)? {
            OutputStream::Stdout => &mut self.stdout,
            OutputStream::Stderr => &mut self.stderr,
        };
        lines.write(bytes, &*self.events);
        Ok(Ok(()))
    }

    fn put_zeroes(&mut self, stream: &Resource<OutputStream>, length: u64) -> Streamed<()> {
        let length = usize::try_from(length.min(READ))?;
        self.put(stream, &vec![0; length])
    }

    fn is_ready(&mut self, pollable: &Resource<Pollable>) -> Result<bool> {
        let pollable = *self.table.get(pollable)?;
        Ok(match pollable {
            Pollable::Ready => true,
            Pollable::At(when) => when <= self.look(),
        })
    }
}

impl error::Host for Wasi {}

impl error::HostError for Wasi {
    fn to_debug_string(&mut self, failure: Resource<Failure>) -> Result<String> {
        Ok(self.table.get(&failure)?.0.to_string())
    }

    fn drop(&mut self, failure: Resource<Failure>) -> Result<()> {
        self.table.delete(failure)
    }
}

impl poll::Host for Wasi {
    fn poll(&mut self, pollables: Vec<Resource<Pollable>>) -> Result<Vec<u32>> {
        let mut earliest = u64::MAX;
        for pollable in &pollables {
            match self.table.get(pollable)? {
                Pollable::Ready => earliest = 0,
                Pollable::At(when) => earliest = earliest.min(*when),
            }
        }
        self.monotonic.skip_to(earliest, self.granted.clock);
        let mut ready = Vec::new();
        for (index, pollable) in (0..).zip(&pollables) {
            if self.is_ready(pollable)? {
                ready.push(index);
            }
        }
        if ready.is_empty() {
            wasmtime::bail!("it waits for nothing");
        }
        Ok(ready)
    }
}

impl poll::HostPollable for Wasi {
    fn ready(&mut self, pollable: Resource<Pollable>) -> Result<bool> {
        self.is_ready(&pollable)
    }

    fn block(&mut self, pollable: Resource<Pollable>) -> Result<()> {
        if let Pollable::At(when) = *self.table.get(&pollable)? {
            self.monotonic.skip_to(when, self.granted.clock);
        }
        Ok(())
    }

    fn drop(&mut self, pollable: Resource<Pollable>) -> Result<()> {
        self.table.delete(pollable)
    }
}

impl streams::Host for Wasi {}

impl streams::HostInputStream for Wasi {
    fn read(&mut self, stream: Resource<InputStream>, length: u64) -> Streamed<Vec<u8>> {
        self.next(&stream, length)
    }

    fn blocking_read(&mut self, stream: Resource<InputStream>, length: u64) -> Streamed<Vec<u8>> {
        self.next(&stream, length)
    }

    fn skip(&mut self, stream: Resource<InputStream>, length: u64) -> Streamed<u64> {
        Ok(self.next(&stream, length)?.map(|bytes| bytes.len() as u64))
    }

    fn blocking_skip(&mut self, stream: Resource<InputStream>, length: u64) -> Streamed<u64> {
        self.skip(stream, length)
    }

    fn subscribe(&mut self, _: Resource<InputStream>) -> Result<Resource<Pollable>> {
        self.table.push(Pollable::Ready)
    }

    fn drop(&mut self, stream: Resource<InputStream>) -> Result<()> {
        self.table.delete(stream)
    }
}

impl streams::HostOutputStream for Wasi {
    fn check_write(&mut self, _: Resource<OutputStream>) -> Streamed<u64> {
        Ok(Ok(READ))
    }

    fn write(&mut self, stream: Resource<OutputStream>, bytes: Vec<u8>) -> Streamed<()> {
        self.put(&stream, &bytes)
    }

    fn blocking_write_and_flush(&mut self, stream: Resource<OutputStream>, bytes: Vec<u8>) -> Streamed<()> {
        self.put(&stream, &bytes)
    }

    fn flush(&mut self, _: Resource<OutputStream>) -> Streamed<()> {
        Ok(Ok(()))
    }

    fn blocking_flush(&mut self, _: Resource<OutputStream>) -> Streamed<()> {
        Ok(Ok(()))
    }

    fn subscribe(&mut self, _: Resource<OutputStream>) -> Result<Resource<Pollable>> {
        self.table.push(Pollable::Ready)
    }

    fn write_zeroes(&mut self, stream: Resource<OutputStream>, length: u64) -> Streamed<()> {
        self.put_zeroes(&stream, length)
    }

    fn blocking_write_zeroes_and_flush(
        &mut self,
        stream: Resource<OutputStream>,
        length: u64,
    ) -> Streamed<()> {
        self.put_zeroes(&stream, length)
    }

    fn splice(
        &mut self,
        stream: Resource<OutputStream>,
        source: Resource<InputStream>,
        length: u64,
    ) -> Streamed<u64> {
        match self.next(&source, length)? {
            Ok(bytes) => Ok(self.put(&stream, &bytes)?.map(|()| bytes.len() as u64)),
            Err(error) => Ok(Err(error)),
        }
    }

    fn blocking_splice(
        &mut self,
        stream: Resource<OutputStream>,
        source: Resource<InputStream>,
        length: u64,
    ) -> Streamed<u64> {
        self.splice(stream, source, length)
    }

    fn drop(&mut self, stream: Resource<OutputStream>) -> Result<()> {
        self.table.delete(stream)
    }
}
