//! A visit as far as the log told of it. The records of one visit may stand in the logs of several nodes, and be counted in any
//! order; what cannot be said of a combination yet waits here.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::combination::{Combination, Place};
use super::fact::{Fact, Told, ToldStep};
use super::pattern::{parts, pattern};
use super::step::{Ending, Step};
use crate::medmij::{Hostname, LocalId, ProviderName, ServiceId};
use crate::services::{Catalogue, Service};

/// Within this time a client collects what belongs to a service.
pub const ROUND: Duration = Duration::from_secs(15 * 60);
/// How long after that the logs of other nodes may still tell of it.
pub const GRACE: Duration = Duration::from_secs(5 * 60);
/// How long a visit is remembered after its last record.
const KEPT: Duration = Duration::from_hours(2 * 24);
/// The same for a consent for an indefinite period, whose tokens are renewed months later.
const KEPT_LASTING: Duration = Duration::from_hours(400 * 24);
/// Most steps that wait for the services of their visit.
const WAITING_MAX: usize = 32;
/// Most collections of one visit that are under way at once.
const ROUNDS_MAX: usize = 16;
/// Most services of one visit.
const SERVICES_MAX: usize = 32;

/// One attempt at a step of a combination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Of what.
    pub combination: Combination,
    /// Which step.
    pub step: Step,
    /// How it ended.
    pub ending: Ending,
    /// When.
    pub at: Timestamp,
    /// In which visit.
    pub visit: Mark,
    /// By which id the request is found again.
    pub sample: SmolStr,
}

/// Tells visits apart: 31 bits of the id of one, never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mark(pub u32);

impl Mark {
    /// Of a visit. The last bytes of an id are random.
    #[must_use]
    pub const fn of(visit: LocalId) -> Self {
        let [.., a, b, c, d] = visit.bytes();
        let bits = u32::from_be_bytes([a, b, c, d]) & 0x7fff_ffff;
        Self(if bits == 0 { 1 } else { bits })
    }
}

/// What is known of the world when a record is counted.
pub trait World {
    /// Where the practice keeps its records; `None` when it is not ours and not in the register.
    fn place(&self, provider: &ProviderName) -> Option<Place>;
    /// The services.
    fn services(&self) -> &Catalogue;
}

/// What the log told of a visit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Visit {
    client: Option<String>,
    provider: Option<String>,
    services: Vec<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    lasting: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    waiting: Vec<Waiting>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rounds: Vec<Round>,
    /// The time of its newest record, in microseconds since 1970.
    touched: i64,
}

const fn is_false(value: &bool) -> bool {
    !*value
}

/// A step that waits until the services of its visit are known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Waiting {
    step: String,
    ending: String,
    at: i64,
    sample: SmolStr,
}

/// A collection of one service that is under way, or was lately.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Round {
    service: String,
    /// Its first and last request, in microseconds.
    began: i64,
    last: i64,
    /// The parts that came, as bits.
    came: u64,
    /// Requests for parts that failed.
    failed: Vec<FailedPart>,
    aborted: bool,
    /// Whether it was counted already.
    counted: bool,
    sample: SmolStr,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct FailedPart {
    part: usize,
    code: String,
    sample: SmolStr,
}

impl Visit {
    /// Reads what [`Self::write`] wrote; nothing of another release.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// As it is kept.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Learns of a record; what that tells of combinations goes to `out`.
    pub fn learn(&mut self, fact: &Fact, world: &impl World, out: &mut Vec<Attempt>) {
        self.touched = self.touched.max(fact.at.as_microsecond());
        self.name(fact);
        for told in &fact.told {
            match (&told.step, &told.service) {
                (ToldStep::Step(step), None) => self.attempt_of_visit(step, told, fact, world, out),
                (ToldStep::Step(step), Some(service)) => {
                    out.extend(self.attempt(service.as_str(), step.clone(), told.ending.clone(), fact, world));
                }
                (ToldStep::Query(query), Some(service)) => self.request(service, query, told, fact, world, out),
                (ToldStep::Query(_), None) => {}
            }
        }
        self.flush(fact, world, out);
    }

    fn name(&mut self, fact: &Fact) {
        if self.client.is_none() {
            self.client = fact.client.as_ref().map(ToString::to_string);
        }
        if self.provider.is_none() {
            self.provider = fact.provider.as_ref().map(ToString::to_string);
        }
        for service in &fact.services {
            if self.services.len() < SERVICES_MAX && !self.services.iter().any(|one| one == service.as_str()) {
                self.services.push(service.to_string());
            }
        }
        self.lasting |= fact.lasting;
    }

    fn attempt_of_visit(&mut self, step: &Step, told: &Told, fact: &Fact, world: &impl World, out: &mut Vec<Attempt>) {
        let named: Vec<String> = match fact.services.as_slice() {
            [] => self.services.clone(),
            named => named.iter().map(ToString::to_string).collect(),
        };
        if named.is_empty() || self.client.is_none() || self.provider.is_none() {
            if self.waiting.len() < WAITING_MAX {
                let (step, ending) = (step.to_string(), told.ending.to_string());
                self.waiting.push(Waiting { step, ending, at: fact.at.as_microsecond(), sample: fact.sample.clone() });
            }
            return;
        }
        for service in named {
            out.extend(self.attempt(&service, step.clone(), told.ending.clone(), fact, world));
        }
    }

    /// What waited, as soon as it can be said of a combination.
    fn flush(&mut self, fact: &Fact, world: &impl World, out: &mut Vec<Attempt>) {
        if self.services.is_empty() || self.client.is_none() || self.provider.is_none() {
            return;
        }
        for waiting in std::mem::take(&mut self.waiting) {
            let (Some(step), Some(ending)) = (Step::parse(&waiting.step), Ending::parse(&waiting.ending)) else {
                continue;
            };
            for service in &self.services {
                let attempt = self.attempt(service, step.clone(), ending.clone(), fact, world);
                let at = moment(waiting.at);
                out.extend(attempt.map(|attempt| Attempt { at, sample: waiting.sample.clone(), ..attempt }));
            }
        }
    }

    fn attempt(&self, service: &str, step: Step, ending: Ending, fact: &Fact, world: &impl World) -> Option<Attempt> {
        let combination = self.combination(service, world)?;
        let visit = Mark::of(fact.visit);
        Some(Attempt { combination, step, ending, at: fact.at, visit, sample: fact.sample.clone() })
    }

    fn combination(&self, service: &str, world: &impl World) -> Option<Combination> {
        let provider = ProviderName::parse(self.provider.as_deref()?).ok()?;
        let client = Hostname::parse(self.client.as_deref()?).ok()?;
        Some(Combination { place: world.place(&provider)?, client, service: ServiceId::parse(service).ok()? })
    }

    fn request(
        &mut self,
        id: &ServiceId,
        query: &str,
        told: &Told,
        fact: &Fact,
        world: &impl World,
        out: &mut Vec<Attempt>,
    ) {
        let Some(service) = world.services().service(id.as_str()) else { return };
        let asked = pattern(service, query);
        let step = Step::request(&asked.name);
        out.extend(self.attempt(id.as_str(), step, told.ending.clone(), fact, world));
        let mut round = self.take_round(id, fact);
        let complete = round.learn(service, asked.part, &told.ending, fact);
        self.keep_round(round);
        if complete {
            out.extend(self.attempt(id.as_str(), Step::Complete, Ending::Succeeded, fact, world));
        }
    }

    /// Takes out the collection of a service to which a request of this moment belongs; a new one when there is none.
    fn take_round(&mut self, service: &ServiceId, fact: &Fact) -> Round {
        let at = fact.at.as_microsecond();
        let fits = |round: &Round| {
            round.service == service.as_str()
                && at <= round.began.saturating_add(micros(ROUND))
                && at >= round.last.saturating_sub(micros(ROUND))
        };
        match self.rounds.iter().position(fits) {
            Some(place) => self.rounds.remove(place),
            None => Round::new(service, at, fact.sample.clone()),
        }
    }

    fn keep_round(&mut self, round: Round) {
        if self.rounds.len() >= ROUNDS_MAX {
            self.rounds.remove(0);
        }
        self.rounds.push(round);
    }

    /// Ends the collections that were over before `until`; what that tells goes to `out`.
    pub fn sweep(&mut self, visit: LocalId, until: Timestamp, world: &impl World, out: &mut Vec<Attempt>) {
        let until = until.as_microsecond();
        let (over, open): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.rounds).into_iter().partition(|round| round.due() <= until);
        self.rounds = open;
        for round in over.into_iter().filter(|round| !round.counted) {
            let Some(service) = world.services().service(&round.service) else { continue };
            let Some(combination) = self.combination(&round.service, world) else { continue };
            let (ending, sample) = round.ending(service);
            let at = moment(round.last);
            out.push(Attempt { combination, step: Step::Complete, ending, at, visit: Mark::of(visit), sample });
        }
    }

    /// When something is to be done about it, though no record comes: a collection is over, or it is to be forgotten.
    #[must_use]
    pub fn due(&self) -> Timestamp {
        let kept = if self.lasting { KEPT_LASTING } else { KEPT };
        let forgotten = self.touched.saturating_add(micros(kept));
        moment(self.rounds.iter().map(Round::due).min().unwrap_or(forgotten))
    }

    /// Whether it is over, and of no use any more at this moment.
    #[must_use]
    pub fn is_over(&self, until: Timestamp) -> bool {
        self.rounds.is_empty() && self.due() <= until
    }
}

impl Round {
    fn new(service: &ServiceId, at: i64, sample: SmolStr) -> Self {
        Self {
            service: service.to_string(),
            began: at,
            last: at,
            came: 0,
            failed: Vec::new(),
            aborted: false,
            counted: false,
            sample,
        }
    }

    /// Learns of a request; whether it is complete now, and was not before.
    fn learn(&mut self, service: &Service, part: Option<usize>, ending: &Ending, fact: &Fact) -> bool {
        let at = fact.at.as_microsecond();
        (self.began, self.last) = (self.began.min(at), self.last.max(at));
        let Some(part) = part else { return false };
        match ending {
            Ending::Succeeded => self.came |= bit(part),
            Ending::Failed(code) if self.failed.iter().all(|failed| failed.part != part) => {
                self.failed.push(FailedPart { part, code: code.to_string(), sample: fact.sample.clone() });
            }
            Ending::Failed(_) => {}
            Ending::Aborted | Ending::Ended => self.aborted = true,
        }
        let all = (0..parts(service).len()).all(|part| self.came & bit(part) != 0);
        let complete = all && !self.counted;
        self.counted |= complete;
        complete
    }

    /// When nothing can be added to it any more.
    fn due(&self) -> i64 {
        self.began.saturating_add(micros(ROUND)).saturating_add(micros(GRACE))
    }

    /// How one that did not become complete ended: with the code of the first part that failed and never came. What a client
    /// did not ask for, it may not want.
    fn ending(&self, service: &Service) -> (Ending, SmolStr) {
        let missing = |failed: &&FailedPart| failed.part < parts(service).len() && self.came & bit(failed.part) == 0;
        match self.failed.iter().filter(missing).min_by_key(|failed| failed.part) {
            Some(failed) => (Ending::failed(Some(&failed.code)), failed.sample.clone()),
            None if self.aborted => (Ending::Aborted, self.sample.clone()),
            None => (Ending::Ended, self.sample.clone()),
        }
    }
}

const fn bit(part: usize) -> u64 {
    if part < 64 { 1 << part } else { 0 }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

fn moment(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
pub(super) mod tests;
