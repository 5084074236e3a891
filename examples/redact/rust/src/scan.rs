//! Finds the numbers in a line. By hand and not by a regular expression: what is looked for are digits, and of most runs of
//! digits their length alone says that they are neither.

/// The digits of a card number.
const CARD: std::ops::RangeInclusive<usize> = 13..=19;

/// How many digits of a card stay.
const SHOWN: usize = 4;

/// A resident-registration number: `YYMMDD-SNNNNNN`.
const RESIDENT: usize = 14;

/// What stays of it: up to the digit behind the hyphen.
const RESIDENT_SHOWN: usize = 8;

/// What is looked for, and what becomes of its digits.
#[derive(Debug)]
pub struct Scanner {
    pub cards: bool,
    pub resident_numbers: bool,
    pub mask: String,
}

/// How many were found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub cards: u64,
    pub residents: u64,
}

impl Scanner {
    /// Whether something in `line` is to be masked; `masked` is the line then.
    pub fn mask(&self, line: &str, masked: &mut String, counts: &mut Counts) -> bool {
        let bytes = line.as_bytes();
        let (mut at, mut copied) = (0, 0);
        while let Some(start) = next_digit(bytes, at) {
            let groups = Groups::at(bytes, start);
            if groups.digits < *CARD.start() {
                // Neither a card nor a resident number, and neither is any part of it.
                at = groups.end;
                continue;
            }
            if self.resident_numbers && is_resident(&bytes[start..]) {
                masked.push_str(&line[copied..start + RESIDENT_SHOWN]);
                for _ in RESIDENT_SHOWN..RESIDENT {
                    masked.push_str(&self.mask);
                }
                at = start + RESIDENT;
                counts.residents += 1;
            } else if let Some(card) = groups.card(bytes).filter(|_| self.cards) {
                masked.push_str(&line[copied..start]);
                self.mask_card(&line[start..card.end], card.digits, masked);
                at = card.end;
                counts.cards += 1;
            } else {
                at = run_end(bytes, start);
                continue;
            }
            copied = at;
        }
        if copied > 0 {
            masked.push_str(&line[copied..]);
        }
        copied > 0
    }

    fn mask_card(&self, card: &str, digits: usize, masked: &mut String) {
        let mut seen = 0;
        for c in card.chars() {
            seen += usize::from(c.is_ascii_digit());
            if c.is_ascii_digit() && seen + SHOWN <= digits {
                masked.push_str(&self.mask);
            } else {
                masked.push(c);
            }
        }
    }
}

/// Groups of digits with one space or hyphen between them, as far as they go; collecting ends past 19 digits.
struct Groups {
    start: usize,
    end: usize,
    digits: usize,
}

/// A prefix of whole groups that is a card number.
struct Card {
    end: usize,
    digits: usize,
}

impl Groups {
    fn at(bytes: &[u8], start: usize) -> Self {
        let (mut end, mut digits) = (start, 0);
        loop {
            let run = run_end(bytes, end);
            digits += run - end;
            end = run;
            if digits > *CARD.end() || !another_follows(bytes, end) {
                return Self { start, end, digits };
            }
            end += 1;
        }
    }

    /// The longest prefix of whole groups that is a card number.
    fn card(&self, bytes: &[u8]) -> Option<Card> {
        let (mut longest, mut end, mut digits, mut sums) = (None, self.start, 0, (0, 0));
        loop {
            let run = run_end(bytes, end);
            for digit in &bytes[end..run] {
                // Which digits are doubled depends on how many follow: both sums go along, and change places.
                let digit = u32::from(digit - b'0');
                let doubled = if digit > 4 { 2 * digit - 9 } else { 2 * digit };
                sums = (sums.1 + digit, sums.0 + doubled);
            }
            digits += run - end;
            end = run;
            if digits > *CARD.end() {
                return longest;
            }
            if CARD.contains(&digits) && sums.0 % 10 == 0 {
                longest = Some(Card { end, digits });
            }
            if !another_follows(bytes, end) {
                return longest;
            }
            end += 1;
        }
    }
}

/// Whether one space or hyphen and a digit stand at `end`.
fn another_follows(bytes: &[u8], end: usize) -> bool {
    matches!(bytes.get(end), Some(b' ' | b'-')) && bytes.get(end + 1).is_some_and(u8::is_ascii_digit)
}

/// Where the run of digits ends that goes on at `start`.
fn run_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    loop {
        let others = !digits(word(bytes, at)) & HIGH;
        if others != 0 {
            // Behind the end of the line stand zeros, which are no digits.
            return at + first(others);
        }
        at += WORD;
    }
}

/// The first digit at or behind `at`.
fn next_digit(bytes: &[u8], mut at: usize) -> Option<usize> {
    while at < bytes.len() {
        let found = digits(word(bytes, at));
        if found != 0 {
            return Some(at + first(found));
        }
        at += WORD;
    }
    None
}

/// Bytes looked at together. Lines are full of short runs of digits, and a branch for every byte costs more than its work.
const WORD: usize = 8;

/// The highest bit of each byte of a word.
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The bytes at `at`, zeros behind the end.
fn word(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    match rest.first_chunk::<WORD>() {
        Some(word) => u64::from_le_bytes(*word),
        None => rest
            .iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// The highest bit of each byte that is an ASCII digit.
fn digits(word: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // No sum leaves its byte: 0x7f + 0x50 is less than 0x100.
    let low = word & !HIGH;
    let from_0 = low + EACH * (0x80 - b'0' as u64);
    let beyond_9 = low + EACH * (0x80 - (b'9' + 1) as u64);
    from_0 & !beyond_9 & !word & HIGH
}

/// The place of the first byte whose highest bit is set.
fn first(bits: u64) -> usize {
    bits.trailing_zeros() as usize / 8
}

/// Whether a resident-registration number begins here.
fn is_resident(bytes: &[u8]) -> bool {
    let Some((number, behind)) = bytes.split_at_checked(RESIDENT) else {
        return false;
    };
    let digits = |range: std::ops::Range<usize>| number[range].iter().all(u8::is_ascii_digit);
    let two = |at: usize| (number[at] - b'0') * 10 + (number[at + 1] - b'0');
    digits(0..6)
        && number[6] == b'-'
        && digits(7..RESIDENT)
        && !behind.first().is_some_and(u8::is_ascii_digit)
        && (1..=12).contains(&two(2))
        && (1..=31).contains(&two(4))
        && (b'1'..=b'8').contains(&number[7])
}
