//! Why a bundle is not passed on.

use super::super::ShapeFault;

/// Why a bundle is not passed on, and where. Says nothing of what stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct SubmitFault {
    /// Why.
    pub why: Why,
    /// The entry that it is about, counted from 0; `None` when it is the bundle.
    pub entry: Option<usize>,
}

/// Why a bundle is not passed on; one variant per reaction of who sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Why {
    /// Neither JSON nor XML as FHIR writes it.
    #[error("not a resource as FHIR writes it")]
    NotFhir,
    /// No Bundle, or a Bundle with members that no submission has.
    #[error("not a Bundle as it is sent")]
    NotABundle,
    /// A Bundle of another type than the service takes.
    #[error("a Bundle of another type")]
    OtherKind,
    /// More entries than the service takes.
    #[error("too many entries")]
    TooMany,
    /// An entry that is no plain create of its resource: another method, another address, or with a condition.
    #[error("an entry is not a create")]
    NotACreate,
    /// A `fullUrl` that is no `urn:uuid:` or `urn:oid:`, or that stands twice; the Patient has none.
    #[error("a full URL is malformed, missing or doubled")]
    FullUrl,
    /// A resource of a type that the service does not take.
    #[error("a resource of another type")]
    OtherType,
    /// Too few or too many resources of one type.
    #[error("the wrong number of resources of a type")]
    WrongNumber,
    /// A resource that names none of the profiles of the service.
    #[error("a resource of another profile")]
    OtherProfile,
    /// A resource with none of the codes of the service.
    #[error("a resource of another code")]
    OtherCode,
    /// Something is about another person.
    #[error("something is about another person")]
    OtherPerson,
    /// A resource does not say that it is about the person.
    #[error("a resource does not say whom it is about")]
    NoSubject,
    /// A Reference, or the address of a document, that leads to nothing in the bundle; in a batch, also one to another entry
    /// (FHIR STU3 http.html, 2.21.0.17.1).
    #[error("a reference leads out of the bundle")]
    LeadsOut,
    /// A resource inside another one that may not be there.
    #[error("a contained resource of a type that may not be contained")]
    Contained,
    /// A document that is no PDF.
    #[error("a document is not a PDF")]
    NotAPdf,
    /// An element that a rule must read has another form than FHIR gives it.
    #[error("an element cannot be read")]
    Unreadable,
    /// The BSN is part of a name, a number or an address.
    #[error("the BSN stands where it cannot be masked")]
    Bsn,
}

impl Why {
    /// About this entry.
    pub(super) const fn at(self, entry: usize) -> SubmitFault {
        SubmitFault { why: self, entry: Some(entry) }
    }
}

impl From<Why> for SubmitFault {
    fn from(why: Why) -> Self {
        Self { why, entry: None }
    }
}

/// Of the faults of answers only those of the scanner and of the changes are met here.
impl From<ShapeFault> for SubmitFault {
    fn from(_: ShapeFault) -> Self {
        Why::NotFhir.into()
    }
}
