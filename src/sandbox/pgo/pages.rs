//! The pages of the demonstration PGO: Dutch, no script. Templates escape by default.

use askama::Template;
use http::StatusCode;
use jiff::civil::Date;

use super::day::{self, Day};
use super::record::{Record, result::Outside};
use super::search::{Access, Subject, Trace};
use super::trouble::Words;
use super::{Collected, record::person::BsnShown};
use crate::sandbox::client::new_id;
use crate::sandbox::world::{Directory, ListedPractice, TestPerson};

/// The one stylesheet.
pub(super) const STYLESHEET: &str = include_str!("zorgmap.css");

/// Choose a practice.
#[derive(Template)]
#[template(path = "start.html", config = "src/sandbox/pgo/askama.toml")]
pub(super) struct StartPage<'a> {
    practices: Vec<Choice<'a>>,
    /// Where the gateway has people look for their practice.
    search: Option<String>,
    has_record: bool,
}

struct Choice<'a> {
    practice: &'a ListedPractice,
    people: Vec<Invented<'a>>,
}

struct Invented<'a> {
    person: &'a TestPerson,
    age: Option<i16>,
}

/// The record.
#[derive(Template)]
#[template(path = "record.html", config = "src/sandbox/pgo/askama.toml")]
pub(super) struct RecordPage<'a> {
    collected: &'a Collected,
    record: &'a Record,
    fetched: String,
    /// In the order of [`Subject::ALL`].
    technical: Vec<Technical<'a>>,
    minutes: u64,
}

/// What a developer wants to know of a search.
struct Technical<'a> {
    trace: &'a Trace,
    status: String,
    milliseconds: String,
    curl: String,
}

/// Something went wrong.
#[derive(Template)]
#[template(path = "trouble.html", config = "src/sandbox/pgo/askama.toml")]
pub(super) struct TroublePage {
    pub(super) words: Words,
}

impl<'a> StartPage<'a> {
    /// `gateway` is the origin of the gateway's pages, when it is known.
    pub(super) fn of(directory: &'a Directory, today: Date, gateway: Option<&String>, has_record: bool) -> Self {
        let search = gateway.map(|origin| format!("{origin}/practices"));
        let age = |person: &TestPerson| person.birth_date.and_then(|born| Day::of(born).years_until(today));
        let choice = |practice: &'a ListedPractice| {
            let own = directory.people.iter().filter(|person| person.provider == practice.provider);
            Choice { practice, people: own.map(|person| Invented { person, age: age(person) }).collect() }
        };
        Self { practices: directory.practices.iter().map(choice).collect(), search, has_record }
    }

    pub(super) fn render_html(&self) -> String {
        // Rendering into a string fails only when a value's Display does; ours do not.
        self.render().unwrap_or_default()
    }
}

impl<'a> RecordPage<'a> {
    /// `client_id` names the files of the client's certificate.
    pub(super) fn of(collected: &'a Collected, client_id: &str) -> Self {
        let file = client_id.split('.').next().unwrap_or(client_id);
        let technical = collected.traces.iter().map(|trace| Technical::of(trace, &collected.access, file));
        Self {
            collected,
            record: &collected.record,
            fetched: day::moment(collected.at),
            technical: technical.collect(),
            minutes: collected.expires_in / 60,
        }
    }

    pub(super) fn render_html(&self) -> String {
        self.render().unwrap_or_default()
    }

    /// The technical side of one search.
    fn technical(&self, subject: &Subject) -> impl Iterator<Item = &Technical<'a>> {
        self.technical.iter().filter(move |technical| technical.trace.subject == *subject)
    }
}

impl<'a> Technical<'a> {
    fn of(trace: &'a Trace, access: &Access, file: &str) -> Self {
        Self {
            trace,
            status: trace.status.as_ref().map_or_else(|| "geen antwoord".to_owned(), StatusCode::to_string),
            milliseconds: format!("{:.1}", trace.took.as_secs_f64() * 1000.0).replace('.', ","),
            curl: curl(trace, access, file),
        }
    }
}

/// The same request for a command line in the folder of the sandbox, with its certificates.
fn curl(trace: &Trace, access: &Access, file: &str) -> String {
    format!(
        "curl --cacert ca.pem --cert {file}.pem --key {file}.key \\\n  -H {} \\\n  -H {} \\\n  -H {} \\\n  -H {} \\\n  {}",
        quoted(&format!("Authorization: Bearer {}", access.token.reveal())),
        quoted("Accept: application/fhir+json"),
        quoted(&format!("MedMij-Request-ID: {}", new_id())),
        quoted(&format!("X-Correlation-ID: {}", access.correlation_id)),
        quoted(&format!("{}/{}", access.base, trace.request)),
    )
}

/// One word of a shell, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

impl TroublePage {
    pub(super) fn render_html(&self) -> String {
        self.render().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
