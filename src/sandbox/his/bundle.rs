//! Searchsets: pages with links on the internal base, entries with what the faults add to them, and as large as is asked for.

use std::borrow::Cow;

use bytes::Bytes;
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use super::answer::{Answer, FHIR_JSON, json_answer, new_id, released};
use super::faults::{Faults, ForeignKind, foreign, taint};
use super::payload::Payload;
use super::search::{Found, Query};
use super::store::{Records, Resource, resource_text};

/// What a searchset says of itself.
pub(super) struct Page<'a> {
    pub(super) base: &'a str,
    /// What was searched: a type, perhaps with an operation.
    pub(super) path: &'a str,
    /// The query, without what says which page.
    pub(super) query: &'a Query,
    /// From 1.
    pub(super) number: usize,
    pub(super) now: Timestamp,
}

impl Page<'_> {
    fn kind(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }

    fn address(&self, number: usize) -> String {
        let mut pieces: Vec<String> = Some(self.query.to_text()).filter(|text| !text.is_empty()).into_iter().collect();
        if number > 1 {
            pieces.push(format!("_page={number}"));
        }
        let mark = if pieces.is_empty() { "" } else { "?" };
        format!("{}/{}{mark}{}", self.base, self.path, pieces.join("&"))
    }
}

/// An entry of a searchset.
struct Entry<'a> {
    kind: &'a str,
    id: &'a str,
    text: Cow<'a, RawValue>,
    mode: &'static str,
}

impl<'a> Entry<'a> {
    fn written(&'a self, base: &str) -> BundleEntry<'a> {
        let full_url = format!("{base}/{}/{}", self.kind, self.id);
        BundleEntry { full_url, resource: &self.text, search: SearchMode { mode: self.mode } }
    }
}

/// The answer to a search.
pub(super) fn searchset(records: &Records, found: &Found<'_>, page: &Page<'_>, faults: &Faults) -> Answer {
    let patient = found.patient.as_deref();
    let entry = |resource, mode| entry(records, resource, patient, mode, faults);
    let mut matches: Vec<Entry<'_>> = found.matches.iter().map(|resource| entry(resource, "match")).collect();
    let mut others: Vec<Entry<'_>> = found.included.iter().map(|resource| entry(resource, "include")).collect();
    let mut total = found.total;
    let here = faults.foreign_page == 0 || faults.foreign_page as usize == page.number;
    if let Some(other) = foreign(records, page.kind(), found).filter(|_| faults.foreign_patient && here)
        && !mix_up(records, found, &mut matches, other, page, faults)
    {
        let mode = if faults.foreign_kind == ForeignKind::Include { "include" } else { "match" };
        total += usize::from(mode == "match");
        others.push(entry(other, mode));
    }
    // Matches come first, also a foreign one; in a huge answer, and out of an entity, it comes last.
    let last = faults.huge_mb > 0 || faults.foreign_kind == ForeignKind::XmlEntity;
    others.sort_by_key(|entry| !last && entry.mode == "include");
    written(page, &matches, &others, (total, found.more), faults)
}

fn entry<'a>(
    records: &Records,
    resource: &'a Resource,
    patient: Option<&str>,
    mode: &'static str,
    faults: &Faults,
) -> Entry<'a> {
    let text = released(records, resource, patient, faults);
    Entry { kind: resource.kind(), id: resource.id(), text, mode }
}

/// Puts something of `other` into the first entry, when the faults say so.
fn mix_up<'a>(
    records: &Records,
    found: &Found<'a>,
    matches: &mut [Entry<'a>],
    other: &Resource,
    page: &Page<'_>,
    faults: &Faults,
) -> bool {
    let owner = records.owners(other).and_then(|owners| owners.first());
    let (Some(first), Some(own), Some(owner)) = (matches.first_mut(), found.matches.first(), owner) else {
        return false;
    };
    let tainted = taint(faults.foreign_kind, own.value(), other, owner, page.base);
    let Some(text) = tainted.and_then(|value| resource_text(&value)) else { return false };
    first.text = Cow::Owned(text);
    true
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bundle<'a> {
    resource_type: &'static str,
    id: String,
    meta: Meta,
    r#type: &'static str,
    total: usize,
    link: Vec<Link>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    entry: Vec<BundleEntry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    last_updated: String,
}

#[derive(Serialize)]
struct Link {
    relation: &'static str,
    url: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BundleEntry<'a> {
    full_url: String,
    resource: &'a RawValue,
    search: SearchMode,
}

#[derive(Serialize)]
struct SearchMode {
    mode: &'static str,
}

/// A searchset with all links on the HIS's own base.
fn written(
    page: &Page<'_>,
    matches: &[Entry<'_>],
    others: &[Entry<'_>],
    (total, more): (usize, bool),
    faults: &Faults,
) -> Answer {
    let mut link = vec![Link { relation: "self", url: page.address(page.number) }];
    if more {
        link.push(Link { relation: "next", url: page.address(page.number + 1) });
    }
    let repeats = faults.huge_mb > 0 && !faults.gzip && matches.first().is_some_and(|first| first.kind != "Patient");
    let first = matches.iter().chain(if repeats { &[] } else { others });
    let bundle = Bundle {
        resource_type: "Bundle",
        id: new_id(),
        meta: Meta { last_updated: format!("{:.3}", page.now) },
        r#type: "searchset",
        total,
        link,
        entry: first.map(|entry| entry.written(page.base)).collect(),
    };
    let answer = json_answer(&bundle);
    if repeats { huge(answer.body.at_hand(), page.base, matches, others, faults) } else { answer }
}

/// `bundle` with its entries repeated under other ids until it has the size, and then the rest of the entries.
fn huge(bundle: &[u8], base: &str, matches: &[Entry<'_>], others: &[Entry<'_>], faults: &Faults) -> Answer {
    let open = bundle.strip_suffix(b"]}").unwrap_or(bundle);
    let wanted = u64::from(faults.huge_mb).saturating_mul(1_000_000).saturating_sub(open.len() as u64);
    let last: Vec<u8> = others.iter().flat_map(|entry| more(&entry.written(base))).chain(*b"]}").collect();
    let templates: Vec<Template> = matches.iter().filter_map(|entry| Template::of(entry, base)).collect();
    let first = std::iter::once(Bytes::copy_from_slice(open));
    let pieces = first.chain(Repeats { templates, made: 0, left: wanted }).chain(std::iter::once(last.into()));
    Answer { status: StatusCode::OK, media_type: FHIR_JSON, body: Payload::of(pieces) }
}

/// One more entry, with the comma before it.
fn more(entry: &BundleEntry<'_>) -> Vec<u8> {
    let entry = serde_json::to_vec(entry).expect("an entry of stored JSON can be written");
    [b",".as_slice(), &entry].concat()
}

/// An entry that is repeated: what stands before, between and after its two ids.
struct Template {
    id: String,
    parts: [String; 3],
}

impl Template {
    fn of(entry: &Entry<'_>, base: &str) -> Option<Self> {
        let Entry { kind, id, text, mode } = entry;
        let start = format!(r#"{{"resourceType":"{kind}","id":"{id}"#);
        let rest = text.get().strip_prefix(start.as_str())?;
        let parts = [
            format!(r#",{{"fullUrl":"{base}/{kind}/"#),
            format!(r#"","resource":{{"resourceType":"{kind}","id":""#),
            format!(r#"{rest},"search":{{"mode":"{mode}"}}}}"#),
        ];
        Some(Self { id: (*id).to_owned(), parts })
    }
}

struct Repeats {
    templates: Vec<Template>,
    made: usize,
    /// Bytes.
    left: u64,
}

impl Iterator for Repeats {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let turn = self.made.checked_rem(self.templates.len())?;
        let Template { id, parts: [before, between, after] } = self.templates.get(turn).filter(|_| self.left > 0)?;
        self.made += 1;
        let made = self.made;
        let piece = Bytes::from(format!("{before}{id}-{made}{between}{id}-{made}{after}"));
        self.left = self.left.saturating_sub(piece.len() as u64);
        Some(piece)
    }
}
