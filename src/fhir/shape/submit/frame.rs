//! The frame of a bundle that is sent: its type, its entries, and that each is a create of what the service takes.

use std::collections::HashSet;

use super::super::outline::{Kind, Outline, Value};
use super::{Sent, SubmitFault, Why};
use crate::services::{AllowedEntry, AllowedSubmission, SubmissionKind};

/// A frame that was checked.
#[derive(Debug)]
pub(super) struct Frame<'o> {
    pub(super) value: Value<'o>,
    /// The array of entries.
    pub(super) list: Value<'o>,
    pub(super) entries: Vec<Entry<'o>>,
    /// Place of the Patient among them.
    pub(super) patient: usize,
    /// The full URL of the Patient.
    pub(super) subject: &'o str,
    pub(super) kind: SubmissionKind,
}

/// One entry.
#[derive(Debug)]
pub(super) struct Entry<'o> {
    pub(super) resource: Value<'o>,
    pub(super) resource_type: &'o str,
    pub(super) full_url: Option<&'o str>,
}

impl<'o> Frame<'o> {
    pub(super) fn read(outline: &'o Outline<'_>, allowed: &AllowedSubmission) -> Result<Self, SubmitFault> {
        let value = outline.root().ok_or(Why::NotABundle)?;
        check_kind(value, allowed.kind)?;
        if !value.members().all(|member| is_known(member.name())) {
            return Err(Why::NotABundle.into());
        }
        let list = value.member("entry").filter(|list| list.kind() == Kind::Array).ok_or(Why::NotABundle)?;
        if list.items().count() > allowed.max_entries {
            return Err(Why::TooMany.into());
        }
        let entries = list.items().enumerate().map(|(at, entry)| Entry::read(entry).map_err(|why| why.at(at)));
        let entries: Vec<_> = entries.collect::<Result<_, _>>()?;
        check_types(&entries, allowed)?;
        check_full_urls(&entries)?;
        let (patient, subject) = the_patient(&entries)?;
        if entries.len() == 1 {
            return Err(Why::WrongNumber.into());
        }
        Ok(Self { value, list, entries, patient, subject, kind: allowed.kind })
    }

    /// What the bundle holds, in its order.
    pub(super) fn sent(&self) -> Vec<Sent> {
        let sent = |(at, entry): (usize, &Entry<'_>)| Sent {
            resource: entry.resource_type.to_owned(),
            goes: at != self.patient,
        };
        self.entries.iter().enumerate().map(sent).collect()
    }

    /// Of each entry that is a document: what it holds.
    pub(super) fn documents(&self) -> Vec<Option<String>> {
        let content = |entry: &Entry<'_>| {
            let members = entry.resource.members().filter(|member| is_content(member.name()));
            let members: Vec<_> =
                members.map(|member| format!("\"{}\":{}", member.name(), member.value.raw())).collect();
            (entry.resource_type == "Binary").then(|| members.join(","))
        };
        self.entries.iter().map(content).collect()
    }
}

/// STU3 says `content`, R4 says `data`.
fn is_content(name: &str) -> bool {
    matches!(name, "content" | "contentType" | "data")
}

fn check_kind(bundle: Value<'_>, kind: SubmissionKind) -> Result<(), SubmitFault> {
    let text = |name| bundle.member(name).and_then(Value::plain);
    if text("resourceType") != Some("Bundle") {
        return Err(Why::NotABundle.into());
    }
    match text("type").ok_or(Why::NotABundle)? {
        found if found == kind.as_str() => Ok(()),
        _ => Err(Why::OtherKind.into()),
    }
}

/// The members of a Bundle that is sent. Links, totals and signatures speak of a document that the HIS does not get as it is.
fn is_known(name: &str) -> bool {
    matches!(name, "entry" | "id" | "identifier" | "language" | "meta" | "resourceType" | "timestamp" | "type")
}

impl<'o> Entry<'o> {
    fn read(entry: Value<'o>) -> Result<Self, Why> {
        if !entry.members().all(|member| matches!(member.name(), "fullUrl" | "request" | "resource")) {
            return Err(Why::NotACreate);
        }
        let resource = entry.member("resource").filter(|resource| resource.kind() == Kind::Object);
        let resource = resource.ok_or(Why::NotABundle)?;
        let resource_type = resource.member("resourceType").and_then(Value::plain).ok_or(Why::NotABundle)?;
        check_request(entry.member("request").ok_or(Why::NotACreate)?, resource_type)?;
        let full_url = match entry.member("fullUrl") {
            Some(url) => Some(url.plain().filter(|url| is_urn(url)).ok_or(Why::FullUrl)?),
            None => None,
        };
        Ok(Self { resource, resource_type, full_url })
    }
}

/// `POST` to the type and nothing else: `ifNoneExist` would answer whether the HIS has something, and the others speak of
/// what is there (FHIR STU3 bundle.html, 2.36.6).
fn check_request(request: Value<'_>, resource_type: &str) -> Result<(), Why> {
    let text = |name| request.member(name).and_then(Value::plain);
    let is_create = text("method") == Some("POST")
        && text("url") == Some(resource_type)
        && request.members().all(|member| matches!(member.name(), "method" | "url"));
    if is_create { Ok(()) } else { Err(Why::NotACreate) }
}

/// `urn:uuid:` with a UUID, or `urn:oid:` with an OID.
fn is_urn(url: &str) -> bool {
    if let Some(uuid) = url.strip_prefix("urn:uuid:") {
        let groups = uuid.split('-').map(|group| group.bytes().all(|c| c.is_ascii_hexdigit()).then_some(group.len()));
        return groups.eq([Some(8), Some(4), Some(4), Some(4), Some(12)]);
    }
    let Some(oid) = url.strip_prefix("urn:oid:") else { return false };
    let is_arc = |arc: &str| !arc.is_empty() && arc.len() <= 40 && arc.bytes().all(|c| c.is_ascii_digit());
    oid.contains('.') && oid.split('.').all(is_arc)
}

fn check_types(entries: &[Entry<'_>], allowed: &AllowedSubmission) -> Result<(), SubmitFault> {
    for (at, entry) in entries.iter().enumerate() {
        allowed_entry(allowed, entry.resource_type).ok_or(Why::OtherType.at(at))?;
    }
    let fits = |allowed: &AllowedEntry| {
        let number = entries.iter().filter(|entry| entry.resource_type == allowed.resource).count();
        number >= allowed.at_least && allowed.at_most.is_none_or(|most| number <= most)
    };
    if allowed.entries.iter().all(fits) { Ok(()) } else { Err(Why::WrongNumber.into()) }
}

/// What the service says of this type.
pub(super) fn allowed_entry<'a>(allowed: &'a AllowedSubmission, resource_type: &str) -> Option<&'a AllowedEntry> {
    allowed.entries.iter().find(|entry| entry.resource == resource_type)
}

fn check_full_urls(entries: &[Entry<'_>]) -> Result<(), SubmitFault> {
    let mut seen = HashSet::new();
    for (at, entry) in entries.iter().enumerate() {
        if entry.full_url.is_some_and(|url| !seen.insert(url)) {
            return Err(Why::FullUrl.at(at));
        }
    }
    Ok(())
}

/// The one Patient and its full URL. Without it nothing could say whom it is about; two would be two persons.
fn the_patient<'o>(entries: &[Entry<'o>]) -> Result<(usize, &'o str), SubmitFault> {
    let mut patients = entries.iter().enumerate().filter(|(_, entry)| entry.resource_type == "Patient");
    let (at, patient) = patients.next().ok_or(Why::WrongNumber)?;
    match patients.next() {
        Some(_) => Err(Why::WrongNumber.into()),
        None => Ok((at, patient.full_url.ok_or(Why::FullUrl.at(at))?)),
    }
}
