//! What a decision looks at, in its order, so that who explains one can say how far it came.

use super::Refusal;

/// One thing that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// The lists are not older than they may be.
    Lists,
    /// The node is known: on the whitelist, or registered for a portal, and may act for the client.
    Peer,
    /// The client is one that is served: on the OAuth client list, or registered as a portal.
    Client,
    /// No operator has stopped the client.
    ClientStop,
    /// The token is shown with the certificate that it is bound to.
    Certificate,
    /// The token has its time yet.
    Lifetime,
    /// The token is for the practice that is addressed.
    Provider,
    /// The token covers the service that is addressed.
    Consent,
    /// The service exists, in this FHIR version and for this kind of client.
    Service,
    /// The registration of the portal names practice and service.
    Registration,
    /// The scope of the token names the type of resource.
    Scope,
    /// The practice gives the service: the ZAL says so, or it is for portals only.
    Offered,
    /// The practice is in our register.
    Register,
    /// The practice lets this person in with this app on this day.
    GoLive,
    /// No operator has stopped the practice or its HIS.
    PracticeStop,
}

impl Check {
    /// Each, in the order of a decision.
    pub const ALL: [Self; 15] = [
        Self::Lists,
        Self::Peer,
        Self::Client,
        Self::ClientStop,
        Self::Certificate,
        Self::Lifetime,
        Self::Provider,
        Self::Consent,
        Self::Service,
        Self::Registration,
        Self::Scope,
        Self::Offered,
        Self::Register,
        Self::GoLive,
        Self::PracticeStop,
    ];

    /// Its name in explanations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lists => "lists",
            Self::Peer => "peer",
            Self::Client => "client",
            Self::ClientStop => "client-stop",
            Self::Certificate => "certificate",
            Self::Lifetime => "lifetime",
            Self::Provider => "provider",
            Self::Consent => "consent",
            Self::Service => "service",
            Self::Registration => "registration",
            Self::Scope => "scope",
            Self::Offered => "offered",
            Self::Register => "register",
            Self::GoLive => "go-live",
            Self::PracticeStop => "practice-stop",
        }
    }

    /// Where a decision ended that refused for this reason.
    #[must_use]
    pub const fn of(refusal: Refusal) -> Self {
        use super::Halt;
        match refusal {
            Refusal::ListsTooOld => Self::Lists,
            Refusal::PeerNotListed | Refusal::PeerNotOfClient => Self::Peer,
            Refusal::ClientNotListed | Refusal::PortalOnClientList => Self::Client,
            Refusal::OtherCertificate => Self::Certificate,
            Refusal::Expired => Self::Lifetime,
            Refusal::OtherProvider => Self::Provider,
            Refusal::ServiceNotGranted => Self::Consent,
            Refusal::UnknownService => Self::Service,
            Refusal::PracticeNotRegistered | Refusal::ServiceNotRegistered => Self::Registration,
            Refusal::TypeNotGranted => Self::Scope,
            Refusal::NotOffered => Self::Offered,
            Refusal::NotServed => Self::Register,
            Refusal::NotYet(_) => Self::GoLive,
            Refusal::Stopped(Halt::Everything | Halt::Client) => Self::ClientStop,
            Refusal::Stopped(Halt::His | Halt::Practice) => Self::PracticeStop,
        }
    }
}

/// Is told what a decision comes to next.
pub(super) trait Watch {
    /// It looks at this now.
    fn at(&mut self, check: Check);
}

/// Nobody watches: a decision costs what it would cost without.
pub(super) struct Unwatched;

impl Watch for Unwatched {
    #[inline]
    fn at(&mut self, _: Check) {}
}

/// Keeps the way that it took.
impl Watch for Vec<Check> {
    fn at(&mut self, check: Check) {
        self.push(check);
    }
}
