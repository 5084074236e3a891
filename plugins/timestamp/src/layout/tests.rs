use proptest::prelude::*;

use super::{Civil, Layout, Offset, Part};

fn civil(layout: &str, text: &str) -> Option<Civil> {
    Layout::new(layout).read(text)
}

fn day(year: i64, month: i64, day: i64) -> Civil {
    Civil {
        year,
        month,
        day,
        second_of_day: 0,
        nanosecond: 0,
        offset: Offset::Unsaid,
    }
}

#[test]
fn dates_in_many_spellings() {
    for (layout, text) in [
        ("2006-01-02", "2026-03-04"),
        ("06/1/2", "26/3/4"),
        ("06/1/2", "26/03/04"),
        ("02.01.2006", "04.03.2026"),
        ("January 2, 2006", "March 4, 2026"),
        ("Jan 2 2006", "mAR 4 2026"),
        ("Monday, Jan _2 2006", "WEDNESDAY, Mar  4 2026"),
        ("Mon Jan _2 2006", "Sun Mar 04 2026"),
        ("2006 002", "2026 063"),
        ("2006 __2", "2026  63"),
        ("2006-01-02 002", "2026-03-04 063"),
        ("_2006_01_02", "_2026_03_04"),
        ("day 2 of Jan, 2006", "day 4 of Mar, 2026"),
        ("2006 Jan  2", "2026 Mar      4"),
    ] {
        assert_eq!(civil(layout, text), Some(day(2026, 3, 4)), "{layout}: {text}");
    }
    assert_eq!(civil("06-01-02", "69-01-01"), Some(day(1969, 1, 1)));
    assert_eq!(civil("06-01-02", "68-01-01"), Some(day(2068, 1, 1)));
    assert_eq!(civil("2006 002", "2024 060"), Some(day(2024, 2, 29)));
    assert_eq!(civil("2006 002", "2024 366"), Some(day(2024, 12, 31)));
}

#[test]
fn times_in_many_spellings() {
    for (layout, text, seconds, nanosecond) in [
        ("15:04:05", "13:02:03", 46_923, 0),
        ("15:4:5", "13:2:3", 46_923, 0),
        ("3:04:05PM", "1:02:03PM", 46_923, 0),
        ("03:04:05 pm", "01:02:03 pm", 46_923, 0),
        ("3PM", "12AM", 0, 0),
        ("3PM", "12PM", 43_200, 0),
        ("15:04:05.000", "13:02:03.250", 46_923, 250_000_000),
        ("15:04:05,000", "13:02:03,250", 46_923, 250_000_000),
        ("15:04:05.999", "13:02:03", 46_923, 0),
        ("15:04:05.999", "13:02:03.1234567891", 46_923, 123_456_789),
        ("15:04:05", "13:02:03.5", 46_923, 500_000_000),
        ("15:04:05 x", "13:02:03,5 x", 46_923, 500_000_000),
    ] {
        let read = civil(layout, text).map(|civil| (civil.second_of_day, civil.nanosecond));
        assert_eq!(read, Some((seconds, nanosecond)), "{layout}: {text}");
    }
}

#[test]
fn offsets_in_many_spellings() {
    let named = |name: &str| Offset::Named(name.to_owned());
    for (layout, text, offset) in [
        ("-0700", "+0530", Offset::Seconds(19_800)),
        ("-07:00", "-05:30", Offset::Seconds(-19_800)),
        ("-07", "+02", Offset::Seconds(7_200)),
        ("-070000", "+010203", Offset::Seconds(3_723)),
        ("-07:00:00", "-01:02:03", Offset::Seconds(-3_723)),
        ("Z0700", "Z", Offset::Seconds(0)),
        ("Z07:00", "+01:00", Offset::Seconds(3_600)),
        ("MST", "UTC", Offset::Seconds(0)),
        ("MST", "CEST", named("CEST")),
        ("MST", "GMT+3", named("GMT+3")),
        ("MST", "ChST", named("ChST")),
        ("MST", "+03", named("+03")),
    ] {
        assert_eq!(
            civil(layout, text).map(|civil| civil.offset),
            Some(offset),
            "{layout}: {text}"
        );
    }
}

#[test]
fn what_go_refuses_is_refused() {
    for (layout, text) in [
        ("2006-01-02", "2026-1-2"),
        ("2006-01-02", "2026-13-01"),
        ("2006-01-02", "2026-00-01"),
        ("2006-01-02", "2026-02-29"),
        ("2006-01-02", "2026-01-02x"),
        ("2006-01-02", "2026-01-0"),
        ("2006-01-02", "x026-01-01"),
        ("15:04:05", "24:00:00"),
        ("15:04:05", "23:60:00"),
        ("15:04:05", "23:59:60"),
        ("15:04:05.000", "13:02:03"),
        ("15:04:05.000", "13:02:03.25"),
        ("3PM", "13PM"),
        ("3PM", "1pm"),
        ("Jan", "Jxn"),
        ("-0700", "Z"),
        ("-07:00", "+0100"),
        ("-0700", "+2500"),
        ("MST", "cet"),
        ("MST", "ABCDEF"),
        ("2006 002", "2025 366"),
        ("2006-01-02 002", "2026-03-04 064"),
    ] {
        assert_eq!(civil(layout, text), None, "{layout}: {text}");
    }
}

#[test]
fn layouts_are_cut_as_go_cuts_them() {
    for (layout, parts) in [
        ("Jan", vec![Part::Month]),
        ("Janus", vec![Part::Literal("Janus".to_owned())]),
        ("Mondays", vec![Part::LongWeekday, Part::Literal("s".to_owned())]),
        (
            ".0001",
            vec![Part::Literal(".00".to_owned()), Part::MonthNumber { fixed: true }],
        ),
        ("ü", vec![Part::Literal("ü".to_owned())]),
    ] {
        assert_eq!(Layout::new(layout).parts, parts, "{layout}");
    }
}

/// Writes a time by a layout, to read it back.
fn write(layout: &Layout, civil: &Civil) -> String {
    let (hour, minute, second) = (
        civil.second_of_day / 3600,
        civil.second_of_day / 60 % 60,
        civil.second_of_day % 60,
    );
    let months = [
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
    let month = months[civil.month as usize - 1];
    let Offset::Seconds(offset) = civil.offset else {
        panic!("no offset to write")
    };
    let (sign, size) = (if offset < 0 { '-' } else { '+' }, offset.abs());
    let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
    let part = |part: &Part| match part {
        Part::Literal(text) => text.clone(),
        Part::LongYear => format!("{:04}", civil.year),
        Part::LongMonth => month.to_owned(),
        Part::Month => month[..3].to_owned(),
        Part::MonthNumber { fixed: true } => format!("{:02}", civil.month),
        Part::MonthNumber { fixed: false } => civil.month.to_string(),
        Part::Day { padded: true, .. } => format!("{:2}", civil.day),
        Part::Day { fixed: true, .. } => format!("{:02}", civil.day),
        Part::Day { .. } => civil.day.to_string(),
        Part::Hour => format!("{hour:02}"),
        Part::Hour12 { fixed: true } => format!("{twelve:02}"),
        Part::Hour12 { fixed: false } => twelve.to_string(),
        Part::Minute { fixed: true } => format!("{minute:02}"),
        Part::Minute { fixed: false } => minute.to_string(),
        Part::Second { fixed: true } => format!("{second:02}"),
        Part::Second { fixed: false } => second.to_string(),
        Part::Fraction(9) | Part::AnyFraction => format!(".{:09}", civil.nanosecond),
        Part::Noon { upper: true } => if hour < 12 { "AM" } else { "PM" }.to_owned(),
        Part::Noon { upper: false } => if hour < 12 { "am" } else { "pm" }.to_owned(),
        Part::Zone { .. } => format!("{sign}{:02}:{:02}", size / 3600, size / 60 % 60),
        other => panic!("not written: {other:?}"),
    };
    layout.parts.iter().map(part).collect()
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        date in prop::sample::select(vec!["2006-01-02", "January 2, 2006", "Jan _2 2006", "2.1.2006", "02/Jan/2006"]),
        glue in prop::sample::select(vec!["T", " ", " at ", ":", "ü"]),
        time in prop::sample::select(vec![
            "15:04:05.000000000", "03:04:05.999 PM", "3:4:5,999999999pm", "15h04m05.9s",
        ]),
        zone in prop::sample::select(vec!["-07:00", " Z07:00"]),
        year in 0_i64..=9999, month in 1_i64..=12, day_seed in 0_i64..31,
        second_of_day in 0_i64..86_400, nanosecond in 0_i64..1_000_000_000, minutes in -1_440_i64..=1_440,
    ) {
        let day = day_seed % crate::civil::month_length(year, month) + 1;
        let civil =
            Civil { year, month, day, second_of_day, nanosecond, offset: Offset::Seconds(minutes * 60) };
        let layout = Layout::new(&format!("{date}{glue}{time}{zone}"));
        let text = write(&layout, &civil);
        prop_assert_eq!(layout.read(&text), Some(civil), "{}", text);
    }

    #[test]
    fn nothing_panics(layout in ".{0,24}", text in ".{0,24}") {
        let _ = Layout::new(&layout).read(&text);
    }

    #[test]
    fn nothing_panics_near_sense(layout in "[0-9Jan_MonSTZ:., -]{0,24}", text in "[0-9JanMonSTGZ:.,+ -]{0,24}") {
        let _ = Layout::new(&layout).read(&text);
    }
}
