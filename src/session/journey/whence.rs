//! Where a person's request comes from, for the records that it leaves: known to the connection, not to the steps of a visit.

use std::net::IpAddr;

use crate::audit::AuditEvent;

tokio::task_local! {
    static ADDRESS: Option<IpAddr>;
}

/// Does the work of one request that came from `address`.
pub async fn coming_from<W: Future>(address: Option<IpAddr>, work: W) -> W::Output {
    ADDRESS.scope(address, work).await
}

/// With the address of the browser, and the visit that the event is of.
pub(super) fn placed(mut event: AuditEvent) -> AuditEvent {
    event.access_point = ADDRESS.try_with(|address| *address).ok().flatten();
    event.session = event.local_id;
    event
}
