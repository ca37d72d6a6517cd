//! The path after the base as an interaction of FHIR (FHIR STU3 http.html, 2.21.0).

use super::error::{Allow, RequestError};
use crate::services::{Operation, Service};

/// Longest id (FHIR STU3 datatypes.html#id).
const ID_MAX_BYTES: usize = 64;

/// What a path names, by its form alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target<'a> {
    /// The base itself: where a bundle is sent.
    Base,
    /// A resource type.
    Type(&'a str),
    /// `Type/_search`.
    Search(&'a str),
    /// `Type/$operation`, for an operation that searches.
    Operation(&'a str, Operation),
    /// `Type/id`.
    Instance(&'a str, &'a str),
    /// An interaction of FHIR that no service has: another operation, history, a version, an operation on one resource; with
    /// the type that it is on.
    Nothing(Option<&'a str>),
}

/// Percent-encoding, empty and dot segments, and parameters of a segment occur in no interaction.
pub(super) fn parse(path: &str) -> Result<Target<'_>, RequestError> {
    if path.is_empty() {
        return Ok(Target::Base);
    }
    let mut segments = path.split('/');
    if !segments.all(is_segment) {
        return Err(RequestError::BadPath);
    }
    let mut segments = path.split('/');
    let (first, second, third) = (segments.next().unwrap_or_default(), segments.next(), segments.next());
    if first.starts_with(['$', '_']) {
        return Ok(Target::Nothing(None));
    }
    match (is_type(first), second, third) {
        (false, ..) => Err(RequestError::BadPath),
        (true, None, _) => Ok(Target::Type(first)),
        (true, Some(second), None) => of_type(first, second),
        (true, Some(_), Some(_)) => Ok(Target::Nothing(Some(first))),
    }
}

fn of_type<'a>(resource: &'a str, second: &'a str) -> Result<Target<'a>, RequestError> {
    match second {
        "_search" => Ok(Target::Search(resource)),
        "$lastn" => Ok(Target::Operation(resource, Operation::Lastn)),
        other if other.starts_with(['$', '_']) => Ok(Target::Nothing(Some(resource))),
        id if is_id(id) => Ok(Target::Instance(resource, id)),
        _ => Err(RequestError::BadPath),
    }
}

impl Target<'_> {
    /// The methods that the service offers here.
    ///
    /// # Errors
    /// When it offers none: whether the type is unknown, or only this interaction.
    pub(super) fn offered(self, service: &Service) -> Result<Allow, RequestError> {
        let (resource, allow) = match self {
            Self::Base => return service.submission.as_ref().map(|_| Allow::POST).ok_or(RequestError::BadPath),
            Self::Type(resource) => (resource, searches(service, resource, None).then_some(Allow::GET)),
            Self::Search(resource) => (resource, searches(service, resource, None).then_some(Allow::POST)),
            Self::Operation(resource, operation) => {
                (resource, searches(service, resource, Some(operation)).then_some(Allow::GET))
            }
            Self::Instance(resource, _) => (resource, service.read_of(resource).map(|_| Allow::GET)),
            Self::Nothing(None) => return Err(RequestError::NotOffered),
            Self::Nothing(Some(resource)) => (resource, None),
        };
        let known = service.has_type(resource);
        allow.ok_or(if known { RequestError::NotOffered } else { RequestError::UnknownType })
    }
}

fn searches(service: &Service, resource: &str, operation: Option<Operation>) -> bool {
    service.searches_of(resource).any(|search| search.operation == operation)
}

fn is_type(segment: &str) -> bool {
    segment.bytes().all(|c| c.is_ascii_alphabetic())
}

fn is_segment(segment: &str) -> bool {
    let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_' | b'$');
    // A bare `$` is no operation name (PDF/A qualification script 1-3 wants 400).
    !matches!(segment, "" | "." | ".." | "$" | "_") && segment.bytes().all(plain)
}

fn is_id(segment: &str) -> bool {
    segment.len() <= ID_MAX_BYTES && segment.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.'))
}
