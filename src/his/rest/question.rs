//! Which of the searches of the services this vendor can answer, and with what. A parameter that is not known here is never
//! left out: without it the vendor would give more than was asked for.

use super::element::{LOINC, NHG_45, SNOMED};
use super::value::Day;
use crate::services::Operation;

/// A search in terms of the vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    Patient { with_gp: bool },
    Episodes,
    Flags,
    Contacts,
    Reports,
    Intolerances,
    Agreements { in_use_from: Option<Day>, with_products: bool },
    Results { period: Period, with_specimens: bool },
    Appointments { period: Period },
    Documents { period: Period },
}

/// From and up to and including, where bounded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) from: Option<Day>,
    pub(super) until: Option<Day>,
}

impl Question {
    /// `None`: this vendor has no answer to it.
    pub(super) fn parse(resource: &str, operation: Option<Operation>, parameters: &[(String, String)]) -> Option<Self> {
        let mut asked =
            Asked { left: parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect() };
        let question = match resource {
            "Patient" => Self::Patient { with_gp: asked.has("_include", "Patient:general-practitioner") },
            "EpisodeOfCare" => Self::Episodes,
            "Flag" => Self::Flags,
            "Encounter" => Self::Contacts,
            "Composition" => asked.needs("type", &format!("{LOINC}|67781-5")).then_some(Self::Reports)?,
            "AllergyIntolerance" => asked.needs("category", "medication").then_some(Self::Intolerances)?,
            "MedicationRequest" if asked.needs("category", &format!("{SNOMED}|16076005")) => Self::Agreements {
                in_use_from: asked.period("periodofuse")?.from,
                with_products: asked.has("_include", "MedicationRequest:medication"),
            },
            "Observation" if asked.needs("code", &format!("{NHG_45}|")) => {
                // What a result goes with was measured with it: it is one of the matches.
                asked.has("_include", "Observation:related-target");
                let with_specimens = asked.has("_include", "Observation:specimen");
                Self::Results { period: asked.period("date")?, with_specimens }
            }
            "Appointment" => Self::Appointments { period: asked.period("date")? },
            "DocumentReference" if asked.needs("status", "current") => {
                Self::Documents { period: asked.period("indexed")? }
            }
            _ => return None,
        };
        (operation.is_none() && asked.left.is_empty()).then_some(question)
    }
}

/// The parameters that nobody has looked at yet.
struct Asked<'a> {
    left: Vec<(&'a str, &'a str)>,
}

impl<'a> Asked<'a> {
    /// Whether the parameter is there with this value.
    fn has(&mut self, name: &str, value: &str) -> bool {
        let before = self.left.len();
        self.left.retain(|pair| *pair != (name, value));
        self.left.len() < before
    }

    /// The same, for a filter that the vendor's list has by itself: without it more would be asked for.
    fn needs(&mut self, name: &str, value: &str) -> bool {
        self.has(name, value)
    }

    /// The bounds that a date parameter sets, all of them together. `None` for one that cannot be read.
    fn period(&mut self, name: &str) -> Option<Period> {
        let (dates, left): (Vec<_>, Vec<_>) = self.left.iter().copied().partition(|(other, _)| *other == name);
        self.left = left;
        dates.into_iter().try_fold(Period::default(), |period, (_, value): (_, &'a str)| {
            let (prefix, day) = value.split_at_checked(2)?;
            let day = Day::parse(day)?;
            match prefix {
                "ge" => Some(Period { from: Some(period.from.map_or(day, |from| from.max(day))), ..period }),
                "le" => Some(Period { until: Some(period.until.map_or(day, |until| until.min(day))), ..period }),
                _ => None,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn parse(request: &str) -> Option<Question> {
        let (resource, query) = request.split_once('?').unwrap_or((request, ""));
        let (resource, operation) = match resource.strip_suffix("/$lastn") {
            Some(resource) => (resource, Some(Operation::Lastn)),
            None => (resource, None),
        };
        let pairs: Vec<_> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Question::parse(resource, operation, &pairs)
    }

    #[test]
    fn the_searches_of_the_service_are_understood() {
        let day = |year, month, day| Some(Day(date(year, month, day)));
        let results = format!(
            "Observation?code={NHG_45}|&_include=Observation:related-target&_include=Observation:specimen&date=ge2025-09-21"
        );
        let agreements = "MedicationRequest?periodofuse=ge2026-11-21&category=http://snomed.info/sct|16076005";
        let span = Period { from: day(2026, 11, 21), until: day(2026, 12, 1) };
        let bounded = Period { from: day(2025, 9, 21), until: None };
        for (request, expected) in [
            ("Patient?_include=Patient:general-practitioner", Question::Patient { with_gp: true }),
            ("Patient", Question::Patient { with_gp: false }),
            ("EpisodeOfCare", Question::Episodes),
            ("Flag", Question::Flags),
            ("Encounter", Question::Contacts),
            ("Composition?type=http://loinc.org|67781-5", Question::Reports),
            ("AllergyIntolerance?category=medication", Question::Intolerances),
            (agreements, Question::Agreements { in_use_from: day(2026, 11, 21), with_products: false }),
            ("Appointment?date=ge2026-11-21&date=le2026-12-01", Question::Appointments { period: span }),
            ("DocumentReference?status=current", Question::Documents { period: Period::default() }),
            (&results, Question::Results { period: bounded, with_specimens: true }),
        ] {
            assert_eq!(parse(request), Some(expected), "{request}");
        }
    }

    #[test]
    fn bounds_narrow_each_other() {
        let request = format!("Observation?code={NHG_45}|&date=ge2025-01-01&date=le2026-03-01&date=ge2025-02-01");
        let Some(Question::Results { period, .. }) = parse(&request) else { panic!("{request}") };
        assert_eq!(period, Period { from: Some(Day(date(2025, 2, 1))), until: Some(Day(date(2026, 3, 1))) });
    }

    #[test]
    fn nothing_else_is_and_no_filter_is_dropped() {
        let results = format!("Observation?code={NHG_45}|");
        for request in [
            "Condition",
            "Composition",
            "AllergyIntolerance",
            "AllergyIntolerance?category=food",
            "Composition?type=http://loinc.org|67781-5&date=ge2026-01-01",
            "EpisodeOfCare?status=active",
            "Observation",
            "Observation?category=vital-signs",
            "Observation/$lastn?code=http://loinc.org|29463-7",
            &format!("{results}&date=2026-01-01"),
            &format!("{results}&date=ge2026"),
            &format!("{results}&date=gt2026-01-01"),
            &format!("{results}&_include=Observation:subject"),
            "Encounter/$lastn",
            "DocumentReference",
            "DocumentReference?status=superseded",
            "DocumentManifest?status=current",
            "Appointment?status=booked",
        ] {
            assert_eq!(parse(request), None, "{request}");
        }
    }
}
