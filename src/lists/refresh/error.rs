//! Why a refresh failed. The set in force stays.

use jiff::Timestamp;

use crate::lists::{ListError, ListKind, Loss, SourceError};

/// Why a refresh failed. The set in force stays.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// A list could not be fetched.
    #[error("the {list} could not be fetched")]
    Fetch {
        /// Which.
        list: ListKind,
        /// Why.
        #[source]
        error: SourceError,
    },
    /// A list is not valid.
    #[error("the {list} is not valid")]
    Invalid {
        /// Which.
        list: ListKind,
        /// Why.
        #[source]
        error: ListError,
    },
    /// A list with a lower sequence number than the one in force.
    #[error("the {list} went back from number {held} to {offered}")]
    RollBack {
        /// Which.
        list: ListKind,
        /// The number in force.
        held: u64,
        /// The number that was offered.
        offered: u64,
    },
    /// Another list under the sequence number in force.
    #[error("the {list} has other content under the same number {sequence}")]
    SameSequenceOtherContent {
        /// Which.
        list: ListKind,
        /// The number.
        sequence: u64,
    },
    /// A list from the future.
    #[error("the {list} says it was published at {timestamp}, which is still to come")]
    FromTheFuture {
        /// Which.
        list: ListKind,
        /// Its own account.
        timestamp: Timestamp,
    },
    /// Lists that lost more than they may, and that nobody accepted.
    #[error("held back until somebody accepts it: {}", .losses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", and "))]
    HeldBack {
        /// At most one a list.
        losses: Vec<Loss>,
    },
    /// The work was cut off, by the end of the process or a defect in it.
    #[error("the refresh was cut off")]
    Interrupted,
}
