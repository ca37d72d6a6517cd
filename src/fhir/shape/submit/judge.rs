//! The walk over every value of a bundle that is sent: is anything about another person, does a Reference lead out of the
//! bundle, does a BSN stand somewhere, and where are the References to the Patient.

use std::collections::HashSet;
use std::ops::Range;

use super::super::edits::Edits;
use super::super::mask::Mask;
use super::super::names::Name;
use super::super::outline::{Kind, Value};
use super::super::types::{Binding, binding, is_address, is_attachment};
use super::super::walk::{is_bsn, is_bsn_system};
use super::frame::{Entry, Frame, allowed_entry};
use super::{SubmitFault, Why};
use crate::medmij::{Bsn, FhirVersion};
use crate::services::{AllowedEntry, AllowedSubmission, SubmissionKind};

/// The state of a walk.
pub(super) struct Judge<'a, 'o> {
    fhir: FhirVersion,
    bsn: &'a Bsn,
    mask: Mask<'a>,
    /// The full URL of the Patient.
    subject: &'o str,
    /// The full URLs that an entry may refer to beside that.
    others: HashSet<&'o str>,
    /// Of the entry under way: where its own resource starts, where its contained ones do, and what ids they have.
    own: usize,
    contained: HashSet<usize>,
    contained_ids: HashSet<&'o str>,
    pub(super) edits: Edits,
    pub(super) subjects: Vec<Range<usize>>,
}

impl<'a, 'o> Judge<'a, 'o> {
    /// Judges the bundle and all its entries but the Patient.
    pub(super) fn all(
        frame: &Frame<'o>,
        allowed: &AllowedSubmission,
        fhir: FhirVersion,
        bsn: &'a Bsn,
    ) -> Result<Self, SubmitFault> {
        let mut judge = Self::new(frame, fhir, bsn);
        judge.full_urls(frame)?;
        for member in frame.value.members().filter(|member| member.name() != "entry") {
            judge.value(member.value, member.name())?;
        }
        for (at, entry) in frame.entries.iter().enumerate().filter(|(at, _)| *at != frame.patient) {
            let asked = allowed_entry(allowed, entry.resource_type).ok_or(Why::OtherType.at(at))?;
            judge.entry(entry, asked).map_err(|why| why.at(at))?;
        }
        judge.edits.drop_items(frame.list, (0..frame.entries.len()).map(|at| at == frame.patient));
        Ok(judge)
    }

    pub(super) fn new(frame: &Frame<'o>, fhir: FhirVersion, bsn: &'a Bsn) -> Self {
        let others = match frame.kind {
            // The entries of a batch may not depend on each other (FHIR STU3 http.html, 2.21.0.17.1).
            SubmissionKind::Batch => HashSet::new(),
            SubmissionKind::Transaction => frame.entries.iter().filter_map(|entry| entry.full_url).collect(),
        };
        Self {
            fhir,
            bsn,
            mask: Mask::new(bsn.reveal(), "", "", &[]),
            subject: frame.subject,
            others,
            own: 0,
            contained: HashSet::new(),
            contained_ids: HashSet::new(),
            edits: Edits::default(),
            subjects: Vec::new(),
        }
    }

    /// A full URL comes back with the answer. The BSN has an OID, so it can be made part of one.
    fn full_urls(&self, frame: &Frame<'o>) -> Result<(), SubmitFault> {
        for (at, entry) in frame.entries.iter().enumerate() {
            let holds_bsn = |url: &str| self.mask.has_bsn(url) || url.starts_with(Bsn::OID);
            if entry.full_url.is_some_and(holds_bsn) {
                return Err(Why::Bsn.at(at));
            }
        }
        Ok(())
    }

    fn entry(&mut self, entry: &Entry<'o>, asked: &AllowedEntry) -> Result<(), Why> {
        check_profile(entry.resource, &asked.profiles)?;
        check_code(entry.resource, &asked.codes)?;
        match entry.resource_type {
            "Binary" => check_pdf(entry.resource)?,
            resource_type => {
                let binding = binding(resource_type, self.fhir).ok_or(Why::OtherType)?;
                self.check_subject(entry.resource, binding)?;
            }
        }
        self.resource(entry.resource)
    }

    /// Walks a resource with all that it holds.
    pub(super) fn resource(&mut self, resource: Value<'o>) -> Result<(), Why> {
        self.own = resource.start();
        let contained = || resource.member("contained").into_iter().flat_map(Value::items);
        self.contained = contained().map(Value::start).collect();
        self.contained_ids = contained().filter_map(|inner| inner.member("id").and_then(Value::plain)).collect();
        self.value(resource, "resource")
    }

    /// A resource that belongs to a patient must say that it belongs to this one.
    fn check_subject(&self, resource: Value<'o>, binding: Binding) -> Result<(), Why> {
        match binding {
            Binding::Patient => Err(Why::OtherPerson),
            Binding::Neutral => Ok(()),
            Binding::To(path) if self.refers_to_subject(resource, path) => Ok(()),
            Binding::To(_) => Err(Why::NoSubject),
        }
    }

    fn refers_to_subject(&self, element: Value<'o>, path: &str) -> bool {
        let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
        let found = |element: Value<'o>| match rest {
            Some(rest) => self.refers_to_subject(element, rest),
            None => element.member("reference").and_then(Value::plain) == Some(self.subject),
        };
        element.member(name).is_some_and(|child| std::iter::once(child).chain(child.items()).any(found))
    }

    fn value(&mut self, value: Value<'o>, name: &'o str) -> Result<(), Why> {
        match value.kind() {
            Kind::Object => self.object(value, name),
            Kind::Array => value.items().try_for_each(|item| self.value(item, name)),
            Kind::Plain | Kind::Escaped | Kind::Unicode => self.string(value, name),
            Kind::Number if self.mask.has_bsn(value.raw()) => Err(Why::Bsn),
            Kind::Number | Kind::Literal => Ok(()),
        }
    }

    fn object(&mut self, object: Value<'o>, name: &'o str) -> Result<(), Why> {
        for member in object.members() {
            if self.mask.has_bsn(member.name()) {
                return Err(Why::Bsn);
            }
            match member.name() {
                "reference" if member.value.kind() != Kind::Object => self.reference(object, member.value)?,
                "resourceType" => self.inner(object, member.value)?,
                "system" => self.identifier(object, member.value)?,
                "url" if is_attachment(Name::of(name)) => self.document(member.value)?,
                _ => {}
            }
            self.value(member.value, member.name())?;
        }
        Ok(())
    }

    /// A resource inside the resource: only where `contained` has it. A Patient never, as it would be a second person.
    fn inner(&self, object: Value<'o>, resource_type: Value<'o>) -> Result<(), Why> {
        if object.start() == self.own {
            return Ok(());
        }
        let resource_type = resource_type.plain().filter(|_| self.contained.contains(&object.start()));
        let binding = resource_type.and_then(|name| binding(name, self.fhir)).ok_or(Why::Contained)?;
        self.check_subject(object, binding)
    }

    fn reference(&mut self, object: Value<'o>, value: Value<'o>) -> Result<(), Why> {
        let text = value.plain().ok_or(Why::Unreadable)?;
        if text == self.subject {
            self.subjects.push(value.span());
            self.edits.drop_members(object, |name| matches!(name, "identifier" | "_reference"));
            return Ok(());
        }
        let is_inside = text.strip_prefix('#').is_some_and(|id| self.contained_ids.contains(id));
        if is_inside || self.others.contains(text) { Ok(()) } else { Err(Why::LeadsOut) }
    }

    /// The HIS would fetch a document from anywhere else.
    fn document(&self, url: Value<'o>) -> Result<(), Why> {
        let text = url.plain().ok_or(Why::Unreadable)?;
        if self.others.contains(text) && text != self.subject { Ok(()) } else { Err(Why::LeadsOut) }
    }

    fn identifier(&mut self, object: Value<'o>, system: Value<'o>) -> Result<(), Why> {
        if !system.string().is_some_and(|system| is_bsn_system(&system)) {
            return Ok(());
        }
        for member in object.members().filter(|member| matches!(member.name(), "value" | "code")) {
            let text = member.value.string().ok_or(Why::Unreadable)?;
            if !text.chars().any(char::is_numeric) {
                continue;
            }
            if !is_bsn(&text, self.bsn) {
                return Err(Why::OtherPerson);
            }
            match (member.name(), object.member("_value")) {
                ("value", None) => self.edits.mask_member(member.span(), "value"),
                ("value", Some(_)) => self.edits.drop_members(object, |name| name == "value"),
                (_, _) => return Err(Why::Bsn),
            }
        }
        Ok(())
    }

    fn string(&mut self, string: Value<'o>, name: &str) -> Result<(), Why> {
        // Base64: nine digits in it are chance, and asterisks would spoil a document.
        if matches!(name, "content" | "data") || !self.mask.may_touch(string) {
            return Ok(());
        }
        let text = self.mask.seen(string.string().ok_or(Why::Unreadable)?);
        if !self.mask.has_bsn(&text) {
            return Ok(());
        }
        if is_address(name) {
            return Err(Why::Bsn);
        }
        if self.edits.replace_cleaned(string, &text, &self.mask) { Ok(()) } else { Err(Why::Bsn) }
    }
}

/// A claim on the resource, not its proof: the HIS checks what it stores.
fn check_profile(resource: Value<'_>, profiles: &[String]) -> Result<(), Why> {
    let claimed = resource.member("meta").and_then(|meta| meta.member("profile"));
    let mut claimed = claimed.into_iter().flat_map(Value::items).filter_map(Value::plain);
    let without_version = |profile: &str| profile.split_once('|').map_or(profile, |(url, _)| url).to_owned();
    let fits = profiles.is_empty() || claimed.any(|profile| profiles.contains(&without_version(profile)));
    if fits { Ok(()) } else { Err(Why::OtherProfile) }
}

fn check_code(resource: Value<'_>, codes: &[String]) -> Result<(), Why> {
    let codings = resource.member("code").and_then(|code| code.member("coding"));
    let mut codings = codings.into_iter().flat_map(Value::items);
    let is_asked = |coding: Value<'_>| {
        let text = |name| coding.member(name).and_then(Value::plain).unwrap_or_default();
        codes.iter().any(|code| code.split_once('|') == Some((text("system"), text("code"))))
    };
    if codes.is_empty() || codings.any(is_asked) { Ok(()) } else { Err(Why::OtherCode) }
}

/// What every PDF begins with, `%PDF-`, in base64; the last character depends on what follows.
const PDF: &str = "JVBERi0";

/// The standard is PDF/A. A page in its clothes would be served under our name to who collects it.
fn check_pdf(binary: Value<'_>) -> Result<(), Why> {
    let text = |name| binary.member(name).map(Value::quoted).unwrap_or_default();
    // STU3 says `content`, R4 says `data`.
    let is_pdf = text("contentType") == "application/pdf"
        && [text("content"), text("data")]
            .iter()
            .filter(|content| !content.is_empty())
            .all(|content| content.starts_with(PDF))
        && !(text("content").is_empty() && text("data").is_empty());
    if is_pdf { Ok(()) } else { Err(Why::NotAPdf) }
}
