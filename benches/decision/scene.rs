//! A gateway for every provider of a list, and people whose tokens are for one of them each.

use std::collections::HashMap;
use std::hint::black_box;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use inzage::clients::ClientRegister;
use inzage::clock::{Clock, SharedClock, SystemClock};
use inzage::lists::{
    ClientEntry, ListHeader, Lists, NameEntry, ProviderEntry, RawLists, Reading, RoleEntry, ServiceEntry, VersionEntry,
    write_gnl, write_ocl, write_whl, write_zal,
};
use inzage::medmij::{Bsn, Hostname, LocalId, ProviderName, ServiceId};
use inzage::oauth::grant::{Grant, GrantStore, IssuedToken, LastingGrant, TokenStore};
use inzage::oauth::store::{StoreError, StoreFuture};
use inzage::practices::{ClosedEpisodes, GoLive, Practice, PracticeRegister};
use inzage::routing::{Caller, Freshness, Interfaces, Route, SharedSnapshot, Snapshot, decide, is_plain, route};
use inzage::secret::{Handle, HandleHash, hash_handle};
use inzage::services::Catalogue;
use inzage::store::CachedTokens;
use jiff::Timestamp;
use jiff::civil::date;

/// PGOs on the lists; the tokens are shared out among them.
const PGOS: usize = 50;

/// The clock of the machine, moved forward now and then so that what is believed for a time only is asked for again.
#[derive(Default)]
pub(crate) struct Shifted {
    seconds: AtomicU64,
}

impl Clock for Shifted {
    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    fn monotonic(&self) -> Instant {
        SystemClock.monotonic() + Duration::from_secs(self.seconds.load(Ordering::Relaxed))
    }
}

/// A gateway and what it is asked.
pub(crate) struct Scene {
    pub(crate) clock: Arc<Shifted>,
    pub(crate) snapshot: SharedSnapshot,
    pub(crate) tokens: Arc<CachedTokens>,
    peers: Vec<[Hostname; 1]>,
    /// In a random order.
    pub(crate) visits: Vec<Visit>,
}

/// What a client sends.
#[derive(Clone)]
pub(crate) struct Visit {
    pub(crate) path: String,
    pub(crate) token: String,
    /// `name@medmij`.
    pub(crate) provider: String,
    peer: usize,
}

fn pgo(number: usize) -> String {
    format!("pgo{number}.example")
}

fn provider(number: usize) -> String {
    format!("huisarts.nummer{number}@medmij")
}

fn listed(number: usize) -> ProviderEntry {
    let name = provider(number);
    let role = RoleEntry {
        role: "MM-2.0-HGB-FHIR".to_owned(),
        endpoint: format!("https://inzage.example/fhir/{}/49/stu3", name.trim_end_matches("@medmij")),
    };
    let service = ServiceEntry {
        id: "49".to_owned(),
        authorization: Some("https://inloggen.inzage.example/oauth/authorize".to_owned()),
        token: Some("https://inzage.example/oauth/token".to_owned()),
        subscription: None,
        roles: vec![role],
    };
    ProviderEntry {
        name,
        kind: "ZA".to_owned(),
        versions: vec![VersionEntry { id: "2".to_owned(), services: vec![service] }],
    }
}

/// The four lists as they are published.
pub(crate) fn published(providers: usize, now: Timestamp) -> RawLists {
    let header = ListHeader { timestamp: now, sequence: 1 };
    let client = |number| ClientEntry { hostname: pgo(number), organisation: format!("Voorbeeld {number}") };
    let name = NameEntry { service: "49".to_owned(), name: "Huisartsgegevens".to_owned() };
    RawLists {
        zal: write_zal(header, &(0..providers).map(listed).collect::<Vec<_>>()).into(),
        ocl: write_ocl(header, &(0..PGOS).map(client).collect::<Vec<_>>()).into(),
        whl: write_whl(header, &(0..PGOS).map(pgo).collect::<Vec<_>>()).into(),
        gnl: write_gnl(header, &[name]).into(),
    }
}

fn practice(number: usize) -> Practice {
    Practice {
        provider: ProviderName::parse(&provider(number)).unwrap(),
        name: "Huisartsenpraktijk".to_owned(),
        place: "Zutphen".to_owned(),
        aliases: Vec::new(),
        his: "his-a".to_owned(),
        access_start: date(2020, 1, 1),
        minimum_age: 16,
        results_months: 14,
        closed_episodes: ClosedEpisodes::Flagged,
        state: GoLive::Open,
    }
}

fn snapshot(providers: usize, now: Timestamp) -> Snapshot {
    let freshness = Freshness::new(Duration::from_secs(3600));
    freshness.note(now);
    Snapshot {
        lists: Arc::new(
            Lists::parse(&published(providers, now), Reading { max_bytes: usize::MAX, ..Reading::default() }).unwrap(),
        ),
        practices: Arc::new(PracticeRegister::new((0..providers).map(practice)).unwrap()),
        services: Arc::new(Catalogue::shipped()),
        interfaces: Interfaces::default(),
        clients: Arc::new(ClientRegister::default()),
        adapters: Arc::default(),
        freshness: Arc::new(freshness),
        standing: inzage::routing::Standing::default(),
        stops: Arc::default(),
        stages: Arc::default(),
        people: Arc::default(),
    }
}

fn grant(client: &str, provider: &str, now: Timestamp) -> Grant {
    Grant {
        id: LocalId::new(now),
        client: Hostname::parse(client).unwrap(),
        provider: ProviderName::parse(provider).unwrap(),
        services: vec![ServiceId::parse("49").unwrap()],
        subject: Bsn::parse("999911132").unwrap(),
        request: None,
        correlation: None,
        consented: now,
        lasting: false,
        redeemed_by: None,
        smart: None,
    }
}

impl Scene {
    /// With so many providers on the list, each a practice of ours, and so many tokens, evenly over the providers.
    pub(crate) fn of(providers: usize, tokens: usize) -> Self {
        let clock = Arc::new(Shifted::default());
        let now = clock.now();
        let snapshot = Arc::new(ArcSwap::from_pointee(snapshot(providers, now).indexed()));
        let store = Arc::new(Issued::default());
        let mut visits: Vec<_> = (0..tokens)
            .map(|number| {
                let (peer, provider) = (number % PGOS, provider(number * providers / tokens));
                let (handle, grant) = (Handle::draw(), grant(&pgo(peer), &provider, now));
                let path = format!("/fhir/{}/49/stu3/Encounter", grant.provider.short());
                let expires = now + Duration::from_secs(900);
                let issued = IssuedToken::new(handle.hash(), expires, None, Arc::new(grant));
                store.tokens.lock().unwrap().insert(issued.hash, issued);
                Visit { path, token: handle.reveal().to_owned(), provider, peer }
            })
            .collect();
        // The tokens are random, so their order is.
        visits.sort_by(|a, b| a.token.cmp(&b.token));
        let practices = Arc::clone(&snapshot.load().practices);
        let tokens = CachedTokens::new(Arc::clone(&store) as _, store, practices, Arc::clone(&clock) as SharedClock);
        let tokens = Arc::new(tokens);
        let peers = (0..PGOS).map(|number| [Hostname::parse(&pgo(number)).unwrap()]).collect();
        Self { clock, snapshot, tokens, peers, visits }
    }

    /// Makes every token known to the cache anew, as one is believed for some seconds only.
    pub(crate) fn remember(&self) {
        self.clock.seconds.fetch_add(CachedTokens::STALE.as_secs(), Ordering::Relaxed);
        for visit in &self.visits {
            assert!(now_or_never(self.tokens.find(hash_handle(&visit.token))).unwrap().is_some());
        }
    }

    /// Route, token and decision, as on the way of a request.
    pub(crate) fn decided(&self, visit: &Visit) -> bool {
        let route = Some(&*visit.path).filter(|path| is_plain(path)).and_then(route).unwrap();
        let token = self.tokens.at_hand(&hash_handle(&visit.token)).unwrap();
        self.permits(visit, &token, route)
    }

    /// The decision, once the route is read and the token found.
    pub(crate) fn permits(&self, visit: &Visit, token: &IssuedToken, route: Route<'_>) -> bool {
        let (snapshot, now) = (self.snapshot.load_full(), self.clock.now());
        let caller = Caller { names: self.caller(visit), thumbprint: None, address: None };
        black_box(decide(&snapshot, caller, token, route, now)).is_ok()
    }

    /// Whether the lists say that the practice offers the service.
    pub(crate) fn offers(&self, visit: &Visit) -> bool {
        self.snapshot.load().offers(&visit.provider, "49", self.clock.now())
    }

    /// The names of the certificate that the token is used with.
    pub(crate) fn caller(&self, visit: &Visit) -> &[Hostname] {
        &self.peers[visit.peer]
    }

    /// The tokens as their store has them.
    pub(crate) fn issued(&self) -> impl Iterator<Item = IssuedToken> {
        self.visits.iter().map(|visit| self.tokens.at_hand(&hash_handle(&visit.token)).unwrap())
    }
}

/// The outcome of what does not wait.
fn now_or_never<T>(work: impl Future<Output = T>) -> T {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("it waits"),
    }
}

/// A store in memory.
#[derive(Default)]
struct Issued {
    tokens: Mutex<HashMap<HandleHash, IssuedToken>>,
}

impl TokenStore for Issued {
    fn keep(&self, _: IssuedToken) -> StoreFuture<'_, ()> {
        Box::pin(std::future::ready(Err(StoreError)))
    }

    fn find(&self, hash: HandleHash) -> StoreFuture<'_, Option<IssuedToken>> {
        let found = self.tokens.lock().unwrap().get(&hash).cloned();
        Box::pin(std::future::ready(Ok(found)))
    }
}

impl GrantStore for Issued {
    fn end(&self, _: LocalId, _: Timestamp) -> StoreFuture<'_, bool> {
        Box::pin(std::future::ready(Err(StoreError)))
    }

    fn has_ended(&self, _: LocalId) -> StoreFuture<'_, bool> {
        Box::pin(std::future::ready(Err(StoreError)))
    }

    fn lasting_of(&self, _: &Bsn, _: Timestamp) -> StoreFuture<'_, Vec<LastingGrant>> {
        Box::pin(std::future::ready(Err(StoreError)))
    }
}
