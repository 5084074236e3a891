//! Reads a text by the parts of a layout, as Go's `time.Parse` does.

use super::{Part, Shape};
use crate::civil::{is_leap, month_length};

/// What a text says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    /// 0 where the layout has none.
    pub(crate) year: i64,
    pub(crate) month: i64,
    pub(crate) day: i64,
    pub(crate) second_of_day: i64,
    pub(crate) nanosecond: i64,
    pub(crate) offset: Offset,
}

/// How far from UTC, as the text says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Offset {
    /// It does not.
    Unsaid,
    /// In seconds.
    Seconds(i64),
    /// By an abbreviation.
    Named(String),
}

#[derive(Default)]
struct Reading {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanosecond: i64,
    afternoon: Option<bool>,
    offset: Option<Offset>,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// Reads all of `text`.
pub(super) fn read(parts: &[Part], text: &str) -> Option<Civil> {
    let mut rest = text.as_bytes();
    let mut reading = Reading::default();
    for (index, part) in parts.iter().enumerate() {
        let next = parts[index + 1..]
            .iter()
            .find(|part| !matches!(part, Part::Literal(_)));
        rest = reading.part(part, next, rest)?;
    }
    if rest.is_empty() { reading.finish() } else { None }
}

impl Reading {
    fn part<'t>(&mut self, part: &Part, next: Option<&Part>, text: &'t [u8]) -> Option<&'t [u8]> {
        let (value, rest) = match part {
            Part::Literal(literal) => return skip(text, literal.as_bytes()),
            Part::LongYear | Part::Year => return self.year(part, text),
            Part::LongWeekday => return Some(name(text, &WEEKDAYS, usize::MAX)?.1),
            Part::Weekday => return Some(name(text, &WEEKDAYS, 3)?.1),
            Part::Fraction(digits) => return self.fraction(text, *digits),
            Part::AnyFraction => return self.any_fraction(text),
            Part::Noon { upper } => return self.noon(text, *upper),
            Part::ZoneName => return self.zone_name(text),
            Part::Zone { zulu, shape } => return self.zone(text, *zulu, *shape),
            Part::LongMonth => name(text, &MONTHS, usize::MAX)?,
            Part::Month => name(text, &MONTHS, 3)?,
            Part::Day { fixed, padded } => number(if *padded { space(text) } else { text }, *fixed)?,
            Part::YearDay { fixed: true } => number3(text, true)?,
            Part::YearDay { fixed: false } => number3(space(space(text)), false)?,
            Part::Hour => number(text, false)?,
            Part::MonthNumber { fixed }
            | Part::Hour12 { fixed }
            | Part::Minute { fixed }
            | Part::Second { fixed } => number(text, *fixed)?,
        };
        match part {
            Part::LongMonth | Part::Month => self.month = Some(value + 1),
            Part::MonthNumber { .. } => self.month = Some(within(value, 1, 12)?),
            Part::Day { .. } => self.day = Some(value),
            Part::YearDay { .. } => self.year_day = Some(value),
            Part::Hour => self.hour = within(value, 0, 23)?,
            Part::Hour12 { .. } => self.hour = within(value, 0, 12)?,
            Part::Minute { .. } => self.minute = within(value, 0, 59)?,
            _ => {
                self.second = within(value, 0, 59)?;
                // A fraction that the layout does not have is read all the same.
                if !matches!(next, Some(Part::Fraction(_) | Part::AnyFraction)) {
                    return self.any_fraction(rest);
                }
            }
        }
        Some(rest)
    }

    fn year<'t>(&mut self, part: &Part, text: &'t [u8]) -> Option<&'t [u8]> {
        let length = if *part == Part::LongYear { 4 } else { 2 };
        let (digits, rest) = text.split_at_checked(length)?;
        let year = decimal(digits)?;
        self.year = match (length, year) {
            (4, year) => year,
            (_, 69..) => year + 1900,
            _ => year + 2000,
        };
        Some(rest)
    }

    /// A dot or comma and `digits` digits, of which nine count.
    fn fraction<'t>(&mut self, text: &'t [u8], digits: usize) -> Option<&'t [u8]> {
        if !matches!(text.first()?, b'.' | b',') {
            return None;
        }
        let all = text.get(1..=digits)?;
        if !all.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let counted = &all[..digits.min(9)];
        self.nanosecond = decimal(counted)? * 10_i64.pow(9 - counted.len() as u32);
        Some(&text[1 + digits..])
    }

    fn any_fraction<'t>(&mut self, text: &'t [u8]) -> Option<&'t [u8]> {
        if !matches!(text, [b'.' | b',', b'0'..=b'9', ..]) {
            return Some(text);
        }
        self.fraction(
            text,
            text[1..].iter().take_while(|byte| byte.is_ascii_digit()).count(),
        )
    }

    fn noon<'t>(&mut self, text: &'t [u8], upper: bool) -> Option<&'t [u8]> {
        let (word, rest) = text.split_at_checked(2)?;
        self.afternoon = Some(match (word, upper) {
            (b"PM", true) | (b"pm", false) => true,
            (b"AM", true) | (b"am", false) => false,
            _ => return None,
        });
        Some(rest)
    }

    fn zone<'t>(&mut self, text: &'t [u8], zulu: bool, shape: Shape) -> Option<&'t [u8]> {
        if zulu && let Some(rest) = text.strip_prefix(b"Z") {
            self.offset = Some(Offset::Seconds(0));
            return Some(rest);
        }
        let (digits, length): (&[usize], usize) = match shape {
            Shape::Hours => (&[1], 3),
            Shape::Minutes => (&[1, 3], 5),
            Shape::ColonMinutes => (&[1, 4], 6),
            Shape::Seconds => (&[1, 3, 5], 7),
            Shape::ColonSeconds => (&[1, 4, 7], 9),
        };
        let (offset, rest) = text.split_at_checked(length)?;
        let colons: &[usize] = match shape {
            Shape::ColonMinutes => &[3],
            Shape::ColonSeconds => &[3, 6],
            _ => &[],
        };
        if colons.iter().any(|place| offset[*place] != b':') {
            return None;
        }
        let mut seconds = 0;
        for (place, (unit, most)) in digits.iter().zip([(3600, 24), (60, 60), (1, 60)]) {
            seconds += unit * within(decimal(&offset[*place..place + 2])?, 0, most)?;
        }
        self.offset = Some(Offset::Seconds(match offset[0] {
            b'+' => seconds,
            b'-' => -seconds,
            _ => return None,
        }));
        Some(rest)
    }

    fn zone_name<'t>(&mut self, text: &'t [u8]) -> Option<&'t [u8]> {
        if let Some(rest) = text.strip_prefix(b"UTC") {
            self.offset = Some(Offset::Seconds(0));
            return Some(rest);
        }
        let (name, rest) = text.split_at(zone_name_length(text)?);
        self.offset = Some(Offset::Named(String::from_utf8_lossy(name).into_owned()));
        Some(rest)
    }

    fn finish(self) -> Option<Civil> {
        let hour = match self.afternoon {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let (month, day) = match self.year_day {
            None => (self.month.unwrap_or(1), self.day.unwrap_or(1)),
            Some(year_day) => {
                let (month, day) = month_day(self.year, year_day)?;
                let agrees = self.month.is_none_or(|other| other == month);
                (agrees && self.day.is_none_or(|other| other == day)).then_some((month, day))?
            }
        };
        within(day, 1, month_length(self.year, month))?;
        Some(Civil {
            year: self.year,
            month,
            day,
            second_of_day: hour * 3600 + self.minute * 60 + self.second,
            nanosecond: self.nanosecond,
            offset: self.offset.unwrap_or(Offset::Unsaid),
        })
    }
}

fn month_day(year: i64, year_day: i64) -> Option<(i64, i64)> {
    let mut left = within(year_day, 1, 365 + i64::from(is_leap(year)))?;
    for month in 1..=12 {
        let length = month_length(year, month);
        if left <= length {
            return Some((month, left));
        }
        left -= length;
    }
    None
}

fn within(value: i64, least: i64, most: i64) -> Option<i64> {
    (least..=most).contains(&value).then_some(value)
}

fn space(text: &[u8]) -> &[u8] {
    text.strip_prefix(b" ").unwrap_or(text)
}

/// Any number of spaces stand for any number of spaces; at the end of the text also for none.
fn skip<'t>(mut text: &'t [u8], mut literal: &[u8]) -> Option<&'t [u8]> {
    while let Some((first, rest)) = literal.split_first() {
        if *first == b' ' {
            if text.first().is_some_and(|byte| *byte != b' ') {
                return None;
            }
            literal = past_spaces(literal);
            text = past_spaces(text);
        } else {
            text = text.strip_prefix(&[*first])?;
            literal = rest;
        }
    }
    Some(text)
}

fn past_spaces(text: &[u8]) -> &[u8] {
    let spaces = text.iter().take_while(|byte| **byte == b' ').count();
    &text[spaces..]
}

/// The index of the name that begins the text, in any case; `length` bytes of a name count.
fn name<'t>(text: &'t [u8], names: &[&str], length: usize) -> Option<(i64, &'t [u8])> {
    names.iter().enumerate().find_map(|(index, name)| {
        let name = &name.as_bytes()[..name.len().min(length)];
        let (head, rest) = text.split_at_checked(name.len())?;
        head.eq_ignore_ascii_case(name).then_some((index as i64, rest))
    })
}

/// Two digits, or where not `fixed` one.
fn number(text: &[u8], fixed: bool) -> Option<(i64, &[u8])> {
    match text {
        [first @ b'0'..=b'9', second @ b'0'..=b'9', rest @ ..] => {
            Some((i64::from((first - b'0') * 10 + second - b'0'), rest))
        }
        [digit @ b'0'..=b'9', rest @ ..] if !fixed => Some((i64::from(digit - b'0'), rest)),
        _ => None,
    }
}

/// Three digits, or where not `fixed` one to three.
fn number3(text: &[u8], fixed: bool) -> Option<(i64, &[u8])> {
    let count = text
        .iter()
        .take(3)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if count == 0 || (fixed && count != 3) {
        return None;
    }
    Some((decimal(&text[..count])?, &text[count..]))
}

fn decimal(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0_i64, |sum, digit| {
        digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0'))
    })
}

/// What looks like the abbreviation of a time zone.
fn zone_name_length(text: &[u8]) -> Option<usize> {
    if text.starts_with(b"ChST") || text.starts_with(b"MeST") {
        return Some(4);
    }
    if let Some(rest) = text.strip_prefix(b"GMT") {
        return Some(3 + signed_hours(rest).unwrap_or_default());
    }
    if matches!(text.first()?, b'+' | b'-') {
        return signed_hours(text).filter(|_| text.len() >= 3);
    }
    let capitals = text
        .iter()
        .take(6)
        .take_while(|byte| byte.is_ascii_uppercase())
        .count();
    match capitals {
        3 => Some(3),
        4 if text[3] == b'T' || text.starts_with(b"WITA") => Some(4),
        5 if text[4] == b'T' => Some(5),
        _ => None,
    }
}

/// The length of a sign and a number up to 23.
fn signed_hours(text: &[u8]) -> Option<usize> {
    let digits = text.strip_prefix(b"+").or_else(|| text.strip_prefix(b"-"))?;
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let hours = decimal(digits.get(..count.min(18))?)?;
    (count > 0 && hours <= 23).then_some(1 + count)
}
