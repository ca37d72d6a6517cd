//! The five steps of taking part, and what a coalition still misses for the next one.

use super::draft::Draft;
use super::entry::{Coalition, Practice, Proof};
use super::fee::has_trained;
use super::words::Day;
use super::{ORGANISATIONS_MIN, PATIENTS_MIN};
use crate::language::Language;
use crate::medmij::ProviderName;

/// Of 100 practices of a coalition so many are to be on the ZAL when it finishes (VIPP OPEN, result norm).
const ON_ZAL_PER_CENT: usize = 95;

/// A step of taking part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// The coalition is formed: tasks divided, agreement signed.
    Formed,
    /// It is registered with the programme.
    Registered,
    /// The subsidy is applied for.
    SubsidyAppliedFor,
    /// The activities are carried out.
    ActivitiesCarriedOut,
    /// The programme is finished.
    Finished,
}

impl Step {
    /// A code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Formed => "formed",
            Self::Registered => "registered",
            Self::SubsidyAppliedFor => "subsidy",
            Self::ActivitiesCarriedOut => "activities",
            Self::Finished => "finished",
        }
    }

    /// For people.
    #[must_use]
    pub const fn text(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Formed, Language::English) => "coalition formed",
            (Self::Formed, Language::Dutch) => "coalitie gevormd",
            (Self::Registered, Language::English) => "registered",
            (Self::Registered, Language::Dutch) => "aangemeld",
            (Self::SubsidyAppliedFor, Language::English) => "subsidy applied for",
            (Self::SubsidyAppliedFor, Language::Dutch) => "subsidie aangevraagd",
            (Self::ActivitiesCarriedOut, Language::English) => "activities carried out",
            (Self::ActivitiesCarriedOut, Language::Dutch) => "activiteiten uitgevoerd",
            (Self::Finished, Language::English) => "programme finished",
            (Self::Finished, Language::Dutch) => "programma afgerond",
        }
    }
}

impl Coalition {
    /// The day on which it was formed: when the later of its two proofs was there.
    #[must_use]
    pub fn formed(&self) -> Option<Day> {
        Some(self.tasks.as_ref()?.on.max(self.agreement.as_ref()?.on))
    }

    /// The steps in their order, and when each was taken.
    #[must_use]
    pub fn steps(&self) -> [(Step, Option<Day>); 5] {
        let day = |proof: &Option<Proof>| proof.as_ref().map(|proof| proof.on);
        [
            (Step::Formed, self.formed()),
            (Step::Registered, day(&self.registered)),
            (Step::SubsidyAppliedFor, day(&self.subsidy)),
            (Step::ActivitiesCarriedOut, day(&self.activities)),
            (Step::Finished, day(&self.finished)),
        ]
    }
}

/// What a coalition misses for its next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// The division of tasks.
    Tasks,
    /// The signed agreement.
    Agreement,
    /// So many organisations.
    Organisations(usize),
    /// So many patients, or an exception.
    Patients(u64),
    /// The day and evidence of the step itself.
    Proof(Step),
    /// So many practices without the training.
    Untrained(usize),
    /// So many practices that did not inform their patients.
    Uninformed(usize),
    /// So many practices on the ZAL.
    OnZal(usize),
}

impl Missing {
    /// For people.
    #[must_use]
    pub fn text(self, language: Language) -> String {
        let dutch = language == Language::Dutch;
        let of = |nl: String, en: String| if dutch { nl } else { en };
        match self {
            Self::Tasks => of("de taakverdeling".to_owned(), "the division of tasks".to_owned()),
            Self::Agreement => of("de getekende overeenkomst".to_owned(), "the signed agreement".to_owned()),
            Self::Organisations(n) => of(format!("{n} organisatie(s)"), format!("{n} organisation(s)")),
            Self::Patients(n) => {
                of(format!("{n} patiënten, of een uitzondering"), format!("{n} patients, or an exception"))
            }
            Self::Proof(step) => of(
                format!("dag en bewijs van: {}", step.text(language)),
                format!("day and evidence of: {}", step.text(language)),
            ),
            Self::Untrained(n) => of(format!("scholing bij {n} praktijk(en)"), format!("training at {n} practice(s)")),
            Self::Uninformed(n) => of(
                format!("voorlichting aan patiënten bij {n} praktijk(en)"),
                format!("information for patients at {n} practice(s)"),
            ),
            Self::OnZal(n) => of(format!("{n} praktijk(en) op de ZAL"), format!("{n} practice(s) on the ZAL")),
        }
    }
}

/// Where a coalition stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Practices that are in it.
    pub practices: usize,
    /// Their patients, of any age.
    pub patients: u64,
    /// Practices that are in it and on the ZAL.
    pub on_zal: usize,
    /// The next step; `None` when all are taken.
    pub next: Option<Step>,
    /// What it misses for that.
    pub missing: Vec<Missing>,
}

/// Where a coalition stands on a day. Its members are those of that day, or of the day that it was finished.
#[must_use]
pub fn standing(
    draft: &Draft,
    coalition: &Coalition,
    today: Day,
    is_on_zal: impl Fn(&ProviderName) -> bool,
) -> Standing {
    let day = coalition.finished.as_ref().map_or(today, |end| end.on.min(today));
    let members: Vec<_> = draft.members(&coalition.id, day).collect();
    let on_zal = members.iter().filter(|practice| is_on_zal(&practice.provider)).count();
    let next = coalition.steps().into_iter().find(|(_, day)| day.is_none()).map(|(step, _)| step);
    let patients = members.iter().map(|practice| u64::from(practice.patients)).sum();
    let missing = match next {
        None => Vec::new(),
        Some(Step::Formed) => missing_to_form(coalition, patients),
        Some(step) => missing_for(step, &members, on_zal),
    };
    Standing { practices: members.len(), patients, on_zal, next, missing }
}

fn missing_to_form(coalition: &Coalition, patients: u64) -> Vec<Missing> {
    let organisations = ORGANISATIONS_MIN.saturating_sub(coalition.organisations.len());
    let patients = if coalition.exception.is_some() { 0 } else { PATIENTS_MIN.saturating_sub(patients) };
    let all = [
        coalition.tasks.is_none().then_some(Missing::Tasks),
        coalition.agreement.is_none().then_some(Missing::Agreement),
        (organisations > 0).then_some(Missing::Organisations(organisations)),
        (patients > 0).then_some(Missing::Patients(patients)),
    ];
    all.into_iter().flatten().collect()
}

fn missing_for(step: Step, members: &[&Practice], on_zal: usize) -> Vec<Missing> {
    let mut missing = vec![Missing::Proof(step)];
    let some = |count: usize, of: fn(usize) -> Missing| (count > 0).then(|| of(count));
    if step == Step::ActivitiesCarriedOut {
        let without = |has: fn(&Practice) -> bool| members.iter().filter(|one| !has(one)).count();
        missing.extend(some(without(|one| has_trained(&one.staff)), Missing::Untrained));
        missing.extend(some(without(|one| one.informed.is_some()), Missing::Uninformed));
    }
    if step == Step::Finished {
        let norm = members.len().saturating_mul(ON_ZAL_PER_CENT).div_ceil(100);
        missing.extend(some(norm.saturating_sub(on_zal), Missing::OnZal));
    }
    missing
}
