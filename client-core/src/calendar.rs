use teahouse_protocol::UnixMillis;

const DAY_MS: i64 = 86_400_000;

/// The day since 1970-01-01 at a place that is so many minutes east of UTC.
pub(crate) fn local_day(at: UnixMillis, offset_minutes: i32) -> i64 {
    let local = i64::try_from(at.get()).unwrap_or(i64::MAX / 2) + i64::from(offset_minutes) * 60_000;
    local.div_euclid(DAY_MS)
}

/// Year, month and day of the month in the Gregorian calendar.
/// Source: Hinnant, "chrono-Compatible Low-Level Date Algorithms".
pub(crate) fn civil_from_days(days: i64) -> (i32, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    // Times on the wire end with the year 9999.
    (year as i32, month as u32, day as u32)
}

/// 1 is Monday, 7 is Sunday. 1970-01-01 was a Thursday.
pub(crate) fn iso_weekday(days: i64) -> u32 {
    (days + 3).rem_euclid(7) as u32 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_local_and_have_a_name() {
        for (text, offset, expected) in [
            ("1970-01-01T00:00:00Z", 0, (1970, 1, 1, 4)),
            ("1970-01-01T00:00:00Z", -60, (1969, 12, 31, 3)),
            ("2026-11-22T15:59:59Z", 480, (2026, 11, 22, 7)),
            ("2026-11-22T16:00:00Z", 480, (2026, 11, 23, 1)),
            ("2028-02-29T12:00:00Z", 0, (2028, 2, 29, 2)),
            ("9999-12-31T23:59:59.999Z", 840, (10_000, 1, 1, 6)),
        ] {
            let day = local_day(UnixMillis::parse(text).expect("a time"), offset);
            let (year, month, day_of_month) = civil_from_days(day);
            assert_eq!((year, month, day_of_month, iso_weekday(day)), expected, "{text} {offset}");
        }
    }
}
