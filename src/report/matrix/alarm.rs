//! When a combination that worked stops working. Noticed by its newest attempts, long before the share of a week says so.

use std::time::Duration;

use jiff::Timestamp;

use super::standing::{Newest, Raised, Standing, StepStanding};
use super::step::Step;

/// So many of the newest attempts at a step must have failed.
pub const FAILURES_MIN: usize = 5;
/// So many must have succeeded for the alarm to end.
pub const SUCCESSES_MIN: usize = 3;
/// How long a combination that worked counts as one that did, and an alarm of one that nobody tries any more stands.
pub const WEEK: Duration = Duration::from_hours(7 * 24);

/// A step whose newest attempts all failed. Whether the combination worked before is for [`judge`](super::judge::judge()) to
/// say, of the week up to `worked`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    /// What would be told.
    pub alarm: Raised,
    /// When the step was last taken.
    pub worked: Timestamp,
}

/// The first step that stopped working, in a combination without an alarm.
#[must_use]
pub fn suspect(standing: &Standing) -> Option<Suspect> {
    let mut steps: Vec<_> = standing.steps.iter().filter_map(|(text, step)| Some((Step::parse(text)?, step))).collect();
    steps.sort_by(|(a, _), (b, _)| a.cmp(b));
    steps.iter().find_map(|(step, kept)| stopped(step, kept))
}

fn stopped(step: &Step, kept: &StepStanding) -> Option<Suspect> {
    let run: Vec<&Newest> = kept.newest.iter().take_while(|one| one.code.is_some()).collect();
    let newest = *run.first()?;
    let several = run.iter().any(|one| one.visit != newest.visit);
    let worked = kept.succeeded?.last;
    if run.len() < FAILURES_MIN
        || !several
        || newest.at.duration_since(worked) > jiff::SignedDuration::try_from(WEEK).ok()?
    {
        return None;
    }
    let since = run.last().map_or(newest.at, |one| one.at);
    let code = newest.code.clone().unwrap_or_default();
    Some(Suspect { alarm: Raised { step: step.to_string().into(), code, since, raised: newest.at }, worked })
}

/// How an alarm ended, if it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It works again.
    Works(Timestamp),
    /// Nobody tried it for a week.
    Untried(Timestamp),
}

/// Whether the alarm of a combination ended at this moment.
#[must_use]
pub fn end(standing: &Standing, now: Timestamp) -> Option<End> {
    let alarm = standing.alarm.as_ref()?;
    let newest = standing.steps.get(&alarm.step).map(|step| step.newest.as_slice()).unwrap_or_default();
    let again = newest.iter().take_while(|one| one.code.is_none() && one.at > alarm.since);
    match (again.count(), newest.first()) {
        (SUCCESSES_MIN.., Some(last)) => Some(End::Works(last.at)),
        (_, last) => {
            let last = last.map_or(alarm.raised, |one| one.at);
            let untried = last.checked_add(WEEK).ok()?;
            (now >= untried).then_some(End::Untried(untried))
        }
    }
}

#[cfg(test)]
mod tests;
