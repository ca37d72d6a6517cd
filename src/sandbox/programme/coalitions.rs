//! Regions with a coalition each, at every step that the programme has. In order by construction: a coalition that was formed had
//! its practices and patients on that day, or stands under an exception.

use std::collections::BTreeSet;
use std::ops::Range;

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::Plan;
use super::country::{coalition_id, day, proof};
use super::dice::Dice;
use super::market::{id, text};
use crate::practices::programme::{
    Coalition, Draft, Entry, Exception, ExceptionKind, Id, Organisation, OrganisationKind, PATIENTS_MIN, Proof,
};

/// Practices for each coalition: 4,718 over 75, save those in none.
const PRACTICES_OF_ONE: usize = 62;
/// The first of a region, who were there from the beginning and stay.
const FOUNDERS: usize = 40;

/// A region.
#[derive(Debug, Clone)]
pub(super) struct Region {
    /// Its number.
    pub(super) number: usize,
    /// Its coalition.
    pub(super) coalition: Id,
    /// The day on which the coalition begins to be formed.
    pub(super) begins: Date,
    founders: Range<usize>,
}

impl Region {
    /// Whether the practice of this number is there from the beginning and stays.
    pub(super) fn is_founder(&self, practice: usize) -> bool {
        self.founders.contains(&practice)
    }
}

/// The regions of the practices that are in one, by number, and their coalitions and organisations in the register.
pub(super) fn coalitions(plan: &Plan, patients: &[u32], register: &mut Draft) -> Vec<Region> {
    let mut dice = Dice::of(plan.seed, "coalitions");
    let count = patients.len().div_euclid(PRACTICES_OF_ONE).clamp(1, 75);
    let mut regions = Vec::with_capacity(patients.len());
    for number in 0..count {
        let first = number.saturating_mul(PRACTICES_OF_ONE);
        let members = first..first.saturating_add(PRACTICES_OF_ONE).min(patients.len());
        let founders = first..first.saturating_add(FOUNDERS).min(patients.len());
        let size: u64 = patients.get(founders.clone()).unwrap_or_default().iter().map(|one| u64::from(*one)).sum();
        let begins = plan.until.saturating_sub(i64::try_from(dice.within(420, 600)).unwrap_or(420).days());
        let region = Region { number, coalition: coalition_id(number), begins, founders };
        let organisations = organisations(number, &mut dice, register);
        register.put(Entry::Coalition(Box::new(coalition(&region, organisations, size, &mut dice))));
        regions.extend(members.map(|_| region.clone()));
    }
    regions
}

fn organisations(number: usize, dice: &mut Dice, register: &mut Draft) -> Vec<Id> {
    let kinds = [
        (OrganisationKind::CareGroup, "Zorggroep"),
        (OrganisationKind::Cooperative, "Huisartsencoöperatie"),
        (OrganisationKind::HealthCentres, "Koepel Gezondheidscentra"),
        (OrganisationKind::LhvCircle, "Huisartsenkring"),
    ];
    let count = usize::try_from(dice.within(2, 4)).unwrap_or(2);
    let each = kinds.into_iter().take(count).enumerate().map(|(at, (kind, name))| {
        let one = id(&format!("regio-{:02}-{}", number.saturating_add(1), at.saturating_add(1)));
        let name = text(&format!("{name} Regio {}", number.saturating_add(1)));
        register.put(Entry::Organisation(Organisation { id: one.clone(), name, kind }));
        one
    });
    each.collect()
}

fn coalition(region: &Region, organisations: Vec<Id>, founders: u64, dice: &mut Dice) -> Coalition {
    let mut on = region.begins;
    // How many of tasks, agreement, registered, subsidy, activities and finished are behind it: most are at work.
    let taken = [1, 2, 4, 4, 4, 5, 5, 5, 5, 6];
    let taken = *dice.pick(&taken);
    let mut step = |number: usize, evidence: &str| -> Option<Proof> {
        on = on.saturating_add(i64::try_from(dice.within(5, 60)).unwrap_or(5).days());
        (number <= taken).then(|| day(on).map(|on| proof(on, evidence))).flatten()
    };
    let [tasks, agreement] = [(1, "taakverdeling.pdf"), (2, "overeenkomst.pdf")].map(|(at, file)| step(at, file));
    let [registered, subsidy] = [(3, "aanmelding.pdf"), (4, "beschikking.pdf")].map(|(at, file)| step(at, file));
    let [activities, finished] = [(5, "verslag.pdf"), (6, "eindverslag.pdf")].map(|(at, file)| step(at, file));
    let small = founders < PATIENTS_MIN;
    Coalition {
        id: region.coalition.clone(),
        name: text(&format!("Coalitie Regio {}", region.number.saturating_add(1))),
        lead: organisations.first().cloned().unwrap_or_else(|| region.coalition.clone()),
        organisations: BTreeSet::from_iter(organisations),
        exception: small
            .then(|| Exception { kind: ExceptionKind::Partnership, ground: text("werkte al samen, en kleiner") }),
        tasks,
        agreement,
        registered,
        subsidy,
        activities,
        finished,
    }
}
