//! Login through an OpenID provider: OpenID Connect Core 1.0, the authorization code flow, as RFC 9700 wants it. PKCE, nonce
//! and `state` tie the answer to the request and to the browser; we prove who we are with a signature (`private_key_jwt`).
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
mod provider;
mod remote;
mod tokens;
mod userinfo;

#[cfg(test)]
#[cfg(feature = "sandbox")]
mod tests;

use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, Instant};

pub use self::account::Account;
use self::departure::Departed;
pub use self::error::OidcError;
use self::provider::Provider;
use self::remote::Remote;
use super::login::{
    AssuranceLevel, AuthenticatedPerson, Departure, IdentityProvider, LoginEnd, LoginFuture, LoginMethod, LoginState,
    LoginUnavailable, WayToLogin,
};
use crate::clock::SharedClock;
use crate::jose::{Claims, DecryptionKey, SignatureAlgorithm, SigningKey};
use crate::medmij::Bsn;

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
    /// What each value of the level claim means.
    pub levels: BTreeMap<String, AssuranceLevel>,
    /// The claim that says how the person logged in, in the id_token or else in userinfo.
    pub level_claim: String,
    /// The weakest login that is accepted.
    pub minimum_level: AssuranceLevel,
    /// The claim with the BSN.
    pub bsn_claim: String,
    /// Where that claim stands.
    pub userinfo: Userinfo,
    /// `aud` of our signature.
    pub assertion_audience: AssertionAudience,
    /// Whether the person must log in now, also when the provider still knows them from before.
    pub fresh_login: bool,
}

impl OidcConfig {
    /// Levels under the names of DigiD (SAML) and of eIDAS; a configuration adds to them.
    pub const LEVELS: &'static [(&'static str, AssuranceLevel)] = &[
        ("urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport", AssuranceLevel::Basis),
        ("urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract", AssuranceLevel::Midden),
        ("urn:oasis:names:tc:SAML:2.0:ac:classes:Smartcard", AssuranceLevel::Substantieel),
        ("urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI", AssuranceLevel::Hoog),
        ("http://eidas.europa.eu/LoA/low", AssuranceLevel::Basis),
        ("http://eidas.europa.eu/LoA/substantial", AssuranceLevel::Substantieel),
        ("http://eidas.europa.eu/LoA/high", AssuranceLevel::Hoog),
    ];
}

/// Our private keys towards a provider.
#[derive(Debug)]
pub struct OidcKeys {
    /// Proves who we are.
    pub signing: SigningKey,
    /// Open what is encrypted to us.
    pub decryption: Vec<DecryptionKey>,
}

/// A login service that speaks OpenID Connect.
pub struct OidcLogin {
    config: OidcConfig,
    keys: OidcKeys,
    provider: Provider,
    remote: Remote,
    clock: SharedClock,
}

impl OidcLogin {
    /// One over a client that trusts only the provider's roots and follows no redirect. Nothing is asked of the provider yet.
    ///
    /// # Errors
    /// [`OidcError::Issuer`] when the issuer is not an https URL on one of the origins.
    pub fn new(
        config: OidcConfig,
        keys: OidcKeys,
        client: reqwest::Client,
        clock: SharedClock,
    ) -> Result<Self, OidcError> {
        let remote = Remote::new(client);
        let provider = Provider::new(&config, keys.signing.algorithm(), remote.clone(), SharedClock::clone(&clock))?;
        Ok(Self { config, keys, provider, remote, clock })
    }

    /// Our public keys as a JWKS, as they are registered at the provider.
    #[must_use]
    pub fn published_keys(&self) -> serde_json::Value {
        let opening = self.keys.decryption.iter().map(DecryptionKey::published);
        let keys: Vec<_> = std::iter::once(self.keys.signing.published()).chain(opening).collect();
        serde_json::json!({ "keys": keys })
    }

    /// Reads the provider's metadata and keys, and holds them against the configuration.
    ///
    /// # Errors
    /// What is not as it should be.
    pub async fn look(&self) -> Result<Account, OidcError> {
        self.provider.known().await.map(|known| Account::of(&known))
    }

    async fn depart(&self, departure: &Departure<'_>) -> Result<WayToLogin, OidcError> {
        let known = self.provider.known().await?;
        let departed = Departed::now(self.clock.now());
        let address = departed.address(&known.metadata, &self.config, departure);
        Ok(WayToLogin { address, state: departed.into_state() })
    }

    async fn come_back(
        &self,
        state: &LoginState,
        fields: &[(String, String)],
    ) -> Result<AuthenticatedPerson, OidcError> {
        let departed = Departed::read(state).ok_or(OidcError::NotOurs)?;
        let known = self.provider.known().await?;
        let code = answer::read(fields, &known.metadata)?;
        let tokens = self.exchange(&known, &code, &departed).await?;
        let id_token = self.verified(known, &tokens.id_token, &departed).await?;
        let userinfo = self.userinfo(&id_token, &tokens).await?;
        self.person(&id_token, userinfo.as_ref())
    }

    /// Reads the person out of what the provider vouched for.
    fn person(&self, id_token: &claims::IdToken, userinfo: Option<&Claims>) -> Result<AuthenticatedPerson, OidcError> {
        let level = self.level(id_token, userinfo).ok_or(OidcError::UnknownLevel)?;
        if level < self.config.minimum_level {
            return Err(OidcError::TooWeak);
        }
        let bsn = userinfo.unwrap_or(id_token.claims()).text(&self.config.bsn_claim).ok_or(OidcError::NoBsn)?;
        let bsn = Bsn::parse(bsn).map_err(|_| OidcError::NoBsn)?;
        let at = id_token.logged_in_at().unwrap_or_else(|| self.clock.now());
        Ok(AuthenticatedPerson { bsn, level, at, method: LoginMethod::Oidc })
    }

    fn level(&self, id_token: &claims::IdToken, userinfo: Option<&Claims>) -> Option<AssuranceLevel> {
        let claim = &self.config.level_claim;
        let said = id_token.claims().text(claim).or_else(|| userinfo?.text(claim))?;
        self.config.levels.get(said).copied()
    }

    /// Bounds the work by the deadline and says in the log why a login ended, when the person did not end it.
    async fn by<T>(&self, deadline: Instant, work: impl Future<Output = Result<T, OidcError>>) -> Result<T, OidcError> {
        let left = deadline.saturating_duration_since(self.clock.monotonic());
        let done = tokio::time::timeout(left, work).await.unwrap_or(Err(OidcError::TimedOut));
        if let Err(error) = done.as_ref()
            && *error != OidcError::Cancelled
        {
            tracing::warn!(%error, "a login at the login service ended without a person");
        }
        done
    }
}

impl IdentityProvider for OidcLogin {
    fn origins(&self) -> &[String] {
        &self.config.origins
    }

    fn start<'a>(&'a self, departure: Departure<'a>) -> LoginFuture<'a, WayToLogin, LoginUnavailable> {
        Box::pin(
            async move { self.by(departure.deadline, self.depart(&departure)).await.map_err(|_| LoginUnavailable) },
        )
    }

    fn finish<'a>(
        &'a self,
        state: LoginState,
        fields: &'a [(String, String)],
        deadline: Instant,
    ) -> LoginFuture<'a, AuthenticatedPerson, LoginEnd> {
        Box::pin(async move { self.by(deadline, self.come_back(&state, fields)).await.map_err(OidcError::end) })
    }
}
