//! A walk from the start of the text, from field to field: `^(?P<time>\S+) (?P<stream>stdout|stderr) (?P<rest>.*)$`.
//!
//! A run of a class takes as many bytes as it can. So does the engine, and it gives none back where what comes next begins with a
//! byte that the class does not have: then a shorter run would stand before one of its own bytes. Every step so has one way to
//! match, and the walk never turns back. A pattern in which a run could be shorter gets no such plan.
//!
//! What ends a run is mostly one of a few bytes (a blank, a quote, a line's end), which are looked for sixteen at a time.

use super::shape::{ByteClass, Fit, first_bytes};
use super::{is_look, slot, words};
use crate::lanes::{Lanes, WIDTH};
use regex_syntax::hir::{Hir, HirKind, Look, Repetition};

/// Groups that are kept while it is not known yet whether the text matches.
pub(crate) const MOST_GROUPS: usize = 16;

/// More bytes than this that end a run are no rarity, and are found one by one.
const MOST_STOPS: usize = 8;

/// Longer patterns gain nothing.
const MOST_STEPS: usize = 64;

/// Where the named groups lie, by slot.
pub(crate) type Marks = [(usize, usize); MOST_GROUPS];

/// A walk from the start of the text.
#[derive(Debug)]
pub(crate) struct Walk {
    steps: Vec<Step>,
    groups: usize,
}

#[derive(Debug)]
enum Step {
    Text(Vec<u8>),
    /// One of these texts, of which none begins another.
    Words(Vec<Vec<u8>>),
    Run(Run),
    Opens(usize),
    Closes(usize),
    /// The end of the text.
    End,
}

/// Bytes of a class, as many as there are.
#[derive(Debug)]
struct Run {
    class: ByteClass,
    least: usize,
    most: usize,
    greedy: bool,
    stops: Option<Stops>,
}

/// Two ranges that hold every byte outside of a class, and few others.
#[derive(Debug)]
struct Stops {
    low: (Lanes, Lanes),
    high: (Lanes, Lanes),
}

impl Stops {
    fn of(class: &ByteClass) -> Option<Self> {
        let outside: Vec<u8> = (0..=u8::MAX).filter(|byte| !class.has(*byte)).collect();
        if outside.is_empty() || outside.len() > MOST_STOPS {
            return None;
        }
        let widest = (1..outside.len()).max_by_key(|at| {
            let before = outside.get(at - 1).copied().unwrap_or_default();
            outside.get(*at).map_or(0, |byte| byte - before)
        });
        let (low, high) = outside.split_at(widest.unwrap_or(outside.len()));
        let range = |bytes: &[u8]| {
            let (first, last) = (*bytes.first()?, *bytes.last()?);
            Some((first, last - first))
        };
        let (low, high) = (range(low)?, range(high).or_else(|| range(low))?);
        if usize::from(low.1) + usize::from(high.1) > MOST_STOPS {
            return None;
        }
        let lanes = |(first, width): (u8, u8)| (Lanes::splat(first), Lanes::splat(width));
        Some(Self {
            low: lanes(low),
            high: lanes(high),
        })
    }
}

impl Run {
    fn new(class: ByteClass, repetition: &Repetition) -> Option<Self> {
        let bound = |bound: u32| usize::try_from(bound).ok();
        Some(Self {
            stops: Stops::of(&class),
            class,
            least: bound(repetition.min)?,
            most: repetition.max.map_or(Some(usize::MAX), bound)?,
            greedy: repetition.greedy,
        })
    }

    /// Where the run that begins at `from` ends.
    #[inline]
    fn end(&self, text: &[u8], from: usize) -> usize {
        let to = text.len().min(from.saturating_add(self.most));
        let mut at = from;
        if let Some(stops) = &self.stops {
            while let Some(block) = text.get(at..to).and_then(|rest| rest.first_chunk::<WIDTH>()) {
                let lanes = Lanes::load(block);
                let low = lanes.within(stops.low.0, stops.low.1);
                let mut mask = low.or(lanes.within(stops.high.0, stops.high.1)).mask();
                while mask != 0 {
                    let lane = mask.trailing_zeros() as usize;
                    if block.get(lane).is_none_or(|byte| !self.class.has(*byte)) {
                        return at + lane;
                    }
                    mask &= mask - 1;
                }
                at += WIDTH;
            }
        }
        let rest = text.get(at..to).unwrap_or_default();
        let length = rest.iter().position(|byte| !self.class.has(*byte));
        at + length.unwrap_or(rest.len())
    }
}

impl Walk {
    /// The walk of this concatenation, if it is anchored, has one way to match, and has a run whose length is open.
    pub(crate) fn new(parts: &[Hir], slots: &[Option<usize>]) -> Option<Self> {
        let (start, parts) = parts.split_first()?;
        if !is_look(start, Look::Start) {
            return None;
        }
        let mut steps = Vec::new();
        for part in parts {
            add(part, slots, &mut steps)?;
        }
        let groups = slots.iter().flatten().count();
        let opened = steps.iter().filter(|step| matches!(step, Step::Opens(_))).count();
        let open = |step: &Step| matches!(step, Step::Run(run) if run.least != run.most);
        let sound = opened == groups && groups <= MOST_GROUPS && steps.len() <= MOST_STEPS;
        (sound && steps.iter().any(open) && (0..steps.len()).all(|at| is_forced(&steps, at)))
            .then_some(Self { steps, groups })
    }

    /// How many named groups there are.
    pub(crate) fn groups(&self) -> usize {
        self.groups
    }

    /// Whether the text matches; then `marks` says where the groups lie.
    #[inline]
    pub(crate) fn goes(&self, text: &[u8], marks: &mut Marks) -> bool {
        let mut at = 0;
        for step in &self.steps {
            match step {
                Step::Text(wanted) => {
                    let rest = text.get(at..).unwrap_or_default();
                    if !rest.starts_with(wanted) {
                        return false;
                    }
                    at += wanted.len();
                }
                Step::Words(words) => {
                    let rest = text.get(at..).unwrap_or_default();
                    let Some(word) = words.iter().find(|word| rest.starts_with(word)) else {
                        return false;
                    };
                    at += word.len();
                }
                Step::Run(run) => {
                    let end = run.end(text, at);
                    if end - at < run.least {
                        return false;
                    }
                    at = end;
                }
                Step::Opens(slot) => {
                    if let Some(mark) = marks.get_mut(*slot) {
                        mark.0 = at;
                    }
                }
                Step::Closes(slot) => {
                    if let Some(mark) = marks.get_mut(*slot) {
                        mark.1 = at;
                    }
                }
                Step::End => {
                    if at != text.len() {
                        return false;
                    }
                }
            }
        }
        true
    }
}

/// Appends the steps of a part; `None` when it can match in more ways than one.
fn add(part: &Hir, slots: &[Option<usize>], steps: &mut Vec<Step>) -> Option<()> {
    match part.kind() {
        HirKind::Empty => {}
        HirKind::Literal(literal) => steps.push(Step::Text(literal.0.to_vec())),
        HirKind::Class(_) => steps.push(Step::Run(run(&Repetition {
            min: 1,
            max: Some(1),
            greedy: true,
            sub: Box::new(part.clone()),
        })?)),
        HirKind::Repetition(repetition) => steps.push(Step::Run(run(repetition)?)),
        HirKind::Capture(group) => match slot(group.index, slots) {
            Some(slot) => {
                steps.push(Step::Opens(slot));
                add(&group.sub, slots, steps)?;
                steps.push(Step::Closes(slot));
            }
            None => add(&group.sub, slots, steps)?,
        },
        HirKind::Concat(parts) => {
            for part in parts {
                add(part, slots, steps)?;
            }
        }
        HirKind::Alternation(_) => {
            let words = words::of(std::slice::from_ref(part), slots)?;
            if words.iter().any(|word| !word.groups.is_empty()) {
                return None;
            }
            let words: Vec<Vec<u8>> = words.into_iter().map(|word| word.bytes).collect();
            let begins = |one: usize, other: usize| {
                one != other
                    && words
                        .get(other)
                        .zip(words.get(one))
                        .is_some_and(|(a, b)| a.starts_with(b))
            };
            if (0..words.len()).any(|one| (0..words.len()).any(|other| begins(one, other))) {
                return None;
            }
            steps.push(Step::Words(words));
        }
        HirKind::Look(Look::End) => steps.push(Step::End),
        HirKind::Look(_) => return None,
    }
    Some(())
}

/// A repeated class. Of one that has characters beyond ASCII only "some" can be told by bytes.
fn run(repetition: &Repetition) -> Option<Run> {
    let class = match repetition.sub.kind() {
        HirKind::Class(class) => class,
        _ => return None,
    };
    match first_bytes(class)? {
        (class, Fit::Whole) => Run::new(class, repetition),
        (class, Fit::Open) if repetition.min <= 1 && repetition.max.is_none() => Run::new(class, repetition),
        _ => None,
    }
}

/// Whether the step `at` has one way to match, given those behind it.
fn is_forced(steps: &[Step], at: usize) -> bool {
    let Some(Step::Run(run)) = steps.get(at) else {
        return true;
    };
    if run.least == run.most {
        return true;
    }
    let apart = |bytes: &[u8]| bytes.iter().all(|byte| !run.class.has(*byte));
    for step in steps.get(at + 1..).unwrap_or_default() {
        match step {
            Step::Opens(_) | Step::Closes(_) => {}
            Step::Text(text) => return apart(text.get(..1).unwrap_or_default()),
            Step::Words(words) => {
                return words.iter().all(|word| !word.is_empty())
                    && words.iter().all(|word| apart(word.get(..1).unwrap_or_default()));
            }
            Step::Run(next) => {
                let shared = |byte: u8| next.class.has(byte) && run.class.has(byte);
                if (0..=u8::MAX).any(shared) {
                    return false;
                }
                if next.least > 0 {
                    return true;
                }
            }
            Step::End => return true,
        }
    }
    // Nothing has to come: a greedy run takes all it can, a lazy one as little.
    run.greedy
}
