//! Durations as manifests write them: `3s`, `1h30m`, `1.5s`, `250ms`.
//!
//! The notation is Go's (`time.ParseDuration`), because the settings it appears in are Alloy's.

use serde::Deserialize;

/// A length of time in a setting; nanoseconds, as all times of the contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct GoDuration(i64);

impl GoDuration {
    /// A duration of so many nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// The nanoseconds; negative for a duration written with a minus.
    pub const fn nanos(self) -> i64 {
        self.0
    }
}

impl TryFrom<String> for GoDuration {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        parse(&text).map(Self).ok_or_else(|| {
            format!("`{text}` is no duration: numbers with a unit each, like `3s`, `1h30m`, `250ms`")
        })
    }
}

fn parse(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if matches!(rest, "" | "0") {
        return (rest == "0").then_some(0);
    }
    let mut total = 0_i128;
    while !rest.is_empty() {
        let digits = rest
            .bytes()
            .take_while(|b| b.is_ascii_digit() || *b == b'.')
            .count();
        let (number, after) = rest.split_at(digits);
        let letters = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        total = total.checked_add(scaled(number, nanos_of(unit)?)?)?;
        rest = after;
    }
    i64::try_from(if negative { -total } else { total }).ok()
}

/// `number` times `unit`, exactly: fractions below a nanosecond are cut off, as Go does.
fn scaled(number: &str, unit: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let digits = |text: &str| {
        if text.is_empty() {
            Some(0)
        } else {
            text.parse::<i128>().ok()
        }
    };
    let fraction = &fraction[..fraction.len().min(18)];
    let part = digits(fraction)? * unit / 10_i128.pow(fraction.len() as u32);
    digits(whole)?.checked_mul(unit)?.checked_add(part)
}

fn nanos_of(unit: &str) -> Option<i128> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::GoDuration;

    #[test]
    fn reads_what_go_reads() {
        let cases = [
            ("0", Some(0)),
            ("3s", Some(3_000_000_000)),
            ("1h30m", Some(5_400_000_000_000)),
            ("1.5s", Some(1_500_000_000)),
            (".5s", Some(500_000_000)),
            ("1.s", Some(1_000_000_000)),
            ("250ms", Some(250_000_000)),
            ("1µs5us7ns", Some(6_007)),
            ("-2m", Some(-120_000_000_000)),
            ("+2m", Some(120_000_000_000)),
            ("0s", Some(0)),
            ("0.3333333333333333333h", Some(1_199_999_999_999)),
            ("2562047h47m16.854775807s", Some(i64::MAX)),
            ("2562047h47m16.854775808s", None),
            ("99999999999999999999999999999999999999999h", None),
            ("", None),
            ("-", None),
            ("3", None),
            ("s", None),
            (".s", None),
            ("1.2.3s", None),
            ("3 s", None),
            ("3d", None),
            ("3S", None),
        ];
        for (text, expected) in cases {
            assert_eq!(
                GoDuration::try_from(text.to_owned()).ok().map(GoDuration::nanos),
                expected,
                "{text}"
            );
        }
    }
}
