//! For whom somebody comes, and which pages that opens: one decision, in one place.

use std::collections::BTreeSet;

use crate::medmij::ProviderName;
use crate::operations::state::Part;
use crate::practices::programme::{Draft, Id};

/// Most practices, or coalitions, that one person comes for; who comes for more comes for a coalition, or for the programme.
/// So a session fits into a cookie.
pub const GRANTS_MAX: usize = 20;

/// For whom somebody comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reader {
    /// For these practices.
    Practices(BTreeSet<ProviderName>),
    /// For the lead parties of these coalitions.
    Coalitions(BTreeSet<Id>),
    /// For the bureau of the OPEN programme.
    Programme,
    /// For an insurer.
    Insurer,
}

/// A page that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// How far a practice is.
    Practice(ProviderName),
    /// The texts with which a practice informs its patients.
    Texts(ProviderName),
    /// How far a coalition is, and each of its practices.
    Coalition(Id),
    /// All coalitions.
    Programme,
    /// Which practices may declare their fee: some of them.
    Declarations(Part),
}

/// A word of the claim.
enum Grant {
    Practice(ProviderName),
    Coalition(Id),
    Programme,
    Insurer,
}

impl Grant {
    /// Reads `practice:NAME@medmij`, `coalition:ID`, `programme` or `insurer`.
    fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            Some(("practice", name)) => ProviderName::parse(name).ok().map(Self::Practice),
            Some(("coalition", id)) => Id::parse(id).ok().map(Self::Coalition),
            None if text == "programme" => Some(Self::Programme),
            None if text == "insurer" => Some(Self::Insurer),
            Some(_) | None => None,
        }
    }
}

impl Reader {
    /// Of what a provider says of somebody, those words that mean something here.
    #[must_use]
    pub fn meaningful(said: Vec<String>) -> Vec<String> {
        let known = said.into_iter().filter(|said| Grant::parse(said).is_some());
        known.take(GRANTS_MAX.saturating_add(1)).collect()
    }

    /// For whom somebody comes by these words. One person comes in one role: who has none, two, or too many practices or
    /// coalitions, comes for nobody.
    #[must_use]
    pub fn of(said: &[String]) -> Option<Self> {
        if said.len() > GRANTS_MAX {
            return None;
        }
        let mut grants = said.iter().filter_map(|said| Grant::parse(said));
        let first = Self::from(grants.next()?);
        grants.try_fold(first, Self::and)
    }

    /// With one more word of the same role.
    fn and(self, grant: Grant) -> Option<Self> {
        match (self, grant) {
            (Self::Practices(mut all), Grant::Practice(one)) => {
                all.insert(one);
                Some(Self::Practices(all))
            }
            (Self::Coalitions(mut all), Grant::Coalition(one)) => {
                all.insert(one);
                Some(Self::Coalitions(all))
            }
            (Self::Programme, Grant::Programme) => Some(Self::Programme),
            (Self::Insurer, Grant::Insurer) => Some(Self::Insurer),
            (_, _) => None,
        }
    }

    /// The word of the log and the pages.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Practices(_) => "practice",
            Self::Coalitions(_) => "coalition",
            Self::Programme => "programme",
            Self::Insurer => "insurer",
        }
    }

    /// Whether a page is theirs to see. A lead party sees the practices that are in its coalition on this day.
    #[must_use]
    pub fn may_see(&self, page: &Page, draft: &Draft, today: crate::practices::programme::Day) -> bool {
        match (self, page) {
            (Self::Programme, _) | (Self::Insurer, Page::Declarations(_)) => true,
            (Self::Practices(own), Page::Practice(provider) | Page::Texts(provider)) => own.contains(provider),
            (Self::Coalitions(own), Page::Coalition(id)) => own.contains(id),
            (Self::Coalitions(own), Page::Practice(provider) | Page::Texts(provider)) => {
                let memberships = draft.practices.get(provider).map(|practice| practice.memberships.as_slice());
                let mut now = memberships.unwrap_or_default().iter().filter(|one| one.covers(today));
                now.any(|one| own.contains(&one.coalition))
            }
            (Self::Practices(_), Page::Coalition(_) | Page::Programme | Page::Declarations(_))
            | (Self::Coalitions(_), Page::Programme | Page::Declarations(_))
            | (Self::Insurer, Page::Practice(_) | Page::Texts(_) | Page::Coalition(_) | Page::Programme) => false,
        }
    }
}

impl From<Grant> for Reader {
    fn from(grant: Grant) -> Self {
        match grant {
            Grant::Practice(provider) => Self::Practices(BTreeSet::from([provider])),
            Grant::Coalition(id) => Self::Coalitions(BTreeSet::from([id])),
            Grant::Programme => Self::Programme,
            Grant::Insurer => Self::Insurer,
        }
    }
}

#[cfg(test)]
mod tests;
