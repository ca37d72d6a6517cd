//! Looks at what a node depends on and nobody calls: how long its certificates last, room for the audit log, its clock.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use super::audit_keys::AuditKeys;
use super::his::Observed;
use super::outgoing::Outgoing;
use super::reload::Cells;
use crate::clock::SharedClock;
use crate::monitor::alarms::Alarms;
use crate::monitor::vitals::{CLOCK_STEP, CLOCK_STEP_TOLD, Certificate, ClockState, Disk, Owner, Vitals};
use crate::tls::server::ServerTls;

/// How often it looks by itself, so that an alarm is in the log although nobody asks.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Says which certificates there are at this moment, of those whose end is known.
type Watched = Box<dyn Fn() -> Vec<Certificate> + Send + Sync>;

/// The certificates of the listeners, those with which we call, and those of whom we call; what is in use, whenever it is.
pub(super) fn watched(cells: &Cells, outgoing: Outgoing) -> Vec<Watched> {
    let endpoints = Arc::clone(&cells.endpoints);
    let mut all: Vec<Watched> = vec![
        listener("front", &cells.front.tls),
        listener("back", &cells.back.tls),
        Box::new(move || outgoing.certificates()),
        Box::new(move || endpoints.load().iter().flat_map(of_endpoint).collect()),
    ];
    all.extend(cells.desk.as_ref().map(|desk| listener("auditors", &desk.tls)));
    all.extend(cells.admin.as_ref().map(|desk| listener("admin", &desk.tls)));
    all
}

fn listener(name: &'static str, tls: &Arc<ArcSwap<ServerTls>>) -> Watched {
    let tls = Arc::clone(tls);
    Box::new(move || certificate(Owner::Us, name.to_owned(), tls.load().expires()).into_iter().collect())
}

/// Both sides of an endpoint of a HIS.
fn of_endpoint(endpoint: &Observed) -> impl Iterator<Item = Certificate> + use<> {
    let name = format!("{}/{}", endpoint.his, endpoint.endpoint);
    let theirs = certificate(Owner::Them, name.clone(), endpoint.pool.figures().certificate_expires);
    certificate(Owner::Us, name, endpoint.own_expires).into_iter().chain(theirs)
}

fn certificate(owner: Owner, name: String, expires: Option<Timestamp>) -> Option<Certificate> {
    expires.map(|expires| Certificate { owner, name, expires })
}

/// Looks, and raises the alarms.
pub(super) struct Watchman {
    clock: SharedClock,
    audit_dir: PathBuf,
    keys: AuditKeys,
    certificates: Vec<Watched>,
    alarms: Arc<Alarms>,
    hands: Mutex<Hands>,
}

/// The two clocks, as they were.
struct Hands {
    wall: Timestamp,
    monotonic: Instant,
    /// At the last look.
    drift: SignedDuration,
    step: Option<(SignedDuration, Instant)>,
}

impl Watchman {
    pub(super) fn new(
        clock: &SharedClock,
        audit_dir: &Path,
        keys: AuditKeys,
        certificates: Vec<Watched>,
        alarms: Arc<Alarms>,
    ) -> Self {
        let hands = Hands { wall: clock.now(), monotonic: clock.monotonic(), drift: SignedDuration::ZERO, step: None };
        let (clock, audit_dir) = (Arc::clone(clock), audit_dir.to_owned());
        Self { clock, audit_dir, keys, certificates, alarms, hands: Mutex::new(hands) }
    }

    /// Looks now. Asks the file system of the audit log for its room, which waits for no disk.
    pub(super) fn look(&self) -> Vitals {
        let vitals = Vitals {
            now: self.clock.now(),
            certificates: self.certificates.iter().flat_map(|watched| watched()).collect(),
            disk: room(&self.audit_dir),
            keys: self.keys.health(),
            keys_age: self.keys.age(),
            clock: self.clock_state(),
        };
        for (alarm, detail) in vitals.alarms() {
            self.alarms.set(alarm, detail.as_deref());
        }
        vitals
    }

    /// Looks every minute until `stop`.
    pub(super) async fn keep(self: Arc<Self>, stop: CancellationToken) {
        loop {
            let watchman = Arc::clone(&self);
            if let Err(error) = tokio::task::spawn_blocking(move || drop(watchman.look())).await {
                tracing::error!(%error, "the node was not looked at");
            }
            if stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_none() {
                return;
            }
        }
    }

    fn clock_state(&self) -> ClockState {
        let (wall, monotonic) = (self.clock.now(), self.clock.monotonic());
        let mut hands = self.hands.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = SignedDuration::try_from(monotonic.saturating_duration_since(hands.monotonic));
        let drift = wall.duration_since(hands.wall).saturating_sub(passed.unwrap_or(SignedDuration::MAX));
        let by = drift.saturating_sub(hands.drift);
        if by.abs() > CLOCK_STEP {
            hands.step = Some((by, monotonic));
        }
        hands.drift = drift;
        let recent = |since: Instant| monotonic.saturating_duration_since(since) < CLOCK_STEP_TOLD;
        ClockState { drift, stepped: hands.step.filter(|(_, since)| recent(*since)).map(|(by, _)| by) }
    }
}

fn room(folder: &Path) -> Result<Disk, String> {
    let found = rustix::fs::statvfs(folder).map_err(|error| std::io::Error::from(error).to_string())?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Ok(Disk { free_bytes: bytes(found.f_bavail), total_bytes: bytes(found.f_blocks) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::audit_keys::testing::keys_of;
    use crate::clock::TestClock;

    fn raised(watchman: &Watchman) -> Vec<(&'static str, String)> {
        watchman.alarms.raised().into_iter().map(|raised| (raised.alarm, raised.detail)).collect()
    }

    #[test]
    fn a_clock_that_is_set_is_told_of_for_an_hour() {
        let clock = TestClock::at("2026-11-21T12:00:00Z".parse().unwrap());
        let shared: SharedClock = Arc::clone(&clock) as _;
        let (keys, folder) = keys_of(2026, &shared);
        let expires = "2026-12-01T00:00:00Z".parse().ok();
        let back = move || certificate(Owner::Us, "back".to_owned(), expires).into_iter().collect();
        let watched: Vec<Watched> = vec![Box::new(back), Box::new(Vec::new)];
        let watchman = Watchman::new(&shared, folder.path(), keys, watched, Arc::default());
        let vitals = watchman.look();
        assert_eq!(vitals.report().certificate_days_left["back"], 9);
        assert!(vitals.report().peer_certificate_days_left.is_empty(), "not seen yet");
        assert!(vitals.disk.unwrap().total_bytes > 0);
        assert!(raised(&watchman).iter().all(|(alarm, _)| *alarm != "clock_stepped"));
        clock.advance(Duration::from_secs(3_600));
        assert_eq!(watchman.look().clock, ClockState::default(), "time passes");
        clock.step(SignedDuration::from_secs(-30));
        clock.advance(Duration::from_secs(60));
        let state = watchman.look().clock;
        assert_eq!(
            (state.drift, state.stepped),
            (SignedDuration::from_secs(-30), Some(SignedDuration::from_secs(-30)))
        );
        assert!(raised(&watchman).contains(&("clock_stepped", "the clock was set by -30 s".to_owned())));
        clock.advance(CLOCK_STEP_TOLD);
        let state = watchman.look().clock;
        assert_eq!((state.drift, state.stepped), (SignedDuration::from_secs(-30), None));
        assert!(raised(&watchman).iter().all(|(alarm, _)| *alarm != "clock_stepped"));
    }
}
