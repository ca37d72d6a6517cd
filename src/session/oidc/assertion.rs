//! How we prove to the provider who we are: a short-lived signature (RFC 7523 section 2.2, OpenID Connect Core section 9).

use jiff::Timestamp;
use serde_json::json;

use super::metadata::Metadata;
use super::{AssertionAudience, OidcConfig, OidcError};
use crate::jose::SigningKey;
use crate::secret::{Handle, Secret};

/// Seconds that an assertion lives.
const LIFETIME_SECONDS: i64 = 60;

/// `client_assertion_type`.
pub(super) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Signs one for a single use.
///
/// # Errors
/// When the key does not sign.
pub(super) fn sign(
    config: &OidcConfig,
    metadata: &Metadata,
    key: &SigningKey,
    now: Timestamp,
) -> Result<Secret<String>, OidcError> {
    let audience = match config.assertion_audience {
        AssertionAudience::Issuer => metadata.issuer.as_str(),
        AssertionAudience::TokenEndpoint => metadata.token.url().as_str(),
    };
    let claims = json!({
        "iss": config.client_id,
        "sub": config.client_id,
        "aud": audience,
        "jti": Handle::draw().reveal(),
        "iat": now.as_second(),
        "exp": now.as_second().saturating_add(LIFETIME_SECONDS),
    });
    key.sign("JWT", &claims).map_err(|_| OidcError::Signing)
}
