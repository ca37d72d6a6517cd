//! JOSE: JSON Web Keys, signed and encrypted tokens in compact form. Values only, no I/O, no time of its own.
//!
//! A token goes one way: [`Jws::parse`] takes it apart and refuses what no rule of ours allows, [`Jws::verify`] makes it
//! [`Verified`], [`Verified::claims`] reads its payload, [`Verified::check`] compares the claims with what is expected and
//! gives [`Checked`]. None of these values has another constructor. An encrypted token ([`Jwe`]) is opened first.
//!
//! - The caller lists the algorithms; `none` and the symmetric ones do not exist here, so they can never be listed.
//! - A key comes from the set that the caller holds for that peer, never from the header of a token (`jwk`, `jku`, `x5u` and
//!   `x5c` are not read), and its type, `use`, `key_ops` and `alg` must fit (RFC 8725 section 3.1).
//! - A token with `crit` is refused: no extension is known here (RFC 7515 section 4.1.11). So is a compressed one.
//! - Errors are constants: they never repeat a token, a claim or a key. Tokens, keys and payloads print as redacted and are
//!   wiped when dropped.
//! - aws-lc-rs does the mathematics. It needs no process-wide provider, so nothing is left to fail at first use. The random
//!   values inside a signature or an ephemeral key are its own.

mod algorithm;
mod claims;
mod encoding;
mod jwe;
mod jwk;
mod jwks;
mod jws;
mod keys;
mod sign;
#[cfg(test)]
mod tests;

pub use algorithm::{KeyManagement, SignatureAlgorithm};
pub use claims::{AudienceRule, Checked, ClaimError, Claims, Expected};
pub use jwe::{Decrypted, DecryptionKey, Jwe, JweError, encrypt};
pub use jwk::{Jwk, JwkError};
pub use jwks::Jwks;
pub use jws::{Jws, JwsError, Rules, Verified};
pub use keys::KeyError;
pub use sign::SigningKey;
