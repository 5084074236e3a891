//! Durations as people write them: `500ms`, `3s`, `1m30s`, `1.5h`, `2d`.
//!
//! The units are Prometheus' and Go's together: `ns us ms s m h d w`, in descending order, each once. A bare number is
//! refused: in Promtail it meant nanoseconds, in Compose seconds; nobody should have to know.

use std::time::Duration;

/// Unit and nanoseconds, in descending order.
const UNITS: [(&str, u128); 8] = [
    ("w", 604_800_000_000_000),
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
    /// A number without a unit.
    #[error("`{0}` lacks a unit")]
    NoUnit(String),
    /// A unit without a number.
    #[error("`{0}` lacks a number")]
    NoNumber(String),
    /// A unit there is none of.
    #[error("there is no unit `{0}`")]
    Unit(String),
    /// Units in another order than from large to small, or one twice.
    #[error("`{0}` must stand before smaller units, and once")]
    Order(String),
    /// More than fits.
    #[error("it is longer than 500 years")]
    TooLong,
}

/// Reads a duration.
///
/// # Errors
/// When the text is none.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(DurationError::Empty);
    }
    let mut nanos: u128 = 0;
    let mut next_unit = 0;
    while !rest.is_empty() {
        let split = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at(split);
        let split = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(split);
        if number.is_empty() {
            return Err(DurationError::NoNumber(unit.trim().to_owned()));
        }
        if unit.is_empty() {
            return Err(DurationError::NoUnit(number.to_owned()));
        }
        let name = if matches!(unit, "µs" | "μs") { "us" } else { unit };
        let Some(index) = UNITS.iter().position(|(known, _)| *known == name) else {
            return Err(DurationError::Unit(unit.trim().to_owned()));
        };
        if index < next_unit {
            return Err(DurationError::Order(unit.to_owned()));
        }
        next_unit = index + 1;
        let part = times(number, UNITS[index].1).ok_or_else(|| match number.matches('.').count() {
            0 | 1 => DurationError::TooLong,
            _ => DurationError::NoNumber(unit.to_owned()),
        })?;
        nanos += part;
        rest = tail;
    }
    let nanos = u64::try_from(nanos).map_err(|_| DurationError::TooLong)?;
    Ok(Duration::from_nanos(nanos))
}

/// `number`, perhaps with decimals, times `unit` nanoseconds; `None` when it is no number or far too large.
fn times(number: &str, unit: u128) -> Option<u128> {
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    if whole.len() + decimals.len() == 0 || decimals.contains('.') {
        return None;
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let decimals = &decimals[..decimals.len().min(15)];
    let fraction: u128 = if decimals.is_empty() {
        0
    } else {
        decimals.parse().ok()?
    };
    let scale = 10_u128.pow(u32::try_from(decimals.len()).ok()?);
    Some(u128::from(whole) * unit + fraction * unit / scale)
}

/// The duration in the form [`parse`] reads: `1m30s`.
#[must_use]
pub fn show(duration: Duration) -> String {
    let mut nanos = duration.as_nanos();
    let mut text = String::new();
    for (unit, size) in UNITS.iter().skip(1) {
        if nanos >= *size {
            text.push_str(&format!("{}{unit}", nanos / size));
            nanos %= size;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_people_write() {
        for (text, millis) in [
            ("3s", 3_000),
            ("500ms", 500),
            ("1m30s", 90_000),
            ("1h", 3_600_000),
            ("2d", 172_800_000),
            ("1w", 604_800_000),
            ("1.5s", 1_500),
            ("0.25h", 900_000),
            (" 5s ", 5_000),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(parse("250us"), parse("250µs"));
    }

    #[test]
    fn what_is_refused_and_why() {
        for (text, why) in [
            ("", "it is empty"),
            ("3", "`3` lacks a unit"),
            ("1m30", "`30` lacks a unit"),
            ("s", "`s` lacks a number"),
            ("-3s", "`-` lacks a number"),
            ("3 s", "there is no unit `s`"),
            ("3sec", "there is no unit `sec`"),
            ("3S", "there is no unit `S`"),
            ("30s1m", "`m` must stand before smaller units, and once"),
            ("1s1s", "`s` must stand before smaller units, and once"),
            ("1.2.3s", "`s` lacks a number"),
            ("999999w", "it is longer than 500 years"),
            ("99999999999999999999999s", "it is longer than 500 years"),
        ] {
            assert_eq!(
                parse(text).map_err(|error| error.to_string()),
                Err(why.to_owned()),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn shown_durations_are_read_back(nanos in any::<u64>()) {
            let duration = Duration::from_nanos(nanos);
            prop_assert_eq!(parse(&show(duration)), Ok(duration));
        }

        #[test]
        fn no_text_breaks_it(text in ".*") {
            let _ = parse(&text);
        }
    }
}
