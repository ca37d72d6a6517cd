//! The people of the simulated country who look, and when: more of them over the year, mornings before evenings, weekdays before
//! weekends. Some look once, some come back for months, some at two practices.

use jiff::civil::{Date, Weekday};
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use super::country::Country;
use super::dice::{Dice, MILLION};
use super::faults::Seeded;
use super::market::ClientKind;
use super::{DAYS, Plan};
use crate::availability::dutch_midnight;
use crate::medmij::Bsn;

/// Records that a visit leaves, on average; measured.
const RECORDS_EACH: u64 = 31;
/// Visits of a person in the year, on average, by a hundredth.
const VISITS_EACH: u64 = 236;
/// Visits of each combination with a fault: so many in the days before it, and so many since.
const TRIED: u64 = 24;

/// How somebody comes by their tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// A consent each time.
    Once,
    /// A consent that lasts, and refresh tokens.
    Lasting,
    /// The word of the portal.
    Asserted,
    /// The portal, and a login at the gateway.
    Smart,
}

/// Somebody.
#[derive(Debug, Clone)]
pub(super) struct Person {
    /// A test BSN.
    pub(super) bsn: Bsn,
    /// Which client they use: a place in the market.
    pub(super) client: usize,
    /// How.
    pub(super) way: Way,
}

/// Somebody looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Visit {
    /// When it begins.
    pub(super) at: Timestamp,
    /// Who: a place in [`Crowd::people`].
    pub(super) person: usize,
    /// Where: a place in [`Country::practices`].
    pub(super) practice: usize,
}

/// Everybody who looks, and each time in order.
#[derive(Debug, Clone)]
pub(super) struct Crowd {
    pub(super) people: Vec<Person>,
    pub(super) visits: Vec<Visit>,
}

impl Crowd {
    /// Draws as many as leave about so many records as are planned.
    pub(super) fn draw(plan: &Plan, country: &Country, faults: &[Seeded]) -> Self {
        let mut draw = Draw::new(plan, country);
        // What fails leaves fewer records than what is collected whole.
        let of_faults = TRIED.saturating_mul(faults.len() as u64).saturating_mul(2).div_euclid(3);
        let wanted = plan.events.div_euclid(RECORDS_EACH).saturating_sub(of_faults);
        let people = wanted.saturating_mul(100).div_euclid(VISITS_EACH).max(1);
        for _ in 0..people {
            draw.somebody();
        }
        faults.iter().for_each(|fault| draw.those_of(fault));
        let Draw { people, mut visits, .. } = draw;
        visits.sort_unstable();
        Self { people, visits }
    }
}

struct Draw<'a> {
    plan: &'a Plan,
    country: &'a Country,
    dice: Dice,
    /// How many people of each practice look, beside those of others.
    draws: Vec<u32>,
    /// How many come for the first time on each day of the year, beside the others.
    firsts: Vec<u32>,
    shares: Vec<u32>,
    next_number: u32,
    people: Vec<Person>,
    visits: Vec<Visit>,
}

impl<'a> Draw<'a> {
    fn new(plan: &'a Plan, country: &'a Country) -> Self {
        let (mut dice, pgo) =
            (
                Dice::of(plan.seed, "people"),
                |client: &super::market::Client| {
                    if client.kind == ClientKind::Pgo { client.share } else { 0 }
                },
            );
        Self {
            plan,
            country,
            draws: country.practices.iter().map(|practice| practice.draws).collect(),
            firsts: (0..DAYS).map(|day| weight(plan, day)).collect(),
            shares: country.market.clients.iter().map(pgo).collect(),
            next_number: 900_000_000_u32.saturating_add(u32::try_from(dice.below(9_000_000)).unwrap_or_default()),
            dice,
            people: Vec::new(),
            visits: Vec::new(),
        }
    }

    /// Somebody of a practice, with all of their visits.
    fn somebody(&mut self) {
        let practice = self.dice.weighted(&self.draws);
        let portal = self.dice.happens(220_000);
        let client = if portal { self.portal_of(practice) } else { self.dice.weighted(&self.shares) };
        let way = match (portal, self.dice.happens(300_000), self.dice.happens(400_000)) {
            (true, _, false) => Way::Asserted,
            (true, _, true) => Way::Smart,
            (false, true, _) => Way::Lasting,
            (false, false, _) => Way::Once,
        };
        let person = self.meet(client, way);
        let day = self.dice.weighted(&self.firsts);
        let times = self.dice.runs(640_000, 24).saturating_add(1);
        self.visits_from(person, practice, day as u64, times);
        if self.dice.happens(25_000) {
            // They moved, or look with somebody else's practice for a second opinion.
            let other = self.dice.weighted(&self.draws);
            self.visits_from(person, other, self.dice.clone().below(DAYS), 1);
        }
    }

    fn visits_from(&mut self, person: usize, practice: usize, first: u64, times: u32) {
        let mut day = first;
        for _ in 0..times {
            if day >= DAYS {
                return;
            }
            self.visit(person, practice, day);
            day = day.saturating_add(self.dice.around(12)).saturating_add(u64::from(self.dice.happens(600_000)));
        }
    }

    /// People who try a combination before and after it stops working.
    fn those_of(&mut self, fault: &Seeded) {
        let of_it = |practice: &super::country::Placed| {
            practice.installation == fault.installation && practice.is_listed(fault.from)
        };
        let practices: Vec<usize> =
            self.country.practices.iter().enumerate().filter(|(_, one)| of_it(one)).map(|(at, _)| at).collect();
        let begins = self.day_of(fault.from);
        for number in 0..2 * TRIED {
            if practices.is_empty() {
                return;
            }
            let practice = *self.dice.pick(&practices);
            let person = self.meet(fault.client, Way::Once);
            let (from, days) =
                if number < TRIED { (begins.saturating_sub(20), 20) } else { (begins, DAYS.saturating_sub(begins)) };
            let day = from.saturating_add(self.dice.below(days));
            self.visit(person, practice, day);
        }
    }

    fn day_of(&self, date: Date) -> u64 {
        let days = self.plan.start().until(date).map_or(0, |span| span.get_days());
        u64::try_from(days).unwrap_or_default()
    }

    fn visit(&mut self, person: usize, practice: usize, day: u64) {
        let date = self.plan.day(day);
        let (Some(somebody), Some(placed)) = (self.people.get(person), self.country.practices.get(practice)) else {
            return;
        };
        // A PGO finds a practice on the ZAL, a portal is registered.
        if matches!(somebody.way, Way::Once | Way::Lasting) && !placed.is_listed(date) {
            return;
        }
        let at = moment(date, &mut self.dice);
        self.visits.push(Visit { at, person, practice });
    }

    fn portal_of(&self, practice: usize) -> usize {
        let runs = self.country.practices.get(practice).map_or(0, |one| one.installation);
        self.country.market.installations.get(runs).map_or(0, |one| one.portal)
    }

    fn meet(&mut self, client: usize, way: Way) -> usize {
        let bsn = loop {
            self.next_number = self.next_number.saturating_add(1);
            if let Ok(bsn) = Bsn::parse(&format!("{:09}", self.next_number)) {
                break bsn;
            }
        };
        self.people.push(Person { bsn, client, way });
        self.people.len().saturating_sub(1)
    }
}

/// How many come for the first time on a day: two and a half times as many at the end of the year as at its beginning, and in
/// a weekend half as many.
fn weight(plan: &Plan, day: u64) -> u32 {
    let growth = 1_000_u64.saturating_add(day.saturating_mul(1_500).div_euclid(DAYS));
    let weekend = matches!(plan.day(day).weekday(), Weekday::Saturday | Weekday::Sunday);
    u32::try_from(if weekend { growth.div_euclid(2) } else { growth }).unwrap_or(u32::MAX)
}

/// Visits of each hour of the day, beside the others.
const HOURS: [u32; 24] = [3, 2, 1, 1, 1, 3, 10, 30, 70, 95, 90, 75, 60, 55, 50, 48, 45, 42, 45, 60, 62, 45, 25, 10];

fn moment(date: Date, dice: &mut Dice) -> Timestamp {
    let hour = dice.weighted(&HOURS) as u64;
    let micros = hour.saturating_mul(3_600).saturating_mul(MILLION).saturating_add(dice.below(3_600 * MILLION));
    let since = SignedDuration::from_micros(i64::try_from(micros).unwrap_or_default());
    dutch_midnight(date).saturating_add(since).unwrap_or(Timestamp::MAX)
}

impl Plan {
    /// The first day of the year.
    pub(super) fn start(&self) -> Date {
        self.until.saturating_sub(i64::try_from(DAYS).unwrap_or_default().days())
    }

    /// A day of it, from 0.
    pub(super) fn day(&self, number: u64) -> Date {
        self.start().saturating_add(i64::try_from(number).unwrap_or_default().days())
    }
}
