//! The id_token (OpenID Connect Core section 3.1.3.7): signed by a key of the issuer, made for us, for this departure, now.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::departure::Departed;
use super::provider::Known;
use super::{ALGORITHMS, LEEWAY, OidcError, RelyingParty};
use crate::jose::{AudienceRule, Checked, Claims, Expected, Jwe, Jws, JwsError, Rules, Verified};
use crate::secret::Secret;

/// Longest time that an id_token may say it is valid; it is used at once, so this only keeps out nonsense.
const LIFETIME: Duration = Duration::from_hours(24);
/// Longest `sub`, in bytes (OpenID Connect Core section 2).
const SUBJECT_MAX_BYTES: usize = 255;

/// Claims that the provider vouches for, with what it was known by. Only [`RelyingParty::verified`] makes one.
pub(super) struct IdToken {
    checked: Checked,
    known: Arc<Known>,
    subject: String,
    logged_in_at: Option<Timestamp>,
}

impl IdToken {
    pub(super) const fn claims(&self) -> &Claims {
        self.checked.claims()
    }

    /// Who it is to the provider.
    pub(super) fn subject(&self) -> &str {
        &self.subject
    }

    /// What was known of the provider when this was verified.
    pub(super) fn known(&self) -> &Known {
        &self.known
    }

    /// `auth_time`.
    pub(super) const fn logged_in_at(&self) -> Option<Timestamp> {
        self.logged_in_at
    }
}

impl RelyingParty {
    pub(super) async fn verified(
        &self,
        known: Arc<Known>,
        token: &Secret<String>,
        departed: &Departed,
    ) -> Result<IdToken, OidcError> {
        let opened = self.opened(token)?;
        let (verified, known) = self.signed_by_the_provider(known, opened.reveal()).await?;
        let expected = Expected {
            issuer: &self.config.issuer,
            subject: None,
            audience: &[&self.config.client_id],
            // An audience beside us is none that we trust (rule 3).
            others: AudienceRule::Only,
            nonce: Some(departed.nonce.reveal()),
            issued_at: true,
            token_id: false,
            lifetime: LIFETIME,
            leeway: LEEWAY,
        };
        let checked = verified.check(&expected, self.clock.now()).map_err(OidcError::Claims)?;
        self.id_token(checked, known, departed)
    }

    /// An id_token may be encrypted to us on top of its signature; that alone proves nothing.
    fn opened(&self, token: &Secret<String>) -> Result<Secret<String>, OidcError> {
        if !Jwe::looks_like(token.reveal()) {
            return Ok(token.clone());
        }
        let sealed = Jwe::parse(token.reveal()).map_err(OidcError::SealedIdToken)?;
        let opened = sealed.decrypt(&self.keys.decryption).map_err(OidcError::SealedIdToken)?;
        opened.text().map(|text| Secret::new(text.to_owned())).ok_or(OidcError::IdToken(JwsError::Form))
    }

    /// A key that is not known may be a new one: the keys are read once more, and no more than that.
    async fn signed_by_the_provider(
        &self,
        known: Arc<Known>,
        token: &str,
    ) -> Result<(Verified<Claims>, Arc<Known>), OidcError> {
        match signed_by(&known, token) {
            Ok(claims) => Ok((claims, known)),
            Err(JwsError::UnknownKey) => {
                let anew = self.provider.after_a_missing_key(&known).await?;
                let known = anew.ok_or(OidcError::IdToken(JwsError::UnknownKey))?;
                Ok((signed_by(&known, token).map_err(OidcError::IdToken)?, known))
            }
            Err(other) => Err(OidcError::IdToken(other)),
        }
    }

    fn id_token(&self, checked: Checked, known: Arc<Known>, departed: &Departed) -> Result<IdToken, OidcError> {
        let claims = checked.claims();
        // Rule 5.
        if claims.value("azp").is_some_and(|party| party.as_str() != Some(&self.config.client_id)) {
            return Err(OidcError::OtherParty);
        }
        let subject = claims.text("sub").filter(|sub| (1..=SUBJECT_MAX_BYTES).contains(&sub.len()));
        let subject = subject.ok_or(OidcError::NoSubject)?.to_owned();
        let logged_in_at = claims.value("auth_time").and_then(serde_json::Value::as_i64);
        let logged_in_at = logged_in_at.and_then(|seconds| Timestamp::from_second(seconds).ok());
        if self.config.fresh_login && !is_between(logged_in_at, departed.at, self.clock.now()) {
            return Err(OidcError::LoginTime);
        }
        Ok(IdToken { checked, known, subject, logged_in_at })
    }
}

/// Rule 13, with `max_age` 0: the person logged in after they left us.
fn is_between(logged_in_at: Option<Timestamp>, departed_at: Timestamp, now: Timestamp) -> bool {
    let earliest = departed_at.saturating_sub(LEEWAY).unwrap_or(Timestamp::MIN);
    let latest = now.saturating_add(LEEWAY).unwrap_or(Timestamp::MAX);
    logged_in_at.is_some_and(|at| (earliest..=latest).contains(&at))
}

pub(super) fn signed_by(known: &Known, token: &str) -> Result<Verified<Claims>, JwsError> {
    Jws::parse(token)?.verify(&known.keys, &Rules { algorithms: ALGORITHMS, typ: None })?.claims()
}
