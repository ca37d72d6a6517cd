//! Days and lines in the words of a language.

use super::super::Text;
use super::super::text::{Piece, pieces};
use crate::accesslog::{Act, Basis, ClientKind, Day, Ending, Entry, Line, Who};
use crate::availability::dutch_clock;

/// In which language, and where a consent can be stopped.
#[derive(Clone, Copy)]
pub(super) struct Wording<'a> {
    pub(super) t: &'static Text,
    pub(super) consents: Option<&'a str>,
}

/// A day.
pub(super) struct DayView {
    pub(super) title: String,
    pub(super) lines: Vec<LineView>,
}

/// A line.
pub(super) struct LineView {
    pub(super) time: String,
    pub(super) datetime: String,
    pub(super) sentence: Vec<Said>,
    /// "7 keer, voor het eerst om", when there are several.
    pub(super) times: Option<String>,
    /// What one wants to know at once: which data, how it ended, why it was allowed.
    pub(super) facts: Vec<Fact>,
    /// The rest of what the norm asks for.
    pub(super) more: Vec<Fact>,
    pub(super) each: Vec<EachView>,
}

/// A piece of a sentence; a name is set apart.
pub(super) struct Said {
    pub(super) text: String,
    pub(super) name: bool,
}

/// What is known of a line.
pub(super) struct Fact {
    pub(super) label: &'static str,
    pub(super) value: String,
    /// Where something can be done about it, and what.
    pub(super) link: Option<(String, &'static str)>,
}

/// One of several.
pub(super) struct EachView {
    pub(super) time: String,
    pub(super) datetime: String,
    pub(super) what: String,
    pub(super) ending: String,
    pub(super) number: String,
}

pub(super) fn day_views(days: &[Day], wording: Wording<'_>) -> Vec<DayView> {
    days.iter().map(|day| wording.day(day)).collect()
}

impl Wording<'_> {
    fn day(self, day: &Day) -> DayView {
        let weekday = usize::try_from(day.date.weekday().to_monday_zero_offset()).unwrap_or_default();
        let weekday = self.t.log.weekdays.get(weekday).copied().unwrap_or_default();
        DayView {
            title: format!("{weekday} {}", self.t.date(day.date)),
            lines: day.lines.iter().map(|line| self.line(line)).collect(),
        }
    }

    fn line(self, line: &Line) -> LineView {
        let first = line.first();
        let count = line.count().to_string();
        let several = line.count() > 1;
        LineView {
            time: clock(first),
            datetime: first.at.to_string(),
            sentence: self.sentence(first),
            times: several.then(|| fill(self.t.log.labels.times, &[("count", &count)])),
            facts: self.facts(line),
            more: self.more(line),
            each: if several { line.entries().map(|entry| self.each(entry)).collect() } else { Vec::new() },
        }
    }

    fn each(self, entry: &Entry) -> EachView {
        EachView {
            time: clock(entry),
            datetime: entry.at.to_string(),
            what: self.resource(entry).unwrap_or_default(),
            ending: self.ending(entry.ending, &entry.act),
            number: entry.number.clone(),
        }
    }

    fn sentence(self, entry: &Entry) -> Vec<Said> {
        let practice = entry.practice.as_deref().unwrap_or(self.t.log.whos.a_practice);
        let who = self.subject(entry);
        let said = |Piece { text, name }| Said { text: text.to_owned(), name };
        pieces(self.act(entry), &[("who", &who), ("practice", practice)]).into_iter().map(said).collect()
    }

    /// The same as one text.
    pub(super) fn told(self, entry: &Entry) -> String {
        self.sentence(entry).into_iter().map(|said| said.text).collect()
    }

    fn act(self, entry: &Entry) -> &'static str {
        let (acts, own) = (&self.t.log.acts, entry.who == Who::Person);
        match entry.act {
            Act::Collect => acts.collect,
            Act::Share => acts.share,
            Act::ReadLog if own => acts.read_own,
            Act::ReadLog => acts.read,
            Act::ExportLog if own => acts.export_own,
            Act::ExportLog => acts.export,
            Act::LogIn => acts.log_in,
            Act::Consent => acts.consent,
            Act::Refuse => acts.refuse,
            Act::EndConsent => acts.end_consent,
            Act::GetKey if matches!(entry.ending, Ending::Refused(_) | Ending::Failed(_)) => acts.get_no_key,
            Act::GetKey => acts.get_key,
            Act::Administer => acts.administer,
            Act::Other(_) => acts.other,
        }
    }

    /// Who a sentence is about: the app or website where there is one.
    fn subject(self, entry: &Entry) -> String {
        let about_client = !matches!(entry.act, Act::ReadLog | Act::ExportLog | Act::Administer);
        match entry.client.as_ref().filter(|_| about_client || entry.who == Who::Client) {
            Some(client) => client.name.clone(),
            None => self.doer(entry),
        }
    }

    /// Who did it.
    pub(super) fn doer(self, entry: &Entry) -> String {
        let whos = &self.t.log.whos;
        let text = match (entry.who, &entry.client) {
            (Who::Client, Some(client)) => {
                let kind = match client.kind {
                    ClientKind::App => whos.app,
                    ClientKind::Portal => whos.portal,
                    ClientKind::Gone => whos.gone,
                };
                return format!("{} ({kind})", client.name);
            }
            (Who::Person, _) => whos.person,
            (Who::Practice, _) => return entry.practice.clone().unwrap_or_else(|| whos.practice.to_owned()),
            (Who::Operator, _) => whos.operator,
            (Who::Gateway | Who::Client, _) => whos.gateway,
        };
        text.to_owned()
    }

    fn facts(self, line: &Line) -> Vec<Fact> {
        let (entry, labels) = (line.first(), &self.t.log.labels);
        let what = self.what(line).map(|value| Fact { label: labels.what, value, link: None });
        let ending = Fact { label: labels.ending, value: self.ending(total(line), &entry.act), link: None };
        what.into_iter().chain([ending, self.basis_fact(entry)]).collect()
    }

    fn more(self, line: &Line) -> Vec<Fact> {
        let (entry, labels) = (line.first(), &self.t.log.labels);
        let number = (line.count() == 1).then(|| entry.number.clone());
        let facts = [
            (labels.who, Some(self.doer(entry))),
            (labels.practice, entry.practice.clone()),
            (labels.emergency, Some(labels.no.to_owned())),
            (labels.number, number),
        ];
        let fact = |(label, value): (&'static str, Option<String>)| Some(Fact { label, value: value?, link: None });
        facts.into_iter().filter_map(fact).collect()
    }

    /// The service, and the part of it where there is only one.
    fn what(self, line: &Line) -> Option<String> {
        let part = self.resource(line.first()).filter(|_| line.count() == 1);
        self.data(line.first().service.as_deref(), part.as_deref())
    }

    pub(super) fn data(self, service: Option<&str>, part: Option<&str>) -> Option<String> {
        match (service, part) {
            (Some(service), Some(part)) => Some(format!("{service}: {part}")),
            (one, other) => one.or(other).map(str::to_owned),
        }
    }

    pub(super) fn resource(self, entry: &Entry) -> Option<String> {
        let resource = entry.resource.as_deref()?;
        let known = self.t.log.resources.iter().find(|(name, _)| *name == resource);
        let words = known.map_or(self.t.log.other_resource, |(_, words)| words);
        // Enough to tell one letter from another; what it says is at the practice.
        Some(entry.document.as_ref().map_or_else(|| words.to_owned(), |mark| format!("{words} ({mark})")))
    }

    pub(super) fn ending(self, ending: Ending, act: &Act) -> String {
        let endings = &self.t.log.endings;
        let because = |sentence, why| fill(sentence, &[("why", (self.t.log.why)(why))]);
        match (ending, act) {
            (Ending::Done { parts: None }, Act::Collect) => endings.given.to_owned(),
            (Ending::Done { parts: Some(1) }, Act::Collect) => endings.part.to_owned(),
            (Ending::Done { parts: Some(count) }, Act::Collect) => {
                fill(endings.parts, &[("count", &count.to_string())])
            }
            (Ending::Done { .. }, Act::Share) => endings.stored.to_owned(),
            (Ending::Done { .. }, _) => endings.done.to_owned(),
            (Ending::Nothing, _) => endings.nothing.to_owned(),
            (Ending::Refused(why), _) => because(endings.refused, why),
            (Ending::Failed(why), _) => because(endings.failed, why),
            (Ending::BrokenOff, _) => endings.broken_off.to_owned(),
            (Ending::PartGiven, _) => endings.part_given.to_owned(),
            (Ending::Perhaps, Act::Collect) => endings.perhaps_given.to_owned(),
            (Ending::Perhaps, _) => endings.perhaps.to_owned(),
        }
    }

    fn basis_fact(self, entry: &Entry) -> Fact {
        let stop = matches!(entry.basis, Basis::Consent { stoppable: true, .. });
        let link = self.consents.filter(|_| stop).map(|address| (address.to_owned(), self.t.log.bases.stop));
        Fact { label: self.t.log.labels.basis, value: self.basis(entry.basis), link }
    }

    pub(super) fn basis(self, basis: Basis) -> String {
        let bases = &self.t.log.bases;
        match basis {
            Basis::Consent { given: Some(given), .. } => fill(bases.consent, &[("day", &self.t.day(&given))]),
            Basis::Consent { given: None, .. } => bases.consent_once.to_owned(),
            Basis::Portal => bases.portal.to_owned(),
            Basis::Own => bases.own.to_owned(),
            Basis::Task => bases.task.to_owned(),
            Basis::Nothing => bases.nothing.to_owned(),
        }
    }
}

/// How all of a line ended: what was given is added up, where it can be counted.
fn total(line: &Line) -> Ending {
    let parts = line.entries().map(|entry| match entry.ending {
        Ending::Done { parts } => parts,
        Ending::Nothing => Some(0),
        Ending::Refused(_) | Ending::Failed(_) | Ending::BrokenOff | Ending::PartGiven | Ending::Perhaps => None,
    });
    match (line.first().ending, parts.sum::<Option<u32>>()) {
        (Ending::Done { .. } | Ending::Nothing, Some(0)) => Ending::Nothing,
        (Ending::Done { .. } | Ending::Nothing, parts) => Ending::Done { parts },
        (other, _) => other,
    }
}

fn clock(entry: &Entry) -> String {
    dutch_clock(entry.at).strftime("%H:%M").to_string()
}

pub(super) fn fill(sentence: &'static str, names: &[(&'static str, &str)]) -> String {
    pieces(sentence, names).into_iter().map(|piece| piece.text).collect()
}
