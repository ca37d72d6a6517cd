//! What a register may not be: every breach with its reason, from one pure function.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::draft::{Draft, Key};
use super::entry::{Coalition, Membership, Practice};
use super::steps::Step;
use super::words::{Day, Id};
use super::{ENTRIES_MAX, ORGANISATIONS_MIN, PATIENTS_MIN};
use crate::language::Language;
use crate::medmij::ProviderName;

/// Why a register is not in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Breach {
    /// An entry refers to one that is not there.
    Unknown {
        /// Which entry.
        of: Key,
        /// What it refers to.
        refers_to: Key,
    },
    /// Two practices have the same AGB code.
    SharedAgb {
        /// One.
        practice: ProviderName,
        /// The one before it.
        other: ProviderName,
    },
    /// More patients of 16 and older than patients.
    MoreAdults {
        /// Which practice.
        practice: ProviderName,
    },
    /// More people of a function did the training than there are.
    MoreTrained {
        /// Which practice.
        practice: ProviderName,
        /// `gp`, `poh`, `manager` or `assistant`.
        function: &'static str,
    },
    /// A membership ends before it begins.
    EndsBeforeItBegins {
        /// Which practice.
        practice: ProviderName,
        /// Of which coalition.
        coalition: Id,
    },
    /// A practice is in a coalition twice at a time, or in two.
    TwoAtATime {
        /// Which practice.
        practice: ProviderName,
        /// One.
        coalition: Id,
        /// The other.
        other: Id,
        /// The first day of both.
        on: Day,
    },
    /// A practice comes into a coalition after its programme was finished.
    JoinsAfterTheEnd {
        /// Which practice.
        practice: ProviderName,
        /// Which coalition.
        coalition: Id,
    },
    /// The lead party is none of the organisations.
    LeadOutside {
        /// Which coalition.
        coalition: Id,
    },
    /// A step is taken before the one before it.
    StepTooSoon {
        /// Which coalition.
        coalition: Id,
        /// Which step.
        step: Step,
    },
    /// A coalition is formed with too few organisations.
    TooFewOrganisations {
        /// Which coalition.
        coalition: Id,
        /// How many it has.
        have: usize,
    },
    /// A coalition is formed with too few patients, and without an exception.
    TooFewPatients {
        /// Which coalition.
        coalition: Id,
        /// How many its practices have.
        have: u64,
        /// On the day that it was formed.
        on: Day,
    },
    /// More entries than there can be.
    TooMany,
}

/// Every breach, in no order that means anything.
#[must_use]
pub fn breaches(draft: &Draft) -> Vec<Breach> {
    let mut found = Vec::new();
    if draft.len() > ENTRIES_MAX {
        found.push(Breach::TooMany);
    }
    shared_numbers(draft, &mut found);
    for practice in draft.practices.values() {
        counts(practice, &mut found);
        memberships(draft, practice, &mut found);
    }
    let sizes = sizes_when_formed(draft);
    for coalition in draft.coalitions.values() {
        organisations(draft, coalition, &mut found);
        order(coalition, &mut found);
        size(coalition, sizes.get(&coalition.id).copied().unwrap_or_default(), &mut found);
    }
    found
}

fn shared_numbers(draft: &Draft, found: &mut Vec<Breach>) {
    let mut seen = BTreeMap::new();
    for practice in draft.practices.values() {
        if let Some(other) = seen.insert(&practice.agb, &practice.provider) {
            found.push(Breach::SharedAgb { practice: practice.provider.clone(), other: other.clone() });
        }
    }
}

fn counts(practice: &Practice, found: &mut Vec<Breach>) {
    let provider = || practice.provider.clone();
    if practice.patients_16 > practice.patients {
        found.push(Breach::MoreAdults { practice: provider() });
    }
    let functions = practice.staff.functions().into_iter().filter(|(_, function)| function.trained > function.employed);
    found.extend(functions.map(|(function, _)| Breach::MoreTrained { practice: provider(), function }));
}

fn memberships(draft: &Draft, practice: &Practice, found: &mut Vec<Breach>) {
    let provider = || practice.provider.clone();
    let of = || Key::Practice(provider());
    if !draft.suppliers.contains_key(&practice.system.supplier) {
        found.push(Breach::Unknown { of: of(), refers_to: Key::Supplier(practice.system.supplier.clone()) });
    }
    for (at, one) in practice.memberships.iter().enumerate() {
        let coalition = || one.coalition.clone();
        if one.until.is_some_and(|until| until < one.from) {
            found.push(Breach::EndsBeforeItBegins { practice: provider(), coalition: coalition() });
        }
        match draft.coalitions.get(&one.coalition) {
            None => found.push(Breach::Unknown { of: of(), refers_to: Key::Coalition(coalition()) }),
            Some(known) if known.finished.as_ref().is_some_and(|end| end.on < one.from) => {
                found.push(Breach::JoinsAfterTheEnd { practice: provider(), coalition: coalition() });
            }
            Some(_) => {}
        }
        for other in practice.memberships.iter().skip(at.saturating_add(1)) {
            let both = first_common_day(one, other);
            found.extend(both.map(|on| Breach::TwoAtATime {
                practice: provider(),
                coalition: coalition(),
                other: other.coalition.clone(),
                on,
            }));
        }
    }
}

/// The first day that both cover.
fn first_common_day(one: &Membership, other: &Membership) -> Option<Day> {
    let day = one.from.max(other.from);
    (one.covers(day) && other.covers(day)).then_some(day)
}

fn organisations(draft: &Draft, coalition: &Coalition, found: &mut Vec<Breach>) {
    let unknown = coalition.organisations.iter().filter(|id| !draft.organisations.contains_key(*id));
    found.extend(unknown.map(|id| Breach::Unknown {
        of: Key::Coalition(coalition.id.clone()),
        refers_to: Key::Organisation(id.clone()),
    }));
    if !coalition.organisations.contains(&coalition.lead) {
        found.push(Breach::LeadOutside { coalition: coalition.id.clone() });
    }
}

/// Each step is later than, or on the day of, the one before it, which is there.
fn order(coalition: &Coalition, found: &mut Vec<Breach>) {
    let steps = coalition.steps();
    for ((_, before), (step, day)) in steps.iter().zip(steps.iter().skip(1)) {
        let Some(day) = day else { continue };
        if before.is_none_or(|before| before > *day) {
            found.push(Breach::StepTooSoon { coalition: coalition.id.clone(), step: *step });
        }
    }
}

fn size(coalition: &Coalition, patients: u64, found: &mut Vec<Breach>) {
    let Some(on) = coalition.formed() else { return };
    let (id, organisations) = (|| coalition.id.clone(), coalition.organisations.len());
    if organisations < ORGANISATIONS_MIN {
        found.push(Breach::TooFewOrganisations { coalition: id(), have: organisations });
    }
    if patients < PATIENTS_MIN && coalition.exception.is_none() {
        found.push(Breach::TooFewPatients { coalition: id(), have: patients, on });
    }
}

/// How many patients the practices of each coalition have that were in it on the day that it was formed.
fn sizes_when_formed(draft: &Draft) -> BTreeMap<&Id, u64> {
    let formed: BTreeMap<&Id, Day> =
        draft.coalitions.values().filter_map(|one| Some((&one.id, one.formed()?))).collect();
    let mut sizes = BTreeMap::<&Id, u64>::new();
    for practice in draft.practices.values() {
        let covers = |one: &&Membership| formed.get(&one.coalition).is_some_and(|day| one.covers(*day));
        // One that is in it twice at a time is a breach of its own, and counts once.
        let of: BTreeSet<&Id> = practice.memberships.iter().filter(covers).map(|one| &one.coalition).collect();
        for coalition in of {
            let size = sizes.entry(coalition).or_default();
            *size = size.saturating_add(u64::from(practice.patients));
        }
    }
    sizes
}

/// The breaches that a change would add.
pub(super) fn added(before: &Draft, after: &Draft) -> Vec<Breach> {
    let before: HashSet<_> = breaches(before).into_iter().collect();
    breaches(after).into_iter().filter(|breach| !before.contains(breach)).collect()
}

impl Breach {
    /// A code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "unknown-reference",
            Self::SharedAgb { .. } => "agb-taken",
            Self::MoreAdults { .. } => "more-adults-than-patients",
            Self::MoreTrained { .. } => "more-trained-than-employed",
            Self::EndsBeforeItBegins { .. } => "ends-before-it-begins",
            Self::TwoAtATime { .. } => "two-coalitions-at-a-time",
            Self::JoinsAfterTheEnd { .. } => "joins-after-the-end",
            Self::LeadOutside { .. } => "lead-not-a-member",
            Self::StepTooSoon { .. } => "step-too-soon",
            Self::TooFewOrganisations { .. } => "too-few-organisations",
            Self::TooFewPatients { .. } => "too-few-patients",
            Self::TooMany => "too-many-entries",
        }
    }

    /// The reason, for people.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::Dutch => self.dutch(),
            Language::English => self.english(),
        }
    }

    fn english(&self) -> String {
        match self {
            Self::Unknown { of, refers_to } => format!("{of} refers to {refers_to}, which is not in the register"),
            Self::SharedAgb { practice, other } => format!("{practice} has the AGB code of {other}"),
            Self::MoreAdults { practice } => format!("{practice} has more patients of 16 and older than patients"),
            Self::MoreTrained { practice, function } => {
                format!("{practice} has more people trained than employed ({function})")
            }
            Self::EndsBeforeItBegins { practice, coalition } => {
                format!("the membership of {practice} in {coalition} ends before it begins")
            }
            Self::TwoAtATime { practice, coalition, other, on } => {
                format!("{practice} is in {coalition} and in {other} on {on}; one at a time is allowed")
            }
            Self::JoinsAfterTheEnd { practice, coalition } => {
                format!("{practice} joins {coalition} after its programme was finished")
            }
            Self::LeadOutside { coalition } => format!("the lead party of {coalition} is none of its organisations"),
            Self::StepTooSoon { coalition, step } => {
                format!("{coalition}: \"{}\" comes before the step before it", step.text(Language::English))
            }
            Self::TooFewOrganisations { coalition, have } => {
                format!("{coalition} is formed with {have} organisation(s); it needs {ORGANISATIONS_MIN}")
            }
            Self::TooFewPatients { coalition, have, on } => format!(
                "{coalition} has {have} patients on {on}, the day that it was formed; it needs {PATIENTS_MIN}, or an exception with its ground"
            ),
            Self::TooMany => format!("the register holds {ENTRIES_MAX} entries at most"),
        }
    }

    fn dutch(&self) -> String {
        match self {
            Self::Unknown { of, refers_to } => {
                format!("{of} verwijst naar {refers_to}, die niet in het register staat")
            }
            Self::SharedAgb { practice, other } => format!("{practice} heeft de AGB-code van {other}"),
            Self::MoreAdults { practice } => {
                format!("{practice} heeft meer patiënten van 16 jaar en ouder dan patiënten")
            }
            Self::MoreTrained { practice, function } => {
                format!("bij {practice} zijn meer mensen geschoold dan er werken ({function})")
            }
            Self::EndsBeforeItBegins { practice, coalition } => {
                format!("de deelname van {practice} aan {coalition} eindigt voor zij begint")
            }
            Self::TwoAtATime { practice, coalition, other, on } => {
                format!("{practice} zit op {on} in {coalition} en in {other}; één tegelijk mag")
            }
            Self::JoinsAfterTheEnd { practice, coalition } => {
                format!("{practice} komt bij {coalition} nadat het programma daar is afgerond")
            }
            Self::LeadOutside { coalition } => format!("de penvoerder van {coalition} is geen van de organisaties"),
            Self::StepTooSoon { coalition, step } => {
                format!("{coalition}: \"{}\" komt voor de stap ervoor", step.text(Language::Dutch))
            }
            Self::TooFewOrganisations { coalition, have } => {
                format!("{coalition} is gevormd met {have} organisatie(s); nodig zijn er {ORGANISATIONS_MIN}")
            }
            Self::TooFewPatients { coalition, have, on } => format!(
                "{coalition} heeft {have} patiënten op {on}, de dag van de vorming; nodig zijn er {PATIENTS_MIN}, of een uitzondering met de reden"
            ),
            Self::TooMany => format!("het register bevat ten hoogste {ENTRIES_MAX} regels"),
        }
    }
}
