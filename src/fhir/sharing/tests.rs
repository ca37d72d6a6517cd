//! Each resource has one intent and one outcome, however it ends.

use super::*;
use crate::audit::{AuditError, MemoryLog};
use crate::clock::TestClock;

fn clock() -> SharedClock {
    TestClock::at("2026-11-21T12:00:00Z".parse().unwrap())
}

fn entries() -> Vec<Sent> {
    [("Patient", false), ("Observation", true), ("Observation", true)]
        .map(|(resource, goes)| Sent { resource: resource.to_owned(), goes })
        .into()
}

async fn open(log: &Arc<MemoryLog>) -> Result<(Sharing, AuditReceipt), Unanswered> {
    let event = AuditEvent::new(clock().now(), Kind::ResourceRefused, Outcome::Refused);
    let mut attempt = Attempt::open(Arc::clone(log) as _, event);
    Sharing::intend(&mut attempt, Arc::clone(log) as _, clock(), SubmissionKind::Batch, &entries()).await
}

fn records(log: &MemoryLog) -> Vec<(Kind, Outcome, Option<u16>, Option<u64>)> {
    log.events().iter().map(|event| (event.kind, event.outcome, event.status, event.intent)).collect()
}

const INTENT: (Kind, Outcome, Option<u16>, Option<u64>) = (Kind::SubmissionIntent, Outcome::Intended, None, None);

fn outcome(outcome: Outcome, status: Option<u16>, intent: u64) -> (Kind, Outcome, Option<u16>, Option<u64>) {
    (Kind::SubmissionOutcome, outcome, status, Some(intent))
}

#[tokio::test]
async fn a_half_done_batch_says_which_half() {
    let log = Arc::new(MemoryLog::default());
    let (sharing, receipt) = open(&log).await.ok().unwrap();
    assert_eq!(receipt.index(), 1);
    assert_eq!(sharing.stored(&[201, 422]).await.map(|receipt| receipt.index()), Some(3));
    let ends = [outcome(Outcome::Done, Some(201), 0), outcome(Outcome::Failed, Some(422), 1)];
    assert_eq!(records(&log), [&[INTENT, INTENT][..], &ends].concat());
    let events = log.events();
    assert_eq!(events[1].query.as_deref(), Some("create Observation"));
    assert_eq!(events[1].detail.as_deref(), Some("entry 3 of 3 in a batch"));
}

#[tokio::test]
async fn one_that_fails_or_is_left_has_its_outcomes_too() {
    let log = Arc::new(MemoryLog::default());
    let (sharing, _) = open(&log).await.ok().unwrap();
    let Unanswered { error, receipt } = sharing.failed(ReadError::NotAvailable).await;
    assert_eq!((error, receipt.map(|receipt| receipt.index())), (ReadError::NotAvailable, Some(3)), "the last outcome");
    let ends = [outcome(Outcome::Failed, Some(403), 0), outcome(Outcome::Failed, Some(403), 1)];
    assert_eq!(records(&log)[2..], ends);
    let log = Arc::new(MemoryLog::default());
    drop(open(&log).await.ok().unwrap());
    assert_eq!(records(&log)[2..], [outcome(Outcome::Aborted, None, 0), outcome(Outcome::Aborted, None, 1)]);
}

#[tokio::test]
async fn no_receipt_without_a_log() {
    let log = Arc::new(MemoryLog::default());
    log.fail_appends(AuditError::Full);
    let Unanswered { error, receipt } = open(&log).await.err().unwrap();
    assert_eq!((error, receipt), (ReadError::Audit(AuditError::Full), None));
    log.recover();
    log.fail_flushes(AuditError::Stopped);
    let Unanswered { error, receipt } = open(&log).await.err().unwrap();
    assert_eq!((error, receipt), (ReadError::Audit(AuditError::Stopped), None));
}

#[tokio::test]
async fn an_outcome_that_cannot_be_written_leaves_the_receipt_of_the_last_intent() {
    let log = Arc::new(MemoryLog::default());
    let (sharing, intended) = open(&log).await.ok().unwrap();
    log.fail_appends(AuditError::Full);
    assert_eq!(sharing.failed(ReadError::NotAvailable).await.receipt, Some(intended));
    log.recover();
    let (sharing, intended) = open(&log).await.ok().unwrap();
    log.fail_flushes(AuditError::Stopped);
    assert_eq!(sharing.stored(&[201, 201]).await, Some(intended));
}
