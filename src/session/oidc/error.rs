//! Why a login at an OpenID provider gives no person, and what that means for the person's walk.

use crate::jose::{ClaimError, JweError, JwkError, JwsError};
use crate::session::login::{LoginEnd, LoginUnavailable};

/// Why there is no person. Nothing that the provider or the browser sent is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OidcError {
    /// The issuer is no https URL on a configured origin.
    #[error("the issuer of the login service is not an https URL on one of its origins")]
    Issuer,
    /// No connection, or it broke off.
    #[error("the login service cannot be reached, or broke off")]
    Unreachable,
    /// Not before the deadline.
    #[error("the login service did not answer in time")]
    TimedOut,
    /// A redirect where an answer belongs. None is followed: it could lead anywhere.
    #[error("the login service answered with a redirect")]
    Redirected,
    /// Over the limit of what is read.
    #[error("the answer of the login service is larger than allowed")]
    TooLarge,
    /// Another status than 200.
    #[error("the login service answered with status {status}")]
    Status {
        /// Which.
        status: u16,
    },
    /// Another media type than asked for.
    #[error("the login service answered in another format (Content-Type)")]
    MediaType,
    /// The metadata cannot be read.
    #[error("the metadata of the login service cannot be read")]
    Metadata,
    /// The metadata are of another issuer (OpenID Connect Discovery section 4.3).
    #[error("the metadata of the login service name another issuer")]
    OtherIssuer,
    /// The metadata name an endpoint outside the configured origins.
    #[error("the metadata of the login service name an endpoint that is not on one of its origins")]
    Endpoint,
    /// The provider cannot do what we need.
    #[error("the login service does not offer {0}")]
    Unsupported(&'static str),
    /// The keys cannot be read.
    #[error("the keys of the login service cannot be read")]
    Keys(#[source] JwkError),
    /// The provider does not know us: our registration there and our configuration differ.
    #[error("the login service refuses this client; look at client_id, signing_key and redirect_uri")]
    ClientRefused,
    /// The provider says that it is out of order.
    #[error("the login service says that it cannot serve now")]
    OutOfOrder,
    /// Our signature cannot be made.
    #[error("the signing key does not sign")]
    Signing,
    /// The person went back.
    #[error("the person cancelled at the login service")]
    Cancelled,
    /// The provider refuses the login.
    #[error("the login service refused the login")]
    Refused,
    /// What we kept of the departure is not there.
    #[error("the visit holds no departure to this login service")]
    NotOurs,
    /// The answer comes from another issuer (RFC 9207): a mix-up.
    #[error("the answer names another issuer (iss)")]
    MixedUp,
    /// The browser brings neither a code nor an error.
    #[error("the answer holds no code")]
    NoCode,
    /// The code is not accepted (any more).
    #[error("the login service does not accept the code")]
    CodeRefused,
    /// The token answer cannot be read.
    #[error("the token answer of the login service cannot be read")]
    Tokens,
    /// The id_token cannot be opened.
    #[error("the id_token cannot be opened")]
    SealedIdToken(#[source] JweError),
    /// The id_token is not signed by the provider.
    #[error("the id_token is not signed as it should be: {0}")]
    IdToken(#[source] JwsError),
    /// The claims of the id_token are not those that we wait for.
    #[error("the id_token says something else than expected: {0}")]
    Claims(#[source] ClaimError),
    /// `azp` names another client.
    #[error("the id_token was made for another client (azp)")]
    OtherParty,
    /// `sub` is missing or too long.
    #[error("the id_token names nobody (sub)")]
    NoSubject,
    /// `auth_time` is missing, still to come, or from before the person left for the login.
    #[error("the person did not log in between leaving and coming back (auth_time)")]
    LoginTime,
    /// Userinfo cannot be opened.
    #[error("userinfo is not encrypted as it should be: {0}")]
    SealedUserinfo(#[source] JweError),
    /// Userinfo is not signed by the provider.
    #[error("userinfo is not signed as it should be: {0}")]
    Userinfo(#[source] JwsError),
    /// Userinfo is no JSON object, or not of this issuer and for us.
    #[error("userinfo cannot be read, or is not meant for this client")]
    UserinfoClaims,
    /// Userinfo is about somebody else than the id_token (OpenID Connect Core section 5.3.2).
    #[error("userinfo is about somebody else (sub)")]
    OtherPerson,
    /// The level claim is missing or has a value that the configuration does not know.
    #[error("the login service does not say how the person logged in, or in a word that is not known")]
    UnknownLevel,
    /// The person logged in by a weaker means than the configuration asks.
    #[error("the person logged in at a lower level than asked for")]
    TooWeak,
    /// The name claim is missing, or holds no name.
    #[error("the login service gives no name by which this person can stand in the log")]
    NoName,
    /// No BSN, or not a valid one.
    #[error("the login service gives no citizen service number")]
    NoBsn,
}

impl OidcError {
    /// What it is for the person: the service is away, or it does not vouch for them.
    #[must_use]
    pub const fn end(self) -> LoginEnd {
        match self {
            Self::Cancelled => LoginEnd::Cancelled,
            Self::Issuer
            | Self::Unreachable
            | Self::TimedOut
            | Self::Redirected
            | Self::TooLarge
            | Self::Status { .. }
            | Self::MediaType
            | Self::Metadata
            | Self::OtherIssuer
            | Self::Endpoint
            | Self::Unsupported(_)
            | Self::Keys(_)
            | Self::ClientRefused
            | Self::OutOfOrder
            | Self::Signing => LoginEnd::Unavailable(LoginUnavailable),
            Self::Refused
            | Self::NotOurs
            | Self::MixedUp
            | Self::NoCode
            | Self::CodeRefused
            | Self::Tokens
            | Self::SealedIdToken(_)
            | Self::IdToken(_)
            | Self::Claims(_)
            | Self::OtherParty
            | Self::NoSubject
            | Self::LoginTime
            | Self::SealedUserinfo(_)
            | Self::Userinfo(_)
            | Self::UserinfoClaims
            | Self::OtherPerson
            | Self::UnknownLevel
            | Self::TooWeak
            | Self::NoName
            | Self::NoBsn => LoginEnd::Failed,
        }
    }
}
