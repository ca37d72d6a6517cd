//! People at their work: the provider of their organisation vouches for their name and for what they are there.

use std::time::Instant;

use serde_json::Value;

use super::claims::IdToken;
use super::{OidcError, RelyingParty};
use crate::language::Language;
use crate::session::login::{LoginEnd, LoginFuture, LoginState, LoginUnavailable, WayToLogin};
use crate::signin::{LoginName, OrganisationProvider, Vouched};

/// The claims of an id_token that say who somebody is.
#[derive(Debug, Clone)]
pub struct OrganisationClaims {
    /// The claim with the name under which they stand in the log. `sub` is the only one that a provider never gives to a second
    /// person (OpenID Connect Core section 5.7).
    pub name: String,
    /// The claim with what they are: a text, or an array of texts.
    pub roles: String,
    /// Ways to log in, one of which `acr` must name; with none it is not looked at.
    pub acr_values: Vec<String>,
}

/// Logging in through the provider of the organisation.
pub struct OrganisationLogin {
    party: RelyingParty,
    claims: OrganisationClaims,
}

impl OrganisationLogin {
    /// Through this provider.
    #[must_use]
    pub const fn new(party: RelyingParty, claims: OrganisationClaims) -> Self {
        Self { party, claims }
    }

    async fn come_back(&self, state: &LoginState, fields: &[(String, String)]) -> Result<Vouched, OidcError> {
        let (id_token, _) = self.party.come_back(state, fields).await?;
        self.vouched(&id_token)
    }

    fn vouched(&self, id_token: &IdToken) -> Result<Vouched, OidcError> {
        let claims = id_token.claims();
        let wanted = &self.claims.acr_values;
        let fits = |acr: &str| wanted.iter().any(|one| one == acr);
        if !wanted.is_empty() && !claims.text("acr").is_some_and(fits) {
            return Err(OidcError::UnknownLevel);
        }
        let name = claims.text(&self.claims.name).and_then(LoginName::parse).ok_or(OidcError::NoName)?;
        Ok(Vouched { name, roles: texts(claims.value(&self.claims.roles)) })
    }
}

/// A text, or an array of them; whatever else says nothing.
fn texts(claim: Option<&Value>) -> Vec<String> {
    match claim {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(_) | None => Vec::new(),
    }
}

impl OrganisationProvider for OrganisationLogin {
    fn start<'a>(
        &'a self,
        ticket: &'a str,
        language: Language,
        deadline: Instant,
    ) -> LoginFuture<'a, WayToLogin, LoginUnavailable> {
        let party = &self.party;
        Box::pin(async move { party.by(deadline, party.depart(ticket, language)).await.map_err(|_| LoginUnavailable) })
    }

    fn finish<'a>(
        &'a self,
        state: LoginState,
        fields: &'a [(String, String)],
        deadline: Instant,
    ) -> LoginFuture<'a, Vouched, LoginEnd> {
        Box::pin(async move { self.party.by(deadline, self.come_back(&state, fields)).await.map_err(OidcError::end) })
    }
}
