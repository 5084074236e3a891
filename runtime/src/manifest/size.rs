//! Sizes as people write them: `1048576`, `256KiB`, `64MiB`, `1MB`.
//!
//! `1MB` is 1,000,000 bytes and `1MiB` is 1,048,576. Alloy's configuration means 1,048,576 by both (its units library is
//! base two throughout), so a `batch_size = "1MB"` carried over becomes five per cent smaller: a limit that errs on the
//! side the receiver accepts. One letter (`64M`, `64Mi`) is refused, since tools disagree about what it means.

/// Unit in lower case and bytes.
const UNITS: [(&str, u64); 9] = [
    ("b", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
];

/// Why a text is no size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// It does not begin with a whole number.
    #[error("it does not begin with a whole number")]
    NoNumber,
    /// A unit there is none of.
    #[error("there is no unit `{0}`")]
    Unit(String),
    /// More than fits.
    #[error("it is more than 2^64 bytes")]
    TooLarge,
}

/// Reads a size in bytes.
///
/// # Errors
/// When the text is none.
pub fn parse(text: &str) -> Result<u64, SizeError> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    if number.is_empty() {
        return Err(SizeError::NoNumber);
    }
    let unit = unit.trim();
    let wanted = if unit.is_empty() {
        "b".to_owned()
    } else {
        unit.to_ascii_lowercase()
    };
    let Some((_, bytes)) = UNITS.iter().find(|(known, _)| *known == wanted) else {
        return Err(SizeError::Unit(unit.to_owned()));
    };
    let number: u64 = number.parse().map_err(|_| SizeError::TooLarge)?;
    number.checked_mul(*bytes).ok_or(SizeError::TooLarge)
}

/// The size in the form [`parse`] reads, with the largest unit that leaves no rest: `64MiB`.
#[must_use]
pub fn show(bytes: u64) -> String {
    const SHOWN: [(&str, u64); 5] = [
        ("TiB", 1 << 40),
        ("GiB", 1 << 30),
        ("MiB", 1 << 20),
        ("MB", 1_000_000),
        ("KiB", 1 << 10),
    ];
    match SHOWN
        .iter()
        .find(|(_, size)| bytes >= *size && bytes.is_multiple_of(*size))
    {
        Some((unit, size)) => format!("{}{unit}", bytes / size),
        None => format!("{bytes}B"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_people_write() {
        for (text, bytes) in [
            ("0", 0),
            ("1048576", 1 << 20),
            ("512B", 512),
            ("1KB", 1_000),
            ("1kB", 1_000),
            ("256KiB", 256 << 10),
            ("1MB", 1_000_000),
            ("64MiB", 64 << 20),
            ("64 MiB", 64 << 20),
            ("2GiB", 2 << 30),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_refused_and_why() {
        for (text, why) in [
            ("", "it does not begin with a whole number"),
            ("MiB", "it does not begin with a whole number"),
            ("-1MB", "it does not begin with a whole number"),
            ("64M", "there is no unit `M`"),
            ("64Mi", "there is no unit `Mi`"),
            ("1.5MiB", "there is no unit `.5MiB`"),
            ("99999999TiB", "it is more than 2^64 bytes"),
            ("99999999999999999999", "it is more than 2^64 bytes"),
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
        fn shown_sizes_are_read_back(bytes in any::<u64>(), shift in 0_u32..40) {
            for size in [bytes, bytes >> shift, (bytes >> 40) << shift] {
                prop_assert_eq!(parse(&show(size)), Ok(size));
            }
        }

        #[test]
        fn no_text_breaks_it(text in ".*") {
            let _ = parse(&text);
        }
    }
}
