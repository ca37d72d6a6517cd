//! Why there is no token, and how that is said (RFC 6749 section 5.2; the table of core.tknint.207 is not published).

use crate::audit::{AuditError, NoKey};
use crate::catalogue;
use crate::oauth::assertion::AssertionError;
use crate::oauth::store::StoreError;
use crate::practices::golive::NotYet;
use crate::routing::{Halt, Refusal};

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
    /// The code or refresh token is unknown, spent, expired, another client's, or its consent has ended; the redirect_uri
    /// differs; or the provider makes no data available any more. One answer, so that it tells nothing about a person.
    #[error("the code or refresh token is not valid (any more) for this client; start a new authorization")]
    InvalidGrant,
    /// More is asked than was consented to, or than a portal's registration names and the practice gives.
    #[error("the scope is broader than the consent, or than the registration")]
    InvalidScope,
    /// Another grant type than those that are served.
    #[error("only grant_type authorization_code and refresh_token are served, and jwt-bearer (RFC 7523) for portals")]
    UnsupportedGrantType,
    /// A PGO asked for the grant of portals.
    #[error("only a registered portal may use this grant_type")]
    UnauthorizedClient,
    /// A portal asked more often than its registration allows; after so many seconds it may ask again. Nothing was looked at,
    /// so nothing is spent.
    #[error(
        "more requests a minute than the registration allows; nothing was looked at, so the same may be sent again"
    )]
    SlowDown(u32),
    /// The node made too many wrong requests; after so many seconds it may ask again. Nothing was looked at, so nothing is
    /// spent.
    #[error("too many wrong requests from this node; nothing was looked at, so the same request may be sent again")]
    TooManyWrong(u32),
    /// A portal did not prove itself.
    #[error("a portal needs a client_assertion (private_key_jwt, RFC 7523 section 2.2)")]
    NoClientAssertion,
    /// A portal's proof does not hold.
    #[error("the client_assertion does not hold: {0}")]
    ClientAssertion(#[source] AssertionError),
    /// A portal's word about a person does not hold.
    #[error("the assertion does not hold: {0}")]
    Assertion(#[source] AssertionError),
    /// The practice has nothing of the person whom a portal asserts, or the person is too young: one answer, so that it
    /// tells nothing about treatment relations.
    #[error("the care provider makes no data of this person available")]
    NotAvailable,
    /// The practice does not let the person in yet. The portal hears what it hears of who is not known there.
    #[error("the care provider makes no data of this person available")]
    NotYet(NotYet),
    /// Our lists are too old to tell who the client is.
    #[error("the gateway cannot tell who asks; a code is spent by this, a refresh token can be sent again later")]
    ListsTooOld,
    /// The HIS of the practice does not say whether data is (still) available. No refresh token is spent; an assertion is.
    #[error("the care provider's system gives no answer; send the same refresh token again later, or a new assertion")]
    His,
    /// An operator has stopped it. No refresh token is spent.
    #[error("the operator of the gateway has stopped this for now; a refresh token can be sent again later")]
    Stopped(Halt),
    /// The store does not answer.
    #[error("the gateway cannot answer now; a code is spent by this, a refresh token can be sent again later")]
    Store,
    /// The audit cannot record the token, so there is none.
    #[error("the gateway cannot record this now; a code is spent by this, a refresh token can be sent again later")]
    Audit,
}

impl TokenError {
    /// The code of the protocol; `temporarily_unavailable` is borrowed from section 4.1.2.1 for our own failures.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest | Self::NotAForm | Self::Method | Self::TooLarge => catalogue::INVALID_REQUEST.code(),
            Self::ClientAssertion(AssertionError::Store) | Self::Assertion(AssertionError::Store) => {
                catalogue::TEMPORARILY_UNAVAILABLE.code()
            }
            Self::InvalidClient | Self::NoClientAssertion | Self::ClientAssertion(_) => {
                catalogue::INVALID_CLIENT.code()
            }
            Self::InvalidGrant | Self::Assertion(_) | Self::NotAvailable | Self::NotYet(_) => {
                catalogue::INVALID_GRANT.code()
            }
            Self::UnauthorizedClient => catalogue::UNAUTHORIZED_CLIENT.code(),
            // Borrowed from RFC 8628 section 3.5.
            Self::SlowDown(_) | Self::TooManyWrong(_) => catalogue::SLOW_DOWN.code(),
            Self::InvalidScope => catalogue::INVALID_SCOPE.code(),
            Self::UnsupportedGrantType => catalogue::UNSUPPORTED_GRANT_TYPE.code(),
            Self::ListsTooOld | Self::His | Self::Stopped(_) | Self::Store | Self::Audit => {
                catalogue::TEMPORARILY_UNAVAILABLE.code()
            }
        }
    }

    /// The HTTP status of the answer.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::ClientAssertion(AssertionError::Store) | Self::Assertion(AssertionError::Store) => 503,
            Self::InvalidRequest
            | Self::InvalidGrant
            | Self::InvalidScope
            | Self::UnsupportedGrantType
            | Self::UnauthorizedClient
            | Self::Assertion(_)
            | Self::NotAvailable
            | Self::NotYet(_) => 400,
            Self::InvalidClient | Self::NoClientAssertion | Self::ClientAssertion(_) => 401,
            Self::SlowDown(_) | Self::TooManyWrong(_) => 429,
            Self::Method => 405,
            Self::TooLarge => 413,
            Self::NotAForm => 415,
            Self::ListsTooOld | Self::His | Self::Stopped(_) | Self::Store | Self::Audit => 503,
        }
    }

    /// Whether the one who asked was wrong about a secret or about itself: too many such requests are an attack.
    pub(super) const fn is_wrong(self) -> bool {
        match self {
            Self::ClientAssertion(AssertionError::Store) | Self::Assertion(AssertionError::Store) => false,
            Self::InvalidClient
            | Self::InvalidGrant
            | Self::NoClientAssertion
            | Self::ClientAssertion(_)
            | Self::Assertion(_) => true,
            Self::InvalidRequest
            | Self::NotAForm
            | Self::Method
            | Self::TooLarge
            | Self::InvalidScope
            | Self::UnsupportedGrantType
            | Self::UnauthorizedClient
            | Self::SlowDown(_)
            | Self::TooManyWrong(_)
            | Self::NotAvailable
            | Self::NotYet(_)
            | Self::ListsTooOld
            | Self::His
            | Self::Stopped(_)
            | Self::Store
            | Self::Audit => false,
        }
    }

    /// The reason in the audit; says more than the client is told.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::ListsTooOld => catalogue::LISTS_TOO_OLD.code(),
            Self::His => catalogue::HIS_GIVES_NO_ANSWER.code(),
            Self::Stopped(halt) => halt.code(),
            Self::NoClientAssertion => catalogue::NO_CLIENT_ASSERTION.code(),
            Self::ClientAssertion(AssertionError::Replayed) => catalogue::CLIENT_ASSERTION_REPLAYED.code(),
            Self::ClientAssertion(_) => catalogue::CLIENT_ASSERTION_REFUSED.code(),
            Self::Assertion(AssertionError::Replayed) => catalogue::ASSERTION_REPLAYED.code(),
            Self::Assertion(_) => catalogue::ASSERTION_REFUSED.code(),
            Self::NotAvailable => catalogue::NOT_AVAILABLE.code(),
            Self::NotYet(not_yet) => not_yet.code(),
            Self::TooManyWrong(_) => catalogue::TOO_MANY_WRONG.code(),
            Self::InvalidRequest
            | Self::NotAForm
            | Self::Method
            | Self::TooLarge
            | Self::InvalidClient
            | Self::InvalidGrant
            | Self::InvalidScope
            | Self::UnsupportedGrantType
            | Self::UnauthorizedClient
            | Self::SlowDown(_)
            | Self::Store
            | Self::Audit => self.code(),
        }
    }
}

impl From<Refusal> for TokenError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::ListsTooOld => Self::ListsTooOld,
            Refusal::Stopped(halt) => Self::Stopped(halt),
            Refusal::PeerNotListed
            | Refusal::PeerNotOfClient
            | Refusal::ClientNotListed
            | Refusal::PortalOnClientList
            | Refusal::PracticeNotRegistered
            | Refusal::ServiceNotRegistered
            | Refusal::TypeNotGranted
            | Refusal::Expired
            | Refusal::OtherCertificate
            | Refusal::OtherProvider
            | Refusal::ServiceNotGranted
            | Refusal::UnknownService
            | Refusal::NotOffered
            | Refusal::NotServed
            | Refusal::NotYet(_) => Self::InvalidClient,
        }
    }
}

impl From<StoreError> for TokenError {
    fn from(_: StoreError) -> Self {
        Self::Store
    }
}

impl From<NoKey> for TokenError {
    fn from(_: NoKey) -> Self {
        Self::Audit
    }
}

impl From<AuditError> for TokenError {
    fn from(_: AuditError) -> Self {
        Self::Audit
    }
}
