//! The shipped records: invented people of three invented practices, told in `fixtures/practices/*.toml` in days from today
//! and expanded into STU3 resources.

mod element;
mod journal;
mod pdf;
mod people;
mod shared;
mod story;
mod treatment;

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde_json::Value;

use self::story::{Birth, Person, Story};
use crate::medmij::{Bsn, ProviderName};

/// The stories, embedded; the first is that of the practice that also takes `--his-data`.
const STORIES: [&str; 3] = [
    include_str!("../../fixtures/practices/delinde.toml"),
    include_str!("../../fixtures/practices/haven.toml"),
    include_str!("../../fixtures/practices/molenwiek.toml"),
];

/// A practice and the records its HIS holds.
#[derive(Debug, Clone)]
pub struct Practice {
    /// Name in the MedMij network.
    pub provider: ProviderName,
    /// Name on the door.
    pub name: String,
    /// Town.
    pub place: String,
    /// From this day on the practice gives access; E and P lines of before stay closed.
    pub access_start: Date,
    /// Its records, as STU3 resources.
    pub resources: Vec<Value>,
    /// What it keeps in R4.
    pub r4: Vec<Value>,
    /// Its patients.
    pub patients: Vec<ShippedPatient>,
    /// Words that stand in S and O lines only, and may never reach a patient.
    pub canaries: Vec<String>,
}

/// An invented person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShippedPatient {
    /// A test BSN.
    pub bsn: Bsn,
    /// Family name.
    pub family: String,
    /// Given name.
    pub given: String,
    /// Date of birth.
    pub birth_date: Date,
}

/// The shipped practices as they look on the day `today`: the same for the same day.
///
/// # Panics
/// Never: the embedded stories are read by the tests.
#[must_use]
pub fn shipped(today: Date) -> Vec<Practice> {
    let parse = |text: &str| Story::parse(text).expect("the embedded stories are well-formed");
    STORIES.iter().map(|text| expand(parse(text), today)).collect()
}

/// A person of STU3 records in R4, where vaccinations are kept.
pub(super) fn r4_patient(stu3: &Value) -> Value {
    shared::r4_patient(stu3)
}

fn expand(story: Story, today: Date) -> Practice {
    let calendar = Calendar { today };
    let mut resources = people::practice(&story);
    let (mut r4, mut patients) = (Vec::new(), Vec::new());
    for (number, person) in (1..).zip(&story.patient) {
        let record = Record { story: &story, person, number, calendar };
        resources.push(people::patient(&record));
        resources.extend(journal::resources(&record));
        resources.extend(treatment::resources(&record));
        resources.extend(shared::resources(&record));
        r4.extend(shared::r4_resources(&record));
        patients.push(ShippedPatient {
            bsn: person.bsn.clone(),
            family: person.family.clone(),
            given: person.given.clone(),
            birth_date: calendar.birth_date(person.birth),
        });
    }
    Practice {
        access_start: calendar.day(story.access_start_day),
        provider: story.provider,
        name: story.name,
        place: story.place,
        resources,
        r4,
        patients,
        canaries: story.canaries,
    }
}

/// Turns days from today into dates.
#[derive(Debug, Clone, Copy)]
struct Calendar {
    today: Date,
}

impl Calendar {
    fn day(self, days_from_today: i32) -> Date {
        self.today.saturating_add(days_from_today.days())
    }

    /// Whoever is told by age had a birthday a hundred days ago.
    fn birth_date(self, birth: Birth) -> Date {
        match birth {
            Birth::Date(date) => date,
            Birth::Age(years) => self.day(-100).saturating_sub(i32::from(years).years()),
        }
    }
}

/// One patient's part of a story, with what names and dates need.
#[derive(Debug, Clone, Copy)]
struct Record<'a> {
    story: &'a Story,
    person: &'a Person,
    /// From 1, within the practice.
    number: usize,
    calendar: Calendar,
}

impl Record<'_> {
    /// Part of an id for something about an episode. It counts episodes and does not name them: the id of one that is hidden
    /// stands in References.
    fn episode_part(&self, what: &str, icpc: &str) -> String {
        let number = self.person.episode.iter().take_while(|episode| episode.icpc != icpc).count() + 1;
        format!("{what}-{number}")
    }

    /// An id: unique in the practice, the same every day.
    fn id(&self, what: &str) -> String {
        format!("{}-p{}-{what}", self.story.key, self.number)
    }

    fn date(&self, day: i32) -> String {
        self.calendar.day(day).to_string()
    }

    /// A Dutch time of day (`HH:MM`) with its offset. Winter time, whatever the season: it is a moment, and the pages show it
    /// in Dutch time.
    fn moment(&self, day: i32, time: &str) -> String {
        format!("{}T{time}:00+01:00", self.date(day))
    }

    fn full_name(&self) -> String {
        format!("{} {}", self.person.given, self.person.family)
    }

    fn subject(&self) -> Value {
        element::reference("Patient", &self.id("patient"), &self.full_name())
    }

    /// The identifier every record line has in this HIS.
    fn identifier(&self, id: &str) -> Value {
        element::identifier(&format!("https://{}.example/fhir/NamingSystem/dossierregel", self.story.key), id)
    }

    fn gp(&self) -> Value {
        people::gp_reference(self.story, &self.person.gp)
    }

    /// The extension that ties a line to its episode, when the patient has that episode.
    fn episode_extension(&self, icpc: &str) -> Option<Value> {
        let reference = self.episode_reference(icpc)?;
        Some(element::extension("extension-context-nl-core-episodeofcare", "valueReference", reference))
    }

    fn episode_reference(&self, icpc: &str) -> Option<Value> {
        let episode = self.person.episode.iter().find(|episode| episode.icpc == icpc)?;
        Some(element::reference("EpisodeOfCare", &self.id(&self.episode_part("episode", icpc)), &episode.title))
    }
}

#[cfg(test)]
mod tests;
