//! One schedule: what happens, in which order, all from one seed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use millstream::sources::file::CheckpointBook;

use crate::disk::Disk;
use crate::life::Life;
use crate::logs;
use crate::mill::{Kind, Mill};
use crate::random::Random;
use crate::world::World;

/// Steps after which everything written must have been read and drained.
const ENOUGH: usize = 10_000;

/// What a schedule came to.
#[derive(Debug, Default)]
pub struct Tally {
    /// Lines written.
    pub lines: u64,
    /// Entries that sinks got.
    pub entries: u64,
    /// Crashes, reloads and other ends.
    pub lives: u64,
    /// Reloads of plugins in a pipeline that runs.
    pub swaps: u64,
}

/// What can happen, and how often.
const EVENTS: &[(usize, Event)] = &[
    (20, Event::Append),
    (24, Event::Read),
    (16, Event::Take),
    (16, Event::Accept),
    (7, Event::Wait),
    (6, Event::Save),
    (3, Event::Rotate),
    (1, Event::Truncate),
    (1, Event::Delete),
    (2, Event::Close),
    (1, Event::Abandon),
    (1, Event::Die),
    (2, Event::Crash),
    (1, Event::CrashInSave),
    (2, Event::Reload),
    (1, Event::Restart),
    (6, Event::Swap),
];

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Append,
    Read,
    Take,
    Accept,
    Wait,
    Save,
    Rotate,
    Truncate,
    Delete,
    Close,
    Abandon,
    Die,
    Crash,
    CrashInSave,
    Reload,
    Restart,
    Swap,
}

/// A schedule under way.
struct Schedule<'a> {
    random: Random,
    mill: &'a Mill,
    world: Arc<Mutex<World>>,
    disk: Disk,
    book: Arc<CheckpointBook>,
    life: Option<Life>,
    kinds: Vec<Kind>,
    tally: Tally,
}

/// Runs the schedule of a seed; an error tells which invariant broke, and the story.
pub async fn run(seed: u64, mill: &Mill) -> Result<Tally, String> {
    let mut random = Random::new(seed);
    let pipelines = 1 + random.below(2);
    let sinks = (0..pipelines).map(|_| 1 + random.below(2)).collect();
    let world = Arc::new(Mutex::new(World::new(sinks)));
    let disk = Disk::new();
    let book = disk.open(&world);
    let kinds = (0..pipelines).map(|_| random.pick(&Kind::ALL)).collect();
    let mut schedule = Schedule {
        random,
        mill,
        world: world.clone(),
        disk,
        book,
        life: None,
        kinds,
        tally: Tally::default(),
    };
    schedule.begin();
    schedule.all().await;
    let mut world = world.lock().unwrap();
    if let Some(failure) = world.failure.take() {
        return Err(format!("{failure}\n  {}", world.story.join("\n  ")));
    }
    schedule.tally.lines = world.logs.lines.len() as u64;
    schedule.tally.entries = world.entries;
    Ok(schedule.tally)
}

impl Schedule<'_> {
    fn begin(&mut self) {
        for kind in &mut self.kinds {
            if self.random.chance(20) {
                *kind = self.random.pick(&Kind::ALL);
            }
        }
        self.tally.lives += 1;
        self.life = Some(Life::start(&self.world, &self.book, self.mill, &self.kinds));
    }

    fn broken(&self) -> bool {
        self.world.lock().unwrap().failure.is_some()
    }

    async fn all(&mut self) {
        let steps = 20 + self.random.below(120);
        // Some schedules know no sinks that give up; else hardly any life would end well.
        let faithful = self.random.chance(60);
        for _ in 0..steps {
            let event = self.event();
            if !(faithful && matches!(event, Event::Abandon | Event::Die)) {
                self.step(event).await;
            }
            if let Some(life) = &mut self.life {
                life.rest().await;
            }
            if self.broken() {
                return;
            }
        }
        self.end().await;
    }

    fn event(&mut self) -> Event {
        let mut at = self.random.below(EVENTS.iter().map(|(weight, _)| weight).sum());
        for (weight, event) in EVENTS {
            match at.checked_sub(*weight) {
                Some(rest) => at = rest,
                None => return *event,
            }
        }
        Event::Wait
    }

    async fn step(&mut self, event: Event) {
        let file = self.random.below(logs::FILES);
        let count = 1 + self.random.below(6);
        match event {
            Event::Append | Event::Rotate | Event::Truncate | Event::Delete => self.write(event, file, count),
            Event::Wait => self.wait().await,
            Event::Save => {
                self.world.lock().unwrap().tell("saves");
                self.disk.save(&self.book, &self.world);
            }
            Event::Crash | Event::CrashInSave | Event::Reload | Event::Restart => self.change(event).await,
            Event::Swap => self.swap(),
            Event::Read | Event::Close | Event::Take | Event::Accept | Event::Abandon | Event::Die => {
                self.act(event, file, count);
            }
        }
    }

    fn write(&mut self, event: Event, file: usize, count: usize) {
        let mut world = self.world.lock().unwrap();
        world.tell(format!("{event:?} {file}"));
        match event {
            Event::Append => world.logs.append(file, count, &mut self.random),
            Event::Rotate => drop(world.logs.create(file, &mut self.random)),
            Event::Truncate => world.logs.truncate(file),
            _ => {
                let deleted = world.logs.delete(file, &mut self.random);
                drop(world);
                if let (Some(number), Some(reader)) =
                    (deleted, self.life.as_ref().and_then(|life| life.reader.as_ref()))
                {
                    reader.deleted(number);
                }
            }
        }
    }

    fn act(&mut self, event: Event, file: usize, count: usize) {
        let (Some(life), random) = (&mut self.life, &mut self.random) else {
            return;
        };
        let number = random.below(life.sinks.len());
        match event {
            Event::Read => {
                if let Some(reader) = &mut life.reader {
                    reader.read(file, count);
                }
            }
            Event::Close => {
                if let Some(reader) = &mut life.reader {
                    reader.close(random);
                }
            }
            _ => {
                let mut world = self.world.lock().unwrap();
                let sink = &mut life.sinks[number];
                let (pipeline, number) = (sink.pipeline, sink.number);
                let done = match event {
                    Event::Take => sink.take(&mut world, random),
                    Event::Accept => sink.accept(&mut world, random),
                    Event::Abandon => {
                        let abandoned = sink.abandon(random);
                        *life.limps.lock().unwrap() |= abandoned;
                        abandoned
                    }
                    _ if sink.is_alive() => {
                        sink.die(&mut world, random);
                        *life.limps.lock().unwrap() = true;
                        true
                    }
                    _ => false,
                };
                if done {
                    world.tell(format!("{event:?}: sink {number} of pipeline {pipeline}"));
                }
            }
        }
    }

    /// Plugins of the running pipelines are reloaded.
    fn swap(&mut self) {
        let Some(life) = &mut self.life else { return };
        for (pipeline, kind) in self.kinds.iter().enumerate() {
            if self.random.chance(60) {
                self.world
                    .lock()
                    .unwrap()
                    .tell(format!("plugins of {pipeline} are reloaded"));
                self.tally.swaps += 1;
                life.swap(pipeline, *kind, self.mill, &mut self.random);
            }
        }
    }

    async fn wait(&mut self) {
        let times = [1, 200, 1000, 2900, 3000, 10_000];
        let time = Duration::from_millis(self.random.pick(&times));
        {
            let mut world = self.world.lock().unwrap();
            world.now += i64::try_from(time.as_nanos()).unwrap();
            world.tell(format!("{time:?} pass"));
        }
        tokio::time::advance(time).await;
    }

    /// The life ends, and another begins.
    async fn change(&mut self, event: Event) {
        let Some(life) = self.life.take() else { return };
        self.world.lock().unwrap().tell(format!("{event:?}"));
        if matches!(event, Event::Crash | Event::CrashInSave) {
            life.crash(&mut self.random).await;
            if event == Event::CrashInSave {
                self.disk.crash(&self.book, &self.world, &mut self.random);
            }
        } else {
            let patient = self.random.chance(75);
            life.drain(&mut self.random, patient).await;
            self.disk.save(&self.book, &self.world);
        }
        if event != Event::Reload {
            self.forget_the_nameless();
            self.book = self.disk.open(&self.world);
        }
        self.begin();
    }

    /// Files without a name go with the process that had them open.
    fn forget_the_nameless(&mut self) {
        let mut world = self.world.lock().unwrap();
        let there: Vec<u64> = world
            .logs
            .generations
            .iter()
            .filter(|g| g.named)
            .map(|g| g.inode)
            .collect();
        let gone = world
            .logs
            .generations
            .iter()
            .map(|g| g.inode)
            .filter(|inode| !there.contains(inode));
        let mut gone: Vec<u64> = gone.collect();
        gone.sort_unstable();
        gone.dedup();
        world.logs.free = gone;
    }

    /// Everything is read and drained with sinks that work; then nothing may be missing.
    async fn end(&mut self) {
        if self.life.as_ref().is_none_or(Life::limps) || self.random.chance(30) {
            let event = self.random.pick(&[Event::Crash, Event::Reload, Event::Restart]);
            self.change(event).await;
        }
        let Some(mut life) = self.life.take() else { return };
        self.world
            .lock()
            .unwrap()
            .tell("the end: all is read and drained");
        for step in 0.. {
            let file = step % logs::FILES;
            let read = life
                .reader
                .as_mut()
                .is_some_and(|reader| reader.read(file, 8) || reader.is_sending());
            let served = life.serve(&mut self.random);
            life.rest().await;
            let idle = !read && !served && life.reader.as_ref().is_some_and(|reader| !reader.is_sending());
            if (idle && step > 20) || self.broken() {
                break;
            }
            if step == ENOUGH {
                self.world.lock().unwrap().fail("reading to the end never ends");
            }
        }
        life.drain(&mut self.random, true).await;
        self.disk.save(&self.book, &self.world);
        let mut world = self.world.lock().unwrap();
        world.check_all();
        for pipeline in 0..world.sinks.len() {
            let owed = world.owed(pipeline);
            if owed > 0 {
                world.fail(format!(
                    "pipeline {pipeline} still owes {owed} entries after the last drain"
                ));
            }
        }
    }
}
