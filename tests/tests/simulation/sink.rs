//! A sink under the schedule's control: it takes shipments when told, spreads each over some requests as the real ones
//! do, and answers them in any order, or never.

use std::collections::HashMap;
use std::sync::Arc;

use millstream::delivery::{Load, Receipt, Shipment};
use millstream_batch::LogBatch;
use millstream_wire::loki_push::{Packed, PushEncoder, StreamBuffer, decode};
use tokio::sync::mpsc;

use crate::random::Random;
use crate::world::World;

/// A simulated sink.
pub struct Sink {
    /// Whose.
    pub pipeline: usize,
    /// Its number there.
    pub number: usize,
    inlet: Option<mpsc::Receiver<Shipment>>,
    requests: Vec<Request>,
    last: HashMap<usize, usize>,
}

/// Lines on their way.
struct Request {
    lines: Vec<usize>,
    receipt: Receipt,
}

impl Sink {
    /// A sink that has nothing yet.
    pub fn new(pipeline: usize, number: usize, inlet: mpsc::Receiver<Shipment>) -> Self {
        Self {
            pipeline,
            number,
            inlet: Some(inlet),
            requests: Vec::new(),
            last: HashMap::new(),
        }
    }

    /// Takes a shipment, if one waits.
    pub fn take(&mut self, world: &mut World, random: &mut Random) -> bool {
        let Some(Ok(Shipment { load, receipt })) = self.inlet.as_mut().map(mpsc::Receiver::try_recv) else {
            return false;
        };
        let entries = match load {
            Load::Logs(batch) => self.entries(&batch, world),
            Load::Packed(packed) => self.packed_entries(&packed, world),
            Load::Samples(_) => {
                world.fail("samples came from a file");
                return false;
            }
        };
        let requests = 1 + random.below(3);
        for part in entries.chunks(entries.len().div_ceil(requests).max(1)) {
            self.requests.push(Request {
                lines: part.concat(),
                receipt: receipt.clone(),
            });
        }
        receipt.settle();
        true
    }

    fn entries(&mut self, batch: &LogBatch, world: &mut World) -> Vec<Vec<usize>> {
        let mut entries = Vec::new();
        for (row, text) in batch.lines.iter().enumerate() {
            let labels = batch.labels_of(row);
            entries.push(world.entry(self.pipeline, &mut self.last, labels.get("filename"), text));
        }
        entries
    }

    fn packed_entries(&mut self, packed: &Arc<Packed>, world: &mut World) -> Vec<Vec<usize>> {
        let mut entries = Vec::new();
        for (number, chunk) in packed.chunks().iter().enumerate() {
            let mut buffer = StreamBuffer::default();
            buffer.push_chunk(packed, number);
            let mut encoder = PushEncoder::default();
            let body = encoder.encode([(&*chunk.labels, &buffer)]).unwrap();
            for stream in decode(body, usize::MAX).unwrap().streams {
                let filename = stream.labels.split_once("filename=\"");
                let filename = filename.and_then(|(_, rest)| rest.split('"').next());
                for entry in &stream.entries {
                    entries.push(world.entry(self.pipeline, &mut self.last, filename, &entry.line));
                }
            }
        }
        entries
    }

    /// Some request is accepted.
    pub fn accept(&mut self, world: &mut World, random: &mut Random) -> bool {
        let Some(request) = self.some(random) else {
            return false;
        };
        world.deliver(self.pipeline, self.number, &request.lines);
        request.receipt.settle();
        true
    }

    /// Some request is given up.
    pub fn abandon(&mut self, random: &mut Random) -> bool {
        let Some(request) = self.some(random) else {
            return false;
        };
        request.receipt.abandon();
        true
    }

    /// It ends, with all it has. Some of it may have arrived without an answer.
    pub fn die(&mut self, world: &mut World, random: &mut Random) {
        self.inlet = None;
        for request in std::mem::take(&mut self.requests) {
            if random.chance(30) {
                world.deliver(self.pipeline, self.number, &request.lines);
            }
        }
    }

    /// Whether it lives.
    pub fn is_alive(&self) -> bool {
        self.inlet.is_some()
    }

    fn some(&mut self, random: &mut Random) -> Option<Request> {
        if self.requests.is_empty() {
            return None;
        }
        let place = random.below(self.requests.len());
        Some(self.requests.remove(place))
    }
}
