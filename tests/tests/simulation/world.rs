//! What is true in a schedule, whatever the agent believes: what was written, read, delivered and settled. The
//! invariants are checked here, at every report of a position and every entry that a sink gets.

use std::collections::{HashMap, HashSet};

use crate::logs::{self, Logs};
use crate::mill::{Kind, WAIT};

/// The whole truth.
pub struct World {
    /// What was written.
    pub logs: Logs,
    /// How many sinks each pipeline has.
    pub sinks: Vec<usize>,
    /// Nanoseconds since the schedule began.
    pub now: i64,
    /// What the process that runs has done.
    pub life: Life,
    /// Per generation, how far the book was told that all pipelines have settled it.
    pub positions: HashMap<usize, u64>,
    /// By pipeline and generation, the furthest it ever settled.
    furthest: HashMap<(usize, usize), u64>,
    /// What happened, for whoever reads a failure.
    pub story: Vec<String>,
    /// The first invariant that broke.
    pub failure: Option<String>,
    /// Lines that arrived, by pipeline and sink.
    delivered: HashSet<(usize, usize, usize)>,
    /// Per pipeline, lines behind which a group was rightly cut.
    cuts: Vec<HashSet<usize>>,
    /// Per pipeline, lines that `drop` may have dropped.
    droppable: Vec<HashSet<usize>>,
    /// Entries received by sinks, all lives together.
    pub entries: u64,
}

/// One run of the agent, from a start or a reload to its end.
#[derive(Default)]
pub struct Life {
    /// The stages of each pipeline.
    pub kinds: Vec<Kind>,
    /// The generation of each origin.
    pub origins: HashMap<u64, usize>,
    /// Where reading began.
    pub begun: HashMap<usize, u64>,
    /// Per file, its lines in the order they were read.
    pub read: [Vec<usize>; logs::FILES],
    /// Where a line stands in `read`, with which parcel it went, and when.
    places: HashMap<usize, (usize, usize, i64)>,
    /// Per pipeline and parcel, when it was first seen to have been taken.
    pub taken: Vec<Vec<i64>>,
    /// How many parcels were sent.
    pub parcels: usize,
    /// By pipeline and generation, what was settled.
    pub given: HashMap<(usize, usize), u64>,
    /// Per file, where the group under way began in `read`, and whether it says `debug`.
    groups: [(usize, bool); logs::FILES],
}

impl Life {
    /// Nothing was done yet.
    pub fn new(kinds: &[Kind]) -> Self {
        Self {
            kinds: kinds.to_vec(),
            taken: vec![Vec::new(); kinds.len()],
            ..Self::default()
        }
    }
}

impl World {
    /// Nothing written yet.
    pub fn new(sinks: Vec<usize>) -> Self {
        let pipelines = sinks.len();
        Self {
            logs: Logs::default(),
            sinks,
            now: 0,
            life: Life::default(),
            positions: HashMap::new(),
            furthest: HashMap::new(),
            story: Vec::new(),
            failure: None,
            delivered: HashSet::new(),
            cuts: vec![HashSet::new(); pipelines],
            droppable: vec![HashSet::new(); pipelines],
            entries: 0,
        }
    }

    /// Notes what happens.
    pub fn tell(&mut self, what: impl Into<String>) {
        self.story.push(what.into());
    }

    /// An invariant broke.
    pub fn fail(&mut self, why: impl Into<String>) {
        let why = why.into();
        self.tell(format!("BROKEN: {why}"));
        self.failure.get_or_insert(why);
    }

    /// A parcel of these lines leaves the reader.
    pub fn send(&mut self, lines: &[usize]) {
        let parcel = self.life.parcels;
        self.life.parcels += 1;
        for &number in lines {
            let line = &self.logs.lines[number];
            let read = &mut self.life.read[line.file];
            let group = &mut self.life.groups[line.file];
            if line.opens {
                *group = (read.len(), false);
            }
            self.life.places.insert(number, (read.len(), parcel, self.now));
            read.push(number);
            group.1 |= line.debug;
            for (pipeline, kind) in self.life.kinds.iter().enumerate() {
                if group.1 && kind.drops() {
                    self.droppable[pipeline].extend(&read[group.0..]);
                }
            }
        }
    }

    /// All that was read so far may be cut here: the stages are told to let go. With `given_up` the last parcel may not
    /// have come to all of them.
    pub fn cut_here(&mut self, given_up: bool) {
        let Life {
            read,
            places,
            parcels,
            ..
        } = &self.life;
        for read in read {
            let came = |line: &&usize| places[*line].1 + usize::from(given_up) < *parcels;
            let ends = read.last().into_iter().chain(read.iter().rev().find(came));
            for last in ends {
                for cuts in &mut self.cuts {
                    cuts.insert(*last);
                }
            }
        }
    }

    /// A position was reported: every line before it has arrived everywhere, or was dropped.
    pub fn settled(&mut self, pipeline: usize, origin: u64, position: u64) {
        let Some(&generation) = self.life.origins.get(&origin) else {
            self.fail(format!("a position of origin {origin}, which nobody reads"));
            return;
        };
        self.tell(format!(
            "pipeline {pipeline} settles generation {generation} to {position}"
        ));
        let furthest = self.furthest.entry((pipeline, generation)).or_default();
        *furthest = position.max(*furthest);
        let begun = self.life.begun[&generation];
        let before = self
            .life
            .given
            .insert((pipeline, generation), position)
            .unwrap_or(begun);
        if position <= before {
            self.fail(format!(
                "generation {generation} settles {position} after {before}"
            ));
        }
        let lines = &self.logs.generations[generation].lines;
        let lines: Vec<usize> = lines
            .iter()
            .copied()
            .filter(|&line| (before + 1..=position).contains(&self.logs.lines[line].end))
            .collect();
        if lines
            .last()
            .is_none_or(|&line| self.logs.lines[line].end != position)
        {
            self.fail(format!(
                "position {position} of generation {generation} ends no line"
            ));
        }
        for line in lines {
            for sink in 0..self.sinks[pipeline] {
                if !self.arrived(pipeline, sink, line) {
                    self.fail(format!(
                        "line {line} is settled and has not arrived at sink {sink} of pipeline {pipeline}"
                    ));
                }
            }
        }
        let given = |pipeline| {
            self.life
                .given
                .get(&(pipeline, generation))
                .copied()
                .unwrap_or(begun)
        };
        let least = (0..self.sinks.len()).map(given).min().unwrap_or(begun);
        self.positions.insert(generation, least);
    }

    /// Whether a line arrived, or was dropped on purpose.
    fn arrived(&self, pipeline: usize, sink: usize, line: usize) -> bool {
        self.delivered.contains(&(pipeline, sink, line)) || self.droppable[pipeline].contains(&line)
    }

    /// A sink has said that it has these lines, or should have.
    pub fn deliver(&mut self, pipeline: usize, sink: usize, lines: &[usize]) {
        self.delivered
            .extend(lines.iter().map(|&line| (pipeline, sink, line)));
    }

    /// A sink gets an entry; `last` is the place of the last line it got of each file in this life. Answers its lines.
    pub fn entry(
        &mut self,
        pipeline: usize,
        last: &mut HashMap<usize, usize>,
        filename: Option<&str>,
        text: &str,
    ) -> Vec<usize> {
        self.entries += 1;
        let numbers: Vec<usize> = text.split('\n').filter_map(logs::number).collect();
        let whole = numbers
            .iter()
            .map(|&line| self.logs.lines.get(line).map(|line| line.text.as_str()));
        if !whole.eq(text.split('\n').map(Some)) {
            self.fail(format!("an entry of lines that were never written: {text:?}"));
            return Vec::new();
        }
        self.tell(format!("pipeline {pipeline} puts out {text:?}"));
        let places: Option<Vec<usize>> = numbers
            .iter()
            .map(|line| self.life.places.get(line).map(|place| place.0))
            .collect();
        let Some(places) = places else {
            self.fail(format!("an entry of lines that were not read: {text:?}"));
            return Vec::new();
        };
        let file = self.logs.lines[numbers[0]].file;
        let (first, end) = (places[0], places[0] + places.len());
        if filename != Some(&logs::path(file)) || !self.life.read[file][first..].starts_with(&numbers) {
            self.fail(format!(
                "lines {numbers:?} were merged, but do not follow each other"
            ));
            return Vec::new();
        }
        if let Some(before) = last.insert(file, end - 1).filter(|&before| before >= first) {
            self.fail(format!(
                "lines {numbers:?} come after place {before}, but stand at {first}"
            ));
        }
        match self.group(pipeline, file, first, &numbers) {
            Ok(cut) => self.cuts[pipeline].extend(numbers.last().filter(|_| cut)),
            Err(why) => self.fail(why),
        }
        numbers
    }

    /// An entry is one whole group, unless it was rightly cut. Answers whether what follows it may stand alone.
    fn group(&self, pipeline: usize, file: usize, first: usize, numbers: &[usize]) -> Result<bool, String> {
        let kind = self.life.kinds[pipeline];
        let opens = |line: usize| self.logs.lines[line].opens;
        let (begins, last) = (numbers[0], numbers[numbers.len() - 1]);
        let alone = numbers.len() == 1;
        let one = !numbers[1..].iter().any(|&line| opens(line));
        if !alone && (!kind.joins() || !one) {
            return Err(format!("lines {numbers:?} are not one group"));
        }
        if kind.drops() && numbers.iter().any(|&line| self.logs.lines[line].debug) {
            return Err(format!("lines {numbers:?} should have been dropped"));
        }
        if !kind.joins() || kind.is_late() {
            return Ok(true);
        }
        if !opens(begins) {
            return if alone && self.may_begin(pipeline, file, first) {
                Ok(true)
            } else {
                Err(format!(
                    "lines {numbers:?} have lost the beginning of their group"
                ))
            };
        }
        let next = self.life.read[file].get(first + numbers.len()).copied();
        if next.is_some_and(opens) {
            Ok(false)
        } else if self.cuts[pipeline].contains(&last) || self.waited(pipeline, last, next) {
            Ok(true)
        } else {
            Err(format!("the group of lines {numbers:?} was cut before {next:?}"))
        }
    }

    /// Whether a line may stand alone although it opens no group: what it belongs to was rightly cut before it, has
    /// gone with its file, or never was.
    fn may_begin(&self, pipeline: usize, file: usize, place: usize) -> bool {
        let line = self.life.read[file][place];
        if let Some(before) = place.checked_sub(1) {
            let before = self.life.read[file][before];
            return self.is_cut(pipeline, before) || self.waited(pipeline, before, Some(line));
        }
        // The first of this life. Two files settle a group that lies in both apart from each other.
        let lines = |number: &usize| &self.logs.generations[*number].lines;
        // Another pipeline was slower, so this one gets the end of a group again that it has settled whole.
        let end = self.logs.lines[line].end;
        let settled = |number: &usize| {
            self.furthest
                .get(&(pipeline, *number))
                .is_some_and(|&furthest| furthest >= end)
        };
        let generation = self.logs.files[file]
            .iter()
            .find(|number| lines(number).contains(&line));
        let before = generation.and_then(|number| {
            let lines = lines(number);
            let place = lines.iter().position(|other| *other == line)?;
            Some(lines[place.checked_sub(1)?])
        });
        before.is_none_or(|before| self.is_cut(pipeline, before)) || generation.is_some_and(settled)
    }

    /// Whether a group was rightly cut behind a line. Where an entry was dropped nobody saw how it ended.
    fn is_cut(&self, pipeline: usize, line: usize) -> bool {
        self.cuts[pipeline].contains(&line) || self.droppable[pipeline].contains(&line)
    }

    /// Whether `multiline` may have waited long enough between these lines; without a second one, until now.
    fn waited(&self, pipeline: usize, line: usize, next: Option<usize>) -> bool {
        let (_, parcel, sent) = self.life.places[&line];
        let until = match next.map(|next| self.life.places[&next].1) {
            Some(next) if next == parcel => return false,
            Some(next) => self.life.taken[pipeline].get(next).copied().unwrap_or(self.now),
            None => self.now,
        };
        u128::try_from(until - sent).unwrap() >= WAIT.as_nanos()
    }

    /// How many entries a start from the reported positions reads again, as the model sees it.
    pub fn owed(&self, pipeline: usize) -> u64 {
        let mut owed = 0;
        for generation in self.life.begun.keys() {
            let begun = self.life.begun[generation];
            let given = self
                .life
                .given
                .get(&(pipeline, *generation))
                .copied()
                .unwrap_or(begun);
            let lines = &self.logs.generations[*generation].lines;
            let behind =
                |line: &&usize| self.logs.lines[**line].end > given && self.life.places.contains_key(*line);
            owed += lines.iter().filter(behind).count() as u64;
        }
        owed
    }

    /// At the end: every line that could be read has arrived everywhere.
    pub fn check_all(&mut self) {
        let mut missing = Vec::new();
        for generation in self
            .logs
            .generations
            .iter()
            .filter(|generation| generation.is_there())
        {
            for &line in &generation.lines {
                for (pipeline, &sinks) in self.sinks.iter().enumerate() {
                    missing.extend(
                        (0..sinks)
                            .filter(|&sink| !self.arrived(pipeline, sink, line))
                            .map(|sink| (line, pipeline, sink)),
                    );
                }
            }
        }
        if !missing.is_empty() {
            self.fail(format!("never arrived (line, pipeline, sink): {missing:?}"));
        }
    }
}
