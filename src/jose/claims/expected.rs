//! What a caller expects of the claims, and the value that says they are so.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use subtle::ConstantTimeEq as _;

use super::super::jws::Verified;
use super::Claims;

/// Why claims are not as expected. Nothing of them is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// `iss` is missing or another.
    #[error("the token comes from another issuer (iss)")]
    Issuer,
    /// `sub` is missing or another.
    #[error("the token is about another subject (sub)")]
    Subject,
    /// `aud` is missing, or names others than allowed.
    #[error("the token is for another audience (aud)")]
    Audience,
    /// `exp` is missing or no time.
    #[error("the token does not say when it ends (exp)")]
    NoExpiry,
    /// `exp` has passed.
    #[error("the token has expired (exp)")]
    Expired,
    /// `exp` is further away than allowed.
    #[error("the token lives longer than is allowed here (exp)")]
    TooLong,
    /// `nbf` is still to come, or no time.
    #[error("the token is not valid yet (nbf)")]
    NotYet,
    /// `iat` is asked for and missing, no time, still to come, or after `exp`.
    #[error("the token does not say truly when it was made (iat)")]
    IssuedAt,
    /// `jti` is asked for and missing, empty, or longer than 255 bytes.
    #[error("the token has no usable id (jti)")]
    TokenId,
    /// `nonce` is missing or another.
    #[error("the token answers another request (nonce)")]
    Nonce,
}

/// Whether `aud` may name others beside us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AudienceRule {
    /// One of our names is among those listed.
    Among,
    /// Only our names are listed. For tokens that let their bearer in: one that others receive too, they could use.
    Only,
}

/// What the claims must be. Texts are compared exactly.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// `iss`.
    pub issuer: &'a str,
    /// `sub`, when it is known.
    pub subject: Option<&'a str>,
    /// Our names, one of which `aud` must have.
    pub audience: &'a [&'a str],
    /// Whether `aud` may name others.
    pub others: AudienceRule,
    /// `nonce`, when one was sent.
    pub nonce: Option<&'a str>,
    /// Whether there must be an `iat`.
    pub issued_at: bool,
    /// Whether there must be a `jti`.
    pub token_id: bool,
    /// Longest time from now, and from `iat`, to `exp`.
    pub lifetime: Duration,
    /// By how much the clocks may differ.
    pub leeway: Duration,
}

/// Claims that are signed by a key of the sender and are as expected. Only [`Verified::check`] makes them.
pub struct Checked {
    claims: Claims,
    expires_at: Timestamp,
    issued_at: Option<Timestamp>,
}

impl Verified<Claims> {
    /// Compares the claims with what is expected at `now`.
    ///
    /// # Errors
    /// See [`ClaimError`].
    pub fn check(self, expected: &Expected<'_>, now: Timestamp) -> Result<Checked, ClaimError> {
        let claims = self.into_value();
        parties(&claims, expected)?;
        let expires_at = expiry(&claims, expected, now)?;
        let issued_at = issue(&claims, expected, now, expires_at)?;
        not_before(&claims, expected, now)?;
        let checked = Checked { claims, expires_at, issued_at };
        if expected.token_id && checked.token_id().is_none() { Err(ClaimError::TokenId) } else { Ok(checked) }
    }
}

fn parties(claims: &Claims, expected: &Expected<'_>) -> Result<(), ClaimError> {
    if claims.text("iss") != Some(expected.issuer) {
        return Err(ClaimError::Issuer);
    }
    if expected.subject.is_some_and(|subject| claims.text("sub") != Some(subject)) {
        return Err(ClaimError::Subject);
    }
    if !audience_fits(claims.value("aud"), expected) {
        return Err(ClaimError::Audience);
    }
    let same = |nonce: &str| claims.text("nonce").is_some_and(|found| found.as_bytes().ct_eq(nonce.as_bytes()).into());
    if expected.nonce.is_some_and(|nonce| !same(nonce)) { Err(ClaimError::Nonce) } else { Ok(()) }
}

/// A text, or a list of texts (RFC 7519 section 4.1.3).
fn audience_fits(found: Option<&Value>, expected: &Expected<'_>) -> bool {
    let listed = match found {
        Some(Value::Array(listed)) => listed.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    let mut ours = listed.iter().map(|value| value.as_str().is_some_and(|name| expected.audience.contains(&name)));
    match expected.others {
        AudienceRule::Among => ours.any(|ours| ours),
        AudienceRule::Only => !listed.is_empty() && ours.all(|ours| ours),
    }
}

fn expiry(claims: &Claims, expected: &Expected<'_>, now: Timestamp) -> Result<Timestamp, ClaimError> {
    let expires_at = claims.value("exp").and_then(numeric_date).ok_or(ClaimError::NoExpiry)?;
    if expires_at <= before(now, expected.leeway) {
        return Err(ClaimError::Expired);
    }
    let latest = after(after(now, expected.lifetime), expected.leeway);
    if expires_at > latest { Err(ClaimError::TooLong) } else { Ok(expires_at) }
}

fn issue(
    claims: &Claims,
    expected: &Expected<'_>,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<Option<Timestamp>, ClaimError> {
    let Some(written) = claims.value("iat") else {
        return if expected.issued_at { Err(ClaimError::IssuedAt) } else { Ok(None) };
    };
    let issued_at = numeric_date(written).ok_or(ClaimError::IssuedAt)?;
    if issued_at > after(now, expected.leeway) || issued_at > expires_at {
        return Err(ClaimError::IssuedAt);
    }
    if expires_at > after(issued_at, expected.lifetime) { Err(ClaimError::TooLong) } else { Ok(Some(issued_at)) }
}

fn not_before(claims: &Claims, expected: &Expected<'_>, now: Timestamp) -> Result<(), ClaimError> {
    let Some(written) = claims.value("nbf") else { return Ok(()) };
    let from = numeric_date(written).ok_or(ClaimError::NotYet)?;
    if from > after(now, expected.leeway) { Err(ClaimError::NotYet) } else { Ok(()) }
}

/// Seconds since 1970, whole or with a fraction, which is cut off (RFC 7519 section 2).
fn numeric_date(value: &Value) -> Option<Timestamp> {
    let seconds = match value.as_i64() {
        Some(whole) => whole,
        None => value.as_f64().filter(|number| number.is_finite())? as i64,
    };
    if seconds < 0 { None } else { Timestamp::from_second(seconds).ok() }
}

fn after(time: Timestamp, by: Duration) -> Timestamp {
    time.saturating_add(by).unwrap_or(Timestamp::MAX)
}

fn before(time: Timestamp, by: Duration) -> Timestamp {
    time.saturating_sub(by).unwrap_or(Timestamp::MIN)
}

impl Checked {
    /// The claims.
    #[must_use]
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }

    /// `jti`: a text of 1 to 255 bytes.
    #[must_use]
    pub fn token_id(&self) -> Option<&str> {
        self.claims.text("jti").filter(|id| (1..=255).contains(&id.len()))
    }

    /// `exp`.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// `iat`.
    #[must_use]
    pub const fn issued_at(&self) -> Option<Timestamp> {
        self.issued_at
    }
}

impl fmt::Debug for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Checked([redacted])")
    }
}
