//! Grants: what a person allowed a client, and the access tokens that stand for it. Ending a grant ends all of them, and the
//! refresh tokens too.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::pkce::CodeChallenge;
use super::smart_scope::SmartScope;
use super::store::StoreFuture;
use crate::audit::{Authorization, Keyring, KnownSubject, NoKey, Subject};
use crate::medmij::{Bsn, CorrelationId, Hostname, LocalId, ProviderName, RequestId, ServiceId};
use crate::practices::{Place, PracticeRegister};
use crate::secret::{HandleHash, Secret};

/// A person's consent, as far as tokens need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its id; audit records refer to it.
    pub id: LocalId,
    /// The client that asked (MedMij: a host name on the OAuth client list).
    pub client: Hostname,
    /// The practice whose data may be collected.
    pub provider: ProviderName,
    /// The services that were available when the person consented.
    pub services: Vec<ServiceId>,
    /// Whose data it is. Stored sealed only.
    pub subject: Bsn,
    /// `MedMij-Request-ID` of the authorization request.
    pub request: Option<RequestId>,
    /// `X-Correlation-ID` of the authorization request.
    pub correlation: Option<CorrelationId>,
    /// When the person consented.
    pub consented: Timestamp,
    /// Whether the person chose "for an indefinite period", so that there is a refresh token.
    pub lasting: bool,
    /// The node that redeemed the code; absent until then.
    pub redeemed_by: Option<Node>,
    /// Of a grant through the door of portals.
    pub smart: Option<SmartGrant>,
}

/// What a SMART client was granted. Stored sealed only, as it tells who the person is at the practice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmartGrant {
    /// The searches and reads.
    pub scope: SmartScope,
    /// What the code must be brought with.
    pub challenge: CodeChallenge,
    /// The id of the person's Patient resource under our FHIR base.
    pub patient: Secret<String>,
}

impl Grant {
    /// Under which rules it gives access. A portal that sends no person to our pages says itself who they are.
    #[must_use]
    pub const fn authorization(&self, is_portal: bool) -> Authorization {
        match (&self.smart, is_portal, self.lasting) {
            (Some(_), ..) => Authorization::Smart,
            (None, true, _) => Authorization::PortalAssertion,
            (None, false, true) => Authorization::LastingConsent,
            (None, false, false) => Authorization::MedmijConsent,
        }
    }

    /// The types of resource that it covers, and for what; `None` for all. A grant of MedMij is for whole services.
    #[must_use]
    pub fn scope(&self) -> Option<&SmartScope> {
        self.smart.as_ref().map(|smart| &smart.scope)
    }
}

/// A node as its certificate names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The name that was admitted.
    pub name: Hostname,
    /// The certificate.
    pub thumbprint: Thumbprint,
}

/// SHA-256 of a certificate in DER (`x5t#S256`, RFC 8705 section 3.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// Of a certificate whose SHA-256 this is.
    #[must_use]
    pub const fn new(sha256: [u8; 32]) -> Self {
        Self(sha256)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// An access token as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedToken {
    /// SHA-256 of the token.
    pub hash: HandleHash,
    /// After this moment it is refused (900 s after issue).
    pub expires: Timestamp,
    /// The only certificate that may use it (RFC 8705 section 3); `None` for any that may act for the client.
    pub bound_to: Option<Thumbprint>,
    /// What it stands for.
    pub grant: Arc<Grant>,
    place: Option<Place>,
    /// Of the person of the grant.
    known: KnownSubject,
}

impl IssuedToken {
    /// A token for a grant.
    #[must_use]
    pub const fn new(hash: HandleHash, expires: Timestamp, bound_to: Option<Thumbprint>, grant: Arc<Grant>) -> Self {
        Self { hash, expires, bound_to, grant, place: None, known: KnownSubject::NEVER }
    }

    /// The same, to be used many times: it knows where the practice of its grant stands in this register, and what stands for
    /// the person in the audit is worked out once for all its copies.
    #[must_use]
    pub fn placed(self, register: &PracticeRegister) -> Self {
        Self { place: register.place(self.grant.provider.as_str()), known: KnownSubject::once(), ..self }
    }

    /// What stands for the person in an event of this moment.
    ///
    /// # Errors
    /// When a key of the year is missing.
    pub fn subject(&self, keyring: &Keyring, moment: Timestamp) -> Result<Subject, NoKey> {
        keyring.known_subject(&self.known, &self.grant.subject, moment)
    }

    /// Where the practice of its grant stands in a register, when it was looked up before.
    #[must_use]
    pub const fn place(&self) -> Option<Place> {
        self.place
    }
}

/// Where tokens live.
pub trait TokenStore: Send + Sync + 'static {
    /// Keeps a new token, and in its grant the node that redeemed the code.
    fn keep(&self, token: IssuedToken) -> StoreFuture<'_, ()>;

    /// What [`Self::find`] would find, when it can be told at once. `None` says nothing.
    fn at_hand(&self, hash: &HandleHash) -> Option<IssuedToken> {
        let _ = hash;
        None
    }

    /// The token with this hash, expired or not, unless its grant was ended.
    fn find(&self, hash: HandleHash) -> StoreFuture<'_, Option<IssuedToken>>;
}

/// A grant "for an indefinite period" that is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastingGrant {
    /// The grant.
    pub grant: Grant,
    /// When it lapses if it is not used before.
    pub lapses: Timestamp,
}

/// Where grants end, and where a person finds theirs.
pub trait GrantStore: Send + Sync + 'static {
    /// Ends a grant: its access tokens and refresh tokens are refused from now on. Whether this is what ended it: `false` when
    /// it had ended before, or is not known.
    fn end(&self, grant: LocalId, now: Timestamp) -> StoreFuture<'_, bool>;

    /// What [`Self::has_ended`] would say, when it can be told at once. `None` says nothing.
    fn known_to_have_ended(&self, grant: LocalId) -> Option<bool> {
        let _ = grant;
        None
    }

    /// Whether a grant was ended. One that the store does not know any more has nothing left that could be used.
    fn has_ended(&self, grant: LocalId) -> StoreFuture<'_, bool>;

    /// The lasting grants of a person that are in force, newest first; at most [`LASTING_MAX`]. The store looks them up by
    /// a keyed hash and keeps no citizen service number in clear.
    fn lasting_of(&self, subject: &Bsn, now: Timestamp) -> StoreFuture<'_, Vec<LastingGrant>>;
}

/// How many lasting grants of one person are listed at most.
pub const LASTING_MAX: usize = 200;
