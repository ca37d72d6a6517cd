//! What the browser brings back from the provider (OpenID Connect Core sections 3.1.2.5 and 3.1.2.6, RFC 9207).

use super::OidcError;
use super::metadata::Metadata;
use crate::form::single;
use crate::secret::Secret;

/// Longest code that is taken, in bytes.
const CODE_MAX_BYTES: usize = 4096;

/// Reads the code out of the answer.
///
/// # Errors
/// When the answer is of another issuer, an error, or holds no code.
pub(super) fn read(fields: &[(String, String)], metadata: &Metadata) -> Result<Secret<String>, OidcError> {
    comes_from(fields, metadata)?;
    if fields.iter().any(|(name, _)| name == "error") {
        return Err(sort(single(fields, "error").unwrap_or_default()));
    }
    let code = single(fields, "code").filter(|code| (1..=CODE_MAX_BYTES).contains(&code.len()));
    code.map(|code| Secret::new(code.to_owned())).ok_or(OidcError::NoCode)
}

/// RFC 9207 section 2.4: an issuer that is named is compared, and one that is promised must be named.
fn comes_from(fields: &[(String, String)], metadata: &Metadata) -> Result<(), OidcError> {
    let named = fields.iter().any(|(name, _)| name == "iss");
    let fits = match single(fields, "iss") {
        Some(issuer) => issuer == metadata.issuer,
        None => !named && !metadata.answers_name_the_issuer,
    };
    if fits { Ok(()) } else { Err(OidcError::MixedUp) }
}

/// Error codes of RFC 6749 section 4.1.2.1 and OpenID Connect Core section 3.1.2.6.
fn sort(error: &str) -> OidcError {
    match error {
        "access_denied" => OidcError::Cancelled,
        "server_error" | "temporarily_unavailable" => OidcError::OutOfOrder,
        "unauthorized_client"
        | "invalid_client"
        | "invalid_scope"
        | "unsupported_response_type"
        | "invalid_request" => OidcError::ClientRefused,
        _ => OidcError::Refused,
    }
}
