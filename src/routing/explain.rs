//! A decision, told step by step: the same [`decide`](super::decide), over the same snapshot, with its way written down. What is
//! said beside a step is read from that snapshot; whether it passed is said by the decision alone.

mod because;

use jiff::Timestamp;

use super::check::Check;
use super::decide::{Admitted, Caller, Claim, Refusal, weigh};
use super::{Route, Snapshot};
use crate::lists::ListKind;
use crate::medmij::{Hostname, ProviderName, ServiceId};
use crate::oauth::grant::Thumbprint;
use crate::oauth::smart_scope::SmartScope;
use crate::practices::golive::{Holder, Whom};

/// A request that nobody sent: who would ask for what.
#[derive(Debug, Clone, Copy)]
pub struct Supposed<'a> {
    /// The client that holds the token.
    pub client: &'a Hostname,
    /// The names in the certificate at the other end.
    pub names: &'a [Hostname],
    /// The practice that the token is for.
    pub provider: &'a ProviderName,
    /// The service that the token covers.
    pub service: &'a ServiceId,
    /// The types of resource that it covers; `None` for all.
    pub scope: Option<&'a SmartScope>,
    /// Whose consent it is.
    pub person: Whom<'a>,
    /// When they consented: in a stage of go-live that began before, they got a place.
    pub consented: Timestamp,
    /// What is addressed.
    pub route: Route<'a>,
}

/// A step of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What was looked at.
    pub check: Check,
    /// Why not, when it ended here.
    pub refused: Option<Refusal>,
    /// What was seen there.
    pub because: String,
    /// The list, with its number, that it was seen in.
    pub version: Option<String>,
}

/// A decision and the way to it.
#[derive(Debug)]
pub struct Explained<'a> {
    /// Every step that was taken, in order; only the last can be a refusal.
    pub steps: Vec<Step>,
    /// What was decided.
    pub decided: Result<Admitted<'a>, Refusal>,
}

/// Decides on what is supposed, at this moment. The token is one that was just given, to whoever shows it.
#[must_use]
pub fn explain<'a>(snapshot: &'a Snapshot, supposed: &Supposed<'a>, now: Timestamp) -> Explained<'a> {
    let mut way = Vec::with_capacity(Check::ALL.len());
    let caller = Caller { names: supposed.names, thumbprint: None, address: None };
    let services = std::slice::from_ref(supposed.service);
    let claim = Claim {
        client: supposed.client,
        provider: supposed.provider,
        services,
        scope: supposed.scope,
        holder: Holder { person: supposed.person, consented: supposed.consented },
        bound_to: None::<Thumbprint>,
        expires: Timestamp::MAX,
        // Without it the long way is taken, which looks at everything.
        place: None,
    };
    let decided = weigh(snapshot, caller, &claim, supposed.route, now, &mut way);
    let refusal = decided.as_ref().err().copied();
    let last = way.last().copied();
    let step = |check: Check| Step {
        check,
        refused: refusal.filter(|_| last == Some(check)),
        because: because::of(check, snapshot, supposed, now),
        version: list_of(check).map(|list| number(snapshot, list)),
    };
    Explained { steps: way.into_iter().map(step).collect(), decided }
}

/// The list that a step reads first.
const fn list_of(check: Check) -> Option<ListKind> {
    match check {
        Check::Peer => Some(ListKind::Whl),
        Check::Client => Some(ListKind::Ocl),
        Check::Offered => Some(ListKind::Zal),
        Check::Lists
        | Check::ClientStop
        | Check::Certificate
        | Check::Lifetime
        | Check::Provider
        | Check::Consent
        | Check::Service
        | Check::Registration
        | Check::Scope
        | Check::Register
        | Check::GoLive
        | Check::PracticeStop => None,
    }
}

/// A list in force with its number (*Volgnummer*).
fn number(snapshot: &Snapshot, list: ListKind) -> String {
    format!("{list} {}", snapshot.lists.headers().of(list).sequence)
}

#[cfg(test)]
mod tests;
