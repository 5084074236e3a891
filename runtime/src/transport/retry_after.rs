//! The header `Retry-After`: a number of seconds or a date.
//!
//! Of HTTP's three date forms only the one that is still sent (IMF-fixdate) is read; of a form we cannot read the
//! header is taken as absent, and the ordinary back-off applies.

use std::time::{Duration, SystemTime};

/// The longest wait a receiver may ask for. More is a broken clock or a typo, and must not stop delivery for days.
pub const LONGEST: Duration = Duration::from_secs(60 * 60);

/// How long to wait, given the header's value and the time; a date that has passed is no wait.
#[must_use]
pub fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // Too many digits for a number are still "very long".
        return Some(value.parse().map_or(LONGEST, Duration::from_secs).min(LONGEST));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(value)
        .ok()?;
    let wait = SystemTime::from(date).duration_since(now).unwrap_or_default();
    Some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Wed, 21 Oct 2015 07:28:00 GMT.
    fn date() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_445_412_480)
    }

    #[test]
    fn seconds() {
        assert_eq!(retry_after("120", date()), Some(Duration::from_secs(120)));
        assert_eq!(retry_after(" 0 ", date()), Some(Duration::ZERO));
    }

    #[test]
    fn a_date() {
        let before = date() - Duration::from_secs(90);
        assert_eq!(
            retry_after("Wed, 21 Oct 2015 07:28:00 GMT", before),
            Some(Duration::from_secs(90))
        );
        let after = date() + Duration::from_secs(1);
        assert_eq!(
            retry_after("Wed, 21 Oct 2015 07:28:00 GMT", after),
            Some(Duration::ZERO)
        );
    }

    #[test]
    fn too_long_is_cut() {
        assert_eq!(retry_after("99999999999999999999999", date()), Some(LONGEST));
        assert_eq!(
            retry_after("Wed, 21 Oct 2065 07:28:00 GMT", date()),
            Some(LONGEST)
        );
    }

    #[test]
    fn nonsense_is_no_header() {
        for value in ["", "soon", "-1", "1.5", "Wed, 99 Oct 2015 07:28:00 GMT"] {
            assert_eq!(retry_after(value, date()), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn no_value_panics(value in ".*") {
            prop_assert!(retry_after(&value, date()).is_none_or(|wait| wait <= LONGEST));
        }
    }
}
