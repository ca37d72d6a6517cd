//! A swap drops no request, and no request sees a half of one set and a half of another.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use inzage::clock::Clock as _;
use inzage::lists::{ListKind, Lists, PerList, RawLists, Reading};
use inzage::routing::put_lists;
use tokio::sync::watch;

use super::{DELINDE, publish, without};
use crate::harness::{Gateway, Session, fault};

const SWAPS: usize = 10_000;
/// Swaps for each request that ends; odd, so that bursts end with either set.
const BURST: usize = 25;
const HAVEN: &str = "huisarts.haven@medmij";

/// The second PGO and the practice that it asks, out of every list that names them; the fourth names a service otherwise.
fn smaller(kind: ListKind, list: &str) -> String {
    match kind {
        ListKind::Zal => without(list, "Zorgaanbieder", HAVEN),
        ListKind::Ocl => without(list, "OAuthclient", "pgo2.localhost"),
        ListKind::Whl => without(list, "MedMijNode", "pgo2.localhost"),
        ListKind::Gnl => list.replacen("<Weergavenaam>", "<Weergavenaam>Anders: ", 1),
    }
}

fn set(gateway: &Gateway, sequence: u64, change: impl Fn(ListKind, String) -> String) -> Arc<Lists> {
    let texts: Vec<_> = gateway.world.layout.lists(sequence, gateway.clock.now());
    let text = |kind| texts.iter().find(|(each, _)| *each == kind).unwrap().1.clone();
    let raw: RawLists = PerList::from_fn(|kind| Bytes::from(change(kind, text(kind))));
    Arc::new(Lists::parse(&raw, Reading { allow_ports: true, ..Reading::default() }).unwrap())
}

/// A token of the second PGO for a patient of the practice that it asks.
async fn second_session(gateway: &Gateway) -> Session {
    let client = gateway.client("pgo2");
    let practice = gateway.world.practices.iter().find(|practice| practice.provider.as_str() == HAVEN).unwrap();
    let (code, endpoints, correlation_id) = gateway.code(&client, HAVEN, practice.patients[0].bsn.reveal()).await;
    let token = client.exchange(&endpoints, &code, &correlation_id).await.unwrap();
    Session { client, endpoints, token, correlation_id }
}

/// Asks until the swaps are over; how many requests were answered and how many refused for this reason, and no other.
async fn ask(session: &Session, swaps: &Swaps, reason: Option<&str>) -> [usize; 2] {
    let mut ended = [0, 0];
    while !swaps.over.load(Ordering::Relaxed) {
        let reply = session.get("EpisodeOfCare").await;
        let refused = reply.status != 200;
        if refused {
            assert_eq!((reply.status.as_u16(), Some(fault(&reply).0.as_str())), (403, reason));
        }
        ended[usize::from(refused)] += 1;
        swaps.asked.send_modify(|asked| *asked += 1);
    }
    ended
}

struct Swaps {
    over: AtomicBool,
    /// How many requests ended.
    asked: watch::Sender<usize>,
}

impl Swaps {
    /// In bursts that begin while requests are under way.
    async fn run(&self, gateway: &Gateway, sets: &[Arc<Lists>; 2]) {
        let mut asked = self.asked.subscribe();
        for burst in 0..SWAPS / BURST {
            asked.wait_for(|asked| *asked >= burst).await.unwrap();
            for number in 0..BURST {
                drop(put_lists(&gateway.controls().snapshot, &sets[(burst + number) % 2]));
                tokio::task::yield_now().await;
            }
        }
        self.over.store(true, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_swaps_fail_no_request_and_mix_no_lists() {
    let gateway = Gateway::start().await;
    gateway.refresh_lists().await;
    let always = gateway.session(DELINDE, &gateway.patient()).await;
    let sometimes = second_session(&gateway).await;
    let sets = [set(&gateway, 2, |kind, list| smaller(kind, &list)), set(&gateway, 3, |_, list| list)];
    let swaps = Swaps { over: AtomicBool::new(false), asked: watch::Sender::new(0) };
    // Of a whole set that lacks the second PGO the whitelist is the first reason; half of a set would give another one.
    let (kept, torn, ()) = tokio::join!(
        ask(&always, &swaps, None),
        ask(&sometimes, &swaps, Some("peer-not-listed")),
        swaps.run(&gateway, &sets)
    );
    assert!(kept[0] + torn.iter().sum::<usize>() >= SWAPS / BURST, "{kept:?} {torn:?}");
    assert_eq!(kept[1], 0);
    assert!(torn.iter().all(|count| *count > 10), "both sets were seen: {torn:?}");

    // The same through the publisher, from the fetch to the copy on disk.
    for sequence in 10..30 {
        publish(&gateway, sequence, |kind, list| if sequence % 2 == 0 { smaller(kind, &list) } else { list });
        let (reply, ()) = tokio::join!(always.get("EpisodeOfCare"), gateway.refresh_lists());
        assert_eq!(reply.status, 200, "{sequence}");
    }
    gateway.stop().await;
}
