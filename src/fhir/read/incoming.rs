//! A request for data, as it came in.

use super::ReadError;
use crate::fhir::request::{Asked, RequestError};
use crate::medmij::{CorrelationId, LocalId, RequestId};
use crate::routing::{Caller, Route, is_plain, route};

/// A request for data as it came in. Without `Debug`: it holds the token.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Our id.
    pub local_id: LocalId,
    /// `MedMij-Request-ID`, when well-formed.
    pub request_id: Option<RequestId>,
    /// `X-Correlation-ID`, when well-formed.
    pub correlation_id: Option<CorrelationId>,
    /// Who is calling.
    pub caller: Caller<'a>,
    /// The path, parsed, or why it leads nowhere.
    pub route: Result<Route<'a>, ReadError>,
    /// The bearer token, or why there is none.
    pub token: Result<&'a str, NoToken>,
    /// What is asked there.
    pub asked: Asked<'a>,
}

/// Where a path leads.
///
/// # Errors
/// `BadPath` when it could be read as two things, `NoRoute` when it is under no base of ours.
pub fn route_of(path: &str) -> Result<Route<'_>, ReadError> {
    let plain = is_plain(path).then_some(path).ok_or(ReadError::Request(RequestError::BadPath))?;
    route(plain).ok_or(ReadError::NoRoute)
}

/// Why a request carries no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoToken {
    /// No `Authorization` header.
    #[error("there is no access token")]
    Missing,
    /// Another scheme, two headers, or characters that no token has (RFC 6750 section 2.1).
    #[error("the Authorization header is malformed")]
    Malformed,
}
