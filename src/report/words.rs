//! How patients look, and how a request ends: closed sets with the names that stand in the store.

use crate::audit::{Authorization, Outcome, Term as _};

/// By which way a patient looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// A personal health environment, over MedMij.
    Pgo,
    /// A portal of the practice.
    Portal,
    /// Not known: the request was refused before it was known who asked.
    Unknown,
}

impl Channel {
    /// Those by which somebody can look.
    pub const KNOWN: [Self; 2] = [Self::Pgo, Self::Portal];
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Pgo, Self::Portal, Self::Unknown];

    /// Its name in the store and in what is published.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pgo => "pgo",
            Self::Portal => "portal",
            Self::Unknown => "unknown",
        }
    }

    /// The channel of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == name)
    }

    /// Of a request that was allowed under these rules; `None` for what is no patient's request.
    #[must_use]
    pub const fn of(authorization: Authorization) -> Option<Self> {
        match authorization {
            Authorization::MedmijConsent | Authorization::LastingConsent => Some(Self::Pgo),
            Authorization::PortalAssertion | Authorization::Smart => Some(Self::Portal),
            Authorization::OwnLogin | Authorization::Operator => None,
        }
    }
}

/// How a request ended, as far as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ending {
    /// It was answered in full.
    Succeeded,
    /// Anything else.
    Failed,
    /// The other side went away.
    Aborted,
}

impl Ending {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Succeeded, Self::Failed, Self::Aborted];

    /// Its name in the store and in what is published.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Aborted => "aborted",
        }
    }

    /// The ending of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ending| ending.as_str() == name)
    }

    /// Of a record with this outcome, by its name in the log: one of a later release is a failure.
    #[must_use]
    pub fn of(outcome: &str) -> Self {
        match Outcome::find(outcome) {
            Some(Outcome::Done) => Self::Succeeded,
            Some(Outcome::Aborted) => Self::Aborted,
            Some(Outcome::Refused | Outcome::Failed | Outcome::Intended) | None => Self::Failed,
        }
    }
}
