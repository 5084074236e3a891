use millstream_stage::harness::{Harness, Row};

use super::Redact;

#[test]
fn numbers_are_masked_and_counted() {
    let mut stage = Harness::<Redact>::new("{}");
    let out = stage.push([
        "paid with 4111 1111 1111 1111",
        "900101-1234567",
        "2026-01-02 03:04:05.678",
    ]);
    assert_eq!(
        out,
        [
            "paid with **** **** **** 1111",
            "900101-1******",
            "2026-01-02 03:04:05.678"
        ]
    );
    let masked = ["card", "resident"].map(|kind| stage.metric("redacted_total", &[kind]));
    assert_eq!(masked, [1.0, 1.0]);
}

#[test]
fn a_line_without_numbers_stays_as_it_is() {
    let mut stage = Harness::<Redact>::new("{}");
    let row = || Row::new("주문 42 of 1234567890123").label("app", "x");
    assert_eq!(stage.push([row()]), [row()]);
}

#[test]
fn a_digit_may_stand_anywhere_in_a_long_line() {
    let mut stage = Harness::<Redact>::new("{}");
    for before in 0..40 {
        let pad = "x".repeat(before);
        let out = stage.push([format!("{pad}4111111111111111").as_str()]);
        assert_eq!(out, [format!("{pad}************1111").as_str()]);
    }
}

#[test]
fn settings_are_refused_by_name() {
    for (settings, says) in [
        (r#"{ "maks": "x" }"#, "`maks`"),
        (r#"{ "mask": "**" }"#, "`mask`"),
        (r#"{ "mask": "" }"#, "`mask`"),
        (r#"{ "cards": false, "resident_numbers": false }"#, "`cards`"),
    ] {
        let refusal = Harness::<Redact>::refusal(settings);
        assert!(refusal.contains(says), "{refusal}");
    }
}
