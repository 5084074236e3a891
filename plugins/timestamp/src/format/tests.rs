use super::{Format, Zone};

/// 2026-01-15T12:00:00Z.
const NOW: i64 = 1_768_478_400_000_000_000;

fn parse(format: &str, location: &str, text: &str) -> Option<i64> {
    Format::new(format, &Zone::named(location).unwrap())
        .unwrap()
        .parse(text, NOW)
}

/// Seconds and nanoseconds as Go 1.25 gives them for the same call.
#[test]
fn named_formats() {
    for (format, text, seconds, nanoseconds) in [
        ("ANSIC", "Mon Jan  5 15:04:05 2026", 1_767_625_445, 0),
        ("UnixDate", "Mon Jan  5 15:04:05 UTC 2026", 1_767_625_445, 0),
        ("UnixDate", "Mon Jan  5 15:04:05 CET 2026", 1_767_625_445, 0),
        ("UnixDate", "Mon Jan  5 15:04:05 GMT+2 2026", 1_767_618_245, 0),
        ("RubyDate", "Mon Jan 05 15:04:05 +0130 2026", 1_767_620_045, 0),
        ("RFC822", "05 Jan 26 15:04 UTC", 1_767_625_440, 0),
        ("RFC822Z", "05 Jan 26 15:04 -0700", 1_767_650_640, 0),
        ("RFC850", "Monday, 05-Jan-26 15:04:05 UTC", 1_767_625_445, 0),
        ("RFC1123", "Mon, 05 Jan 2026 15:04:05 UTC", 1_767_625_445, 0),
        ("RFC1123Z", "Mon, 05 Jan 2026 15:04:05 +0000", 1_767_625_445, 0),
        ("RFC3339", "2026-01-05T15:04:05Z", 1_767_625_445, 0),
        (
            "RFC3339",
            "2026-01-05T15:04:05.25+01:00",
            1_767_621_845,
            250_000_000,
        ),
        (
            "RFC3339Nano",
            "2026-01-05T15:04:05.123456789-00:30",
            1_767_627_245,
            123_456_789,
        ),
        ("Unix", "1767625445", 1_767_625_445, 0),
        ("Unix", "1767625445.5", 1_767_625_445, 500_000_000),
        ("Unix", "1767625445.000001", 1_767_625_445, 1_000),
        ("UnixMs", "1767625445123", 1_767_625_445, 123_000_000),
        ("UnixUs", "1767625445123456", 1_767_625_445, 123_456_000),
        ("UnixNs", "1767625445123456789", 1_767_625_445, 123_456_789),
        ("UnixNs", "-1", 0, -1),
    ] {
        let is = Some(seconds * 1_000_000_000 + nanoseconds);
        assert_eq!(parse(format, "", text), is, "{format} {text}");
        assert_eq!(
            parse(format, "America/New_York", text),
            is,
            "{format} ignores the location"
        );
    }
}

#[test]
fn layouts_in_a_location() {
    for (layout, location, text, seconds) in [
        ("2006-01-02 15:04:05", "", "2026-01-05 15:04:05", 1_767_625_445),
        (
            "2006-01-02 15:04:05",
            "Europe/Berlin",
            "2026-01-05 15:04:05",
            1_767_621_845,
        ),
        (
            "2006-01-02 15:04:05",
            "Europe/Berlin",
            "2026-07-05 15:04:05",
            1_783_256_645,
        ),
        // An offset in the text counts more than the location.
        (
            "2006-01-02 15:04:05 -0700",
            "Europe/Berlin",
            "2026-01-05 15:04:05 +0000",
            1_767_625_445,
        ),
        (
            "2006-01-02 15:04:05 MST",
            "Europe/Berlin",
            "2026-01-05 15:04:05 CET",
            1_767_621_845,
        ),
        (
            "2006-01-02 15:04:05 MST",
            "Europe/Berlin",
            "2026-01-05 15:04:05 CEST",
            1_767_618_245,
        ),
        (
            "2006-01-02 15:04:05 MST",
            "Europe/Berlin",
            "2026-01-05 15:04:05 PST",
            1_767_625_445,
        ),
        // The hour that the clocks skip, and the one they repeat: the sides that Go picks.
        (
            "2006-01-02 15:04:05",
            "Europe/Berlin",
            "2026-03-29 02:30:00",
            1_774_747_800,
        ),
        (
            "2006-01-02 15:04:05",
            "Europe/Berlin",
            "2026-10-25 02:30:00",
            1_792_891_800,
        ),
    ] {
        assert_eq!(
            parse(layout, location, text),
            Some(seconds * 1_000_000_000),
            "{location} {text}"
        );
    }
}

#[test]
fn a_missing_year_is_the_nearest() {
    let at = |text| parse("Jan _2 15:04:05", "", text).unwrap() / 1_000_000_000;
    assert_eq!(at("Jan  5 15:04:05"), 1_767_625_445, "this year");
    assert_eq!(at("Dec 31 23:59:59"), 1_767_225_599, "last year, seen in January");
    let december = 1_767_225_599_000_000_000;
    let format = Format::new("Jan _2 15:04:05", &Zone::Utc).unwrap();
    assert_eq!(
        format.parse("Jan  1 00:00:00", december),
        Some(1_767_225_600_000_000_000),
        "next year"
    );
    assert_eq!(
        format.parse("Feb 29 00:00:00", NOW),
        format.parse("Mar  1 00:00:00", NOW),
        "no leap year"
    );
}

#[test]
fn what_does_not_fit_fails() {
    for (format, text) in [
        ("RFC3339", ""),
        ("RFC3339", "2026-01-05 15:04:05Z"),
        ("RFC3339", "2026-02-30T15:04:05Z"),
        ("RFC3339", "2026-01-05T24:04:05Z"),
        ("RFC3339", "9999-01-05T15:04:05Z"),
        ("Unix", "1.2.3"),
        ("Unix", "1e3"),
        ("UnixMs", "1.5"),
        ("UnixMs", "9223372036854775807"),
        ("UnixNs", ""),
    ] {
        assert_eq!(parse(format, "", text), None, "{format} {text}");
    }
}

#[test]
fn bad_formats_and_zones_are_refused() {
    assert!(
        Format::new("rfc", &Zone::Utc)
            .unwrap_err()
            .contains("neither a layout in Go's manner")
    );
    assert!(Format::new("", &Zone::Utc).is_err());
    assert!(
        Zone::named("Europe/Bärlin")
            .unwrap_err()
            .contains("is not a time zone")
    );
    assert!(Zone::named("Local").unwrap_err().contains("name the zone"));
}

/// `vectors/times.txt` is what Go's `time.ParseInLocation` made of a thousand written and spoiled times.
#[test]
fn reads_what_go_reads() {
    let mut differences = Vec::new();
    for vector in include_str!("../../vectors/times.txt").lines() {
        let [layout, location, text, is] = vector.split('|').collect::<Vec<_>>()[..] else {
            panic!("{vector}")
        };
        let got = parse(layout, location, text);
        if got != is.parse().ok() {
            differences.push(format!("{vector}: got {got:?}"));
        }
    }
    assert!(
        differences.is_empty(),
        "{} differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
}
