//! The authorization code grant as states: a code is presented, by that spent, then redeemed. Each state is made from the
//! one before it only, so no token can be issued for a code that was not spent.

use std::sync::Arc;

use jiff::Timestamp;

use super::desk::AdmittedClient;
use super::error::TokenError;
use crate::form::single;
use crate::medmij::LocalId;
use crate::oauth::code::{CodeStore, IssuedCode, Presented};
use crate::oauth::grant::{Grant, SmartGrant};
use crate::secret::hash_handle;

/// A form may show a code. Whoever shows it and whatever else is wrong, showing it spends it (core.tknint.204).
#[derive(Clone, Copy)]
pub(super) struct PresentedCode<'a>(Option<&'a str>);

/// What a code is shown with.
#[derive(Clone, Copy)]
pub(super) struct ShownWith<'a> {
    redirect_uri: Option<&'a str>,
    verifier: Option<&'a str>,
}

impl<'a> ShownWith<'a> {
    pub(super) fn of(form: &'a [(String, String)]) -> Self {
        Self { redirect_uri: single(form, "redirect_uri"), verifier: single(form, "code_verifier") }
    }

    /// Whether the verifier is that of the authorization request (RFC 7636 section 4.6). That of a MedMij client is ignored
    /// (core.authint.200).
    fn answers(self, grant: &Grant) -> bool {
        let answered = |smart: &SmartGrant| self.verifier.is_some_and(|text| smart.challenge.is_answered_by(text));
        grant.smart.as_ref().is_none_or(answered)
    }
}

/// After the presentation.
pub(super) enum SpentCode {
    /// The form shows no code, or two.
    None,
    /// The first presentation of a code of ours.
    First(Box<IssuedCode>),
    /// It was presented before; what came of that must end.
    Again(LocalId),
    /// No code of ours.
    Unknown,
}

/// A grant whose code was shown rightly, by its own client.
pub(super) struct RedeemedGrant(Grant);

impl<'a> PresentedCode<'a> {
    pub(super) fn of(form: &'a [(String, String)]) -> Self {
        Self(single(form, "code"))
    }

    pub(super) async fn spend(self, codes: &dyn CodeStore, now: Timestamp) -> Result<SpentCode, TokenError> {
        let Some(code) = self.0 else { return Ok(SpentCode::None) };
        Ok(match codes.present(hash_handle(code), now).await? {
            Presented::First(code) => SpentCode::First(code),
            Presented::Again { grant } => SpentCode::Again(grant),
            Presented::Unknown => SpentCode::Unknown,
        })
    }
}

impl SpentCode {
    /// A code grant needs a code.
    pub(super) fn required(self) -> Result<Self, TokenError> {
        match self {
            Self::None => Err(TokenError::InvalidRequest),
            Self::First(_) | Self::Again(_) | Self::Unknown => Ok(self),
        }
    }

    /// The grant behind the code, for the client that asked and with the redirect URI that it asked with (core.tknint.205).
    pub(super) fn redeem(
        self,
        client: &AdmittedClient,
        shown: ShownWith<'_>,
        now: Timestamp,
    ) -> Result<RedeemedGrant, TokenError> {
        let Self::First(code) = self else { return Err(TokenError::InvalidGrant) };
        let redirect_uri = shown.redirect_uri.ok_or(TokenError::InvalidRequest)?;
        let fits = code.grant.client == client.id && code.redirect_uri.as_str() == redirect_uri && now < code.expires;
        if fits && shown.answers(&code.grant) {
            Ok(RedeemedGrant(Grant { redeemed_by: Some(client.node.clone()), ..code.grant }))
        } else {
            Err(TokenError::InvalidGrant)
        }
    }
}

impl RedeemedGrant {
    pub(super) fn into_grant(self) -> Arc<Grant> {
        Arc::new(self.0)
    }
}
