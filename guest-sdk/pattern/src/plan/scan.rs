//! One of some words, somewhere on a line: `.*(?P<level>INFO|WARN|ERROR).*` and its variants.
//!
//! What the parts around the words mean, in a text of lines divided by `\n`:
//!
//! | Before | The words are taken |
//! |---|---|
//! | nothing, `.*?` | at the first place that has one |
//! | `.*` | on the first line that has one, at its last place |
//! | `(?s).*` | at the last place |
//! | `^` | at the very start |
//! | `^.*`, `^.*?` | on the first line, at its last or first place |
//!
//! Behind them may stand whatever can match nothing (`.*`), or `.*$`, which binds them to the last line. At one
//! place the earliest alternative wins. No word may hold a `\n`, so none reaches over a line's end.
//!
//! The search goes block by block, and only what [`Filter`] leaves is compared. Taking the last place means starting
//! at the line's end, so a line costs one pass over what lies behind its word.

use super::filter::Filter;
use super::words::{self, Word};
use super::{idle, is_look};
use crate::lanes::WIDTH;
use memchr::memmem;
use regex_syntax::hir::{Dot, Hir, HirKind, Look};

/// Words to look for, and where.
#[derive(Debug)]
pub(crate) struct Scan {
    needles: Vec<Needle>,
    filter: Filter,
    /// Where the first place of a single word is wanted, the library's searcher is the faster one.
    alone: Option<memmem::Finder<'static>>,
    shortest: usize,
    order: Order,
    first_line_only: bool,
    last_line_only: bool,
}

/// Which of several places counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Only the very start.
    Start,
    First,
    Last,
    /// The last on the first line that has one.
    LastOfLine,
}

/// A word with its first eight bytes ready for one comparison.
#[derive(Debug)]
struct Needle {
    word: Word,
    head: u64,
    head_mask: u64,
}

impl Needle {
    fn new(word: Word) -> Self {
        let head_length = word.bytes.len().min(8);
        let head_mask = if head_length == 8 {
            u64::MAX
        } else {
            (1 << (8 * head_length)) - 1
        };
        Self {
            head: head_at(&word.bytes, 0),
            head_mask,
            word,
        }
    }

    #[inline]
    fn stands_at(&self, text: &[u8], at: usize, to: usize, head: u64) -> bool {
        let end = at + self.word.bytes.len();
        if head & self.head_mask != self.head || end > to {
            return false;
        }
        match self.word.bytes.get(8..) {
            Some(rest) if !rest.is_empty() => text.get(at + 8..end) == Some(rest),
            _ => true,
        }
    }
}

/// The eight bytes at `at`, zeros behind the end of the text.
#[inline]
fn head_at(text: &[u8], at: usize) -> u64 {
    let rest = text.get(at..).unwrap_or_default();
    if let Some(eight) = rest.first_chunk::<8>() {
        return u64::from_le_bytes(*eight);
    }
    let mut padded = [0; 8];
    for (to, from) in padded.iter_mut().zip(rest) {
        *to = *from;
    }
    u64::from_le_bytes(padded)
}

impl Scan {
    /// The plan for this concatenation, if it is one of the shapes above.
    pub(crate) fn new(parts: &[Hir], slots: &[Option<usize>]) -> Option<Self> {
        let anchored = parts.first().is_some_and(|part| is_look(part, Look::Start));
        let parts = parts.get(usize::from(anchored)..)?;
        let filler = parts.first().and_then(filler);
        let parts = parts.get(usize::from(filler.is_some())..)?;

        let reach = (1..=parts.len())
            .rev()
            .find_map(|end| Some((end, words::of(parts.get(..end)?, slots)?)));
        let (end, words) = reach?;
        let tail = parts.get(end..)?;
        let last_line_only = match tail {
            tail if idle(tail, slots) => false,
            [rest, end] if is_look(end, Look::End) => !self::filler(rest)?.over_lines,
            _ => return None,
        };
        let (order, first_line_only) = match (anchored, filler) {
            (true, None) => (Order::Start, false),
            (true, Some(Filler { greedy, over_lines })) => {
                (if greedy { Order::Last } else { Order::First }, !over_lines)
            }
            (
                false,
                Some(Filler {
                    greedy: true,
                    over_lines: true,
                }),
            ) => (Order::Last, false),
            (
                false,
                Some(Filler {
                    greedy: true,
                    over_lines: false,
                }),
            ) => (Order::LastOfLine, false),
            (false, None | Some(Filler { greedy: false, .. })) => (Order::First, false),
        };

        // Also of words that `reachable` leaves out: where the tail must reach the end, one with a `\n` wins though its beginning
        // stands there, too.
        if words.iter().any(|word| word.bytes.contains(&b'\n')) {
            return None;
        }
        let words = reachable(words);
        let shortest = words.iter().map(|word| word.bytes.len()).min()?;
        if shortest == 0 {
            return None;
        }
        let filter = Filter::new(&words, shortest)?;
        let alone = match words.as_slice() {
            [word] if order == Order::First => Some(memmem::Finder::new(&word.bytes).into_owned()),
            _ => None,
        };
        let needles = words.into_iter().map(Needle::new).collect();
        Some(Self {
            needles,
            filter,
            alone,
            shortest,
            order,
            first_line_only,
            last_line_only,
        })
    }

    /// Whether the pattern matches.
    #[inline]
    pub(crate) fn is_match(&self, text: &[u8]) -> bool {
        let Some((from, to)) = self.window(text) else {
            return false;
        };
        match self.order {
            Order::Start => from == 0 && self.word_at(text, 0, to).is_some(),
            Order::First => self.first(text, from, to).is_some(),
            Order::Last | Order::LastOfLine => self.last(text, from, to).is_some(),
        }
    }

    /// The word that the first match takes, and where it stands.
    #[inline]
    pub(crate) fn find(&self, text: &[u8]) -> Option<(&Word, usize)> {
        let (from, to) = self.window(text)?;
        match self.order {
            Order::Start if from == 0 => Some((self.word_at(text, 0, to)?, 0)),
            Order::Start => None,
            Order::First => self.first(text, from, to),
            Order::Last => self.last(text, from, to),
            Order::LastOfLine => self.last_of_line(text, from, to),
        }
    }

    /// The part of the text where a word counts.
    fn window(&self, text: &[u8]) -> Option<(usize, usize)> {
        let from = if self.last_line_only {
            memchr::memrchr(b'\n', text).map_or(0, |at| at + 1)
        } else {
            0
        };
        let to = if self.first_line_only {
            memchr::memchr(b'\n', text).unwrap_or(text.len())
        } else {
            text.len()
        };
        (from <= to).then_some((from, to))
    }

    fn last_of_line(&self, text: &[u8], from: usize, to: usize) -> Option<(&Word, usize)> {
        let mut start = from;
        loop {
            let rest = text.get(start..to)?;
            let Some(length) = memchr::memchr(b'\n', rest) else {
                return self.last(text, start, to);
            };
            if let Some(found) = self.last(text, start, start + length) {
                return Some(found);
            }
            start += length + 1;
        }
    }

    /// The last place in `from..to`.
    fn last(&self, text: &[u8], from: usize, to: usize) -> Option<(&Word, usize)> {
        let mut above = (to + 1).checked_sub(self.shortest)?;
        if !self.filter.reads(text, above) {
            return (from..above).rev().find_map(|at| self.found(text, at, to));
        }
        while let Some((base, mask)) = self.filter.last(text, from, above) {
            if let Some(found) = self.last_in(text, base, mask, to) {
                return Some(found);
            }
            above = base;
        }
        // What is left at the front is less than a block: look at the block that ends with it.
        let above = from + above.saturating_sub(from) % WIDTH;
        let base = above.saturating_sub(WIDTH);
        let mask = self.filter.one(text, base)? & low_bits(above - base) & !low_bits(from - base);
        self.last_in(text, base, mask, to)
    }

    /// The last of these places of a block at which a word stands.
    #[inline]
    fn last_in(&self, text: &[u8], base: usize, mask: u32, to: usize) -> Option<(&Word, usize)> {
        let mut mask = self.filter.exact(text, base, mask)?;
        while mask != 0 {
            let lane = 31 - mask.leading_zeros();
            if let Some(found) = self.found(text, base + lane as usize, to) {
                return Some(found);
            }
            mask ^= 1 << lane;
        }
        None
    }

    /// The first place in `from..to`.
    fn first(&self, text: &[u8], from: usize, to: usize) -> Option<(&Word, usize)> {
        if let (Some(finder), [needle]) = (&self.alone, self.needles.as_slice()) {
            return Some((&needle.word, from + finder.find(text.get(from..to)?)?));
        }
        let above = (to + 1).checked_sub(self.shortest)?;
        if !self.filter.reads(text, above) {
            return (from..above).find_map(|at| self.found(text, at, to));
        }
        let mut at = from;
        while let Some((base, mask)) = self.filter.first(text, at, above) {
            if let Some(found) = self.first_in(text, base, mask, to) {
                return Some(found);
            }
            at = base + WIDTH;
        }
        // What is left at the end is less than a block: look at the block that ends with it.
        let at = above - above.saturating_sub(at) % WIDTH;
        let base = above.saturating_sub(WIDTH);
        let mask = self.filter.one(text, base)? & low_bits(above - base) & !low_bits(at.max(from) - base);
        self.first_in(text, base, mask, to)
    }

    /// The first of these places of a block at which a word stands.
    #[inline]
    fn first_in(&self, text: &[u8], base: usize, mask: u32, to: usize) -> Option<(&Word, usize)> {
        let mut mask = self.filter.exact(text, base, mask)?;
        while mask != 0 {
            let lane = mask.trailing_zeros();
            if let Some(found) = self.found(text, base + lane as usize, to) {
                return Some(found);
            }
            mask &= mask - 1;
        }
        None
    }

    #[inline]
    fn found(&self, text: &[u8], at: usize, to: usize) -> Option<(&Word, usize)> {
        Some((self.word_at(text, at, to)?, at))
    }

    /// The word that an engine would take at `at`.
    #[inline]
    fn word_at(&self, text: &[u8], at: usize, to: usize) -> Option<&Word> {
        let head = head_at(text, at);
        self.needles
            .iter()
            .find(|needle| needle.stands_at(text, at, to, head))
            .map(|needle| &needle.word)
    }
}

/// A mask of the lowest `count` lanes.
fn low_bits(count: usize) -> u32 {
    if count >= WIDTH { 0xFFFF } else { (1 << count) - 1 }
}

/// `.*` before or behind the words.
#[derive(Clone, Copy)]
struct Filler {
    greedy: bool,
    /// `(?s)`.
    over_lines: bool,
}

fn filler(part: &Hir) -> Option<Filler> {
    let HirKind::Repetition(repetition) = part.kind() else {
        return None;
    };
    if (repetition.min, repetition.max) != (0, None) {
        return None;
    }
    let over_lines = *repetition.sub == Hir::dot(Dot::AnyChar);
    let in_line = *repetition.sub == Hir::dot(Dot::AnyCharExceptLF);
    (over_lines || in_line).then_some(Filler {
        greedy: repetition.greedy,
        over_lines,
    })
}

/// Leaves out words that never win because an earlier word is their beginning.
fn reachable(words: Vec<Word>) -> Vec<Word> {
    let mut kept: Vec<Word> = Vec::with_capacity(words.len());
    for word in words {
        if !kept.iter().any(|earlier| word.bytes.starts_with(&earlier.bytes)) {
            kept.push(word);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(expression: &str) -> Option<(Order, bool, bool)> {
        let hir = regex_syntax::parse(expression).expect("a test pattern");
        let scan = Scan::new(super::super::parts(&hir), &[None, Some(0), Some(1)])?;
        Some((scan.order, scan.first_line_only, scan.last_line_only))
    }

    #[test]
    fn knows_its_shapes() {
        let cases = [
            (".*(INFO|WARN).*", Some((Order::LastOfLine, false, false))),
            (".*(INFO|WARN)", Some((Order::LastOfLine, false, false))),
            ("(INFO|WARN)", Some((Order::First, false, false))),
            ("(INFO|WARN).*", Some((Order::First, false, false))),
            (".*?(INFO|WARN).*?", Some((Order::First, false, false))),
            ("^.*(INFO|WARN).*$", Some((Order::Last, true, true))),
            ("^.*?(INFO|WARN)", Some((Order::First, true, false))),
            ("^(INFO|WARN)", Some((Order::Start, false, false))),
            ("(?s).*(INFO|WARN).*", Some((Order::Last, false, false))),
            ("(?s)^.*(INFO|WARN).*$", Some((Order::Last, false, false))),
            ("level=(info|warn(?:ing)?)", Some((Order::First, false, false))),
            (r"(INFO|WARN)[ \t]*", Some((Order::First, false, false))),
            ("(INFO|INFORMATION|)", None),
            ("(INFO|WARN)$", None),
            ("(INFO\n|WARN)", None),
            (".*x(a?|\n).*$", None),
            ("(INFO|WARN)(.*)", None),
            (".+(INFO|WARN)", None),
            ("(?m)^.*(INFO|WARN)", None),
            ("[a-z]+(INFO|WARN)", None),
        ];
        for (expression, expected) in cases {
            assert_eq!(order(expression), expected, "{expression}");
        }
    }
}
