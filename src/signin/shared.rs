//! Sessions that every node knows: sealed in the cookie with a key that the nodes share, so that they take no room and outlive a
//! restart. The store of the nodes remembers those that were ended before their time, so that logging out ends one everywhere.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};

use super::sessions::Session;
use super::{AWAY, LoginName, Logins};
use crate::clock::SharedClock;
use crate::form::{decode_pairs, encode_pairs, single};
use crate::oauth::replay::{ReplayStore, UsedId};
use crate::oauth::store::{StoreError, StoreFuture};
use crate::seal::Sealer;
use crate::secret::Handle;

/// What a session is sealed for.
const PLACE: &[u8] = b"session of somebody at work";

/// Sessions of all nodes, as one configuration has them.
pub struct SharedSessions {
    /// Where it is remembered what is over.
    pub over: Arc<dyn ReplayStore>,
    /// Seals sessions.
    pub sealer: Sealer,
    /// By what the provider is known; sessions of another one are over.
    pub issuer: String,
    /// How long a session lasts.
    pub lifetime: Duration,
    /// Time.
    pub clock: SharedClock,
}

/// A session as its cookie has it.
struct Carried {
    id: String,
    until: Timestamp,
    session: Session,
}

impl SharedSessions {
    /// Begins a session: what the cookie carries.
    #[must_use]
    pub fn open(&self, session: &Session) -> String {
        let until = self.after(self.lifetime).as_second().to_string();
        let id = Handle::draw();
        let mut pairs =
            vec![("id", id.reveal()), ("issuer", &self.issuer), ("name", session.name.as_str()), ("until", &until)];
        pairs.extend(session.roles.iter().map(|role| ("role", role.as_str())));
        let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        URL_SAFE_NO_PAD.encode(self.sealer.seal(encode_pairs(&pairs).as_bytes(), PLACE))
    }

    /// The session of a cookie, when it is not over.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn find(&self, cookie: &str) -> Result<Option<Session>, StoreError> {
        let Some(Carried { id, until, session }) = self.carried(cookie) else { return Ok(None) };
        let is_over = self.over.is_used(UsedId::of_login(&id, until).hash).await?;
        Ok((!is_over).then_some(session))
    }

    /// Ends the session of a cookie on every node; whose it was, when it was not over.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn close(&self, cookie: &str) -> Result<Option<Session>, StoreError> {
        let Some(Carried { id, until, session }) = self.carried(cookie) else { return Ok(None) };
        let is_first = self.over.first_use(UsedId::of_login(&id, until)).await?;
        Ok(is_first.then_some(session))
    }

    fn carried(&self, cookie: &str) -> Option<Carried> {
        let text = self.sealer.open(&URL_SAFE_NO_PAD.decode(cookie).ok()?, PLACE)?;
        let pairs = decode_pairs(std::str::from_utf8(&text).ok()?).ok()?;
        let until = Timestamp::from_second(single(&pairs, "until")?.parse().ok()?).ok()?;
        let is_ours = single(&pairs, "issuer")? == self.issuer && self.clock.now() < until;
        let roles = pairs.iter().filter(|(name, _)| name == "role").map(|(_, role)| role.clone());
        let session = Session { name: LoginName::parse(single(&pairs, "name")?)?, roles: roles.collect() };
        is_ours.then_some(Carried { id: single(&pairs, "id")?.to_owned(), until, session })
    }

    fn after(&self, time: Duration) -> Timestamp {
        let (now, time) = (self.clock.now(), SignedDuration::try_from(time).unwrap_or(SignedDuration::ZERO));
        now.saturating_add(time).unwrap_or(now)
    }
}

impl Logins for SharedSessions {
    fn is_over<'a>(&'a self, ticket: &'a str) -> StoreFuture<'a, bool> {
        self.over.is_used(UsedId::of_login(ticket, self.after(AWAY)).hash)
    }

    fn end<'a>(&'a self, ticket: &'a str) -> StoreFuture<'a, bool> {
        self.over.first_use(UsedId::of_login(ticket, self.after(AWAY)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Mutex;

    use super::*;
    use crate::clock::TestClock;
    use crate::secret::{HandleHash, Secret};

    #[derive(Default)]
    struct Memory(Mutex<HashSet<HandleHash>>);

    impl ReplayStore for Memory {
        fn first_use(&self, id: UsedId) -> StoreFuture<'_, bool> {
            let first = self.0.lock().unwrap().insert(id.hash);
            Box::pin(std::future::ready(Ok(first)))
        }

        fn is_used(&self, hash: HandleHash) -> StoreFuture<'_, bool> {
            let is_used = self.0.lock().unwrap().contains(&hash);
            Box::pin(std::future::ready(Ok(is_used)))
        }
    }

    fn nodes() -> ([SharedSessions; 2], Arc<TestClock>) {
        let clock = TestClock::at("2026-11-22T12:00:00Z".parse().unwrap());
        let over: Arc<Memory> = Arc::default();
        let node = |issuer: &str| SharedSessions {
            over: Arc::clone(&over) as _,
            sealer: Sealer::derived(&Secret::new([1; 32]), "session"),
            issuer: issuer.to_owned(),
            lifetime: Duration::from_hours(1),
            clock: Arc::clone(&clock) as _,
        };
        ([node("https://login.example"), node("https://login.example")], clock)
    }

    fn somebody() -> Session {
        let roles = ["practice:linde@medmij", "practice:haven@medmij"].map(str::to_owned);
        Session { name: LoginName::parse("b. de wit&co=1").unwrap(), roles: roles.into() }
    }

    #[tokio::test]
    async fn a_session_holds_on_every_node_until_it_ends_or_is_ended_on_one() {
        let ([one, other], clock) = nodes();
        let (kept, ended) = (one.open(&somebody()), one.open(&somebody()));
        assert_ne!(kept, ended);
        assert_eq!(other.find(&kept).await, Ok(Some(somebody())));
        assert_eq!(other.close(&ended).await, Ok(Some(somebody())));
        assert_eq!((one.find(&ended).await, one.close(&ended).await), (Ok(None), Ok(None)));
        clock.advance(Duration::from_secs(3_599));
        assert_eq!(one.find(&kept).await, Ok(Some(somebody())));
        clock.advance(Duration::from_secs(1));
        assert_eq!(one.find(&kept).await, Ok(None));
    }

    #[tokio::test]
    async fn nothing_else_opens_one() {
        let ([node, other], _) = nodes();
        let cookie = node.open(&somebody());
        let elsewhere = SharedSessions { issuer: "https://other.example".to_owned(), ..other };
        assert_eq!(elsewhere.find(&cookie).await, Ok(None), "another provider vouched");
        let stranger = SharedSessions { sealer: Sealer::derived(&Secret::new([2; 32]), "session"), ..elsewhere };
        assert_eq!(stranger.find(&cookie).await, Ok(None), "another key");
        for damaged in ["", "x", &cookie[1..], &cookie[..cookie.len() - 4]] {
            assert_eq!(node.find(damaged).await, Ok(None), "{damaged}");
        }
        assert!(!cookie.contains("linde"));
    }

    #[tokio::test]
    async fn a_login_is_over_once_on_all_nodes() {
        let ([one, other], _) = nodes();
        assert_eq!((one.is_over("ticket").await, one.end("ticket").await), (Ok(false), Ok(true)));
        assert_eq!((other.is_over("ticket").await, other.end("ticket").await), (Ok(true), Ok(false)));
    }
}
