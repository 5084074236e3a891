//! Where a word may begin, sixteen places at a time.
//!
//! Every word has two neighbouring bytes at the same distance from its beginning; the distance with the rarest
//! pairs is chosen. Two range tests refuse most blocks of text; a block that passes is asked for the exact pairs.
//!
//! The walks over blocks are functions of their own with little in hand: what wasmtime's compiler cannot keep in registers, it
//! reads from the stack again in every round.

use super::words::Word;
use crate::lanes::{Lanes, WIDTH};

/// Exact pair tests beyond this number cost more than comparing the candidates.
const MOST_PAIRS: usize = 8;

/// The test that a block passes only if a word may begin in it: two bytes, `offset` and `offset + second` into a word.
#[derive(Debug)]
pub(crate) struct Filter {
    offset: usize,
    /// 1, or 0 where the shortest word is a single byte.
    second: usize,
    ranges: Ranges,
    /// Empty where the ranges are exact already, or there are too many pairs.
    pairs: Vec<(Lanes, Lanes)>,
}

/// For either byte of a pair: from which value on, and how many above it.
#[derive(Clone, Copy, Debug)]
struct Ranges {
    first: (Lanes, Lanes),
    second: (Lanes, Lanes),
}

impl Ranges {
    #[inline(always)]
    fn hold(&self, first: Lanes, second: Lanes) -> u32 {
        let first = first.within(self.first.0, self.first.1);
        first.and(second.within(self.second.0, self.second.1)).mask()
    }
}

/// The block at `base`; none where the text ends before it does.
#[inline(always)]
fn block(text: &[u8], base: usize) -> Option<Lanes> {
    Some(Lanes::load(text.get(base..)?.first_chunk()?))
}

impl Filter {
    pub(crate) fn new(words: &[Word], shortest: usize) -> Option<Self> {
        let second = usize::from(shortest > 1);
        let pairs_at = |offset: usize| -> Option<Vec<(u8, u8)>> {
            let pair = |word: &Word| Some((*word.bytes.get(offset)?, *word.bytes.get(offset + second)?));
            let mut pairs = words.iter().map(pair).collect::<Option<Vec<_>>>()?;
            pairs.sort_unstable();
            pairs.dedup();
            Some(pairs)
        };
        let weight = |pairs: &[(u8, u8)]| {
            pairs
                .iter()
                .map(|(a, b)| commonness(*a) * commonness(*b))
                .sum::<u32>()
        };
        let offset =
            (0..shortest - second).min_by_key(|offset| pairs_at(*offset).map(|pairs| weight(&pairs)))?;
        let pairs = pairs_at(offset)?;
        let range = |bytes: &mut dyn Iterator<Item = u8>| {
            let (low, high) = bytes.fold((u8::MAX, 0), |(low, high), byte| (low.min(byte), high.max(byte)));
            (Lanes::splat(low), Lanes::splat(high.wrapping_sub(low)))
        };
        let ranges = Ranges {
            first: range(&mut pairs.iter().map(|pair| pair.0)),
            second: range(&mut pairs.iter().map(|pair| pair.1)),
        };
        let exact = if (2..=MOST_PAIRS).contains(&pairs.len()) {
            pairs.as_slice()
        } else {
            &[]
        };
        Some(Self {
            offset,
            second,
            ranges,
            pairs: exact
                .iter()
                .map(|(a, b)| (Lanes::splat(*a), Lanes::splat(*b)))
                .collect(),
        })
    }

    /// Whether every block that begins before `above` can be read.
    pub(crate) fn reads(&self, text: &[u8], above: usize) -> bool {
        text.len() >= self.offset + self.second + above.max(WIDTH)
    }

    /// The last block that begins at `from` or behind it, ends at `above` or before it, and in which a word may begin: where it
    /// begins, and a bit for each of its places. Every block there must be one that can be read.
    #[inline(never)]
    pub(crate) fn last(&self, text: &[u8], from: usize, above: usize) -> Option<(usize, u32)> {
        let ranges = self.ranges;
        let (firsts, seconds) = (text.get(self.offset..)?, text.get(self.offset + self.second..)?);
        let mut base = above;
        while base >= from + WIDTH {
            base -= WIDTH;
            let mask = ranges.hold(block(firsts, base)?, block(seconds, base)?);
            if mask != 0 {
                return Some((base, mask));
            }
        }
        None
    }

    /// As [`Self::last`], the first.
    #[inline(never)]
    pub(crate) fn first(&self, text: &[u8], from: usize, above: usize) -> Option<(usize, u32)> {
        let ranges = self.ranges;
        let (firsts, seconds) = (text.get(self.offset..)?, text.get(self.offset + self.second..)?);
        let mut base = from;
        while base + WIDTH <= above {
            let mask = ranges.hold(block(firsts, base)?, block(seconds, base)?);
            if mask != 0 {
                return Some((base, mask));
            }
            base += WIDTH;
        }
        None
    }

    /// The places of one block in which a word may begin.
    pub(crate) fn one(&self, text: &[u8], base: usize) -> Option<u32> {
        let first = block(text, base + self.offset)?;
        let second = block(text, base + self.offset + self.second)?;
        Some(self.ranges.hold(first, second))
    }

    /// Of these places of a block those that have one of the pairs.
    pub(crate) fn exact(&self, text: &[u8], base: usize, mask: u32) -> Option<u32> {
        let Some(((a, b), rest)) = self.pairs.split_first() else {
            return Some(mask);
        };
        let first = block(text, base + self.offset)?;
        let second = block(text, base + self.offset + self.second)?;
        let pair = |a: Lanes, b: Lanes| first.eq(a).and(second.eq(b));
        let found = rest
            .iter()
            .fold(pair(*a, *b), |found, (a, b)| found.or(pair(*a, *b)));
        Some(found.mask() & mask)
    }
}

/// How often a byte turns up in log lines, roughly: the pair with the least product is looked for.
fn commonness(byte: u8) -> u32 {
    match byte {
        b' ' | b'e' | b'a' | b'i' | b'o' | b't' | b'n' | b'r' | b's' => 9,
        b'a'..=b'z' => 5,
        b'0'..=b'9' | b'.' | b'-' | b':' | 0x80.. => 6,
        b'A'..=b'Z' => 2,
        _ => 1,
    }
}
