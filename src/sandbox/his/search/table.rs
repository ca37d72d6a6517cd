//! What can be searched: parameters and includes of each resource type, as data.

use crate::medmij::FhirVersion;

/// One step into a resource.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// A member; of a list each item.
    Member(&'static str),
    /// The extensions with this URL.
    Extension(&'static str),
}

/// A path into a resource.
pub(super) type Path = &'static [Step];

/// How the values of a parameter are read.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// The logical id.
    Id,
    /// A code, coding or identifier; `system` is what a plain code is bound to.
    Token {
        /// Code system of elements of type `code`.
        system: Option<&'static str>,
    },
    /// A date or Period.
    Date,
    /// The Nictiz parameter over the period a medicine is used in.
    PeriodOfUse,
    /// A reference to a Patient.
    Patient,
}

impl Kind {
    /// The type of the parameter in FHIR's own words.
    #[must_use]
    pub const fn fhir_type(self) -> &'static str {
        match self {
            Self::Id | Self::Token { .. } => "token",
            Self::Date | Self::PeriodOfUse => "date",
            Self::Patient => "reference",
        }
    }
}

/// A search parameter.
#[derive(Debug)]
pub struct Parameter {
    /// Name in the query.
    pub name: &'static str,
    /// How its values are read.
    pub kind: Kind,
    /// Where it looks; any may match.
    pub paths: &'static [Path],
}

/// A value of `_include`.
#[derive(Debug)]
pub struct Include {
    /// `Type:parameter`, or `Type:parameter:target`.
    pub name: &'static str,
    /// Where the references are.
    pub path: Path,
    /// The only type that comes along. `None`: any.
    pub target: Option<&'static str>,
}

/// All of one resource type.
#[derive(Debug)]
pub struct TypeTable {
    /// The resource type.
    pub kind: &'static str,
    /// Its parameters.
    pub parameters: &'static [Parameter],
    /// Its includes.
    pub includes: &'static [Include],
}

macro_rules! path {
    ($($member:literal).+) => { &[$(Step::Member($member)),+] };
}

macro_rules! parameter {
    ($name:literal, $kind:expr, $($($member:literal).+),*) => {
        Parameter { name: $name, kind: $kind, paths: &[$(path!($($member).+)),*] }
    };
}

macro_rules! include_of {
    ($name:literal, $($member:literal).+) => {
        Include { name: $name, path: path!($($member).+), target: None }
    };
}

const TOKEN: Kind = Kind::Token { system: None };
const ID: Parameter = Parameter { name: "_id", kind: Kind::Id, paths: &[] };
const IDENTIFIER: Parameter = parameter!("identifier", TOKEN, "identifier");

const fn bound(system: &'static str) -> Kind {
    Kind::Token { system: Some(system) }
}

/// The parameters by which nearly every type names its patient.
macro_rules! subject {
    () => {
        parameter!("subject", Kind::Patient, "subject")
    };
}

macro_rules! patient {
    ($member:literal) => {
        parameter!("patient", Kind::Patient, $member)
    };
}

mod care;
mod gp;
mod r4;

/// Every type this HIS serves in a version.
#[must_use]
pub fn tables(version: FhirVersion) -> &'static [&'static [TypeTable]] {
    match version {
        FhirVersion::Stu3 => &[gp::TYPES, care::TYPES],
        FhirVersion::R4 => &[r4::TYPES],
    }
}
