//! What is noted: the closed set of event types that a DVA logs, and what belongs to each. No field can hold a person, a
//! secret or an address as someone sent it.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::medmij::{CorrelationId, Hostname, LocalId, ProviderName, RequestId, ServiceId};

/// One step of an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// Our session: the visit, and later the consent that came of it, which has the same id.
    pub session: LocalId,
    /// `X-Correlation-ID`.
    pub trace: Option<CorrelationId>,
    /// What.
    pub event: Event,
}

/// The event types of the Logging interface that a DVA logs. The SAML artifact step is not among them: login here is OpenID
/// Connect. Those from [`Event::ShowConsentPage`] on are named by symmetry; the published table does not reach that far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A PGO sends a person.
    ReceiveAuthorizationRequest(Inquiry),
    /// The person sees where they are.
    ShowLandingPage,
    /// The request has a wrong client_id or redirect_uri.
    AuthorizationRequestError(Failure),
    /// That is shown to the person, who is not sent back.
    ShowAuthorizationRequestErrorPage,
    /// The request is wrong in another way, which the PGO is told.
    SendAuthorizationRequestError(Failure),
    /// The person goes to the login service.
    SendAuthenticationRequest,
    /// The person stops before login.
    SendAuthorizationCancellation,
    /// The login service says who the person is.
    ReceiveAuthenticationResponse,
    /// The person stops at login.
    ReceiveAuthorizationCancellation,
    /// The login service reports a failure.
    ReceiveAuthenticationError(Failure),
    /// The person is at the last page, which asks for consent. Who has nothing to consent to is told so there, and leaves the
    /// same line: otherwise the log would say who has a record where.
    ShowConsentPage,
    /// The person goes back to the PGO with a code, or with one and the same refusal whatever its reason.
    SendAuthorizationResponse(Option<Failure>),
    /// A PGO asks for a token.
    ReceiveTokenRequest(Inquiry, Option<GrantType>),
    /// It gets one.
    SendTokenResponse(Answer),
    /// It gets none.
    SendTokenErrorResponse(Answer, Failure),
    /// A PGO asks for data.
    ReceiveResourceRequest(Inquiry, Subject),
    /// It gets an answer with data.
    SendResourceResponse(Answer),
    /// It gets an error.
    SendResourceErrorResponse(Answer, Failure),
}

/// A request of a PGO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inquiry {
    /// `MedMij-Request-ID`.
    pub request: Option<RequestId>,
    /// Our own id of it, which stands in when there is no other.
    pub local: LocalId,
    /// The client, as far as it is known.
    pub client: Option<Hostname>,
}

/// How a token is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantType {
    /// With a code; a person just gave it.
    AuthorizationCode,
    /// With a refresh token.
    RefreshToken,
}

/// What data is asked for: only what we know ourselves by then, never the address as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// The care provider of the grant.
    pub provider: Option<ProviderName>,
    /// The service.
    pub service: Option<ServiceId>,
}

/// The answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The id of the request.
    pub request: Option<RequestId>,
    /// Our own id of it.
    pub local: LocalId,
    /// The HTTP status.
    pub status: u16,
}

/// Why something failed. Both texts are ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// A code of OAuth; any other becomes `other`.
    pub code: &'static str,
    /// What happened.
    pub description: Cow<'static, str>,
}

impl Failure {
    /// A failure with its code as the only description.
    #[must_use]
    pub const fn of(code: &'static str) -> Self {
        Self { code, description: Cow::Borrowed(code) }
    }
}

impl Event {
    /// `event.type`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ReceiveAuthorizationRequest(_) => "receive_authorization_request",
            Self::ShowLandingPage => "show_landing_page",
            Self::AuthorizationRequestError(_) => "authorization_request_error",
            Self::ShowAuthorizationRequestErrorPage => "show_authorization_request_error_page",
            Self::SendAuthorizationRequestError(_) => "send_authorization_request_error",
            Self::SendAuthenticationRequest => "send_authentication_request",
            Self::SendAuthorizationCancellation => "send_authorization_cancellation",
            Self::ReceiveAuthenticationResponse => "receive_authentication_response",
            Self::ReceiveAuthorizationCancellation => "receive_authorization_cancellation",
            Self::ReceiveAuthenticationError(_) => "receive_authentication_error",
            Self::ShowConsentPage => "show_consent_page",
            Self::SendAuthorizationResponse(_) => "send_authorization_response",
            Self::ReceiveTokenRequest(..) => "receive_token_request",
            Self::SendTokenResponse(_) => "send_token_response",
            Self::SendTokenErrorResponse(..) => "send_token_error_response",
            Self::ReceiveResourceRequest(..) => "receive_resource_request",
            Self::SendResourceResponse(_) => "send_resource_response",
            Self::SendResourceErrorResponse(..) => "send_resource_error_response",
        }
    }
}
