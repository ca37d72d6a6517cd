//! The practices and invented people from whom the start pages let choose.

use jiff::civil::Date;

use super::day::Day;
use crate::sandbox::world::{Directory, ListedPractice, TestPerson};

/// A practice with its people.
pub(in crate::sandbox) struct Choice<'a> {
    pub(in crate::sandbox) practice: &'a ListedPractice,
    pub(in crate::sandbox) people: Vec<Invented<'a>>,
}

/// An invented person.
pub(in crate::sandbox) struct Invented<'a> {
    /// Their place in the directory.
    pub(in crate::sandbox) number: usize,
    pub(in crate::sandbox) person: &'a TestPerson,
    pub(in crate::sandbox) age: Option<i16>,
}

/// Everybody of the directory, by practice. `today` is for the ages.
pub(in crate::sandbox) fn choices(directory: &Directory, today: Date) -> Vec<Choice<'_>> {
    let people = |provider: &str| {
        let everybody = directory.people.iter().enumerate();
        let own = everybody.filter(|(_, person)| person.provider == provider);
        own.map(|(number, person)| Invented { number, person, age: age(person, today) }).collect()
    };
    directory.practices.iter().map(|practice| Choice { practice, people: people(&practice.provider) }).collect()
}

fn age(person: &TestPerson, today: Date) -> Option<i16> {
    person.birth_date.and_then(|born| Day::of(born).years_until(today))
}
