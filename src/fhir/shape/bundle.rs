//! The frame of a searchset: its entries and how they came in.

use std::borrow::Cow;

use super::outline::{Kind, Outline, Value};
use super::reference::{Target, refers_to_patient, target};
use super::types::{Binding, binding, is_id};
use super::{Page, Record, ShapeFault, pages, scratch};

/// Why an entry is in the answer (Bundle.entry.search.mode).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Match,
    Include,
}

/// One entry with a clinical or neutral resource.
#[derive(Debug)]
pub(super) struct Entry<'o> {
    pub(super) value: Value<'o>,
    pub(super) resource: Value<'o>,
    pub(super) resource_type: &'o str,
    /// Logical id, of characters that need no escape anywhere.
    pub(super) id: &'o str,
    pub(super) full_url: Option<(Value<'o>, Cow<'o, str>)>,
    pub(super) mode: Mode,
}

/// A searchset whose frame was checked.
#[derive(Debug)]
pub(super) struct Bundle<'o> {
    pub(super) value: Value<'o>,
    pub(super) link: Option<Value<'o>>,
    pub(super) total: Option<Value<'o>>,
    pub(super) entry: Option<Value<'o>>,
    /// Where the HIS says the next page is.
    pub(super) next: Option<Cow<'o, str>>,
    /// `None` for an OperationOutcome: the words of a vendor do not pass.
    pub(super) entries: Vec<Option<Entry<'o>>>,
}

impl<'o> Bundle<'o> {
    /// Reads the frame.
    ///
    /// # Errors
    /// `NotASearchset`, `Incomplete`, `UnexpectedType`, `Unreadable`.
    pub(super) fn read(outline: &'o Outline<'_>, page: Page) -> Result<Self, ShapeFault> {
        let mut bundle = Self::frame(outline)?;
        bundle.entries = scratch::entries();
        for item in bundle.entry.into_iter().flat_map(Value::items) {
            bundle.entries.push(Entry::read(item)?);
        }
        bundle.check_total(bundle.entries.len() as u64, page)?;
        Ok(bundle)
    }

    /// Reads the frame alone.
    ///
    /// # Errors
    /// `NotASearchset`.
    pub(super) fn frame(outline: &'o Outline<'_>) -> Result<Self, ShapeFault> {
        let value = outline.root().ok_or(ShapeFault::NotASearchset)?;
        let text = |name| value.member(name).and_then(Value::plain);
        if (text("resourceType"), text("type")) != (Some("Bundle"), Some("searchset")) {
            return Err(ShapeFault::NotASearchset);
        }
        let (link, total, entry) = (value.member("link"), value.member("total"), value.member("entry"));
        let next = link.map_or(Ok(None), pages::next)?;
        if entry.is_some_and(|entry| entry.kind() != Kind::Array) {
            return Err(ShapeFault::NotASearchset);
        }
        Ok(Self { value, link, total, entry, next, entries: Vec::new() })
    }

    /// Holds `total` against the number of entries. Some count the includes as well, so only a total above all there is says
    /// that matches are missing.
    ///
    /// # Errors
    /// `NotASearchset` when it is no number, `Incomplete`.
    pub(super) fn check_total(&self, present: u64, page: Page) -> Result<(), ShapeFault> {
        let Some(total) = self.total else { return Ok(()) };
        let matches: u64 = total.raw().parse().map_err(|_| ShapeFault::NotASearchset)?;
        let is_whole = !self.has_other_pages(page);
        if is_whole && matches > present { Err(ShapeFault::Incomplete) } else { Ok(()) }
    }

    /// Whether there are pages besides this one, so that nobody knows how many matches are shown.
    pub(super) fn has_other_pages(&self, page: Page) -> bool {
        page == Page::Later || self.next.is_some()
    }

    /// See [`Entry::infer_include`].
    pub(super) fn infer_includes(&mut self, searched: &str, includes: &[&str]) {
        self.entries.iter_mut().flatten().for_each(|entry| entry.infer_include(searched, includes));
    }

    /// The entries that are no OperationOutcome.
    pub(super) fn resources(&self) -> impl Iterator<Item = &Entry<'o>> {
        self.entries.iter().flatten()
    }
}

impl<'o> Entry<'o> {
    /// Reads one; `None` for an OperationOutcome.
    ///
    /// # Errors
    /// `NotASearchset`, `Incomplete`, `UnexpectedType`, `Unreadable`.
    pub(super) fn read(value: Value<'o>) -> Result<Option<Self>, ShapeFault> {
        let resource = value.member("resource").ok_or(ShapeFault::NotASearchset)?;
        let resource_type = resource.member("resourceType").and_then(Value::plain).ok_or(ShapeFault::NotASearchset)?;
        if resource_type == "OperationOutcome" {
            return if says_failure(resource) { Err(ShapeFault::Incomplete) } else { Ok(None) };
        }
        let mode = mode(value)?;
        let id = id(resource)?;
        let full_url = match value.member("fullUrl") {
            Some(url) => Some((url, url.string().ok_or(ShapeFault::Unreadable { element: "fullUrl" })?)),
            None => None,
        };
        Ok(Some(Self { value, resource, resource_type, id, full_url, mode }))
    }

    /// Takes an entry without search mode (it is optional) for an include where it can be nothing else: of another type
    /// than was searched, and one that was asked to come along.
    pub(super) fn infer_include(&mut self, searched: &str, includes: &[&str]) {
        let says_mode = self.value.member("search").is_some_and(|search| search.member("mode").is_some());
        if !says_mode && self.resource_type != searched && includes.contains(&self.resource_type) {
            self.mode = Mode::Include;
        }
    }

    /// Checks that the resource is about this patient.
    ///
    /// # Errors
    /// `UnexpectedType`, `ForeignPatient`, `NoPatient`, `Unreadable`.
    pub(super) fn check_patient(&self, record: &Record<'_>) -> Result<(), ShapeFault> {
        if self.resource_type == "Patient" {
            let is_same = self.id == record.patient_id
                && self.full_url.as_ref().is_none_or(|(_, url)| ends_with_id(url, record.patient_id));
            return if is_same { Ok(()) } else { Err(ShapeFault::ForeignPatient) };
        }
        check_binding(self.resource, self.resource_type, record)
    }
}

/// Whether an OperationOutcome says that the search failed in part: an issue that is no mere warning or remark, or one
/// that names something left out (STU3 issue-type).
fn says_failure(outcome: Value<'_>) -> bool {
    outcome.member("issue").into_iter().flat_map(Value::items).any(|issue| {
        let text = |name| issue.member(name).and_then(Value::plain);
        !matches!(text("severity"), Some("warning" | "information"))
            || matches!(text("code"), Some("incomplete" | "timeout" | "throttled" | "too-costly"))
    })
}

/// Whether a full URL is that of the resource with this id (STU3 2.36.4), as far as it says.
fn ends_with_id(url: &str, id: &str) -> bool {
    let resource = url.split_once("/_history/").map_or(url, |(resource, _)| resource);
    url.starts_with("urn:") || resource.rsplit('/').next() == Some(id)
}

/// The logical id of a resource.
pub(super) fn id(resource: Value<'_>) -> Result<&str, ShapeFault> {
    let id = resource.member("id").and_then(Value::plain).filter(|id| is_id(id));
    id.ok_or(ShapeFault::Unreadable { element: "id" })
}

fn mode(entry: Value<'_>) -> Result<Mode, ShapeFault> {
    const UNREADABLE: ShapeFault = ShapeFault::Unreadable { element: "search.mode" };
    let Some(search) = entry.member("search") else { return Ok(Mode::Match) };
    if search.kind() != Kind::Object {
        return Err(UNREADABLE);
    }
    let Some(mode) = search.member("mode") else { return Ok(Mode::Match) };
    match mode.plain().ok_or(UNREADABLE)? {
        "match" => Ok(Mode::Match),
        "include" => Ok(Mode::Include),
        "outcome" => Err(ShapeFault::UnexpectedType),
        _ => Err(UNREADABLE),
    }
}

/// Checks a resource that is not a Patient, contained ones too.
pub(super) fn check_binding(resource: Value<'_>, resource_type: &str, record: &Record<'_>) -> Result<(), ShapeFault> {
    match binding(resource_type, record.fhir).ok_or(ShapeFault::UnexpectedType)? {
        Binding::Patient => Err(ShapeFault::ForeignPatient),
        Binding::Neutral => Ok(()),
        Binding::To(path) if refers_to_patient(resource, path, record.patient_id, record.his_base)? => Ok(()),
        Binding::To(_) => Err(ShapeFault::NoPatient),
    }
}

/// The id of the resource of this type that an element refers to within the HIS.
pub(super) fn referred<'t>(text: &'t str, wanted: &str, his_base: &str) -> Result<Option<&'t str>, ShapeFault> {
    Ok(match target(text, his_base)? {
        Target::Local { resource_type, id, .. } if resource_type == wanted => Some(id),
        Target::Local { .. } | Target::Contained(_) | Target::Urn(_) | Target::Elsewhere(_) => None,
    })
}
