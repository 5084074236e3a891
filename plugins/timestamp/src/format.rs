//! What a format's name means, and how a text becomes nanoseconds.
//!
//! Named formats are in UTC whatever the location, as in Alloy. An abbreviation of a zone means what it means in
//! the location; one unknown there counts as UTC, except `GMT+3`, which says its hours.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::civil;
use crate::layout::{Civil, Layout, Offset};

#[cfg(test)]
mod tests;

/// Nanoseconds of a second.
const SECOND: i64 = 1_000_000_000;

/// The layouts with names.
const NAMED: [(&str, &str); 10] = [
    ("ANSIC", "Mon Jan _2 15:04:05 2006"),
    ("UnixDate", "Mon Jan _2 15:04:05 MST 2006"),
    ("RubyDate", "Mon Jan 02 15:04:05 -0700 2006"),
    ("RFC822", "02 Jan 06 15:04 MST"),
    ("RFC822Z", "02 Jan 06 15:04 -0700"),
    ("RFC850", "Monday, 02-Jan-06 15:04:05 MST"),
    ("RFC1123", "Mon, 02 Jan 2006 15:04:05 MST"),
    ("RFC1123Z", "Mon, 02 Jan 2006 15:04:05 -0700"),
    ("RFC3339", "2006-01-02T15:04:05Z07:00"),
    ("RFC3339Nano", "2006-01-02T15:04:05.999999999Z07:00"),
];

/// One way to read a time.
#[derive(Clone, Debug)]
pub(crate) enum Format {
    /// Seconds since the epoch, with or without a fraction.
    Unix,
    /// A whole number of units of so many nanoseconds since the epoch.
    Count(i64),
    /// By a layout.
    Layout { layout: Layout, zone: Zone },
}

impl Format {
    /// A format by its name or layout.
    pub(crate) fn new(text: &str, zone: &Zone) -> Result<Self, String> {
        match text {
            "Unix" => return Ok(Self::Unix),
            "UnixMs" => return Ok(Self::Count(1_000_000)),
            "UnixUs" => return Ok(Self::Count(1_000)),
            "UnixNs" => return Ok(Self::Count(1)),
            _ => {}
        }
        if let Some((_, layout)) = NAMED.iter().find(|(name, _)| *name == text) {
            return Ok(Self::Layout {
                layout: Layout::new(layout),
                zone: Zone::Utc,
            });
        }
        let layout = Layout::new(text);
        if !layout.reads_something() {
            let names: Vec<&str> = NAMED.iter().map(|(name, _)| *name).collect();
            return Err(format!(
                "`{text}` is neither a layout in Go's manner (like `2006-01-02 15:04:05`) nor one of {}, Unix, \
                 UnixMs, UnixUs, UnixNs",
                names.join(", ")
            ));
        }
        Ok(Self::Layout {
            layout,
            zone: zone.clone(),
        })
    }

    /// Nanoseconds since the epoch. `now` gives the year where the text has none.
    pub(crate) fn parse(&self, text: &str, now: i64) -> Option<i64> {
        match self {
            Self::Unix => unix(text),
            Self::Count(unit) => text.parse::<i64>().ok()?.checked_mul(*unit),
            Self::Layout { layout, zone } => {
                let mut civil = layout.read(text)?;
                if !layout.has_year() {
                    civil.year = nearest_year(civil.month, now);
                }
                zone.resolve(&civil)?
                    .checked_mul(SECOND)?
                    .checked_add(civil.nanosecond)
            }
        }
    }
}

fn unix(text: &str) -> Option<i64> {
    let Some((seconds, fraction)) = text.split_once('.') else {
        return text.parse::<i64>().ok()?.checked_mul(SECOND);
    };
    let seconds: i64 = seconds.parse().ok()?;
    let digits: i64 = fraction.parse().ok()?;
    let scaled = digits as f64 * 10_f64.powi(9 - fraction.len() as i32);
    seconds.checked_mul(SECOND)?.checked_add(scaled as i64)
}

/// The year of `now`; in January a December belongs to the year before, in December a January to the next.
fn nearest_year(month: i64, now: i64) -> i64 {
    let (year, this_month) = civil::year_month(now.div_euclid(SECOND));
    match (month, this_month) {
        (12, 1) => year - 1,
        (1, 12) => year + 1,
        _ => year,
    }
}

/// Where texts without an offset are at home.
#[derive(Clone, Debug)]
pub(crate) enum Zone {
    /// Everywhere unless said otherwise.
    Utc,
    /// A zone of the IANA database.
    Named(TimeZone),
}

impl Zone {
    /// A zone by its IANA name; none means UTC.
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        match name {
            "" | "UTC" => Ok(Self::Utc),
            "Local" => Err("`Local` is unknown in a sandbox; name the zone, like `Europe/Berlin`".to_owned()),
            name => TimeZone::get(name).map(Self::Named).map_err(|_| {
                format!("`{name}` is not a time zone; it takes an IANA name like `Europe/Berlin`")
            }),
        }
    }

    /// Seconds since the epoch.
    fn resolve(&self, civil: &Civil) -> Option<i64> {
        let as_utc = civil::seconds(civil.year, civil.month, civil.day, civil.second_of_day);
        match &civil.offset {
            Offset::Seconds(offset) => Some(as_utc - offset),
            Offset::Named(name) => {
                let hours = || {
                    name.strip_prefix("GMT")
                        .and_then(|hours| hours.parse::<i64>().ok())
                };
                let offset = self.named_offset(name, as_utc).or_else(|| Some(hours()? * 3600));
                Some(as_utc - offset.unwrap_or_default())
            }
            // Around a change of the clocks this picks the side that Go picks.
            Offset::Unsaid => Some(as_utc - self.offset(as_utc - self.offset(as_utc)?)?),
        }
    }

    /// The offset at a time.
    fn offset(&self, seconds: i64) -> Option<i64> {
        match self {
            Self::Utc => Some(0),
            Self::Named(zone) => {
                let offset = zone.to_offset(Timestamp::from_second(seconds).ok()?);
                Some(i64::from(offset.seconds()))
            }
        }
    }

    /// What an abbreviation means here: as used at that time, else as used last before or first after it.
    fn named_offset(&self, name: &str, as_utc: i64) -> Option<i64> {
        let Self::Named(zone) = self else { return None };
        let at = Timestamp::from_second(as_utc).ok()?;
        let info = zone.to_offset_info(at);
        if info.abbreviation() == name {
            return Some(i64::from(info.offset().seconds()));
        }
        let near = zone.preceding(at).take(4).chain(zone.following(at).take(4));
        let found = near.into_iter().find(|change| change.abbreviation() == name)?;
        Some(i64::from(found.offset().seconds()))
    }
}
