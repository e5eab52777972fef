//! Local days and times of day, worked out without the browser's help except for its offset from UTC.

use teahouse_protocol::UnixMillis;

/// A day of the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Day {
    /// The year.
    pub(crate) year: i32,
    /// The month, 1 to 12.
    pub(crate) month: u32,
    /// The day of the month, 1 to 31.
    pub(crate) day: u32,
    /// 1 is Monday, 7 is Sunday.
    pub(crate) weekday: u32,
}

impl Day {
    /// Days since 1970-01-01.
    pub(crate) fn number(self) -> i64 {
        // The year is counted from March, so that the leap day is its last.
        let year = i64::from(self.year) - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let month_from_march = i64::from((self.month + 9) % 12);
        let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(self.day) - 1;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
    }
}

/// The local day of a point in time, as days since 1970-01-01.
pub(crate) fn day_number(at: UnixMillis, offset_minutes: i32) -> i64 {
    local_minutes(at, offset_minutes).div_euclid(24 * 60)
}

/// The local time of day: `09:05`.
pub(crate) fn time_of_day(at: UnixMillis, offset_minutes: i32) -> String {
    let minutes = local_minutes(at, offset_minutes).rem_euclid(24 * 60);
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

fn local_minutes(at: UnixMillis, offset_minutes: i32) -> i64 {
    // UnixMillis ends with the year 9999, far inside an i64.
    i64::try_from(at.get() / 60_000).unwrap_or(i64::MAX / 2) + i64::from(offset_minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_local() {
        let at = UnixMillis::parse("2026-11-22T20:05:59.123Z").expect("a time");
        assert_eq!(time_of_day(at, 0), "20:05");
        assert_eq!(time_of_day(at, 480), "04:05");
        assert_eq!(time_of_day(at, -330), "14:35");
        assert_eq!(day_number(at, 480), day_number(at, 0) + 1);
    }

    #[test]
    fn days_have_numbers() {
        for (year, month, day, number) in [
            (1970, 1, 1, 0),
            (1970, 3, 1, 59),
            (2000, 2, 29, 11_016),
            (2026, 11, 22, 20_779),
            (1969, 12, 31, -1),
        ] {
            assert_eq!(Day { year, month, day, weekday: 1 }.number(), number);
        }
        let at = UnixMillis::parse("2026-11-22T08:00:00Z").expect("a time");
        assert_eq!(day_number(at, 0), Day { year: 2026, month: 11, day: 22, weekday: 7 }.number());
    }
}
