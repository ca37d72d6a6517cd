//! An explanation ends where the decision does, whatever the world and the question are.

use std::sync::Arc;

use jiff::civil::date;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::medmij::Bsn;
use crate::oauth::grant::Grant;
use crate::practices::golive::{Entrance, Marker, People, Pilot, Stage, Stages, Standing};
use crate::routing::world::{grant, host, now, snapshot, token};
use crate::routing::{Freshness, Stops, Target, decide, route};
use crate::seal::{Key32, Sealer};
use crate::secret::Secret;

const PROVIDERS: &[&str] = &["open@medmij", "closed@medmij", "delisted@medmij", "elsewhere@medmij"];
const CLIENTS: &[&str] = &[
    "pgo.example.nl",
    "other.example.nl",
    "node.example.nl",
    "portal.example.nl",
    "narrow.example.nl",
    "both.example.nl",
];
const PEERS: &[&str] = &["pgo.example.nl", "node.example.nl", "portalnode.example.nl", "unlisted.example.nl"];
const PATHS: &[&str] = &[
    "/fhir/open/49/stu3/Encounter",
    "/fhir/closed/49/stu3/Condition/1",
    "/fhir/open/50/stu3",
    "/fhir/open/49/r4/Patient",
    "/fhir/delisted/49/stu3/Observation/$lastn",
    "/fhir/elsewhere/49/stu3/Observation",
    "/fhir/open/48/stu3/Observation",
];
const STOPS: &[&str] = &["everything", "client:pgo.example.nl", "his:his-a", "practice:closed@medmij"];

fn marker() -> Marker {
    let key: Key32 = Secret::new([1; 32]);
    Marker::new(Arc::new(Sealer::new(&key)))
}

fn person() -> Bsn {
    Bsn::parse("999911132").unwrap()
}

fn stage() -> impl Strategy<Value = Stage> {
    let pilot = |clients: Vec<&str>| {
        let clients = clients.into_iter().map(host).collect();
        Stage::Pilot(Pilot::new(1, clients, date(2026, 11, 20), date(2026, 11, 22)).unwrap())
    };
    let old = Stage::Pilot(Pilot::new(1, Vec::new(), date(2026, 11, 1), date(2026, 11, 2)).unwrap());
    let all = vec![
        Stage::Open,
        Stage::Closed,
        Stage::Paused,
        Stage::FieldTest,
        pilot(vec![]),
        pilot(vec!["pgo.example.nl"]),
        pilot(vec!["other.example.nl"]),
        old,
    ];
    select(all)
}

prop_compose! {
    /// A world: what is stopped, how far practices are, who has a place, whether lists came.
    fn world()(
        stops in proptest::sample::subsequence(STOPS, 0..=1),
        stages in proptest::collection::vec((select(PROVIDERS), any::<bool>(), stage(), any::<bool>()), 0..3),
        seated in any::<bool>(),
        fresh in proptest::bool::weighted(0.9),
    ) -> Snapshot {
        let entrance = |provider: &str, one: bool| Entrance {
            provider: ProviderName::parse(provider).unwrap(),
            service: one.then(|| ServiceId::parse("49").unwrap()),
        };
        let since = |before: bool| if before { Timestamp::UNIX_EPOCH } else { Timestamp::MAX };
        let set: Stages = stages.iter().map(|(provider, one, stage, before)| {
            (entrance(provider, *one), Standing { stage: stage.clone(), since: since(*before) })
        }).collect();
        let seats = [entrance("open@medmij", true), entrance("closed@medmij", false)].map(|at| (at, marker().mark(&person())));
        let mut snapshot = snapshot();
        snapshot.stops = Arc::new(stops.iter().filter_map(|text| Target::parse(text)).collect::<Stops>());
        snapshot.stages = Arc::new(set);
        snapshot.people = Arc::new(People::new(marker(), seats.into_iter().filter(|_| seated)));
        if !fresh {
            snapshot.freshness = Arc::new(Freshness::new(std::time::Duration::from_secs(1)));
        }
        snapshot
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_last_step_is_what_was_decided(
        snapshot in world(),
        client in select(CLIENTS),
        peer in select(PEERS),
        provider in select(PROVIDERS),
        service in select(vec!["49", "50", "48"]),
        path in select(PATHS),
    ) {
        let grant = Grant { services: vec![ServiceId::parse(service).unwrap()], ..grant(client, provider) };
        let (token, names, route) = (token(&grant, None), [host(peer)], route(path).unwrap());
        let caller = Caller { names: &names, thumbprint: None, address: None };
        let decided = decide(&snapshot, caller, &token, route, now());
        let supposed = Supposed {
            client: &grant.client,
            names: &names,
            provider: &grant.provider,
            service: &grant.services[0],
            scope: None,
            person: Whom::Person(&grant.subject),
            consented: grant.consented,
            route,
        };
        let explained = explain(&snapshot, &supposed, now());
        let last = explained.steps.last().unwrap();
        prop_assert_eq!(last.refused, decided.as_ref().err().copied());
        prop_assert_eq!(explained.decided.as_ref().err(), decided.as_ref().err());
        if let Err(refusal) = &decided {
            prop_assert_eq!(last.check, Check::of(*refusal));
        }
        let earlier = &explained.steps[..explained.steps.len() - 1];
        prop_assert!(earlier.iter().all(|step| step.refused.is_none()));
        // Of a portal nothing is asked of the whitelist, and it alone has a registration, so some are left out.
        let in_order = explained.steps.is_sorted_by(|one, next| one.check < next.check);
        prop_assert!(in_order);
        prop_assert!(explained.steps.iter().all(|step| !step.because.is_empty() && !step.because.contains("999911132")));
        // A mark says of a person what their number says.
        let mark = marker().mark(&grant.subject);
        let marked = explain(&snapshot, &Supposed { person: Whom::Marked(&mark), ..supposed }, now());
        prop_assert_eq!(marked.steps.last().unwrap().refused, last.refused);
    }
}

#[test]
fn who_has_a_place_is_let_in_where_a_stranger_is_not() {
    let mut snapshot = snapshot();
    let entrance = Entrance { provider: ProviderName::parse("open@medmij").unwrap(), service: None };
    let standing = Standing { stage: Stage::FieldTest, since: now() };
    snapshot.stages = Arc::new([(entrance, standing)].into_iter().collect());
    let grant = grant("pgo.example.nl", "open@medmij");
    let names = [host("pgo.example.nl")];
    let refused = |person, consented| {
        let supposed = Supposed {
            client: &grant.client,
            names: &names,
            provider: &grant.provider,
            service: &grant.services[0],
            scope: None,
            person,
            consented,
            route: route("/fhir/open/49/stu3/Encounter").unwrap(),
        };
        let explained = explain(&snapshot, &supposed, now());
        explained.steps.last().unwrap().refused.map(Check::of)
    };
    assert_eq!(refused(Whom::Seated, Timestamp::MIN), None);
    assert_eq!(refused(Whom::Stranger, Timestamp::MIN), Some(Check::GoLive));
    assert_eq!(refused(Whom::Stranger, now()), None, "who consented in this stage passed its door");
}

#[test]
fn each_step_says_in_which_list_it_was_seen() {
    let (snapshot, grant, names) = (snapshot(), grant("pgo.example.nl", "open@medmij"), [host("pgo.example.nl")]);
    let supposed = Supposed {
        client: &grant.client,
        names: &names,
        provider: &grant.provider,
        service: &grant.services[0],
        scope: None,
        person: Whom::Stranger,
        consented: Timestamp::MIN,
        route: route("/fhir/open/49/stu3/Encounter").unwrap(),
    };
    let explained = explain(&snapshot, &supposed, now());
    let told: Vec<_> = explained.steps.iter().filter_map(|step| Some((step.check, step.version.as_deref()?))).collect();
    assert_eq!(told, [(Check::Peer, "whl 1"), (Check::Client, "ocl 1"), (Check::Offered, "zal 1")]);
    assert_eq!(explained.decided.unwrap().practice.his, "his-a");
}
