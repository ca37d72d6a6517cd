//! The token request: a code becomes an access token. The client is known by its TLS certificate; a code is spent by its
//! first presentation, whoever presents it and whatever else is wrong (core.tknint.204).

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::code::{CodeStore, IssuedCode, Presented};
use super::grant::{Grant, IssuedToken, TokenStore};
use super::store::StoreError;
use crate::audit::{AuditError, AuditEvent, AuditLog, Kind, Outcome, Pseudonymiser, receipt};
use crate::clock::SharedClock;
use crate::form::single;
use crate::medmij::{CorrelationId, Hostname, LocalId, RequestId};
use crate::routing::{Caller, Refusal, SharedSnapshot, admit_caller};
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
    /// The body is not a form.
    #[error("the body must be application/x-www-form-urlencoded")]
    NotAForm,
    /// Another method than POST.
    #[error("a token request is a POST")]
    Method,
    /// The body is larger than a token request is.
    #[error("the body is too large")]
    TooLarge,
    /// The certificate is on no whitelist, or may not act for the client_id.
    #[error("the client certificate may not act for this client_id")]
    InvalidClient,
    /// The code is unknown, spent, expired, another client's, or the redirect_uri differs.
    #[error("the code is not valid for this client and redirect_uri, or was used before")]
    InvalidGrant,
    /// Only authorization_code is served.
    #[error("only grant_type authorization_code is served")]
    UnsupportedGrantType,
    /// Our lists are too old to tell who the client is; the code counts as spent.
    #[error("the gateway cannot tell who asks; start a new authorization later")]
    ListsTooOld,
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
            Self::InvalidRequest | Self::NotAForm | Self::Method | Self::TooLarge => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::ListsTooOld | Self::Store | Self::Audit => "temporarily_unavailable",
        }
    }

    /// The HTTP status of the answer.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidRequest | Self::InvalidGrant | Self::UnsupportedGrantType => 400,
            Self::InvalidClient => 401,
            Self::Method => 405,
            Self::TooLarge => 413,
            Self::NotAForm => 415,
            Self::ListsTooOld | Self::Store | Self::Audit => 503,
        }
    }

    /// The reason in the audit; says more than the client is told.
    const fn reason(self) -> &'static str {
        match self {
            Self::ListsTooOld => "lists-too-old",
            Self::InvalidRequest
            | Self::NotAForm
            | Self::Method
            | Self::TooLarge
            | Self::InvalidClient
            | Self::InvalidGrant
            | Self::UnsupportedGrantType
            | Self::Store
            | Self::Audit => self.code(),
        }
    }
}

impl From<Refusal> for TokenError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::ListsTooOld => Self::ListsTooOld,
            Refusal::PeerNotListed
            | Refusal::PeerNotOfClient
            | Refusal::ClientNotListed
            | Refusal::PortalOnClientList
            | Refusal::PracticeNotRegistered
            | Refusal::ServiceNotRegistered
            | Refusal::Expired
            | Refusal::OtherProvider
            | Refusal::ServiceNotGranted
            | Refusal::UnknownService
            | Refusal::NotOffered
            | Refusal::PracticeClosed => Self::InvalidClient,
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
        match self.try_exchange(form, call, &mut event).await {
            Ok(answer) => Ok(answer),
            Err(error) => Err(self.refused(event, error).await),
        }
    }

    /// Records a request whose form cannot be read, and gives the error back.
    pub async fn refuse(&self, error: TokenError, call: TokenCall<'_>) -> TokenError {
        self.refused(self.event(call), error).await
    }

    async fn refused(&self, mut event: AuditEvent, error: TokenError) -> TokenError {
        event.reason = Some(error.reason());
        event.status = Some(error.status());
        if let Ok(pending) = self.audit.append(event) {
            // The refusal stands whether or not the log can take it.
            let _ = receipt(pending).await;
        }
        error
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
        let presented = single(form, "code");
        let code = match presented {
            Some(code) => self.spend(code, event).await?,
            None => None,
        };
        check_grant_type(form)?;
        presented.ok_or(TokenError::InvalidRequest)?;
        let client = self.admit(form, call, event)?;
        let code = code.ok_or(TokenError::InvalidGrant)?;
        let grant = redeem(*code, &client, single(form, "redirect_uri"), event.time)?;
        self.issue(grant, event).await
    }

    /// The code, if this is its first presentation. One that comes again was stolen or is replayed, whoever brings it: the
    /// token of its first presentation ends (RFC 6749 section 4.1.2).
    async fn spend(&self, code: &str, event: &mut AuditEvent) -> Result<Option<Box<IssuedCode>>, TokenError> {
        match self.codes.present(hash_handle(code), event.time).await? {
            Presented::First(code) => {
                self.name_grant(event, &code.grant);
                Ok(Some(code))
            }
            Presented::Again { grant } => {
                event.grant = Some(grant);
                self.tokens.end(grant, event.time).await?;
                Ok(None)
            }
            Presented::Unknown => Ok(None),
        }
    }

    fn name_grant(&self, event: &mut AuditEvent, grant: &Grant) {
        event.provider = Some(grant.provider.clone());
        event.subject = Some(self.pseudonyms.at(&grant.subject, event.time));
        event.grant = Some(grant.id);
    }

    /// The client that is named, if the node at the other end may act for it.
    fn admit(
        &self,
        form: &[(String, String)],
        call: TokenCall<'_>,
        event: &mut AuditEvent,
    ) -> Result<Hostname, TokenError> {
        let client = single(form, "client_id").ok_or(TokenError::InvalidRequest)?;
        let client = Hostname::parse(client).map_err(|_| TokenError::InvalidClient)?;
        event.client_id = Some(client.clone());
        event.peer = Some(admit_caller(&self.snapshot.load(), call.caller, &client, event.time)?.clone());
        Ok(client)
    }

    async fn issue(&self, grant: Grant, event: &AuditEvent) -> Result<TokenAnswer, TokenError> {
        let token = Handle::draw();
        let scope = grant.services.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let expires = event.time.saturating_add(self.token_lifetime).unwrap_or(event.time);
        let record = AuditEvent { kind: Kind::TokenIssued, outcome: Outcome::Done, ..event.clone() };
        receipt(self.audit.append(record)?).await?;
        self.tokens.keep(IssuedToken { hash: token.hash(), expires, grant: Arc::new(grant) }).await?;
        Ok(TokenAnswer { token, lifetime: self.token_lifetime, scope })
    }
}

fn check_grant_type(form: &[(String, String)]) -> Result<(), TokenError> {
    match single(form, "grant_type") {
        Some("authorization_code") => Ok(()),
        Some(_) => Err(TokenError::UnsupportedGrantType),
        None => Err(TokenError::InvalidRequest),
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
