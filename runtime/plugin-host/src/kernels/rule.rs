//! A compiled pattern of a guest's, and how long a text it may be run on.
//!
//! The engine is linear, so the worst search takes time in proportion to the size of the program times the length of the text:
//! measured 50 ns per KiB and byte (`[ab]*a[ab]{900}c` on as and bs, its cache too small; 2026-11-27). A program's size is
//! found by compiling within one size after the other, since the engine does not tell it.

use std::sync::Arc;

use millstream_pattern::Pattern;

/// The largest program, in bytes. A Spring or nginx access log's line takes 8 to 16 KiB.
const LARGEST: usize = 128 << 10;

/// The smaller sizes that are tried, to know how long a text may be.
const SMALLER: [usize; 3] = [64 << 10, 16 << 10, 4 << 10];

/// The longest expression, in bytes. Nothing ends the compiler: the worst that was found (`(?i)` before letters of all
/// scripts) takes it a quarter of a second at this length.
const EXPRESSION: usize = 4 << 10;

/// What the engine may keep of what it worked out, per direction and per pattern.
const CACHE: usize = 256 << 10;

/// What a pattern counts as, of its stage's memory: both directions' caches, the program twice, and the tables of a search.
pub(super) const MEMORY: usize = 1 << 20;

/// The most that size in KiB times length may be: 0.8 s at the worst.
const WORK: usize = 16 << 20;

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) pattern: Pattern,
    /// The columns it fills: their names, each with the group that counts, of those of one name the last.
    pub(super) groups: Vec<(Arc<str>, usize)>,
    /// The longest text it is run on, in bytes.
    pub(super) longest: usize,
}

impl Rule {
    /// Compiles an expression.
    pub(super) fn new(expression: &str) -> Result<Self, String> {
        if expression.len() > EXPRESSION {
            return Err(format!(
                "the expression has {} bytes, more than {EXPRESSION}",
                expression.len()
            ));
        }
        // The largest first: what does not fit is told at once.
        let (mut size, mut pattern) = (LARGEST, within(expression, LARGEST)?);
        for smaller in SMALLER {
            match within(expression, smaller) {
                Ok(same) => (size, pattern) = (smaller, same),
                Err(_) => break,
            }
        }
        let columns = pattern.columns().into_iter();
        Ok(Self {
            groups: columns.map(|(name, group)| (name.into(), group)).collect(),
            longest: WORK / (size >> 10),
            pattern,
        })
    }
}

fn within(expression: &str, size: usize) -> Result<Pattern, String> {
    Pattern::within(expression, size, CACHE).map_err(|error| error.to_string())
}
