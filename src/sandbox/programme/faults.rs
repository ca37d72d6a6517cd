//! What goes wrong in the simulated country for a reason, and not by chance: three combinations of installation, version, client
//! and service, each at one step, from a day on. Nothing of it is known to the gateway.

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::Plan;
use super::dice::Dice;
use super::market::{Client, ClientKind, Installation, Market};
use crate::medmij::ServiceId;

/// Days before the end of the year on which the first and the last fault begin.
const BEGINS: (u64, u64) = (22, 27);

/// Where it goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum At {
    /// The system does not say whether the person is known there.
    Availability,
    /// No token comes of the code.
    Token,
    /// This search of the service, and no other.
    Request {
        /// Its place among the searches of the service.
        search: usize,
    },
}

/// A fault.
#[derive(Debug, Clone)]
pub(super) struct Seeded {
    /// Of which installation: a place in [`Market::installations`].
    pub(super) installation: usize,
    /// For which client: a place in [`Market::clients`].
    pub(super) client: usize,
    /// Of which service.
    pub(super) service: ServiceId,
    /// Where.
    pub(super) at: At,
    /// The code that stands in the audit log.
    pub(super) code: &'static str,
    /// The status that was answered.
    pub(super) status: u16,
    /// The first day.
    pub(super) from: Date,
}

impl Seeded {
    /// Whether it concerns this client there on this day.
    pub(super) fn holds(&self, installation: usize, client: usize, day: Date) -> bool {
        (self.installation, self.client) == (installation, client) && day >= self.from
    }
}

/// Three faults. Where what fails is before a service is asked, the system offers one service only, so that one combination is
/// concerned and not one for each service of the consent.
pub(super) fn draw(plan: &Plan, market: &Market) -> Vec<Seeded> {
    let mut dice = Dice::of(plan.seed, "faults");
    let record = ServiceId::parse("49").expect("it is a number");
    let of_one: Vec<usize> = places(&market.installations, |one| one.services == [record.clone()]);
    let of_many: Vec<usize> = places(&market.installations, |one| one.services.len() > 1);
    let collects = |service: &ServiceId| {
        places(&market.clients, |one: &Client| one.kind == ClientKind::Pgo && one.collects.contains(service))
    };
    let documents = ServiceId::parse("51").expect("it is a number");
    let mut day = || {
        let before = i64::try_from(dice.within(BEGINS.0, BEGINS.1)).unwrap_or(BEGINS.0 as i64);
        plan.until.saturating_sub(before.days())
    };
    let days = [day(), day(), day()];
    let (first, second) = two(&of_one, &mut dice);
    let (one, other) = two(&collects(&record), &mut dice);
    let third = (*dice.pick(&of_many), *dice.pick(&collects(&documents)));
    let [token, request, availability] = days;
    let refused = Seeded {
        installation: first,
        client: one,
        service: record.clone(),
        at: At::Token,
        code: "invalid_grant",
        status: 400,
        from: token,
    };
    let nonsense = Seeded {
        installation: third.0,
        client: third.1,
        service: documents,
        at: At::Request { search: 0 },
        code: "his-nonsense",
        status: 502,
        from: request,
    };
    let unknown = Seeded {
        installation: second,
        client: other,
        service: record,
        at: At::Availability,
        code: "his-refused",
        status: 502,
        from: availability,
    };
    vec![refused, nonsense, unknown]
}

fn places<T>(of: &[T], fits: impl Fn(&T) -> bool) -> Vec<usize> {
    of.iter().enumerate().filter(|(_, one)| fits(one)).map(|(place, _)| place).collect()
}

/// Two different ones; twice the same when there is no other.
fn two(of: &[usize], dice: &mut Dice) -> (usize, usize) {
    let first = *dice.pick(of);
    let rest: Vec<usize> = of.iter().copied().filter(|one| *one != first).collect();
    (first, if rest.is_empty() { first } else { *dice.pick(&rest) })
}

/// The installations of which a service is offered, as the ZAL orders them.
pub(super) fn granted<'a>(installation: &'a Installation, client: &Client) -> Vec<&'a ServiceId> {
    installation.services.iter().filter(|service| client.collects.contains(service)).collect()
}
