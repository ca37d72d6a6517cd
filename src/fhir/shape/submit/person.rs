//! The entry of the Patient: it names nobody but the person of the token, goes nowhere, and comes back as it was sent.

use super::answer::cut_out;
use super::frame::{Entry, Frame};
use super::judge::Judge;
use super::{Person, SubmitFault, Why};
use crate::medmij::{Bsn, FhirVersion};

pub(super) fn read(frame: &Frame<'_>, text: &str, fhir: FhirVersion, bsn: &Bsn) -> Result<Person, SubmitFault> {
    let at = frame.patient;
    let entry = frame.entries.get(at).ok_or(Why::WrongNumber)?;
    let resource = echo(frame, entry, text, fhir, bsn).map_err(|why| why.at(at))?;
    Ok(Person { at, full_url: frame.subject.to_owned(), resource })
}

fn echo(frame: &Frame<'_>, entry: &Entry<'_>, text: &str, fhir: FhirVersion, bsn: &Bsn) -> Result<String, Why> {
    let mut judge = Judge::new(frame, fhir, bsn);
    judge.resource(entry.resource)?;
    let Judge { mut edits, .. } = judge;
    // An id that the sender gave is ignored (FHIR STU3 http.html, 2.21.0.10), and it is none of ours.
    edits.drop_members(entry.resource, |name| matches!(name, "id" | "_id"));
    cut_out(edits, entry.resource, text).map_err(|_| Why::Unreadable)
}
