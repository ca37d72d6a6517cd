//! We, as a provider knows us: the way to it, and back with what it vouches for.

use std::future::Future;
use std::time::Instant;

use super::account::Account;
use super::claims::IdToken;
use super::departure::Departed;
use super::provider::Provider;
use super::remote::Remote;
use super::{OidcConfig, OidcError, OidcKeys, answer};
use crate::clock::SharedClock;
use crate::jose::{Claims, DecryptionKey};
use crate::language::Language;
use crate::session::login::{LoginState, WayToLogin};

/// A relying party of one provider.
pub struct RelyingParty {
    pub(super) config: OidcConfig,
    pub(super) keys: OidcKeys,
    pub(super) provider: Provider,
    pub(super) remote: Remote,
    pub(super) clock: SharedClock,
}

impl RelyingParty {
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

    /// The way there; `ticket` comes back as `state`.
    pub(super) async fn depart(&self, ticket: &str, language: Language) -> Result<WayToLogin, OidcError> {
        let known = self.provider.known().await?;
        let departed = Departed::now(self.clock.now());
        let address = departed.address(&known.metadata, &self.config, ticket, language);
        Ok(WayToLogin { address, state: departed.into_state() })
    }

    /// The claims that the provider vouches for, and those of userinfo when it is asked for.
    pub(super) async fn come_back(
        &self,
        state: &LoginState,
        fields: &[(String, String)],
    ) -> Result<(IdToken, Option<Claims>), OidcError> {
        let departed = Departed::read(state).ok_or(OidcError::NotOurs)?;
        let known = self.provider.known().await?;
        let code = answer::read(fields, &known.metadata)?;
        let tokens = self.exchange(&known, &code, &departed).await?;
        let id_token = self.verified(known, &tokens.id_token, &departed).await?;
        let userinfo = self.userinfo(&id_token, &tokens).await?;
        Ok((id_token, userinfo))
    }

    /// Bounds the work by the deadline and says in the log why a login ended, when nobody cancelled it.
    pub(super) async fn by<T>(
        &self,
        deadline: Instant,
        work: impl Future<Output = Result<T, OidcError>>,
    ) -> Result<T, OidcError> {
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
