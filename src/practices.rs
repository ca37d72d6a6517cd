//! Our own register of practices: which HIS holds a practice's records, since when it shows them, and whether it is open.

pub mod find;
pub mod golive;
pub mod http;
pub mod programme;
mod words;

use std::collections::HashMap;

use foldhash::fast::RandomState;
use jiff::civil::Date;

use crate::medmij::ProviderName;
use crate::secret::random_id;

/// One practice that this gateway serves.
#[derive(Debug, Clone)]
pub struct Practice {
    /// Its name in the network.
    pub provider: ProviderName,
    /// Its name for people.
    pub name: String,
    /// Where it is, for people.
    pub place: String,
    /// Other names and numbers by which people look for it.
    pub aliases: Vec<String>,
    /// The id of the HIS installation that holds its records.
    pub his: String,
    /// E and P lines recorded before this date stay hidden (OPEN guideline: shown from the moment access was switched on).
    pub access_start: Date,
    /// Age in years from which a person may look for themself (16 by default).
    pub minimum_age: u8,
    /// For how many months back results are shown (14 by default).
    pub results_months: u16,
    /// Which closed episodes it shows.
    pub closed_episodes: ClosedEpisodes,
    /// Whether patients may look.
    pub state: GoLive,
}

/// Which closed episodes a practice shows (guideline "Online inzage in het H-EPD door patiënt", 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClosedEpisodes {
    /// Those under an attention flag, as the guideline has it.
    Flagged,
    /// All of them.
    All,
    /// None of them.
    None,
}

/// How far a practice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoLive {
    /// Nobody gets in.
    Closed,
    /// Every patient of the practice gets in.
    Open,
}

/// Where a practice stands in one register, and in no other. With it a practice is found without a look at its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    register: u64,
    index: usize,
}

impl Place {
    /// How many practices stand before it.
    #[must_use]
    pub const fn index(self) -> usize {
        self.index
    }
}

/// The practices of this gateway, by provider name.
#[derive(Debug, Default)]
pub struct PracticeRegister {
    /// Which register it is: random, or 0 when it is empty.
    id: u64,
    practices: Vec<Practice>,
    by_provider: HashMap<ProviderName, usize, RandomState>,
}

/// The same provider was entered twice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is registered twice")]
pub struct RegisteredTwice(pub ProviderName);

impl PracticeRegister {
    /// Builds the register.
    ///
    /// # Errors
    /// When a provider occurs twice.
    pub fn new(practices: impl IntoIterator<Item = Practice>) -> Result<Self, RegisteredTwice> {
        let mut register = Self { id: u64::from_ne_bytes(random_id()), ..Self::default() };
        for practice in practices {
            let (provider, place) = (practice.provider.clone(), register.practices.len());
            if register.by_provider.insert(provider.clone(), place).is_some() {
                return Err(RegisteredTwice(provider));
            }
            register.practices.push(practice);
        }
        Ok(register)
    }

    /// The practice with this name (`name@medmij`).
    #[must_use]
    pub fn practice(&self, provider: &str) -> Option<&Practice> {
        self.by_provider.get(provider).and_then(|place| self.practices.get(*place))
    }

    /// Where the practice with this name (`name@medmij`) stands.
    #[must_use]
    pub fn place(&self, provider: &str) -> Option<Place> {
        self.by_provider.get(provider).map(|index| Place { register: self.id, index: *index })
    }

    /// The practice at this place; `None` when it is one of another register.
    #[must_use]
    pub fn at(&self, place: Place) -> Option<&Practice> {
        self.practices.get(place.index).filter(|_| place.register == self.id)
    }

    /// All practices, in the order in which they were entered.
    pub fn iter(&self) -> impl Iterator<Item = &Practice> {
        self.practices.iter()
    }
}
