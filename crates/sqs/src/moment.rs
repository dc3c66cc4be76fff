//! Dates in ISO 8601: the basic format of signatures, `20150830T123600Z`, and the extended one of messages,
//! `2015-08-30T12:36:00.000Z`.

use std::fmt;

/// A moment, in whole seconds since the Unix epoch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Moment(u64);

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// Days of 400 years, after which the calendar repeats.
const DAYS_OF_AN_ERA: u64 = 146_097;
/// Days from the first of March of the year 0 to the Unix epoch.
const DAYS_BEFORE_EPOCH: u64 = 719_468;

impl Moment {
    /// The moment so many milliseconds after the epoch.
    pub(crate) fn from_ms(ms: u64) -> Moment {
        Moment(ms / 1_000)
    }

    /// Reads the basic format, in UTC, from 1970 on; `None` for anything else, such as a day that no month has.
    pub(crate) fn parse(text: &str) -> Option<Moment> {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        let ([year, month, day], [hour, minute, second]) = (numbers(date, 4)?, numbers(time, 2)?);
        if !(1970..).contains(&year) || hour >= 24 || minute >= 60 || second >= 60 {
            return None;
        }
        let moment = Moment(days(year, month, day)? * DAY + hour * HOUR + minute * MINUTE + second);
        // The thirtieth of February is some day of March, and is written as such.
        (moment.date() == (year, month, day)).then_some(moment)
    }

    /// So many seconds later.
    pub(crate) fn after(self, seconds: u64) -> Moment {
        Moment(self.0.saturating_add(seconds))
    }

    /// So many seconds earlier.
    pub(crate) fn before(self, seconds: u64) -> Moment {
        Moment(self.0.saturating_sub(seconds))
    }

    /// Hour, minute and second.
    fn time(self) -> (u64, u64, u64) {
        (self.0 / HOUR % 24, self.0 / MINUTE % 60, self.0 % 60)
    }

    /// Year, month and day. The year begins in March here, so that a leap day is its last.
    fn date(self) -> (u64, u64, u64) {
        let days = self.0 / DAY + DAYS_BEFORE_EPOCH;
        let day_of_era = days % DAYS_OF_AN_ERA;
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = days / DAYS_OF_AN_ERA * 400 + year_of_era + u64::from(month <= 2);
        (year, month, day)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        let (hour, minute, second) = self.time();
        write!(f, "{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
    }
}

/// So many milliseconds after the epoch in the extended format.
pub(crate) fn extended(ms: u64) -> String {
    let moment = Moment::from_ms(ms);
    let ((year, month, day), (hour, minute, second)) = (moment.date(), moment.time());
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1_000)
}

/// Three numbers that stand together: the first of `width` digits, the others of two.
fn numbers(text: &str, width: usize) -> Option<[u64; 3]> {
    if text.len() != width + 4 || !text.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let (first, rest) = text.split_at(width);
    let (second, third) = rest.split_at(2);
    Some([first.parse().ok()?, second.parse().ok()?, third.parse().ok()?])
}

/// Days since the epoch.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1..=12).contains(&month) || day == 0 {
        return None;
    }
    let year = year - u64::from(month <= 2);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let year_of_era = year % 400;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (year / 400 * DAYS_OF_AN_ERA + day_of_era).checked_sub(DAYS_BEFORE_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_and_written() {
        let known = [
            (0, "19700101T000000Z"),
            (951_782_400, "20000229T000000Z"),
            (1_440_938_160, "20150830T123600Z"),
            (1_709_251_199, "20240229T235959Z"),
            (1_709_251_200, "20240301T000000Z"),
            (4_107_542_400, "21000301T000000Z"),
            (253_402_300_799, "99991231T235959Z"),
        ];
        for (seconds, text) in known {
            assert_eq!(Moment::parse(text), Some(Moment(seconds)), "{text}");
            assert_eq!(Moment(seconds).to_string(), text);
        }
    }

    #[test]
    fn every_day_comes_back_as_it_was() {
        for day in 0..200_000 {
            let moment = Moment(day * DAY + day % DAY);
            assert_eq!(Moment::parse(&moment.to_string()), Some(moment));
        }
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        assert_eq!(extended(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(extended(951_782_400_123), "2000-02-29T00:00:00.123Z");
        assert_eq!(extended(1_795_524_370_313), "2026-11-24T12:46:10.313Z");
        assert_eq!(extended(4_107_542_399_999), "2100-02-28T23:59:59.999Z");
        assert_eq!(extended(4_107_542_400_000), "2100-03-01T00:00:00.000Z");
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "Z",
            "TZ",
            "20150830T123600",
            "20150830123600Z",
            "2015-08-30T12:36:00Z",
            "Sun, 30 Aug 2015 12:36:00 GMT",
            "20150830T1236000Z",
            "120150830T123600Z",
            "+2150830T123600Z",
            "20150830T 23600Z",
            "19691231T235959Z",
            "00000101T000000Z",
            "20150001T000000Z",
            "20151301T000000Z",
            "20150800T000000Z",
            "20150931T000000Z",
            "20150229T000000Z",
            "20150830T240000Z",
            "20150830T126000Z",
            "20150830T123660Z",
            "2015083\u{661}T123600Z",
        ] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }
}
