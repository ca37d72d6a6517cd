//! The desk where codes, refresh tokens and the assertions of portals are exchanged for access tokens.

use std::sync::Arc;

use super::code_grant::{PresentedCode, RedeemedGrant, ShownWith, SpentCode};
use super::{JWT_BEARER, Patience, PortalDesk, TokenAnswer, TokenCall, TokenError, TokenRules};
use crate::audit::{AuditEvent, AuditLog, Keyring, Kind, Outcome, receipt};
use crate::catalogue;
use crate::chainlog::ChainLog;
use crate::clock::SharedClock;
use crate::form::single;
use crate::medmij::{Hostname, ProviderName};
use crate::oauth::code::CodeStore;
use crate::oauth::grant::{Grant, GrantStore, Node, TokenStore};
use crate::oauth::refresh::{IssuedRefresh, RefreshStore, RefreshToken};
use crate::routing::{Halt, SharedSnapshot, admit_caller};

/// The desk of the token endpoint: every grant type, and the way back (RFC 7009).
pub struct TokenDesk {
    /// The snapshot in force.
    pub snapshot: SharedSnapshot,
    /// The codes.
    pub codes: Arc<dyn CodeStore>,
    /// The tokens.
    pub tokens: Arc<dyn TokenStore>,
    /// The grants.
    pub grants: Arc<dyn GrantStore>,
    /// The refresh families.
    pub refreshes: Arc<dyn RefreshStore>,
    /// The audit log.
    pub audit: Arc<dyn AuditLog>,
    /// The chain log.
    pub chain: Arc<dyn ChainLog>,
    /// What stands for a person in the audit.
    pub keyring: Arc<Keyring>,
    /// What the grant of portals needs beside.
    pub portals: PortalDesk,
    /// Time.
    pub clock: SharedClock,
    /// How tokens are given out.
    pub rules: TokenRules,
    /// Who made too many wrong requests.
    pub patience: Arc<Patience>,
}

impl TokenDesk {
    /// Exchanges a code or a refresh token. The outcome is in the audit before this returns.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn exchange(&self, form: &[(String, String)], call: TokenCall<'_>) -> Result<TokenAnswer, TokenError> {
        let mut event = self.event(call);
        let answer = match self.patience_with(call) {
            Ok(()) => self.try_exchange(form, call, &mut event).await,
            Err(error) => Err(error),
        };
        self.note_in_chain(form, &event, answer.as_ref().err().copied());
        match answer {
            Ok(answer) => Ok(answer),
            Err(error) => Err(self.refused(event, call, error).await),
        }
    }

    /// A node that made too many wrong requests is not listened to for a moment.
    pub(super) fn patience_with(&self, call: TokenCall<'_>) -> Result<(), TokenError> {
        let node = call.caller.thumbprint.ok_or(TokenError::InvalidClient)?;
        self.patience.admit(node, self.clock.monotonic()).map_err(TokenError::TooManyWrong)
    }

    /// Records a request whose form cannot be read, and gives the error back.
    pub async fn refuse(&self, error: TokenError, call: TokenCall<'_>) -> TokenError {
        let event = self.event(call);
        self.note_in_chain(&[], &event, Some(error));
        self.refused(event, call, error).await
    }

    pub(super) async fn refused(&self, mut event: AuditEvent, call: TokenCall<'_>, error: TokenError) -> TokenError {
        if let (true, Some(node)) = (error.is_wrong(), call.caller.thumbprint) {
            self.patience.charge(node, self.clock.monotonic());
        }
        crate::trace::refused(error.reason());
        event.reason = Some(error.reason());
        event.status = Some(error.status());
        if let Ok(pending) = self.audit.append(&event) {
            // The refusal stands whether or not the log can take it.
            let _ = receipt(pending).await;
        }
        error
    }

    pub(super) fn event(&self, call: TokenCall<'_>) -> AuditEvent {
        let mut event = AuditEvent::new(self.clock.now(), Kind::TokenRefused, Outcome::Refused);
        event.local_id = Some(call.local_id);
        event.request_id = call.request_id;
        event.correlation_id = call.correlation_id;
        event.peer = call.caller.names.first().cloned();
        event.access_point = call.caller.address;
        event
    }

    async fn try_exchange(
        &self,
        form: &[(String, String)],
        call: TokenCall<'_>,
        event: &mut AuditEvent,
    ) -> Result<TokenAnswer, TokenError> {
        self.pace_portal(form, call, event)?;
        // Nothing was looked at yet, so nothing is spent.
        running(self.snapshot.load().stops.everything())?;
        let spent = PresentedCode::of(form).spend(&*self.codes, event.time).await?;
        self.note(&spent, event).await?;
        match GrantType::of(form)? {
            GrantType::AuthorizationCode => {
                let spent = spent.required()?;
                let client = self.admit_for_code(form, call, event).await?;
                let redeemed = spent.redeem(&client, ShownWith::of(form), event.time)?;
                self.issue(redeemed, &client, event).await
            }
            GrantType::RefreshToken => self.refresh(form, call, event).await,
            GrantType::JwtBearer => self.exchange_assertion(form, call, event).await,
        }
    }

    /// Names the grant in the record. A code that comes again was stolen or is replayed, whoever brings it: the token of its
    /// first presentation ends (RFC 6749 section 4.1.2).
    async fn note(&self, spent: &SpentCode, event: &mut AuditEvent) -> Result<(), TokenError> {
        match spent {
            SpentCode::First(code) => self.name_grant(event, &code.grant)?,
            SpentCode::Again(grant) => self.end(*grant, catalogue::CODE_REUSED.code(), event).await?,
            SpentCode::None | SpentCode::Unknown => {}
        }
        Ok(())
    }

    pub(super) fn name_grant(&self, event: &mut AuditEvent, grant: &Grant) -> Result<(), TokenError> {
        event.provider = Some(grant.provider.clone());
        event.grant = Some(grant.id);
        event.authorization = Some(grant.authorization(false));
        event.subject = Some(self.keyring.subject(&grant.subject, event.time)?);
        Ok(())
    }

    /// The client that is named, if the node at the other end may act for it.
    pub(super) fn admit(
        &self,
        form: &[(String, String)],
        call: TokenCall<'_>,
        event: &mut AuditEvent,
    ) -> Result<AdmittedClient, TokenError> {
        self.admit_named(single(form, "client_id").ok_or(TokenError::InvalidRequest)?, call, event)
    }

    /// The client of this name, if the node at the other end may act for it.
    pub(super) fn admit_named(
        &self,
        id: &str,
        call: TokenCall<'_>,
        event: &mut AuditEvent,
    ) -> Result<AdmittedClient, TokenError> {
        let id = Hostname::parse(id).map_err(|_| TokenError::InvalidClient)?;
        event.client_id = Some(id.clone());
        let name = admit_caller(&self.snapshot.load(), call.caller, &id, event.time)?.clone();
        crate::trace::named(&id);
        event.peer = Some(name.clone());
        let thumbprint = call.caller.thumbprint.ok_or(TokenError::InvalidClient)?;
        Ok(AdmittedClient { id, node: Node { name, thumbprint } })
    }

    async fn issue(
        &self,
        redeemed: RedeemedGrant,
        client: &AdmittedClient,
        event: &AuditEvent,
    ) -> Result<TokenAnswer, TokenError> {
        let grant = redeemed.into_grant();
        self.running_at(&grant.provider)?;
        let (scope, patient) = match &grant.smart {
            None => (self.rules.scope_form.write(&grant, &grant.services), None),
            Some(smart) => (smart.scope.to_string(), Some(smart.patient.clone())),
        };
        let record = AuditEvent { kind: Kind::TokenIssued, outcome: Outcome::Done, ..event.clone() };
        receipt(self.audit.append(&record)?).await?;
        let (token, issued) = self.draw_token(Arc::clone(&grant), client, event.time);
        self.tokens.keep(issued).await?;
        // Last: of a family that nobody was given, the person would read that it is in force.
        let refresh = self.first_refresh(&grant, event).await?;
        Ok(TokenAnswer { token, lifetime: self.rules.token_lifetime, scope, refresh, patient })
    }

    /// Whether access to this practice goes on. One that is not ours any more is for others to judge.
    pub(super) fn running_at(&self, provider: &ProviderName) -> Result<(), TokenError> {
        let snapshot = self.snapshot.load();
        let practice = snapshot.practices.practice(provider.as_str());
        running(practice.and_then(|practice| snapshot.stops.practice(practice)))
    }

    /// Begins the refresh family of a lasting consent; any other consent has none.
    async fn first_refresh(&self, grant: &Arc<Grant>, event: &AuditEvent) -> Result<Option<RefreshToken>, TokenError> {
        if !grant.lasting {
            return Ok(None);
        }
        let first = RefreshToken::draw();
        let expires = self.rules.refresh_expires(event.time);
        self.refreshes.keep(IssuedRefresh { key: first.key(), expires, grant: Arc::clone(grant) }).await?;
        Ok(Some(first))
    }
}

fn running(halt: Option<Halt>) -> Result<(), TokenError> {
    halt.map_or(Ok(()), |halt| Err(TokenError::Stopped(halt)))
}

/// A client whose node the whitelist and the register admit. Only [`TokenDesk::admit_named`] makes one.
pub(super) struct AdmittedClient {
    pub(super) id: Hostname,
    pub(super) node: Node,
}

/// The grant types that are served.
enum GrantType {
    AuthorizationCode,
    RefreshToken,
    JwtBearer,
}

impl GrantType {
    fn of(form: &[(String, String)]) -> Result<Self, TokenError> {
        match single(form, "grant_type") {
            Some("authorization_code") => Ok(Self::AuthorizationCode),
            Some("refresh_token") => Ok(Self::RefreshToken),
            Some(JWT_BEARER) => Ok(Self::JwtBearer),
            Some(_) => Err(TokenError::UnsupportedGrantType),
            None => Err(TokenError::InvalidRequest),
        }
    }
}
