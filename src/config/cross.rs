//! Rules over several keys. They look at each value that was taken by itself, so that a fault elsewhere in a section
//! does not hide one here.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use super::clients::{Client, ClientRole};
use super::fault::{Fault, Problem};
use super::log::Log;
use super::login::Login;
use super::origin::Origin;
use super::parts::{Environment, Ops};
use super::practices::Practice;
use super::section::nearest;
use super::source::Source;
use super::upkeep::Keys;
use crate::medmij::Hostname;
use crate::services::Catalogue;

/// Five years and the leap days in them (Besluit elektronische gegevensverwerking door zorgaanbieders).
const RETENTION_DAYS: u32 = 1_827;

pub(super) fn check(log: &mut Log, source: &Source) {
    channels_differ(log);
    listeners_differ(log);
    if log.accepted("environment") == Some(Environment::Production.as_str()) {
        production_is_strict(log);
    }
    login_is_built(log);
    names_are_unique(log, source, "his", "id");
    names_are_unique(log, source, "practices", "provider");
    practices_have_a_his(log);
    // "Known at the practice" means "known in its HIS", so two practices never share an endpoint: a patient of one, perhaps a
    // closed one, would be let in through the other.
    names_are_unique(log, source, "practices", "his");
    names_are_unique(log, source, "his", "base_url");
}

/// A portal's practices are among those that this gateway serves.
pub(super) fn portals_are_served(log: &mut Log, clients: &BTreeMap<Hostname, Client>, practices: &[Practice]) {
    for (id, client) in clients {
        let ClientRole::Portal(portal) = &client.role else { continue };
        let known = || practices.iter().map(|practice| practice.provider.as_str());
        for found in portal.practices.iter().filter(|found| known().all(|known| known != found.as_str())) {
            let suggestion = nearest(found.as_str(), known());
            let problem = Problem::NoSuchPractice { found: found.to_string(), suggestion };
            log.note(&format!("clients.{id}.practices"), problem);
        }
    }
}

/// A portal's services are among those that ship. Of another catalogue that shows once its file is read.
pub(super) fn portals_have_services(log: &mut Log, clients: &BTreeMap<Hostname, Client>) {
    for Fault { key, problem, .. } in services_of_portals(clients, &Catalogue::shipped()) {
        log.note(&key, problem);
    }
}

/// Every service of a portal that is not in the catalogue.
pub(super) fn services_of_portals(clients: &BTreeMap<Hostname, Client>, catalogue: &Catalogue) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (id, client) in clients {
        let ClientRole::Portal(portal) = &client.role else { continue };
        for found in portal.services.iter().filter(|found| catalogue.service(found.as_str()).is_none()) {
            let problem = Problem::NoSuchService(found.to_string());
            faults.push(Fault { key: format!("clients.{id}.services"), place: None, problem });
        }
    }
    faults
}

/// A portal that must encrypt needs a key to encrypt to.
pub(super) fn portals_can_encrypt(log: &mut Log, clients: &BTreeMap<Hostname, Client>, keys: &Keys) {
    let must = |client: &Client| matches!(&client.role, ClientRole::Portal(portal) if portal.encrypt);
    if keys.assertions.is_none() {
        for (id, _) in clients.iter().filter(|(_, client)| must(client)) {
            log.note(&format!("clients.{id}.encrypt"), Problem::NoKeyForAssertions);
        }
    }
}

fn origin(log: &Log, key: &str) -> Option<Origin> {
    log.accepted(key).and_then(Origin::parse)
}

fn channels_differ(log: &mut Log) {
    if let (Some(front), Some(back)) = (origin(log, "front.origin"), origin(log, "back.origin"))
        && front == back
    {
        log.note("back.origin", Problem::SameAs { found: back.to_string(), other: "front.origin" });
    }
}

fn listeners_differ(log: &mut Log) {
    let address = |key: &str| log.accepted(key).and_then(|text| text.parse::<SocketAddr>().ok());
    let ops = address("ops.listen").or((!log.has_fault("ops", "")).then_some(Ops::LISTEN));
    let named = |key: &'static str| (key, address(key));
    let all = [
        named("front.listen"),
        named("back.listen"),
        named("auditors.listen"),
        named("admin.listen"),
        ("ops.listen", ops),
    ];
    for (at, (key, one)) in all.iter().enumerate() {
        let clash =
            all.iter().take(at).find(|(_, other)| one.zip(*other).is_some_and(|(one, other)| overlap(one, other)));
        if let (Some((other, _)), Some(one)) = (clash, one) {
            log.note(key, Problem::SameAs { found: one.to_string(), other });
        }
    }
}

/// Whether two sockets would want the same port; port 0 is whichever is free.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let everywhere = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && (everywhere || one.ip() == other.ip())
}

fn production_is_strict(log: &mut Log) {
    if Login::is_simulator(log.accepted("login.kind")) {
        log.note("login.kind", Problem::SimulatorInProduction);
    }
    if let Some(port) = origin(log, "front.origin").and_then(|origin| origin.port()) {
        log.note("front.origin", Problem::PortInProduction(port));
    }
    if log.is_true("lists.allow_ports") {
        log.note("lists.allow_ports", Problem::PortsInProduction);
    }
    if let Some(days) = log.accepted("audit.retention_days").and_then(|days| days.parse().ok())
        && days < RETENTION_DAYS
    {
        log.note("audit.retention_days", Problem::RetentionInProduction(days));
    }
    // The page of a technical failure names the DVA and its telephone number (TS); the chain log is not optional (LI).
    for (key, expected) in [
        ("operator.name", "the name that people know"),
        ("operator.phone", "a telephone number"),
        ("chain_log.url", "where the chain log of MedMij is delivered"),
    ] {
        if log.accepted(key).is_none() && !log.has_fault(key, "") {
            log.note(key, Problem::Missing { expected: expected.into() });
        }
    }
}

/// A log that nobody else sees can be put back, or written again by whoever has its key.
pub(super) fn production_is_witnessed(log: &mut Log, witnesses: usize) {
    if witnesses == 0 && log.accepted("environment") == Some(Environment::Production.as_str()) {
        log.note("audit.witness", Problem::Missing { expected: "at least one table [[audit.witness]]".into() });
    }
}

fn login_is_built(log: &mut Log) {
    if !cfg!(feature = "sandbox") && Login::is_simulator(log.accepted("login.kind")) {
        log.note("login.kind", Problem::SimulatorNotBuilt);
    }
}

fn names_are_unique(log: &mut Log, source: &Source, array: &str, key: &str) {
    let mut first: BTreeMap<String, String> = BTreeMap::new();
    for (path, found) in log.accepted_in(array, key) {
        match first.get(&found) {
            Some(before) => {
                let first_line = log.line(before, source);
                log.note(&path, Problem::Twice { found, first_line });
            }
            None => {
                first.insert(found, path);
            }
        }
    }
}

fn practices_have_a_his(log: &mut Log) {
    // A HIS without a proper id may be the one that is meant.
    if log.has_fault("his[", ".id") || log.has_fault("his", "his") {
        return;
    }
    let known: BTreeSet<String> = log.accepted_in("his", "id").into_iter().map(|(_, id)| id).collect();
    for (path, found) in log.accepted_in("practices", "his") {
        if !known.contains(&found) {
            let suggestion = nearest(&found, known.iter().map(String::as_str));
            log.note(&path, Problem::NoSuchHis { found, suggestion });
        }
    }
}
