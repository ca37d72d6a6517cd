//! The practice fee: its four conditions, the evidence for each, and whether it may be declared.

use serde::Deserialize;

use super::entry::{Practice, Proof, Staff};
use super::words::{Day, Id};
use crate::language::Language;

/// A condition of the fee (programme FAQ "nulmeting/kwartaalrapportages").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// The practice is in a coalition.
    Member,
    /// It took part in training module 1: a GP, and one of each other function that it employs.
    Trained,
    /// Its patients were told how to look.
    Informed,
    /// Its HIS works per the guideline.
    Conforms,
}

impl Condition {
    /// For people.
    #[must_use]
    pub const fn text(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Member, Language::English) => "member of a coalition",
            (Self::Member, Language::Dutch) => "lid van een coalitie",
            (Self::Trained, Language::English) => "training module 1 done",
            (Self::Trained, Language::Dutch) => "scholing module 1 gevolgd",
            (Self::Informed, Language::English) => "patients informed how to look",
            (Self::Informed, Language::Dutch) => "patiënten geïnformeerd over inzage",
            (Self::Conforms, Language::English) => "HIS works per the guideline",
            (Self::Conforms, Language::Dutch) => "HIS werkt volgens de richtlijn",
        }
    }
}

/// Whether a practice may declare its fee on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// Each condition, with the evidence when it is met.
    pub conditions: [(Condition, Option<String>); 4],
    /// What the fee is, in cents, at the level of that day.
    pub cents: u64,
    /// The year of that level.
    pub level: i16,
}

impl Declaration {
    /// What stands in the way; nothing when it may be declared.
    pub fn unmet(&self) -> impl Iterator<Item = Condition> {
        self.conditions.iter().filter(|(_, evidence)| evidence.is_none()).map(|(condition, _)| *condition)
    }
}

/// Whether a practice may declare its fee on a day, and how much that is.
#[must_use]
pub fn declaration(practice: &Practice, levels: &FeeLevels, today: Day) -> Declaration {
    let level = levels.of(today);
    let proof = |proof: &Option<Proof>| {
        let there = proof.as_ref().filter(|proof| proof.on <= today);
        there.map(|proof| format!("{}: {}", proof.on, proof.evidence))
    };
    Declaration {
        conditions: [
            (Condition::Member, member(practice, today).map(ToString::to_string)),
            (Condition::Trained, has_trained(&practice.staff).then(|| trained(&practice.staff))),
            (Condition::Informed, proof(&practice.informed)),
            (Condition::Conforms, proof(&practice.conforms)),
        ],
        cents: u64::from(practice.patients).saturating_mul(u64::from(level.cents)),
        level: level.year,
    }
}

/// The coalition that a practice is in.
fn member(practice: &Practice, today: Day) -> Option<&Id> {
    practice.memberships.iter().find(|one| one.covers(today)).map(|one| &one.coalition)
}

/// One GP at least did the training, and of each other function that is employed one at least.
pub(super) fn has_trained(staff: &Staff) -> bool {
    let others = [staff.poh, staff.manager, staff.assistant];
    staff.gp.trained > 0 && others.iter().all(|function| function.employed == 0 || function.trained > 0)
}

fn trained(staff: &Staff) -> String {
    let there = staff.functions().into_iter().filter(|(_, function)| function.employed > 0);
    let each = there.map(|(name, function)| format!("{name} {}/{}", function.trained, function.employed));
    each.collect::<Vec<_>>().join(", ")
}

/// What the fee is per patient, by year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeeLevels {
    first: Level,
    later: Vec<Level>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Level {
    year: i16,
    cents: u32,
}

/// Why levels cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LevelError {
    /// They are not written as they should be.
    #[error("the levels of the fee cannot be read: {0}")]
    Form(#[from] toml::de::Error),
    /// There are none, or they are not in the order of years.
    #[error("the levels of the fee stand in the order of years, one at least")]
    Order,
}

impl FeeLevels {
    /// Reads them: `[[level]]` with `year` and `cents`, in the order of years.
    ///
    /// # Errors
    /// See [`LevelError`].
    pub fn parse(text: &str) -> Result<Self, LevelError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Written {
            level: Vec<Level>,
        }
        let levels = toml::from_str::<Written>(text)?.level;
        if !levels.is_sorted_by(|one, next| one.year < next.year) {
            return Err(LevelError::Order);
        }
        let mut levels = levels.into_iter();
        Ok(Self { first: levels.next().ok_or(LevelError::Order)?, later: levels.collect() })
    }

    /// Those that ship.
    #[must_use]
    pub fn shipped() -> Self {
        Self::parse(include_str!("fee.toml")).expect("the file that ships is in order, as a test shows")
    }

    /// The newest level of a day; before the first year, the first.
    fn of(&self, day: Day) -> Level {
        let reached = self.later.iter().rev().find(|level| level.year <= day.date().year());
        reached.copied().unwrap_or(self.first)
    }
}
