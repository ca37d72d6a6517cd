//! What of a grant can still be had: the practice must be open, and still offer the service.

use super::{INTERFACE_VERSION, Snapshot};
use crate::medmij::ServiceId;
use crate::oauth::grant::Grant;
use crate::practices::{GoLive, Practice};

/// The practice of a grant, and the services of it that are still offered; `None` when nothing is.
pub(crate) fn still_offered<'a>(snapshot: &'a Snapshot, grant: &Grant) -> Option<(&'a Practice, Vec<ServiceId>)> {
    let practice = snapshot.practices.practice(grant.provider.as_str())?;
    let listed = snapshot.lists.zal.provider(grant.provider.as_str())?;
    let offered = |id: &&ServiceId| {
        snapshot.services.service(id.as_str()).is_some() && listed.service(INTERFACE_VERSION, id.as_str()).is_some()
    };
    let services: Vec<_> = grant.services.iter().filter(offered).cloned().collect();
    (practice.state == GoLive::Open && !services.is_empty()).then_some((practice, services))
}
