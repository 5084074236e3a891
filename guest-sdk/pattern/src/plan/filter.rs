//! Where a word may begin, sixteen places at a time.
//!
//! Every word has two neighbouring bytes at the same distance from its beginning; the distance with the rarest
//! pairs is chosen. Two range tests refuse most blocks of text; a block that passes is asked for the exact pairs.

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
    low: (Lanes, Lanes),
    width: (Lanes, Lanes),
    /// Empty where the ranges are exact already, or there are too many pairs.
    pairs: Vec<(Lanes, Lanes)>,
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
        let first_range = range(&mut pairs.iter().map(|pair| pair.0));
        let second_range = range(&mut pairs.iter().map(|pair| pair.1));
        let exact = if (2..=MOST_PAIRS).contains(&pairs.len()) {
            pairs.as_slice()
        } else {
            &[]
        };
        Some(Self {
            offset,
            second,
            low: (first_range.0, second_range.0),
            width: (first_range.1, second_range.1),
            pairs: exact
                .iter()
                .map(|(a, b)| (Lanes::splat(*a), Lanes::splat(*b)))
                .collect(),
        })
    }

    /// The last `base` at which a block can be read.
    pub(crate) fn last_base(&self, text: &[u8]) -> usize {
        text.len().saturating_sub(self.offset + self.second + WIDTH)
    }

    /// Bit i says whether a word may begin at `base + i`; `None` when the text ends before the block does.
    #[inline(always)]
    pub(crate) fn candidates(&self, text: &[u8], base: usize) -> Option<u32> {
        let at = base + self.offset;
        let first = Lanes::load(text.get(at..)?.first_chunk()?);
        let second = Lanes::load(text.get(at + self.second..)?.first_chunk()?);
        let near = first
            .within(self.low.0, self.width.0)
            .and(second.within(self.low.1, self.width.1));
        let mask = near.mask();
        let Some(((a, b), rest)) = self.pairs.split_first().filter(|_| mask != 0) else {
            return Some(mask);
        };
        let pair = |a: Lanes, b: Lanes| first.eq(a).and(second.eq(b));
        Some(
            rest.iter()
                .fold(pair(*a, *b), |found, (a, b)| found.or(pair(*a, *b)))
                .mask(),
        )
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
