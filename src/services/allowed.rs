//! What a service allows: searches, reads and submissions, as the catalogue writes them.

use serde::Deserialize;

/// One allowed search. Every parameter outside this list is refused.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowedSearch {
    /// The resource type in the path.
    pub resource: String,
    /// The operation after it; `None` for a plain search.
    pub operation: Option<Operation>,
    /// Types that may come along as included entries.
    #[serde(default)]
    pub includes: Vec<String>,
    /// What the answer may show.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// Which part of the record it gives. Searches of one part give the same in other ways, so that a complete record has one
    /// of them; without it the search is a part of its own.
    #[serde(default)]
    pub part: Option<String>,
    /// Whether the attention flags of the patient must be known to judge the answer.
    #[serde(default)]
    pub needs_flags: bool,
    /// The parameters.
    #[serde(default)]
    pub parameters: Vec<Parameter>,
}

/// An operation that searches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// `$lastn`: the latest of each code (FHIR STU3 observation-operations.html).
    Lastn,
}

/// A rule of the guideline on online access by patients that holds for this answer. That lines S and O stay hidden, and
/// lines E and P of before the day on which the practice opened, holds for every answer of every service and needs no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Results of the period over which the practice shows them.
    ResultsPeriod,
    /// Closed episodes only under an attention flag.
    ClosedEpisodes,
    /// Only medication in use.
    MedicationInUse,
    /// Only intolerances for medication.
    MedicationIntolerances,
}

/// One allowed parameter.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "super::written::ParameterAsWritten")]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Whether a request without it is refused.
    pub required: bool,
    /// Whether it may stand more than once with other values; all of them must hold.
    pub repeats: bool,
    /// What it may hold.
    pub values: Values,
    /// Where a parameter is defined that is none of FHIR: the canonical URL.
    pub definition: Option<String>,
}

/// What a parameter may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values {
    /// Exactly one of these, after percent-decoding.
    OneOf(Vec<String>),
    /// A list of these with commas between: one of them must hold (FHIR STU3 search.html, 3.1.1.4.14).
    AnyOf(Vec<String>),
    /// A date with one of these prefixes.
    Date {
        /// Allowed comparison prefixes.
        prefixes: Vec<String>,
        /// The earliest date that a lower bound may have; without a lower bound the floor itself is asked.
        floor: Option<Floor>,
    },
    /// How many results are wanted at most; of more than this, this many are given (FHIR R4 search.html, 3.1.1.5.4).
    Count {
        /// Most on one page.
        most: u16,
    },
}

/// The earliest date of a lower bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Floor {
    /// The day of the request, Dutch time.
    Today,
    /// The start of the period over which a practice shows results (14 months by default).
    Results,
}

/// One resource type of which resources may be read by their id.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowedRead {
    /// The resource type in the path.
    pub resource: String,
    /// The searched type of which a visible result must name the resource: only what a search shows can be read.
    pub listed_by: String,
}

/// What may be sent to a service: one bundle of resources.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowedSubmission {
    /// The type of the bundle.
    pub kind: SubmissionKind,
    /// Most entries in one bundle.
    pub max_entries: usize,
    /// The resources in it.
    pub entries: Vec<AllowedEntry>,
}

/// The type of a bundle that is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubmissionKind {
    /// Each entry by itself.
    Batch,
    /// All entries or none.
    Transaction,
}

impl SubmissionKind {
    /// The code in `Bundle.type`, which is also the one of the interaction in a capability statement.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Transaction => "transaction",
        }
    }
}

/// One resource type in a bundle that is sent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowedEntry {
    /// The type.
    pub resource: String,
    /// How many there must be.
    #[serde(default)]
    pub at_least: usize,
    /// How many there may be; without it as many as fit in the bundle.
    pub at_most: Option<usize>,
    /// The profiles of which each must name one in `meta.profile`; empty when none is asked.
    #[serde(default)]
    pub profiles: Vec<String>,
    /// The codes (`system|code`) of which `code` must hold one; empty when none is asked.
    #[serde(default)]
    pub codes: Vec<String>,
}

impl AllowedSearch {
    /// The parameter with this name.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }
}

impl Operation {
    /// Its segment of the path, with the `$`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lastn => "$lastn",
        }
    }
}
