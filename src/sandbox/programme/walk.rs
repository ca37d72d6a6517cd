//! One visit, step by step, as the gateway would have seen it: with what people stop by themselves, with what goes wrong by
//! chance, and with what goes wrong for a reason.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Programme;
use super::asking::Asking;
use super::dice::Dice;
use super::due::Due;
use super::faults::{At, Seeded, granted};
use super::people::{Person, Visit, Way};
use super::trail::{End, Trail, ends, local_id};
use crate::audit::{Counts, Keyring, Kind, NoKey, Outcome};
use crate::availability::dutch_today;
use crate::medmij::{LocalId, ServiceId};

/// Of a million visits, or requests, so many.
mod odds {
    pub(super) const CANCELLED: u64 = 20_000;
    pub(super) const LOGIN_CANCELLED: u64 = 30_000;
    pub(super) const LOGIN_FAILED: u64 = 7_000;
    pub(super) const NOT_AVAILABLE: u64 = 10_000;
    pub(super) const CONSENT_REFUSED: u64 = 20_000;
    pub(super) const TOKEN_REFUSED: u64 = 4_000;
    pub(super) const NO_TOKEN: u64 = 3_000;
    /// The system of the practice has a bad moment: most requests fail.
    pub(super) const BAD_MOMENT: u64 = 10_000;
    pub(super) const FAILS_THEN: u64 = 800_000;
    pub(super) const FAILS: u64 = 8_000;
    pub(super) const ABORTED: u64 = 5_000;
    pub(super) const REFUSED: u64 = 4_000;
    pub(super) const TRIED_AGAIN: u64 = 800_000;
    pub(super) const DOCUMENT: u64 = 400_000;
}

/// What a system says that has a bad moment, or a request that fails by chance.
const CHANCE: [(&str, u16); 4] =
    [("his-timeout", 504), ("his-unreachable", 503), ("his-busy", 503), ("his-nonsense", 502)];

/// Walks everybody through their visits.
pub(super) struct Walker<'a> {
    programme: &'a Programme,
    keyring: &'a Keyring,
    dice: Dice,
    asking: Asking,
    /// The lasting consents: by person and practice.
    grants: HashMap<(usize, usize), LocalId>,
    /// What is to be written, the earliest first.
    due: BinaryHeap<Reverse<Due>>,
    number: u64,
}

/// A visit under way.
struct Under<'a> {
    trail: Trail,
    person: &'a Person,
    visit: Visit,
    installation: usize,
    /// What is given at this practice.
    given: &'a [ServiceId],
    now: Timestamp,
    fault: Option<&'a Seeded>,
}

impl Under<'_> {
    fn later(&mut self, dice: &mut Dice, middle_ms: u64) -> Timestamp {
        self.now = after(self.now, dice.around(middle_ms));
        self.now
    }

    fn fails_at(&self, at: &At) -> Option<&Seeded> {
        self.fault.filter(|fault| fault.at == *at)
    }
}

impl<'a> Walker<'a> {
    pub(super) fn new(programme: &'a Programme, keyring: &'a Keyring) -> Self {
        let plan = &programme.plan;
        let (dice, asking) = (Dice::of(plan.seed, "walks"), Asking::on(plan.start()));
        Self { programme, keyring, dice, asking, grants: HashMap::new(), due: BinaryHeap::new(), number: 0 }
    }

    /// What is due before a moment, in order.
    pub(super) fn due_before(&mut self, moment: Timestamp) -> Option<Due> {
        let is_due = self.due.peek().is_some_and(|Reverse(due)| due.at() < moment);
        is_due.then(|| self.due.pop().map(|Reverse(due)| due)).flatten()
    }

    /// Adds something that is due besides.
    pub(super) fn expect(&mut self, event: crate::audit::AuditEvent) -> u64 {
        self.number = self.number.saturating_add(1);
        self.due.push(Reverse(Due::new(event, self.number)));
        self.number
    }

    /// Walks somebody through a visit.
    pub(super) fn walk(&mut self, visit: Visit) -> Result<(), NoKey> {
        let Some(mut under) = self.begin(visit)? else { return Ok(()) };
        let tie = (visit.person, visit.practice);
        let grant = match (under.person.way, self.grants.get(&tie).copied()) {
            (Way::Lasting, Some(grant)) => self.refresh(&mut under, grant),
            (Way::Asserted, _) => self.assert(&mut under),
            (Way::Once | Way::Lasting | Way::Smart, _) => self.consent(&mut under),
        };
        if let Some(grant) = grant {
            if under.person.way == Way::Lasting {
                self.grants.insert(tie, grant);
            }
            self.collect(&mut under, grant);
        }
        Ok(())
    }

    fn begin(&mut self, visit: Visit) -> Result<Option<Under<'a>>, NoKey> {
        let Programme { country, crowd, faults, .. } = self.programme;
        let found = crowd.people.get(visit.person).zip(country.practices.get(visit.practice));
        let Some((person, practice)) = found else { return Ok(None) };
        let Some(client) = country.market.clients.get(person.client) else { return Ok(None) };
        let Some(runs) = country.market.installations.get(practice.installation) else { return Ok(None) };
        let day = dutch_today(visit.at);
        self.asking.go_to(day);
        let subject = self.keyring.subject(&person.bsn, visit.at)?;
        let named = (client.id.clone(), person.client);
        let moment = (visit.at, &mut self.dice);
        let mut trail = Trail::begin(named, practice.provider.clone(), person.way, subject, moment);
        trail.services = granted(runs, client).into_iter().cloned().collect();
        let fault = faults.iter().find(|fault| fault.holds(practice.installation, person.client, day));
        let (installation, given, now) = (practice.installation, &runs.services[..], visit.at);
        Ok(Some(Under { trail, person, visit, installation, given, now, fault }))
    }

    /// From the app to our pages and back; the grant, when it comes to one.
    fn consent(&mut self, under: &mut Under<'_>) -> Option<LocalId> {
        self.expect(under.trail.requested(under.now, under.given));
        if self.dice.happens(odds::CANCELLED) {
            return self.stop(under, Kind::AuthorizationRefused, "cancelled", 9_000);
        }
        if self.dice.happens(odds::LOGIN_CANCELLED) {
            return self.stop(under, Kind::AuthenticationFailed, "login-cancelled", 25_000);
        }
        if self.dice.happens(odds::LOGIN_FAILED) {
            return self.stop(under, Kind::AuthenticationFailed, "login-failed", 40_000);
        }
        let at = under.later(&mut self.dice, 22_000);
        let mut login = under.trail.known(at, Kind::PersonAuthenticated, Outcome::Done);
        login.detail = Some(format!("simulator basis {at}").into());
        self.expect(login);
        if let Some(fault) = under.fails_at(&At::Availability) {
            let (code, status) = (fault.code, fault.status);
            let at = under.later(&mut self.dice, 600);
            self.expect(under.trail.stopped(at, code, status));
            return None;
        }
        self.answer(under)
    }

    /// The question of consent, when there is something to consent to.
    fn answer(&mut self, under: &mut Under<'_>) -> Option<LocalId> {
        if self.dice.happens(odds::NOT_AVAILABLE) {
            let at = under.later(&mut self.dice, 9_000);
            let mut event = under.trail.known(at, Kind::AuthorizationRefused, Outcome::Refused);
            event.reason = Some("not-available");
            self.expect(event);
            return None;
        }
        let at = under.later(&mut self.dice, 14_000);
        if self.dice.happens(odds::CONSENT_REFUSED) {
            self.expect(under.trail.known(at, Kind::ConsentRefused, Outcome::Refused));
            return None;
        }
        self.expect(under.trail.consent(at, under.given));
        let at = under.later(&mut self.dice, 700);
        let grant = under.trail.visit();
        let fault = under.fails_at(&At::Token).map(|fault| (fault.code, fault.status));
        let chance = self.dice.happens(odds::TOKEN_REFUSED).then_some(("invalid_grant", 400));
        if let Some(refusal) = fault.or(chance) {
            self.refuse_token(under, at, grant, refusal);
            return None;
        }
        let token = under.trail.token(at, (Kind::TokenIssued, Outcome::Done), grant, &mut self.dice);
        self.expect(token);
        Some(grant)
    }

    fn stop(&mut self, under: &mut Under<'_>, kind: Kind, reason: &'static str, middle_ms: u64) -> Option<LocalId> {
        let at = under.later(&mut self.dice, middle_ms);
        let mut event = under.trail.step(at, kind, Outcome::Refused);
        event.reason = Some(reason);
        self.expect(event);
        None
    }

    fn refuse_token(&mut self, under: &Under<'_>, at: Timestamp, grant: LocalId, (code, status): (&'static str, u16)) {
        let mut event = under.trail.token(at, (Kind::TokenRefused, Outcome::Refused), grant, &mut self.dice);
        (event.reason, event.status) = (Some(code), Some(status));
        self.expect(event);
    }

    /// Without the person: a refresh token of their lasting consent.
    fn refresh(&mut self, under: &mut Under<'_>, grant: LocalId) -> Option<LocalId> {
        let at = under.now;
        let refused = under.fails_at(&At::Token).map(|fault| (fault.code, fault.status));
        let silent = under.fails_at(&At::Availability).is_some() || self.dice.happens(odds::TOKEN_REFUSED);
        if let Some(refusal) = refused.or(silent.then_some(("his-gives-no-answer", 503))) {
            self.refuse_token(under, at, grant, refusal);
            return None;
        }
        let intended = under.trail.token(at, (Kind::TokenIssued, Outcome::Intended), grant, &mut self.dice);
        let mut issued = intended.clone();
        issued.outcome = Outcome::Done;
        let intent = self.expect(intended);
        self.answer_to(intent, issued);
        Some(grant)
    }

    /// The portal says who the person is.
    fn assert(&mut self, under: &mut Under<'_>) -> Option<LocalId> {
        let (at, grant) = (under.now, local_id(under.now, &mut self.dice));
        let token = under.trail.token(at, (Kind::TokenIssued, Outcome::Done), grant, &mut self.dice);
        self.expect(token);
        Some(grant)
    }

    /// Everything that the client collects of what it was given.
    fn collect(&mut self, under: &mut Under<'_>, grant: LocalId) {
        let market = &self.programme.country.market;
        let (Some(runs), Some(client)) =
            (market.installations.get(under.installation), market.clients.get(under.person.client))
        else {
            return;
        };
        let bad_moment = self.dice.happens(odds::BAD_MOMENT);
        if self.dice.happens(odds::NO_TOKEN) {
            let at = under.later(&mut self.dice, 80);
            let event = under.trail.nameless(at, &mut self.dice);
            self.expect(event);
        }
        for service in granted(runs, client) {
            let queries: Vec<Arc<str>> = self.asking.of(service).to_vec();
            for (place, query) in queries.into_iter().enumerate() {
                let always = under.fault.filter(|fault| fault.service == *service);
                let always = always.filter(|fault| fault.at == At::Request { search: place });
                let fails = always.map(|fault| (fault.code, fault.status));
                self.request(under, &Wanted { service, query, fails, bad_moment, answers_ms: runs.answers_ms }, grant);
            }
            if service.as_str() == "51" && self.dice.happens(odds::DOCUMENT) {
                self.document(under, service, runs.answers_ms, grant);
            }
        }
    }

    fn document(&mut self, under: &mut Under<'_>, service: &ServiceId, answers_ms: u64, grant: LocalId) {
        let id = format!("{}-{}", under.visit.person, self.dice.below(4));
        let Ok(name) = self.keyring.document(&under.trail.provider, &id, under.now) else { return };
        let query = format!("Binary/{name}").into();
        self.request(under, &Wanted { service, query, fails: None, bad_moment: false, answers_ms }, grant);
    }

    /// A request, and often another try when it fails.
    fn request(&mut self, under: &mut Under<'_>, wanted: &Wanted<'_>, grant: LocalId) {
        if self.dice.happens(odds::REFUSED) {
            let at = under.later(&mut self.dice, 120);
            let ends = (Kind::ResourceRefused, Outcome::Refused);
            let mut event = under.trail.asked(at, ends, grant, &mut self.dice);
            (event.service, event.reason, event.status) =
                (Some(wanted.service.clone()), Some("unknown-parameter"), Some(400));
            self.expect(event);
        }
        for _ in 0..2 {
            let at = under.later(&mut self.dice, 120);
            let end = self.end(wanted);
            let took = match end {
                End::Failed("his-timeout", _) => 20_000,
                End::Failed(..) | End::Done(_) | End::Aborted(_) => self.dice.around(wanted.answers_ms),
            };
            let asked = (wanted.service, Arc::clone(&wanted.query));
            let intent = under.trail.intent(at, asked, grant, &mut self.dice);
            let outcome = ends(&intent, after(at, took), &end);
            let number = self.expect(intent);
            self.answer_to(number, outcome);
            if !matches!(end, End::Failed(..)) || !self.dice.happens(odds::TRIED_AGAIN) {
                return;
            }
            under.now = after(under.now, took.saturating_add(2_000));
        }
    }

    fn end(&mut self, wanted: &Wanted<'_>) -> End {
        let entries = u32::try_from(self.dice.around(5)).unwrap_or_default();
        let withheld = u32::try_from(self.dice.below(3)).unwrap_or_default();
        let counts = Counts { entries, withheld, bytes: 600 + u64::from(entries) * self.dice.within(500, 1_600) };
        if let Some((code, status)) = wanted.fails {
            return End::Failed(code, status);
        }
        let odds = if wanted.bad_moment { odds::FAILS_THEN } else { odds::FAILS };
        if self.dice.happens(odds) {
            let (code, status) = *self.dice.pick(&CHANCE);
            return End::Failed(code, status);
        }
        if self.dice.happens(odds::ABORTED) { End::Aborted(counts) } else { End::Done(counts) }
    }

    /// The outcome of what was intended under this number.
    fn answer_to(&mut self, intent: u64, outcome: crate::audit::AuditEvent) {
        self.number = self.number.saturating_add(1);
        self.due.push(Reverse(Due::new(outcome, self.number).of(intent)));
    }
}

/// A request that a client makes.
struct Wanted<'a> {
    service: &'a ServiceId,
    query: Arc<str>,
    /// The code and status with which it always fails.
    fails: Option<(&'static str, u16)>,
    bad_moment: bool,
    answers_ms: u64,
}

fn after(moment: Timestamp, millis: u64) -> Timestamp {
    let span = SignedDuration::from_millis(i64::try_from(millis).unwrap_or_default());
    moment.saturating_add(span).unwrap_or(Timestamp::MAX)
}
