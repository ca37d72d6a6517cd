//! What a snapshot shows of each thing that a decision looks at, in words for operators. It judges nothing: the same words stand
//! beside a step that passed and one that did not.

use jiff::Timestamp;

use super::{Supposed, number};
use crate::availability::dutch_today;
use crate::lists::ListKind;
use crate::practices::Practice;
use crate::practices::golive::{InForce, Stage, Whom};
use crate::routing::{Check, Halt, Snapshot};
use crate::services::{Audience, Service};

pub(super) fn of(check: Check, snapshot: &Snapshot, supposed: &Supposed<'_>, now: Timestamp) -> String {
    let Supposed { client, provider, service, route, .. } = supposed;
    match check {
        Check::Lists => lists(snapshot, now),
        Check::Peer => peers(snapshot, supposed),
        Check::Client => client_of(snapshot, supposed),
        Check::ClientStop => stopped(snapshot.stops.client(client), &format!("client {client}")),
        Check::Certificate => bound(snapshot, supposed),
        Check::Lifetime => "the token is taken to be one that was just given".to_owned(),
        Check::Provider => format!("the token is for {provider}, the address is that of {}", route.provider),
        Check::Consent => format!("the token covers service {service}, the address is that of {}", route.service),
        Check::Service => known(snapshot, supposed),
        Check::Registration => registration(snapshot, supposed),
        Check::Scope => supposed.scope.map_or_else(
            || "the token covers whole services".to_owned(),
            |scope| format!("the token covers {scope}, asked is {}", route.rest),
        ),
        Check::Offered => offered(snapshot, supposed, now),
        Check::Register => register(snapshot, supposed),
        Check::GoLive => golive(snapshot, supposed, now),
        Check::PracticeStop => match practice(snapshot, supposed) {
            Some(practice) => {
                let what = format!("practice {provider} and HIS {}", practice.his);
                stopped(snapshot.stops.practice(practice), &what)
            }
            None => format!("{provider} is no practice of ours"),
        },
    }
}

fn lists(snapshot: &Snapshot, now: Timestamp) -> String {
    let each = ListKind::ALL.map(|list| {
        let until = snapshot.freshness.until(list);
        let so = if now <= until { "may be used until" } else { "could be used until" };
        if until == Timestamp::MIN {
            return format!("the {list} was never given");
        }
        format!("{} {so} {until:.0}", number(snapshot, list))
    });
    each.join(", ")
}

fn peers(snapshot: &Snapshot, supposed: &Supposed<'_>) -> String {
    let Supposed { client, names, .. } = supposed;
    let is_portal = snapshot.clients.portal(client.as_str()).is_some();
    let said = names.iter().map(|name| {
        let listed = match (is_portal, snapshot.lists.whl.contains(name)) {
            (true, _) => "",
            (false, true) => " is on the whitelist and",
            (false, false) => " is not on the whitelist and",
        };
        let may = if snapshot.clients.may_act(name, client) { "may" } else { "may not" };
        format!("{name}{listed} {may} act for {client}")
    });
    let said: Vec<_> = said.collect();
    if said.is_empty() { "no name is in the certificate".to_owned() } else { said.join(", ") }
}

fn client_of(snapshot: &Snapshot, supposed: &Supposed<'_>) -> String {
    let client = supposed.client;
    let listed = snapshot.lists.ocl.client(client.as_str());
    let listed = listed.map_or_else(
        || "is not on the OAuth client list".to_owned(),
        |listed| format!("is on the OAuth client list as {}", listed.organisation()),
    );
    match snapshot.clients.portal(client.as_str()) {
        Some(portal) => format!("{client} is registered here as the portal {}, and {listed}", portal.name),
        None => format!("{client} {listed}"),
    }
}

fn stopped(halt: Option<Halt>, what: &str) -> String {
    match halt {
        None => format!("nothing stops {what}"),
        Some(halt) => format!("an operator has stopped it: {}", halt.code()),
    }
}

fn bound(snapshot: &Snapshot, supposed: &Supposed<'_>) -> String {
    let binds = snapshot.clients.binds_tokens(supposed.client);
    let how = if binds { "are bound to the certificate that asked for them" } else { "are not bound to a certificate" };
    format!("tokens of {} {how}; it is taken to be the right one", supposed.client)
}

fn service_of<'a>(snapshot: &'a Snapshot, supposed: &Supposed<'_>) -> Option<&'a Service> {
    snapshot.services.service(supposed.route.service)
}

fn practice<'a>(snapshot: &'a Snapshot, supposed: &Supposed<'_>) -> Option<&'a Practice> {
    snapshot.practices.practice(supposed.provider.as_str())
}

fn known(snapshot: &Snapshot, supposed: &Supposed<'_>) -> String {
    let route = supposed.route;
    let Some(service) = service_of(snapshot, supposed) else {
        return format!("the catalogue has no service {}", route.service);
    };
    let whom = match service.audience {
        Audience::Everyone => "everyone",
        Audience::PortalOnly => "portals only",
    };
    let (name, has, asked) = (&service.name, service.fhir.as_str(), route.version.as_str());
    format!("service {} is {name}, for {whom}, in FHIR {has}; asked is {asked}", route.service)
}

fn registration(snapshot: &Snapshot, supposed: &Supposed<'_>) -> String {
    let Some(portal) = snapshot.clients.portal(supposed.client.as_str()) else {
        return format!("{} is no portal", supposed.client);
    };
    let names = |named: bool| if named { "names" } else { "does not name" };
    let Supposed { provider, service, .. } = supposed;
    let (practice, covered) = (names(portal.scope.has_practice(provider)), names(portal.scope.has_service(service)));
    format!("the registration of the portal {practice} {provider} and {covered} service {service}")
}

fn offered(snapshot: &Snapshot, supposed: &Supposed<'_>, now: Timestamp) -> String {
    let Supposed { provider, service, .. } = supposed;
    if service_of(snapshot, supposed).is_some_and(|service| service.audience == Audience::PortalOnly) {
        return format!("service {service} is in no list: each practice of ours gives it");
    }
    let Some(listed) = snapshot.lists.zal.provider(provider.as_str()) else {
        let left = if snapshot.offers(provider.as_str(), service.as_str(), now) {
            ", but left it a short time ago"
        } else {
            ""
        };
        return format!("{provider} is not in the ZAL{left}");
    };
    if snapshot.entries(listed).any(|entry| entry.id() == *service) {
        return format!("the ZAL names service {service} for {provider} in an interface version that is served");
    }
    let left =
        if snapshot.offers(provider.as_str(), service.as_str(), now) { "; it left a short time ago" } else { "" };
    format!("the ZAL names {provider} without service {service} in an interface version that is served{left}")
}

fn register(snapshot: &Snapshot, supposed: &Supposed<'_>) -> String {
    match practice(snapshot, supposed) {
        Some(Practice { name, place, his, access_start, .. }) => {
            format!(
                "{} is {name} in {place}, its records are in HIS {his} and shown from {access_start}",
                supposed.provider
            )
        }
        None => format!("{} is no practice of ours", supposed.provider),
    }
}

fn golive(snapshot: &Snapshot, supposed: &Supposed<'_>, now: Timestamp) -> String {
    let Some(practice) = practice(snapshot, supposed) else {
        return format!("{} is no practice of ours", supposed.provider);
    };
    let in_force = snapshot.stages.in_force(practice, supposed.service);
    let by = match (&in_force, in_force.since()) {
        (InForce::OfService(_), Some(since)) => format!("set for service {} at {since:.0}", supposed.service),
        (_, Some(since)) => format!("set for the practice at {since:.0}"),
        (_, None) => "by the configuration".to_owned(),
    };
    let stage = in_force.stage();
    let told = format!("the stage is {} ({by})", stage.name());
    match stage {
        Stage::Open | Stage::Closed | Stage::Paused => told,
        Stage::FieldTest => format!("{told}; {}", person(snapshot, supposed, &in_force)),
        Stage::Pilot(pilot) => {
            let (from, until) = (pilot.from(), pilot.until());
            let clients: Vec<_> = pilot.clients().iter().map(ToString::to_string).collect();
            let clients = if clients.is_empty() { "all apps".to_owned() } else { clients.join(" ") };
            let who = person(snapshot, supposed, &in_force);
            format!("{told}, from {from} to {until}, today is {}, for {clients}; {who}", dutch_today(now))
        }
    }
}

/// Who asks, as far as a place in a field test or pilot goes.
fn person(snapshot: &Snapshot, supposed: &Supposed<'_>, in_force: &InForce<'_>) -> String {
    let service = matches!(in_force, InForce::OfService(_)).then_some(supposed.service);
    let who = match supposed.person {
        Whom::Seated => "somebody with a place is taken to ask".to_owned(),
        Whom::Stranger => "somebody without a place is taken to ask".to_owned(),
        known @ (Whom::Person(_) | Whom::Marked(_)) => {
            let has = snapshot.people.know(supposed.provider, service, known);
            format!("the person has {} place", if has { "a" } else { "no" })
        }
    };
    if in_force.since().is_some_and(|since| supposed.consented >= since) {
        return format!("{who}, and consented in this stage");
    }
    who
}
