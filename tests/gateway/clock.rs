//! F18: the clock is set back and forth while a node runs. The order of the log is that of its indexes, its checkpoints go on, and
//! nothing is disclosed in a time without keys.

use inzage::audit::{Verification, read_dir};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::harness::Gateway;

const DELINDE: &str = "huisarts.delinde@medmij";

fn hours(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count)
}

fn times(records: &[Value]) -> Vec<Timestamp> {
    records.iter().map(|record| record["time"].as_str().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn a_clock_that_steps_breaks_neither_order_nor_proof() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    let asked = async || session.get("EpisodeOfCare").await.status.as_u16();
    assert_eq!(asked().await, 200);
    gateway.clock.step(-hours(1));
    assert_eq!(asked().await, 200, "a token of later is a token");
    let intents = times(&gateway.audit_of("disclosure_intent"));
    assert_eq!(intents[0].duration_since(intents[1]), hours(1), "a record has the time of the clock");

    gateway.clock.step(hours(2));
    assert_eq!(asked().await, 401, "a token lives 900 s, by the clock");
    assert_eq!(gateway.last_audit("resource_refused")["subject"].as_str().unwrap_or("2026:")[..5], *"2026:");
    // No audit keys of that year: nobody could be named in a record.
    gateway.clock.step(hours(24 * 3_653));
    assert_ne!(asked().await, 200);
    let disclosed = gateway.audit_of("disclosure_intent").len();
    assert_eq!(disclosed, 2, "nothing since");
    gateway.clock.step(-hours(1 + 24 * 3_653));
    let again = gateway.session(DELINDE, &gateway.patient()).await;
    assert_eq!(again.get("EpisodeOfCare").await.status, 200);
    assert_eq!(gateway.ops("/readyz").await.0, 200);

    let left = gateway.leave().await;
    let (records, dir) = (left.audit(), left.path().join("gateway/audit"));
    assert!(records.iter().enumerate().all(|(at, record)| record["index"] == at), "in the order of their indexes");
    assert!(!times(&records).is_sorted(), "and not in that of their times");
    assert_eq!(read_dir(&dir).unwrap().count(), records.len());
    let jobs = std::num::NonZeroUsize::MIN;
    let all = Verification { keys: None, outside: Vec::new(), jobs, state: None, progress: &|_| () };
    let verified = all.run(&dir).unwrap();
    assert_eq!((verified.records, verified.signed), (records.len() as u64, records.len() as u64));
}
