//! Implementations of the ports that features declare: an embedded database for one node, a PostgreSQL server for many, and a
//! cache before any of them.

use std::fmt::Debug;
use std::time::Duration;

use jiff::Timestamp;

use crate::oauth::code::CodeStore;
use crate::oauth::grant::{GrantStore, TokenStore};
use crate::oauth::refresh::RefreshStore;
use crate::oauth::replay::ReplayStore;
use crate::oauth::store::{PoolFigures, StoreFault, StoreFuture};
use crate::operations::StopStore;
use crate::practices::golive::places::GoLiveStore;
use crate::practices::programme::RegisterStore;
use crate::report::FigureStore;
use crate::report::matrix::store::MatrixStore;
use crate::session::visit::VisitStore;

mod cache;
#[cfg(test)]
mod conformance;
mod figure_rows;
#[cfg(test)]
mod figures_conformance;
#[cfg(test)]
mod golive_conformance;
mod index;
#[cfg(test)]
mod index_conformance;
#[cfg(test)]
mod matrix_conformance;
mod postgres;
#[cfg(test)]
mod register_conformance;
mod rows;
mod sqlite;
#[cfg(test)]
mod stops_conformance;

pub use cache::CachedTokens;
pub use index::{ClosedIndex, IndexStore, Pruned};
pub use postgres::{Encryption, PostgresError, PostgresIndex, PostgresSettings, PostgresStore, PostgresUrl, UrlFault};
pub use sqlite::{OpenError, SqliteIndex, SqliteStore};

/// Everything that must survive a restart, behind one object: the ports of the features, and what whoever runs a node needs.
pub trait Store:
    CodeStore
    + TokenStore
    + GrantStore
    + RefreshStore
    + VisitStore
    + ReplayStore
    + StopStore
    + RegisterStore
    + GoLiveStore
    + FigureStore
    + MatrixStore
    + Debug
{
    /// Whether the store does its work; for readiness. Never waits: when something is wrong it makes the store try again, and
    /// a later call tells what came of it.
    ///
    /// # Errors
    /// The reason why not.
    fn health(&self) -> Result<(), StoreFault>;

    /// Deletes what is of no use any more: visits, tokens and refresh families that are over, used ids an hour later, codes a
    /// day after they expired (so long a second presentation is recognised), and grants of over a day ago that have none of
    /// these. Works in small steps, each with a commit of its own.
    fn sweep(&self, now: Timestamp) -> StoreFuture<'_, Swept>;

    /// What a store that works over connections tells of them.
    fn pool(&self) -> Option<PoolFigures> {
        None
    }

    /// Finishes what is waiting; each later operation is an error. Blocks until then.
    fn close(&self);
}

/// How long what is over is still recognised.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a used id is remembered after its assertion is over. The node that sweeps may be ahead of the one that is shown
/// the assertion again, and a clock may be set back.
const HOUR: Duration = Duration::from_secs(60 * 60);
/// How long a stop is shown that operators lifted; the audit log has it for longer.
const YEAR: Duration = Duration::from_hours(365 * 24);

/// How many rows a sweep deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Visits that were over.
    pub visits: usize,
    /// Expired access tokens.
    pub tokens: usize,
    /// Refresh families whose time was over.
    pub refreshes: usize,
    /// Codes, spent or not, a day after they expired.
    pub codes: usize,
    /// Grants without codes, tokens and refresh families.
    pub grants: usize,
    /// Used ids whose assertion is over.
    pub used_ids: usize,
    /// Stops that operators lifted long ago.
    pub stops: usize,
}

impl Swept {
    /// How many rows of a table one step of a sweep deletes at most, so that it holds up nobody for long.
    const STEP: usize = 1_000;

    fn add(&mut self, other: Self) {
        self.visits += other.visits;
        self.tokens += other.tokens;
        self.refreshes += other.refreshes;
        self.codes += other.codes;
        self.grants += other.grants;
        self.used_ids += other.used_ids;
        self.stops += other.stops;
    }

    fn reached_limit(&self) -> bool {
        [self.visits, self.tokens, self.refreshes, self.codes, self.grants, self.used_ids, self.stops]
            .contains(&Self::STEP)
    }
}
