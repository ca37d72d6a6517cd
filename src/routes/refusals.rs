//! What the audit log has of those who are not let in. An attempt is on record as well (NEN 7513:2018 section 6.2), but a flood of
//! requests must not be a flood of records, which would fill the disk that everybody's access needs. So there is one record for
//! everybody who is refused, for each kind of request and reason, and each minute; it says how many requests it stands for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::admission::Who;
use crate::audit::{AuditEvent, AuditLog, Kind, Outcome};
use crate::clock::SharedClock;
use crate::edge::Connection;
use crate::fault::Fault;

/// How long a record gathers.
const GATHERED: Duration = Duration::from_secs(60);
/// Those who have records of their own at once; further ones share one for each kind and reason, which names none of them.
const MOST: usize = 1_000;

/// The refusals of a node that are not yet on record.
pub struct Refusals {
    audit: Arc<dyn AuditLog>,
    clock: SharedClock,
    open: Mutex<HashMap<Refused, Tally>>,
}

/// What one record is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Refused {
    /// `None` stands for everybody for whom there was no room.
    who: Option<Who>,
    kind: Kind,
    reason: &'static str,
}

/// What it will say.
struct Tally {
    /// With the moment of the first, and who that was.
    event: Box<AuditEvent>,
    count: u64,
    last: Timestamp,
}

impl Refusals {
    /// None yet; they go to this log.
    #[must_use]
    pub fn new(audit: Arc<dyn AuditLog>, clock: SharedClock) -> Self {
        Self { audit, clock, open: Mutex::default() }
    }

    /// A request of `who` is refused. `kind` says what would have been recorded of it.
    pub(super) fn note(&self, who: Who, connection: &Connection, kind: Kind, fault: Fault) {
        let now = self.clock.now();
        let mut open = self.lock();
        let mut refused = Refused { who: Some(who), kind, reason: fault.code };
        if open.len() >= MOST && !open.contains_key(&refused) {
            refused.who = None;
        }
        let named = refused.who.clone();
        let tally = open.entry(refused).or_insert_with(|| {
            let event = AuditEvent::new(now, kind, Outcome::Refused);
            let event = AuditEvent { reason: Some(fault.code), status: Some(fault.status), ..event };
            Tally { event: Box::new(naming(named, connection, event)), count: 0, last: now }
        });
        (tally.count, tally.last) = (tally.count.saturating_add(1), now);
    }

    /// Puts on record what has gathered for a minute, or all of it. What the log does not take is tried again.
    pub fn record(&self, all: bool) {
        let now = self.clock.now();
        let due = |tally: &Tally| all || tally.event.time.duration_until(now).unsigned_abs() >= GATHERED;
        let mut open = self.lock();
        let gathered: Vec<_> = open.extract_if(|_, tally| due(tally)).collect();
        for (refused, tally) in gathered {
            if self.audit.append(&tally.summed()).is_err() {
                open.insert(refused, tally);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Refused, Tally>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tally {
    fn summed(&self) -> AuditEvent {
        let detail = format!("requests {}, last at {:.0}", self.count, self.last);
        AuditEvent { detail: Some(detail.into()), ..AuditEvent::clone(&self.event) }
    }
}

/// Names who it is, as far as that is known before anything of a request is read.
fn naming(who: Option<Who>, connection: &Connection, event: AuditEvent) -> AuditEvent {
    let Some(who) = who else { return event };
    let client_id = match who {
        Who::Client(client) => Some(client),
        Who::Network(_) | Who::Certificate(_) => None,
    };
    let caller = connection.caller();
    AuditEvent { client_id, peer: caller.names.first().cloned(), access_point: caller.address, ..event }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{AuditError, MemoryLog};
    use crate::clock::TestClock;
    use crate::edge::Network;
    use crate::fault::{NODE_FULL, TOO_MANY};

    struct Stage {
        log: Arc<MemoryLog>,
        clock: Arc<TestClock>,
        refusals: Refusals,
    }

    impl Stage {
        fn new() -> Self {
            let (log, clock) = (Arc::new(MemoryLog::default()), TestClock::at("2026-11-22T09:00:00Z".parse().unwrap()));
            let refusals = Refusals::new(Arc::clone(&log) as _, Arc::clone(&clock) as _);
            Self { log, clock, refusals }
        }

        /// Somebody of the network of this number.
        fn refuse(&self, network: u32, fault: Fault) {
            let address = std::net::IpAddr::from(std::net::Ipv4Addr::from_bits(network << 8 | 1));
            let connection = Connection::anonymous((address, 1).into(), None);
            self.refusals.note(Who::Network(Network::of(address)), &connection, Kind::AuthorizationRefused, fault);
        }

        fn recorded(&self) -> Vec<(Option<&'static str>, Option<u16>, String)> {
            let events = self.log.events();
            events.iter().map(|it| (it.reason, it.status, it.detail.as_deref().unwrap().to_owned())).collect()
        }
    }

    #[test]
    fn a_minute_of_refusals_is_one_record_with_a_count() {
        let stage = Stage::new();
        for _ in 0..500 {
            stage.refuse(1, TOO_MANY);
        }
        stage.clock.advance(Duration::from_secs(59));
        stage.refuse(1, TOO_MANY);
        stage.refuse(1, NODE_FULL);
        stage.refusals.record(false);
        assert_eq!(stage.recorded(), [], "it is not over");
        stage.clock.advance(Duration::from_secs(1));
        stage.refusals.record(false);
        let told = "requests 501, last at 2026-11-22T09:00:59Z".to_owned();
        assert_eq!(stage.recorded(), [(Some("too-many-requests"), Some(429), told)]);
        let event = stage.log.events()[0].clone();
        assert_eq!((event.time, event.access_point), ("2026-11-22T09:00:00Z".parse().unwrap(), "0.0.1.1".parse().ok()));
        stage.refusals.record(true);
        assert_eq!(stage.recorded()[1].2, "requests 1, last at 2026-11-22T09:00:59Z");
        stage.refusals.record(true);
        assert_eq!(stage.recorded().len(), 2, "each once");
    }

    #[test]
    fn however_many_come_the_records_are_bounded_and_count_all() {
        let stage = Stage::new();
        let most = u32::try_from(MOST).unwrap();
        for network in (0..3 * most).chain(0..most) {
            stage.refuse(network, TOO_MANY);
        }
        stage.refusals.record(true);
        let events = stage.log.events();
        assert_eq!(events.len(), MOST + 1);
        let shared: Vec<_> = events.iter().filter(|event| event.access_point.is_none()).collect();
        assert_eq!(shared[0].detail.as_deref(), Some("requests 2000, last at 2026-11-22T09:00:00Z"));
    }

    #[test]
    fn what_the_log_does_not_take_is_recorded_later() {
        let stage = Stage::new();
        stage.refuse(1, TOO_MANY);
        stage.log.fail_appends(AuditError::Full);
        stage.refusals.record(true);
        stage.refuse(1, TOO_MANY);
        assert_eq!(stage.refusals.lock().values().map(|tally| tally.count).collect::<Vec<_>>(), [2]);
    }
}
