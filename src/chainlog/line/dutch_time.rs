//! The time as the lines have it.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// ISO 8601 with milliseconds and the offset that holds in the Netherlands at that moment. What is the same for a whole second
/// is worked out once: lines come by the thousand a second, and the zone costs more than the rest of a line.
pub(super) struct DutchTime {
    zone: TimeZone,
    /// The second that `text` and `offset` are of.
    second: Option<i64>,
    text: String,
    offset: String,
}

/// `2026-07-01T12:00:00.`
const TO_THE_SECOND: usize = 20;

impl DutchTime {
    pub(super) fn new() -> Self {
        let zone = TimeZone::get("Europe/Amsterdam").unwrap_or(TimeZone::UTC);
        Self { zone, second: None, text: String::new(), offset: String::new() }
    }

    pub(super) fn text(&mut self, at: Timestamp) -> &str {
        if self.second != Some(at.as_second()) {
            let local = at.to_zoned(self.zone.clone());
            self.text = local.strftime("%Y-%m-%dT%H:%M:%S.").to_string();
            self.offset = local.strftime("%:z").to_string();
            self.second = Some(at.as_second());
        }
        self.text.truncate(TO_THE_SECOND);
        // Writing to a text does not fail.
        let _ = write!(self.text, "{:03}{}", at.subsec_millisecond().unsigned_abs(), self.offset);
        &self.text
    }
}
