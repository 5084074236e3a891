//! A source over real files that are written, rotated, copied, truncated and packed at random, against what a reader
//! may and may not do: no line twice or out of order in a run, none again that had settled, none missing but those
//! that a truncation cut off unread.

use std::collections::HashSet;
use std::io::{self, Read};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

/// How many seeds a test run takes; `MODEL_SEEDS=1000` for more, `MODEL_SEED=17` for one, with the source's log on stderr.
const SEEDS: u64 = 12;

/// Numbers from a seed (SplitMix64).
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// What was done, and what came of it.
struct World {
    place: Place,
    draw: Draw,
    /// The next line's number.
    next: u64,
    /// The first line of the file that has the name now.
    first: u64,
    generations: u64,
    /// Lines that a truncation took away before they had come.
    cut: HashSet<u64>,
    /// Lines that came in any run, and the last of this one.
    came: HashSet<u64>,
    last: Option<u64>,
    settled: HashSet<u64>,
    unsettled: Vec<(LogParcel, Vec<u64>)>,
    story: Vec<String>,
}

fn number(text: &str) -> u64 {
    text.split(' ').next().unwrap().parse().unwrap()
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            place: Place::new(),
            draw: Draw(seed),
            next: 0,
            first: 0,
            generations: 0,
            cut: HashSet::new(),
            came: HashSet::new(),
            last: None,
            settled: HashSet::new(),
            unsettled: Vec::new(),
            story: Vec::new(),
        }
    }

    fn tell(&mut self, what: impl Into<String>) {
        let what = what.into();
        tracing::info!(what);
        self.story.push(what);
    }

    fn append(&mut self) {
        let count = 1 + self
            .draw
            .below(if self.draw.0.is_multiple_of(5) { 3000 } else { 20 });
        let mut text = String::new();
        for _ in 0..count {
            text.push_str(&format!(
                "{:08} {}\n",
                self.next,
                "a line long enough to be told from others ".repeat(2)
            ));
            self.next += 1;
        }
        self.tell(format!("append {count} to {}", self.next));
        self.place.append("a.log", text);
    }

    /// Makes room for a new `a.log.1`.
    fn shift(&mut self) {
        for old in (1..=self.generations).rev() {
            for ending in ["", ".gz"] {
                let from = self.place.path(&format!("a.log.{old}{ending}"));
                if from.exists() {
                    fs::rename(from, self.place.path(&format!("a.log.{}{ending}", old + 1))).unwrap();
                }
            }
        }
        self.generations += 1;
    }

    fn act(&mut self) {
        let path = self.place.path("a.log");
        match self.draw.below(12) {
            0..=5 => self.append(),
            6 | 7 => {
                self.tell("rename");
                self.shift();
                fs::rename(&path, self.place.path("a.log.1")).unwrap();
                self.place.append("a.log", "");
                self.first = self.next;
            }
            8 => {
                self.tell("copytruncate");
                self.shift();
                fs::copy(&path, self.place.path("a.log.1")).unwrap();
                OpenOptions::new().write(true).truncate(true).open(&path).unwrap();
                self.first = self.next;
            }
            9 => {
                self.tell("truncate");
                OpenOptions::new().write(true).truncate(true).open(&path).unwrap();
                let lines = self.first..self.next;
                self.cut.extend(lines.filter(|line| !self.came.contains(line)));
                self.first = self.next;
                // Written anew at once: it may be longer than before when someone looks.
                self.append();
            }
            10 => {
                let old = 1 + self.draw.below(self.generations.max(1));
                self.gzip(&format!("a.log.{old}"));
            }
            _ => {
                self.tell("replace");
                // The old file's unread lines go with its name, unless it is open; so only what came is replaced.
                if (self.first..self.next).all(|line| self.settled.contains(&line)) {
                    self.place.append("fresh", "");
                    fs::rename(self.place.path("fresh"), &path).unwrap();
                    self.first = self.next;
                    self.append();
                }
            }
        }
    }

    fn gzip(&mut self, name: &str) {
        let (plain, gz) = (self.place.path(name), self.place.path(&format!("{name}.gz")));
        let Ok(mut file) = fs::File::open(&plain) else {
            return;
        };
        self.tell(format!("gzip {name}"));
        let mut text = Vec::new();
        file.read_to_end(&mut text).unwrap();
        let mut encoder = GzEncoder::new(fs::File::create(&gz).unwrap(), Compression::fast());
        encoder.write_all(&text).unwrap();
        let written = encoder.finish().unwrap();
        // It is done, and older than the two seconds it would be waited for.
        let modified = file.metadata().unwrap().modified().unwrap();
        written.set_modified(modified).unwrap();
        fs::remove_file(plain).unwrap();
    }

    fn take(&mut self, parcel: LogParcel) {
        let lines: Vec<u64> = parcel.batch.lines.iter().map(number).collect();
        tracing::info!(
            first = lines[0],
            last = lines[lines.len() - 1],
            origin = parcel.origin,
            "came"
        );
        for &line in &lines {
            assert!(
                self.last.is_none_or(|last| last < line),
                "{line} came after {:?}",
                self.last
            );
            assert!(
                !self.settled.contains(&line),
                "{line} came again, but it had settled"
            );
            self.last = Some(line);
            self.came.insert(line);
        }
        self.unsettled.push((parcel, lines));
    }

    /// Settles a beginning of what has come.
    fn settle(&mut self, book: &CheckpointBook, all: bool) {
        let count = self.unsettled.len();
        let some = if all {
            count
        } else {
            self.draw.below(count as u64 + 1) as usize
        };
        for (parcel, lines) in self.unsettled.drain(..some) {
            book.settled(0, parcel.origin, *parcel.ends.last().unwrap());
            self.settled.extend(lines);
        }
    }

    /// What stands on the disk.
    fn show(&self) {
        for entry in fs::read_dir(self.place.path(".")).unwrap() {
            let path = entry.unwrap().path();
            let mut text = fs::read(&path).unwrap();
            if path.extension().is_some_and(|extension| extension == "gz") {
                let packed = std::mem::take(&mut text);
                flate2::read::GzDecoder::new(&packed[..])
                    .read_to_end(&mut text)
                    .unwrap();
            }
            let text = String::from_utf8(text).unwrap();
            let (first, last) = (text.lines().next().map(number), text.lines().last().map(number));
            let inode = std::os::unix::fs::MetadataExt::ino(&fs::metadata(&path).unwrap());
            eprintln!("{inode} {} {first:?}..={last:?}", path.display());
        }
        let saved = fs::read_to_string(self.place.state().join("checkpoints.json")).unwrap_or_default();
        eprintln!("{saved}");
    }

    fn missing(&self) -> Vec<u64> {
        (0..self.next)
            .filter(|line| !self.came.contains(line) && !self.cut.contains(line))
            .collect()
    }
}

async fn play(world: &mut World) {
    world.append();
    for round in 0..4 {
        let settings = FileSettings {
            rescan: Duration::from_millis(200),
            ..world.place.settings()
        };
        let room = 1 + world.draw.below(3) as usize;
        world.tell("start");
        (world.last, world.unsettled) = (None, Vec::new());
        let mut run = world.place.start_with(settings, room);
        // Of what was rotated away before anything was ever read, nobody can know.
        while round == 0 && run.metric("loki_source_file_files_active_total") < 1.0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        for _ in 0..12 {
            world.act();
            for _ in 0..world.draw.below(3) {
                let wait = Duration::from_millis(world.draw.below(60));
                if let Ok(Some(parcel)) = timeout(wait, run.parcels.recv()).await {
                    world.take(parcel);
                    world.settle(&run.book, false);
                }
            }
        }
        if round == 3 {
            while !world.missing().is_empty() {
                let parcel = timeout(PATIENCE, run.parcels.recv()).await;
                let missing = world.missing();
                world.take(
                    parcel
                        .unwrap_or_else(|_| panic!("{missing:?} did not come"))
                        .unwrap(),
                );
                world.settle(&run.book, true);
            }
        }
        world.tell("stop");
        run.stop().await;
        for _ in 0..world.draw.below(5) {
            world.act();
        }
    }
}

#[tokio::test]
async fn whatever_becomes_of_the_files_every_line_comes() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("MODEL_SEED") {
        Some(seed) => {
            let told = tracing_subscriber::fmt().with_writer(io::stderr);
            let _ = told.with_ansi(false).without_time().try_init();
            seed..seed + 1
        }
        None => 0..number("MODEL_SEEDS").unwrap_or(SEEDS),
    };
    for seed in seeds {
        let mut world = World::new(seed);
        let told = std::panic::AssertUnwindSafe(play(&mut world));
        if let Err(panic) = futures_catch(told).await {
            eprintln!("MODEL_SEED={seed}\n{}", world.story.join("\n"));
            world.show();
            std::panic::resume_unwind(panic);
        }
    }
}

/// Runs a future; a panic comes back as an error, so that the seed can be told.
async fn futures_catch<F: Future<Output = ()>>(
    future: std::panic::AssertUnwindSafe<F>,
) -> Result<(), Box<dyn std::any::Any + Send>> {
    let mut future = std::pin::pin!(future.0);
    std::future::poll_fn(|context| {
        let polled = std::panic::AssertUnwindSafe(|| future.as_mut().poll(context));
        match std::panic::catch_unwind(polled) {
            Ok(std::task::Poll::Pending) => std::task::Poll::Pending,
            Ok(std::task::Poll::Ready(())) => std::task::Poll::Ready(Ok(())),
            Err(panic) => std::task::Poll::Ready(Err(panic)),
        }
    })
    .await
}
