//! What a remote-write receiver's answer means.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::delivery::Outcome;

/// The longest `Retry-After` that is obeyed: beyond it a wrong clock or a slip of the hand is likelier than intent,
/// and the sink would stand still unnoticed.
const LONGEST: Duration = Duration::from_secs(3600);

/// How much of an answer's text goes into the log.
const SHOWN: usize = 256;

/// The meaning of an answer. `now` is the wall clock's, for `Retry-After` as a date.
#[must_use]
pub fn outcome(status: StatusCode, headers: &HeaderMap, body: &str, now: Timestamp) -> Outcome {
    let why = || {
        let text: String = body.trim().chars().take(SHOWN).collect();
        if text.is_empty() {
            status.to_string()
        } else {
            format!("{status}: {text}")
        }
    };
    match status.as_u16() {
        // The receiver has it. With remote write 1.0 there is nothing to read in the answer.
        200..=299 => Outcome::Accepted,
        // Too fast for the receiver (429), or it gave up waiting for our body (408): it will take the same later.
        408 | 429 => Outcome::Retry {
            after: retry_after(headers, now),
            why: why(),
        },
        // Larger than the receiver or a proxy in front of it takes: the rows may pass in smaller requests.
        413 => Outcome::TooLarge,
        // The receiver's own trouble; the specification demands a retry.
        500..=599 => Outcome::Retry {
            after: retry_after(headers, now),
            why: why(),
        },
        // Our credentials or address are wrong, or the rows are. The specification forbids a retry: it would hold up
        // everything behind these rows. Of a 400 for out-of-order samples the receiver has stored the good ones.
        _ => Outcome::Reject {
            reason: "rejected",
            why: why(),
        },
    }
}

/// `Retry-After`, as seconds or as an HTTP date; nothing when it is neither or past.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let until = DateTimeParser::new().parse_timestamp(text).ok()?;
            Duration::try_from(until.duration_since(now)).ok()?
        }
    };
    (!wait.is_zero()).then_some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, after: Option<&str>) -> Outcome {
        let mut headers = HeaderMap::new();
        if let Some(after) = after {
            headers.insert(RETRY_AFTER, after.parse().unwrap());
        }
        // 2015-10-21 07:28:00 UTC
        outcome(
            StatusCode::from_u16(status).unwrap(),
            &headers,
            " why \n",
            Timestamp::from_second(1_445_412_480).unwrap(),
        )
    }

    fn waits(after: &str) -> Option<u64> {
        match of(503, Some(after)) {
            Outcome::Retry { after, .. } => after.map(|wait| wait.as_secs()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_status_has_one_meaning() {
        for status in [200, 204, 299] {
            assert_eq!(of(status, None), Outcome::Accepted);
        }
        for status in [408, 429, 500, 502, 503, 599] {
            assert!(
                matches!(of(status, None), Outcome::Retry { after: None, .. }),
                "{status}"
            );
        }
        for status in [301, 400, 401, 403, 404, 422] {
            assert!(
                matches!(
                    of(status, Some("5")),
                    Outcome::Reject {
                        reason: "rejected",
                        ..
                    }
                ),
                "{status}"
            );
        }
        assert_eq!(of(413, None), Outcome::TooLarge);
        assert_eq!(
            of(400, None),
            Outcome::Reject {
                reason: "rejected",
                why: "400 Bad Request: why".into()
            }
        );
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_bounded() {
        assert_eq!(waits("7"), Some(7));
        assert_eq!(waits(" 7 "), Some(7));
        assert_eq!(waits("Wed, 21 Oct 2015 07:28:30 GMT"), Some(30));
        assert_eq!(waits("Wed, 21 Oct 2015 07:27:00 GMT"), None);
        assert_eq!(waits("Thu, 21 Oct 2055 07:28:00 GMT"), Some(3600));
        assert_eq!(waits("18446744073709551615"), Some(3600));
        for nonsense in ["", "0", "-5", "soon", "1.5", "99999999999999999999"] {
            assert_eq!(waits(nonsense), None, "{nonsense}");
        }
    }
}
