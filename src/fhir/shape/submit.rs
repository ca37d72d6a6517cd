//! A bundle that a person sends, judged before the HIS gets any of it: only creates of what the service takes, all about
//! the person of the token. The bytes are scanned once; what goes to the HIS is what was sent, but for four things:
//!
//! 1. the entry of the Patient does not go: who the person is follows from the token alone;
//! 2. each Reference to that entry becomes one to the Patient that the HIS has;
//! 3. a BSN of the person is masked, as identifier and in any text; that of another person is a [`SubmitFault`];
//! 4. the logical reference beside such a Reference goes, as readers differ in which of the two they believe.
//!
//! It fails closed: a Reference that leads out of the bundle, a form that cannot be read and a member that nobody knows
//! are refused, and then nothing of the bundle goes anywhere.

mod answer;
mod fault;
mod frame;
mod judge;
mod note;
mod person;
#[cfg(test)]
mod tests;

use std::ops::Range;

use self::frame::Frame;
use self::judge::Judge;
use super::edits::{Edits, quoted};
use super::scan;
use crate::medmij::{Bsn, FhirVersion};
use crate::services::AllowedSubmission;

pub use answer::{Answering, Echo, Stored, shape_stored};
pub use fault::{SubmitFault, Why};

/// A bundle that may go, as far as it can be told without the HIS. Without `Debug`: it is a medical record.
pub struct Submission {
    text: String,
    edits: Edits,
    /// The JSON strings that refer to the Patient.
    subjects: Vec<Range<usize>>,
    entries: Vec<Sent>,
    person: Person,
    documents: Vec<Option<String>>,
}

/// One entry, in the order of the bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The resource type, one that the catalogue names.
    pub resource: String,
    /// Whether the HIS gets it; the Patient is only for us.
    pub goes: bool,
}

/// The entry of the Patient, as it goes back. Without `Debug`: it is a medical record.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// Its place in the bundle.
    pub at: usize,
    /// The `fullUrl` that it came with.
    pub full_url: String,
    /// The resource as it was sent, without id, its BSN masked; JSON.
    pub resource: String,
}

/// What goes to the HIS.
pub struct Outgoing {
    /// The bundle, JSON.
    pub body: Vec<u8>,
    /// All entries that came.
    pub entries: Vec<Sent>,
    /// The one that does not go.
    pub person: Person,
    /// Of each entry that is a document: type and content as they were sent, as members of a resource.
    documents: Vec<Option<String>>,
}

/// Judges what was sent. The body is JSON; XML is converted before.
///
/// # Errors
/// See [`SubmitFault`]. The first one found, in the order: form of the bundle, what the service takes, about whom it is.
pub fn judge_submission(
    body: &[u8],
    allowed: &AllowedSubmission,
    fhir: FhirVersion,
    bsn: &Bsn,
) -> Result<Submission, SubmitFault> {
    let outline = scan::scan(body)?;
    let frame = Frame::read(&outline, allowed)?;
    let Judge { edits, subjects, .. } = Judge::all(&frame, allowed, fhir, bsn)?;
    let person = person::read(&frame, outline.text(), fhir, bsn)?;
    let text = outline.text().to_owned();
    Ok(Submission { text, edits, subjects, entries: frame.sent(), person, documents: frame.documents() })
}

impl Submission {
    /// The entries, in the order of the bundle.
    #[must_use]
    pub fn entries(&self) -> &[Sent] {
        &self.entries
    }

    /// The bundle as the HIS gets it, about the Patient that has this logical id there.
    ///
    /// # Errors
    /// When two changes cross each other, which no bundle that was judged makes happen.
    pub fn addressed(mut self, patient_id: &str) -> Result<Outgoing, SubmitFault> {
        let subject = quoted(&format!("Patient/{patient_id}"));
        for span in std::mem::take(&mut self.subjects) {
            self.edits.replace(span, &subject);
        }
        let Self { text, edits, entries, person, documents, .. } = self;
        Ok(Outgoing { body: edits.apply(&text)?, entries, person, documents })
    }
}
