//! The year as an audit log: what happened in the order in which it happened, and what the node did itself.

use std::collections::HashMap;
use std::path::Path;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::listing::LISTS_AT;
use super::walk::Walker;
use super::{DAYS, Programme, ProgrammeError};
use crate::audit::{AuditEvent, Keyring, Kind, NodeName, Outcome, WholeLog};
use crate::availability::dutch_midnight;

/// The node of a sandbox.
const NODE: &str = "a";
/// No segment is longer, so that a start, which reads the last one whole, is quick. Bytes.
const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;
/// How often it is told how far it is, in records.
const TOLD_EVERY: u64 = 250_000;

/// Writes it.
pub(super) fn write(
    programme: &Programme,
    dir: &Path,
    keyring: &Keyring,
    told: impl FnMut(u64),
) -> Result<u64, ProgrammeError> {
    let node = NodeName::parse(NODE).map_err(std::io::Error::other)?;
    let log = WholeLog::begin(dir, &node, programme.plan.seed, SEGMENT_BYTES)?;
    let mut journal = Journal { log, intents: HashMap::new(), told };
    let mut walker = Walker::new(programme, keyring);
    own(programme).into_iter().for_each(|event| {
        walker.expect(event);
    });
    for visit in &programme.crowd.visits {
        journal.write_before(&mut walker, visit.at)?;
        walker.walk(*visit)?;
    }
    journal.write_before(&mut walker, Timestamp::MAX)?;
    Ok(journal.log.finish()?)
}

struct Journal<T> {
    log: WholeLog,
    /// Where the intents stand whose outcomes are to come.
    intents: HashMap<u64, u64>,
    told: T,
}

impl<T: FnMut(u64)> Journal<T> {
    fn write_before(&mut self, walker: &mut Walker<'_>, moment: Timestamp) -> Result<(), ProgrammeError> {
        while let Some(mut due) = walker.due_before(moment) {
            due.event.intent = due.intent.and_then(|intent| self.intents.remove(&intent));
            let index = self.log.push(&due.event)?;
            if due.event.outcome == Outcome::Intended {
                self.intents.insert(due.number, index);
            }
            if index > 0 && index.is_multiple_of(TOLD_EVERY) {
                (self.told)(index);
            }
        }
        Ok(())
    }
}

/// What the node does by itself: it starts, takes over each new set of lists, and stops.
fn own(programme: &Programme) -> Vec<AuditEvent> {
    let plan = &programme.plan;
    let begins = dutch_midnight(plan.start());
    let software = || Some(format!("inzage {}", env!("CARGO_PKG_VERSION")).into());
    let mut events = vec![lists(begins)];
    let done = |at, kind| AuditEvent::new(at, kind, Outcome::Done);
    events.push(AuditEvent { detail: software(), ..done(begins, Kind::NodeStarted) });
    let changed = |day: &Date| {
        let of = |(from, until): &(Date, Option<Date>)| {
            *from == *day || until.is_some_and(|until| until.tomorrow().is_ok_and(|next| next == *day))
        };
        programme.country.practices.iter().any(|practice| practice.stays.iter().any(of))
    };
    let days = (1..DAYS).map(|day| plan.day(day)).filter(changed);
    events.extend(days.map(|day| lists(dutch_midnight(day).saturating_add(LISTS_AT).unwrap_or(Timestamp::MAX))));
    let ends = dutch_midnight(plan.until).saturating_sub(SignedDuration::from_millis(1)).unwrap_or(begins);
    events.push(AuditEvent { detail: software(), ..done(ends, Kind::NodeStopped) });
    events
}

fn lists(at: Timestamp) -> AuditEvent {
    let number = at.as_second();
    let detail = format!("zal {number} ocl {number} whl {number} gnl {number}");
    AuditEvent { detail: Some(detail.into()), ..AuditEvent::new(at, Kind::ListsSwapped, Outcome::Done) }
}
