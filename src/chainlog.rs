//! The chain log of MedMij: for each step of an exchange one line for Stichting MedMij, so that the chain can be watched as a
//! whole (Logging interface, mandatory for a DVA). A stream of its own beside the audit: it names no person and carries no
//! token, code, state or query, by the types of its events.
//!
//! A step calls [`ChainLog::note`], which never waits and never fails. From there a line goes through a bounded queue to a
//! spool on disk (`spool`), and from the spool in batches to the central log component (`delivery`).
//!
//! - What is lost when a process is killed: the lines still in the queue, which are those of the last milliseconds. What is
//!   in the spool outlives the process. When the machine itself dies, the batch that was being filled may be lost too.
//! - A batch is delivered at least once, under one id. A batch whose answer got lost is sent again with the same id.
//! - When the queue or the spool is full, lines are lost: new ones at the queue, the oldest batch at the spool. Each is
//!   counted and logged; no request waits or fails for it.
//! - Lines leave this machine when they are delivered. Central retention is 24 to 36 months; none may lie here for longer
//!   than 36 months, which the bounds of the spool and the alarm on its age keep far away.
//!
//! Practice portals are no parties of MedMij: their exchanges are not in this log.

mod counts;
pub mod delivery;
mod event;
mod line;
mod queue;
pub mod spool;

pub use counts::Counts;
pub use event::{Answer, Entry, Event, Failure, GrantType, Inquiry, Subject};
pub use line::{Names, WORDS};
pub use queue::QueuedLog;

/// Where steps are noted.
pub trait ChainLog: Send + Sync + 'static {
    /// Notes a step. Returns at once, whatever happens to the line.
    fn note(&self, entry: Entry);
}

/// For a node without a section `[chain_log]`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Off;

impl ChainLog for Off {
    fn note(&self, _: Entry) {}
}
