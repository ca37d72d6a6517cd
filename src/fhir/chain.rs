//! The two lines of a request for data in the chain log.

use super::read::{ReadError, Reader};
use crate::audit::AuditEvent;
use crate::chainlog::{Answer, Entry, Event, Failure, Inquiry, Subject};
use crate::fault::Fault;

impl Reader {
    /// Notes a request and its answer, when it is not one of a practice portal. `event` names what is known of it: provider
    /// and service come from the grant and the catalogue, never from the address.
    pub(super) fn note_in_chain(&self, event: &AuditEvent, failed: Option<ReadError>) {
        let Some(local) = event.local_id else { return };
        let is_portal = |id: &crate::medmij::Hostname| self.snapshot.load().clients.portal(id.as_str()).is_some();
        if event.client_id.as_ref().is_some_and(is_portal) {
            return;
        }
        let (session, trace) = (event.grant.unwrap_or(local), event.correlation_id);
        let inquiry = Inquiry { request: event.request_id, local, client: event.client_id.clone() };
        let subject = Subject { provider: event.provider.clone(), service: event.service.clone() };
        let answer = |status| Answer { request: event.request_id, local, status };
        let answered = match failed.map(Fault::from) {
            None => Event::SendResourceResponse(answer(200)),
            Some(fault) => Event::SendResourceErrorResponse(answer(fault.status), failure(fault)),
        };
        let asked = Event::ReceiveResourceRequest(inquiry, subject);
        self.chain.note(Entry { at: event.time, session, trace, event: asked });
        self.chain.note(Entry { at: self.clock.now(), session, trace, event: answered });
    }
}

/// RFC 6750 section 3.1 for tokens; anything else is none of OAuth.
fn failure(fault: Fault) -> Failure {
    let code = if fault.status == 401 { "invalid_token" } else { "other" };
    Failure { code, description: fault.code.into() }
}
