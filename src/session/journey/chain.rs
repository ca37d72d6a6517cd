//! The lines of a walk in the chain log. None says why a person was refused, or who they are.

use super::Journey;
use crate::catalogue;
use crate::chainlog::{Entry, Event, Failure, Inquiry};
use crate::form::single;
use crate::medmij::{CorrelationId, Hostname, LocalId, RequestId};
use crate::oauth::authorize::{AuthorizeRefusal, AuthorizeRequest, Door, NoClient};
use crate::session::login::LoginEnd;

/// One failure for every "no" (autoriseren 1 and 2).
pub(super) const DENIED: Event = Event::SendAuthorizationResponse(Some(Failure::of(catalogue::ACCESS_DENIED.code())));

/// Whether a visit is noted, and under which trace. Portals are no party of the chain (`medmij.md` section 8).
#[derive(Debug, Clone, Copy)]
pub(super) enum Trace {
    /// It is one of MedMij.
    Chain(Option<CorrelationId>),
    /// It came through the door of portals.
    Apart,
}

impl Trace {
    pub(super) const fn of(request: &AuthorizeRequest) -> Self {
        match request.door {
            Door::MedMij => Self::Chain(request.correlation_id),
            Door::Smart(_) => Self::Apart,
        }
    }
}

impl Journey {
    /// Notes a step of a visit.
    pub(super) fn note(&self, visit: LocalId, request: &AuthorizeRequest, event: Event) {
        self.note_as(visit, Trace::of(request), event);
    }

    /// The same, when the request has moved on.
    pub(super) fn note_as(&self, session: LocalId, trace: Trace, event: Event) {
        if let Trace::Chain(trace) = trace {
            self.chain.note(Entry { at: self.clock.now(), session, trace, event });
        }
    }

    /// A request that is in order.
    pub(super) fn note_arrival(&self, visit: LocalId, request: &AuthorizeRequest) {
        let inquiry = Inquiry { request: request.request_id, local: visit, client: Some(request.client.clone()) };
        self.note(visit, request, Event::ReceiveAuthorizationRequest(inquiry));
    }

    /// A request that is in order, but meets a stop.
    pub(super) fn note_stopped(&self, visit: LocalId, request: &AuthorizeRequest) {
        self.note_arrival(visit, request);
        self.note(visit, request, Event::AuthorizationRequestError(Failure::of("temporarily_unavailable")));
        self.note(visit, request, Event::ShowAuthorizationRequestErrorPage);
    }

    /// A request that is not in order, and how the PGO or the person learns of it.
    pub(super) fn note_turned_away(&self, pairs: &[(String, String)], refusal: &AuthorizeRefusal, id: LocalId) {
        let trace = Trace::Chain(single(pairs, "X-Correlation-ID").and_then(CorrelationId::parse));
        let inquiry = |client: Option<&Hostname>| {
            let request = single(pairs, "MedMij-Request-ID").and_then(RequestId::parse);
            Event::ReceiveAuthorizationRequest(Inquiry { request, local: id, client: client.cloned() })
        };
        let events = match refusal {
            AuthorizeRefusal::Page(no_client) => vec![
                inquiry(None),
                Event::AuthorizationRequestError(wrong_client(*no_client)),
                Event::ShowAuthorizationRequestErrorPage,
            ],
            AuthorizeRefusal::Redirect { client, error, .. } => {
                vec![inquiry(Some(client)), Event::SendAuthorizationRequestError(Failure::of(error.code()))]
            }
        };
        events.into_iter().for_each(|event| self.note_as(id, trace, event));
    }
}

/// How a login ended. After an answer without a usable BSN the person is sent to the login service again.
pub(super) const fn login_event(end: Option<&LoginEnd>) -> Event {
    match end {
        None => Event::ReceiveAuthenticationResponse,
        Some(LoginEnd::Cancelled) => Event::ReceiveAuthorizationCancellation,
        Some(LoginEnd::Failed | LoginEnd::NotABsn) => {
            Event::ReceiveAuthenticationError(Failure::of(catalogue::ACCESS_DENIED.code()))
        }
        Some(LoginEnd::Unavailable(_)) => Event::ReceiveAuthenticationError(Failure::of("temporarily_unavailable")),
    }
}

const fn wrong_client(no_client: NoClient) -> Failure {
    match no_client {
        NoClient::UnknownClient => Failure::of("unauthorized_client"),
        NoClient::BadRedirectUri => Failure::of("invalid_request"),
    }
}
