//! What a person is asked, and about which practice and services: built from the lists, the register and the catalogue.

use jiff::Timestamp;

use crate::medmij::{Scope, ServiceId};
use crate::oauth::authorize::AuthorizeRequest;
use crate::practices::{GoLive, Practice};
use crate::routing::Snapshot;
use crate::services::Purpose;

/// Who asks what of whom, in the names that people know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The organisation behind the PGO (OCL).
    pub organisation: String,
    /// The practice.
    pub practice: String,
    /// The services (GNL).
    pub services: Vec<String>,
    /// In which direction the data go.
    pub purpose: Purpose,
}

pub(super) fn practice_of<'a>(snapshot: &'a Snapshot, request: &AuthorizeRequest) -> Option<&'a Practice> {
    let practice = snapshot.practices.practice(request.scope.provider().as_str());
    practice.filter(|practice| practice.state == GoLive::Open)
}

/// The services of the practice that this scope can cover: in the ZAL or a short time ago, known to the catalogue, of the right direction.
pub(super) fn available_services(snapshot: &Snapshot, scope: &Scope, now: Timestamp) -> Vec<ServiceId> {
    let provider = scope.provider().as_str();
    let wanted = |service: &&crate::services::Service| match scope {
        Scope::Collect(_) => service.purpose == Purpose::Collect,
        Scope::Share(_, id) => service.purpose == Purpose::Share && service.id == *id,
    };
    let services = snapshot.services.iter().filter(wanted);
    services
        .filter(|service| snapshot.offers(provider, service.id.as_str(), now))
        .map(|service| service.id.clone())
        .collect()
}

pub(super) fn question(snapshot: &Snapshot, request: &AuthorizeRequest, now: Timestamp) -> Option<Question> {
    let services = available_services(snapshot, &request.scope, now);
    let name = |id: &ServiceId| {
        let listed = snapshot.lists.gnl.name(id.as_str());
        listed
            .or_else(|| snapshot.services.service(id.as_str()).map(|service| service.name.as_str()))
            .unwrap_or_default()
            .to_owned()
    };
    Some(Question {
        organisation: snapshot.lists.ocl.client(request.client.as_str())?.organisation().to_owned(),
        practice: practice_of(snapshot, request)?.name.clone(),
        services: services.iter().map(name).collect(),
        purpose: match request.scope {
            Scope::Collect(_) => Purpose::Collect,
            Scope::Share(..) => Purpose::Share,
        },
    })
}

/// The services to grant. The lists may have changed since the page was made: client and practice must still be there.
pub(super) fn services_still_asked(
    snapshot: &Snapshot,
    request: &AuthorizeRequest,
    now: Timestamp,
) -> Option<Vec<ServiceId>> {
    question(snapshot, request, now)?;
    Some(available_services(snapshot, &request.scope, now)).filter(|services| !services.is_empty())
}
