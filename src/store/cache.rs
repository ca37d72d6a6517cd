//! Access tokens and the state of grants in memory, so that most requests ask no database. A grant that ends on this node
//! ends here at once; one that ends on another node is seen within 5 s: [`CachedTokens::STALE`] and [`CachedTokens::PROMPT`].

mod fresh;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use self::fresh::Fresh;
use crate::clock::SharedClock;
use crate::medmij::{Bsn, LocalId};
use crate::oauth::grant::{GrantStore, IssuedToken, LastingGrant, TokenStore};
use crate::oauth::store::{StoreError, StoreFuture};
use crate::practices::PracticeRegister;
use crate::secret::HandleHash;

/// A token store that remembers what another one found. What is absent is not remembered.
pub struct CachedTokens {
    inner: Arc<dyn TokenStore>,
    grants: Arc<dyn GrantStore>,
    found: Fresh<HandleHash, IssuedToken>,
    /// Grants that had not ended when the store was last asked.
    live: Fresh<LocalId, ()>,
    /// Grants that ended here.
    over: Fresh<LocalId, ()>,
    /// Our practices: each token is remembered with the place of its own.
    practices: ArcSwap<PracticeRegister>,
    /// How often a grant ended here. Whoever asked the store before the last time does not remember the answer.
    ended: Mutex<u64>,
    clock: SharedClock,
}

/// When the store was asked.
#[derive(Clone, Copy)]
struct Asked {
    /// How often a grant had ended here.
    ended: u64,
    at: Instant,
}

impl CachedTokens {
    /// How many tokens are remembered at most, about 75 MB.
    pub const ENTRIES: usize = 100_000;
    /// How long a token is believed without asking the store again.
    pub const STALE: Duration = Duration::from_secs(4);
    /// How old an answer of the store may be to be remembered: it may have been true only when the store was asked.
    pub const PROMPT: Duration = Duration::from_secs(1);

    /// How long a grant that ended here is told from memory; longer than any transfer may take.
    const OVER: Duration = Duration::from_secs(3_600);

    /// Before a store, for a node that serves these practices.
    #[must_use]
    pub fn new(
        inner: Arc<dyn TokenStore>,
        grants: Arc<dyn GrantStore>,
        practices: Arc<PracticeRegister>,
        clock: SharedClock,
    ) -> Self {
        Self {
            inner,
            grants,
            found: Fresh::new(Self::ENTRIES, Self::STALE),
            live: Fresh::new(Self::ENTRIES, Self::STALE),
            over: Fresh::new(Self::ENTRIES, Self::OVER),
            practices: ArcSwap::new(practices),
            ended: Mutex::new(0),
            clock,
        }
    }

    /// From now on tokens are remembered with their place among these practices. A place among others is none, see
    /// [`PracticeRegister::at`].
    pub fn place_among(&self, practices: Arc<PracticeRegister>) {
        self.practices.store(practices);
    }

    /// Drops what is too old to be believed. For a task beside the requests, now and then: it holds up a look-up for as long as
    /// it takes to look at the entries of one shard.
    pub fn tidy(&self) {
        let now = self.clock.monotonic();
        self.found.tidy(now);
        self.live.tidy(now);
        self.over.tidy(now);
    }

    /// Tidies every few seconds until `stop`.
    pub async fn keep_tidy(self: Arc<Self>, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(Self::STALE)).await.is_some() {
            self.tidy();
        }
    }

    fn asked(&self) -> Asked {
        Asked { ended: *self.ended.lock().unwrap_or_else(PoisonError::into_inner), at: self.clock.monotonic() }
    }

    /// Remembers what the store said, unless that took long or a grant ended since: it may have been this one.
    fn remember(&self, asked: Asked, grant: LocalId, token: Option<&IssuedToken>) {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.monotonic();
        if *ended == asked.ended && now.saturating_duration_since(asked.at) <= Self::PROMPT {
            self.live.put(grant, (), now);
            if let Some(token) = token {
                self.found.put(token.hash, token.clone().placed(&self.practices.load()), now);
            }
        }
    }

    /// Looks at all entries: grants end rarely, and an index would have to be kept true on each request.
    fn forget(&self, grant: LocalId) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        *ended = ended.wrapping_add(1);
        self.over.put(grant, (), self.clock.monotonic());
        self.live.remove(&grant);
        self.found.keep_if(|token| token.grant.id != grant);
    }

    async fn ask(&self, hash: HandleHash) -> Result<Option<IssuedToken>, StoreError> {
        let asked = self.asked();
        let token = self.inner.find(hash).await?;
        if let Some(token) = &token {
            self.remember(asked, token.grant.id, Some(token));
        }
        Ok(token)
    }

    async fn ask_whether_ended(&self, grant: LocalId) -> Result<bool, StoreError> {
        let asked = self.asked();
        let ended = self.grants.has_ended(grant).await?;
        if !ended {
            self.remember(asked, grant, None);
        }
        Ok(ended)
    }
}

impl TokenStore for CachedTokens {
    fn keep(&self, token: IssuedToken) -> StoreFuture<'_, ()> {
        self.inner.keep(token)
    }

    fn at_hand(&self, hash: &HandleHash) -> Option<IssuedToken> {
        self.found.get(hash, self.clock.monotonic())
    }

    fn find(&self, hash: HandleHash) -> StoreFuture<'_, Option<IssuedToken>> {
        match self.at_hand(&hash) {
            Some(token) => Box::pin(std::future::ready(Ok(Some(token)))),
            None => Box::pin(self.ask(hash)),
        }
    }
}

impl GrantStore for CachedTokens {
    fn end(&self, grant: LocalId, now: Timestamp) -> StoreFuture<'_, bool> {
        let forget = Forget { tokens: self, grant };
        let ending = self.grants.end(grant, now);
        Box::pin(async move {
            let _forget = forget;
            ending.await
        })
    }

    fn known_to_have_ended(&self, grant: LocalId) -> Option<bool> {
        let now = self.clock.monotonic();
        // What ended here counts before what was seen alive.
        if self.over.get(&grant, now).is_some() { Some(true) } else { self.live.get(&grant, now).map(|()| false) }
    }

    fn has_ended(&self, grant: LocalId) -> StoreFuture<'_, bool> {
        match self.known_to_have_ended(grant) {
            Some(ended) => Box::pin(std::future::ready(Ok(ended))),
            None => Box::pin(self.ask_whether_ended(grant)),
        }
    }

    fn lasting_of(&self, subject: &Bsn, now: Timestamp) -> StoreFuture<'_, Vec<LastingGrant>> {
        self.grants.lasting_of(subject, now)
    }
}

/// Forgets a grant's tokens when the store has answered, whatever it said, and also when nobody waits for its answer.
struct Forget<'a> {
    tokens: &'a CachedTokens,
    grant: LocalId,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.tokens.forget(self.grant);
    }
}

impl fmt::Debug for CachedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedTokens").field("entries", &self.found.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::{Notify, oneshot};

    use super::super::conformance::{self, grant, now, token};
    use super::*;
    use crate::clock::TestClock;

    /// A store in memory that counts how often it is asked, and can hold an answer back.
    #[derive(Default)]
    struct Memory {
        tokens: Mutex<Vec<IssuedToken>>,
        ended: Mutex<Vec<LocalId>>,
        asked: AtomicUsize,
        held: Mutex<Option<oneshot::Receiver<()>>>,
        reached: Notify,
    }

    impl TokenStore for Memory {
        fn keep(&self, token: IssuedToken) -> StoreFuture<'_, ()> {
            self.tokens.lock().unwrap().push(token);
            Box::pin(async { Ok(()) })
        }

        fn find(&self, hash: HandleHash) -> StoreFuture<'_, Option<IssuedToken>> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let ended = self.ended.lock().unwrap().clone();
            let fits = |token: &&IssuedToken| token.hash == hash && !ended.contains(&token.grant.id);
            let found = self.tokens.lock().unwrap().iter().find(fits).cloned();
            let held = self.held.lock().unwrap().take();
            Box::pin(async move {
                self.reached.notify_one();
                if let Some(held) = held {
                    let _ = held.await;
                }
                Ok(found)
            })
        }
    }

    impl GrantStore for Memory {
        fn end(&self, grant: LocalId, _: Timestamp) -> StoreFuture<'_, bool> {
            let mut ended = self.ended.lock().unwrap();
            let known = self.tokens.lock().unwrap().iter().any(|token| token.grant.id == grant);
            let first = known && !ended.contains(&grant);
            ended.push(grant);
            Box::pin(async move { Ok(first) })
        }

        fn has_ended(&self, grant: LocalId) -> StoreFuture<'_, bool> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let ended = self.ended.lock().unwrap().contains(&grant);
            Box::pin(async move { Ok(ended) })
        }

        fn lasting_of(&self, _: &Bsn, _: Timestamp) -> StoreFuture<'_, Vec<LastingGrant>> {
            Box::pin(async { Ok(Vec::new()) })
        }
    }

    fn cached() -> (Arc<Memory>, CachedTokens) {
        cached_by(TestClock::at(now()))
    }

    fn cached_by(clock: Arc<TestClock>) -> (Arc<Memory>, CachedTokens) {
        let memory = Arc::new(Memory::default());
        (memory.clone(), CachedTokens::new(memory.clone(), memory, Arc::default(), clock))
    }

    #[tokio::test]
    async fn it_is_a_token_store() {
        let cached = cached().1;
        conformance::a_token_is_found_until_its_grant_ends(&cached, &cached).await;
    }

    #[tokio::test]
    async fn the_store_is_asked_once_for_a_token_and_each_time_for_none() {
        let (memory, cached) = cached();
        let token = token(grant());
        assert_eq!(cached.find(token.hash).await, Ok(None));
        assert_eq!(cached.find(token.hash).await, Ok(None));
        assert_eq!(memory.asked.load(Ordering::Relaxed), 2);
        cached.keep(token.clone()).await.unwrap();
        for _ in 0..3 {
            assert_eq!(cached.find(token.hash).await, Ok(Some(token.clone())));
        }
        assert_eq!(memory.asked.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn a_token_at_hand_is_given_without_allocating() {
        let cached = cached().1;
        let token = token(grant());
        cached.keep(token.clone()).await.unwrap();
        cached.find(token.hash).await.unwrap();
        let look = || assert_eq!(cached.at_hand(&token.hash).as_ref(), Some(&token));
        assert_eq!(allocation_counter::measure(look).count_total, 0);
    }

    #[tokio::test]
    async fn an_ended_grant_is_forgotten_at_once_and_others_are_not() {
        let (memory, cached) = cached();
        let (ends, stays) = (token(grant()), token(grant()));
        for token in [&ends, &stays] {
            cached.keep(token.clone()).await.unwrap();
            cached.find(token.hash).await.unwrap();
        }
        cached.end(ends.grant.id, now()).await.unwrap();
        assert_eq!(cached.find(ends.hash).await, Ok(None));
        assert_eq!(cached.find(stays.hash).await, Ok(Some(stays)));
        assert_eq!(memory.asked.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn whether_a_grant_ended_is_asked_once_and_an_end_here_is_known_at_once() {
        let (memory, cached) = cached();
        let (ends, elsewhere) = (grant(), grant());
        for _ in 0..3 {
            assert_eq!(cached.has_ended(ends.id).await, Ok(false));
        }
        assert_eq!(memory.asked.load(Ordering::Relaxed), 1);
        cached.end(ends.id, now()).await.unwrap();
        assert_eq!(cached.has_ended(ends.id).await, Ok(true));
        memory.end(elsewhere.id, now()).await.unwrap();
        assert_eq!(cached.has_ended(elsewhere.id).await, Ok(true), "an end elsewhere is asked for");
    }

    #[tokio::test]
    async fn an_answer_from_before_the_end_is_not_remembered_after_it() {
        let (memory, cached) = cached();
        let cached = Arc::new(cached);
        let token = token(grant());
        cached.keep(token.clone()).await.unwrap();
        let (release, held) = oneshot::channel();
        *memory.held.lock().unwrap() = Some(held);
        let slow = tokio::spawn({
            let (cached, hash) = (cached.clone(), token.hash);
            async move { cached.find(hash).await }
        });
        memory.reached.notified().await;
        cached.end(token.grant.id, now()).await.unwrap();
        release.send(()).unwrap();
        assert_eq!(slow.await.unwrap(), Ok(Some(token.clone())), "asked before the end");
        assert_eq!(cached.find(token.hash).await, Ok(None));
    }

    #[tokio::test]
    async fn an_answer_that_took_long_is_not_remembered() {
        let clock = TestClock::at(now());
        let (memory, cached) = cached_by(Arc::clone(&clock));
        let cached = Arc::new(cached);
        let token = token(grant());
        cached.keep(token.clone()).await.unwrap();
        for (took, asked) in [(CachedTokens::PROMPT + Duration::from_millis(1), 2), (CachedTokens::PROMPT, 3)] {
            let (release, held) = oneshot::channel();
            *memory.held.lock().unwrap() = Some(held);
            let slow = tokio::spawn({
                let (cached, hash) = (cached.clone(), token.hash);
                async move { cached.find(hash).await }
            });
            memory.reached.notified().await;
            clock.advance(took);
            release.send(()).unwrap();
            assert_eq!(slow.await.unwrap(), Ok(Some(token.clone())));
            if took > CachedTokens::PROMPT {
                assert_eq!(cached.has_ended(token.grant.id).await, Ok(false));
            } else {
                assert_eq!(cached.find(token.hash).await, Ok(Some(token.clone())));
            }
            assert_eq!(memory.asked.load(Ordering::Relaxed), asked);
        }
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_leaves_nothing_behind() {
        let (_, cached) = cached();
        let token = token(grant());
        cached.keep(token.clone()).await.unwrap();
        cached.find(token.hash).await.unwrap();
        drop(cached.end(token.grant.id, now()));
        assert_eq!(cached.find(token.hash).await, Ok(None));
    }

    #[tokio::test]
    async fn an_answer_is_believed_for_4_seconds_and_then_asked_for_again() {
        let clock = TestClock::at(now());
        let (memory, cached) = cached_by(Arc::clone(&clock));
        let token = token(grant());
        cached.keep(token.clone()).await.unwrap();
        for asked in 1..3 {
            assert_eq!(cached.at_hand(&token.hash), None);
            assert_eq!(cached.find(token.hash).await, Ok(Some(token.clone())));
            clock.advance(CachedTokens::STALE - Duration::from_nanos(1));
            assert_eq!(cached.at_hand(&token.hash), Some(token.clone()));
            assert_eq!(cached.known_to_have_ended(token.grant.id), Some(false));
            assert_eq!(memory.asked.load(Ordering::Relaxed), asked);
            clock.advance(Duration::from_nanos(1));
            assert_eq!(cached.known_to_have_ended(token.grant.id), None);
        }
        let oldest = CachedTokens::STALE + CachedTokens::PROMPT;
        assert_eq!(oldest, Duration::from_secs(5), "by then an end at another node is seen");
    }

    #[tokio::test]
    async fn what_nobody_asks_for_leaves_memory() {
        let clock = TestClock::at(now());
        let (_, cached) = cached_by(Arc::clone(&clock));
        let token = token(grant());
        cached.keep(token.clone()).await.unwrap();
        cached.find(token.hash).await.unwrap();
        cached.tidy();
        assert_eq!((cached.found.len(), cached.live.len()), (1, 1));
        clock.advance(CachedTokens::STALE);
        cached.tidy();
        assert_eq!((cached.found.len(), cached.live.len()), (0, 0));
    }
}
