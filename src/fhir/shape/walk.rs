//! The walk over every value of an entry: is anything about another person, does a BSN or an address of the HIS stand
//! where it may not, and where are the References.

use std::borrow::Cow;
use std::ops::Range;

use super::bundle::{Entry, check_binding};
use super::edits::Edits;
use super::guideline::{is_hidden_line, is_line_system, is_open_line};
use super::mask::Mask;
use super::names::Name;
use super::outline::{Kind, Member, Value, traits};
use super::recent::Recent;
use super::reference::{Target, below, target};
use super::types::{is_address, is_attachment, is_canonical};
use super::{Record, ShapeFault, scratch};
use crate::medmij::Bsn;

/// Members of an entry that speak of the HIS's own exchange, and never leave.
pub(super) const EXCHANGE: u64 = Name::Link.bit() | Name::Request.bit() | Name::Response.bit();

/// What a system of codes or identifiers is to the walk. None is both of the first two.
#[derive(Debug, Clone, Copy)]
enum System {
    /// That of the lines of a consultation.
    Lines,
    /// That of the BSN.
    Bsn,
    Other,
}

impl System {
    fn of(text: &str) -> Self {
        if is_line_system(text) {
            Self::Lines
        } else if is_bsn_system(text) {
            Self::Bsn
        } else {
            Self::Other
        }
    }
}

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

/// The state of a walk.
#[derive(Debug)]
pub(super) struct Walk<'a, 'o> {
    record: Record<'a>,
    /// `None` when the answer is only read by ourselves.
    mask: Option<Mask<'a>>,
    pub(super) edits: Edits,
    pub(super) sites: Vec<Site<'o>>,
    /// Whether one of them has a URL outside the base of the HIS.
    pub(super) leads_outside: bool,
    /// Of the entry under way: where its own resource starts.
    own: Option<usize>,
    /// Where its contained resources start, in order.
    contained: Vec<usize>,
    /// The parts that the guideline takes out of it; in order once [`Self::entry`] begins.
    pub(super) gone: Vec<Range<usize>>,
    /// How many of them were met, and where the last of those ends.
    gone_met: usize,
    gone_end: usize,
    /// The ids of contained resources among them, likewise.
    pub(super) gone_ids: Vec<&'o str>,
    /// Whether each element of the lists is shown that are being cut, innermost last.
    pub(super) shown: Vec<bool>,
    /// What systems are.
    systems: Recent<'o, System>,
    /// Where References point that pass as they are.
    targets: Recent<'o, Target<'o>>,
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
            sites: scratch::sites(),
            leads_outside: false,
            own: None,
            contained: Vec::new(),
            gone: Vec::new(),
            gone_met: 0,
            gone_end: 0,
            gone_ids: Vec::new(),
            shown: Vec::new(),
            systems: Recent::default(),
            targets: Recent::default(),
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
        self.gone.sort_unstable_by_key(|span| span.start);
        self.gone_ids.sort_unstable();
        let has_exchange = entry.value.has_member(EXCHANGE);
        for value in entry.value.visits() {
            let is_own = value.is_in(entry.value);
            if is_own && value.name() == Name::FullUrl {
                self.full_url(entry)?;
                self.name(value)?;
            } else if is_own || !has_exchange || !is_of_exchange(value, entry.value) {
                self.visit(value, is_own)?;
            }
        }
        Ok(())
    }

    /// Walks a member of the Bundle itself.
    pub(super) fn frame(&mut self, member: &Member<'o>) -> Result<(), ShapeFault> {
        self.leave_entry();
        self.leaves = true;
        member.value.visits().try_for_each(|value| self.visit(value, value.start() == member.value.start()))
    }

    fn leave_entry(&mut self) {
        self.entry = None;
        self.own = None;
        self.contained.clear();
        self.gone.clear();
        self.gone_ids.clear();
        (self.gone_met, self.gone_end) = (0, 0);
    }

    /// Whether what starts here will leave: it does not stand in what the guideline takes out. To be asked in order.
    fn leaves(&mut self, start: usize) -> bool {
        while let Some(gone) = self.gone.get(self.gone_met).filter(|gone| gone.start <= start) {
            self.gone_end = self.gone_end.max(gone.end);
            self.gone_met += 1;
        }
        self.leaves && start >= self.gone_end
    }

    fn full_url(&self, entry: &Entry<'o>) -> Result<(), ShapeFault> {
        let (Some(mask), Some((_, url))) = (&self.mask, &entry.full_url) else { return Ok(()) };
        if mask.has_bsn(url) {
            return Err(ShapeFault::UnmaskableBsn);
        }
        // Other forms are replaced.
        let is_kept = url.starts_with("urn:");
        if is_kept && mask.has_address(url.as_bytes()) { Err(ShapeFault::InternalAddress) } else { Ok(()) }
    }

    fn name(&self, value: Value<'_>) -> Result<(), ShapeFault> {
        let Some(mask) = self.mask.as_ref().filter(|_| value.has(traits::SUSPECT_NAME)) else { return Ok(()) };
        let name = value.text();
        if mask.has_bsn(name) {
            return Err(ShapeFault::UnmaskableBsn);
        }
        if mask.has_address(name.as_bytes()) { Err(ShapeFault::InternalAddress) } else { Ok(()) }
    }

    /// What the scanner noted: a name or a value that may hold what must not leave, or a name of which a rule speaks. No rule
    /// does so of the members of an entry or of the frame itself.
    fn visit(&mut self, value: Value<'o>, is_own: bool) -> Result<(), ShapeFault> {
        self.name(value)?;
        let leaves = self.leaves(value.start());
        if value.has(traits::WATCHED) && !is_own {
            self.watched(value, leaves)?;
        }
        if !value.has(traits::SUSPECT) {
            return Ok(());
        }
        match value.kind() {
            Kind::Plain | Kind::Escaped | Kind::Unicode => self.string(value, leaves),
            Kind::Number if self.mask.as_ref().is_some_and(|mask| mask.has_bsn(value.raw())) => {
                Err(ShapeFault::UnmaskableBsn)
            }
            Kind::Number | Kind::Literal | Kind::Object | Kind::Array => Ok(()),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "no other name is watched")]
    fn watched(&mut self, value: Value<'o>, leaves: bool) -> Result<(), ShapeFault> {
        let object = value.up();
        match value.name() {
            Name::Code if leaves && value.kind() == Kind::Object && is_hidden_line(value) => {
                return Err(ShapeFault::HiddenLine);
            }
            Name::Reference => self.reference(object, value, leaves)?,
            Name::ResourceType => self.resource(object, value)?,
            Name::System => self.system(object, value, leaves)?,
            Name::Url if leaves && is_attachment(object.element().name()) => self.attachment(object, value),
            Name::Source if leaves && object.element().name() == Name::Meta => {
                self.edits.drop_or_mask(object, "source", |name| name == "source");
            }
            _ => {}
        }
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

    fn reference(&mut self, object: Value<'o>, value: Value<'o>, leaves: bool) -> Result<(), ShapeFault> {
        if value.kind() == Kind::Object {
            return Ok(());
        }
        let text = value.string().ok_or(ShapeFault::Unreadable { element: "reference" })?;
        let (known, target) = match text {
            Cow::Borrowed(text) => {
                let target = self.known_target(text, value)?;
                (Some(target), target)
            }
            Cow::Owned(_) => (None, self.target(&text, value)?),
        };
        if matches!(target, Target::Elsewhere(_)) && is_resource_or_education(object.element().text()) {
            return Ok(());
        }
        self.leads_outside |= matches!(target, Target::Elsewhere(_));
        let dangles = matches!(target, Target::Contained(id) if self.gone_ids.binary_search(&id).is_ok());
        if leaves {
            self.sites.push(Site { entry: self.entry, object, value, text, dangles, known });
        }
        Ok(())
    }

    fn known_target(&mut self, text: &'o str, value: Value<'_>) -> Result<Target<'o>, ShapeFault> {
        if let Some(known) = self.targets.about(text).filter(|_| !value.has(traits::SUSPECT)) {
            return Ok(*known);
        }
        let target = self.target(text, value)?;
        self.targets.remember(text, target);
        Ok(target)
    }

    /// Where a Reference points: not at another patient, and not in a way that lets an address pass.
    fn target<'t>(&self, text: &'t str, value: Value<'_>) -> Result<Target<'t>, ShapeFault> {
        let target = target(text, self.record.his_base)?;
        let passes_as_is = match target {
            Target::Local { resource_type: "Patient", id, .. } if id != self.record.patient_id => {
                return Err(ShapeFault::ForeignPatient);
            }
            Target::Local { path, .. } => path,
            Target::Contained(text) | Target::Urn(text) => text,
            Target::Elsewhere(_) => "",
        };
        if value.has(traits::SUSPECT)
            && self.mask.as_ref().is_some_and(|mask| mask.has_address(passes_as_is.as_bytes()))
        {
            return Err(ShapeFault::InternalAddress);
        }
        Ok(target)
    }

    /// A hidden line under whatever name it stands, or a BSN.
    fn system(&mut self, object: Value<'o>, system: Value<'o>, leaves: bool) -> Result<(), ShapeFault> {
        let kind = match system.plain() {
            Some(text) => match self.systems.about(text) {
                Some(known) => *known,
                None => {
                    let kind = System::of(text);
                    self.systems.remember(text, kind);
                    kind
                }
            },
            None => system.string().map_or(System::Other, |text| System::of(&text)),
        };
        match kind {
            System::Lines if leaves && !is_open_line(object) => Err(ShapeFault::HiddenLine),
            System::Bsn => self.identifier(object, leaves),
            System::Lines | System::Other => Ok(()),
        }
    }

    /// Masks a BSN where its system says that it is one; another person's is a fault.
    fn identifier(&mut self, object: Value<'o>, leaves: bool) -> Result<(), ShapeFault> {
        for member in object.members().filter(|member| matches!(member.name(), "value" | "code")) {
            let text = member.value.string().ok_or(ShapeFault::UnmaskableBsn)?;
            if !is_masked(&text) && !is_bsn(&text, self.record.bsn) {
                return Err(ShapeFault::ForeignPatient);
            }
            if !leaves || member.name() != "value" {
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
        if !is_ours {
            self.edits.drop_or_mask(object, "url", |name| name == "url");
        }
    }

    fn string(&mut self, string: Value<'o>, leaves: bool) -> Result<(), ShapeFault> {
        let Some(mask) = self.mask.as_ref().filter(|mask| mask.may_touch(string)) else { return Ok(()) };
        let text = mask.seen(string.string().ok_or(ShapeFault::Unreadable { element: "string" })?);
        let has_bsn = mask.has_bsn(&text);
        let element = string.element();
        if has_bsn && is_address(element.text()) {
            return Err(ShapeFault::UnmaskableBsn);
        }
        // References are moved when it is known which entries leave.
        let has_address = element.name() != Name::Reference && mask.has_address(text.as_bytes());
        if has_address && is_canonical(element.up().element().text(), element.text()) {
            return Err(ShapeFault::InternalAddress);
        }
        if leaves && (has_bsn || has_address) {
            let is_clean = self.edits.replace_cleaned(string, &text, mask);
            return if is_clean { Ok(()) } else { Err(ShapeFault::InternalAddress) };
        }
        Ok(())
    }
}

/// Whether a value stands in such a member of this entry.
fn is_of_exchange(value: Value<'_>, entry: Value<'_>) -> bool {
    let mut members = entry.members().filter(|member| member.known().bit() & EXCHANGE != 0);
    members.any(|member| member.span().contains(&value.start()))
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
