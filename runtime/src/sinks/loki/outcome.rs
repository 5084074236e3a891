//! What Loki's answer means for the request that was sent.
//!
//! The rule: only a verdict on the data itself drops data. Loki gives that with 400 and 422; every other refusal
//! speaks of the road (load, limits, credentials, addresses, proxies) and is repeated until someone mends it.
//! So 401, 403 and 404 are repeated too, unlike in Alloy, which drops the batch at once: a password that is wrong
//! for a minute must not cost a minute of logs. They wait like everything else, doubling up to the longest back-off,
//! because a 404 is as often an ingress in the middle of a roll-out as a typo; the log says once that a person is
//! wanted. With `retries` set, they are dropped and counted like any other failure.

use std::time::SystemTime;

use crate::delivery::Outcome;
use crate::transport::retry_after;

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The header `Retry-After`.
    pub retry_after: Option<String>,
    /// The beginning of the body.
    pub body: String,
}

/// Loki's own name for a blocked tenant in `loki_discarded_samples_total`.
pub const BLOCKED: &str = "blocked_ingestion";

/// The reason of a single entry that is too large: Loki's own name, and what Alloy calls it.
pub const TOO_LONG: &str = "line_too_long";

/// The reason of a request that ran out of repetitions because of a rate limit; Alloy's name.
pub const RATE_LIMITED: &str = "rate_limited";

/// The reason of whatever else was refused; Alloy's name, which dashboards and alerts know.
pub const REFUSED: &str = "ingester_error";

/// The meaning of an answer, or of its absence (`Err`: why there is none), at the time `now`.
#[must_use]
pub fn outcome(reply: Result<&Answer, &str>, now: SystemTime) -> Outcome {
    let answer = match reply {
        Ok(answer) => answer,
        // Refused, reset, timed out, no such name, bad certificate: Loki may even have it, but nobody said so.
        // Sending it again is safe: an entry equal in time, text and stream is dropped by Loki.
        Err(why) => {
            return Outcome::Retry {
                after: None,
                why: why.to_owned(),
            };
        }
    };
    let why = || format!("status {}: {}", answer.status, answer.body.trim());
    let after = || {
        answer
            .retry_after
            .as_deref()
            .and_then(|value| retry_after(value, now))
    };
    match answer.status {
        // 204 is Loki's usual word. 260 and a 200 with a text say that the tenant is blocked and the data was
        // discarded: `blocked` finds them. Repeating would not help before the block ends, possibly days away.
        200..=299 => Outcome::Accepted,
        // Bad protobuf or labels, or entries that break a limit. What was valid in the request has been stored.
        400 => Outcome::Reject {
            reason: reason(&answer.body),
            why: why(),
        },
        // No valid stream in the request.
        422 => Outcome::Reject {
            reason: reason(&answer.body),
            why: why(),
        },
        // Loki or a proxy before it takes only smaller requests.
        413 => Outcome::TooLarge,
        // Too slow for the receiver, or too much at the moment: it may say when to come back.
        408 | 429 => Outcome::Retry {
            after: after(),
            why: why(),
        },
        // The receiver fails; 503 may say when to come back.
        500..=599 => Outcome::Retry {
            after: after(),
            why: why(),
        },
        // Redirects (not followed), credentials, wrong path or method, odd proxies: someone must mend the road.
        _ => Outcome::Retry {
            after: after(),
            why: why(),
        },
    }
}

/// Whether a 2xx answer says that the data was discarded because the tenant is blocked.
#[must_use]
pub fn blocked(answer: &Answer) -> bool {
    answer.status == 260 || answer.body.contains("ingestion blocked")
}

/// How many of a request's `entries` a rejection speaks of: the sum of `total ignored: n out of m` and `n errors
/// like:`, or all when it says no number (then the count is the most that can have been lost).
#[must_use]
pub fn rejected(body: &str, entries: usize) -> usize {
    let after = body.split("total ignored: ").skip(1).filter_map(|text| {
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        text[..digits].parse::<usize>().ok()
    });
    let before = body.match_indices(" errors like: ").filter_map(|(at, _)| {
        let text = &body[..at];
        text[text.trim_end_matches(|c: char| c.is_ascii_digit()).len()..]
            .parse::<usize>()
            .ok()
    });
    match after.chain(before).fold(0usize, usize::saturating_add) {
        0 => entries,
        named => named.min(entries),
    }
}

/// Texts of Loki's rejections and the reason under which Loki itself counts them (`loki_discarded_samples_total`);
/// the first that is found counts.
const REASONS: [(&str, &str); 15] = [
    ("max entry size", TOO_LONG),
    ("entry out of order", "out_of_order"),
    ("entry too far behind", "too_far_behind"),
    ("has timestamp too old", "greater_than_max_sample_age"),
    ("has timestamp too new", "too_far_in_future"),
    ("label names; limit", "max_label_names_per_series"),
    ("label name too long", "label_name_too_long"),
    ("label value too long", "label_value_too_long"),
    ("duplicate label name", "duplicate_label_names"),
    ("at least one label pair is required", "missing_labels"),
    ("missing required labels", "missing_enforced_labels"),
    ("structured metadata too large", "structured_metadata_too_large"),
    (
        "too many structured metadata labels",
        "structured_metadata_too_many",
    ),
    ("couldn't parse labels", "invalid_labels"),
    ("error parsing labels", "invalid_labels"),
];

fn reason(body: &str) -> &'static str {
    REASONS
        .iter()
        .find(|(text, _)| body.contains(text))
        .map_or(REFUSED, |(_, reason)| reason)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn of(status: u16, body: &str) -> Outcome {
        let answer = Answer {
            status,
            retry_after: Some("7".to_owned()),
            body: body.to_owned(),
        };
        outcome(Ok(&answer), SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn two_hundreds_are_accepted() {
        for status in [200, 204, 260] {
            assert_eq!(of(status, ""), Outcome::Accepted);
        }
        let blocked_200 = "ingestion blocked for user 'fake' until 'tomorrow' with status code '200'";
        assert!(blocked(&Answer {
            status: 200,
            body: blocked_200.to_owned(),
            ..Answer::default()
        }));
        assert!(blocked(&Answer {
            status: 260,
            ..Answer::default()
        }));
        assert!(!blocked(&Answer {
            status: 204,
            ..Answer::default()
        }));
    }

    #[test]
    fn load_and_failures_are_repeated_when_the_receiver_says() {
        for status in [408, 429, 500, 502, 503, 504] {
            let after = Some(Duration::from_secs(7));
            assert_eq!(
                of(status, " busy\n"),
                Outcome::Retry {
                    after,
                    why: format!("status {status}: busy")
                }
            );
        }
        let silent = outcome(Err("connection refused"), SystemTime::UNIX_EPOCH);
        assert_eq!(
            silent,
            Outcome::Retry {
                after: None,
                why: "connection refused".to_owned()
            }
        );
    }

    #[test]
    fn what_a_person_must_mend_is_repeated() {
        for status in [100, 301, 307, 401, 403, 404, 405, 407, 415, 600] {
            assert!(matches!(of(status, ""), Outcome::Retry { .. }), "{status}");
        }
    }

    #[test]
    fn too_large_is_split() {
        assert_eq!(of(413, "request body too large"), Outcome::TooLarge);
    }

    #[test]
    fn a_verdict_on_the_data_rejects_it() {
        let cases = [
            (400, "couldn't parse labels: 1:2: parse error", "invalid_labels"),
            (
                400,
                "max entry size '262144' bytes exceeded for stream '{a=\"b\"}' while adding",
                "line_too_long",
            ),
            (
                400,
                "entry for stream '{}' has timestamp too old: 2020",
                "greater_than_max_sample_age",
            ),
            (
                400,
                "entry too far behind, entry timestamp is: x",
                "too_far_behind",
            ),
            (
                422,
                "error at least one valid stream is required for ingestion",
                "ingester_error",
            ),
            (400, "\0 nobody ever wrote this", "ingester_error"),
        ];
        for (status, body, expected) in cases {
            assert!(
                matches!(of(status, body), Outcome::Reject { reason, .. } if reason == expected),
                "{body}"
            );
        }
    }

    #[test]
    fn only_rejected_entries_are_counted_where_loki_says_how_many() {
        let one = "entry with timestamp x ignored, reason: 'entry out of order',\nuser 'fake', total ignored: 3 out \
                   of 10 for stream: {a=\"b\"}";
        assert_eq!(rejected(one, 50), 3);
        assert_eq!(rejected(&format!("{one}\n{one}"), 50), 6);
        assert_eq!(
            rejected("2 errors like: label name too long; 1 errors like: too old", 50),
            3
        );
        assert_eq!(rejected("max entry size exceeded", 50), 50);
        assert_eq!(
            rejected("total ignored: 99999999999999999999999 out of 1", 50),
            50
        );
        assert_eq!(rejected("total ignored: 70 out of 70", 50), 50);
    }

    proptest! {
        #[test]
        fn no_answer_panics(status in any::<u16>(), after in proptest::option::of(".*"), body in ".*", n in 0usize..99) {
            let answer = Answer { status, retry_after: after, body };
            let _ = (outcome(Ok(&answer), SystemTime::UNIX_EPOCH), blocked(&answer));
            prop_assert!(rejected(&answer.body, n) <= n);
        }

        #[test]
        fn no_number_in_the_text_panics(text in "(total ignored: )?[0-9é]{0,3}( errors like: )?.{0,4}") {
            prop_assert!(rejected(&text, 10) <= 10);
        }
    }
}
