//! Login through an OpenID provider: OpenID Connect Core 1.0, the authorization code flow, as RFC 9700 wants it. PKCE, nonce
//! and `state` tie the answer to the request and to the browser; we prove who we are with a signature (`private_key_jwt`).
//! Patients come through one ([`OidcLogin`]), and people at their work through one of their organisation
//! ([`OrganisationLogin`]).
//!
//! What comes from the provider is trusted in this order: TLS to a configured origin, the issuer in its metadata, the
//! signature of the id_token by a key of that issuer, the claims in it, and userinfo about the same `sub`.

mod account;
mod answer;
mod assertion;
mod claims;
mod departure;
mod error;
mod metadata;
mod organisation;
mod party;
mod person;
mod provider;
mod remote;
mod tokens;
mod userinfo;

#[cfg(test)]
#[cfg(feature = "sandbox")]
mod tests;

use std::time::Duration;

pub use self::account::Account;
pub use self::error::OidcError;
pub use self::organisation::{OrganisationClaims, OrganisationLogin};
pub use self::party::RelyingParty;
pub use self::person::{OidcLogin, PersonClaims};
use crate::jose::{DecryptionKey, SignatureAlgorithm, SigningKey};

/// By how much the clock of the provider may differ from ours.
const LEEWAY: Duration = Duration::from_secs(30);
/// Algorithms in which a provider may sign. RS256 is the one that every provider must have (OpenID Connect Core section 15.1).
const ALGORITHMS: &[SignatureAlgorithm] = &[
    SignatureAlgorithm::Es256,
    SignatureAlgorithm::Es384,
    SignatureAlgorithm::Ps256,
    SignatureAlgorithm::EdDsa,
    SignatureAlgorithm::Rs256,
];

/// How userinfo comes, and so where the BSN is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Userinfo {
    /// It is not asked for: the id_token holds the BSN.
    None,
    /// JSON; only TLS vouches for it.
    Plain,
    /// Signed by the provider.
    Signed,
    /// Encrypted to us.
    Encrypted,
    /// Signed, and then encrypted to us.
    SignedEncrypted,
}

impl Userinfo {
    /// Each way with its word in the configuration.
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("none", Self::None),
        ("plain", Self::Plain),
        ("signed", Self::Signed),
        ("encrypted", Self::Encrypted),
        ("signed+encrypted", Self::SignedEncrypted),
    ];

    /// Whether a key of ours must open it.
    #[must_use]
    pub const fn is_encrypted(self) -> bool {
        matches!(self, Self::Encrypted | Self::SignedEncrypted)
    }
}

/// For whom the signature by which we prove ourselves is meant (`aud`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssertionAudience {
    /// The issuer, as the update of RFC 7523 asks (draft-ietf-oauth-rfc7523bis).
    Issuer,
    /// The URL of the token endpoint (OpenID Connect Core section 9), for providers that know no other.
    TokenEndpoint,
}

impl AssertionAudience {
    /// Each with its word in the configuration.
    pub const WORDS: &'static [(&'static str, Self)] =
        &[("issuer", Self::Issuer), ("token_endpoint", Self::TokenEndpoint)];
}

/// An OpenID provider, and how we are known to it.
#[derive(Debug, Clone)]
pub struct OidcConfig {
    /// `issuer`, exactly as the provider writes it.
    pub issuer: String,
    /// The origins of its endpoints and pages, as browsers write them. Nothing else is asked.
    pub origins: Vec<String>,
    /// Who we are to it.
    pub client_id: String,
    /// Where it sends the browser back to.
    pub redirect_uri: String,
    /// What is asked beside `openid`.
    pub scopes: Vec<String>,
    /// `acr_values`, by preference; none asks for nothing.
    pub acr_values: Vec<String>,
    /// How userinfo comes, when it is asked for.
    pub userinfo: Userinfo,
    /// `aud` of our signature.
    pub assertion_audience: AssertionAudience,
    /// Whether the person must log in now, also when the provider still knows them from before.
    pub fresh_login: bool,
}

/// Our private keys towards a provider.
#[derive(Debug)]
pub struct OidcKeys {
    /// Proves who we are.
    pub signing: SigningKey,
    /// Open what is encrypted to us.
    pub decryption: Vec<DecryptionKey>,
}
