//! A stage, as operators set it, stores keep it, and people read it.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{NotYet, Visitor};
use crate::medmij::{Hostname, ProviderName, ServiceId};

/// Where somebody gets in: a practice, with one service or with all that have no stage of their own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Entrance {
    /// The practice.
    pub provider: ProviderName,
    /// The service.
    pub service: Option<ServiceId>,
}

impl fmt::Display for Entrance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.service {
            Some(service) => write!(f, "{}~{service}", self.provider),
            None => write!(f, "{}", self.provider),
        }
    }
}

impl Entrance {
    /// Reads what [`fmt::Display`] writes: `name@medmij`, or `name@medmij~49`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (provider, service) = match text.split_once('~') {
            Some((provider, service)) => (provider, Some(ServiceId::parse(service).ok()?)),
            None => (text, None),
        };
        Some(Self { provider: ProviderName::parse(provider).ok()?, service })
    }
}

/// How far a practice is with a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum Stage {
    /// Nobody gets in.
    Closed,
    /// Test patients whom operators named.
    FieldTest,
    /// At most so many people, by chosen apps, between two days.
    Pilot(Pilot),
    /// Every patient of the practice.
    Open,
    /// Nobody for now.
    Paused,
}

impl Stage {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::FieldTest => "field_test",
            Self::Pilot(_) => "pilot",
            Self::Open => "open",
            Self::Paused => "paused",
        }
    }

    /// Reads what [`Stage::write`] writes.
    ///
    /// # Errors
    /// See [`StageFault`].
    pub fn read(text: &str) -> Result<Self, StageFault> {
        serde_json::from_str(text).map_err(|_| StageFault::Form)
    }

    /// As one JSON object.
    #[must_use]
    pub fn write(&self) -> String {
        // Names, numbers and days only.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// With whom and when a pilot is held. Only [`Pilot::new`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pilot {
    places: u16,
    clients: Vec<Hostname>,
    from: Date,
    until: Date,
}

/// Most places of a pilot; more is an opening.
const PLACES_MAX: u16 = 5_000;
/// Most apps that are chosen by name.
const CLIENTS_MAX: usize = 50;

/// Why something is no stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StageFault {
    /// Not one of the stages, or with members that it does not have.
    #[error(
        "say closed, field_test, pilot, open or paused; a pilot has places, clients, from and until, the others have nothing"
    )]
    Form,
    /// No places, or too many.
    #[error("a pilot has 1 to 5000 places")]
    Places,
    /// Too many apps, or one twice.
    #[error("a pilot names at most 50 clients, each once; none for all of them")]
    Clients,
    /// No days (`2026-11-01`), or it ends before it begins.
    #[error("a pilot ends on the day it begins or later; days are written as 2026-11-01")]
    Days,
}

impl Pilot {
    /// A pilot with at most `places` people, by these apps (all, when none is named), from the first day to the last.
    ///
    /// # Errors
    /// See [`StageFault`].
    pub fn new(places: u16, clients: Vec<Hostname>, from: Date, until: Date) -> Result<Self, StageFault> {
        if !(1..=PLACES_MAX).contains(&places) {
            return Err(StageFault::Places);
        }
        let twice = clients.iter().enumerate().any(|(at, id)| clients.iter().take(at).any(|other| other == id));
        if clients.len() > CLIENTS_MAX || twice {
            return Err(StageFault::Clients);
        }
        if until < from { Err(StageFault::Days) } else { Ok(Self { places, clients, from, until }) }
    }

    /// How many people get in at most.
    #[must_use]
    pub const fn places(&self) -> u16 {
        self.places
    }

    /// With which apps; with all of them when none is named.
    #[must_use]
    pub fn clients(&self) -> &[Hostname] {
        &self.clients
    }

    /// The first day.
    #[must_use]
    pub const fn from(&self) -> Date {
        self.from
    }

    /// The last day.
    #[must_use]
    pub const fn until(&self) -> Date {
        self.until
    }

    pub(super) fn greets(&self, visitor: Visitor<'_>) -> Result<(), NotYet> {
        if !(self.from..=self.until).contains(&visitor.today) {
            return Err(NotYet::PilotDays);
        }
        let is_chosen = self.clients.is_empty() || self.clients.iter().any(|id| id == visitor.client);
        if is_chosen { Ok(()) } else { Err(NotYet::PilotClient) }
    }
}

/// A stage as it is written.
#[derive(Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case", deny_unknown_fields)]
enum Written {
    Closed {},
    FieldTest {},
    Pilot {
        places: u16,
        #[serde(default)]
        clients: Vec<String>,
        from: String,
        until: String,
    },
    Open {},
    Paused {},
}

impl TryFrom<Written> for Stage {
    type Error = StageFault;

    fn try_from(written: Written) -> Result<Self, StageFault> {
        Ok(match written {
            Written::Closed {} => Self::Closed,
            Written::FieldTest {} => Self::FieldTest,
            Written::Open {} => Self::Open,
            Written::Paused {} => Self::Paused,
            Written::Pilot { places, clients, from, until } => {
                let clients: Result<_, _> = clients.iter().map(|id| Hostname::parse(id)).collect();
                let day = |text: &str| text.parse().map_err(|_| StageFault::Days);
                Self::Pilot(Pilot::new(places, clients.map_err(|_| StageFault::Clients)?, day(&from)?, day(&until)?)?)
            }
        })
    }
}

impl From<Stage> for Written {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Closed => Self::Closed {},
            Stage::FieldTest => Self::FieldTest {},
            Stage::Open => Self::Open {},
            Stage::Paused => Self::Paused {},
            Stage::Pilot(Pilot { places, clients, from, until }) => {
                let clients = clients.iter().map(ToString::to_string).collect();
                Self::Pilot { places, clients, from: from.to_string(), until: until.to_string() }
            }
        }
    }
}
