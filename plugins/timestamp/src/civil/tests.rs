use super::{days, month_length, year_month};

#[test]
fn every_day_of_eight_centuries_follows_the_last() {
    let mut expected = days(1600, 1, 1);
    assert_eq!(days(1970, 1, 1), 0);
    assert_eq!(days(2000, 3, 1), 11_017);
    for year in 1600..2400 {
        for month in 1..=12 {
            for day in 1..=month_length(year, month) {
                assert_eq!(days(year, month, day), expected, "{year}-{month}-{day}");
                assert_eq!(year_month(expected * 86_400 + 86_399), (year, month));
                expected += 1;
            }
        }
    }
}

#[test]
fn days_past_the_end_run_on() {
    assert_eq!(days(2025, 2, 29), days(2025, 3, 1));
}
