//! The stories as they are written in TOML.

use jiff::civil::Date;
use serde::{Deserialize, Deserializer};

use crate::medmij::{Bsn, ProviderName};

/// A practice with its patients. All days are counted from today, negative ones are past.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Story {
    /// First part of all ids.
    pub(super) key: String,
    #[serde(deserialize_with = "provider")]
    pub(super) provider: ProviderName,
    pub(super) name: String,
    pub(super) street: String,
    pub(super) postal_code: String,
    pub(super) place: String,
    pub(super) ura: String,
    pub(super) access_start_day: i32,
    pub(super) canaries: Vec<String>,
    pub(super) gp: Vec<Gp>,
    pub(super) patient: Vec<Person>,
}

/// A general practitioner.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Gp {
    pub(super) key: String,
    pub(super) given: String,
    pub(super) family: String,
    pub(super) gender: Gender,
    pub(super) uzi: String,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Gender {
    Female,
    Male,
}

/// A patient.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Person {
    #[serde(deserialize_with = "bsn")]
    pub(super) bsn: Bsn,
    pub(super) given: String,
    pub(super) family: String,
    pub(super) gender: Gender,
    pub(super) birth: Birth,
    /// Key of a GP.
    pub(super) gp: String,
    pub(super) street: String,
    pub(super) episode: Vec<Episode>,
    #[serde(default)]
    pub(super) medicine: Vec<Medicine>,
    #[serde(default)]
    pub(super) intolerance: Vec<Intolerance>,
    #[serde(default)]
    pub(super) result: Vec<Measurement>,
    pub(super) consult: Vec<Consult>,
    #[serde(default)]
    pub(super) appointment: Vec<Appointment>,
    #[serde(default)]
    pub(super) document: Vec<Document>,
    #[serde(default)]
    pub(super) measured: Vec<Measured>,
    #[serde(default)]
    pub(super) vaccination: Vec<Vaccination>,
}

/// Time at the practice; past ones were kept.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Appointment {
    pub(super) day: i32,
    /// Dutch time, hours and minutes.
    pub(super) from: String,
    pub(super) to: String,
    pub(super) reason: String,
}

/// A letter in the record; it becomes a PDF.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub(super) day: i32,
    /// LOINC code of the kind, and its name.
    pub(super) loinc: String,
    pub(super) kind: String,
    pub(super) title: String,
    /// Who wrote it.
    pub(super) from: String,
    /// Its paragraphs.
    pub(super) text: Vec<String>,
}

/// What a person measured at home, on a day at a Dutch time.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Measured {
    /// In kg.
    Weight { day: i32, at: String, value: serde_json::Number },
    /// In mmHg.
    BloodPressure { day: i32, at: String, high: serde_json::Number, low: serde_json::Number },
}

impl Measured {
    /// Day and time.
    pub(super) fn moment(&self) -> (i32, &str) {
        match self {
            Self::Weight { day, at, .. } | Self::BloodPressure { day, at, .. } => (*day, at),
        }
    }
}

/// A vaccine that was given.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Vaccination {
    pub(super) day: i32,
    /// SNOMED CT code of the vaccine.
    pub(super) snomed: String,
    pub(super) name: String,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Birth {
    #[serde(deserialize_with = "date")]
    Date(Date),
    /// In whole years, today.
    Age(u8),
}

/// An episode of care; also the problem it is about.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Episode {
    /// ICPC-1-NL; unique among the episodes of a patient.
    pub(super) icpc: String,
    /// Name of the code.
    pub(super) name: String,
    /// What the GP calls it.
    pub(super) title: String,
    pub(super) from: i32,
    /// Last day; without it the episode is open.
    pub(super) to: Option<i32>,
    /// Text of the attention flag.
    pub(super) flag: Option<String>,
}

/// A contact with its four journal lines.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Consult {
    pub(super) day: i32,
    pub(super) how: How,
    /// ICPC of the episode.
    pub(super) episode: String,
    pub(super) s: String,
    pub(super) o: String,
    pub(super) e: String,
    pub(super) p: String,
}

/// How patient and practice met.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum How {
    Consult,
    Visite,
    Telefonisch,
    EConsult,
}

/// A medicine, agreed upon.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Medicine {
    pub(super) prk: String,
    pub(super) name: String,
    pub(super) dose: String,
    /// ICPC of the episode.
    pub(super) episode: String,
    pub(super) from: i32,
    /// Last day of use; without it the use goes on.
    pub(super) to: Option<i32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Intolerance {
    pub(super) code: String,
    pub(super) substance: String,
    pub(super) reaction: String,
    pub(super) day: i32,
}

/// A result of a determination.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Measurement {
    pub(super) kind: MeasurementKind,
    /// Code of NHG table 45; unique among the results of a patient on one day.
    pub(super) code: String,
    pub(super) name: String,
    pub(super) value: serde_json::Number,
    pub(super) unit: String,
    pub(super) ucum: String,
    /// Reference range.
    pub(super) low: Option<serde_json::Number>,
    pub(super) high: Option<serde_json::Number>,
    pub(super) day: i32,
    /// ICPC of the episode.
    pub(super) episode: String,
    /// What was drawn for it.
    pub(super) specimen: Option<String>,
    /// Code of another result of the same day that it goes with.
    pub(super) related: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum MeasurementKind {
    Lab,
    Measurement,
}

impl Story {
    pub(super) fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}

fn provider<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ProviderName, D::Error> {
    ProviderName::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

fn bsn<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bsn, D::Error> {
    Bsn::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}
