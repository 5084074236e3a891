//! A row of byte classes at the start of the text: `^\d{4}-\d{2}-\d{2} \d{2}:\d{2}`, `^\[`, `^\S`.
//!
//! Each class takes exactly one byte, so the check is a table and the groups lie at fixed places. A class that also
//! takes every character beyond ASCII (`\S`, `[^ ]`) can only be the last one: its length is open, but its first byte
//! decides whether it matches.
//!
//! Sixteen classes are tested at a time by their hull (lowest to highest byte); the few classes with holes
//! (`[A-Za-z]`) are then looked up. The first class goes first and alone, because the usual line that does not match
//! (the rest of a stack trace) fails there.

use super::{catches, is_look, slot};
use crate::lanes::{Lanes, WIDTH};
use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// Longer rows gain nothing: a text that passes this many classes is worth the regex.
const MOST_CLASSES: usize = 64;

/// Byte classes at the start of a text.
#[derive(Debug)]
pub(crate) struct Shape {
    classes: Vec<ByteClass>,
    blocks: Vec<(Lanes, Lanes)>,
    /// Places of classes with holes.
    holed: Vec<usize>,
    /// Whether passing means matching; otherwise the regex decides.
    exact: bool,
    /// Where the named groups lie, by slot, when passing tells that too.
    groups: Option<Vec<(usize, usize, usize)>>,
}

/// A set of bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ByteClass {
    bits: [u64; 4],
}

impl ByteClass {
    fn range(low: u8, high: u8) -> Self {
        let mut class = Self::default();
        class.insert(low, high);
        class
    }

    fn insert(&mut self, low: u8, high: u8) {
        for byte in low..=high {
            if let Some(word) = self.bits.get_mut(usize::from(byte >> 6)) {
                *word |= 1 << (byte & 63);
            }
        }
    }

    #[inline]
    pub(super) fn has(&self, byte: u8) -> bool {
        self.bits
            .get(usize::from(byte >> 6))
            .is_some_and(|word| word >> (byte & 63) & 1 == 1)
    }

    /// The lowest byte and how far above it the highest is.
    fn hull(&self) -> (u8, u8) {
        let mut members = (0..=u8::MAX).filter(|byte| self.has(*byte));
        let low = members.next().unwrap_or_default();
        (low, members.next_back().unwrap_or(low) - low)
    }

    fn has_holes(&self) -> bool {
        let (_, width) = self.hull();
        self.bits.iter().map(|word| word.count_ones()).sum::<u32>() != u32::from(width) + 1
    }
}

impl Shape {
    /// The row at the start of this concatenation, if the pattern is anchored and there is one.
    pub(crate) fn new(parts: &[Hir], slots: &[Option<usize>]) -> Option<Self> {
        let (start, parts) = parts.split_first()?;
        if !is_look(start, Look::Start) {
            return None;
        }
        let mut row = Row {
            classes: Vec::new(),
            groups: Some(Vec::new()),
            slots,
        };
        let exact = row.add_all(parts) != Fit::Partly;
        if row.classes.is_empty() {
            return None;
        }
        Some(Self {
            blocks: blocks(&row.classes),
            holed: row
                .classes
                .iter()
                .enumerate()
                .filter(|(_, class)| class.has_holes())
                .map(|(at, _)| at)
                .collect(),
            classes: row.classes,
            exact,
            groups: row.groups.filter(|_| exact),
        })
    }

    /// Whether passing means matching.
    pub(crate) fn is_exact(&self) -> bool {
        self.exact
    }

    /// (slot, start, end) of each named group of a text that passes, when that is known.
    pub(crate) fn groups(&self) -> Option<&[(usize, usize, usize)]> {
        self.groups.as_deref()
    }

    /// Whether the text starts with this row.
    #[inline]
    pub(crate) fn passes(&self, text: &[u8]) -> bool {
        let (Some(byte), Some(class)) = (text.first(), self.classes.first()) else {
            return false;
        };
        if !class.has(*byte) || text.len() < self.classes.len() {
            return false;
        }
        let slowly = || {
            self.classes
                .iter()
                .zip(text)
                .all(|(class, byte)| class.has(*byte))
        };
        if text.len() < self.blocks.len() * WIDTH {
            return slowly();
        }
        let (whole, _) = text.as_chunks::<WIDTH>();
        let hull = self
            .blocks
            .iter()
            .zip(whole)
            .all(|((low, width), block)| Lanes::load(block).within(*low, *width).mask() == 0xFFFF);
        hull && self
            .holed
            .iter()
            .all(|at| match (self.classes.get(*at), text.get(*at)) {
                (Some(class), Some(byte)) => class.has(*byte),
                _ => false,
            })
    }
}

/// The hulls of the classes, sixteen to a block; what is left of the last block takes every byte.
fn blocks(classes: &[ByteClass]) -> Vec<(Lanes, Lanes)> {
    let hulls: Vec<(u8, u8)> = classes.iter().map(ByteClass::hull).collect();
    let block = |hulls: &[(u8, u8)]| {
        let mut low = [0; WIDTH];
        let mut width = [u8::MAX; WIDTH];
        for ((low, width), hull) in low.iter_mut().zip(&mut width).zip(hulls) {
            (*low, *width) = *hull;
        }
        (Lanes::load(&low), Lanes::load(&width))
    };
    hulls.chunks(WIDTH).map(block).collect()
}

/// How much of a part of the pattern went into the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// All of it.
    Whole,
    /// What has to match; what did not go in can match nothing.
    Open,
    /// Not even that. The row still has to pass, but passing proves nothing.
    Partly,
}

/// The row while it is being read off a pattern.
struct Row<'a> {
    classes: Vec<ByteClass>,
    /// `None` once a named group lies at no fixed place.
    groups: Option<Vec<(usize, usize, usize)>>,
    slots: &'a [Option<usize>],
}

impl Row<'_> {
    fn add_all(&mut self, parts: &[Hir]) -> Fit {
        for (i, part) in parts.iter().enumerate() {
            let fit = self.add(part);
            if fit != Fit::Whole {
                let rest = parts.get(i + 1..).unwrap_or_default();
                if rest.iter().any(|part| catches(part, self.slots)) {
                    self.groups = None;
                }
                return if rest.iter().all(optional) {
                    fit
                } else {
                    Fit::Partly
                };
            }
        }
        Fit::Whole
    }

    fn add(&mut self, part: &Hir) -> Fit {
        match part.kind() {
            HirKind::Empty => Fit::Whole,
            HirKind::Literal(literal) => {
                let all = literal
                    .0
                    .iter()
                    .all(|byte| self.push(ByteClass::range(*byte, *byte)));
                if all { Fit::Whole } else { Fit::Partly }
            }
            HirKind::Class(class) => match first_bytes(class) {
                Some((bytes, fit)) if self.push(bytes) => fit,
                _ => Fit::Partly,
            },
            HirKind::Repetition(repetition) => {
                let open = repetition.max != Some(repetition.min);
                if open && catches(&repetition.sub, self.slots) {
                    self.groups = None;
                }
                for round in 1..=repetition.min {
                    match self.add(&repetition.sub) {
                        Fit::Whole => {}
                        Fit::Open if round == repetition.min => return Fit::Open,
                        Fit::Open | Fit::Partly => return Fit::Partly,
                    }
                }
                if open { Fit::Open } else { Fit::Whole }
            }
            HirKind::Capture(group) => {
                let start = self.classes.len();
                let fit = self.add(&group.sub);
                if let Some(slot) = slot(group.index, self.slots) {
                    self.groups = self.groups.take().filter(|_| fit == Fit::Whole);
                    if let Some(groups) = &mut self.groups {
                        groups.retain(|known| known.0 != slot);
                        groups.push((slot, start, self.classes.len()));
                    }
                }
                fit
            }
            HirKind::Concat(parts) => self.add_all(parts),
            HirKind::Look(_) | HirKind::Alternation(_) => {
                if catches(part, self.slots) {
                    self.groups = None;
                }
                Fit::Partly
            }
        }
    }

    fn push(&mut self, class: ByteClass) -> bool {
        let room = self.classes.len() < MOST_CLASSES;
        if room {
            self.classes.push(class);
        }
        room
    }
}

/// Whether the part can match nothing, wherever it stands.
fn optional(part: &Hir) -> bool {
    part.properties().minimum_len() == Some(0) && part.properties().look_set().is_empty()
}

/// The first bytes of a class's characters, where these decide: all ASCII, or everything beyond it as well.
pub(super) fn first_bytes(class: &Class) -> Option<(ByteClass, Fit)> {
    let mut bytes = ByteClass::default();
    match class {
        Class::Unicode(class) => {
            for range in class.ranges() {
                match (u8::try_from(range.start()), u8::try_from(range.end())) {
                    (Ok(low @ 0..=0x7F), Ok(high @ 0..=0x7F)) => bytes.insert(low, high),
                    (Ok(low @ 0..=0x80), _) if range.end() == char::MAX => {
                        bytes.insert(low, u8::MAX);
                        return Some((bytes, Fit::Open));
                    }
                    _ => return None,
                }
            }
        }
        Class::Bytes(class) => class
            .ranges()
            .iter()
            .for_each(|range| bytes.insert(range.start(), range.end())),
    }
    Some((bytes, Fit::Whole))
}
