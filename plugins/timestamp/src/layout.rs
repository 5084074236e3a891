//! A time layout in Go's manner: the reference time `Mon Jan 2 15:04:05 MST 2006`, written as one wants it read.
//!
//! Users paste layouts that work in Alloy, so the rules are those of Go's `time.Parse` to the letter, with its
//! leniencies: names in any case, a run of spaces for a space, a fraction of a second where the layout has none.
//! A layout is cut into parts once; [`read`] walks them.

pub(crate) use read::{Civil, Offset};

mod read;
#[cfg(test)]
mod tests;

/// A compiled layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    parts: Vec<Part>,
    has_year: bool,
}

/// One piece of a layout.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    LongYear,
    Year,
    LongMonth,
    Month,
    /// Two digits wanted, or one or two.
    MonthNumber {
        fixed: bool,
    },
    LongWeekday,
    Weekday,
    Day {
        fixed: bool,
        padded: bool,
    },
    YearDay {
        fixed: bool,
    },
    Hour,
    Hour12 {
        fixed: bool,
    },
    Minute {
        fixed: bool,
    },
    Second {
        fixed: bool,
    },
    /// So many digits.
    Fraction(usize),
    /// Any number of digits, or none.
    AnyFraction,
    Noon {
        upper: bool,
    },
    ZoneName,
    Zone {
        zulu: bool,
        shape: Shape,
    },
}

/// How an offset is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Hours,
    Minutes,
    ColonMinutes,
    Seconds,
    ColonSeconds,
}

/// Longer spellings before their beginnings.
const ZONES: [(&str, Shape); 5] = [
    ("070000", Shape::Seconds),
    ("07:00:00", Shape::ColonSeconds),
    ("0700", Shape::Minutes),
    ("07:00", Shape::ColonMinutes),
    ("07", Shape::Hours),
];

impl Layout {
    /// Cuts a layout into parts.
    pub(crate) fn new(layout: &str) -> Self {
        let mut parts = Vec::new();
        let (mut literal, mut rest) = (String::new(), layout);
        while let Some(character) = rest.chars().next() {
            // Go reads `_2006` as an underscore and a year.
            let part = if rest.starts_with("_2006") {
                None
            } else {
                part_at(rest)
            };
            match part {
                Some((part, length)) => {
                    if !literal.is_empty() {
                        parts.push(Part::Literal(std::mem::take(&mut literal)));
                    }
                    parts.push(part);
                    rest = &rest[length..];
                }
                None => {
                    literal.push(character);
                    rest = &rest[character.len_utf8()..];
                }
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        let has_year = parts
            .iter()
            .any(|part| matches!(part, Part::Year | Part::LongYear));
        Self { parts, has_year }
    }

    /// Whether the layout reads anything at all.
    pub(crate) fn reads_something(&self) -> bool {
        self.parts.iter().any(|part| !matches!(part, Part::Literal(_)))
    }

    /// Whether the layout names the year.
    pub(crate) fn has_year(&self) -> bool {
        self.has_year
    }

    /// Reads a time.
    pub(crate) fn read(&self, text: &str) -> Option<Civil> {
        read::read(&self.parts, text)
    }
}

/// The part that begins a text, and its length.
fn part_at(text: &str) -> Option<(Part, usize)> {
    let word = |word: &str| text.starts_with(word);
    let short = |word: &str| word_alone(text, word);
    match text.as_bytes()[0] {
        b'J' if word("January") => Some((Part::LongMonth, 7)),
        b'J' if short("Jan") => Some((Part::Month, 3)),
        b'M' if word("Monday") => Some((Part::LongWeekday, 6)),
        b'M' if short("Mon") => Some((Part::Weekday, 3)),
        b'M' if word("MST") => Some((Part::ZoneName, 3)),
        b'0' if word("01") => Some((Part::MonthNumber { fixed: true }, 2)),
        b'0' if word("002") => Some((Part::YearDay { fixed: true }, 3)),
        b'0' if word("02") => Some((
            Part::Day {
                fixed: true,
                padded: false,
            },
            2,
        )),
        b'0' if word("03") => Some((Part::Hour12 { fixed: true }, 2)),
        b'0' if word("04") => Some((Part::Minute { fixed: true }, 2)),
        b'0' if word("05") => Some((Part::Second { fixed: true }, 2)),
        b'0' if word("06") => Some((Part::Year, 2)),
        b'1' if word("15") => Some((Part::Hour, 2)),
        b'1' => Some((Part::MonthNumber { fixed: false }, 1)),
        b'2' if word("2006") => Some((Part::LongYear, 4)),
        b'2' => Some((
            Part::Day {
                fixed: false,
                padded: false,
            },
            1,
        )),
        b'_' if word("_2") => Some((
            Part::Day {
                fixed: false,
                padded: true,
            },
            2,
        )),
        b'_' if word("__2") => Some((Part::YearDay { fixed: false }, 3)),
        b'3' => Some((Part::Hour12 { fixed: false }, 1)),
        b'4' => Some((Part::Minute { fixed: false }, 1)),
        b'5' => Some((Part::Second { fixed: false }, 1)),
        b'P' if word("PM") => Some((Part::Noon { upper: true }, 2)),
        b'p' if word("pm") => Some((Part::Noon { upper: false }, 2)),
        sign @ (b'-' | b'Z') => {
            let (spelling, shape) = ZONES
                .iter()
                .find(|(spelling, _)| text[1..].starts_with(spelling))?;
            Some((
                Part::Zone {
                    zulu: sign == b'Z',
                    shape: *shape,
                },
                1 + spelling.len(),
            ))
        }
        b'.' | b',' => fraction(&text.as_bytes()[1..]),
        _ => None,
    }
}

/// `Jan` and `Mon` count only where no lower-case letter follows.
fn word_alone(text: &str, word: &str) -> bool {
    text.strip_prefix(word)
        .is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_lowercase()))
}

/// Zeros or nines after a dot or comma, with no other digit behind them.
fn fraction(digits: &[u8]) -> Option<(Part, usize)> {
    let first = *digits.first().filter(|digit| matches!(digit, b'0' | b'9'))?;
    let count = digits.iter().take_while(|digit| **digit == first).count();
    if digits.get(count).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    Some((
        if first == b'0' {
            Part::Fraction(count)
        } else {
            Part::AnyFraction
        },
        1 + count,
    ))
}
