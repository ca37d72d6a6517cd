//! The two lines of a token request in the chain log.

use super::assertion_grant::JWT_BEARER;
use super::{TokenDesk, TokenError};
use crate::audit::AuditEvent;
use crate::chainlog::{Answer, Entry, Event, Failure, GrantType, Inquiry};
use crate::form::single;

impl TokenDesk {
    /// Notes a request and its answer, when it is not one of a practice portal. `event` names what is known of it.
    pub(super) fn note_in_chain(&self, form: &[(String, String)], event: &AuditEvent, failed: Option<TokenError>) {
        let Some(local) = event.local_id else { return };
        let snapshot = self.snapshot.load();
        // What a stranger calls itself stays out of the log.
        let client = event.client_id.clone().filter(|id| snapshot.lists.ocl.client(id.as_str()).is_some());
        let is_portal = event.client_id.as_ref().is_some_and(|id| snapshot.clients.portal(id.as_str()).is_some());
        if is_portal || single(form, "grant_type") == Some(JWT_BEARER) {
            return;
        }
        let (session, trace) = (event.grant.unwrap_or(local), event.correlation_id);
        let inquiry = Inquiry { request: event.request_id, local, client };
        let answer = |status| Answer { request: event.request_id, local, status };
        let asked = Event::ReceiveTokenRequest(inquiry, grant_type(form));
        let answered = match failed {
            None => Event::SendTokenResponse(answer(200)),
            Some(error) => Event::SendTokenErrorResponse(answer(error.status()), failure(error)),
        };
        self.chain.note(Entry { at: event.time, session, trace, event: asked });
        self.chain.note(Entry { at: self.clock.now(), session, trace, event: answered });
    }
}

fn grant_type(form: &[(String, String)]) -> Option<GrantType> {
    match single(form, "grant_type")? {
        "authorization_code" => Some(GrantType::AuthorizationCode),
        "refresh_token" => Some(GrantType::RefreshToken),
        _ => None,
    }
}

fn failure(error: TokenError) -> Failure {
    Failure { code: error.code(), description: error.to_string().into() }
}
