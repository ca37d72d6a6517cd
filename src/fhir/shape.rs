//! One-pass rewriting of what a HIS answered into what the patient may see. The bytes are scanned once into a flat index
//! of spans; the rules read that index and note changes; everything between the changes is copied, never re-serialised.
//!
//! It fails closed. Whatever is about another person, or cannot be read where a rule must read it, is a [`ShapeFault`] and
//! the whole answer is refused. Whatever the guideline does not clearly show is withheld. The rules, in order:
//!
//! 1. **Right patient** (`bundle`, `walk`): each entry has a type that is known and asked for; each resource that belongs
//!    to a patient refers to this one; no Reference, contained resource or BSN identifier is about another.
//! 2. **Guideline** (`guideline`, `cut`): lines S and O, lines from before access began, results over the period, closed
//!    episodes without attention flag, and the narrative of a Composition do not pass.
//! 3. **BSN** (`mask`): identifiers are masked by data-absent-reason, the digits in any text by asterisks.
//! 4. **Addresses** (`mask`, `frame`): links, full URLs and References become ours; no address of the HIS passes.
//!
//! Which rules of the guideline hold is said by the service catalogue ([`Rule`]), what they mean by the practice's data
//! ([`Rules`]). That lines S and O stay hidden, and consultations from before access began, is no choice: it always holds.

mod bundle;
mod cut;
pub mod document;
mod edits;
mod frame;
mod guideline;
mod incomplete;
mod look;
mod marks;
mod mask;
mod names;
pub(super) mod outline;
mod pages;
mod recent;
mod reference;
pub(super) mod scan;
mod scratch;
mod shapes;
mod shown;
pub use incomplete::say_incomplete;
pub mod stream;
pub mod submit;
mod suspects;
#[cfg(test)]
mod tests;
mod types;
mod visible;
mod vocabulary;
mod walk;

use std::collections::HashSet;

use jiff::civil::Date;

use crate::his::HisPatient;
use crate::medmij::{Bsn, FhirVersion};
use crate::services::Rule;
use bundle::{Bundle, Entry, Mode, referred};
use mask::Mask;
use outline::Value;
use walk::{Walk, is_bsn, is_bsn_system};

/// Extension of a Flag that says what it is about.
const FLAG_DETAIL: &str = "http://hl7.org/fhir/StructureDefinition/flag-detail";

/// The record of one patient, on its way from a HIS to us.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// The version of FHIR that the HIS was asked in.
    pub fhir: FhirVersion,
    /// Logical id, in the HIS, of the patient whose token this is.
    pub patient_id: &'a str,
    /// BSN of the same.
    pub bsn: &'a Bsn,
    /// Base URL of the HIS as it may stand in its answers, without trailing slash.
    pub his_base: &'a str,
    /// Base URL to write instead, without trailing slash.
    pub our_base: &'a str,
}

/// What the answer to a search is held against.
#[derive(Debug, Clone, Copy)]
pub struct Shaping<'a> {
    /// Whose data it must be.
    pub record: Record<'a>,
    /// What the guideline lets this patient see.
    pub rules: &'a Rules,
    /// The client's own query on our base, a complete URL.
    pub self_link: &'a str,
    /// The type that was searched; every match must be of it.
    pub resource: &'a str,
    /// Types that were asked to come along.
    pub includes: &'a [&'a str],
    /// Which page of the answer this is.
    pub page: Page,
}

/// Which page of the answer to a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The first, maybe the only one.
    First,
    /// One that an earlier page gave the address of: its total counts the others as well.
    Later,
}

/// The guideline "Online inzage in het H-EPD door patiënt", as it holds for one service, practice and patient today.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The rules of the catalogue that hold for this answer, for matches, includes and contained resources alike.
    pub applied: Vec<Rule>,
    /// The day the practice switched access on: lines of consultations from before it are withheld. Holds always.
    pub access_start: Date,
    /// The first day whose results are shown, by [`Rule::ResultsPeriod`].
    pub results_since: Date,
    /// Today: medication whose period of use ended before is not current, by [`Rule::MedicationInUse`].
    pub today: Date,
    /// Which closed episodes are shown, by [`Rule::ClosedEpisodes`].
    pub closed_episodes: ShownEpisodes,
}

/// The closed episodes that are shown. One entered in error never is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShownEpisodes {
    /// All of them.
    All,
    /// Those with these logical ids. See [`flagged_episodes`].
    Only(HashSet<String>),
}

impl Rules {
    fn hold(&self, rule: Rule) -> bool {
        self.applied.contains(&rule)
    }
}

/// An answer that may leave.
#[derive(Clone, PartialEq, Eq)]
pub struct Shaped {
    /// The Bundle, JSON.
    pub body: Vec<u8>,
    /// Matches in it.
    pub entries: u32,
    /// Entries of the HIS that are not in it, other than OperationOutcomes.
    pub withheld: u32,
    /// Where the HIS keeps the next page: a URL below its base.
    pub next: Option<String>,
}

impl std::fmt::Debug for Shaped {
    /// The counts; the body is a medical record.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { body, entries, withheld, next } = self;
        let more = if next.is_some() { ", more pages" } else { "" };
        write!(f, "Shaped({} bytes, {entries} entries, {withheld} withheld{more})", body.len())
    }
}

/// Why an answer of a HIS may not leave. No variant repeats anything of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShapeFault {
    /// Not JSON by RFC 8259, or not UTF-8.
    #[error("not JSON from byte {offset} on")]
    NotJson {
        /// Where it stops being so.
        offset: usize,
    },
    /// Over 4 GiB.
    #[error("larger than 4 GiB")]
    TooLarge,
    /// More than 64 arrays and objects inside each other.
    #[error("nested too deep")]
    TooDeep,
    /// An object has two members of one name: readers differ in which they believe.
    #[error("a member name occurs twice in one object")]
    RepeatedName,
    /// A member name is written with escapes, which FHIR never needs.
    #[error("a member name is written with escapes")]
    EscapedName,
    /// No Bundle of type searchset, or one whose frame has the wrong shape.
    #[error("not a FHIR searchset")]
    NotASearchset,
    /// There is a link to another page of what must be whole.
    #[error("the answer has more pages")]
    MorePages,
    /// The HIS says that not all of it is there: a total above the number of entries without a next page, or an
    /// OperationOutcome beside them that is more than a warning.
    #[error("the answer says that a part of it is missing")]
    Incomplete,
    /// Something is about another person.
    #[error("something in the answer is about another person")]
    ForeignPatient,
    /// A resource that belongs to a patient does not say to whom.
    #[error("a resource does not say which patient it is about")]
    NoPatient,
    /// More than one Patient matches one BSN.
    #[error("more than one patient has this BSN")]
    AmbiguousPatient,
    /// A type that is unknown, or that was not asked for, or that stands where no resource belongs.
    #[error("a resource of a type that was not asked for")]
    UnexpectedType,
    /// An element that a rule must read has another form than FHIR gives it.
    #[error("the element {element} cannot be read")]
    Unreadable {
        /// Its name, one of ours.
        element: &'static str,
    },
    /// A line of a consultation that is never shown stands where no rule takes it out.
    #[error("a hidden line of a consultation stands in an unknown place")]
    HiddenLine,
    /// The BSN is part of a name, a number or an address.
    #[error("the BSN stands in a place where it cannot be masked")]
    UnmaskableBsn,
    /// An address of the HIS stands where it may be neither changed nor shown.
    #[error("an address of the HIS stands in a place where it cannot be changed")]
    InternalAddress,
    /// Of a streamed answer: an entry, or a part of the frame, is larger than may be held, or there are too many entries.
    #[error("a part of the answer is larger than can be judged")]
    PieceTooLarge,
    /// Of a streamed answer: something stands behind what cannot be judged without it.
    #[error("a part of the answer comes too late")]
    OutOfOrder,
    /// A document is empty or of another kind than it was said to be.
    #[error("the document is of another kind than was said")]
    NotTheDocument,
    /// Two changes cross each other: an element is two things at once.
    #[error("an element is two things at once")]
    Conflict,
}

impl<'a> Record<'a> {
    /// `also`: what we write ourselves besides our base.
    fn mask(&self, also: &str) -> Mask<'a> {
        Mask::new(self.bsn.reveal(), self.his_base, self.our_base, &[self.our_base, also])
    }
}

/// Shapes one page of the answer to a search. When the HIS has a next page, `next_link` makes the address under which the
/// client finds it with us out of the one that the HIS gave, or `None` when it cannot be carried.
///
/// `total` is what is shown; it is left out where the answer has more pages, as nobody knows then (an optional element by
/// STU3 bundle.html 2.36.4.1). Links to other pages than the next are left out too.
///
/// # Errors
/// When any part of the answer must not leave, or cannot be judged: then nothing of it may.
pub fn shape_searchset(
    body: &[u8],
    shaping: &Shaping<'_>,
    next_link: &dyn Fn(&str) -> Option<String>,
) -> Result<Shaped, ShapeFault> {
    let mask = shaping.record.mask(shaping.self_link);
    shape_scanned(&scan::scan_within(body, 0, Some(&mask.wanted()))?, mask, shaping, next_link)
}

/// The same with a look at every part of the answer, to hold the quick way against.
///
/// # Errors
/// As [`shape_searchset`].
#[cfg(any(test, fuzzing))]
pub fn shape_completely(
    body: &[u8],
    shaping: &Shaping<'_>,
    next_link: &dyn Fn(&str) -> Option<String>,
) -> Result<Shaped, ShapeFault> {
    shape_scanned(&scan::scan(body)?, shaping.record.mask(shaping.self_link), shaping, next_link)
}

fn shape_scanned(
    outline: &outline::Outline<'_>,
    mask: Mask<'_>,
    shaping: &Shaping<'_>,
    next_link: &dyn Fn(&str) -> Option<String>,
) -> Result<Shaped, ShapeFault> {
    let mut bundle = Bundle::read(outline, shaping.page)?;
    bundle.infer_includes(shaping.resource, shaping.includes);
    let mut walk = Walk::new(shaping.record, Some(mask));
    let mut stays = Vec::with_capacity(bundle.entries.len());
    for (index, entry) in bundle.entries.iter().enumerate() {
        stays.push(match entry {
            Some(entry) => judge(&mut walk, index, entry, shaping)?,
            None => false,
        });
    }
    let next = bundle.next.as_deref().map(|next| pages::address(next, &mask, shaping.record.his_base)).transpose()?;
    let ours = next.map(|next| next_link(next).ok_or(ShapeFault::MorePages)).transpose()?;
    let shaped = frame::finish(&bundle, walk, shaping, ours.as_deref(), &mut stays, outline.text())?;
    if mask.has_address(&shaped.body) {
        return Err(ShapeFault::InternalAddress);
    }
    let next = next.map(str::to_owned);
    scratch::keep_entries(bundle.entries);
    Ok(Shaped { next, ..shaped })
}

/// Whether an entry stays, as far as it can be told without the others.
fn judge<'o>(
    walk: &mut Walk<'_, 'o>,
    index: usize,
    entry: &Entry<'o>,
    shaping: &Shaping<'_>,
) -> Result<bool, ShapeFault> {
    let is_wanted = match entry.mode {
        Mode::Match if entry.resource_type != shaping.resource => return Err(ShapeFault::UnexpectedType),
        Mode::Match => true,
        Mode::Include => shaping.includes.contains(&entry.resource_type),
    };
    walk.enter(index, entry)?;
    let stays = walk.cut(entry.resource, entry.resource_type, entry.id, shaping.rules)? && is_wanted;
    walk.entry(entry, stays)?;
    Ok(stays)
}

/// The episodes under an attention flag, as far as one page of the flags names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flagged {
    /// Their logical ids.
    pub episodes: HashSet<String>,
    /// Where the HIS keeps the next page: a URL below its base.
    pub next: Option<String>,
}

/// Reads which episodes are under an attention flag: those that an active Flag of this patient names in its extension
/// `flag-detail`. The answer must be a searchset of Flag.
///
/// # Errors
/// As [`shape_searchset`].
pub fn flagged_episodes(body: &[u8], record: &Record<'_>, page: Page) -> Result<Flagged, ShapeFault> {
    let outline = scan::scan(body)?;
    let bundle = Bundle::read(&outline, page)?;
    inspect(&bundle, "Flag", *record)?;
    let mut episodes = HashSet::new();
    for entry in bundle.resources().filter(|entry| entry.resource_type == "Flag") {
        if entry.resource.member("status").and_then(Value::plain) == Some("active") {
            collect_episodes(entry.resource, record.his_base, &mut episodes)?;
        }
    }
    let next =
        bundle.next.as_deref().map(|next| pages::address(next, &record.mask(""), record.his_base)).transpose()?;
    Ok(Flagged { episodes, next: next.map(str::to_owned) })
}

fn collect_episodes(flag: Value<'_>, his_base: &str, episodes: &mut HashSet<String>) -> Result<(), ShapeFault> {
    for extension in flag.member("extension").into_iter().flat_map(Value::items) {
        if extension.member("url").and_then(Value::string).as_deref() != Some(FLAG_DETAIL) {
            continue;
        }
        let detail = extension.member("valueReference").and_then(|detail| detail.member("reference"));
        let Some(text) = detail.and_then(Value::string) else { continue };
        episodes.extend(referred(&text, "EpisodeOfCare", his_base)?.map(str::to_owned));
    }
    Ok(())
}

/// Reads the one Patient that the HIS knows by this BSN; `None` when it knows nobody by it.
///
/// # Errors
/// As [`shape_searchset`]; `AmbiguousPatient` for two matches, `ForeignPatient` for one without this BSN.
pub fn read_patient(
    body: &[u8],
    fhir: FhirVersion,
    bsn: &Bsn,
    his_base: &str,
) -> Result<Option<HisPatient>, ShapeFault> {
    let outline = scan::scan(body)?;
    let bundle = Bundle::read(&outline, Page::First)?;
    if bundle.next.is_some() {
        return Err(ShapeFault::MorePages);
    }
    let mut matches = bundle.resources().filter(|entry| entry.mode == Mode::Match);
    let Some(patient) = matches.next() else { return Ok(None) };
    if matches.next().is_some() {
        return Err(ShapeFault::AmbiguousPatient);
    }
    let record = Record { fhir, patient_id: patient.id, bsn, his_base, our_base: "" };
    inspect(&bundle, "Patient", record)?;
    let identifiers = patient.resource.member("identifier");
    if !identifiers.into_iter().flat_map(Value::items).any(|identifier| names_person(identifier, bsn)) {
        return Err(ShapeFault::ForeignPatient);
    }
    // An id like that would put the BSN into every URL we ask the HIS for.
    if record.mask("").has_bsn(patient.id) {
        return Err(ShapeFault::UnmaskableBsn);
    }
    let birth_date = patient.resource.member("birthDate").and_then(Value::plain).and_then(whole_date);
    Ok(Some(HisPatient { id: patient.id.to_owned(), birth_date }))
}

fn names_person(identifier: Value<'_>, bsn: &Bsn) -> bool {
    let text = |name| identifier.member(name).and_then(Value::string);
    text("system").is_some_and(|system| is_bsn_system(&system))
        && text("value").is_some_and(|value| is_bsn(&value, bsn))
}

/// A date of which year, month and day are known.
fn whole_date(text: &str) -> Option<Date> {
    if text.len() == "2000-01-01".len() { guideline::earliest_day(text) } else { None }
}

/// The checks of [`shape_searchset`] on an answer that we only read ourselves: nothing leaves, so a BSN or an address is
/// no fault, but anything about another person is.
fn inspect(bundle: &Bundle<'_>, resource: &str, record: Record<'_>) -> Result<(), ShapeFault> {
    let mut walk = Walk::new(record, None);
    for (index, entry) in bundle.entries.iter().enumerate() {
        let Some(entry) = entry else { continue };
        if entry.mode == Mode::Match && entry.resource_type != resource {
            return Err(ShapeFault::UnexpectedType);
        }
        walk.enter(index, entry)?;
        walk.entry(entry, false)?;
    }
    Ok(())
}
