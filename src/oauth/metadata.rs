//! What the authorization server for PGOs says of itself (RFC 8414): exactly what is served. It promises no `iss` in the answer
//! of an authorization (RFC 9207), because the interface of MedMij has no such parameter.

use serde::Serialize;

use super::token::JWT_BEARER;

/// How portals may sign (RFC 7518 section 3.1, RFC 8037).
pub(super) const SIGNING: [&str; 4] = ["ES256", "ES384", "PS256", "EdDSA"];

/// The metadata document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    revocation_endpoint: String,
    response_types_supported: [&'static str; 1],
    response_modes_supported: [&'static str; 1],
    grant_types_supported: Vec<&'static str>,
    /// RFC 8705 section 2.1: a client is known by the name in its certificate. A portal proves itself with a key besides.
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    revocation_endpoint_auth_methods_supported: [&'static str; 1],
    /// RFC 8705 section 3.3.
    tls_client_certificate_bound_access_tokens: bool,
    #[serde(flatten)]
    portals: Option<ForPortals>,
}

/// What only portals use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct ForPortals {
    token_endpoint_auth_signing_alg_values_supported: [&'static str; SIGNING.len()],
    /// Our keys, to which portals encrypt.
    jwks_uri: String,
}

impl Metadata {
    /// Of a gateway with these origins: that of the front channel, which is the issuer, and that of the back channel; and
    /// whether any portal is registered.
    #[must_use]
    pub fn new(front: &str, back: &str, portals: bool) -> Self {
        let mut grant_types = vec!["authorization_code", "refresh_token"];
        let mut methods = vec!["tls_client_auth"];
        if portals {
            grant_types.push(JWT_BEARER);
            methods.push("private_key_jwt");
        }
        Self {
            issuer: front.to_owned(),
            authorization_endpoint: format!("{front}/oauth/authorize"),
            token_endpoint: format!("{back}/oauth/token"),
            revocation_endpoint: format!("{back}/oauth/revoke"),
            response_types_supported: ["code"],
            response_modes_supported: ["query"],
            grant_types_supported: grant_types,
            token_endpoint_auth_methods_supported: methods,
            revocation_endpoint_auth_methods_supported: ["tls_client_auth"],
            tls_client_certificate_bound_access_tokens: true,
            portals: portals.then(|| ForPortals {
                token_endpoint_auth_signing_alg_values_supported: SIGNING,
                jwks_uri: format!("{back}/.well-known/jwks.json"),
            }),
        }
    }
}
