//! From a record to what a person is told: names instead of ids, reasons instead of codes.

use std::collections::HashSet;

use jiff::Timestamp;

use super::{Act, Basis, Client, ClientKind, Ending, Entry, Who, Why};
use crate::audit::{Authorization, Kind, Outcome, Record, User, Word};
use crate::medmij::{Hostname, LocalId};
use crate::routing::Snapshot;
use crate::services::Purpose;

/// What telling needs to know beside the record.
pub(super) struct Telling<'a> {
    pub(super) snapshot: &'a Snapshot,
    /// The consents of the person that last and are in force.
    pub(super) in_force: &'a HashSet<LocalId>,
}

impl Telling<'_> {
    /// What is told of a record that began at this moment.
    pub(super) fn entry(&self, record: &Record, began: Timestamp) -> Entry {
        let act = self.act(record);
        Entry {
            at: began,
            who: who(record),
            client: record.client_id.as_ref().map(|client| self.client(client)),
            practice: record.provider.as_ref().map(|provider| self.practice(provider.as_str())),
            service: record.service.as_ref().map(|service| self.service(service.as_str())),
            resource: record.query.as_deref().map(resource),
            document: record.query.as_deref().and_then(document),
            ending: ending(record, &act),
            basis: self.basis(record),
            number: format!("{}/{}", record.source.as_deref().unwrap_or_default(), record.index),
            act,
        }
    }

    fn act(&self, record: &Record) -> Act {
        let Word::Known(kind) = record.kind else { return Act::Other(record.kind.as_str().to_owned()) };
        match kind {
            Kind::DisclosureIntent | Kind::DisclosureOutcome => Act::Collect,
            Kind::SubmissionIntent | Kind::SubmissionOutcome => Act::Share,
            Kind::ResourceRefused if self.is_shared(record) => Act::Share,
            Kind::ResourceRefused => Act::Collect,
            Kind::LogRead => Act::ReadLog,
            Kind::LogExported => Act::ExportLog,
            Kind::PersonAuthenticated | Kind::AuthenticationFailed => Act::LogIn,
            Kind::ConsentGiven => Act::Consent,
            Kind::ConsentRefused => Act::Refuse,
            Kind::GrantEnded | Kind::ConsentWithdrawn => Act::EndConsent,
            Kind::TokenIssued | Kind::TokenRefused => Act::GetKey,
            Kind::Administration
            | Kind::AccessStopped
            | Kind::AccessRestored
            | Kind::GoLiveChanged
            | Kind::OverviewRead => Act::Administer,
            Kind::NodeStarted
            | Kind::NodeStopped
            | Kind::ListsSwapped
            | Kind::ListsAccepted
            | Kind::ConfigurationChanged
            | Kind::AuthorizationRequested
            | Kind::AuthorizationRefused => Act::Other(kind.as_str().to_owned()),
        }
    }

    fn is_shared(&self, record: &Record) -> bool {
        let service = record.service.as_ref().and_then(|id| self.snapshot.services.service(id.as_str()));
        service.is_some_and(|service| service.purpose == Purpose::Share)
    }

    fn client(&self, host: &Hostname) -> Client {
        let app = self.snapshot.lists.ocl.client(host.as_str()).map(|client| client.organisation().to_owned());
        let portal = self.snapshot.clients.portal(host.as_str()).map(|portal| portal.name.clone());
        match (app, portal) {
            (_, Some(name)) => Client { name, kind: ClientKind::Portal },
            (Some(name), None) => Client { name, kind: ClientKind::App },
            (None, None) => Client { name: host.to_string(), kind: ClientKind::Gone },
        }
    }

    fn practice(&self, provider: &str) -> String {
        self.snapshot.practices.practice(provider).map_or_else(|| provider.to_owned(), |practice| practice.name.clone())
    }

    fn service(&self, id: &str) -> String {
        let listed = self.snapshot.lists.gnl.name(id);
        let known = || self.snapshot.services.service(id).map(|service| service.name.as_str());
        listed.or_else(known).unwrap_or(id).to_owned()
    }

    fn basis(&self, record: &Record) -> Basis {
        let consent = || record.grant.map(|id| self.consent(id));
        match record.authorization.as_ref().map(|word| word.known()) {
            Some(Some(Authorization::PortalAssertion)) => Basis::Portal,
            Some(Some(Authorization::OwnLogin)) => Basis::Own,
            Some(Some(Authorization::Operator)) => Basis::Task,
            Some(Some(Authorization::MedmijConsent | Authorization::LastingConsent | Authorization::Smart) | None)
            | None => consent().unwrap_or_else(|| without_consent(record)),
        }
    }

    fn consent(&self, id: LocalId) -> Basis {
        // The id of a grant is made when the person consents.
        Basis::Consent { id, given: id.made_at(), stoppable: self.in_force.contains(&id) }
    }
}

fn without_consent(record: &Record) -> Basis {
    match who(record) {
        Who::Person => Basis::Own,
        Who::Practice | Who::Operator | Who::Gateway => Basis::Task,
        Who::Client => Basis::Nothing,
    }
}

/// Records of the first version name no user; the kind tells.
fn who(record: &Record) -> Who {
    let usual = || record.kind.known().map_or(User::Node, Kind::user);
    let user = record.user.clone().unwrap_or_else(usual);
    let responsible = record.responsible.clone().unwrap_or_else(|| user.principal());
    match (user, responsible) {
        (User::Person, _) => Who::Person,
        (User::Client, _) if record.client_id.is_some() => Who::Client,
        (User::Practice, _) | (User::Operator(_), User::Practice) => Who::Practice,
        (User::Operator(_), _) => Who::Operator,
        (User::Node | User::Client, _) => Who::Gateway,
    }
}

fn ending(record: &Record, act: &Act) -> Ending {
    let why = record.reason.as_deref().map_or(Why::Other, Why::of);
    let Some(outcome) = record.outcome.known() else { return Ending::Perhaps };
    match outcome {
        Outcome::Intended => Ending::Perhaps,
        Outcome::Done => done(record, act),
        Outcome::Refused | Outcome::Failed | Outcome::Aborted if sent_something(record) => Ending::PartGiven,
        Outcome::Refused => Ending::Refused(why),
        Outcome::Failed => Ending::Failed(why),
        // What was under way to the practice may have been stored.
        Outcome::Aborted if record.kind == Word::Known(Kind::SubmissionOutcome) => Ending::Perhaps,
        Outcome::Aborted => Ending::BrokenOff,
    }
}

fn sent_something(record: &Record) -> bool {
    record.kind == Word::Known(Kind::DisclosureOutcome) && record.counts.is_some_and(|counts| counts.bytes > 0)
}

fn done(record: &Record, act: &Act) -> Ending {
    let searched = *act == Act::Collect && record.query.as_deref().is_some_and(|query| resource(query) != "Binary");
    match record.counts.filter(|_| searched) {
        Some(counts) if counts.entries == 0 => Ending::Nothing,
        counts => Ending::Done { parts: counts.map(|counts| counts.entries) },
    }
}

/// The type that was asked for: what stands before the first sign of a query.
fn resource(query: &str) -> String {
    query.chars().take_while(char::is_ascii_alphabetic).collect()
}

/// `1a2b3c4d` of `Binary/2026-1a2b3c4d…`.
fn document(query: &str) -> Option<String> {
    let (_, digits) = query.strip_prefix("Binary/")?.split_once('-')?;
    digits.get(..8).map(str::to_owned)
}
