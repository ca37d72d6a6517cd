//! Shaping of a searchset too large to be held: entry by entry, by the rules of `shape_searchset`. Each entry is judged
//! before its own bytes leave, and the frame behind the entries before the last brace does. `total` is left out, as nobody
//! can know it in time.
//!
//! What leaves is what [`super::shape_searchset`] would let leave, in the order in which a HIS sends it (matches before
//! what they bring along). Where the order is another and the answer would have to be another too, it is a fault.

pub(in crate::fhir) mod cutter;
mod memory;

use super::bundle::{Bundle, Entry, Mode};
use super::edits::Edits;
use super::mask::Mask;
use super::scan::{scan, scan_within};
use super::walk::{Site, Walk};
use super::{Page, Record, Rules, ShapeFault, Shaping, frame, judge, pages};
use crate::medmij::{Bsn, FhirVersion};
use cutter::{Cutter, Piece, Rest};
use memory::{Fate, Memory};

/// How many brackets of the Bundle are open around an entry.
const AROUND_ENTRY: usize = 2;

/// What an answer is held against, kept for as long as it streams. See [`Shaping`].
#[derive(Debug, Clone)]
pub struct Kept {
    fhir: FhirVersion,
    patient_id: String,
    bsn: Bsn,
    his_base: String,
    our_base: String,
    self_link: String,
    resource: String,
    includes: Vec<String>,
    page: Page,
    rules: Rules,
}

impl Kept {
    /// Keeps it.
    #[must_use]
    pub fn of(shaping: &Shaping<'_>) -> Self {
        let Record { fhir, patient_id, bsn, his_base, our_base } = shaping.record;
        Self {
            fhir,
            patient_id: patient_id.to_owned(),
            bsn: bsn.clone(),
            his_base: his_base.to_owned(),
            our_base: our_base.to_owned(),
            self_link: shaping.self_link.to_owned(),
            resource: shaping.resource.to_owned(),
            includes: shaping.includes.iter().map(|&include| include.to_owned()).collect(),
            page: shaping.page,
            rules: shaping.rules.clone(),
        }
    }

    fn with<T>(&self, work: impl FnOnce(&Shaping<'_>, Mask<'_>) -> T) -> T {
        let includes: Vec<&str> = self.includes.iter().map(String::as_str).collect();
        let record = Record {
            fhir: self.fhir,
            patient_id: &self.patient_id,
            bsn: &self.bsn,
            his_base: &self.his_base,
            our_base: &self.our_base,
        };
        let shaping = Shaping {
            record,
            rules: &self.rules,
            self_link: &self.self_link,
            resource: &self.resource,
            includes: &includes,
            page: self.page,
        };
        work(&shaping, record.mask(&self.self_link))
    }
}

/// Makes the address under which the client finds the next page with us out of the one that the HIS gave; `None` when it
/// cannot be carried, and then the answer must not leave.
pub type NextLink = Box<dyn Fn(&str) -> Option<String> + Send>;

/// Counts of what has left so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Passed {
    /// Matches.
    pub entries: u32,
    /// Entries of the HIS that were withheld, other than OperationOutcomes.
    pub withheld: u32,
}

/// A searchset on its way. Prints as nothing of it.
pub struct SearchsetStream {
    kept: Kept,
    next_link: Option<NextLink>,
    cutter: Cutter,
    sieve: Sieve,
    fault: Option<ShapeFault>,
}

/// What is known of the document by now.
#[derive(Default)]
struct Sieve {
    memory: Memory,
    /// The frame up to the entries, as the HIS wrote it.
    head: Vec<u8>,
    /// The same as it may leave, until the first entry does.
    opening: Option<Vec<u8>>,
    seen: u64,
    passed: Passed,
}

impl std::fmt::Debug for SearchsetStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SearchsetStream({:?})", self.sieve.passed)
    }
}

impl SearchsetStream {
    /// Begins one. No entry, and no part of the frame, may be larger than `piece_limit` bytes. Without `next_link` it must
    /// be all there is.
    #[must_use]
    pub fn new(kept: Kept, next_link: Option<NextLink>, piece_limit: usize) -> Self {
        Self { kept, next_link, cutter: Cutter::new(piece_limit), sieve: Sieve::default(), fault: None }
    }

    /// How much has left.
    #[must_use]
    pub fn passed(&self) -> Passed {
        self.sieve.passed
    }

    /// Takes the next bytes of the HIS and gives those that may leave.
    ///
    /// # Errors
    /// When any part of the answer must not leave, or cannot be judged: then nothing more of it may.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, ShapeFault> {
        let Self { kept, next_link, cutter, sieve, fault } = self;
        if let Some(fault) = *fault {
            return Err(fault);
        }
        cutter.push(bytes);
        let mut out = Vec::new();
        let all = kept.with(|shaping, mask| {
            while let Some(piece) = cutter.piece()? {
                match piece {
                    Piece::Head(text) => sieve.open(text, shaping, mask, next_link.as_ref())?,
                    Piece::Entry { gap, text } => sieve.entry(gap, text, shaping, mask, &mut out)?,
                }
            }
            Ok(())
        });
        all.map(|()| out).inspect_err(|found| *fault = Some(*found))
    }

    /// The document ends here: what remains to leave.
    ///
    /// # Errors
    /// As [`Self::push`]; `Incomplete` when `total` says that matches are missing.
    pub fn finish(self) -> Result<(Vec<u8>, Passed), ShapeFault> {
        let Self { kept, next_link, cutter, mut sieve, fault } = self;
        fault.map_or(Ok(()), Err)?;
        let (rest, text) = cutter.rest();
        if rest == Rest::Torn {
            return Err(ShapeFault::NotJson { offset: text.len() });
        }
        sieve.head.extend_from_slice(text);
        let end = kept.with(|shaping, mask| sieve.close((rest, text.len()), shaping, mask, next_link.as_ref()))?;
        Ok((end, sieve.passed))
    }
}

impl Sieve {
    /// Judges the frame up to the entries; it waits for the first entry that leaves.
    fn open(
        &mut self,
        text: &[u8],
        shaping: &Shaping<'_>,
        mask: Mask<'_>,
        next_link: Option<&NextLink>,
    ) -> Result<(), ShapeFault> {
        const CLOSING: &[u8] = b"]}";
        self.head = text.to_vec();
        let whole = [text, CLOSING].concat();
        let outline = scan(&whole)?;
        // No entry leaves before it is known what it is an entry of.
        let comes = |name| outline.root().is_some_and(|root| root.member(name).is_some());
        if !(comes("resourceType") && comes("type")) {
            return Err(ShapeFault::OutOfOrder);
        }
        let bundle = Bundle::frame(&outline)?;
        let edits = edit_frame(&bundle, shaping, mask, next_link, true)?;
        let mut opening = edits.apply(outline.text())?;
        opening.truncate(opening.len() - CLOSING.len());
        self.opening = Some(checked(opening, mask)?);
        Ok(())
    }

    fn entry(
        &mut self,
        gap: &[u8],
        text: &[u8],
        shaping: &Shaping<'_>,
        mask: Mask<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ShapeFault> {
        self.seen += 1;
        if self.seen == 1 {
            // What stands before the first stays where it is, whichever comes to stand behind it.
            self.opening.iter_mut().for_each(|opening| opening.extend_from_slice(gap));
        }
        let Some(shaped) = self.judge_entry(text, shaping, mask)? else { return Ok(()) };
        match self.opening.take() {
            Some(opening) => out.extend_from_slice(&opening),
            None => out.extend_from_slice(gap),
        }
        out.extend_from_slice(&shaped);
        Ok(())
    }

    /// The entry as it may leave, if it may.
    fn judge_entry(
        &mut self,
        text: &[u8],
        shaping: &Shaping<'_>,
        mask: Mask<'_>,
    ) -> Result<Option<Vec<u8>>, ShapeFault> {
        let outline = scan_within(text, AROUND_ENTRY, Some(&mask.wanted()))?;
        let root = outline.root().ok_or(ShapeFault::NotASearchset)?;
        let Some(mut entry) = Entry::read(root)? else { return Ok(None) };
        entry.infer_include(shaping.resource, shaping.includes);
        let mut walk = Walk::new(shaping.record, Some(mask));
        let stays = judge(&mut walk, 0, &entry, shaping)?;
        let is_named = entry.mode == Mode::Match || self.memory.is_named(&entry, shaping.record.his_base);
        let fate = match (stays, is_named) {
            (true, true) => Fate::Leaves,
            (true, false) => Fate::Skipped,
            (false, _) => Fate::Hidden,
        };
        self.memory.meet(&entry, fate, shaping.record.his_base)?;
        if fate != Fate::Leaves {
            self.passed.withheld = self.passed.withheld.saturating_add(1);
            return Ok(None);
        }
        let Walk { mut edits, sites, .. } = walk;
        for site in &sites {
            self.reference(&mut edits, site, shaping)?;
        }
        frame::edit_entry(&mut edits, &entry, shaping.record.our_base);
        let shaped = checked(edits.apply(outline.text())?, mask)?;
        self.passed.entries = self.passed.entries.saturating_add(u32::from(entry.mode == Mode::Match));
        Ok(Some(shaped))
    }

    fn reference(&mut self, edits: &mut Edits, site: &Site<'_>, shaping: &Shaping<'_>) -> Result<(), ShapeFault> {
        let target = site.target(shaping.record.his_base)?;
        let has_display = ["display", "_display"].iter().any(|name| site.object.member(name).is_some());
        let displays = has_display && !site.dangles && !frame::renames(target, shaping.resource);
        let is_hidden = self.memory.name(target, displays)?;
        frame::edit_site(edits, site, target, is_hidden, shaping);
        Ok(())
    }

    /// Judges the frame as a whole, and gives what of it has not left.
    fn close(
        &mut self,
        (rest, tail): (Rest, usize),
        shaping: &Shaping<'_>,
        mask: Mask<'_>,
        next_link: Option<&NextLink>,
    ) -> Result<Vec<u8>, ShapeFault> {
        let outline = scan(&self.head)?;
        let bundle = Bundle::frame(&outline)?;
        bundle.check_total(self.seen, shaping.page)?;
        let has_left = rest == Rest::Tail && self.opening.is_none();
        let mut edits = edit_frame(&bundle, shaping, mask, next_link, has_left)?;
        if bundle.link.is_none() {
            let (at, link) = if has_left {
                (bundle.value.end() - 1, format!(r#","link":{}"#, frame::links(shaping.self_link, None)))
            } else {
                (bundle.value.start() + 1, format!(r#""link":{},"#, frame::links(shaping.self_link, None)))
            };
            edits.replace(at..at, &link);
        }
        let from = if has_left { outline.text().len() - tail } else { 0 };
        checked(edits.apply_from(outline.text(), from)?, mask)
    }
}

/// The changes to the frame, apart from a link where the HIS gave none.
fn edit_frame(
    bundle: &Bundle<'_>,
    shaping: &Shaping<'_>,
    mask: Mask<'_>,
    next_link: Option<&NextLink>,
    keeps_entries: bool,
) -> Result<Edits, ShapeFault> {
    let next = bundle.next.as_deref().map(|next| pages::address(next, &mask, shaping.record.his_base)).transpose()?;
    let next = next.map(|next| next_link.and_then(|link| link(next)).ok_or(ShapeFault::MorePages)).transpose()?;
    let mut walk = Walk::new(shaping.record, Some(mask));
    frame::walk_frame(bundle, &mut walk)?;
    // What passes of the frame are codes and an address.
    if !walk.sites.is_empty() {
        return Err(ShapeFault::Unreadable { element: "reference" });
    }
    let mut edits = walk.edits;
    if let Some(link) = bundle.link {
        edits.replace(link.span(), &frame::links(shaping.self_link, next.as_deref()));
    }
    edits.drop_members(bundle.value, |name| {
        frame::is_dropped(name) || name == "total" || (name == "entry" && !keeps_entries)
    });
    Ok(edits)
}

/// The last look at what leaves, as `shape_searchset` has it.
fn checked(out: Vec<u8>, mask: Mask<'_>) -> Result<Vec<u8>, ShapeFault> {
    if mask.has_address(&out) { Err(ShapeFault::InternalAddress) } else { Ok(out) }
}
