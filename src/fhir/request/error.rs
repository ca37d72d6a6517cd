//! Why a request is outside the service.

use super::FormFault;
use crate::form::FormError;

/// One variant per reaction of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Empty, dot or encoded segments, or characters that no interaction of FHIR has.
    #[error("the path is no FHIR interaction")]
    BadPath,
    /// The path names no resource type that the service has.
    #[error("this service has no such resource type")]
    UnknownType,
    /// The path is an interaction of FHIR, but none of this service.
    #[error("this service does not have this interaction")]
    NotOffered,
    /// The path offers other methods, or none.
    #[error("this method is not allowed here")]
    Method(Allow),
    /// The body has another media type than the interaction takes, or another FHIR version than the endpoint.
    #[error("the media type of the body cannot be taken")]
    Media,
    /// The form of a search is too large.
    #[error("the form is too large")]
    TooLarge,
    /// Percent-encoding that is broken or not UTF-8.
    #[error("the parameters are not properly encoded")]
    BadEncoding,
    /// The client accepts no format that is served, or asks for another FHIR version.
    #[error("no such format can be served")]
    NotAcceptable,
    /// A parameter that the search does not have.
    #[error("a search parameter is not allowed on this search")]
    UnknownParameter,
    /// A required parameter is missing.
    #[error("a required search parameter is missing")]
    MissingParameter,
    /// A value outside the closed set, or no date.
    #[error("the value of a search parameter is not allowed")]
    BadValue,
    /// A parameter that occurs more often than it may.
    #[error("a search parameter stands twice")]
    Repeated,
}

/// The methods that a path offers (RFC 9110 section 10.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allow {
    /// GET.
    pub get: bool,
    /// POST.
    pub post: bool,
}

impl Allow {
    /// No method at all.
    pub(super) const NOTHING: Self = Self { get: false, post: false };
    /// Only reading.
    pub(in crate::fhir) const GET: Self = Self { get: true, post: false };
    /// Only sending.
    pub(super) const POST: Self = Self { get: false, post: true };

    /// The value of the header; an empty one says that the path allows no method.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match (self.get, self.post) {
            (true, true) => "GET, POST",
            (true, false) => "GET",
            (false, true) => "POST",
            (false, false) => "",
        }
    }
}

impl RequestError {
    /// How far a search came before it failed: of several that a request could have meant, the one that came furthest says
    /// best what to do.
    pub(super) const fn distance(self) -> u8 {
        match self {
            Self::UnknownParameter => 1,
            Self::MissingParameter => 2,
            Self::BadValue => 3,
            Self::Repeated => 4,
            Self::BadPath
            | Self::UnknownType
            | Self::NotOffered
            | Self::Method(_)
            | Self::Media
            | Self::TooLarge
            | Self::BadEncoding
            | Self::NotAcceptable => 0,
        }
    }
}

impl From<FormError> for RequestError {
    fn from(error: FormError) -> Self {
        match error {
            FormError::Encoding => Self::BadEncoding,
            FormError::TooMany => Self::UnknownParameter,
        }
    }
}

impl From<FormFault> for RequestError {
    fn from(fault: FormFault) -> Self {
        match fault {
            FormFault::TooLarge => Self::TooLarge,
            FormFault::NoText => Self::BadEncoding,
        }
    }
}
