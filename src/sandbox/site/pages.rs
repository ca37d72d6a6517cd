//! The pages that both demonstration sites have: Dutch, no script. Templates escape by default.

use askama::Template;
use http::StatusCode;

use super::Collected;
use super::day;
use super::record::{Record, person::BsnShown, result::Outside};
use super::search::{Access, Problem, Subject, Trace};
use crate::sandbox::client::new_id;

/// Whose pages they are.
#[derive(Debug)]
pub(in crate::sandbox) struct Brand {
    pub(in crate::sandbox) name: &'static str,
    /// Path of its stylesheet.
    pub(in crate::sandbox) stylesheet: &'static str,
    pub(in crate::sandbox) foot: &'static str,
    /// How a person ends their session from the record.
    pub(in crate::sandbox) leave: Leave,
}

/// A button that ends the session.
#[derive(Debug)]
pub(in crate::sandbox) struct Leave {
    pub(in crate::sandbox) action: &'static str,
    pub(in crate::sandbox) label: &'static str,
}

/// The record.
#[derive(Template)]
#[template(path = "site/record.html", config = "src/sandbox/askama.toml")]
pub(in crate::sandbox) struct RecordPage<'a> {
    brand: &'static Brand,
    collected: &'a Collected,
    record: &'a Record,
    fetched: String,
    /// In the order of [`Subject::ALL`].
    technical: Vec<Technical<'a>>,
    minutes: u64,
    /// Where the gateway tells people who asked for their data.
    log: Option<String>,
}

/// What a developer wants to know of a search.
struct Technical<'a> {
    trace: &'a Trace,
    status: String,
    milliseconds: String,
    curl: String,
}

/// Says one thing and how to go on.
#[derive(Template)]
#[template(path = "site/message.html", config = "src/sandbox/askama.toml")]
pub(in crate::sandbox) struct MessagePage<'a> {
    pub(in crate::sandbox) brand: &'static Brand,
    pub(in crate::sandbox) words: Words,
    /// The number under which the gateway knows of it.
    pub(in crate::sandbox) reference: Option<&'a str>,
    /// What the link to the start says.
    pub(in crate::sandbox) next: &'static str,
}

/// Says why something could not be had.
#[derive(Template)]
#[template(path = "site/problem.html", config = "src/sandbox/askama.toml")]
pub(in crate::sandbox) struct ProblemPage<'a> {
    pub(in crate::sandbox) brand: &'static Brand,
    pub(in crate::sandbox) problem: &'a Problem,
}

/// The words of such a page.
#[derive(Debug, Clone, Copy)]
pub(in crate::sandbox) struct Words {
    pub(in crate::sandbox) status: StatusCode,
    pub(in crate::sandbox) title: &'static str,
    pub(in crate::sandbox) what: &'static str,
    pub(in crate::sandbox) who: &'static str,
}

impl<'a> RecordPage<'a> {
    /// `client_id` names the files of the client's certificate; `gateway` is the origin of the gateway's pages, when it is known.
    pub(in crate::sandbox) fn of(
        brand: &'static Brand,
        collected: &'a Collected,
        client_id: &str,
        gateway: Option<&String>,
    ) -> Self {
        let file = client_id.split('.').next().unwrap_or(client_id);
        let technical = collected.traces.iter().map(|trace| Technical::of(trace, &collected.access, file));
        Self {
            brand,
            collected,
            record: &collected.record,
            fetched: day::moment(collected.at),
            technical: technical.collect(),
            minutes: collected.expires_in / 60,
            log: gateway.map(|origin| format!("{origin}/inzagelog")),
        }
    }

    pub(in crate::sandbox) fn render_html(&self) -> String {
        // Rendering into a string fails only when a value's Display does; ours do not.
        self.render().unwrap_or_default()
    }

    /// Whether this was searched: a service that nobody chose has no place on the page.
    fn asked(&self, subject: Subject) -> bool {
        self.technical(&subject).next().is_some()
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
        quoted(&format!("{}/{}", access.base(trace.subject.service().role()).unwrap_or_default(), trace.request)),
    )
}

/// One word of a shell, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

impl MessagePage<'_> {
    pub(in crate::sandbox) fn render_html(&self) -> String {
        self.render().unwrap_or_default()
    }
}

impl ProblemPage<'_> {
    pub(in crate::sandbox) fn render_html(&self) -> String {
        self.render().unwrap_or_default()
    }
}

#[cfg(test)]
pub(in crate::sandbox) mod tests;
