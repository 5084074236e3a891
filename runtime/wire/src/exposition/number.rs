//! Numbers as Go reads and writes them.

/// The NaN that a scraped `NaN` becomes. One fixed NaN, so that none can be taken for a stale marker, which is a
/// NaN too (prometheus/model/value/value.go, `NormalNaN`).
const NORMAL_NAN: u64 = 0x7ff8_0000_0000_0001;

/// A float as Go's `strconv.ParseFloat` takes it, in the forms known before Go 1.13: no hexadecimal, no `_`.
pub(super) fn float(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    if value.is_finite() {
        return Some(value);
    }
    if value.is_nan() {
        // Go knows no signed NaN.
        return text.starts_with(['n', 'N']).then(|| f64::from_bits(NORMAL_NAN));
    }
    // `1e999` is out of range in Go; only a written infinity is one.
    text.contains(['i', 'I']).then_some(value)
}

/// Seconds as milliseconds, cut off as Go's conversion does; `None` outside of the range.
pub(super) fn milliseconds(seconds: f64) -> Option<i64> {
    let milliseconds = seconds * 1000.0;
    // Exactly ±2^63: everything strictly between converts without loss of range.
    (milliseconds.abs() < 9_223_372_036_854_775_808.0).then_some(milliseconds as i64)
}

/// A float in OpenMetrics' canonical form, which Prometheus gives to `le` and `quantile`: Go's `%g` with the fewest
/// digits, and `.0` where nothing else says that it is a float.
pub(super) fn canonical(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf".into() } else { "-Inf".into() };
    }
    if value == 0.0 {
        return "0.0".into();
    }
    // Rust writes `1.25e-7`; Go's exponent has a sign and at least two digits, and stands below 1e-4 and from 1e6 on.
    let scientific = format!("{value:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let plain = format!("{value}");
    if plain.contains('.') { plain } else { plain + ".0" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_those_of_go() {
        for (text, value) in [
            ("1", 1.0),
            ("+1.5", 1.5),
            (".5", 0.5),
            ("5.", 5.0),
            ("1E-3", 0.001),
            ("-0", -0.0),
            ("Inf", f64::INFINITY),
            ("+inf", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("1e-999", 0.0),
        ] {
            assert_eq!(float(text), Some(value), "{text}");
        }
        for text in [
            "", ".", "e5", "1_0", "0x1", "0x1p3", "0x", "1e999", "-1e999", "+nan", "-NaN", "1 ", "infi",
            "1f", "١",
        ] {
            assert_eq!(float(text), None, "{text}");
        }
        assert_eq!(float("NaN").map(f64::to_bits), Some(NORMAL_NAN));
        assert_eq!(float("nan").map(f64::to_bits), Some(NORMAL_NAN));
    }

    #[test]
    fn seconds_out_of_range_are_none() {
        assert_eq!(milliseconds(1.2345), Some(1234));
        assert_eq!(milliseconds(-1.2345), Some(-1234));
        for seconds in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e17] {
            assert_eq!(milliseconds(seconds), None, "{seconds}");
        }
    }

    #[test]
    fn canonical_floats_are_those_of_prometheus() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "0.0"),
            (1.0, "1.0"),
            (-1.0, "-1.0"),
            (0.001048576, "0.001048576"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (268435456.0, "2.68435456e+08"),
            (999_999.0, "999999.0"),
            (1e6, "1e+06"),
            (1e100, "1e+100"),
            (0.95, "0.95"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(canonical(value), text);
        }
    }
}
