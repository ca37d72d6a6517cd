//! What of a grant can still be had: the practice must let the person in, and still offer the service.

use jiff::Timestamp;

use super::Snapshot;
use crate::availability::dutch_today;
use crate::medmij::ServiceId;
use crate::oauth::grant::Grant;
use crate::practices::Practice;
use crate::practices::golive::{Holder, Visitor, Whom};

/// The practice of a grant, and the services of it that are still offered at this moment; `None` when nothing is.
pub(crate) fn still_offered<'a>(
    snapshot: &'a Snapshot,
    grant: &Grant,
    now: Timestamp,
) -> Option<(&'a Practice, Vec<ServiceId>)> {
    let provider = grant.provider.as_str();
    let practice = snapshot.practices.practice(provider)?;
    let visitor = Visitor { client: &grant.client, today: dutch_today(now) };
    let holder = Holder { person: Whom::Person(&grant.subject), consented: grant.consented };
    let offered = |id: &&ServiceId| {
        let service = snapshot.services.service(id.as_str());
        service.is_some_and(|service| snapshot.gives(provider, service, now))
            && snapshot.stages.admits(&snapshot.people, practice, id, (visitor, holder)).is_ok()
    };
    let services: Vec<_> = grant.services.iter().filter(offered).cloned().collect();
    (!services.is_empty()).then_some((practice, services))
}
