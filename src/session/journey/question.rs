//! What a person is asked, and about which practice and services: built from the lists, the register and the catalogue.

use jiff::Timestamp;

use crate::availability::dutch_today;
use crate::medmij::{Scope, ServiceId};
use crate::oauth::authorize::{AuthorizeRequest, Door};
use crate::practices::Practice;
use crate::practices::golive::Visitor;
use crate::routing::Snapshot;
use crate::services::Purpose;
use crate::session::visit::Visit;

/// Who asks what of whom, in the names that people know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The organisation behind the PGO (OCL).
    pub organisation: String,
    /// The practice.
    pub practice: String,
    /// The services (GNL).
    pub services: Vec<String>,
    /// What it is to us.
    pub asker: Asker,
    /// In which direction the data go.
    pub purpose: Purpose,
    /// Whether consent may be for an indefinite period: for collecting, and not by portals, which get no refresh tokens.
    pub may_last: bool,
}

/// What asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// A PGO, by the rules of MedMij.
    Pgo,
    /// A portal, which is no party of MedMij.
    Portal,
}

impl Asker {
    const fn of(door: &Door) -> Self {
        match door {
            Door::MedMij => Self::Pgo,
            Door::Smart(_) => Self::Portal,
        }
    }
}

pub(super) fn practice_of<'a>(snapshot: &'a Snapshot, request: &AuthorizeRequest) -> Option<&'a Practice> {
    snapshot.practices.practice(request.scope.provider().as_str())
}

/// The services of the practice that this request can cover: in the ZAL or a short time ago, known to the catalogue, of the
/// right direction, and open to what asks (go-live); through the door of portals the one whose address was named.
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
    let Some(practice) = practice_of(snapshot, request) else { return Vec::new() };
    let visitor = Visitor { client: &request.client, today: dutch_today(now) };
    let services = snapshot.services.iter().filter(wanted);
    services
        .filter(|service| matches!(request.door, Door::Smart(_)) || service.is_for_everyone())
        .filter(|service| snapshot.gives(provider, service, now))
        .filter(|service| snapshot.stages.greets(practice, &service.id, visitor).is_ok())
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

/// The services that a visit is about: those that can be covered now, and after the login only of those that the person is
/// asked about.
pub(super) fn services_of(
    snapshot: &Snapshot,
    visit: &Visit,
    request: &AuthorizeRequest,
    now: Timestamp,
) -> Vec<ServiceId> {
    match visit {
        Visit::Asked(asked) => still_available(snapshot, request, &asked.services, now),
        Visit::Landed(_) | Visit::AtLogin(_) | Visit::Unavailable(_) | Visit::OwnAtLogin(_) | Visit::Managing(_) => {
            available_services(snapshot, request, now)
        }
    }
}

fn still_available(
    snapshot: &Snapshot,
    request: &AuthorizeRequest,
    asked: &[ServiceId],
    now: Timestamp,
) -> Vec<ServiceId> {
    let mut services = available_services(snapshot, request, now);
    services.retain(|service| asked.contains(service));
    services
}

pub(super) fn question(snapshot: &Snapshot, request: &AuthorizeRequest, services: &[ServiceId]) -> Option<Question> {
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
        asker: Asker::of(&request.door),
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

/// The services to grant: none that the person was not asked about. The lists may have changed since the page was made, so
/// client and practice must still be there.
pub(super) fn services_to_grant(
    snapshot: &Snapshot,
    request: &AuthorizeRequest,
    asked: &[ServiceId],
    now: Timestamp,
) -> Option<Vec<ServiceId>> {
    organisation(snapshot, request).zip(practice_of(snapshot, request))?;
    Some(still_available(snapshot, request, asked, now)).filter(|services| !services.is_empty())
}

#[cfg(test)]
mod tests;
