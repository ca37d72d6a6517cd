//! What of a grant can still be had: the practice must be open, and still offer the service.

use jiff::Timestamp;

use super::Snapshot;
use crate::medmij::ServiceId;
use crate::oauth::grant::Grant;
use crate::practices::{GoLive, Practice};

/// The practice of a grant, and the services of it that are still offered at this moment; `None` when nothing is.
pub(crate) fn still_offered<'a>(
    snapshot: &'a Snapshot,
    grant: &Grant,
    now: Timestamp,
) -> Option<(&'a Practice, Vec<ServiceId>)> {
    let provider = grant.provider.as_str();
    let practice = snapshot.practices.practice(provider)?;
    let offered = |id: &&ServiceId| {
        snapshot.services.service(id.as_str()).is_some_and(|service| snapshot.gives(provider, service, now))
    };
    let services: Vec<_> = grant.services.iter().filter(offered).cloned().collect();
    (practice.state == GoLive::Open && !services.is_empty()).then_some((practice, services))
}
