//! What the pages of the demonstration PGO and portal let people choose from.

use std::sync::Arc;

use super::layout::{Layout, TestPerson};
use crate::sandbox::his::Emulator;
use crate::sandbox::records::Practice;

/// A practice, for the pages of the demonstration PGO and portal.
#[derive(Debug, Clone)]
pub struct ListedPractice {
    /// Its name in the network.
    pub provider: String,
    /// Name on the door.
    pub name: String,
    /// Town.
    pub place: String,
}

/// What the demonstration PGO and portal let people choose from.
#[derive(Debug, Clone)]
pub struct Directory {
    /// The practices.
    pub practices: Vec<ListedPractice>,
    /// The test persons.
    pub people: Vec<TestPerson>,
}

/// For the pages of the demonstration PGO and portal.
pub(super) fn directory(layout: &Layout, practices: &[Practice], his: &[Arc<Emulator>]) -> Directory {
    let listed = practices.iter().map(|practice| ListedPractice {
        provider: practice.provider.to_string(),
        name: practice.name.clone(),
        place: practice.place.clone(),
    });
    Directory { practices: listed.collect(), people: layout.people(practices, his) }
}
