//! What an operator can make a running node do: step aside for a while, end, and tell more in its technical log.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::Level;

use super::view::{LevelView, moment};
use crate::clock::SharedClock;

/// Longest time for which the technical log tells more or less than configured.
const LEVEL_MINUTES_MAX: u32 = 24 * 60;

/// Whether the node is there for new requests, and its end.
pub struct Duty {
    /// Makes the node not ready, so that a load balancer sends its requests elsewhere, and ready again; whether it was not so.
    rest: Box<dyn Fn(bool) -> bool + Send + Sync>,
    is_resting: Box<dyn Fn() -> bool + Send + Sync>,
    end: OnceLock<CancellationToken>,
}

/// The node may only be ended while it steps aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the node serves: let it step aside first, and wait until nobody needs it")]
pub struct OnDuty;

impl Duty {
    /// By these doors to readiness.
    #[must_use]
    pub fn new(
        rest: impl Fn(bool) -> bool + Send + Sync + 'static,
        is_resting: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Self {
        Self { rest: Box::new(rest), is_resting: Box::new(is_resting), end: OnceLock::new() }
    }

    /// What ends the node in order, once it runs.
    pub fn can_end_by(&self, stop: CancellationToken) {
        // A node runs once; the first stays.
        let _ = self.end.set(stop);
    }

    /// Steps aside, or comes back; whether that changed anything.
    pub fn rest(&self, aside: bool) -> bool {
        (self.rest)(aside)
    }

    /// What ends the node as SIGTERM does, while it steps aside.
    ///
    /// # Errors
    /// When it does not.
    pub fn end(&self) -> Result<&CancellationToken, OnDuty> {
        self.end.get().filter(|_| (self.is_resting)()).ok_or(OnDuty)
    }
}

/// What a reload of the configuration came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReloadEnd {
    /// These keys have other values, or other files; none when everything is as it was.
    Done(BTreeSet<String>),
    /// Something is not in order, and what was in force stays; why.
    Refused(String),
}

/// A reload under way.
pub type Reloading = Pin<Box<dyn Future<Output = ReloadEnd> + Send>>;

/// Reads the configuration again, once somebody who can is there.
#[derive(Default)]
pub struct Reload(OnceLock<Box<dyn Fn() -> Reloading + Send + Sync>>);

impl Reload {
    /// Who can.
    pub fn by(&self, reload: impl Fn() -> Reloading + Send + Sync + 'static) {
        // A node is built once; the first stays.
        let _ = self.0.set(Box::new(reload));
    }

    pub(super) async fn now(&self) -> ReloadEnd {
        match self.0.get() {
            Some(reload) => reload().await,
            None => ReloadEnd::Refused("the node starts".to_owned()),
        }
    }
}

/// The level of our own events in the technical log. It goes back to the configured one by itself.
pub struct LogLevel {
    configured: Level,
    set: fn(Level),
    clock: SharedClock,
    changed: Mutex<Option<Changed>>,
}

struct Changed {
    level: Level,
    until: Timestamp,
    _ends: AbortOnDropHandle<()>,
}

/// A level, and for how many minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LevelWish {
    level: Level,
    minutes: u32,
}

impl LevelWish {
    /// One of `error`, `warn`, `info`, `debug` and `trace`, for 1 to 1,440 minutes.
    #[must_use]
    pub fn parse(level: &str, minutes: u32) -> Option<Self> {
        let plain = level.bytes().all(|c| c.is_ascii_lowercase());
        let level = level.parse().ok().filter(|_| plain)?;
        (1..=LEVEL_MINUTES_MAX).contains(&minutes).then_some(Self { level, minutes })
    }
}

impl LogLevel {
    /// The configured level, and what changes it.
    #[must_use]
    pub const fn new(configured: Level, set: fn(Level), clock: SharedClock) -> Self {
        Self { configured, set, clock, changed: Mutex::new(None) }
    }

    /// How it is.
    #[must_use]
    pub fn view(&self) -> LevelView {
        let changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        let word = |level: Level| level.as_str().to_ascii_lowercase();
        LevelView {
            level: word(changed.as_ref().map_or(self.configured, |changed| changed.level)),
            configured: word(self.configured),
            until: changed.as_ref().map(|changed| moment(changed.until)),
        }
    }

    /// Another level for a while, in place of any before. Must be called inside a runtime.
    pub fn change(self: &Arc<Self>, wish: LevelWish) {
        let LevelWish { level, minutes } = wish;
        let time = Duration::from_secs(60 * u64::from(minutes));
        let until = self.clock.now().saturating_add(time).unwrap_or(Timestamp::MAX);
        let own = Arc::downgrade(self);
        let ends = tokio::spawn(async move {
            tokio::time::sleep(time).await;
            if let Some(own) = own.upgrade() {
                own.reset();
            }
        });
        (self.set)(level);
        *self.lock() = Some(Changed { level, until, _ends: AbortOnDropHandle::new(ends) });
    }

    /// Back to the configured level; whether it was another.
    pub fn reset(&self) -> bool {
        (self.set)(self.configured);
        self.lock().take().is_some()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Changed>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::clock::TestClock;

    #[test]
    fn a_wish_names_a_level_and_a_time() {
        assert!(LevelWish::parse("debug", 15).is_some() && LevelWish::parse("trace", 1_440).is_some());
        for (level, minutes) in [("debug", 0), ("debug", 1_441), ("DEBUG", 1), ("loud", 1), ("", 1), ("3", 1)] {
            assert_eq!(LevelWish::parse(level, minutes), None, "{level} {minutes}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_level_goes_back_by_itself() {
        static SET: Mutex<Vec<Level>> = Mutex::new(Vec::new());
        let clock = TestClock::at("2026-11-22T12:00:00Z".parse().unwrap());
        let level = Arc::new(LogLevel::new(Level::INFO, |level| SET.lock().unwrap().push(level), clock));
        level.change(LevelWish::parse("trace", 5).unwrap());
        level.change(LevelWish::parse("debug", 15).unwrap());
        assert_eq!(
            (level.view().level.as_str(), level.view().until.as_deref()),
            ("debug", Some("2026-11-22T12:15:00Z"))
        );
        tokio::time::sleep(Duration::from_secs(14 * 60)).await;
        assert_eq!(*SET.lock().unwrap(), [Level::TRACE, Level::DEBUG], "the first does not end the second");
        tokio::time::sleep(Duration::from_secs(61)).await;
        assert_eq!(*SET.lock().unwrap(), [Level::TRACE, Level::DEBUG, Level::INFO]);
        assert_eq!((level.view().level.as_str(), level.view().until), ("info", None));
        assert!(!level.reset());
    }

    #[test]
    fn a_node_ends_only_while_it_steps_aside() {
        let aside = Arc::new(AtomicBool::new(false));
        let (set, get) = (Arc::clone(&aside), Arc::clone(&aside));
        let duty = Duty::new(move |rest| set.swap(rest, Ordering::AcqRel) != rest, move || get.load(Ordering::Acquire));
        duty.can_end_by(CancellationToken::new());
        assert_eq!(duty.end().unwrap_err(), OnDuty);
        assert!(duty.rest(true) && !duty.rest(true));
        duty.end().unwrap().cancel();
        assert!(duty.rest(false) && duty.end().is_err());
    }
}
