//! `inzage his check`: one installation, asked step by step, with a verdict for each step and for each service. Only numbers
//! and words of ours come out of it, apart from what the installation says of its own software.
//!
//! Asking for a person is an access to a record. A running node holds its audit folder, so the check keeps a log of its own
//! beside it, as a node of the name [`LOG_NAME`] would.

mod verdict;

use std::sync::Arc;
use std::time::Duration;

use super::assemble::{catalogue, lock, practice};
use super::audit_keys::AuditKeys;
use super::checkpoints::{Checkpoints, open_unwatched};
use super::his::{Installation, Installations, Observed};
use super::limits::destinations;
use super::start::StartError;
use crate::audit::{FileLog, FolderLock, Keyring};
use crate::bounds::Memory;
use crate::clock::SharedClock;
use crate::config::Config;
use crate::fhir::read::check::{Checked, Checker};
use crate::his::{Ask, HisAdapter};
use crate::medmij::{Bsn, FhirVersion, LocalId};
use crate::practices::Practice;
use crate::services::{Catalogue, Purpose, Service, Source};

pub use self::verdict::{Line, Report, ServiceVerdict, Verdict};

/// The name under which the check keeps its audit log: that of a node, so its folders are those of the configuration with
/// this name added.
pub const LOG_NAME: &str = "his-check";

/// A check that is ready to run.
pub struct HisCheck {
    id: String,
    adapter: Arc<dyn HisAdapter>,
    endpoints: Vec<Observed>,
    practice: Option<Practice>,
    services: Catalogue,
    clock: SharedClock,
    deadline: Duration,
    person: Option<Person>,
}

/// Whom it asks for, and where that is recorded.
struct Person {
    bsn: Bsn,
    audit: Arc<FileLog>,
    checkpoints: Checkpoints,
    keyring: Arc<Keyring>,
    _data: FolderLock,
}

/// The check of the installation `id`; `None` when the configuration has none of this name. The configuration is that of a
/// node called [`LOG_NAME`]. With a person its folders are locked and its log is opened.
///
/// # Errors
/// When a file or folder cannot be used.
pub fn his_check(
    config: &Config,
    clock: &SharedClock,
    id: &str,
    bsn: Option<Bsn>,
) -> Result<Option<HisCheck>, StartError> {
    let memory = Arc::new(Memory::new(config.edge.answer_memory_bytes));
    let all = Installations::build(
        config,
        &config.prints(),
        clock,
        &memory,
        &destinations(config),
        &Installations::default(),
    )?;
    let Some(Installation { adapter, endpoints, .. }) = all.take(id) else { return Ok(None) };
    let written = config.practices.iter().find(|practice| practice.his == id);
    Ok(Some(HisCheck {
        id: id.to_owned(),
        adapter,
        endpoints,
        practice: written.map(practice),
        services: catalogue(config)?,
        clock: Arc::clone(clock),
        deadline: config.release.his_deadline,
        person: bsn.map(|bsn| Person::open(config, clock, bsn)).transpose()?,
    }))
}

impl Person {
    fn open(config: &Config, clock: &SharedClock, bsn: Bsn) -> Result<Self, StartError> {
        let data = lock(&config.node.data)?;
        let keyring = AuditKeys::open(config, clock)?.keyring();
        let (audit, checkpoints) = open_unwatched(config, clock)?;
        Ok(Self { bsn, audit, checkpoints, keyring, _data: data })
    }
}

impl HisCheck {
    /// Asks, one question after the other, and closes the log. Waits for the disk at its end.
    pub async fn run(self) -> Report {
        let mut steps = self.connections().await;
        let services = if steps.iter().any(|line| line.verdict == Verdict::Not) {
            self.of_the_his().map(|service| unasked(service, "the HIS cannot be reached")).collect()
        } else {
            for fhir in [FhirVersion::Stu3, FhirVersion::R4] {
                steps.extend(self.about(fhir).await);
            }
            self.with_person(&mut steps).await
        };
        if let Some(person) = &self.person {
            person.checkpoints.finish().await;
            person.audit.close();
        }
        Report { his: self.id, steps, services }
    }

    /// A fresh connection to each endpoint.
    async fn connections(&self) -> Vec<Line> {
        let mut lines = Vec::with_capacity(self.endpoints.len());
        for Observed { endpoint, pool, .. } in &self.endpoints {
            let begun = self.clock.monotonic();
            let connected = pool.try_connect().await;
            let took = self.clock.monotonic().saturating_duration_since(begun);
            lines.push(Line::connection(endpoint, took, connected));
        }
        lines
    }

    /// What the installation says of itself in one version; nothing when it has no endpoint of it.
    async fn about(&self, fhir: FhirVersion) -> Option<Line> {
        self.adapter.base(fhir)?;
        let (begun, id) = (self.clock.monotonic(), LocalId::new(self.clock.now()).to_string());
        let about = self.adapter.about(Ask { fhir, local_id: &id, deadline: begun + self.deadline }).await;
        Some(Line::about(fhir, self.clock.monotonic().saturating_duration_since(begun), about))
    }

    async fn with_person(&self, steps: &mut Vec<Line>) -> Vec<ServiceVerdict> {
        let reason = match (&self.person, &self.practice) {
            (None, _) => "no person was given (--bsn-file), and only what needs none was tried",
            (_, None) => "no practice of the configuration uses this HIS",
            (Some(person), Some(practice)) => return self.asked_for(person, practice, steps).await,
        };
        steps.push(Line::not_tried("authentication and paging", reason));
        self.of_the_his().map(|service| unasked(service, reason)).collect()
    }

    async fn asked_for(&self, person: &Person, practice: &Practice, steps: &mut Vec<Line>) -> Vec<ServiceVerdict> {
        let checker = Checker {
            adapter: self.adapter.as_ref(),
            practice,
            bsn: &person.bsn,
            audit: Arc::clone(&person.audit) as _,
            keyring: &person.keyring,
            clock: Arc::clone(&self.clock),
            his_deadline: self.deadline,
        };
        // Every installation answers in STU3; who is a patient does not depend on the version.
        let found = checker.person(FhirVersion::Stu3).await;
        let known = found.fault.is_none();
        steps.push(Line::person(&found));
        let mut services = Vec::new();
        for service in self.of_the_his() {
            services.push(if known {
                self.service(&checker, service).await
            } else {
                unasked(service, "see the person")
            });
        }
        steps.push(Line::paging(services.iter().flat_map(|service| &service.searches)));
        services
    }

    /// The services that a HIS answers.
    fn of_the_his(&self) -> impl Iterator<Item = &Service> {
        self.services.iter().filter(|service| service.source == Source::His)
    }

    async fn service(&self, checker: &Checker<'_>, service: &Service) -> ServiceVerdict {
        if service.purpose == Purpose::Share {
            return unasked(service, "a check stores nothing");
        }
        if self.adapter.base(service.fhir).is_none() {
            return ServiceVerdict::not_offered(service, Vec::new());
        }
        let searches: Vec<Checked> = checker.searches(service).await;
        ServiceVerdict::of(service, &searches)
    }
}

fn unasked(service: &Service, reason: &str) -> ServiceVerdict {
    ServiceVerdict::not_tried(service, reason)
}
