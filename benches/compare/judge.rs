//! What two steps add to the bare way: the token and the decision over 20,000 providers, and the shaping of the answer. Both call
//! what the gateway calls; there is no log.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use inzage::availability::dutch_today;
use inzage::clients::ClientRegister;
use inzage::clock::{SharedClock, SystemClock};
use inzage::edge::Connection;
use inzage::fhir::shape::{Page, Record, Rules, Shaping, ShownEpisodes, shape_searchset};
use inzage::lists::{ClientEntry, ListHeader, Lists, NameEntry, RawLists, Reading, write_gnl, write_ocl, write_whl};
use inzage::medmij::{Bsn, FhirVersion, Hostname, LocalId, ProviderName, ServiceId};
use inzage::oauth::grant::{Grant, GrantStore, IssuedToken, LastingGrant, TokenStore};
use inzage::oauth::store::{StoreError, StoreFuture};
use inzage::practices::{ClosedEpisodes, GoLive, Practice, PracticeRegister};
use inzage::routing::{Freshness, Interfaces, Snapshot, Standing, decide, route};
use inzage::secret::{Handle, HandleHash, hash_handle};
use inzage::services::Catalogue;
use inzage::store::CachedTokens;
use jiff::{Timestamp, ToSpan as _};

use crate::bodies::{Person, person};

const PROVIDER: &str = "huisarts.delinde@medmij";
const CLIENT: &str = "pgo.localhost";
/// As long as a run.
const LIFETIME: Duration = Duration::from_secs(3600);

/// Decides, and shapes when it has to.
pub(crate) struct Judge {
    clock: SharedClock,
    snapshot: Snapshot,
    tokens: CachedTokens,
    person: Person,
    rules: Rules,
    his_base: String,
    our_base: String,
}

impl Judge {
    /// Over this ZAL, with so many tokens; and their texts.
    pub(crate) fn new(zal: Vec<u8>, count: usize, his_base: String, our_base: String) -> (Self, Vec<String>) {
        let clock: SharedClock = Arc::new(SystemClock);
        let (now, person, store) = (clock.now(), person(), Arc::new(Issued::default()));
        let texts = (0..count).map(|_| store.issue(&person.bsn, now)).collect();
        let snapshot = snapshot(zal, now);
        let practices = Arc::clone(&snapshot.practices);
        let tokens = CachedTokens::new(Arc::clone(&store) as _, store, practices, Arc::clone(&clock));
        let today = dutch_today(now);
        let rules = Rules {
            applied: Vec::new(),
            access_start: jiff::civil::date(1900, 1, 1),
            results_since: today.saturating_sub(14.months()),
            today,
            closed_episodes: ShownEpisodes::Only(HashSet::new()),
        };
        (Self { clock, snapshot, tokens, person, rules, his_base, our_base }, texts)
    }

    /// What to ask the HIS, when the token allows it.
    pub(crate) async fn decided(&self, uri: &Uri, token: &str, connection: &Connection) -> Option<Uri> {
        let hash = hash_handle(token);
        let token = match self.tokens.at_hand(&hash) {
            Some(token) => token,
            None => self.tokens.find(hash).await.ok()??,
        };
        let permit = decide(&self.snapshot, connection.caller(), &token, route(uri.path())?, self.clock.now());
        permit.ok()?;
        let kind = uri.path().rsplit('/').next()?;
        let (id, query) = (&self.person.id, uri.query().unwrap_or_default());
        format!("/fhir/{kind}?patient={id}&{query}").parse().ok()
    }

    /// What of the answer may leave.
    pub(crate) fn shaped(&self, uri: &Uri, body: &[u8]) -> Option<Bytes> {
        let resource = uri.path().rsplit('/').next()?;
        let shaping = Shaping {
            record: Record {
                fhir: FhirVersion::Stu3,
                patient_id: &self.person.id,
                bsn: &self.person.bsn,
                his_base: &self.his_base,
                our_base: &self.our_base,
            },
            rules: &self.rules,
            self_link: &self.our_base,
            resource,
            includes: &[],
            page: Page::First,
        };
        shape_searchset(body, &shaping, &|_| None).ok().map(|shaped| shaped.body.into())
    }
}

fn snapshot(zal: Vec<u8>, now: Timestamp) -> Snapshot {
    let header = ListHeader { timestamp: now, sequence: 1 };
    let client = ClientEntry { hostname: CLIENT.to_owned(), organisation: "Mijn Zorgmap".to_owned() };
    let name = NameEntry { service: "49".to_owned(), name: "Huisartsgegevens".to_owned() };
    let raw = RawLists {
        zal: zal.into(),
        ocl: write_ocl(header, &[client]).into(),
        whl: write_whl(header, &[CLIENT.to_owned()]).into(),
        gnl: write_gnl(header, &[name]).into(),
    };
    let practice = Practice {
        provider: ProviderName::parse(PROVIDER).unwrap(),
        name: "Huisartsenpraktijk De Linde".to_owned(),
        place: "Wilgenoord".to_owned(),
        aliases: Vec::new(),
        his: "his-a".to_owned(),
        access_start: jiff::civil::date(1900, 1, 1),
        minimum_age: 16,
        results_months: 14,
        closed_episodes: ClosedEpisodes::Flagged,
        state: GoLive::Open,
    };
    let freshness = Freshness::new(LIFETIME);
    freshness.note(now);
    Snapshot {
        lists: Arc::new(Lists::parse(&raw, Reading { allow_ports: true, ..Reading::default() }).unwrap()),
        practices: Arc::new(PracticeRegister::new([practice]).unwrap()),
        services: Arc::new(Catalogue::shipped()),
        interfaces: Interfaces::default(),
        clients: Arc::new(ClientRegister::default()),
        adapters: Arc::default(),
        freshness: Arc::new(freshness),
        standing: Standing::default(),
        stops: Arc::default(),
        stages: Arc::default(),
        people: Arc::default(),
    }
    .indexed()
}

/// A store in memory, behind the cache of the gateway.
#[derive(Default)]
struct Issued(Mutex<HashMap<HandleHash, IssuedToken>>);

impl Issued {
    fn issue(&self, subject: &Bsn, now: Timestamp) -> String {
        let grant = Grant {
            id: LocalId::new(now),
            client: Hostname::parse(CLIENT).unwrap(),
            provider: ProviderName::parse(PROVIDER).unwrap(),
            services: vec![ServiceId::parse("49").unwrap()],
            subject: subject.clone(),
            request: None,
            correlation: None,
            consented: now,
            lasting: false,
            redeemed_by: None,
            smart: None,
        };
        let handle = Handle::draw();
        let (hash, expires) = (handle.hash(), now + LIFETIME);
        let issued = IssuedToken::new(hash, expires, None, Arc::new(grant));
        self.0.lock().unwrap().insert(hash, issued);
        handle.reveal().to_owned()
    }
}

impl TokenStore for Issued {
    fn keep(&self, _: IssuedToken) -> StoreFuture<'_, ()> {
        Box::pin(std::future::ready(Err(StoreError)))
    }

    fn find(&self, hash: HandleHash) -> StoreFuture<'_, Option<IssuedToken>> {
        let found = self.0.lock().unwrap().get(&hash).cloned();
        Box::pin(std::future::ready(Ok(found)))
    }
}

impl GrantStore for Issued {
    fn end(&self, _: LocalId, _: Timestamp) -> StoreFuture<'_, bool> {
        Box::pin(std::future::ready(Err(StoreError)))
    }

    fn has_ended(&self, _: LocalId) -> StoreFuture<'_, bool> {
        Box::pin(std::future::ready(Ok(false)))
    }

    fn lasting_of(&self, _: &Bsn, _: Timestamp) -> StoreFuture<'_, Vec<LastingGrant>> {
        Box::pin(std::future::ready(Err(StoreError)))
    }
}
