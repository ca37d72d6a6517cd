//! A request of the past: what is on record of it, and what stood when it came. It is found by our id of it, which says when that
//! was, or by the client's `MedMij-Request-ID` and a day.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use crate::audit::{AuditIndex, IndexQuery, Kind, Outcome, PAGE_MAX, Record, Word};
use crate::availability::dutch_midnight;
use crate::fault::reason_of;
use crate::fhir::read::ReadError;
use crate::medmij::{LocalId, RequestId};
use crate::oauth::store::StoreError;
use crate::practices::golive::NotYet;
use crate::routing::{Check, Halt, Refusal, Target};

/// Most pages of the index that are looked through for a request.
const PAGES_MAX: usize = 60;
/// How long before its first record a request of ours got its id, and how long after that its last record may come.
const BEFORE: SignedDuration = SignedDuration::from_secs(5);
const AFTER: SignedDuration = SignedDuration::from_mins(15);
/// How far back it is looked for what stood then.
const BACK: SignedDuration = SignedDuration::from_hours(24 * 400);
/// Records of a page of what stood, and how many pages.
const STOOD_PAGE: u16 = 100;
const STOOD_PAGES_MAX: usize = 5;

/// Which request, and when it is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    local: Option<LocalId>,
    request: Option<RequestId>,
    from: Timestamp,
    to: Timestamp,
}

/// Why no request can be looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PastFault {
    /// No id.
    #[error("say which request: our number of it, or its MedMij-Request-ID")]
    Id,
    /// An id that says nothing of the day, and no day; or what is none.
    #[error("say on which day it was, as 2026-11-22: this id does not tell")]
    Day,
}

/// A request, and the world in which it came.
#[derive(Debug, Default)]
pub struct Past {
    /// What is on record of it, oldest first.
    pub records: Vec<Record>,
    /// What stood then; `None` when nothing is on record.
    pub stood: Option<Stood>,
    /// Whether so much happened in that time that not all of it was looked through.
    pub is_cut: bool,
}

/// The newest records before a request of what its decision reads.
#[derive(Debug, Default)]
pub struct Stood {
    /// The lists of the node.
    pub lists: Option<Record>,
    /// Its configuration.
    pub configuration: Option<Record>,
    /// The stage of the practice.
    pub stage: Option<Record>,
    /// Stops that were in force, of everything, of its client or practice, or of any HIS.
    pub stops: Vec<Record>,
}

impl Wanted {
    /// The request with this id; the day, in the Netherlands, is needed when the id is not ours.
    ///
    /// # Errors
    /// See [`PastFault`].
    pub fn read(id: &str, day: Option<&str>) -> Result<Self, PastFault> {
        let id = id.trim();
        let (local, request) = (LocalId::parse(id), RequestId::parse(id));
        let ours = local.ok_or(PastFault::Id)?;
        let (from, to) = match day.map(str::trim).filter(|day| !day.is_empty()) {
            Some(day) => {
                let day: Date = day.parse().map_err(|_| PastFault::Day)?;
                let next = day.checked_add(1.day()).map_err(|_| PastFault::Day)?;
                (dutch_midnight(day), dutch_midnight(next))
            }
            None => around(ours.made_at().ok_or(PastFault::Day)?).ok_or(PastFault::Day)?,
        };
        Ok(Self { local, request, from, to })
    }

    /// From which moment it is looked for, and until which.
    #[must_use]
    pub const fn period(&self) -> (Timestamp, Timestamp) {
        (self.from, self.to)
    }

    fn is(&self, record: &Record) -> bool {
        let ours = self.local.is_some() && record.local_id == self.local;
        ours || (self.request.is_some() && record.request_id == self.request)
    }
}

fn around(made: Timestamp) -> Option<(Timestamp, Timestamp)> {
    Some((made.checked_sub(BEFORE).ok()?, made.checked_add(AFTER).ok()?))
}

/// Looks it up.
///
/// # Errors
/// When the index does not answer.
pub async fn look(index: &dyn AuditIndex, wanted: &Wanted) -> Result<Past, StoreError> {
    let mut query = IndexQuery { limit: PAGE_MAX, ..IndexQuery::between(wanted.from, wanted.to) };
    let mut past = Past { is_cut: true, ..Past::default() };
    for _ in 0..PAGES_MAX {
        let page = index.search(query.clone()).await?;
        past.records.extend(page.records.into_iter().filter(|record| wanted.is(record)));
        query.after = page.next;
        if page.next.is_none() {
            past.is_cut = false;
            break;
        }
    }
    past.records.reverse();
    if let Some(first) = past.records.first() {
        past.stood = Some(stood(index, first).await?);
    }
    Ok(past)
}

/// What stood when this was recorded.
async fn stood(index: &dyn AuditIndex, first: &Record) -> Result<Stood, StoreError> {
    let own = |record: &Record| record.source == first.source;
    let lists = newest(index, first, Kind::ListsSwapped, own).await?;
    let configuration = newest(index, first, Kind::ConfigurationChanged, own).await?;
    // Who takes part is a change, too, and about a person.
    let stage = |record: &Record| record.provider == first.provider && record.subject.is_none();
    let stage = match first.provider {
        Some(_) => newest(index, first, Kind::GoLiveChanged, stage).await?,
        None => None,
    };
    Ok(Stood { lists, configuration, stage, stops: stops(index, first).await? })
}

/// What was done before, newest first.
fn before(first: &Record, kinds: Vec<Kind>) -> IndexQuery {
    let from = first.time.saturating_sub(BACK).unwrap_or(Timestamp::MIN);
    IndexQuery { kinds, outcomes: vec![Outcome::Done], limit: STOOD_PAGE, ..IndexQuery::between(from, first.time) }
}

async fn newest(
    index: &dyn AuditIndex,
    first: &Record,
    kind: Kind,
    is: impl Fn(&Record) -> bool,
) -> Result<Option<Record>, StoreError> {
    let mut query = before(first, vec![kind]);
    for _ in 0..STOOD_PAGES_MAX {
        let page = index.search(query.clone()).await?;
        if let Some(found) = page.records.into_iter().find(&is) {
            return Ok(Some(found));
        }
        query.after = page.next;
        if page.next.is_none() {
            break;
        }
    }
    Ok(None)
}

/// The stops in force, of what the request was about: of each target the newest change counts.
async fn stops(index: &dyn AuditIndex, first: &Record) -> Result<Vec<Record>, StoreError> {
    let mut query = before(first, vec![Kind::AccessStopped, Kind::AccessRestored]);
    let (mut seen, mut found) = (HashSet::new(), Vec::new());
    for _ in 0..STOOD_PAGES_MAX {
        let page = index.search(query.clone()).await?;
        for record in page.records {
            let Some(target) = record.detail.as_ref().and_then(target_of) else { continue };
            let is_stop = record.kind == Word::Known(Kind::AccessStopped);
            if is_about(&target, first) && seen.insert(target) && is_stop {
                found.push(record);
            }
        }
        query.after = page.next;
        if page.next.is_none() {
            break;
        }
    }
    Ok(found)
}

/// The target that a record of the emergency switch begins with.
fn target_of(detail: &Arc<str>) -> Option<Target> {
    Target::parse(detail.split_once(": ").map_or(detail, |(target, _)| target))
}

/// The record does not say which HIS its practice had then, so a stop of any may be meant.
fn is_about(target: &Target, first: &Record) -> bool {
    match target {
        Target::Everything | Target::His(_) => true,
        Target::Client(id) => first.client_id.as_ref() == Some(id),
        Target::Practice(provider) => first.provider.as_ref() == Some(provider),
    }
}

/// The check of the decision at which a request was refused for this reason; `None` when it was refused elsewhere.
#[must_use]
pub fn check_of(reason: &str) -> Option<Check> {
    refusals().find(|refusal| reason_of(ReadError::Refused(*refusal)) == reason).map(Check::of)
}

/// Every refusal of a decision.
fn refusals() -> impl Iterator<Item = Refusal> {
    let plain = [
        Refusal::ListsTooOld,
        Refusal::Expired,
        Refusal::PeerNotListed,
        Refusal::PeerNotOfClient,
        Refusal::ClientNotListed,
        Refusal::OtherCertificate,
        Refusal::OtherProvider,
        Refusal::ServiceNotGranted,
        Refusal::UnknownService,
        Refusal::NotOffered,
        Refusal::NotServed,
        Refusal::PortalOnClientList,
        Refusal::PracticeNotRegistered,
        Refusal::TypeNotGranted,
        Refusal::ServiceNotRegistered,
    ];
    let halts = [Halt::Everything, Halt::Client, Halt::His, Halt::Practice].map(Refusal::Stopped);
    // The reason of a practice that is closed is also that of one that is not served; go-live is the one to look at.
    NotYet::ALL.map(Refusal::NotYet).into_iter().chain(plain).chain(halts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_known_by_its_id_and_its_day() {
        let made: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let ours = LocalId::new(made);
        let wanted = Wanted::read(&ours.to_string(), None).unwrap();
        let (from, to) = wanted.period();
        assert!(from < made && made < to && to < made + AFTER + AFTER);
        let theirs = "5c0f6f0e-6a0b-4a43-9d2e-2f1f8a9e6b02";
        assert_eq!(Wanted::read(theirs, None), Err(PastFault::Day), "a random id tells no time");
        let day = Wanted::read(theirs, Some("2026-11-22")).unwrap();
        assert_eq!(day.period().0.to_string(), "2026-11-21T23:00:00Z");
        assert_eq!(day.period().1.duration_since(day.period().0), SignedDuration::from_hours(24));
        for (id, day, fault) in
            [("", None, PastFault::Id), ("x", Some("2026-11-22"), PastFault::Id), (theirs, Some("nu"), PastFault::Day)]
        {
            assert_eq!(Wanted::read(id, day), Err(fault), "{id}");
        }
    }

    #[test]
    fn every_check_that_can_refuse_is_named_by_its_reasons() {
        let reached: HashSet<Check> = refusals().map(Check::of).collect();
        assert_eq!(reached.len(), Check::ALL.len());
        for refusal in refusals().filter(|refusal| *refusal != Refusal::NotServed) {
            let reason = reason_of(ReadError::Refused(refusal));
            assert_eq!(check_of(reason), Some(Check::of(refusal)), "{reason}");
        }
        assert_eq!(check_of("unknown-parameter"), None);
    }

    #[test]
    fn a_record_of_the_switch_begins_with_its_target() {
        let of = |text: &str| target_of(&text.into()).map(|target| target.to_string());
        assert_eq!(of("his:his-a: verkeerde uitslagen: melding 12").as_deref(), Some("his:his-a"));
        assert_eq!(of("everything").as_deref(), Some("everything"));
        assert_eq!(of("iets anders"), None);
    }
}
