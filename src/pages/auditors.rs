//! The desk of auditors and practices: the question, what was found, and what waits for a second pair of eyes.

mod text;

use askama::Template;

pub use self::text::AuditorText;
use super::text::Text;
use crate::audit::render::{Site, nen7513, words};
use crate::audit::{Outcome, Record, Term as _};
use crate::auditors::{About, DeskError, Ground, Reader, Request, RequestState, Results, Role, Wrong};
use crate::form::single;
use crate::language::Language;
use crate::medmij::{Hostname, holds_bsn};

/// The question, and below it what was found.
#[derive(Template)]
#[template(path = "auditors.html", config = "src/pages/askama.toml")]
pub struct AuditorPage<'a> {
    t: &'static Text,
    a: &'static AuditorText,
    switch: Option<String>,
    reader: &'a Reader,
    four_eyes: bool,
    /// What was typed before: name and value. Never the number of a patient.
    typed: Vec<(String, String)>,
    wrong: Option<(&'static str, &'static str)>,
    found: Option<Found>,
}

struct Found {
    lines: Vec<Line>,
    one_person: bool,
    unreadable: usize,
    ticket: String,
    next: Option<String>,
    receipt: String,
}

/// One record: what everybody looks for first, and all fields of NEN 7513 that it has.
struct Line {
    time: String,
    what: String,
    ended: String,
    who: String,
    practice: String,
    fields: Vec<(&'static str, String)>,
}

/// Searches that wait or may be run.
#[derive(Template)]
#[template(path = "auditors_requests.html", config = "src/pages/askama.toml")]
pub struct AuditorRequestsPage<'a> {
    t: &'static Text,
    a: &'static AuditorText,
    switch: Option<String>,
    requests: Vec<(&'a Request, &'static str, Standing)>,
}

/// What somebody can do about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It is theirs, and waits.
    OwnWaits,
    /// It is theirs, and may be run.
    OwnApproved,
    /// It is for them to judge.
    ToJudge,
    /// Somebody agreed already.
    Judged,
}

/// A short message.
#[derive(Template)]
#[template(path = "auditors_message.html", config = "src/pages/askama.toml")]
pub struct AuditorMessagePage {
    t: &'static Text,
    a: &'static AuditorText,
    switch: Option<String>,
    title: &'static str,
    said: &'static str,
}

fn switch(language: Language, path: &str) -> Option<String> {
    Some(format!("{path}?lang={}", language.other().tag()))
}

impl<'a> AuditorPage<'a> {
    /// An empty question.
    #[must_use]
    pub fn new(language: Language, reader: &'a Reader, four_eyes: bool) -> Self {
        let (t, a) = (Text::of(language), AuditorText::of(language));
        Self { t, a, switch: switch(language, "/"), reader, four_eyes, typed: Vec::new(), wrong: None, found: None }
    }

    /// The same question again, with what is wrong with it. What was typed as the number of a patient, or holds one, is gone.
    #[must_use]
    pub fn again(mut self, typed: &[(String, String)], wrong: Wrong) -> Self {
        self.typed = typed.iter().filter(|(name, value)| name != "patient" && !holds_bsn(value)).cloned().collect();
        self.wrong = Some(self.a.wrong(wrong));
        self
    }

    /// With what was found.
    #[must_use]
    pub fn with(mut self, results: &Results, site: &Site, ticket: String, next: Option<String>) -> Self {
        self.typed = results.question.pairs();
        self.found = Some(Found {
            lines: results.records.iter().map(|record| line(record, site, self.t.language)).collect(),
            one_person: matches!(results.question.about, About::Person(_)),
            unreadable: results.unreadable,
            ticket,
            next,
            receipt: results.receipt.to_string(),
        });
        self
    }

    /// The page as HTML.
    #[must_use]
    pub fn render_html(&self) -> String {
        self.render().unwrap_or_default()
    }

    fn value(&self, name: &str) -> &str {
        single(&self.typed, name).unwrap_or_default()
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.value(name) == value
    }

    fn action(&self, step: &str) -> String {
        format!("/{step}?lang={}", self.t.language.tag())
    }

    fn own_practices(&self) -> &[crate::medmij::ProviderName] {
        match self.reader.role() {
            Role::Auditor => &[],
            Role::Practice(own) => own,
        }
    }

    fn outcomes(&self) -> Vec<(&'static str, &'static str)> {
        Outcome::ALL.iter().map(|one| (one.as_str(), words::outcome(*one).of(self.t.language))).collect()
    }

    fn grounds(&self) -> Vec<(&'static str, &'static str)> {
        Ground::ALL.iter().map(|ground| (ground.as_str(), self.a.ground(*ground))).collect()
    }

    fn wrong_at(&self, field: &str) -> Option<&'static str> {
        self.wrong.filter(|(name, _)| *name == field).map(|(_, said)| said)
    }
}

fn line(record: &Record, site: &Site, language: Language) -> Line {
    let columns = nen7513::parse(&nen7513::nen7513(record, site)).unwrap_or_default();
    let fields = nen7513::COLUMNS.iter().map(|(name, _)| *name).zip(columns);
    let known = |word: &str, said: Option<&'static str>| said.map_or_else(|| word.to_owned(), str::to_owned);
    let kind = record.kind.known().map(|kind| words::kind(kind).of(language));
    let outcome = record.outcome.known().map(|outcome| words::outcome(outcome).of(language));
    Line {
        time: record.time.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        what: known(record.kind.as_str(), kind),
        ended: known(record.outcome.as_str(), outcome),
        who: record.client_id.as_ref().or(record.peer.as_ref()).map(ToString::to_string).unwrap_or_default(),
        practice: record.provider.as_ref().map(ToString::to_string).unwrap_or_default(),
        fields: fields.filter(|(_, value)| !value.is_empty()).collect(),
    }
}

impl<'a> AuditorRequestsPage<'a> {
    /// For somebody.
    #[must_use]
    pub fn new(language: Language, me: &Hostname, requests: &'a [Request]) -> Self {
        let (t, a) = (Text::of(language), AuditorText::of(language));
        let one = |request: &'a Request| (request, a.ground(request.question.ground), standing(me, request));
        Self { t, a, switch: switch(language, "/requests"), requests: requests.iter().map(one).collect() }
    }

    /// The page as HTML.
    #[must_use]
    pub fn render_html(&self) -> String {
        self.render().unwrap_or_default()
    }
}

fn standing(me: &Hostname, request: &Request) -> Standing {
    match (request.asker == *me, &request.state) {
        (true, RequestState::Waits) => Standing::OwnWaits,
        (true, RequestState::Approved(_)) => Standing::OwnApproved,
        (false, RequestState::Waits) => Standing::ToJudge,
        (false, RequestState::Approved(_)) => Standing::Judged,
    }
}

impl AuditorMessagePage {
    /// A search waits for somebody else.
    #[must_use]
    pub fn waits(language: Language) -> Self {
        let a = AuditorText::of(language);
        Self { t: Text::of(language), a, switch: None, title: a.waits_title, said: a.waits }
    }

    /// Nothing is shown.
    #[must_use]
    pub fn failed(language: Language, error: DeskError) -> Self {
        let a = AuditorText::of(language);
        Self { t: Text::of(language), a, switch: None, title: a.failed_title, said: a.failed(error) }
    }

    /// The page as HTML.
    #[must_use]
    pub fn render_html(&self) -> String {
        self.render().unwrap_or_default()
    }
}
