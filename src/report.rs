//! The figures of the OPEN programme: how many patients look, by which way and at what, how requests end and how long they take.
//!
//! Everything is counted from the index of the audit log ([`AuditIndex`](crate::audit::AuditIndex)), in the order of each log, by
//! folds ([`counter`]). What a batch of records adds, and how far its log is counted, are one change of the store; a batch that
//! somebody else was quicker with is not added. So any node may count, nothing is counted twice or missed, and everything can be
//! dropped and counted anew. Days and months are those of the Netherlands.
//!
//! Who looked is told apart by marks, keyed hashes of a BSN ([`people`]). They stay in the store until their month is closed,
//! three days after its end; then exact counts are kept, and sketches for longer periods ([`closed`], [`sketch`]).
//!
//! [`Desk`] gives figures as they are. What goes out is suppressed first, by whoever publishes.
//! `deploy/docs/figures.md` says in words what each figure means.

pub mod cell;
pub mod closed;
mod closing;
pub mod counter;
mod desk;
mod facts;
mod figures;
mod ledger;
pub mod matrix;
mod memory;
pub mod people;
mod period;
mod progress;
mod scope;
pub mod sketch;
pub mod store;
mod tally;
#[cfg(test)]
mod tests;
mod usage;
mod waiting;
mod words;

pub use counter::{Batch, Counter, Fold};
pub use desk::Desk;
pub use facts::Unreadable;
pub use figures::{Distinct, Figures, GOAL_ON_ZAL, GOAL_VIEWERS, Median, Requests, RequestsOf};
pub use ledger::Ledger;
pub use memory::MemoryFigures;
pub use period::{Month, NoPeriod, Period};
pub use progress::{CountCounts, CountFault, CountProgress};
pub use scope::{NoScope, Parts, Scope};
pub use store::FigureStore;
pub use usage::{USAGE, UsageFold};
pub use waiting::{Bin, Waiting};
pub use words::{Channel, Ending};

use crate::oauth::store::StoreError;
use crate::practices::programme::RegisterError;

/// Why there are no figures.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// The register has no such practice, coalition or supplier.
    #[error("the register has no such practice, coalition or supplier")]
    Unknown,
    /// The store does not answer.
    #[error("the store does not answer")]
    Store,
    /// What is kept was written by another release; everything is counted anew by a command.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The register cannot be read.
    #[error("the register of the programme cannot be read")]
    Register(#[source] Box<RegisterError>),
}

impl From<StoreError> for ReportError {
    fn from(_: StoreError) -> Self {
        Self::Store
    }
}

impl From<RegisterError> for ReportError {
    fn from(error: RegisterError) -> Self {
        Self::Register(Box::new(error))
    }
}
