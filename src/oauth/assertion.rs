//! What a portal signs: an assertion that it is itself (RFC 7523 section 2.2) and an assertion of who is at its pages
//! (section 2.1). Each is good for one use and for a minute at most, and only the keys of the portal's registration verify
//! it. An address in a header (`jku`, `x5u`) is never read, so nothing is ever fetched.

mod client;
mod person;

use std::time::Duration;

use jiff::Timestamp;

pub use client::{CLIENT_ASSERTION_TYPE, ProvenClient};
pub use person::AssertedPerson;

use super::replay::{ReplayStore, UsedId};
use super::store::StoreError;
use crate::jose::{
    AudienceRule, Checked, ClaimError, DecryptionKey, Expected, Jwe, JweError, Jwks, Jws, JwsError, Rules,
    SignatureAlgorithm,
};
use crate::medmij::Hostname;

/// Longest life of an assertion, from its making to its end.
pub const LIFETIME: Duration = Duration::from_secs(60);
/// By how much the clock of a portal may differ from ours.
const LEEWAY: Duration = Duration::from_secs(5);
/// How portals may sign. RS256 and the symmetric algorithms are not among them.
const ALGORITHMS: &[SignatureAlgorithm] =
    &[SignatureAlgorithm::Es256, SignatureAlgorithm::Es384, SignatureAlgorithm::Ps256, SignatureAlgorithm::EdDsa];

/// Why an assertion proves nothing. The texts are constants: no token, key or claim is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// It is not of the form, or its signature is not the portal's.
    #[error(transparent)]
    Signature(#[from] JwsError),
    /// It says other things than it must.
    #[error(transparent)]
    Claims(#[from] ClaimError),
    /// It does not open with a key of ours.
    #[error(transparent)]
    Encryption(#[from] JweError),
    /// The registration asks for an encrypted one.
    #[error("the assertion must be encrypted to our key")]
    NotEncrypted,
    /// What is encrypted is no signed token, or the header does not say so.
    #[error("what is encrypted is not a signed token (cty must be JWT)")]
    NotNested,
    /// It names nobody that we can look for.
    #[error("the assertion has no usable citizen service number (bsn)")]
    NoPerson,
    /// Its `jti` was used before.
    #[error("the assertion was used before (jti)")]
    Replayed,
    /// Whether it was used before cannot be known now.
    #[error("whether the assertion was used before cannot be known now")]
    Store,
}

impl From<StoreError> for AssertionError {
    fn from(_: StoreError) -> Self {
        Self::Store
    }
}

/// Against what an assertion is held.
#[derive(Clone, Copy)]
pub struct AssertionRules<'a> {
    /// The portal that must have made it.
    pub client: &'a Hostname,
    /// The portal's keys.
    pub keys: &'a Jwks,
    /// Our names: the token endpoint, and our issuers.
    pub audience: &'a [&'a str],
    /// Where ids are remembered.
    pub ids: &'a dyn ReplayStore,
    /// Our keys for what is encrypted to us.
    pub decryption: &'a [DecryptionKey],
    /// Now.
    pub now: Timestamp,
}

impl AssertionRules<'_> {
    /// Verifies a signed token and spends its id: of any number of presentations at once exactly one succeeds.
    async fn spend(&self, token: &str, subject: Option<&str>) -> Result<Checked, AssertionError> {
        let rules = Rules { algorithms: ALGORITHMS, typ: None };
        let verified = Jws::parse(token)?.verify(self.keys, &rules)?.claims()?;
        let expected = Expected {
            issuer: self.client.as_str(),
            subject,
            audience: self.audience,
            // One that others receive too, they could bring here.
            others: AudienceRule::Only,
            nonce: None,
            issued_at: true,
            token_id: true,
            lifetime: LIFETIME,
            leeway: LEEWAY,
        };
        let checked = verified.check(&expected, self.now)?;
        let jti = checked.token_id().ok_or(ClaimError::TokenId)?;
        let until = checked.expires_at().saturating_add(LEEWAY).unwrap_or(Timestamp::MAX);
        let first = self.ids.first_use(UsedId::of(self.client, jti, until)).await?;
        if first { Ok(checked) } else { Err(AssertionError::Replayed) }
    }

    /// The signed token inside an encrypted one.
    fn open(&self, token: &str) -> Result<crate::jose::Decrypted, AssertionError> {
        Ok(Jwe::parse(token)?.decrypt(self.decryption)?)
    }
}

#[cfg(test)]
mod tests;
