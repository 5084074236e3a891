//! A finite language written out: every text a piece of pattern can match, in the order the engine prefers them.
//!
//! At one position the first word of the list that stands there is the one leftmost-first matching takes, as long
//! as nothing behind it can fail. A class may be listed in any order: its characters exclude each other.

use super::slot;
use regex_syntax::hir::{Class, Hir, HirKind};

/// More words than this are better left to the regex engine's own literal searchers.
const MOST_WORDS: usize = 48;
/// A longer word is no log vocabulary.
const LONGEST: usize = 128;

/// One text, and where in it the named groups lie.
#[derive(Debug, Clone, Default)]
pub(crate) struct Word {
    pub(crate) bytes: Vec<u8>,
    /// (slot, start, end), at most one per slot.
    pub(crate) groups: Vec<(usize, usize, usize)>,
}

impl Word {
    /// This text with `next` behind it; of a group caught twice the later one stays.
    fn then(&self, next: &Self) -> Self {
        let shift = self.bytes.len();
        let mut both = self.clone();
        both.bytes.extend_from_slice(&next.bytes);
        both.groups
            .retain(|(slot, ..)| next.groups.iter().all(|(later, ..)| later != slot));
        both.groups.extend(
            next.groups
                .iter()
                .map(|(slot, start, end)| (*slot, start + shift, end + shift)),
        );
        both
    }
}

/// The words of these parts in a row, or `None` when they are too many, endless or depend on their surroundings.
pub(crate) fn of(parts: &[Hir], slots: &[Option<usize>]) -> Option<Vec<Word>> {
    parts.iter().try_fold(vec![Word::default()], |words, part| {
        in_a_row(&words, &of_one(part, slots)?)
    })
}

fn in_a_row(first: &[Word], second: &[Word]) -> Option<Vec<Word>> {
    if first.len() * second.len() > MOST_WORDS {
        return None;
    }
    let words: Vec<Word> = first
        .iter()
        .flat_map(|word| second.iter().map(|next| word.then(next)))
        .collect();
    words
        .iter()
        .all(|word| word.bytes.len() <= LONGEST)
        .then_some(words)
}

fn of_one(hir: &Hir, slots: &[Option<usize>]) -> Option<Vec<Word>> {
    match hir.kind() {
        HirKind::Empty => Some(vec![Word::default()]),
        HirKind::Literal(literal) => of_text(&literal.0),
        HirKind::Class(class) => of_class(class),
        HirKind::Capture(group) => {
            let mut words = of_one(&group.sub, slots)?;
            if let Some(slot) = slot(group.index, slots) {
                for word in &mut words {
                    word.groups.push((slot, 0, word.bytes.len()));
                }
            }
            Some(words)
        }
        HirKind::Repetition(repetition) if (repetition.min, repetition.max) == (0, Some(1)) => {
            let mut words = of_one(&repetition.sub, slots)?;
            // `(?:)?` and its like: whether the empty round counts as one is the engine's affair.
            if words.iter().any(|word| word.bytes.is_empty()) {
                return None;
            }
            let none = if repetition.greedy { words.len() } else { 0 };
            words.insert(none, Word::default());
            Some(words)
        }
        HirKind::Repetition(repetition) if Some(repetition.min) == repetition.max => {
            let once = of_one(&repetition.sub, slots)?;
            (0..repetition.min).try_fold(vec![Word::default()], |words, _| in_a_row(&words, &once))
        }
        HirKind::Repetition(_) | HirKind::Look(_) => None,
        HirKind::Concat(parts) => of(parts, slots),
        HirKind::Alternation(branches) => {
            let mut words = Vec::new();
            for branch in branches {
                words.extend(of_one(branch, slots)?);
                if words.len() > MOST_WORDS {
                    return None;
                }
            }
            Some(words)
        }
    }
}

fn of_text(text: &[u8]) -> Option<Vec<Word>> {
    (text.len() <= LONGEST).then(|| {
        vec![Word {
            bytes: text.to_vec(),
            groups: Vec::new(),
        }]
    })
}

fn of_class(class: &Class) -> Option<Vec<Word>> {
    let mut characters = Vec::new();
    match class {
        Class::Unicode(class) => {
            for range in class.ranges() {
                for character in range.start()..=range.end() {
                    characters.push(character.to_string().into_bytes());
                    if characters.len() > MOST_WORDS {
                        return None;
                    }
                }
            }
        }
        Class::Bytes(class) => {
            for range in class.ranges() {
                characters.extend((range.start()..=range.end()).map(|byte| vec![byte]));
            }
        }
    }
    (characters.len() <= MOST_WORDS).then(|| {
        characters
            .into_iter()
            .map(|bytes| Word {
                bytes,
                groups: Vec::new(),
            })
            .collect()
    })
}
