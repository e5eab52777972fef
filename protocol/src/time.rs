use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const DAY_MS: u64 = 86_400_000;
/// The first millisecond of the year 10000, which four digits cannot write.
const END_MS: u64 = 253_402_300_800_000;

/// Why a text is no time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a UTC time such as 2026-11-22T08:00:00.123Z")]
pub struct TimeError;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z without leap seconds, before the year 10000.
/// On the wire it is RFC 3339 in UTC with three digits of the second's fraction: `2026-11-22T08:00:00.123Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixMillis(u64);

impl UnixMillis {
    /// Takes milliseconds since 1970; a value beyond the year 9999 becomes its last millisecond.
    pub const fn new(millis: u64) -> Self {
        Self(if millis < END_MS { millis } else { END_MS - 1 })
    }

    /// Milliseconds since 1970.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Reads RFC 3339 in UTC, with no fraction of a second or one of one to nine digits, of which three count.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        parse(text).map(Self).ok_or(TimeError)
    }
}

fn parse(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<u64> {
        let digits = bytes.get(from..to)?;
        digits
            .iter()
            .try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + u64::from(digit - b'0')))
    };
    let literal = |at: usize, expected: u8| (bytes.get(at) == Some(&expected)).then_some(());
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    for (at, expected) in [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')] {
        literal(at, expected)?;
    }
    let millis = match bytes.get(19..)? {
        b"Z" => 0,
        [b'.', fraction @ .., b'Z']
            if (1..=9).contains(&fraction.len()) && fraction.iter().all(u8::is_ascii_digit) =>
        {
            (0..3).fold(0, |value, at| value * 10 + u64::from(fraction.get(at).map_or(0, |d| d - b'0')))
        }
        _ => return None,
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let month_days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if year < 1970 || !(1..=month_days).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(seconds * 1_000 + millis)
}

/// Days since 1970-01-01 of a date of the Gregorian calendar from 1970 on. The year is counted from March, so that the
/// leap day is its last.
fn days_from_civil(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let leap_days = year / 4 - year / 100 + year / 400;
    year * 365 + leap_days + day_of_year - 719_468
}

/// The reverse of [`days_from_civil`]: year, month, day.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0 / DAY_MS);
        let rest = self.0 % DAY_MS;
        let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
        let (second, millis) = (rest / 1_000 % 60, rest % 1_000);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

impl Serialize for UnixMillis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UnixMillis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_times() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_795_334_400_123, "2026-11-22T08:00:00.123Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (END_MS - 1, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(UnixMillis::new(millis).to_string(), text);
            assert_eq!(UnixMillis::parse(text), Ok(UnixMillis::new(millis)));
        }
        assert_eq!(UnixMillis::new(u64::MAX), UnixMillis::new(END_MS - 1));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "2026-11-22",
            "2026-11-22T08:00:00",
            "2026-11-22T08:00:00+08:00",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T08:00:00.Z",
            "2026-11-22T08:00:00.0000000001Z",
            "1969-12-31T23:59:59Z",
            "茶026-11-22T08:00:00Z",
        ] {
            assert_eq!(UnixMillis::parse(text), Err(TimeError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_time_survives_the_wire(millis in 0..END_MS) {
            let time = UnixMillis::new(millis);
            prop_assert_eq!(UnixMillis::parse(&time.to_string()), Ok(time));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _ = UnixMillis::parse(&text);
        }
    }
}
