//! The monthly management report for MedMij (*Beheerrapport*), as XML.
//!
//! Source: MedMij, "Managementinformatie": a node tells its name, the month from its first moment to that of the next, when the report was
//! made, how many people there were, and of each data service how often it was collected and shared, in vain or not. Portals are no part of MedMij, so only what PGOs asked counts. The classes
//! and attributes of the logical model are elements, and the attributes of `MedMijRapport` stand in the report itself. The schema
//! was not found anywhere; the names below a data service are ours, until it is known.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::row::{Measure, Row};
use super::suppress::LEAST_TOLD;
use crate::availability::dutch_clock;
use crate::medmij::ServiceId;
use crate::report::{Channel, Period};

/// What is reported of one month.
pub struct ManagementReport<'a> {
    /// How MedMij knows this participant.
    pub participant: &'a str,
    /// The month.
    pub month: Period,
    /// When the report is made.
    pub made: Timestamp,
    /// What is told of the whole in that month.
    pub row: &'a Row,
    /// Which services write; the others read.
    pub shares: &'a dyn Fn(&ServiceId) -> bool,
}

impl ManagementReport<'_> {
    /// As XML. What is not told is left out with what it belongs to.
    #[must_use]
    pub fn to_xml(&self) -> String {
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Beheerrapport>\n");
        element(&mut xml, 1, "Deelnemer", self.participant);
        element(&mut xml, 1, "Vanaf", &moment(self.month.begins()));
        element(&mut xml, 1, "Tot", &moment(self.month.ends()));
        element(&mut xml, 1, "Tijdstempel", &moment(self.made));
        if let Some(people) = self.row.told(&Measure::ViewersBy(Channel::Pgo)).number() {
            xml.push_str("  <Personen>\n");
            element(&mut xml, 2, "Aantal", &people.to_string());
            xml.push_str("  </Personen>\n");
        }
        xml.push_str("  <Gegevensdiensten>\n");
        for service in self.row.services() {
            self.service(&mut xml, &service);
        }
        xml.push_str("  </Gegevensdiensten>\n</Beheerrapport>\n");
        xml
    }

    fn service(&self, xml: &mut String, service: &ServiceId) {
        let Some(ended) = self.row.endings(&Measure::OverMedmij(Some(service.clone()))) else { return };
        if ended.succeeded + ended.failed + ended.aborted < LEAST_TOLD {
            return;
        }
        let how = if (self.shares)(service) { "Delen" } else { "Verzamelen" };
        xml.push_str("    <Gegevensdienst>\n");
        element(xml, 3, "GegevensdienstId", service.as_str());
        let _ = writeln!(xml, "      <{how}>");
        element(xml, 4, "AantalSuccesvol", &ended.succeeded.to_string());
        element(xml, 4, "AantalOnsuccesvol", &(ended.failed + ended.aborted).to_string());
        let _ = writeln!(xml, "      </{how}>\n    </Gegevensdienst>");
    }
}

/// An `xs:dateTime` with the zone of the Netherlands, as the lists of MedMij have it: 20 characters at least.
fn moment(moment: Timestamp) -> String {
    let zone = TimeZone::get("Europe/Amsterdam").unwrap_or(TimeZone::UTC);
    let offset = zone.to_offset(moment);
    let minutes = offset.seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    let clock = dutch_clock(moment).strftime("%Y-%m-%dT%H:%M:%S").to_string();
    format!("{clock}{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

fn element(xml: &mut String, depth: usize, name: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(xml, "{:indent$}<{name}>{text}</{name}>", "", indent = depth * 2);
}
