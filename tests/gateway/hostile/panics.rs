//! F23: a panic anywhere in a request. There is no hook for it in the product: the clock of the test panics, at each of its
//! readings on the data plane in turn, so that no place of a request is left out.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use inzage::clock::{Clock, TestClock};
use inzage::sandbox::client::new_id;
use jiff::Timestamp;

use crate::harness::{Gateway, Session, noon};

const DELINDE: &str = "huisarts.delinde@medmij";
const HAVEN: &str = "huisarts.haven@medmij";
/// More readings than a request has.
const MOST: i64 = 200;

/// Panics at one reading of a thread of the data plane.
struct Trap {
    clock: Arc<TestClock>,
    /// Readings until then; below zero when it is not set.
    left: AtomicI64,
}

impl Trap {
    fn step(&self) {
        let data_plane = std::thread::current().name().is_some_and(|name| name.starts_with("inzage-data-"));
        let left = if data_plane { self.left.fetch_sub(1, Ordering::Relaxed) } else { -1 };
        assert!(left != 0, "set by the test");
    }
}

impl Clock for Trap {
    fn now(&self) -> Timestamp {
        self.step();
        self.clock.now()
    }

    fn monotonic(&self) -> Instant {
        self.step();
        self.clock.monotonic()
    }
}

/// The status, or none when the connection ended.
async fn ask(session: &Session) -> Option<u16> {
    let url = format!("{}/Encounter", session.base());
    let reply = session.client.get(&url, &session.token.access_token, &new_id()).await.ok()?;
    Some(reply.status.as_u16())
}

#[tokio::test(flavor = "multi_thread")]
async fn f23_a_panic_at_any_reading_of_the_clock_harms_one_request() {
    let trap = Arc::new(Trap { clock: noon(), left: AtomicI64::new(-1) });
    let gateway = Gateway::start_by(Arc::clone(&trap) as _, Arc::clone(&trap.clock)).await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    let other = gateway.session(HAVEN, gateway.world.practices[1].patients[0].bsn.reveal()).await;
    assert_eq!((ask(&session).await, ask(&other).await), (Some(200), Some(200)));
    let (mut at, mut harmed) = (0, 0);
    loop {
        trap.left.store(at, Ordering::Relaxed);
        let answer = ask(&session).await;
        let sprung = trap.left.swap(-1, Ordering::Relaxed) < 0;
        if !sprung {
            assert_eq!(answer, Some(200), "nothing happened");
            break;
        }
        assert!(matches!(answer, None | Some(200 | 500..=503)), "{answer:?} at reading {at}");
        harmed += usize::from(answer != Some(200));
        assert_eq!((ask(&session).await, ask(&other).await), (Some(200), Some(200)), "after reading {at}");
        at += 1;
        assert!(at < MOST, "a request has no end of readings");
    }
    assert!(harmed > 2, "{harmed} of {at} harmed a request");
    gateway.indexed().await;
    assert_trail(&gateway);
    gateway.stop().await;
}

/// No intent has two outcomes, and panics are on record as our failures. One that strikes while the outcome itself is written leaves
/// the intent alone, which says "may have been disclosed".
fn assert_trail(gateway: &Gateway) {
    let outcomes = gateway.audit_of("disclosure_outcome");
    for intent in gateway.audit_of("disclosure_intent") {
        let index = &intent["index"];
        let of_it = outcomes.iter().filter(|outcome| outcome["intent"] == *index);
        let unnamed = outcomes.iter().filter(|outcome| outcome["local_id"] == intent["local_id"]);
        assert!(of_it.count().max(unnamed.count()) <= 1, "{intent}");
    }
    let refused = gateway.audit_of("resource_refused");
    let failed = refused.iter().chain(&outcomes).filter(|record| record["outcome"] == "failed");
    assert!(failed.count() > 0, "no panic is on record");
}
