//! What the door of portals says of itself: RFC 8414 metadata, which is also the SMART configuration (SMART App Launch 2.2,
//! "Conformance"). It promises `iss` in the answer of an authorization (RFC 9207) and asks for S256.

use serde::Serialize;

use super::metadata::SIGNING;
use super::smart_scope::offered;
use crate::services::{Catalogue, Purpose};

/// What the server does, in the words of SMART App Launch 2.2.
const CAPABILITIES: [&str; 5] = [
    "launch-standalone",
    "client-confidential-asymmetric",
    "context-standalone-patient",
    "permission-patient",
    "permission-v2",
];

/// The document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SmartConfiguration {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    revocation_endpoint: String,
    response_types_supported: [&'static str; 1],
    response_modes_supported: [&'static str; 1],
    grant_types_supported: [&'static str; 1],
    code_challenge_methods_supported: [&'static str; 1],
    /// A portal shows its certificate in any case; it may prove itself with its key besides.
    token_endpoint_auth_methods_supported: [&'static str; 2],
    token_endpoint_auth_signing_alg_values_supported: [&'static str; SIGNING.len()],
    revocation_endpoint_auth_methods_supported: [&'static str; 1],
    tls_client_certificate_bound_access_tokens: bool,
    authorization_response_iss_parameter_supported: bool,
    scopes_supported: Vec<String>,
    capabilities: [&'static str; CAPABILITIES.len()],
}

impl SmartConfiguration {
    /// Of a gateway with these origins: that of the front channel, under which the issuer is, and that of the back channel.
    #[must_use]
    pub fn new(front: &str, back: &str, catalogue: &Catalogue) -> Self {
        Self {
            issuer: format!("{front}/smart"),
            authorization_endpoint: format!("{front}/smart/authorize"),
            token_endpoint: format!("{back}/oauth/token"),
            revocation_endpoint: format!("{back}/oauth/revoke"),
            response_types_supported: ["code"],
            response_modes_supported: ["query"],
            grant_types_supported: ["authorization_code"],
            code_challenge_methods_supported: ["S256"],
            token_endpoint_auth_methods_supported: ["tls_client_auth", "private_key_jwt"],
            token_endpoint_auth_signing_alg_values_supported: SIGNING,
            revocation_endpoint_auth_methods_supported: ["tls_client_auth"],
            tls_client_certificate_bound_access_tokens: true,
            authorization_response_iss_parameter_supported: true,
            scopes_supported: scopes(catalogue),
            capabilities: CAPABILITIES,
        }
    }
}

fn scopes(catalogue: &Catalogue) -> Vec<String> {
    let services = catalogue.iter().filter(|service| service.purpose == Purpose::Collect);
    let offered = services.flat_map(offered);
    let mut scopes: Vec<_> =
        offered.map(|(resource, access)| format!("patient/{resource}.{}", access.letter())).collect();
    scopes.push("launch/patient".to_owned());
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}
