//! The audit record repository: it gets every record of a real walk once it is there, from the gateway as it is configured,
//! whatever it did before.

use std::sync::Arc;

use inzage::clock::SharedClock;
use inzage::sandbox::syslog::{Manner, Repository, Shelf};
use tokio_util::sync::CancellationToken;

use crate::harness::Gateway;

/// A gateway and the repository that it sends to.
async fn start(settings: &str) -> (Gateway, Shelf) {
    let repository = Repository::bind().unwrap();
    let gateway = Gateway::start_with(&format!("{}{settings}", repository.settings())).await;
    let clock: SharedClock = Arc::clone(&gateway.clock) as _;
    let shelf = repository.serve(&gateway.world, &clock, CancellationToken::new()).unwrap();
    (gateway, shelf)
}

fn metric(metrics: &str, name: &str) -> String {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} in {metrics}")).to_owned()
}

#[tokio::test]
async fn every_record_of_a_walk_reaches_the_repository_that_was_away() {
    let (gateway, shelf) = start("").await;
    shelf.until(|received| received.connections > 0).await;
    for manner in [Manner::Down, Manner::Cuts] {
        shelf.behave(manner);
        let before = shelf.received().broken;
        let session = gateway.session("huisarts.delinde@medmij", &gateway.patient()).await;
        session.bundle("EpisodeOfCare").await;
        shelf.until(|received| received.broken > before).await;
    }
    let (_, metrics) = gateway.ops("/metrics").await;
    assert!(metric(&metrics, "inzage_audit_syslog_behind").parse::<u64>().unwrap() > 0, "{metrics}");
    let bsn = gateway.patient();
    shelf.behave(Manner::Up);
    // A node that ends while it waits out a failure leaves the rest to its next start.
    let before = shelf.received().connections;
    shelf.until(|received| received.connections > before).await;
    let (_, report) = gateway.ops("/readyz").await;
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    for side in ["certificate_days_left", "peer_certificate_days_left"] {
        assert!(report[side]["audit.syslog"].as_i64().is_some_and(|days| days > 30), "{report}");
    }
    let left = gateway.leave().await;

    let received: Vec<_> = shelf.received().messages.into();
    let records = left.audit();
    assert_eq!(received.len(), records.len(), "each once, as no connection that broke was taken for one that ended");
    for (message, record) in received.iter().zip(&records) {
        let (index, kind) = (&record["index"], record["kind"].as_str().unwrap());
        assert!(message.starts_with("<85>1 ") && message.contains(&format!("csd-code=\"{kind}\"")), "{message}");
        assert!(message.contains(&format!("/{index}\"")), "{index}: {message}");
        assert!(!message.contains(&bsn));
    }
    let position = std::fs::read_to_string(left.path().join("gateway/audit-syslog.position")).unwrap();
    assert!(position.ends_with(&format!(" {}\n", records.len())), "{position}");
}

#[tokio::test]
async fn a_repository_that_fails_for_long_is_told_and_holds_up_nobody() {
    let (gateway, shelf) = start("kinds = [\"person_authenticated\", \"disclosure_outcome\"]\n").await;
    shelf.behave(Manner::Down);
    let session = gateway.session("huisarts.delinde@medmij", &gateway.patient()).await;
    session.bundle("EpisodeOfCare").await;
    gateway.clock.advance(std::time::Duration::from_secs(11 * 60));
    let before = shelf.received().broken;
    shelf.until(|received| received.broken > before + 1).await;
    let (_, metrics) = gateway.ops("/metrics").await;
    assert_eq!(metric(&metrics, "inzage_audit_syslog_up"), "0");
    let lag: f64 = metric(&metrics, "inzage_audit_syslog_lag_seconds").parse().unwrap();
    assert!(lag >= 660.0, "{lag}");
    assert_eq!(metric(&metrics, "inzage_alarm{alarm=\"audit_syslog_behind\"}"), "1");

    shelf.behave(Manner::Up);
    let taken = shelf.until(|received| received.messages.len() >= 2).await;
    assert!(taken.messages.iter().all(|message| {
        message.contains("csd-code=\"person_authenticated\"") || message.contains("csd-code=\"disclosure_outcome\"")
    }));
    gateway.stop().await;
}
