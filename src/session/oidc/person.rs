//! Patients: the provider vouches for their BSN, at a level.

use std::collections::BTreeMap;
use std::time::Instant;

use super::claims::IdToken;
use super::{OidcError, RelyingParty};
use crate::jose::Claims;
use crate::medmij::Bsn;
use crate::session::login::{
    AssuranceLevel, AuthenticatedPerson, Departure, IdentityProvider, LoginEnd, LoginFuture, LoginMethod, LoginState,
    LoginUnavailable, WayToLogin,
};

/// What the provider says of a patient, and where.
#[derive(Debug, Clone)]
pub struct PersonClaims {
    /// The claim with the BSN: in userinfo when that is asked for, else in the id_token.
    pub bsn: String,
    /// The claim that says how the person logged in, in the id_token or else in userinfo.
    pub level: String,
    /// What each value of it means.
    pub levels: BTreeMap<String, AssuranceLevel>,
    /// The weakest login that is accepted.
    pub minimum_level: AssuranceLevel,
}

impl PersonClaims {
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

/// A login service that speaks OpenID Connect.
pub struct OidcLogin {
    party: RelyingParty,
    claims: PersonClaims,
}

impl OidcLogin {
    /// Through this provider.
    #[must_use]
    pub const fn new(party: RelyingParty, claims: PersonClaims) -> Self {
        Self { party, claims }
    }

    /// We, as the provider knows us.
    #[must_use]
    pub const fn party(&self) -> &RelyingParty {
        &self.party
    }

    pub(super) async fn come_back(
        &self,
        state: &LoginState,
        fields: &[(String, String)],
    ) -> Result<AuthenticatedPerson, OidcError> {
        let (id_token, userinfo) = self.party.come_back(state, fields).await?;
        self.person(&id_token, userinfo.as_ref())
    }

    /// Reads the person out of what the provider vouched for.
    fn person(&self, id_token: &IdToken, userinfo: Option<&Claims>) -> Result<AuthenticatedPerson, OidcError> {
        let level = self.level(id_token, userinfo).ok_or(OidcError::UnknownLevel)?;
        if level < self.claims.minimum_level {
            return Err(OidcError::TooWeak);
        }
        let bsn = userinfo.unwrap_or(id_token.claims()).text(&self.claims.bsn).ok_or(OidcError::NoBsn)?;
        let bsn = Bsn::parse(bsn).map_err(|_| OidcError::NoBsn)?;
        let at = id_token.logged_in_at().unwrap_or_else(|| self.party.clock.now());
        Ok(AuthenticatedPerson { bsn, level, at, method: LoginMethod::Oidc })
    }

    fn level(&self, id_token: &IdToken, userinfo: Option<&Claims>) -> Option<AssuranceLevel> {
        let claim = &self.claims.level;
        let said = id_token.claims().text(claim).or_else(|| userinfo?.text(claim))?;
        self.claims.levels.get(said).copied()
    }
}

impl IdentityProvider for OidcLogin {
    fn origins(&self) -> &[String] {
        &self.party.config.origins
    }

    fn start<'a>(&'a self, departure: Departure<'a>) -> LoginFuture<'a, WayToLogin, LoginUnavailable> {
        Box::pin(async move {
            let (party, ticket) = (&self.party, departure.ticket());
            let way = party.by(departure.deadline, party.depart(&ticket, departure.language)).await;
            way.map_err(|_| LoginUnavailable)
        })
    }

    fn finish<'a>(
        &'a self,
        state: LoginState,
        fields: &'a [(String, String)],
        deadline: Instant,
    ) -> LoginFuture<'a, AuthenticatedPerson, LoginEnd> {
        Box::pin(async move { self.party.by(deadline, self.come_back(&state, fields)).await.map_err(OidcError::end) })
    }
}
