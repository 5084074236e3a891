//! The reader under the schedule's control: it does with the book and the outlet what the file source does, line by line
//! and when told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use millstream::sources::file::CheckpointBook;
use millstream::sources::file::book::{Beginning, Resume, Sighting};
use millstream::sources::file::identity::{FileId, Fingerprint, HEAD, Identity};
use millstream::sources::outlet::Closed;
use millstream::sources::{LogParcel, Outlet};
use millstream_batch::{Labels, LogBatch};
use tokio::task::JoinHandle;

use crate::logs;
use crate::random::Random;
use crate::world::World;

/// The source's name in the book.
const SOURCE: &str = "simulated";

/// Reads the files of a world.
pub struct Reader {
    world: Arc<Mutex<World>>,
    book: Arc<CheckpointBook>,
    outlet: Outlet,
    open: HashMap<usize, Open>,
    /// Ends of generations that were closed.
    closed: HashMap<usize, u64>,
    sending: Option<Sending>,
    /// Every pipeline has stopped.
    pub is_closed: bool,
}

struct Open {
    origin: u64,
    /// Behind the last line handed on, or being handed on.
    offset: u64,
}

struct Sending {
    generation: usize,
    task: JoinHandle<Result<(), Closed>>,
}

impl Reader {
    /// Nothing is open yet.
    pub fn new(world: Arc<Mutex<World>>, book: Arc<CheckpointBook>, outlet: Outlet) -> Self {
        Self {
            world,
            book,
            outlet,
            open: HashMap::new(),
            closed: HashMap::new(),
            sending: None,
            is_closed: false,
        }
    }

    /// Whether a parcel waits for a pipeline.
    pub fn is_sending(&self) -> bool {
        self.sending.is_some()
    }

    /// Hears whether the parcel that was sent has been taken.
    pub async fn hear(&mut self) {
        if let Some(sending) = self.sending.take_if(|sending| sending.task.is_finished()) {
            self.is_closed |= sending.task.await.unwrap().is_err();
        }
    }

    /// Stops; a parcel that waits is given up.
    pub async fn stop(self) {
        if let Some(sending) = self.sending {
            sending.task.abort();
            // Aborted, or done just before.
            let _ = sending.task.await;
        }
    }

    /// Reads some lines of a file: of its oldest generation that has any. False when there is nothing to read.
    pub fn read(&mut self, file: usize, most: usize) -> bool {
        if self.sending.is_some() || self.is_closed {
            return false;
        }
        let generations = self.world.lock().unwrap().logs.files[file].clone();
        for generation in generations {
            let (there, empty) = {
                let logs = &self.world.lock().unwrap().logs;
                let known = &logs.generations[generation];
                let open = self.open.contains_key(&generation);
                (!known.truncated && (known.named || open), known.lines.is_empty())
            };
            if !there || empty {
                continue;
            }
            if !self.open.contains_key(&generation) {
                self.open(generation);
            }
            if self.send(generation, most) {
                return true;
            }
        }
        false
    }

    fn send(&mut self, generation: usize, most: usize) -> bool {
        let Some(open) = self.open.get_mut(&generation) else {
            return false;
        };
        let mut world = self.world.lock().unwrap();
        let lines = &world.logs.generations[generation].lines;
        let behind = |line: &usize| world.logs.lines[*line].end > open.offset;
        let lines: Vec<usize> = lines.iter().copied().filter(behind).take(most).collect();
        let Some(&last) = lines.last() else {
            return false;
        };
        open.offset = world.logs.lines[last].end;
        let name = logs::path(world.logs.lines[last].file);
        let parcel = LogParcel {
            source: 0,
            origin: open.origin,
            batch: LogBatch {
                timestamps: vec![world.now; lines.len()],
                lines: lines
                    .iter()
                    .map(|&line| world.logs.lines[line].text.as_str())
                    .collect(),
                streams: vec![0; lines.len()],
                labels: vec![Labels::from_pairs([("filename", name.as_str())])],
                ..LogBatch::default()
            },
            ends: lines.iter().map(|&line| world.logs.lines[line].end).collect(),
        };
        world.tell(format!("reads {lines:?} of generation {generation}"));
        world.send(&lines);
        let outlet = self.outlet.clone();
        let task = tokio::spawn(async move { outlet.send(parcel, 0).await });
        self.sending = Some(Sending { generation, task });
        true
    }

    fn open(&mut self, number: usize) {
        let mut world = self.world.lock().unwrap();
        let generation = &world.logs.generations[number];
        let (name, bytes) = (logs::path(generation.file), generation.bytes.as_slice());
        let id = FileId {
            device: 1,
            inode: generation.inode,
        };
        let head = &bytes[..bytes.len().min(HEAD)];
        let print = Fingerprint::of(head);
        let pipes: Vec<u32> = (0..u32::try_from(world.sinks.len()).unwrap()).collect();
        // A file that is open and was truncated is begun again without a question.
        let same = |other: &usize| world.logs.generations[*other].inode == id.inode;
        let before = self.open.keys().copied().find(same);
        let known = match before {
            Some(_) => None,
            None => self.book.resume(&Sighting {
                source: SOURCE,
                path: &name,
                id,
                born: None,
                head,
                size: bytes.len() as u64,
                pipes: &pipes,
            }),
        };
        let expected = match self.closed.get(&number) {
            Some(sent) => *sent,
            None => world.positions.get(&number).copied().unwrap_or(0),
        };
        let resume = known.unwrap_or_else(|| {
            self.book.begin(Beginning {
                source: SOURCE,
                path: &name,
                identity: Identity {
                    id,
                    born: None,
                    print,
                },
                offset: 0,
                pipes: &pipes,
            })
        });
        self.book.grown(resume.origin, print);
        let Resume { origin, offset, path } = resume;
        world.tell(format!(
            "opens generation {number} as origin {origin} at {offset}"
        ));
        if offset != expected || path != name {
            world.fail(format!(
                "generation {number} of {name} is read from {offset} as {path}; it was settled to {expected}"
            ));
        }
        if let Some(before) = before {
            self.open.remove(&before);
        }
        world.life.origins.insert(origin, number);
        world.life.begun.entry(number).or_insert(offset);
        world.positions.entry(number).or_insert(offset);
        self.open.insert(number, Open { origin, offset });
    }

    /// Closes some file that was read to its end.
    pub fn close(&mut self, random: &mut Random) {
        let mut world = self.world.lock().unwrap();
        let mut done: Vec<usize> = self.open.keys().copied().collect();
        done.retain(|&number| {
            let generation = &world.logs.generations[number];
            let waits = self
                .sending
                .as_ref()
                .is_some_and(|sending| sending.generation == number);
            !generation.truncated && generation.bytes.len() as u64 == self.open[&number].offset && !waits
        });
        done.sort_unstable();
        if done.is_empty() {
            return;
        }
        let number = random.pick(&done);
        let Some(Open { origin, offset }) = self.open.remove(&number) else {
            return;
        };
        world.tell(format!("closes generation {number}"));
        let generation = &world.logs.generations[number];
        let (inode, deleted) = (generation.inode, !generation.named);
        self.book.close(origin, offset, deleted);
        self.closed.insert(number, offset);
        if deleted {
            world.logs.free.push(inode);
        }
    }

    /// A generation lost its name; its inode is free unless it is open.
    pub fn deleted(&self, number: usize) {
        if !self.open.contains_key(&number) {
            let mut world = self.world.lock().unwrap();
            let inode = world.logs.generations[number].inode;
            world.logs.free.push(inode);
        }
    }
}
