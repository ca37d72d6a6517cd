//! What a person is asked, and about which practice and services: built from the lists, the register and the catalogue.

use jiff::Timestamp;

use crate::medmij::{Scope, ServiceId};
use crate::oauth::authorize::{AuthorizeRequest, Door};
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
    /// Whether consent may be for an indefinite period: for collecting, and not by portals, which get no refresh tokens.
    pub may_last: bool,
}

pub(super) fn practice_of<'a>(snapshot: &'a Snapshot, request: &AuthorizeRequest) -> Option<&'a Practice> {
    let practice = snapshot.practices.practice(request.scope.provider().as_str());
    practice.filter(|practice| practice.state == GoLive::Open)
}

/// The services of the practice that this request can cover: in the ZAL or a short time ago, known to the catalogue, of the
/// right direction; through the door of portals the one whose address was named.
pub(super) fn available_services(snapshot: &Snapshot, request: &AuthorizeRequest, now: Timestamp) -> Vec<ServiceId> {
    let provider = request.scope.provider().as_str();
    let wanted = |service: &&crate::services::Service| match (&request.scope, &request.door) {
        (Scope::Collect(_), Door::MedMij) => service.purpose == Purpose::Collect,
        (Scope::Collect(_), Door::Smart(ask)) => service.purpose == Purpose::Collect && service.id == ask.service,
        (Scope::Named(_, ids), _) => {
            ids.contains(&service.id) && (service.purpose == Purpose::Collect || ids.len() == 1)
        }
        (Scope::Share(_, id), _) => service.purpose == Purpose::Share && service.id == *id,
    };
    let services = snapshot.services.iter().filter(wanted);
    services
        .filter(|service| snapshot.offers(provider, service.id.as_str(), now))
        .map(|service| service.id.clone())
        .collect()
}

/// Who asks, as people know them: from the OAuth client list, or from the register of portals.
fn organisation<'a>(snapshot: &'a Snapshot, request: &AuthorizeRequest) -> Option<&'a str> {
    let client = request.client.as_str();
    match request.door {
        Door::MedMij => snapshot.lists.ocl.client(client).map(|client| client.organisation()),
        Door::Smart(_) => snapshot.clients.portal(client).map(|portal| portal.name.as_str()),
    }
}

pub(super) fn question(snapshot: &Snapshot, request: &AuthorizeRequest, now: Timestamp) -> Option<Question> {
    let services = available_services(snapshot, request, now);
    let name = |id: &ServiceId| {
        let listed = snapshot.lists.gnl.name(id.as_str());
        listed
            .or_else(|| snapshot.services.service(id.as_str()).map(|service| service.name.as_str()))
            .unwrap_or_default()
            .to_owned()
    };
    Some(Question {
        organisation: organisation(snapshot, request)?.to_owned(),
        practice: practice_of(snapshot, request)?.name.clone(),
        services: services.iter().map(name).collect(),
        purpose: match request.scope {
            Scope::Collect(_) => Purpose::Collect,
            Scope::Share(..) => Purpose::Share,
            Scope::Named(..) => {
                let purpose = |id: &ServiceId| snapshot.services.service(id.as_str()).map(|service| service.purpose);
                services.first().and_then(purpose).unwrap_or(Purpose::Collect)
            }
        },
        may_last: request.may_last(),
    })
}

/// The services to grant. The lists may have changed since the page was made: client and practice must still be there.
pub(super) fn services_still_asked(
    snapshot: &Snapshot,
    request: &AuthorizeRequest,
    now: Timestamp,
) -> Option<Vec<ServiceId>> {
    question(snapshot, request, now)?;
    Some(available_services(snapshot, request, now)).filter(|services| !services.is_empty())
}
