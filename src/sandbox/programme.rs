//! A simulated year of the OPEN programme: practices, coalitions, suppliers and clients in the register and on the lists, and the
//! audit log that a node would have written had people looked for a year. Drawn from a seed: the same seed and last day give the
//! same year, byte for byte. Three combinations fail for a reason (`programme.json` says which); what else fails, fails by chance.
//!
//! Nothing of it is served: its practices stand in the register and on the ZAL, not in the configuration, and their systems do not
//! exist. All people are invented; their BSNs are test numbers.

mod asking;
mod coalitions;
mod country;
mod dice;
mod due;
mod faults;
mod journal;
mod listing;
mod market;
mod people;
mod stays;
#[cfg(test)]
mod tests;
mod told;
mod trail;
mod walk;

use std::io;
use std::path::Path;

use jiff::civil::Date;

use self::country::Country;
use self::faults::Seeded;
pub use self::listing::Listed;
use self::people::Crowd;
use crate::audit::{Keyring, NoKey};
use crate::practices::programme::Draft;

/// Days of the year.
const DAYS: u64 = 365;

/// What is to be simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// From which everything is drawn.
    pub seed: u64,
    /// The day after the last of the year.
    pub until: Date,
    /// About how many records the audit log gets.
    pub events: u64,
    /// How many practices the country has.
    pub practices: u32,
}

impl Plan {
    /// Practices of the Netherlands.
    pub const PRACTICES: u32 = 4_718;
    /// Records of a year of them.
    pub const EVENTS: u64 = 2_000_000;
    /// The seed when none is given.
    pub const SEED: u64 = 2_026;

    /// The whole country, over the year before this day.
    #[must_use]
    pub const fn before(until: Date) -> Self {
        Self { seed: Self::SEED, until, events: Self::EVENTS, practices: Self::PRACTICES }
    }
}

/// Why a year cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ProgrammeError {
    /// A file cannot be written.
    #[error("the simulated year cannot be written")]
    Io(#[from] io::Error),
    /// There is no audit key for a day of it.
    #[error(transparent)]
    Key(#[from] NoKey),
}

/// A year, drawn and not yet written.
#[derive(Debug)]
pub struct Programme {
    plan: Plan,
    country: Country,
    faults: Vec<Seeded>,
    crowd: Crowd,
}

impl Programme {
    /// Draws it.
    #[must_use]
    pub fn draw(plan: Plan) -> Self {
        let country = Country::draw(&plan);
        let faults = faults::draw(&plan, &country.market);
        let crowd = Crowd::draw(&plan, &country, &faults);
        Self { plan, country, faults, crowd }
    }

    /// What was asked for.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The register.
    #[must_use]
    pub const fn register(&self) -> &Draft {
        &self.country.register
    }

    /// How many people look, and how often they do.
    #[must_use]
    pub fn crowd(&self) -> (usize, usize) {
        (self.crowd.people.len(), self.crowd.visits.len())
    }

    /// The years whose audit keys are needed.
    #[must_use]
    pub fn key_years(&self) -> std::ops::RangeInclusive<i16> {
        self.plan.start().year()..=self.plan.until.year()
    }

    /// Writes the audit log of the year into `dir`, which must not be there; `told` hears now and then how many records there
    /// are. Gives their number.
    ///
    /// # Errors
    /// See [`ProgrammeError`].
    pub fn write_log(&self, dir: &Path, keyring: &Keyring, told: impl FnMut(u64)) -> Result<u64, ProgrammeError> {
        journal::write(self, dir, keyring, told)
    }

    /// Writes what was drawn, for those who check what comes of it: `programme.json`, `programme-people.csv` and
    /// `programme-zal.csv`. The gateway reads none of them.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn tell(&self, dir: &Path, records: u64) -> io::Result<()> {
        told::write(self, dir, records)
    }
}
