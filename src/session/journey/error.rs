//! Why a walk ends on a page of ours: for the person a status, for the audit a reason.

use super::back::{BackToClient, refused};
use crate::audit::Outcome;
use crate::catalogue;
use crate::fault::Fault;
use crate::his::HisError;
use crate::language::Language;
use crate::medmij::CorrelationId;
use crate::oauth::authorize::{AuthorizeRequest, NoClient};
use crate::routing::Halt;
use crate::session::login::LoginUnavailable;

/// Why the walk ends on a page of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JourneyError {
    /// See [`NoClient`].
    #[error(transparent)]
    NoClient(#[from] NoClient),
    /// The page was used before, is too old, or belongs to another browser.
    #[error("this page was used before or is too old")]
    StalePage,
    /// The browser says that a page of another site sent the form.
    #[error("the form was sent from another site")]
    OtherSite,
    /// A field of the form is missing or has a value that the page does not offer.
    #[error("the form is not complete")]
    BadForm,
    /// What was sent is larger than any form of ours.
    #[error("the form is larger than any of ours")]
    TooLarge,
    /// The practice's system does not say whether it has data.
    #[error("the system of the practice does not answer")]
    His(HisError),
    /// See [`LoginUnavailable`].
    #[error(transparent)]
    Login(#[from] LoginUnavailable),
    /// Our lists are too old to tell who asks.
    #[error("the MedMij lists are too old")]
    ListsTooOld,
    /// An operator has stopped what the person came for.
    #[error("the operator of the gateway has stopped this for now")]
    Stopped(Halt),
    /// Our store or audit does not answer.
    #[error("the gateway cannot record this now")]
    Ours,
}

/// A walk that ended on a page of ours, with what the page may offer and say.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended {
    /// Why.
    pub error: JourneyError,
    /// The way back to the client: only while client and redirect URI are known to be good, and only when a failure is the
    /// reason (TS, RFC 6749 section 4.1.2.1).
    pub back: Option<BackToClient>,
    /// `X-Correlation-ID` of the authorization, which the page prints (TS).
    pub trace: Option<CorrelationId>,
    /// The language of the visit, when it is known.
    pub language: Option<Language>,
}

impl Ended {
    pub(super) fn new(error: JourneyError, request: Option<&AuthorizeRequest>) -> Self {
        let code = error.oauth_code();
        let back = request.zip(code).map(|(request, code)| {
            refused(
                request.redirect_uri.clone(),
                Some(&request.state),
                request.door.issuer(),
                code,
                "the authorization could not be completed",
            )
        });
        Self { error, back, trace: request.and_then(|request| request.correlation_id), language: None }
    }

    pub(super) fn in_language(self, language: Language) -> Self {
        Self { language: Some(language), ..self }
    }
}

impl From<JourneyError> for Ended {
    fn from(error: JourneyError) -> Self {
        Self::new(error, None)
    }
}

impl JourneyError {
    /// What the client may hear when the person goes back from the page (autoriseren 3). Nothing, when it may be the client
    /// or the browser that is wrong.
    const fn oauth_code(self) -> Option<&'static str> {
        match self {
            Self::NoClient(_)
            | Self::StalePage
            | Self::OtherSite
            | Self::BadForm
            | Self::TooLarge
            | Self::ListsTooOld => None,
            Self::His(error) if !error.is_passing() => Some(catalogue::SERVER_ERROR.code()),
            Self::His(_) | Self::Login(_) | Self::Stopped(_) | Self::Ours => {
                Some(catalogue::TEMPORARILY_UNAVAILABLE.code())
            }
        }
    }

    /// The HTTP status of the page.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::NoClient(_) | Self::BadForm => 400,
            Self::TooLarge => 413,
            Self::StalePage | Self::OtherSite => 403,
            Self::His(error) if !error.is_passing() => 502,
            Self::His(_) | Self::Login(LoginUnavailable) | Self::ListsTooOld | Self::Stopped(_) | Self::Ours => 503,
        }
    }

    /// The reason in the audit, and how that ended.
    pub(super) fn reason(self) -> (&'static str, Outcome) {
        match self {
            Self::NoClient(NoClient::UnknownClient) => (catalogue::UNKNOWN_CLIENT.code(), Outcome::Refused),
            Self::NoClient(NoClient::BadRedirectUri) => (catalogue::BAD_REDIRECT_URI.code(), Outcome::Refused),
            Self::StalePage => (catalogue::STALE_PAGE.code(), Outcome::Refused),
            Self::OtherSite => (catalogue::OTHER_SITE.code(), Outcome::Refused),
            Self::BadForm => (catalogue::BAD_FORM.code(), Outcome::Refused),
            Self::TooLarge => (catalogue::FORM_TOO_LARGE.code(), Outcome::Refused),
            Self::His(error) => (Fault::from(error).code, Outcome::Failed),
            Self::Login(LoginUnavailable) => (catalogue::LOGIN_UNAVAILABLE.code(), Outcome::Failed),
            Self::ListsTooOld => (catalogue::LISTS_TOO_OLD.code(), Outcome::Failed),
            Self::Stopped(halt) => (halt.code(), Outcome::Refused),
            Self::Ours => (catalogue::STORE_OR_AUDIT_DOWN.code(), Outcome::Failed),
        }
    }
}
