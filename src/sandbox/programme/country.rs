//! The practices of the simulated country and the coalitions that they are in: drawn from the seed, and in order by every rule
//! of the register.

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::coalitions::{Region, coalitions};
use super::dice::Dice;
use super::market::{Market, id, text};
use super::{Plan, stays};
use crate::medmij::ProviderName;
use crate::practices::programme::{
    Agb, Day, Draft, Entry, Function, Membership, Practice, Proof, Staff, Supplier, System, Text,
};

/// Enrolled patients for each practice: 17 million over 4,718.
const PATIENTS_EACH: u64 = 17_000_000;
const PRACTICES_OF_PATIENTS: u64 = 4_718;
/// First number of the AGB codes.
const AGB_FIRST: u64 = 1_990_000;

/// A practice of the simulation.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    /// Its name in the network.
    pub(super) provider: ProviderName,
    /// What it runs: a place in [`Market::installations`].
    pub(super) installation: usize,
    /// How many people of it look, beside those of others.
    pub(super) draws: u32,
    /// The first and last day of each time on the ZAL; no last day while it lasts.
    pub(super) stays: Vec<(Date, Option<Date>)>,
}

impl Placed {
    /// Whether the ZAL names it on a day.
    pub(super) fn is_listed(&self, day: Date) -> bool {
        self.stays.iter().any(|(from, until)| *from <= day && until.is_none_or(|until| day <= until))
    }
}

/// The country.
#[derive(Debug, Clone)]
pub(super) struct Country {
    /// Who sells and builds.
    pub(super) market: Market,
    /// The practices, in the order of their numbers.
    pub(super) practices: Vec<Placed>,
    /// The register.
    pub(super) register: Draft,
}

impl Country {
    /// Draws it.
    pub(super) fn draw(plan: &Plan) -> Self {
        let market = Market::new();
        let mut register = Draft::default();
        for (id, name) in &market.suppliers {
            register.put(Entry::Supplier(Supplier { id: id.clone(), name: name.clone() }));
        }
        let mut dice = Dice::of(plan.seed, "practices");
        let patients = patients(plan.practices, &mut dice);
        let regions = coalitions(plan, &patients, &mut register);
        let practices = patients.iter().enumerate().map(|(number, patients)| {
            let drawn = Drawn { plan, market: &market, number, patients: *patients, region: regions.get(number) };
            let (placed, practice) = drawn.practice(&mut dice);
            register.put(Entry::Practice(Box::new(practice)));
            placed
        });
        let practices = practices.collect();
        Self { market, practices, register }
    }
}

/// Enrolled patients of each practice: a few hundred to some ten thousand, as many in all as the country has.
fn patients(practices: u32, dice: &mut Dice) -> Vec<u32> {
    let total = PATIENTS_EACH.saturating_mul(u64::from(practices)).div_euclid(PRACTICES_OF_PATIENTS);
    let sizes: Vec<u64> = (0..practices).map(|_| dice.around(1_000).clamp(350, 4_000)).collect();
    let sum = sizes.iter().sum::<u64>().max(1);
    let mut given = 0;
    let mut before = 0;
    let shares = sizes.iter().map(|size| {
        before += size;
        let until = total.saturating_mul(before).div_euclid(sum);
        let share = until - given;
        given = until;
        u32::try_from(share).unwrap_or(u32::MAX)
    });
    shares.collect()
}

struct Drawn<'a> {
    plan: &'a Plan,
    market: &'a Market,
    number: usize,
    patients: u32,
    region: Option<&'a Region>,
}

impl Drawn<'_> {
    fn practice(&self, dice: &mut Dice) -> (Placed, Practice) {
        let shares: Vec<u32> = self.market.installations.iter().map(|one| one.share).collect();
        let installation = dice.weighted(&shares);
        let (name, place) = (name(self.number, dice), self.place());
        let provider = provider(self.number);
        let stays = stays::draw(self.plan.start(), dice);
        // Some practices ask their patients to look, and most do not.
        let eager = dice.around(100).clamp(15, 900);
        let draws = u64::from(self.patients).saturating_mul(eager).div_euclid(100);
        let adults = u64::from(self.patients).saturating_mul(dice.within(790, 860)).div_euclid(1_000);
        let access_start = stays.first().and_then(|(from, _)| day(from.saturating_sub(30.days())));
        let practice = Practice {
            provider: provider.clone(),
            agb: agb(self.number),
            name,
            place,
            patients: self.patients,
            patients_16: u32::try_from(adults).unwrap_or(self.patients).min(self.patients),
            system: self.system(installation),
            access_start,
            memberships: self.memberships(dice),
            staff: self.staff(dice),
            informed: access_start.filter(|_| dice.happens(900_000)).map(|on| proof(on, "brief aan patiënten")),
            conforms: access_start.filter(|_| dice.happens(930_000)).map(|on| proof(on, "verklaring leverancier")),
        };
        (Placed { provider, installation, draws: u32::try_from(draws).unwrap_or(u32::MAX), stays }, practice)
    }

    fn place(&self) -> Text {
        let region = self.region.map_or(self.number.rem_euclid(97), |region| region.number);
        let (first, last) = (region.rem_euclid(FIRST.len()), region.div_euclid(FIRST.len()).rem_euclid(LAST.len()));
        let part = |of: &[&'static str], at: usize| of.get(at).copied().unwrap_or_default();
        text(&format!("{}{}", part(&FIRST, first), part(&LAST, last)))
    }

    fn system(&self, installation: usize) -> System {
        let runs = self.market.installations.get(installation).expect("it was drawn from these");
        System { supplier: runs.supplier.clone(), installation: runs.id.clone(), version: runs.version.clone() }
    }

    /// Most practices of a region are in its coalition since before it was formed, some came later, and some left.
    fn memberships(&self, dice: &mut Dice) -> Vec<Membership> {
        let Some(region) = self.region else { return Vec::new() };
        let founder = region.begins.saturating_sub(30.days());
        let later = region.begins.saturating_add(i64::try_from(dice.within(5, 25)).unwrap_or(5).days());
        let from = if !region.is_founder(self.number) && dice.happens(80_000) { later } else { founder };
        let leaves = !region.is_founder(self.number) && dice.happens(15_000);
        let until =
            leaves.then(|| self.plan.until.saturating_sub(i64::try_from(dice.within(10, 200)).unwrap_or(10).days()));
        let (Some(from), coalition) = (day(from), region.coalition.clone()) else { return Vec::new() };
        vec![Membership { coalition, from, until: until.and_then(day).filter(|until| *until >= from) }]
    }

    fn staff(&self, dice: &mut Dice) -> Staff {
        let size = u64::from(self.patients).div_euclid(1_800).saturating_add(1);
        let mut function = |most: u64| {
            let employed = dice.within(1, most.max(1));
            let trained = dice.below(employed.saturating_add(1));
            let count = |number: u64| u16::try_from(number).unwrap_or(u16::MAX);
            Function { employed: count(employed), trained: count(trained) }
        };
        Staff {
            gp: function(size),
            poh: function(size),
            manager: function(1),
            assistant: function(size.saturating_mul(2)),
        }
    }
}

/// The name of a practice in the network.
fn provider(number: usize) -> ProviderName {
    let word = WORDS.get(number.rem_euclid(WORDS.len())).copied().unwrap_or_default();
    let text = format!("huisarts.{}{:04}@medmij", word.to_lowercase(), number.saturating_add(1));
    ProviderName::parse(&text).expect("the practices of the simulation have names of the network")
}

fn agb(number: usize) -> Agb {
    let code = AGB_FIRST.saturating_add(number as u64);
    Agb::parse(&format!("{code:08}")).expect("the practices of the simulation have codes of eight digits")
}

fn name(number: usize, dice: &mut Dice) -> Text {
    let word = WORDS.get(number.rem_euclid(WORDS.len())).copied().unwrap_or_default();
    let kind = dice.pick(&["Huisartsenpraktijk", "Huisartsen", "Gezondheidscentrum", "Dokters"]);
    text(&format!("{kind} {word} {}", number.saturating_add(1)))
}

/// A day of the register; `None` when it lies in another century.
pub(super) fn day(date: Date) -> Option<Day> {
    Day::of(date).ok()
}

/// That something is so since a day.
pub(super) fn proof(on: Day, evidence: &str) -> Proof {
    Proof { on, evidence: text(evidence) }
}

const WORDS: [&str; 24] = [
    "Linde", "Haven", "Molen", "Beuk", "Gracht", "Duin", "Heide", "Sluis", "Polder", "Akker", "Brink", "Singel",
    "Dijk", "Weide", "Toren", "Kade", "Vaart", "Plein", "Bos", "Hof", "Bron", "Veld", "Burcht", "Terp",
];
const FIRST: [&str; 10] = ["Ooster", "Wester", "Noorder", "Zuider", "Nieuw", "Oud", "Groen", "Zand", "Hoog", "Klein"];
const LAST: [&str; 10] = ["veen", "dam", "wijk", "burg", "hoven", "drecht", "meer", "loo", "kerk", "stad"];

/// The id of the coalition of this number.
pub(super) fn coalition_id(number: usize) -> crate::practices::programme::Id {
    id(&format!("coalitie-{:02}", number.saturating_add(1)))
}
