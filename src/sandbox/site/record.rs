//! The collected record as it is laid out: typed views of the resources, newest first. What cannot be read is left out.

mod care;
mod consult;
mod other;
pub(super) mod person;
pub(super) mod result;

use std::cmp::Reverse;
use std::collections::HashMap;

use jiff::civil::Date;
use serde_json::Value;

pub(super) use self::care::{Episode, Intolerance, Medicine};
pub(super) use self::consult::Consult;
pub(super) use self::other::{Appointment, Document, Vaccination};
pub(super) use self::person::Person;
pub(super) use self::result::ResultDay;
use super::day::Day;
use super::element::Element;
use super::search::{Answer, Problem, Subject};

/// One part of the record: what is in it, or why it could not be fetched.
#[derive(Debug)]
pub(super) struct Part<T> {
    pub(super) items: Vec<T>,
    pub(super) problem: Option<Problem>,
}

/// All that was fetched.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) person: Part<Person>,
    pub(super) episodes: Part<Episode>,
    pub(super) medicines: Part<Medicine>,
    pub(super) intolerances: Part<Intolerance>,
    pub(super) results: Part<ResultDay>,
    pub(super) consults: Part<Consult>,
    /// Why type and practitioner of the consultations may be missing.
    pub(super) contacts_problem: Option<Problem>,
    pub(super) appointments: Part<Appointment>,
    pub(super) documents: Part<Document>,
    pub(super) measurements: Part<ResultDay>,
    pub(super) vaccinations: Part<Vaccination>,
}

impl<T> Part<T> {
    /// How many there are; a dash when that is not known.
    pub(super) fn count(&self) -> String {
        self.count_by(|_| 1)
    }

    fn count_by(&self, each: impl Fn(&T) -> usize) -> String {
        if self.problem.is_some() { "–".to_owned() } else { self.items.iter().map(each).sum::<usize>().to_string() }
    }
}

impl Part<ResultDay> {
    /// How many results there are, over all days.
    pub(super) fn result_count(&self) -> String {
        self.count_by(|day| day.lines.len())
    }
}

impl Record {
    /// Lays out what the searches brought. `today` is for the age.
    pub(super) fn read(answers: &[Answer], today: Date) -> Self {
        let outcome =
            |subject| answers.iter().find(|answer| answer.trace.subject == subject).map(|answer| &answer.outcome);
        let contacts = Resources::of(outcome(Subject::Contacts));
        let episodes = Resources::of(outcome(Subject::Episodes));
        let reports = |reports: &Resources<'_>| consult::read(reports, &contacts, &episodes);
        let medicines = |found: &Resources<'_>| care::medicines(found, &episodes);
        Self {
            person: part(outcome(Subject::Person), |found| person::read(found, today)),
            episodes: part(outcome(Subject::Episodes), care::episodes),
            medicines: part(outcome(Subject::Medicines), medicines),
            intolerances: part(outcome(Subject::Intolerances), care::intolerances),
            results: part(outcome(Subject::Results), result::read),
            consults: part(outcome(Subject::Reports), reports),
            contacts_problem: outcome(Subject::Contacts).and_then(|outcome| outcome.as_ref().err().cloned()),
            appointments: part(outcome(Subject::Appointments), other::appointments),
            documents: part(outcome(Subject::Documents), other::documents),
            measurements: part(outcome(Subject::Measurements), result::read),
            vaccinations: part(outcome(Subject::Vaccinations), other::vaccinations),
        }
    }
}

type Outcome<'a> = Option<&'a Result<Value, Problem>>;

fn part<T>(outcome: Outcome<'_>, read: impl FnOnce(&Resources<'_>) -> Vec<T>) -> Part<T> {
    let problem = outcome.and_then(|outcome| outcome.as_ref().err().cloned());
    Part { items: read(&Resources::of(outcome)), problem }
}

/// The resources of an answer.
struct Resources<'a> {
    all: Vec<Element<'a>>,
    by_target: HashMap<String, Element<'a>>,
}

impl<'a> Resources<'a> {
    fn of(outcome: Outcome<'a>) -> Self {
        let bundle = outcome.and_then(|outcome| outcome.as_ref().ok());
        let entries = bundle.map(Element::new).into_iter().flat_map(|bundle| bundle.items("entry"));
        let all: Vec<_> = entries.map(|entry| entry.child("resource")).collect();
        let target = |resource: &Element<'a>| {
            Some((format!("{}/{}", resource.text("resourceType")?, resource.text("id")?), *resource))
        };
        let by_target = all.iter().filter_map(target).collect();
        Self { all, by_target }
    }

    fn of_type(&self, resource_type: &'static str) -> impl Iterator<Item = Element<'a>> {
        self.all.iter().copied().filter(move |resource| resource.is_a(resource_type))
    }

    /// What a Reference points at, when it came along.
    fn follow(&self, reference: Element<'_>) -> Option<Element<'a>> {
        self.by_target.get(reference.target()?).copied()
    }
}

/// Newest first; what has no date comes last.
fn newest_first<T>(mut items: Vec<T>, day: impl Fn(&T) -> Option<Day>) -> Vec<T> {
    items.sort_by_key(|item| Reverse(day(item)));
    items
}

fn day(element: Element<'_>, name: &str) -> Option<Day> {
    element.text(name).and_then(Day::parse)
}

fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

#[cfg(test)]
mod tests;
