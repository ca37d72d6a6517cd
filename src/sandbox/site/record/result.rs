//! Results of determinations, per day, with their reference range and whether they lie outside it.

use serde_json::Number;

use super::super::day::Day;
use super::super::element::Element;
use super::{Resources, day, newest_first, owned};

/// The results of one day.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct ResultDay {
    pub(in super::super) day: Option<Day>,
    pub(in super::super) lines: Vec<ResultLine>,
}

#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct ResultLine {
    day: Option<Day>,
    pub(in super::super) name: String,
    pub(in super::super) value: String,
    pub(in super::super) range: Option<String>,
    pub(in super::super) outside: Option<Outside>,
    pub(in super::super) specimen: Option<String>,
}

/// On which side of the reference range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Outside {
    Below,
    Above,
}

pub(super) fn read(found: &Resources<'_>) -> Vec<ResultDay> {
    let mut lines: Vec<ResultLine> =
        found.of_type("Observation").flat_map(|observation| lines(observation, found)).collect();
    lines.sort_by(|one, other| one.name.cmp(&other.name));
    let lines = newest_first(lines, |line| line.day);
    let mut days: Vec<ResultDay> = Vec::new();
    for line in lines {
        match days.last_mut() {
            Some(last) if last.day == line.day => last.lines.push(line),
            Some(_) | None => days.push(ResultDay { day: line.day, lines: vec![line] }),
        }
    }
    days
}

/// The value of an observation, and those of its components.
fn lines(observation: Element<'_>, found: &Resources<'_>) -> Vec<ResultLine> {
    let name = observation.child("code").concept().unwrap_or("Bepaling zonder naam");
    let day = day(observation, "effectiveDateTime")
        .or_else(|| day(observation.child("effectivePeriod"), "start"))
        .or_else(|| day(observation, "issued"));
    let specimen = observation.child("specimen");
    let included = || found.follow(specimen).and_then(|specimen| specimen.child("type").concept());
    let specimen = specimen.text("display").or_else(included);
    let line = |name: String, measured: Element<'_>| {
        let (range, outside) = range(measured);
        Some(ResultLine { day, name, value: value(measured)?, range, outside, specimen: owned(specimen) })
    };
    let component = |component: Element<'_>| {
        let part = component.child("code").concept().unwrap_or("onderdeel");
        line(format!("{name}: {part}"), component)
    };
    line(name.to_owned(), observation).into_iter().chain(observation.items("component").filter_map(component)).collect()
}

fn value(measured: Element<'_>) -> Option<String> {
    let words = || measured.text("valueString").or_else(|| measured.child("valueCodeableConcept").concept());
    let truth = || measured.boolean("valueBoolean").map(|yes| if yes { "ja" } else { "nee" });
    let quantity = quantity(measured.child("valueQuantity"));
    quantity.or_else(|| owned(words())).or_else(|| owned(truth()))
}

/// With a decimal comma.
fn quantity(quantity: Element<'_>) -> Option<String> {
    let number = dutch_number(quantity.number("value")?);
    let unit = quantity.text("unit").or_else(|| quantity.text("code"));
    let parts = [quantity.text("comparator"), Some(number.as_str()), unit];
    Some(parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
}

fn dutch_number(number: &Number) -> String {
    number.to_string().replace('.', ",")
}

/// The first reference range in words, and where the value lies. Only a bound in the unit of the value is compared.
fn range(measured: Element<'_>) -> (Option<String>, Option<Outside>) {
    let value = measured.child("valueQuantity");
    let Some(range) = measured.items("referenceRange").next() else { return (None, None) };
    let (low, high) = (range.child("low"), range.child("high"));
    let bound = |bound: Element<'_>| bound.number("value").map(dutch_number);
    let words = match (bound(low), bound(high)) {
        (Some(low), Some(high)) => Some(format!("{low} – {high}")),
        (Some(low), None) => Some(format!("vanaf {low}")),
        (None, Some(high)) => Some(format!("tot {high}")),
        (None, None) => owned(range.text("text")),
    };
    let comparable = |bound: Element<'_>| {
        let same_unit = bound.text("unit") == value.text("unit") && value.text("comparator").is_none();
        bound.number("value").filter(|_| same_unit).and_then(Number::as_f64)
    };
    let measured = value.number("value").and_then(Number::as_f64);
    let outside = measured.and_then(|measured| {
        let below = comparable(low).is_some_and(|low| measured < low);
        let above = comparable(high).is_some_and(|high| measured > high);
        below.then_some(Outside::Below).or_else(|| above.then_some(Outside::Above))
    });
    (words, outside)
}
