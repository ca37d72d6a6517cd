//! What the HIS answers to a bundle that was sent, as it goes back: an entry for each that came, in its order. The frame is
//! written here; of the HIS only the resources pass, each by the rules of a search, and of a document not even that: who
//! sent it gets back what they sent.

use super::super::bundle::Entry;
use super::super::edits::{Edits, quoted};
use super::super::outline::{Kind, Value};
use super::super::reference::{Target, target};
use super::super::scan::scan;
use super::super::types::is_id;
use super::super::walk::Walk;
use super::super::{Record, ShapeFault, frame};
use super::note::{Note, Said};
use super::{Outgoing, Sent};
use crate::services::SubmissionKind;

/// What the client wants back (`Prefer: return=…`, FHIR STU3 http.html, 2.21.0.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Echo {
    /// The resources.
    Representation,
    /// Where they are.
    Minimal,
    /// What happened.
    Outcome,
}

/// What an answer to a submission is held against.
#[derive(Debug, Clone, Copy)]
pub struct Answering<'a> {
    /// Whose data it must be.
    pub record: Record<'a>,
    /// The type of the bundle that was sent.
    pub kind: SubmissionKind,
    /// What the client wants back.
    pub echo: Echo,
    /// Our number of the request.
    pub reference: &'a str,
}

/// An answer that may leave.
pub struct Stored {
    /// The Bundle, JSON.
    pub body: Vec<u8>,
    /// What became of each entry that went, in the order of the bundle: the status that the answer gives it.
    pub statuses: Vec<u16>,
}

/// Shapes the answer to a submission.
///
/// # Errors
/// When any part of it must not leave, or does not say what became of each entry. What was sent may be stored all the same.
pub fn shape_stored(body: &[u8], sent: &Outgoing, answering: &Answering<'_>) -> Result<Stored, ShapeFault> {
    let outline = scan(body)?;
    let root = outline.root().ok_or(UNREADABLE)?;
    let text = |name| root.member(name).and_then(Value::plain);
    let kind = format!("{}-response", answering.kind.as_str());
    if (text("resourceType"), text("type")) != (Some("Bundle"), Some(kind.as_str())) {
        return Err(UNREADABLE);
    }
    let given: Vec<_> = root.member("entry").into_iter().flat_map(Value::items).collect();
    if given.len() != sent.entries.iter().filter(|entry| entry.goes).count() {
        return Err(UNREADABLE);
    }
    let mut given = given.into_iter();
    let mut stored = Stored { body: Vec::new(), statuses: Vec::new() };
    let mut entries = Vec::with_capacity(sent.entries.len());
    for (at, entry) in sent.entries.iter().enumerate() {
        let Some(answer) = given.next_if_goes(entry) else {
            entries.push(person(sent, answering));
            continue;
        };
        let reply = Reply::read(answer, entry, answering)?;
        stored.statuses.push(reply.status);
        entries.push(reply.write(
            entry,
            sent.documents.get(at).and_then(Option::as_deref),
            answering,
            outline.text(),
        )?);
    }
    stored.body =
        format!(r#"{{"resourceType":"Bundle","type":{},"entry":[{}]}}"#, quoted(&kind), entries.join(",")).into_bytes();
    Ok(stored)
}

const UNREADABLE: ShapeFault = ShapeFault::Unreadable { element: "response" };

/// Of the answers of the HIS, the one to an entry that went to it.
trait NextIfGoes<'o> {
    fn next_if_goes(&mut self, entry: &Sent) -> Option<Value<'o>>;
}

impl<'o, I: Iterator<Item = Value<'o>>> NextIfGoes<'o> for I {
    fn next_if_goes(&mut self, entry: &Sent) -> Option<Value<'o>> {
        if entry.goes { self.next() } else { None }
    }
}

/// The entry of the Patient: who that is was known, and nothing was changed.
fn person(sent: &Outgoing, answering: &Answering<'_>) -> String {
    let note = Note { said: Said::KnownPerson, reference: answering.reference };
    let resource = match answering.echo {
        Echo::Representation => format!(r#""resource":{},"#, sent.person.resource),
        Echo::Minimal | Echo::Outcome => String::new(),
    };
    let full_url = quoted(&sent.person.full_url);
    format!(r#"{{"fullUrl":{full_url},{resource}"response":{{"status":"200 OK","outcome":{}}}}}"#, note.write())
}

/// What the HIS says of one entry.
struct Reply<'o> {
    /// The status that we give it.
    status: u16,
    resource: Option<Entry<'o>>,
    /// The id that it has now, when the HIS says.
    id: Option<String>,
}

impl<'o> Reply<'o> {
    fn read(answer: Value<'o>, sent: &Sent, answering: &Answering<'_>) -> Result<Self, ShapeFault> {
        let response =
            answer.member("response").filter(|response| response.kind() == Kind::Object).ok_or(UNREADABLE)?;
        let said = response.member("status").and_then(Value::plain).and_then(status).ok_or(UNREADABLE)?;
        if !(200..300).contains(&said) {
            // A transaction is stored wholly or not at all (FHIR STU3 http.html, 2.21.0.17.2).
            return match answering.kind {
                SubmissionKind::Batch => Ok(Self { status: refusal(said), resource: None, id: None }),
                SubmissionKind::Transaction => Err(UNREADABLE),
            };
        }
        let resource = match answer.member("resource") {
            Some(_) => Entry::read(answer)?.filter(|entry| entry.resource_type == sent.resource),
            None => None,
        };
        let located = response.member("location").map(|location| located(location, sent, answering)).transpose()?;
        let named = resource.as_ref().map(|entry| entry.id.to_owned());
        if located.is_some() && named.is_some() && located != named {
            return Err(UNREADABLE);
        }
        Ok(Self { status: said, resource, id: named.or(located) })
    }

    fn write(
        &self,
        sent: &Sent,
        document: Option<&str>,
        answering: &Answering<'_>,
        text: &str,
    ) -> Result<String, ShapeFault> {
        let phrase = phrase(self.status);
        if !(200..300).contains(&self.status) {
            let note = Note { said: Said::NotStored(self.status), reference: answering.reference }.write();
            return Ok(format!(r#"{{"response":{{"status":"{phrase}","outcome":{note}}}}}"#));
        }
        let note = match answering.echo {
            Echo::Outcome => {
                let note = Note { said: Said::Stored, reference: answering.reference }.write();
                format!(r#","outcome":{note}"#)
            }
            Echo::Representation | Echo::Minimal => String::new(),
        };
        let Some(id) = &self.id else { return Ok(format!(r#"{{"response":{{"status":"{phrase}"{note}}}}}"#)) };
        let address = quoted(&format!("{}/{}/{id}", answering.record.our_base, sent.resource));
        let resource = match answering.echo {
            Echo::Representation => self.echo(id, document, answering, text)?,
            Echo::Minimal | Echo::Outcome => String::new(),
        };
        Ok(format!(
            r#"{{"fullUrl":{address},{resource}"response":{{"status":"{phrase}","location":{address}{note}}}}}"#
        ))
    }

    fn echo(
        &self,
        id: &str,
        document: Option<&str>,
        answering: &Answering<'_>,
        text: &str,
    ) -> Result<String, ShapeFault> {
        let resource = match (document, &self.resource) {
            (Some(content), _) => format!(r#"{{"resourceType":"Binary","id":{},{content}}}"#, quoted(id)),
            (None, Some(entry)) => shaped(entry, answering, text)?,
            (None, None) => return Ok(String::new()),
        };
        Ok(format!(r#""resource":{resource},"#))
    }
}

/// The resource as it may leave.
fn shaped(entry: &Entry<'_>, answering: &Answering<'_>, text: &str) -> Result<String, ShapeFault> {
    let record = answering.record;
    let mask = record.mask("");
    let mut walk = Walk::new(record, Some(mask));
    walk.enter(0, entry)?;
    walk.entry(entry, true)?;
    let Walk { mut edits, sites, .. } = walk;
    for site in &sites {
        let target = site.target(record.his_base)?;
        frame::edit_reference(&mut edits, site, target, false, record.our_base);
        if frame::renames(target, entry.resource_type) {
            frame::rename_episode(&mut edits, site);
        }
    }
    let out = cut_out(edits, entry.resource, text)?;
    if mask.has_address(out.as_bytes()) { Err(ShapeFault::InternalAddress) } else { Ok(out) }
}

/// The value alone, with its changes.
pub(super) fn cut_out(mut edits: Edits, value: Value<'_>, text: &str) -> Result<String, ShapeFault> {
    edits.replace(0..value.start(), "");
    edits.replace(value.end()..text.len(), "");
    String::from_utf8(edits.apply(text)?).map_err(|_| ShapeFault::Conflict)
}

/// The id in a location: `Type/id`, with the base of the HIS or without, with a version or without.
fn located(location: Value<'_>, sent: &Sent, answering: &Answering<'_>) -> Result<String, ShapeFault> {
    let text = location.string().ok_or(UNREADABLE)?;
    match target(&text, answering.record.his_base).map_err(|_| UNREADABLE)? {
        Target::Local { resource_type, id, .. } if resource_type == sent.resource && is_id(id) => Ok(id.to_owned()),
        Target::Local { .. } | Target::Contained(_) | Target::Urn(_) | Target::Elsewhere(_) => Err(UNREADABLE),
    }
}

/// The code with which a status begins.
fn status(text: &str) -> Option<u16> {
    let (code, rest) = text.split_at_checked(3)?;
    let fits = code.bytes().all(|c| c.is_ascii_digit()) && (rest.is_empty() || rest.starts_with(' '));
    code.parse().ok().filter(|code| fits && (100..600).contains(code))
}

/// The status that we give an entry which the HIS did not store: its content was refused, or the HIS failed.
const fn refusal(said: u16) -> u16 {
    match said {
        400 | 404 | 405 | 406 | 409 | 410 | 412 | 413 | 415 | 422 => 422,
        _ => 502,
    }
}

const fn phrase(status: u16) -> &'static str {
    match status {
        201 => "201 Created",
        422 => "422 Unprocessable Entity",
        502 => "502 Bad Gateway",
        _ => "200 OK",
    }
}
