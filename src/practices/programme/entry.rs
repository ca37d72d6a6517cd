//! The entries of the register. Their fields are the form in which they stand in the store, in REST and in TOML.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::words::{Agb, Day, Id, Text};
use crate::medmij::ProviderName;

/// A supplier of information systems for practices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Supplier {
    /// Our own name of it.
    pub id: Id,
    /// Its name for people.
    pub name: Text,
}

/// An organisation of GPs that can be in a coalition. Other organisations cannot, so there are no other kinds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Organisation {
    /// Our own name of it.
    pub id: Id,
    /// Its name for people.
    pub name: Text,
    /// What it is.
    pub kind: OrganisationKind,
}

/// The organisations that the subsidy scheme allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OrganisationKind {
    /// A care group (zorggroep).
    CareGroup,
    /// An umbrella of health centres (koepel van gezondheidscentra).
    HealthCentres,
    /// A GP co-operative (huisartsencoöperatie).
    Cooperative,
    /// A circle of the national association of GPs (LHV-kring).
    LhvCircle,
}

/// A practice that may take part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Practice {
    /// Its name in the network.
    #[schema(value_type = String)]
    pub provider: ProviderName,
    /// Its number in the AGB register.
    pub agb: Agb,
    /// Its name for people.
    pub name: Text,
    /// Where it is.
    pub place: Text,
    /// Enrolled patients of any age; the fee and the size of a coalition count these.
    #[schema(maximum = 1_000_000)]
    pub patients: u32,
    /// Enrolled patients of 16 and older; use is a share of these.
    #[schema(maximum = 1_000_000)]
    pub patients_16: u32,
    /// Its information system.
    pub system: System,
    /// From which day on patients may see what was written; absent until access is switched on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_start: Option<Day>,
    /// The coalitions that it is and was in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memberships: Vec<Membership>,
    /// Who works there, and how many of them did training module 1.
    #[serde(default)]
    pub staff: Staff,
    /// That its patients were told how to look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub informed: Option<Proof>,
    /// That its system works as the guideline has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conforms: Option<Proof>,
}

/// The information system of a practice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// Who supplies it: the id of a supplier.
    pub supplier: Id,
    /// Which installation of it: the id in the configuration, when this gateway serves the practice.
    pub installation: Id,
    /// Its version, as the supplier writes it.
    pub version: Text,
}

/// A time in a coalition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Membership {
    /// Of which coalition: its id.
    pub coalition: Id,
    /// The first day.
    pub from: Day,
    /// The last day; absent while it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Day>,
}

impl Membership {
    /// Whether it covers a day.
    #[must_use]
    pub fn covers(&self, day: Day) -> bool {
        self.from <= day && self.until.is_none_or(|until| day <= until)
    }
}

/// The people of a practice, by function.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Staff {
    /// General practitioners.
    pub gp: Function,
    /// Practice nurses (praktijkondersteuner huisartsenzorg, POH).
    pub poh: Function,
    /// Practice managers.
    pub manager: Function,
    /// Assistants.
    pub assistant: Function,
}

impl Staff {
    /// Each function by its name.
    #[must_use]
    pub const fn functions(&self) -> [(&'static str, Function); 4] {
        [("gp", self.gp), ("poh", self.poh), ("manager", self.manager), ("assistant", self.assistant)]
    }
}

/// How many people of one function there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// In all.
    pub employed: u16,
    /// Those of them who did training module 1 (online access per the guideline).
    pub trained: u16,
}

/// That something is so, since when, and where that can be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Since which day.
    pub on: Day,
    /// Where it can be seen: a file, a letter, a page.
    pub evidence: Text,
}

/// A regional coalition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Coalition {
    /// Our own name of it.
    pub id: Id,
    /// Its name for people.
    pub name: Text,
    /// The lead party (penvoerder): the id of one of its organisations.
    pub lead: Id,
    /// The ids of its organisations.
    pub organisations: BTreeSet<Id>,
    /// Why it may have fewer than 100,000 patients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<Exception>,
    /// Step 1, first half: the tasks are divided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<Proof>,
    /// Step 1, second half: the agreement is signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Proof>,
    /// Step 2: registered with the programme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered: Option<Proof>,
    /// Step 3: the subsidy is applied for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subsidy: Option<Proof>,
    /// Step 4: the activities are carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activities: Option<Proof>,
    /// Step 5: the programme is finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished: Option<Proof>,
}

/// Why a coalition may have fewer patients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// Which of the two grounds of the scheme.
    pub kind: ExceptionKind,
    /// The ground itself.
    pub ground: Text,
}

/// The grounds on which the scheme allows a smaller coalition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExceptionKind {
    /// The region lies apart, as an island does.
    Geography,
    /// It worked together already, and was smaller.
    Partnership,
}
