//! The token request: a code becomes an access token. The client is known by its TLS certificate; a code is spent by its
//! first presentation, whoever presents it and whatever else is wrong (core.tknint.204).

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::code::{CodeStore, IssuedCode, Presented, StoreError};
use super::grant::{Grant, IssuedToken, TokenStore};
use crate::audit::{AuditError, AuditEvent, AuditLog, Kind, Outcome, Pseudonymiser};
use crate::clock::SharedClock;
use crate::form::single;
use crate::medmij::{CorrelationId, Hostname, LocalId, RequestId};
use crate::routing::{Caller, SharedSnapshot, admit_caller};
use crate::secret::{Handle, hash_handle};

/// The desk where codes are exchanged.
pub struct TokenDesk {
    /// The snapshot in force.
    pub snapshot: SharedSnapshot,
    /// The codes.
    pub codes: Arc<dyn CodeStore>,
    /// The tokens.
    pub tokens: Arc<dyn TokenStore>,
    /// The audit log.
    pub audit: Arc<dyn AuditLog>,
    /// Keyed pseudonyms for the audit.
    pub pseudonyms: Arc<Pseudonymiser>,
    /// Time.
    pub clock: SharedClock,
    /// How long an access token lives: 900 s.
    pub token_lifetime: Duration,
}

/// Who asks, and the ids of the request.
#[derive(Debug, Clone, Copy)]
pub struct TokenCall<'a> {
    /// The other end of the connection.
    pub caller: Caller<'a>,
    /// Our id.
    pub local_id: LocalId,
    /// `MedMij-Request-ID`, when well-formed.
    pub request_id: Option<RequestId>,
    /// `X-Correlation-ID`, when well-formed.
    pub correlation_id: Option<CorrelationId>,
}

/// A token that was issued.
#[derive(Debug)]
pub struct TokenAnswer {
    /// The token; this is the only time that it is seen.
    pub token: Handle,
    /// Its lifetime.
    pub lifetime: Duration,
    /// The services that it covers, ids separated by spaces.
    pub scope: String,
}

/// Why there is no token (RFC 6749 section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// A parameter is missing, stands twice or is malformed.
    #[error("a parameter is missing, stands twice or is malformed")]
    InvalidRequest,
    /// The certificate is on no whitelist, or may not act for the client_id.
    #[error("the client certificate may not act for this client_id")]
    InvalidClient,
    /// The code is unknown, spent, expired, another client's, or the redirect_uri differs.
    #[error("the code is not valid for this client and redirect_uri, or was used before")]
    InvalidGrant,
    /// Only authorization_code is served.
    #[error("only grant_type authorization_code is served")]
    UnsupportedGrantType,
    /// The store does not answer; the code counts as spent.
    #[error("the gateway cannot answer now; start a new authorization later")]
    Store,
    /// The audit cannot record the token, so there is none.
    #[error("the gateway cannot record this now; start a new authorization later")]
    Audit,
}

impl TokenError {
    /// The code of the protocol; `temporarily_unavailable` is borrowed from section 4.1.2.1 for our own failures.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::Store | Self::Audit => "temporarily_unavailable",
        }
    }
}

impl From<StoreError> for TokenError {
    fn from(_: StoreError) -> Self {
        Self::Store
    }
}

impl From<AuditError> for TokenError {
    fn from(_: AuditError) -> Self {
        Self::Audit
    }
}

impl TokenDesk {
    /// Exchanges a code. The outcome is in the audit before this returns.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn exchange(&self, form: &[(String, String)], call: TokenCall<'_>) -> Result<TokenAnswer, TokenError> {
        let mut event = self.event(call);
        let answer = self.try_exchange(form, call, &mut event).await;
        if let Err(error) = &answer {
            self.record_refusal(*error, event).await;
        }
        answer
    }

    /// Records a request that is no token request by its method, media type or encoding.
    pub async fn turn_away(&self, call: TokenCall<'_>) -> TokenError {
        self.record_refusal(TokenError::InvalidRequest, self.event(call)).await;
        TokenError::InvalidRequest
    }

    async fn record_refusal(&self, error: TokenError, mut event: AuditEvent) {
        event.reason = Some(error.code());
        if let Ok(pending) = self.audit.append(event) {
            // The refusal stands whether or not the log can take it.
            let _ = pending.await;
        }
    }

    fn event(&self, call: TokenCall<'_>) -> AuditEvent {
        let mut event = AuditEvent::new(self.clock.now(), Kind::TokenRefused, Outcome::Refused);
        event.local_id = Some(call.local_id);
        event.request_id = call.request_id;
        event.correlation_id = call.correlation_id;
        event.peer = call.caller.names.first().cloned();
        event
    }

    async fn try_exchange(
        &self,
        form: &[(String, String)],
        call: TokenCall<'_>,
        event: &mut AuditEvent,
    ) -> Result<TokenAnswer, TokenError> {
        match single(form, "grant_type") {
            Some("authorization_code") => {}
            Some(_) => return Err(TokenError::UnsupportedGrantType),
            None => return Err(TokenError::InvalidRequest),
        }
        let code = single(form, "code").ok_or(TokenError::InvalidRequest)?;
        let presented = self.codes.present(hash_handle(code), event.time).await?;
        let client = single(form, "client_id").ok_or(TokenError::InvalidRequest)?;
        let client = Hostname::parse(client).map_err(|_| TokenError::InvalidClient)?;
        event.client_id = Some(client.clone());
        self.name_subject(event, &presented);
        let admitted = admit_caller(&self.snapshot.load(), call.caller, &client, event.time).cloned();
        event.peer = Some(admitted.map_err(|_| TokenError::InvalidClient)?);
        let code = self.first_presentation(presented, event.time).await?;
        let grant = redeem(*code, &client, single(form, "redirect_uri"), event.time)?;
        self.issue(grant, event).await
    }

    fn name_subject(&self, event: &mut AuditEvent, presented: &Presented) {
        if let Presented::First(code) = presented {
            let year = event.time.to_zoned(TimeZone::UTC).year();
            event.provider = Some(code.grant.provider.clone());
            event.subject = Some(self.pseudonyms.pseudonym(&code.grant.subject, year));
            event.grant = Some(code.grant.id);
        }
    }

    /// A code that comes again was stolen or is replayed: the token of its first presentation ends (RFC 6749 section 4.1.2).
    async fn first_presentation(&self, presented: Presented, now: Timestamp) -> Result<Box<IssuedCode>, TokenError> {
        match presented {
            Presented::First(code) => Ok(code),
            Presented::Unknown => Err(TokenError::InvalidGrant),
            Presented::Again { grant } => {
                self.tokens.end(grant, now).await?;
                Err(TokenError::InvalidGrant)
            }
        }
    }

    async fn issue(&self, grant: Grant, event: &AuditEvent) -> Result<TokenAnswer, TokenError> {
        let token = Handle::draw();
        let scope = grant.services.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let expires = event.time.saturating_add(self.token_lifetime).unwrap_or(event.time);
        let record = AuditEvent { kind: Kind::TokenIssued, outcome: Outcome::Done, ..event.clone() };
        self.audit.append(record)?.await?;
        self.tokens.keep(IssuedToken { hash: token.hash(), expires, grant: Arc::new(grant) }).await?;
        Ok(TokenAnswer { token, lifetime: self.token_lifetime, scope })
    }
}

/// The grant behind a code, for the client that asked and with the redirect URI that it asked with (core.tknint.205).
fn redeem(
    code: IssuedCode,
    client: &Hostname,
    redirect_uri: Option<&str>,
    now: Timestamp,
) -> Result<Grant, TokenError> {
    let redirect_uri = redirect_uri.ok_or(TokenError::InvalidRequest)?;
    let fits = code.grant.client == *client && code.redirect_uri.as_str() == redirect_uri && now < code.expires;
    if fits { Ok(code.grant) } else { Err(TokenError::InvalidGrant) }
}
