//! The availability test (*autoriseren* 1 and 2): does the practice know the person, and are they old enough to look for
//! themself? Not known and too young are one and the same answer, so that it tells nothing about treatment relations.

use std::cell::Cell;
use std::time::Instant;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::his::{Ask, HisAdapter, HisError, HisPatient};
use crate::medmij::{Bsn, FhirVersion, LocalId};
use crate::practices::Practice;

/// Time zone of "today" for patients and practices.
const ZONE: &str = "Europe/Amsterdam";

/// When the test is done, and for which request.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Our id of the request, sent along to the HIS.
    pub local_id: LocalId,
    /// Wall-clock time, for the age.
    pub now: Timestamp,
    /// After this moment the answer is of no use.
    pub deadline: Instant,
}

/// The person as the HIS of the practice knows them at this moment, when data of theirs is available to themself.
///
/// # Errors
/// When the HIS does not say.
pub async fn find_available(
    adapter: &dyn HisAdapter,
    practice: &Practice,
    bsn: &Bsn,
    moment: Moment,
) -> Result<Option<HisPatient>, HisError> {
    let local_id = moment.local_id.to_string();
    // Every installation answers in STU3; who is a patient does not depend on the version.
    let ask = Ask { fhir: FhirVersion::Stu3, local_id: &local_id, deadline: moment.deadline };
    let found = adapter.ask_patient(bsn, ask).await?;
    let today = dutch_today(moment.now);
    Ok(found.filter(|patient| is_of_age(patient.birth_date, practice, today)))
}

/// Whether a person may look for themself. Without a date of birth that cannot be known, so the answer is no.
#[must_use]
pub fn is_of_age(birth_date: Option<Date>, practice: &Practice, today: Date) -> bool {
    let since = today.checked_sub(i32::from(practice.minimum_age).years());
    matches!((birth_date, since), (Some(born), Ok(since)) if born <= since)
}

/// The first moment of a day in the Netherlands.
#[must_use]
pub fn dutch_midnight(day: Date) -> Timestamp {
    let zone = TimeZone::get(ZONE).unwrap_or(TimeZone::UTC);
    day.to_zoned(zone).map_or(Timestamp::MAX, |midnight| midnight.timestamp())
}

/// A day in the Netherlands, from its first moment until that of the next.
#[derive(Clone, Copy)]
struct Day {
    date: Date,
    first: Timestamp,
    next: Timestamp,
}

thread_local! {
    /// The day that was asked for last. Each request asks; finding it in the time zone was 0.3 per cent of what one takes.
    static DAY: Cell<Option<Day>> = const { Cell::new(None) };
}

/// Today in the Netherlands.
#[must_use]
pub fn dutch_today(now: Timestamp) -> Date {
    if let Some(day) = DAY.get().filter(|day| (day.first..day.next).contains(&now)) {
        return day.date;
    }
    let date = dutch_clock(now).date();
    let next = date.tomorrow().map_or(Timestamp::MAX, dutch_midnight);
    DAY.set(Some(Day { date, first: dutch_midnight(date), next }));
    date
}

/// What calendar and clock say in the Netherlands at this moment.
#[must_use]
pub fn dutch_clock(moment: Timestamp) -> DateTime {
    moment.to_zoned(TimeZone::get(ZONE).unwrap_or(TimeZone::UTC)).datetime()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_day_begins_at_midnight_in_the_netherlands() {
        for (moment, date) in [
            ("2026-03-28T22:59:59.999999999Z", "2026-03-28"),
            ("2026-03-28T23:00:00Z", "2026-03-29"),
            ("2026-03-29T21:59:59Z", "2026-03-29"),
            ("2026-03-29T22:00:00Z", "2026-03-30"),
            ("2026-03-29T21:59:59Z", "2026-03-29"),
        ] {
            assert_eq!(dutch_today(moment.parse().unwrap()).to_string(), date, "{moment}");
        }
    }

    proptest! {
        /// Whatever was asked before.
        #[test]
        fn today_is_what_the_calendar_says(seconds in proptest::collection::vec(-4_000_000_000_i64..8_000_000_000, 1..20), step in -90_000_i64..90_000) {
            for second in seconds.into_iter().flat_map(|second| [second, second + step]) {
                let moment = Timestamp::from_second(second).unwrap();
                prop_assert_eq!(dutch_today(moment), dutch_clock(moment).date());
            }
        }
    }
}
