//! Whose figures: one practice, or some together.

use std::fmt;

use jiff::civil::Date;

use crate::medmij::ProviderName;
use crate::practices::programme::{Day, Draft, Id, Practice};

/// The text is not a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a scope is whole, practice:NAME, coalition:ID, supplier:ID or supplier:ID/coalition:ID")]
pub struct NoScope;

/// The practices that figures are of. Which they are the register of the programme says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// All practices of the register.
    Whole,
    /// One.
    Practice(ProviderName),
    /// Those of a coalition.
    Coalition(Id),
    /// Those with a system of a supplier, as the register has it now.
    Supplier(Id),
    /// Those of a coalition with a system of a supplier.
    Share {
        /// Which supplier.
        supplier: Id,
        /// Of which coalition.
        coalition: Id,
    },
}

/// How a scope is broken down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Parts {
    /// Into its practices.
    Practices,
    /// Into coalitions: all of the whole, or the share that a supplier has of each.
    Coalitions,
    /// Into suppliers: all of the whole, or the share that each has of a coalition.
    Suppliers,
}

impl Scope {
    /// Reads it.
    ///
    /// # Errors
    /// When it has another form.
    pub fn parse(text: &str) -> Result<Self, NoScope> {
        let id = |text: &str| Id::parse(text).map_err(|_| NoScope);
        if text == "whole" {
            return Ok(Self::Whole);
        }
        match text.split_once(':').ok_or(NoScope)? {
            ("practice", name) => ProviderName::parse(name).map(Self::Practice).map_err(|_| NoScope),
            ("coalition", name) => id(name).map(Self::Coalition),
            ("supplier", name) => match name.split_once("/coalition:") {
                Some((supplier, coalition)) => Ok(Self::Share { supplier: id(supplier)?, coalition: id(coalition)? }),
                None => id(name).map(Self::Supplier),
            },
            _ => Err(NoScope),
        }
    }

    /// Whether the register has it.
    #[must_use]
    pub fn is_known(&self, register: &Draft) -> bool {
        match self {
            Self::Whole => true,
            Self::Practice(name) => register.practices.contains_key(name),
            Self::Coalition(id) => register.coalitions.contains_key(id),
            Self::Supplier(id) => register.suppliers.contains_key(id),
            Self::Share { supplier, coalition } => {
                register.suppliers.contains_key(supplier) && register.coalitions.contains_key(coalition)
            }
        }
    }

    /// Its practices on a day: of a coalition those whose membership covers it.
    pub fn practices<'a>(&'a self, register: &'a Draft, day: Date) -> Box<dyn Iterator<Item = &'a Practice> + 'a> {
        let all = || register.practices.values();
        let member = move |practice: &Practice, coalition: &Id| {
            let Ok(day) = Day::of(day) else { return false };
            practice.memberships.iter().any(|one| one.coalition == *coalition && one.covers(day))
        };
        match self {
            Self::Whole => Box::new(all()),
            Self::Practice(name) => Box::new(register.practices.get(name).into_iter()),
            Self::Coalition(id) => Box::new(all().filter(move |practice| member(practice, id))),
            Self::Supplier(id) => Box::new(all().filter(move |practice| practice.system.supplier == *id)),
            Self::Share { supplier, coalition } => {
                Box::new(all().filter(move |one| one.system.supplier == *supplier && member(one, coalition)))
            }
        }
    }

    /// The scopes that it is broken down into, in the order of names; those without a practice on that day too.
    #[must_use]
    pub fn parts(&self, register: &Draft, parts: Parts, day: Date) -> Vec<Self> {
        match (parts, self) {
            (Parts::Practices, _) => {
                self.practices(register, day).map(|practice| Self::Practice(practice.provider.clone())).collect()
            }
            (Parts::Coalitions, Self::Whole) => register.coalitions.keys().cloned().map(Self::Coalition).collect(),
            (Parts::Suppliers, Self::Whole) => register.suppliers.keys().cloned().map(Self::Supplier).collect(),
            (Parts::Coalitions, Self::Supplier(supplier)) => {
                let share = |coalition: &Id| Self::Share { supplier: supplier.clone(), coalition: coalition.clone() };
                register.coalitions.keys().map(share).collect()
            }
            (Parts::Suppliers, Self::Coalition(coalition)) => {
                let share = |supplier: &Id| Self::Share { supplier: supplier.clone(), coalition: coalition.clone() };
                register.suppliers.keys().map(share).collect()
            }
            (Parts::Coalitions | Parts::Suppliers, _) => Vec::new(),
        }
    }
}

/// As [`Scope::parse`] reads it.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("whole"),
            Self::Practice(name) => write!(f, "practice:{}", name.as_str()),
            Self::Coalition(id) => write!(f, "coalition:{}", id.as_str()),
            Self::Supplier(id) => write!(f, "supplier:{}", id.as_str()),
            Self::Share { supplier, coalition } => {
                write!(f, "supplier:{}/coalition:{}", supplier.as_str(), coalition.as_str())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_parses_back_and_nothing_else_parses() {
        for text in
            ["whole", "practice:huisarts.delinde@medmij", "coalition:veluwe", "supplier:a", "supplier:a/coalition:b"]
        {
            assert_eq!(Scope::parse(text).unwrap().to_string(), text);
        }
        for text in
            ["", "all", "practice:", "practice:x", "coalition:A", "supplier:a/b", "supplier:a/coalition:", "x:y"]
        {
            assert_eq!(Scope::parse(text), Err(NoScope), "{text}");
        }
    }
}
