//! The sessions of browsers with a demonstration site: in memory, bounded in number, and over after half an hour.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use subtle::ConstantTimeEq as _;

use crate::clock::SharedClock;
use crate::secret::{Handle, HandleHash, hash_handle};

/// Most sessions at once; one more ends the oldest.
const SESSIONS_MAX: usize = 1000;
/// From the last step of a person to the end of the session.
const SESSION_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// All sessions: `A` of people who are away at the gateway, `C` of those who came back with data.
pub(in crate::sandbox) struct Sessions<A, C> {
    clock: SharedClock,
    open: Mutex<HashMap<HandleHash, Session<A, C>>>,
}

struct Session<A, C> {
    since: Instant,
    stage: Stage<A, C>,
}

enum Stage<A, C> {
    Away { state: String, journey: A },
    Back(Arc<C>),
}

impl<A, C> Sessions<A, C> {
    pub(in crate::sandbox) fn new(clock: SharedClock) -> Self {
        Self { clock, open: Mutex::new(HashMap::new()) }
    }

    /// Begins the session of a person who leaves with `state`; its cookie.
    pub(in crate::sandbox) fn leave(&self, state: String, journey: A) -> Handle {
        self.begin(Stage::Away { state, journey })
    }

    /// Ends the session of a person who comes back, if they left with this state.
    pub(in crate::sandbox) fn come_back(&self, cookie: &str, state: &str) -> Option<A> {
        let key = hash_handle(cookie);
        let mut open = self.living();
        let Stage::Away { state: left_with, .. } = &open.get(&key)?.stage else { return None };
        if !bool::from(left_with.as_bytes().ct_eq(state.as_bytes())) {
            return None;
        }
        match open.remove(&key)?.stage {
            Stage::Away { journey, .. } => Some(journey),
            Stage::Back(_) => None,
        }
    }

    /// Begins the session of a person whose data came; a new cookie, so that nobody can have prepared it.
    pub(in crate::sandbox) fn keep(&self, collected: C) -> Handle {
        self.begin(Stage::Back(Arc::new(collected)))
    }

    /// The data of this session.
    pub(in crate::sandbox) fn collected(&self, cookie: &str) -> Option<Arc<C>> {
        match &self.living().get(&hash_handle(cookie))?.stage {
            Stage::Back(collected) => Some(Arc::clone(collected)),
            Stage::Away { .. } => None,
        }
    }

    /// Ends a session.
    pub(in crate::sandbox) fn forget(&self, cookie: &str) {
        self.living().remove(&hash_handle(cookie));
    }

    fn begin(&self, stage: Stage<A, C>) -> Handle {
        let cookie = Handle::draw();
        let since = self.clock.monotonic();
        let mut open = self.living();
        if open.len() >= SESSIONS_MAX {
            let oldest = open.iter().min_by_key(|(_, session)| session.since).map(|(key, _)| *key);
            oldest.and_then(|oldest| open.remove(&oldest));
        }
        open.insert(cookie.hash(), Session { since, stage });
        cookie
    }

    /// The sessions that are not over.
    fn living(&self) -> MutexGuard<'_, HashMap<HandleHash, Session<A, C>>> {
        let now = self.clock.monotonic();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, session| now.saturating_duration_since(session.since) < SESSION_LIFETIME);
        open
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TestClock;

    fn sessions() -> (Sessions<u32, &'static str>, Arc<TestClock>) {
        let clock = TestClock::at("2026-03-09T09:00:00Z".parse().unwrap());
        (Sessions::new(Arc::<TestClock>::clone(&clock)), clock)
    }

    #[test]
    fn a_person_comes_back_once_and_only_with_their_state() {
        let (sessions, _) = sessions();
        let cookie = sessions.leave("state".to_owned(), 7);
        assert_eq!(sessions.come_back(cookie.reveal(), "other"), None);
        assert_eq!(sessions.come_back("nobody's cookie", "state"), None);
        assert_eq!(sessions.come_back(cookie.reveal(), "state"), Some(7));
        assert_eq!(sessions.come_back(cookie.reveal(), "state"), None);
    }

    #[test]
    fn data_is_there_for_its_cookie_until_it_is_forgotten() {
        let (sessions, _) = sessions();
        let (mine, other) = (sessions.keep("mine"), sessions.keep("other"));
        assert_eq!(sessions.collected(mine.reveal()).as_deref(), Some(&"mine"));
        assert_eq!(sessions.come_back(mine.reveal(), ""), None);
        assert_eq!(
            sessions.collected(mine.reveal()).as_deref(),
            Some(&"mine"),
            "asking for it as a return changes nothing"
        );
        sessions.forget(mine.reveal());
        assert!(sessions.collected(mine.reveal()).is_none());
        assert!(sessions.collected(other.reveal()).is_some());
        let away = sessions.leave("state".to_owned(), 7);
        assert!(sessions.collected(away.reveal()).is_none());
    }

    #[test]
    fn a_session_is_over_after_its_lifetime() {
        let (sessions, clock) = sessions();
        let (away, back) = (sessions.leave("state".to_owned(), 7), sessions.keep("mine"));
        clock.advance(SESSION_LIFETIME.saturating_sub(Duration::from_millis(1)));
        assert!(sessions.collected(back.reveal()).is_some());
        clock.advance(Duration::from_millis(1));
        assert!(sessions.collected(back.reveal()).is_none());
        assert_eq!(sessions.come_back(away.reveal(), "state"), None);
        assert!(sessions.living().is_empty(), "what is over is not kept");
    }

    #[test]
    fn one_session_too_many_ends_the_oldest() {
        let (sessions, clock) = sessions();
        let oldest = sessions.keep("oldest");
        clock.advance(Duration::from_secs(1));
        let next = sessions.keep("next");
        for _ in 2..SESSIONS_MAX {
            sessions.keep("another");
        }
        assert!(sessions.collected(oldest.reveal()).is_some());
        sessions.keep("one too many");
        assert_eq!(sessions.living().len(), SESSIONS_MAX);
        assert!(sessions.collected(oldest.reveal()).is_none());
        assert!(sessions.collected(next.reveal()).is_some());
    }
}
