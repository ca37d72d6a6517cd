//! What the pages show, taken from the register of OPEN, the lists and the stages in force.

use jiff::civil::Date;

use super::leaflet::Leaflet;
use crate::medmij::ProviderName;
use crate::operations::register::{DeclarationView, SaidView, StandingView};
use crate::practices::golive::Stage;
use crate::practices::programme::Id;

/// What may be shown: that it is shown is on record.
#[derive(Debug)]
pub enum Seen {
    /// A practice.
    Practice(Box<PracticeView>),
    /// Its texts for patients; `None` as long as it offers nothing.
    Texts(Box<PracticeView>, Option<Box<Leaflet>>),
    /// A coalition.
    Coalition(Box<CoalitionView>),
    /// All of them.
    Programme(ProgrammeView),
    /// Who may declare.
    Declarations(DeclarationsView),
}

/// How far a practice is.
#[derive(Debug)]
pub struct PracticeView {
    /// Its name in the network.
    pub provider: ProviderName,
    /// Its name for people.
    pub name: String,
    /// Where it is.
    pub place: String,
    /// Whether this gateway serves it.
    pub is_served: bool,
    /// Whether an operator stopped it, or everything.
    pub is_stopped: bool,
    /// Whether it is on the list of care providers (ZAL).
    pub on_zal: bool,
    /// From which day on notes are shown.
    pub access_start: Option<Date>,
    /// Each service; none when another gateway serves it.
    pub services: Vec<ServiceView>,
    /// What the register of OPEN says; `None` when it is not in it.
    pub registered: Option<RegisteredView>,
}

/// How far a practice is with a service.
#[derive(Debug)]
pub struct ServiceView {
    /// What people call it.
    pub name: String,
    /// Whether the list of care providers has it.
    pub is_listed: bool,
    /// How far it is.
    pub stage: Stage,
    /// Since which day, when operators set it.
    pub since: Option<Date>,
    /// How many places of a pilot are taken.
    pub taken: usize,
}

/// What the register says of a practice.
#[derive(Debug)]
pub struct RegisteredView {
    /// Its number in the AGB register.
    pub agb: String,
    /// Enrolled patients of any age.
    pub patients: u32,
    /// Enrolled patients of 16 and older.
    pub patients_16: u32,
    /// The coalition that it is in: name and id.
    pub coalition: Option<(String, Id)>,
    /// Whether it may declare its fee.
    pub declaration: DeclarationView,
}

/// How far a practice is, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Progress {
    /// This gateway does not serve it.
    Elsewhere,
    /// Nobody gets in.
    Closed,
    /// Nobody for now.
    Paused,
    /// Test patients get in.
    FieldTest,
    /// Some patients get in.
    Pilot,
    /// Every patient gets in, with one service at least.
    Open,
}

/// A practice among those of a coalition.
#[derive(Debug)]
pub struct MemberView {
    /// Its name in the network.
    pub provider: ProviderName,
    /// Its name for people.
    pub name: String,
    /// Where it is.
    pub place: String,
    /// Whether it is on the list of care providers.
    pub on_zal: bool,
    /// How far it is.
    pub progress: Progress,
    /// Whether it may declare its fee.
    pub declaration: DeclarationView,
}

/// How far a coalition is.
#[derive(Debug)]
pub struct CoalitionView {
    /// Our name of it.
    pub id: Id,
    /// Its name for people.
    pub name: String,
    /// Its steps, and what it misses.
    pub standing: StandingView,
    /// Its practices of today, by name.
    pub members: Vec<MemberView>,
}

/// All coalitions.
#[derive(Debug)]
pub struct ProgrammeView {
    /// By name.
    pub coalitions: Vec<(String, Id, StandingView)>,
    /// Practices of the register.
    pub practices: usize,
    /// Those on the list of care providers.
    pub on_zal: usize,
    /// Those that may declare their fee.
    pub declarable: usize,
}

/// Some practices, and whether each may declare.
#[derive(Debug)]
pub struct DeclarationsView {
    /// What they were found by.
    pub with: String,
    /// How many there are.
    pub total: usize,
    /// These of them, by number.
    pub practices: Vec<DeclaredView>,
    /// Where the next ones begin.
    pub next: Option<String>,
}

/// Whether a practice may declare its fee; all that an insurer sees of it.
#[derive(Debug)]
pub struct DeclaredView {
    /// Its number in the AGB register.
    pub agb: String,
    /// Its name for people.
    pub name: String,
    /// Whether it may.
    pub declarable: bool,
    /// What stands in the way.
    pub unmet: Vec<SaidView>,
}

impl Progress {
    /// How far a stage is.
    #[must_use]
    pub const fn of(stage: &Stage) -> Self {
        match stage {
            Stage::Closed => Self::Closed,
            Stage::Paused => Self::Paused,
            Stage::FieldTest => Self::FieldTest,
            Stage::Pilot(_) => Self::Pilot,
            Stage::Open => Self::Open,
        }
    }
}
