//! A page, made from the register of OPEN, the lists and the stages in force.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::leaflet::Leaflet;
use super::reader::Page;
use super::view::{
    CoalitionView, DeclarationsView, DeclaredView, MemberView, PracticeView, ProgrammeView, Progress, RegisteredView,
    Seen, ServiceView,
};
use crate::availability::dutch_today;
use crate::medmij::{Hostname, ProviderName};
use crate::operations::register::Scene;
use crate::operations::state::Part;
use crate::practices::Practice;
use crate::practices::golive::{InForce, Stage};
use crate::practices::programme::{Coalition, Draft, Practice as Participant};
use crate::services::{Audience, Purpose, Service, Source};
use crate::session::journey::Operator;

/// What a page is made of.
pub(super) struct Ground<'a> {
    pub(super) scene: Scene<'a>,
    /// Who runs the gateway.
    pub(super) operator: &'a Operator,
    /// Where patients reach it.
    pub(super) front: &'a str,
    pub(super) now: Timestamp,
}

impl Ground<'_> {
    /// A page; `None` when there is nothing of that name.
    pub(super) fn page(&self, page: &Page) -> Option<Seen> {
        Some(match page {
            Page::Practice(provider) => Seen::Practice(Box::new(self.practice(provider)?)),
            Page::Texts(provider) => {
                let leaflet = self.served(provider).and_then(|practice| self.leaflet(practice));
                Seen::Texts(Box::new(self.practice(provider)?), leaflet.map(Box::new))
            }
            Page::Coalition(id) => Seen::Coalition(Box::new(self.coalition(self.draft().coalitions.get(id)?))),
            Page::Programme => Seen::Programme(self.programme()),
            Page::Declarations(part) => Seen::Declarations(self.declarations(part)),
        })
    }

    const fn draft(&self) -> &Draft {
        self.scene.register.entries()
    }

    fn served(&self, provider: &ProviderName) -> Option<&Practice> {
        self.scene.snapshot.practices.practice(provider.as_str())
    }

    fn practice(&self, provider: &ProviderName) -> Option<PracticeView> {
        let (served, entry) = (self.served(provider), self.draft().practices.get(provider));
        let (name, place) = match (served, entry) {
            (Some(served), _) => (served.name.clone(), served.place.clone()),
            (None, Some(entry)) => (entry.name.to_string(), entry.place.to_string()),
            (None, None) => return None,
        };
        Some(PracticeView {
            provider: provider.clone(),
            name,
            place,
            is_served: served.is_some(),
            is_stopped: served.is_some_and(|practice| self.scene.snapshot.stops.practice(practice).is_some()),
            on_zal: self.scene.is_on_zal(provider.as_str()),
            access_start: served.map(|practice| practice.access_start).or_else(|| Some(entry?.access_start?.date())),
            services: served.map(|practice| self.services(practice)).unwrap_or_default(),
            registered: entry.map(|entry| self.registered(entry)),
        })
    }

    fn registered(&self, entry: &Participant) -> RegisteredView {
        let own = entry.memberships.iter().find(|one| one.covers(self.scene.today)).map(|one| &one.coalition);
        let coalition = own.and_then(|id| self.draft().coalitions.get(id));
        RegisteredView {
            agb: entry.agb.to_string(),
            patients: entry.patients,
            patients_16: entry.patients_16,
            coalition: coalition.map(|coalition| (coalition.name.to_string(), coalition.id.clone())),
            declaration: self.scene.declaration(entry),
        }
    }

    /// Every service for patients that a practice can have.
    fn services(&self, practice: &Practice) -> Vec<ServiceView> {
        let all = self.scene.snapshot.services.iter().filter(|service| is_for_patients(service));
        all.map(|service| self.service(practice, service)).collect()
    }

    fn service(&self, practice: &Practice, service: &Service) -> ServiceView {
        let snapshot = self.scene.snapshot;
        let in_force = snapshot.stages.in_force(practice, &service.id);
        let own = matches!(in_force, InForce::OfService(_)).then_some(&service.id);
        ServiceView {
            name: self.name_of(service).to_owned(),
            is_listed: snapshot.gives(practice.provider.as_str(), service, self.now),
            stage: in_force.stage().clone(),
            since: in_force.since().map(dutch_today),
            taken: snapshot.people.taken(&practice.provider, own),
        }
    }

    /// What the list of names calls a service, or else the catalogue.
    fn name_of<'s>(&'s self, service: &'s Service) -> &'s str {
        self.scene.snapshot.lists.gnl.name(service.id.as_str()).unwrap_or(&service.name)
    }

    fn leaflet(&self, practice: &Practice) -> Option<Leaflet> {
        let Scene { snapshot, .. } = self.scene;
        let given = snapshot.services.iter().filter(|service| {
            is_for_patients(service) && snapshot.gives(practice.provider.as_str(), service, self.now)
        });
        let given: Vec<_> = given.collect();
        let portals = snapshot.clients.portals().filter(|(_, portal)| portal.scope.has_practice(&practice.provider));
        let mut portals: Vec<_> = portals.map(|(_, portal)| portal.name.clone()).collect();
        portals.sort();
        let record = given.iter().find(|service| service.id.as_str() == Leaflet::RECORD);
        let others = given.iter().filter(|service| service.id.as_str() != Leaflet::RECORD);
        let facts = Leaflet {
            practice: practice.name.clone(),
            place: practice.place.clone(),
            access_start: practice.access_start,
            minimum_age: practice.minimum_age,
            results_months: practice.results_months,
            closed_episodes: practice.closed_episodes,
            has_record: record.is_some(),
            collected: names(others.clone(), Purpose::Collect, |service| self.name_of(service)),
            shared: names(others, Purpose::Share, |service| self.name_of(service)),
            portals,
            apps: self.apps(practice, &given),
            operator: self.operator.name.clone(),
            phone: self.operator.phone.clone(),
            front: self.front.to_owned(),
        };
        (!given.is_empty()).then_some(facts)
    }

    /// The apps that may be used: all on the list of clients, or in a pilot those that were chosen.
    fn apps(&self, practice: &Practice, given: &[&Service]) -> Vec<String> {
        let Scene { snapshot, .. } = self.scene;
        let is_chosen = |client: &Hostname| {
            given.iter().any(|service| match snapshot.stages.in_force(practice, &service.id).stage() {
                Stage::Pilot(pilot) => pilot.clients().is_empty() || pilot.clients().contains(client),
                Stage::Open | Stage::FieldTest | Stage::Closed | Stage::Paused => true,
            })
        };
        let listed = snapshot.lists.ocl.clients().iter().filter(|client| is_chosen(client.hostname()));
        let mut names: Vec<_> = listed.map(|client| client.organisation().to_owned()).collect();
        names.sort();
        names.dedup();
        names
    }

    fn coalition(&self, coalition: &Coalition) -> CoalitionView {
        let mut members: Vec<_> =
            self.draft().members(&coalition.id, self.scene.today).map(|entry| self.member(entry)).collect();
        members.sort_by(|one, other| one.name.cmp(&other.name));
        CoalitionView {
            id: coalition.id.clone(),
            name: coalition.name.to_string(),
            standing: self.scene.standing(coalition),
            members,
        }
    }

    fn member(&self, entry: &Participant) -> MemberView {
        MemberView {
            provider: entry.provider.clone(),
            name: entry.name.to_string(),
            place: entry.place.to_string(),
            on_zal: self.scene.is_on_zal(entry.provider.as_str()),
            progress: self.progress(&entry.provider),
            declaration: self.scene.declaration(entry),
        }
    }

    /// The furthest that a practice is with any service that the list of care providers has of it.
    fn progress(&self, provider: &ProviderName) -> Progress {
        let Some(practice) = self.served(provider) else { return Progress::Elsewhere };
        let stages = self.services(practice).into_iter().filter(|service| service.is_listed);
        stages.map(|service| Progress::of(&service.stage)).max().unwrap_or(Progress::Closed)
    }

    fn programme(&self) -> ProgrammeView {
        let (draft, scene) = (self.draft(), &self.scene);
        let one = |coalition: &Coalition| (coalition.name.to_string(), coalition.id.clone(), scene.standing(coalition));
        let mut coalitions: Vec<_> = draft.coalitions.values().map(one).collect();
        coalitions.sort_by(|one, other| one.0.cmp(&other.0));
        let all = draft.practices.values();
        ProgrammeView {
            coalitions,
            practices: draft.practices.len(),
            on_zal: all.clone().filter(|entry| scene.is_on_zal(entry.provider.as_str())).count(),
            declarable: all.filter(|entry| scene.declaration(entry).declarable).count(),
        }
    }

    fn declarations(&self, part: &Part) -> DeclarationsView {
        let wanted = self.draft().practices.values().filter(|one| part.wants([one.agb.as_str(), one.name.as_str()]));
        let by_number: BTreeMap<&str, &Participant> = wanted.map(|entry| (entry.agb.as_str(), entry)).collect();
        let (taken, next) = part.take(&by_number.keys().copied().collect());
        let found = taken.into_iter().filter_map(|agb| by_number.get(agb).map(|entry| self.declared(entry)));
        DeclarationsView { with: part.with().to_owned(), total: by_number.len(), practices: found.collect(), next }
    }

    fn declared(&self, entry: &Participant) -> DeclaredView {
        let found = self.scene.declaration(entry);
        let unmet = found.conditions.into_iter().filter(|condition| condition.evidence.is_none());
        DeclaredView {
            agb: entry.agb.to_string(),
            name: entry.name.to_string(),
            declarable: found.declarable,
            unmet: unmet.map(|condition| condition.text).collect(),
        }
    }
}

/// Whether a service is one of MedMij, and of the record of a practice.
fn is_for_patients(service: &Service) -> bool {
    service.audience == Audience::Everyone && service.source == Source::His
}

fn names<'s>(
    services: impl Iterator<Item = &'s &'s Service>,
    purpose: Purpose,
    name: impl Fn(&'s Service) -> &'s str,
) -> Vec<String> {
    services.filter(|service| service.purpose == purpose).map(|service| name(service).to_owned()).collect()
}
