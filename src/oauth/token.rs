//! The token request: what it brings and what it leads to. The client is known by its TLS certificate (core.tknint.200,
//! RFC 8705 section 2).

mod assertion_grant;
mod chain;
mod code_grant;
mod desk;
mod error;
mod issue;
mod patience;
mod portal_scope;
mod refresh_grant;
mod revocation;

use std::time::Duration;

pub use assertion_grant::{JWT_BEARER, PortalDesk};
pub use desk::TokenDesk;
pub use error::TokenError;
pub use issue::{ScopeForm, TokenRules};
pub use patience::Patience;

use super::refresh::RefreshToken;
use crate::medmij::{CorrelationId, LocalId, RequestId};
use crate::routing::Caller;
use crate::secret::{Handle, Secret};

/// Who asks, and the ids of the request.
#[derive(Debug, Clone, Copy)]
pub struct TokenCall<'a> {
    /// The other end of the connection.
    pub caller: Caller<'a>,
    /// Our id.
    pub local_id: LocalId,
    /// `MedMij-Request-ID`, when well-formed.
    pub request_id: Option<RequestId>,
    /// `X-Correlation-ID`, when well-formed.
    pub correlation_id: Option<CorrelationId>,
}

/// Tokens that were issued (core.tknint.201).
#[derive(Debug)]
pub struct TokenAnswer {
    /// The access token; this is the only time that it is seen.
    pub token: Handle,
    /// Its lifetime.
    pub lifetime: Duration,
    /// The services that it covers, as [`ScopeForm`] writes them.
    pub scope: String,
    /// The refresh token; with lasting consent only.
    pub refresh: Option<RefreshToken>,
    /// For a SMART client: the id of the person's Patient resource under our FHIR base.
    pub patient: Option<Secret<String>>,
}
