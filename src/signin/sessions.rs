//! Who is logged in at this node, and for how long: in its memory, so that logging out ends it, and a restart ends all.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{AWAY, LoginName, Logins};
use crate::clock::SharedClock;
use crate::oauth::store::StoreFuture;
use crate::secret::{Handle, HandleHash, hash_handle};

/// Most logins that are remembered as over; while there are as many, nobody logs in.
const OVER_MAX: usize = 10_000;

/// Somebody who logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// What their provider calls them.
    pub name: LoginName,
    /// What they are to it, of what means something here.
    pub roles: Vec<String>,
}

/// All who are logged in.
pub struct Sessions {
    inner: Mutex<Inner>,
    clock: SharedClock,
}

#[derive(Default)]
struct Inner {
    open: BTreeMap<HandleHash, (Session, Ends)>,
    /// Logins that came to their end, until their way back would be too late anyhow.
    over: BTreeMap<HandleHash, Instant>,
}

struct Ends {
    at: Instant,
    /// Which provider vouched; with another one it is no session.
    issuer: String,
}

impl Sessions {
    /// Nobody yet.
    #[must_use]
    pub fn new(clock: SharedClock) -> Self {
        Self { inner: Mutex::default(), clock }
    }

    /// Marks a login as over, to be remembered for `memory`; `false` when it was already, or when so many are that nobody logs in.
    #[must_use]
    pub fn end_login(&self, ticket: &str, memory: Duration) -> bool {
        let (mut inner, until) = (self.current(), self.clock.monotonic() + memory);
        inner.over.len() < OVER_MAX && inner.over.insert(hash_handle(ticket), until).is_none()
    }

    /// Whether a login is over.
    #[must_use]
    pub fn is_over(&self, ticket: &str) -> bool {
        self.current().over.contains_key(&hash_handle(ticket))
    }

    /// Begins a session; the handle is for the cookie. With `most` of them it ends the one that has the least time left.
    #[must_use]
    pub fn open(&self, session: Session, issuer: &str, lifetime: Duration, most: usize) -> Handle {
        let (handle, mut inner) = (Handle::draw(), self.current());
        if inner.open.len() >= most {
            let first = inner.open.iter().min_by_key(|(_, (_, ends))| ends.at).map(|(hash, _)| *hash);
            first.and_then(|hash| inner.open.remove(&hash));
        }
        let ends = Ends { at: self.clock.monotonic() + lifetime, issuer: issuer.to_owned() };
        inner.open.insert(handle.hash(), (session, ends));
        handle
    }

    /// The session of a cookie, when this provider vouched for it.
    #[must_use]
    pub fn find(&self, cookie: &str, issuer: &str) -> Option<Session> {
        let inner = self.current();
        let (session, ends) = inner.open.get(&hash_handle(cookie))?;
        (ends.issuer == issuer).then(|| session.clone())
    }

    /// Ends the session of a cookie; whose it was.
    pub fn close(&self, cookie: &str) -> Option<Session> {
        self.current().open.remove(&hash_handle(cookie)).map(|(session, _)| session)
    }

    /// What is true now, with what ended left out.
    fn current(&self) -> MutexGuard<'_, Inner> {
        let now = self.clock.monotonic();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.open.retain(|_, (_, ends)| now < ends.at);
        inner.over.retain(|_, until| now < *until);
        inner
    }
}

/// The sessions of this node, as one configuration has them.
pub struct NodeSessions {
    /// Those of all configurations, over reloads.
    pub all: Arc<Sessions>,
    /// By what the provider is known; sessions of another one are over.
    pub issuer: String,
    /// How long a session lasts.
    pub lifetime: Duration,
    /// Most sessions at a time.
    pub most: usize,
}

impl NodeSessions {
    /// Begins a session; the handle is for the cookie.
    #[must_use]
    pub fn open(&self, session: Session) -> Handle {
        self.all.open(session, &self.issuer, self.lifetime, self.most)
    }

    /// The session of a cookie.
    #[must_use]
    pub fn find(&self, cookie: &str) -> Option<Session> {
        self.all.find(cookie, &self.issuer)
    }
}

impl Logins for NodeSessions {
    fn is_over<'a>(&'a self, ticket: &'a str) -> StoreFuture<'a, bool> {
        Box::pin(std::future::ready(Ok(self.all.is_over(ticket))))
    }

    fn end<'a>(&'a self, ticket: &'a str) -> StoreFuture<'a, bool> {
        Box::pin(std::future::ready(Ok(self.all.end_login(ticket, AWAY))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TestClock;

    const HOUR: Duration = Duration::from_hours(1);
    const MOST: usize = 100;
    const ISSUER: &str = "https://login.example";

    fn sessions() -> (Sessions, Arc<TestClock>) {
        let clock = TestClock::at("2026-11-22T12:00:00Z".parse().unwrap());
        (Sessions::new(Arc::clone(&clock) as _), clock)
    }

    fn somebody(name: &str) -> Session {
        Session { name: LoginName::parse(name).unwrap(), roles: vec!["beheert".to_owned()] }
    }

    #[test]
    fn a_session_lasts_until_it_ends_or_is_ended_whatever_the_wall_clock_does() {
        let (sessions, clock) = sessions();
        let [one, other] = ["a", "b"].map(|name| sessions.open(somebody(name), ISSUER, HOUR, MOST));
        assert_eq!(sessions.find(one.reveal(), ISSUER), Some(somebody("a")));
        assert_eq!(sessions.find(one.reveal(), "https://other.example"), None);
        assert_eq!(sessions.close(one.reveal()), Some(somebody("a")));
        assert_eq!((sessions.find(one.reveal(), ISSUER), sessions.close(one.reveal())), (None, None));
        clock.advance(HOUR - Duration::from_secs(1));
        clock.step(-jiff::SignedDuration::from_hours(1));
        assert!(sessions.find(other.reveal(), ISSUER).is_some());
        clock.advance(Duration::from_secs(1));
        assert_eq!(sessions.find(other.reveal(), ISSUER), None);
    }

    #[test]
    fn a_login_is_over_once() {
        let (sessions, clock) = sessions();
        assert!(!sessions.is_over("ticket") && sessions.end_login("ticket", HOUR));
        assert!(sessions.is_over("ticket") && !sessions.end_login("ticket", HOUR));
        clock.advance(HOUR);
        assert!(!sessions.is_over("ticket"));
    }

    #[test]
    fn one_more_than_the_most_ends_the_one_with_the_least_time() {
        let (sessions, _) = sessions();
        let first = sessions.open(somebody("first"), ISSUER, HOUR / 2, MOST);
        let handles: Vec<_> = (1..MOST).map(|_| sessions.open(somebody("x"), ISSUER, HOUR, MOST)).collect();
        assert!(sessions.find(first.reveal(), ISSUER).is_some());
        let last = sessions.open(somebody("last"), ISSUER, HOUR, MOST);
        assert_eq!(sessions.find(first.reveal(), ISSUER), None);
        assert!(handles.iter().chain([&last]).all(|one| sessions.find(one.reveal(), ISSUER).is_some()));
    }
}
