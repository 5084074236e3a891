//! Sizes as manifests write them: `10B`, `8KB`, `1.5MiB`.
//!
//! `KB` and `KiB` are both 1024 bytes: Alloy reads the setting so, and a limit that changed its meaning with the
//! agent would drop other lines.

use serde::Deserialize;

/// A number of bytes in a setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Size(u64);

impl Size {
    pub(crate) fn bytes(self) -> u64 {
        self.0
    }
}

impl TryFrom<String> for Size {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        parse(&text)
            .map(Self)
            .ok_or_else(|| format!("`{text}` is no size: a number and a unit, like `10B`, `8KB`, `1.5MiB`"))
    }
}

fn parse(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(digits);
    let power = match unit {
        "B" => 0,
        "KB" | "KiB" => 1,
        "MB" | "MiB" => 2,
        "GB" | "GiB" => 3,
        "TB" | "TiB" => 4,
        _ => return None,
    };
    let unit = 1024_u64.pow(power);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let part = format!("0.{fraction}").parse::<f64>().ok()? * unit as f64;
    whole
        .parse::<u64>()
        .ok()?
        .checked_mul(unit)?
        .checked_add(part as u64)
}

#[cfg(test)]
mod tests {
    use super::Size;

    #[test]
    fn reads_binary_units() {
        let cases = [
            ("0", Some(0)),
            ("10B", Some(10)),
            ("8KB", Some(8192)),
            ("8KiB", Some(8192)),
            ("1.5MiB", Some(1_572_864)),
            ("1GB", Some(1 << 30)),
            ("99999999999TB", None),
            ("", None),
            ("10", None),
            ("KB", None),
            ("-1B", None),
            ("1kb", None),
            ("1.2.3B", None),
        ];
        for (text, expected) in cases {
            assert_eq!(
                Size::try_from(text.to_owned()).ok().map(Size::bytes),
                expected,
                "{text}"
            );
        }
    }
}
