//! Closes months: three days after the end of a month its marks are replaced by counts and sketches.

use jiff::{SignedDuration, Timestamp};

use super::ReportError;
use super::facts::Facts;
use super::ledger::Ledger;
use super::period::{Month, Period};
use super::scope::{Parts, Scope};
use super::store::{ClosedRow, Closing};
use super::tally::Tally;
use crate::audit::Added;
use crate::medmij::ProviderName;
use crate::practices::programme::{Draft, Registry};

/// How long after its end a month is closed: records that are late by less are counted as if they were not.
pub(super) const OPEN_AFTER_END: SignedDuration = SignedDuration::from_hours(3 * 24);

/// Closes what is to be closed, in the order of months, and drops marks of closed months. Everything in the index must be counted;
/// when another node changes something meanwhile, the rest is for the next time.
pub(super) async fn close_months(ledger: &Ledger, register: &Registry, now: Timestamp) -> Result<(), ReportError> {
    // Most rounds find nothing to do, and read nothing.
    let mut state = ledger.store().usage_state().await?;
    while may_close(state.closed, now) && ledger.refresh().await? {
        let register = register.read().await?;
        let Some(closing) = next(ledger, register.entries(), now) else { break };
        let month = closing.month;
        if ledger.store().close_month(closing).await? == Added::Raced {
            break;
        }
        tracing::info!(%month, "a month of the figures is closed");
        state = ledger.store().usage_state().await?;
    }
    while ledger.store().sweep_closed().await? {}
    Ok(())
}

/// Whether the month after the last that is closed is long enough over, as far as that is known without reading anything.
fn may_close(closed: Option<Month>, now: Timestamp) -> bool {
    closed.and_then(Month::next).is_none_or(|next| is_over(next, now))
}

fn is_over(month: Month, now: Timestamp) -> bool {
    Period::Month(month).ends().saturating_add(OPEN_AFTER_END).is_ok_and(|due| due <= now)
}

fn next(ledger: &Ledger, register: &Draft, now: Timestamp) -> Option<Closing> {
    let facts = ledger.facts();
    let month = match facts.state().closed {
        Some(closed) => closed.next()?,
        None => facts.first_month()?,
    };
    is_over(month, now).then(|| Closing {
        revision: facts.state().revision,
        month,
        rows: rows(&facts, register, month, now),
    })
}

/// What is kept of a month: of each practice, and of practices together as the register has them on its last day.
pub(super) fn rows(facts: &Facts, register: &Draft, month: Month, now: Timestamp) -> Vec<ClosedRow> {
    let each = facts.counted_in(month).filter_map(|provider| facts.to_keep(provider, month));
    let tally = Tally { facts, register, now, counted_until: None };
    let together = [Parts::Coalitions, Parts::Suppliers].into_iter();
    let scopes = together.flat_map(|parts| Scope::Whole.parts(register, parts, month.last()));
    let together = scopes.chain([Scope::Whole]).map(|scope| {
        let names: Vec<&ProviderName> = scope.practices(register, month.last()).map(|one| &one.provider).collect();
        facts.to_keep_together(&scope.to_string(), &tally.union(&names, month), month)
    });
    each.chain(together).collect()
}
