/// The days from 1970-01-01 to a date, fewer than 0 before it. The year counts from March, so that a leap day is its last.
pub(crate) fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let month = (month + 9) % 12;
    let in_years = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    in_years + (153 * month + 2) / 5 + day - 1 - 719_468
}
