//! What deciding about a request costs: hash the token, read the path, decide, over lists of the size of the whole country.

#![expect(clippy::print_stdout, reason = "the figures go to standard output")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench that cannot run must say so")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use inzage::clients::ClientRegister;
use inzage::lists::{
    ClientEntry, ListHeader, Lists, NameEntry, ProviderEntry, RawLists, Reading, RoleEntry, ServiceEntry, VersionEntry,
    write_gnl, write_ocl, write_whl, write_zal,
};
use inzage::medmij::{Bsn, Hostname, LocalId, ProviderName, ServiceId};
use inzage::oauth::grant::{Grant, IssuedToken};
use inzage::practices::{GoLive, Practice, PracticeRegister};
use inzage::routing::{Caller, Freshness, Interfaces, Snapshot, decide, route};
use inzage::secret::{Handle, hash_handle};
use inzage::services::Catalogue;
use jiff::Timestamp;
use jiff::civil::date;

/// Care providers on the list: some 5,000 practices and as many others.
const PROVIDERS: usize = 10_000;
/// Practices of this gateway.
const PRACTICES: usize = 2_000;
const ROUNDS: usize = 11;
const CALLS: u32 = 100_000;

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

fn snapshot(now: Timestamp) -> Snapshot {
    let header = ListHeader { timestamp: now, sequence: 1 };
    let client = ClientEntry { hostname: "pgo.example".to_owned(), organisation: "Voorbeeld".to_owned() };
    let name = NameEntry { service: "49".to_owned(), name: "Huisartsgegevens".to_owned() };
    let raw = RawLists {
        zal: write_zal(header, &(0..PROVIDERS).map(listed).collect::<Vec<_>>()).into(),
        ocl: write_ocl(header, &[client]).into(),
        whl: write_whl(header, &["pgo.example".to_owned()]).into(),
        gnl: write_gnl(header, &[name]).into(),
    };
    let practices = (0..PRACTICES).map(|number| Practice {
        provider: ProviderName::parse(&provider(number)).unwrap(),
        name: "Huisartsenpraktijk".to_owned(),
        place: "Zutphen".to_owned(),
        aliases: Vec::new(),
        his: "his-a".to_owned(),
        access_start: date(2020, 1, 1),
        minimum_age: 16,
        results_months: 14,
        closed_episodes: inzage::practices::ClosedEpisodes::Flagged,
        state: GoLive::Open,
    });
    let freshness = Freshness::new(Duration::from_secs(3600));
    freshness.note(now);
    Snapshot {
        lists: Arc::new(Lists::parse(&raw, Reading::default()).unwrap()),
        practices: Arc::new(PracticeRegister::new(practices).unwrap()),
        services: Arc::new(Catalogue::shipped()),
        interfaces: Interfaces::default(),
        clients: Arc::new(ClientRegister::default()),
        freshness: Arc::new(freshness),
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn per_call(work: impl Fn()) -> Duration {
    let started = Instant::now();
    (0..CALLS).for_each(|_| work());
    started.elapsed() / CALLS
}

fn report(name: &str, work: impl Fn()) {
    let mut rounds: Vec<_> = (0..ROUNDS).map(|_| per_call(&work)).collect();
    rounds.sort();
    let [low, middle, high] = [rounds[0], rounds[ROUNDS / 2], rounds[ROUNDS - 1]];
    println!("  {name:28} {middle:>9.0?}   min {low:>9.0?}   max {high:>9.0?}");
}

fn main() {
    let now: Timestamp = "2026-11-21T11:00:00Z".parse().unwrap();
    let snapshot = snapshot(now);
    let grant = Grant {
        id: LocalId::new(now),
        client: Hostname::parse("pgo.example").unwrap(),
        provider: ProviderName::parse(&provider(PRACTICES / 2)).unwrap(),
        services: vec![ServiceId::parse("49").unwrap()],
        subject: Bsn::parse("999911132").unwrap(),
        request: None,
        correlation: None,
        consented: now,
        lasting: false,
        redeemed_by: None,
        smart: None,
    };
    let path = format!("/fhir/{}/49/stu3/Encounter", grant.provider.short());
    let (token, names) = (Handle::draw(), [grant.client.clone()]);
    let expires = now + Duration::from_secs(900);
    let issued = IssuedToken { hash: token.hash(), expires, bound_to: None, grant: Arc::new(grant) };
    let caller = Caller { names: &names, thumbprint: None, address: None };
    let decided = || {
        let route = route(black_box(&path)).unwrap();
        decide(&snapshot, caller, &issued, route, now).unwrap().practice().minimum_age
    };
    let hashed = || hash_handle(black_box(token.reveal()));
    println!("{PROVIDERS} listed providers, {PRACTICES} practices, {ROUNDS} rounds of {CALLS} calls");
    report("hash of the token", || _ = black_box(hashed()));
    report("route and decide", || _ = black_box(decided()));
    report("all of it", || _ = black_box((hashed(), decided())));
}
