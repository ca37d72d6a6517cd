//! The walk over every value of an entry: is anything about another person, does a BSN or an address of the HIS stand
//! where it may not, and where are the References.

use std::borrow::Cow;

use super::bundle::{Entry, check_binding};
use super::edits::Edits;
use super::guideline::{is_hidden_line, is_line_system, is_open_line};
use super::mask::Mask;
use super::names::Name;
use super::outline::{Kind, Member, Value, traits};
use super::reference::{Target, below, target};
use super::types::{is_address, is_attachment, is_canonical};
use super::{Record, ShapeFault};
use crate::medmij::Bsn;

/// A Reference that will leave, unless its entry is withheld.
#[derive(Debug)]
pub(super) struct Site<'o> {
    /// Index of its entry; `None` for one in the frame of the Bundle.
    pub(super) entry: Option<usize>,
    /// The Reference.
    pub(super) object: Value<'o>,
    /// Its `reference` member.
    pub(super) value: Value<'o>,
    /// The same, decoded.
    pub(super) text: Cow<'o, str>,
    /// Whether it points to a contained resource that was taken out.
    pub(super) dangles: bool,
    /// Where it points, when the text stands in the answer as it is.
    known: Option<Target<'o>>,
}

impl Site<'_> {
    /// Where it points.
    ///
    /// # Errors
    /// As [`target`].
    pub(super) fn target(&self, his_base: &str) -> Result<Target<'_>, ShapeFault> {
        self.known.map_or_else(|| target(&self.text, his_base), Ok)
    }
}

/// Under which name a value stands, and in an element of which name.
#[derive(Debug, Clone, Copy)]
struct Place<'o> {
    parent: &'o str,
    name: &'o str,
}

/// The state of a walk.
#[derive(Debug)]
pub(super) struct Walk<'a, 'o> {
    record: Record<'a>,
    /// `None` when the answer is only read by ourselves.
    mask: Option<Mask<'a>>,
    pub(super) edits: Edits,
    pub(super) sites: Vec<Site<'o>>,
    /// Of the entry under way: where its own resource starts.
    own: Option<usize>,
    /// Where its contained resources start, in order.
    contained: Vec<usize>,
    /// Where the parts start that the guideline takes out of it; in order once [`Self::entry`] begins.
    pub(super) gone: Vec<usize>,
    /// The ids of contained resources among them, likewise.
    pub(super) gone_ids: Vec<&'o str>,
    /// Whether each element of the lists is shown that are being cut, innermost last.
    pub(super) shown: Vec<bool>,
    /// Systems met last that are neither of the lines of a consultation nor of the BSN. An answer has few systems, and most
    /// of its objects have one.
    innocent: [&'o str; 8],
    entry: Option<usize>,
    /// Whether what is walked will leave, so that changes are worth noting.
    leaves: bool,
}

impl<'a, 'o> Walk<'a, 'o> {
    /// A walk over what will leave (`mask` says what may not), or over what is only read by ourselves (without).
    pub(super) fn new(record: Record<'a>, mask: Option<Mask<'a>>) -> Self {
        Self {
            record,
            mask,
            edits: Edits::default(),
            sites: Vec::new(),
            own: None,
            contained: Vec::new(),
            gone: Vec::new(),
            gone_ids: Vec::new(),
            shown: Vec::new(),
            innocent: [""; 8],
            entry: None,
            leaves: true,
        }
    }

    /// Starts an entry and checks that it is about the patient.
    pub(super) fn enter(&mut self, index: usize, entry: &Entry<'o>) -> Result<(), ShapeFault> {
        self.leave_entry();
        self.entry = Some(index);
        self.own = Some(entry.resource.start());
        self.contained.extend(entry.resource.member("contained").into_iter().flat_map(Value::items).map(Value::start));
        entry.check_patient(&self.record)
    }

    /// Walks the entry that was entered. Its own addresses are the business of the frame.
    pub(super) fn entry(&mut self, entry: &Entry<'o>, leaves: bool) -> Result<(), ShapeFault> {
        self.leaves = leaves;
        self.gone.sort_unstable();
        self.gone_ids.sort_unstable();
        for member in entry.value.members() {
            match member.name() {
                "link" | "request" | "response" => {}
                "fullUrl" => self.full_url(entry)?,
                name => self.value(member.value, Place { parent: "entry", name })?,
            }
            self.name(&member)?;
        }
        Ok(())
    }

    /// Walks a member of the Bundle itself.
    pub(super) fn frame(&mut self, member: &Member<'o>) -> Result<(), ShapeFault> {
        self.leave_entry();
        self.leaves = true;
        self.name(member)?;
        self.value(member.value, Place { parent: "Bundle", name: member.name() })
    }

    fn leave_entry(&mut self) {
        self.entry = None;
        self.own = None;
        self.contained.clear();
        self.gone.clear();
        self.gone_ids.clear();
    }

    fn full_url(&self, entry: &Entry<'o>) -> Result<(), ShapeFault> {
        let (Some(mask), Some((_, url))) = (self.mask, &entry.full_url) else { return Ok(()) };
        if mask.has_bsn(url) {
            return Err(ShapeFault::UnmaskableBsn);
        }
        // Other forms are replaced.
        let is_kept = url.starts_with("urn:");
        if is_kept && mask.has_address(url.as_bytes()) { Err(ShapeFault::InternalAddress) } else { Ok(()) }
    }

    fn name(&self, member: &Member<'_>) -> Result<(), ShapeFault> {
        let Some(mask) = self.mask.filter(|_| member.value.has(traits::SUSPECT_NAME)) else { return Ok(()) };
        let name = member.name();
        if mask.has_bsn(name) {
            return Err(ShapeFault::UnmaskableBsn);
        }
        if mask.has_address(name.as_bytes()) { Err(ShapeFault::InternalAddress) } else { Ok(()) }
    }

    fn value(&mut self, value: Value<'o>, place: Place<'o>) -> Result<(), ShapeFault> {
        if !value.has(traits::ANY) {
            return Ok(());
        }
        match value.kind() {
            Kind::Object => self.object(value, place),
            Kind::Array => value.items().try_for_each(|item| self.value(item, place)),
            Kind::Plain | Kind::Escaped | Kind::Unicode => self.string(value, place),
            Kind::Number if self.mask.is_some_and(|mask| mask.has_bsn(value.raw())) => Err(ShapeFault::UnmaskableBsn),
            Kind::Number | Kind::Literal => Ok(()),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "no rule of the walk is about another name")]
    fn object(&mut self, object: Value<'o>, place: Place<'o>) -> Result<(), ShapeFault> {
        let outer = self.leaves;
        self.leaves = outer && self.gone.binary_search(&object.start()).is_err();
        for member in object.members() {
            self.name(&member)?;
            match member.known() {
                Name::Code if self.leaves && member.value.kind() == Kind::Object && is_hidden_line(member.value) => {
                    return Err(ShapeFault::HiddenLine);
                }
                Name::Reference => self.reference(object, member.value, place)?,
                Name::ResourceType => self.resource(object, member.value)?,
                Name::System => self.system(object, member.value)?,
                Name::Url if is_attachment(place.name) => self.attachment(object, member.value),
                Name::Source if place.name == "meta" && self.leaves => {
                    self.edits.drop_or_mask(object, "source", |name| name == "source");
                }
                _ => {}
            }
            if member.value.has(traits::ANY) {
                self.value(member.value, Place { parent: place.name, name: member.name() })?;
            }
        }
        self.leaves = outer;
        Ok(())
    }

    /// A resource inside the resource: only where `contained` of the entry's own resource has it, and about this patient.
    fn resource(&self, object: Value<'o>, resource_type: Value<'o>) -> Result<(), ShapeFault> {
        let is_own = self.own == Some(object.start());
        if is_own {
            // Checked on entering.
            return Ok(());
        }
        let resource_type = resource_type.plain().filter(|_| self.contained.binary_search(&object.start()).is_ok());
        let resource_type = resource_type.ok_or(ShapeFault::UnexpectedType)?;
        check_binding(object, resource_type, &self.record)
    }

    fn reference(&mut self, object: Value<'o>, value: Value<'o>, place: Place<'o>) -> Result<(), ShapeFault> {
        if value.kind() == Kind::Object {
            return Ok(());
        }
        let text = value.string().ok_or(ShapeFault::Unreadable { element: "reference" })?;
        let known = match text {
            Cow::Borrowed(text) => Some(target(text, self.record.his_base)?),
            Cow::Owned(_) => None,
        };
        let target = known.map_or_else(|| target(&text, self.record.his_base), Ok)?;
        let passes_as_is = match target {
            Target::Local { resource_type: "Patient", id, .. } if id != self.record.patient_id => {
                return Err(ShapeFault::ForeignPatient);
            }
            Target::Local { path, .. } => path,
            Target::Contained(text) | Target::Urn(text) => text,
            Target::Elsewhere(_) => "",
        };
        if value.has(traits::SUSPECT) && self.mask.is_some_and(|mask| mask.has_address(passes_as_is.as_bytes())) {
            return Err(ShapeFault::InternalAddress);
        }
        if matches!(target, Target::Elsewhere(_)) && is_resource_or_education(place.name) {
            return Ok(());
        }
        let dangles = matches!(target, Target::Contained(id) if self.gone_ids.binary_search(&id).is_ok());
        if self.leaves {
            self.sites.push(Site { entry: self.entry, object, value, text, dangles, known });
        }
        Ok(())
    }

    /// A hidden line under whatever name it stands, or a BSN.
    fn system(&mut self, object: Value<'o>, system: Value<'o>) -> Result<(), ShapeFault> {
        let Some(text) = system.string() else { return Ok(()) };
        if self.innocent.contains(&&*text) {
            return Ok(());
        }
        let (is_line, is_bsn) = (is_line_system(&text), is_bsn_system(&text));
        match text {
            Cow::Borrowed(text) if !is_line && !is_bsn => {
                self.innocent.rotate_right(1);
                self.innocent.iter_mut().take(1).for_each(|first| *first = text);
            }
            Cow::Borrowed(_) | Cow::Owned(_) => {}
        }
        if is_line && self.leaves && !is_open_line(object) {
            return Err(ShapeFault::HiddenLine);
        }
        if is_bsn { self.identifier(object) } else { Ok(()) }
    }

    /// Masks a BSN where its system says that it is one; another person's is a fault.
    fn identifier(&mut self, object: Value<'o>) -> Result<(), ShapeFault> {
        for member in object.members().filter(|member| matches!(member.name(), "value" | "code")) {
            let text = member.value.string().ok_or(ShapeFault::UnmaskableBsn)?;
            if !is_masked(&text) && !is_bsn(&text, self.record.bsn) {
                return Err(ShapeFault::ForeignPatient);
            }
            if !self.leaves || member.name() != "value" {
                continue;
            }
            if object.member("_value").is_some() {
                self.edits.drop_members(object, |name| name == "value");
            } else {
                self.edits.mask_member(member.span(), "value");
            }
        }
        Ok(())
    }

    /// Takes out the address of a document that leads anywhere but to us: a client would go there with the patient's token,
    /// and a browser may take it for a script.
    fn attachment(&mut self, object: Value<'o>, url: Value<'o>) {
        let is_ours = url.string().is_some_and(|url| below(&url, self.record.his_base).is_some() || is_relative(&url));
        if !is_ours && self.leaves {
            self.edits.drop_or_mask(object, "url", |name| name == "url");
        }
    }

    fn string(&mut self, string: Value<'o>, place: Place<'o>) -> Result<(), ShapeFault> {
        let Some(mask) = self.mask.filter(|mask| mask.may_touch(string)) else { return Ok(()) };
        let text = mask.seen(string.string().ok_or(ShapeFault::Unreadable { element: "string" })?);
        let has_bsn = mask.has_bsn(&text);
        if has_bsn && is_address(place.name) {
            return Err(ShapeFault::UnmaskableBsn);
        }
        // References are moved when it is known which entries leave.
        let has_address = place.name != "reference" && mask.has_address(text.as_bytes());
        if has_address && is_canonical(place.parent, place.name) {
            return Err(ShapeFault::InternalAddress);
        }
        if self.leaves && (has_bsn || has_address) {
            let cleaned = mask.clean(&text).ok_or(ShapeFault::InternalAddress)?;
            self.edits.replace_string(string, &cleaned);
        }
        Ok(())
    }
}

/// Elements whose `reference` is no Reference but the address of something to read: that of a DetectedIssue, and of the
/// `education` of an Immunization.
fn is_resource_or_education(element: &str) -> bool {
    matches!(element, "contained" | "education" | "resource")
}

/// Whether an address is one below our base by itself, such as `Binary/1`, or a name that leads nowhere: no scheme (RFC 3986
/// section 4.2), no other host, not from the root.
fn is_relative(url: &str) -> bool {
    let first = url.split(['/', '?', '#']).next().unwrap_or_default();
    let is_urn = url.starts_with("urn:uuid:") || url.starts_with("urn:oid:");
    is_urn || !(first.is_empty() || first.contains([':', '\\']) || url.contains(|c: char| c.is_control() || c == ' '))
}

/// Whether an identifier system is that of the BSN, in one of the spellings seen.
pub(super) fn is_bsn_system(system: &str) -> bool {
    let name = system.trim().trim_end_matches('/');
    let spelled = |known: &str| name.eq_ignore_ascii_case(known);
    spelled(Bsn::SYSTEM)
        || spelled(Bsn::OID)
        || Bsn::OID.strip_prefix("urn:oid:").is_some_and(spelled)
        || Bsn::SYSTEM.strip_prefix("http://").is_some_and(|rest| {
            name.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"))
                && name.get(8..).is_some_and(|name| name.eq_ignore_ascii_case(rest))
        })
}

/// Whether a text is this BSN, with or without separators and leading zero.
pub(super) fn is_bsn(text: &str, bsn: &Bsn) -> bool {
    let digits = || text.chars().filter(|char| char.is_alphanumeric());
    let nine = bsn.reveal();
    digits().eq(nine.chars()) || nine.strip_prefix('0').is_some_and(|eight| digits().eq(eight.chars()))
}

/// Whether the HIS has put something in the place of the digits.
fn is_masked(text: &str) -> bool {
    !text.chars().any(char::is_numeric)
}
