//! Logs of visits, counted in batches of any size and in any order.

use super::*;
use crate::report::matrix::board::{Window, board};
use crate::report::matrix::combination::Place;
use crate::report::matrix::memory::MemoryMatrix;
use crate::report::matrix::step::Step;
use crate::report::matrix::visit::tests::OneHis;
use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Records of one log, made as a gateway makes them.
#[derive(Clone)]
pub(crate) struct Log {
    pub(crate) id: Arc<str>,
    pub(crate) records: Vec<Record>,
}

impl Log {
    pub(crate) fn new(id: &str) -> Self {
        Self { id: id.into(), records: Vec::new() }
    }

    fn push(&mut self, at: Timestamp, visit: u32, kind: &str, outcome: &str, members: &Value) {
        let id = format!("0193515a-8a5c-7cc0-8a55-7d3b{visit:08x}");
        let mut line = json!({"v": 2, "time": format!("{at:.6}"), "kind": kind, "outcome": outcome, "local_id": id,
            "client_id": "pgo.example.nl", "provider": "huisarts.delinde@medmij"});
        for (name, value) in members.as_object().unwrap() {
            line[name] = value.clone();
        }
        if kind != "authorization_requested" && kind != "person_authenticated" {
            line["grant"] = id.into();
        }
        let index = self.records.len() as u64;
        self.records.push(Record::parse(index, line.to_string().as_bytes()).unwrap());
    }

    /// A visit that ends with one request; `code`: how that failed.
    pub(crate) fn visit(&mut self, visit: u32, at: Timestamp, code: Option<&str>) {
        let asked = json!({"detail": "services 49"});
        self.push(at, visit, "authorization_requested", "done", &asked);
        self.push(at, visit, "person_authenticated", "done", &json!({}));
        self.push(at, visit, "consent_given", "done", &json!({"detail": "services 49, for this time"}));
        self.push(at, visit, "token_issued", "done", &json!({}));
        let (outcome, reason) = code.map_or(("done", Value::Null), |code| ("failed", code.into()));
        let members = json!({"service": "49", "query": "EpisodeOfCare", "reason": reason});
        self.push(at + SignedDuration::from_secs(1), visit, "disclosure_outcome", outcome, &members);
    }
}

/// Counts a log up to `next`, from where it is.
pub(crate) async fn counted(store: &MemoryMatrix, log: &Log, next: usize, until: Timestamp) -> Counted {
    let from = store.counted().await.unwrap().logs.get(&log.id).map_or(0, |at| at.next);
    let records = &log.records[usize::try_from(from).unwrap()..next];
    let batch = Batch { log: &log.id, from, next: next as u64, records };
    count(store, &OneHis::default(), Some(batch), until).await.unwrap()
}

pub(crate) fn day(number: i64) -> Timestamp {
    let noon: Timestamp = "2026-03-02T11:00:00Z".parse().unwrap();
    noon + SignedDuration::from_hours(24 * number)
}

fn later(at: Timestamp, minutes: i64) -> Timestamp {
    at + SignedDuration::from_mins(minutes)
}

fn done(counted: Counted) -> Alarms {
    match counted {
        Counted::Done { alarms, .. } => alarms,
        Counted::Raced => panic!("nobody else counts"),
    }
}

#[tokio::test]
async fn a_combination_that_worked_and_stops_raises_an_alarm_and_clears_it() {
    let (store, mut log) = (MemoryMatrix::default(), Log::new("a"));
    (0..8).for_each(|n| log.visit(n, later(day(0), n.into()), None));
    assert_eq!(done(counted(&store, &log, log.records.len(), day(0)).await), Alarms::default());
    (8..12).for_each(|n| log.visit(n, later(day(1), n.into()), Some("his-nonsense")));
    assert_eq!(done(counted(&store, &log, log.records.len(), day(1)).await), Alarms::default(), "four of four");
    log.visit(12, later(day(1), 12), Some("his-nonsense"));
    let alarms = done(counted(&store, &log, log.records.len(), later(day(1), 20)).await);
    let [(combination, raised)] = alarms.raised.as_slice() else { panic!("{alarms:?}") };
    assert_eq!((raised.step.as_str(), raised.code.as_str()), ("request EpisodeOfCare", "his-nonsense"));
    assert_eq!(combination.place, Place::new("his-a", Some("3.1")));
    assert_eq!(raised.since, later(day(1), 8) + SignedDuration::from_secs(1));

    let seen = board(&store, Window::Week, later(day(1), 30)).await.unwrap();
    assert_eq!(seen.rows[0].alarm(), Some(raised));
    assert_eq!(seen.rows[0].who().unwrap().as_str(), "his", "named by its alarm before the share of a week says so");

    (13..16).for_each(|n| log.visit(n, later(day(1), n.into()), None));
    let alarms = done(counted(&store, &log, log.records.len(), later(day(1), 40)).await);
    assert!(alarms.raised.is_empty() && alarms.cleared[0].1.works, "{alarms:?}");
    let seen = board(&store, Window::Week, later(day(1), 50)).await.unwrap();
    assert_eq!((seen.rows[0].alarm(), seen.rows[0].standing.past.len()), (None, 1));
}

#[tokio::test]
async fn what_never_worked_is_named_without_an_alarm() {
    let (store, mut log) = (MemoryMatrix::default(), Log::new("a"));
    (0..9).for_each(|n| log.visit(n, later(day(0), n.into()), Some("his-timeout")));
    assert_eq!(done(counted(&store, &log, log.records.len(), day(0)).await), Alarms::default());
    let seen = board(&store, Window::Today, day(0)).await.unwrap();
    let Verdict::Fails(failing) = &seen.rows[0].verdict else { panic!("{seen:?}") };
    assert_eq!((&failing.step, failing.failed), (&Step::request("EpisodeOfCare"), 9));
}

#[tokio::test]
async fn an_alarm_of_what_nobody_tries_any_more_ends_without_a_record() {
    let (store, mut log) = (MemoryMatrix::default(), Log::new("a"));
    (0..8).for_each(|n| log.visit(n, later(day(0), n.into()), None));
    (8..14).for_each(|n| log.visit(n, later(day(1), n.into()), Some("his-timeout")));
    assert_eq!(done(counted(&store, &log, log.records.len(), day(1)).await).raised.len(), 1);
    let sweep = async |at| done(count(&store, &OneHis::default(), None, at).await.unwrap());
    assert_eq!(sweep(day(7)).await, Alarms::default());
    let alarms = sweep(day(9)).await;
    assert!(!alarms.cleared[0].1.works);
    assert_eq!(sweep(day(9)).await, Alarms::default());
}

#[tokio::test]
async fn whoever_comes_second_counts_nothing() {
    let (store, mut log) = (MemoryMatrix::default(), Log::new("a"));
    (0..3).for_each(|n| log.visit(n, later(day(0), n.into()), None));
    let whole = Batch { log: &log.id, from: 0, next: log.records.len() as u64, records: &log.records };
    let world = OneHis::default();
    done(count(&store, &world, Some(whole), day(0)).await.unwrap());
    let before = board(&store, Window::Today, day(0)).await.unwrap();
    assert_eq!(count(&store, &world, Some(whole), day(0)).await.unwrap(), Counted::Raced);
    assert_eq!(board(&store, Window::Today, day(0)).await.unwrap(), before);

    let stale = Change { generation: 0, ..Change::default() };
    assert_eq!(store.keep(stale).await.unwrap(), Kept::Raced, "made from what somebody else has changed");
}

/// The figures of all rows, without alarms, which depend on what was known at each moment.
async fn figures(store: &MemoryMatrix) -> Vec<(Combination, Tally, Vec<u8>)> {
    let board = board(store, Window::Month, day(3)).await.unwrap();
    let bare = |standing: &Standing| Standing { alarm: None, past: Vec::new(), ..standing.clone() }.write();
    board.rows.into_iter().map(|row| (row.combination, row.tally, bare(&row.standing))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Two logs, cut into batches anywhere and counted in any order, give the figures of one that was counted at once.
    #[test]
    fn any_cut_of_interleaved_logs_gives_the_same_figures(
        visits in proptest::collection::vec((0..2_usize, 0..4_000_i64, proptest::bool::weighted(0.3)), 1..20),
        cuts in proptest::collection::vec((0..2_usize, 1..9_usize), 0..60),
    ) {
        let mut logs = [Log::new("a"), Log::new("b")];
        for (number, (log, minute, failed)) in (0..).zip(&visits) {
            logs[*log].visit(number, later(day(0), *minute), failed.then_some("his-timeout"));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (once, cut) = (MemoryMatrix::default(), MemoryMatrix::default());
        let end = day(5);
        runtime.block_on(async {
            for log in &logs {
                done(counted(&once, log, log.records.len(), Timestamp::UNIX_EPOCH).await);
            }
            let mut at = [0, 0];
            for (log, length) in cuts {
                at[log] = (at[log] + length).min(logs[log].records.len());
                done(counted(&cut, &logs[log], at[log], Timestamp::UNIX_EPOCH).await);
            }
            for log in &logs {
                done(counted(&cut, log, log.records.len(), Timestamp::UNIX_EPOCH).await);
            }
            for store in [&once, &cut] {
                done(count(store, &OneHis::default(), None, end).await.unwrap());
            }
            assert_eq!(figures(&once).await, figures(&cut).await);
            let complete: u64 = figures(&once).await.iter()
                .filter_map(|(_, tally, _)| Some(tally.steps.get(&Step::Complete)?.attempts())).sum();
            assert_eq!(complete, visits.len() as u64, "each collection ended once");
        });
    }
}
