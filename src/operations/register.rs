//! The register of the OPEN programme as operators see it: entries with their versions, and what follows from them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::state::Part;
use super::view;
use crate::language::Language;
use crate::practices::programme::file::Fault;
use crate::practices::programme::{
    Breach, Coalition, Day, Difference, Done, Draft, Entry, EntryKind, FeeLevels, Judged, Key, Practice, Register,
    RegisterError, Row, Stale, declaration, standing,
};
use crate::routing::Snapshot;
use crate::services::Service;

/// What the practice fee is.
static LEVELS: LazyLock<FeeLevels> = LazyLock::new(FeeLevels::shipped);

/// The time zone of the programme's days.
const ZONE: &str = "Europe/Amsterdam";

/// Some entries of the register.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RegisterView {
    /// How often the register was changed.
    pub revision: u64,
    /// How many entries there are of the kind that was asked for.
    pub total: usize,
    /// These of them.
    pub entries: Vec<EntryView>,
    /// Ask again with `after` this for the next ones; absent at the end.
    pub next: Option<String>,
}

/// An entry, and what follows from it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EntryView {
    /// `supplier`, `organisation`, `practice` or `coalition`.
    pub kind: &'static str,
    /// The version, which a change has to name.
    pub version: u32,
    /// When this version was made.
    pub changed: String,
    /// The entry itself.
    pub entry: Entry,
    /// Where a coalition stands.
    pub standing: Option<StandingView>,
    /// Whether a practice may declare its fee.
    pub declaration: Option<DeclarationView>,
    /// How a practice is known to this gateway and to the network.
    pub network: Option<NetworkView>,
}

/// Where a coalition stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StandingView {
    /// The five steps in their order, and the day on which each was taken.
    pub steps: Vec<StepView>,
    /// The next step; absent when all are taken.
    pub next: Option<&'static str>,
    /// What it misses for that.
    pub missing: Vec<SaidView>,
    /// Practices that are in it today.
    pub practices: usize,
    /// Their patients, of any age.
    pub patients: u64,
    /// Those of the practices that are on the ZAL.
    pub on_zal: usize,
}

/// A step of a coalition.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StepView {
    /// `formed`, `registered`, `subsidy`, `activities` or `finished`.
    pub step: &'static str,
    /// In words.
    pub text: SaidView,
    /// On which day it was taken.
    pub on: Option<String>,
}

/// Something in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SaidView {
    /// In Dutch.
    pub nl: String,
    /// In English.
    pub en: String,
}

impl SaidView {
    /// By what says it.
    pub fn of(say: impl Fn(Language) -> String) -> Self {
        Self { nl: say(Language::Dutch), en: say(Language::English) }
    }

    /// In one of both.
    #[must_use]
    pub fn text(&self, language: Language) -> &str {
        match language {
            Language::Dutch => &self.nl,
            Language::English => &self.en,
        }
    }
}

/// Whether a practice may declare its fee.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DeclarationView {
    /// Whether all conditions are met.
    pub declarable: bool,
    /// Each condition.
    pub conditions: Vec<ConditionView>,
    /// What the fee is, in cents.
    pub cents: u64,
    /// At the level of which year.
    pub level: i16,
}

/// A condition of the fee.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConditionView {
    /// Which.
    pub text: SaidView,
    /// Why it is met; absent when it is not.
    pub evidence: Option<String>,
}

/// How a practice is known outside the register.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NetworkView {
    /// Whether it is on the ZAL.
    pub on_zal: bool,
    /// Whether this gateway serves it.
    pub served: bool,
    /// How far it is with each service that is on the ZAL, by its id: the stage in force.
    pub go_live: BTreeMap<String, &'static str>,
    /// What the configuration tells otherwise.
    pub differences: Vec<DifferenceView>,
}

/// A field that is different.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DifferenceView {
    /// Which.
    pub field: String,
    /// What it was, or what the register says.
    pub was: String,
    /// What it is, or what the configuration says.
    pub is: String,
}

/// A version of an entry.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct VersionView {
    /// Counts from 1.
    pub version: u32,
    /// Who made it.
    pub by: String,
    /// When.
    pub at: String,
    /// The entry; absent when it was taken out.
    #[schema(value_type = Option<Entry>)]
    pub entry: Option<Box<RawValue>>,
}

/// What changes did, or would do.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ChangedView {
    /// Whether they were only tried.
    pub dry_run: bool,
    /// The revision of the register.
    pub revision: u64,
    /// Each entry.
    pub entries: Vec<ChangedEntryView>,
    /// The record of it in the audit log; absent when nothing was done.
    pub receipt: Option<String>,
}

/// What became of an entry.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ChangedEntryView {
    /// Its line in the file, when it comes from one.
    pub line: Option<u64>,
    /// `practice:name@medmij`, and so on.
    pub key: String,
    /// `added`, `changed`, `same` or `removed`.
    pub done: &'static str,
}

/// Why the register was not changed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RegisterRefusalView {
    /// A code.
    pub error: &'static str,
    /// For people.
    pub text: String,
    /// What would not be in order.
    pub breaches: Vec<BreachView>,
    /// What in the file cannot be read.
    pub faults: Vec<FaultView>,
    /// What changed since.
    pub stale: Option<StaleView>,
}

/// A breach of a rule.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BreachView {
    /// A code.
    pub code: &'static str,
    /// In words.
    pub text: SaidView,
}

/// A place in a file.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FaultView {
    /// From 1.
    pub line: u64,
    /// From 1: the character in a line of TOML, the cell in a line of CSV.
    pub column: u64,
    /// What was expected there.
    pub expected: String,
}

/// What changed since a change was made.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StaleView {
    /// Of which entry.
    pub key: String,
    /// The version that the change was made from.
    pub made_from: u32,
    /// The version now; 0 when there is no such entry.
    pub version: u32,
    /// Since when.
    pub since: Option<String>,
    /// What is different.
    pub differences: Vec<DifferenceView>,
}

/// What an entry is seen against.
pub(crate) struct Scene<'a> {
    pub(crate) register: &'a Register,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) today: Day,
    now: Timestamp,
}

impl<'a> Scene<'a> {
    /// On the day of this moment. A clock before 2000 or after 2100 has no day of the programme.
    pub(crate) fn of(register: &'a Register, snapshot: &'a Snapshot, now: Timestamp) -> Option<Self> {
        let today = Day::of(now.in_tz(ZONE).ok()?.date()).ok()?;
        Some(Self { register, snapshot, today, now })
    }

    /// The entries of a kind that somebody asks for.
    pub(super) fn list(&self, kind: EntryKind, part: &Part) -> RegisterView {
        let all: Vec<_> = names(self.register.entries(), kind);
        let found = all.iter().filter(|(id, name)| part.wants([id, name])).map(|(id, _)| *id);
        let found: BTreeSet<&str> = found.collect();
        let (taken, next) = part.take(&found);
        let entries = taken.into_iter().filter_map(|id| self.entry(&Key::parse(kind, id)?));
        RegisterView { revision: self.register.revision(), total: found.len(), entries: entries.collect(), next }
    }

    /// One entry.
    pub(super) fn entry(&self, key: &Key) -> Option<EntryView> {
        let (entry, version) = (self.register.entries().entry(key)?, self.register.version(key)?);
        let (mut standing, mut declaration, mut network) = (None, None, None);
        match &entry {
            Entry::Coalition(coalition) => standing = Some(self.standing(coalition)),
            Entry::Practice(practice) => {
                declaration = Some(self.declaration(practice));
                network = Some(self.network(practice));
            }
            Entry::Supplier(_) | Entry::Organisation(_) => {}
        }
        let (kind, changed) = (key.kind().as_str(), view::moment(version.at));
        Some(EntryView { kind, version: version.number, changed, entry, standing, declaration, network })
    }

    pub(crate) fn is_on_zal(&self, provider: &str) -> bool {
        self.snapshot.lists.zal.provider(provider).is_some()
    }

    pub(crate) fn standing(&self, coalition: &Coalition) -> StandingView {
        let is_on_zal = |provider: &crate::medmij::ProviderName| self.is_on_zal(provider.as_str());
        let found = standing(self.register.entries(), coalition, self.today, is_on_zal);
        let steps = coalition.steps().into_iter().map(|(step, on)| StepView {
            step: step.code(),
            text: SaidView::of(|language| step.text(language).to_owned()),
            on: on.map(|day| day.to_string()),
        });
        StandingView {
            steps: steps.collect(),
            next: found.next.map(crate::practices::programme::Step::code),
            missing: found.missing.iter().map(|one| SaidView::of(|language| one.text(language))).collect(),
            practices: found.practices,
            patients: found.patients,
            on_zal: found.on_zal,
        }
    }

    pub(crate) fn declaration(&self, practice: &Practice) -> DeclarationView {
        let found = declaration(practice, &LEVELS, self.today);
        let declarable = found.unmet().next().is_none();
        let condition = |(condition, evidence): (crate::practices::programme::Condition, _)| ConditionView {
            text: SaidView::of(|language| condition.text(language).to_owned()),
            evidence,
        };
        let conditions = found.conditions.into_iter().map(condition).collect();
        DeclarationView { declarable, conditions, cents: found.cents, level: found.level }
    }

    fn go_live(&self, served: &crate::practices::Practice) -> BTreeMap<String, &'static str> {
        let given = |service: &&Service| self.snapshot.gives(served.provider.as_str(), service, self.now);
        let stage = |service: &Service| self.snapshot.stages.in_force(served, &service.id).stage().name();
        let given = self.snapshot.services.iter().filter(given);
        given.map(|service| (service.id.to_string(), stage(service))).collect()
    }

    fn network(&self, practice: &Practice) -> NetworkView {
        let served = self.snapshot.practices.practice(practice.provider.as_str());
        let differences = served.map(|served| {
            let start = practice.access_start.map(|day| day.to_string()).unwrap_or_default();
            let fields = [
                ("name", practice.name.to_string(), served.name.clone()),
                ("place", practice.place.to_string(), served.place.clone()),
                ("installation", practice.system.installation.to_string(), served.his.clone()),
                ("access_start", start, served.access_start.to_string()),
            ];
            let different = fields.into_iter().filter(|(_, was, is)| was != is);
            different.map(|(field, was, is)| DifferenceView { field: field.to_owned(), was, is }).collect()
        });
        NetworkView {
            on_zal: self.is_on_zal(practice.provider.as_str()),
            served: served.is_some(),
            go_live: served.map(|served| self.go_live(served)).unwrap_or_default(),
            differences: differences.unwrap_or_default(),
        }
    }
}

/// The entries of a kind: id, and name for people.
fn names(draft: &Draft, kind: EntryKind) -> Vec<(&str, &str)> {
    match kind {
        EntryKind::Supplier => draft.suppliers.values().map(|one| (one.id.as_str(), one.name.as_str())).collect(),
        EntryKind::Organisation => {
            draft.organisations.values().map(|one| (one.id.as_str(), one.name.as_str())).collect()
        }
        EntryKind::Practice => draft.practices.values().map(|one| (one.provider.as_str(), one.name.as_str())).collect(),
        EntryKind::Coalition => draft.coalitions.values().map(|one| (one.id.as_str(), one.name.as_str())).collect(),
    }
}

/// A version, as it is kept.
pub(super) fn version(row: Row) -> VersionView {
    let entry = row.document.and_then(|document| RawValue::from_string(document).ok());
    VersionView { version: row.version, by: row.by, at: view::moment(row.at), entry }
}

/// What changes did, each with its line when they come from a file.
pub(super) fn changed<'a>(
    keys: impl Iterator<Item = (Option<u64>, &'a Key)>,
    judged: &Judged,
    receipt: Option<String>,
) -> ChangedView {
    let word = |done: &Done| match done {
        Done::Added => "added",
        Done::Changed => "changed",
        Done::Same => "same",
        Done::Removed => "removed",
    };
    let each = keys.zip(&judged.done);
    let entries = each.map(|((line, key), done)| ChangedEntryView { line, key: key.to_string(), done: word(done) });
    ChangedView { dry_run: receipt.is_none(), revision: judged.revision, entries: entries.collect(), receipt }
}

impl RegisterRefusalView {
    /// Of a file that cannot be read.
    #[must_use]
    pub fn faults(faults: &[Fault]) -> Self {
        let view =
            |fault: &Fault| FaultView { line: fault.line, column: fault.column, expected: fault.expected.clone() };
        let text = "the file is not in order; nothing of it was taken over".to_owned();
        Self {
            error: "file-not-in-order",
            text,
            breaches: Vec::new(),
            faults: faults.iter().map(view).collect(),
            stale: None,
        }
    }

    /// Of a change that is not made.
    #[must_use]
    pub fn of(error: &RegisterError) -> Self {
        let (mut breaches, mut stale) = (Vec::new(), None);
        match error {
            RegisterError::Breaches(found) => breaches = found.iter().map(breach).collect(),
            RegisterError::Stale(found) => stale = Some(stale_view(found)),
            RegisterError::Absent(_)
            | RegisterError::Twice(_)
            | RegisterError::Busy
            | RegisterError::Unreadable(_)
            | RegisterError::Store => {}
        }
        Self { error: code(error), text: error.to_string(), breaches, faults: Vec::new(), stale }
    }
}

/// The code of a refusal, which is also the reason in the audit.
pub(super) const fn code(error: &RegisterError) -> &'static str {
    match error {
        RegisterError::Stale(_) => "changed-since",
        RegisterError::Breaches(_) => "register-not-in-order",
        RegisterError::Absent(_) => "no-such-entry",
        RegisterError::Twice(_) => "entry-twice",
        RegisterError::Busy => "register-busy",
        RegisterError::Unreadable(_) => "register-unreadable",
        RegisterError::Store => "store-down",
    }
}

fn breach(breach: &Breach) -> BreachView {
    BreachView { code: breach.code(), text: SaidView::of(|language| breach.text(language)) }
}

fn stale_view(stale: &Stale) -> StaleView {
    let difference =
        |one: &Difference| DifferenceView { field: one.field.clone(), was: one.was.clone(), is: one.is.clone() };
    StaleView {
        key: stale.key.to_string(),
        made_from: stale.made_from,
        version: stale.version,
        since: stale.newest.as_ref().map(|version| view::moment(version.at)),
        differences: stale.differences.iter().map(difference).collect(),
    }
}
