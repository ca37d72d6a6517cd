//! Whether a combination works. One rule, on counts alone, that says why.
//!
//! A step fails when at least [`ATTEMPTS_MIN`] attempts of at least two visits tell whether it works, and the lower bound of the
//! 95 % interval (Wilson) of the share that failed is over one half. So a few failures in a hundred name nothing, and five of five
//! do. What a person ended, and what the other side broke off, tells nothing. The first step in order that fails is named, and no
//! other: what comes after it is tried by few.

use smol_str::SmolStr;

use super::step::Step;
use super::tally::{Tally, Tried, Visits};

/// Fewest attempts at a step on which it is judged.
pub const ATTEMPTS_MIN: u64 = 5;
/// What the share of failures must be over, with certainty.
pub const HALF: f64 = 0.5;
/// The 97.5th percentile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// Whether a combination works.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// No step fails, and requests for data are answered often enough to say so.
    Works {
        /// How many requests were answered.
        answered: u64,
    },
    /// Too little was tried to say anything.
    TooFew {
        /// The most attempts at any request for data.
        attempts: u64,
    },
    /// A step fails.
    Fails(Failing),
}

/// The first step that fails, and why that is said.
#[derive(Debug, Clone, PartialEq)]
pub struct Failing {
    /// The step.
    pub step: Step,
    /// The code of most of its failures.
    pub code: SmolStr,
    /// How many attempts told whether it works.
    pub judged: u64,
    /// How many of them failed.
    pub failed: u64,
    /// The lower bound of the share that fails.
    pub at_least: f64,
}

/// Judges a combination by what was tried.
#[must_use]
pub fn judge(tally: &Tally) -> Verdict {
    let failing = tally.steps.iter().find_map(|(step, tried)| failing(step, tried));
    if let Some(failing) = failing {
        return Verdict::Fails(failing);
    }
    let requests = tally.steps.iter().filter(|(step, _)| matches!(step, Step::Request(_)));
    let requests: Vec<_> = requests.map(|(_, tried)| tried).collect();
    if requests.iter().any(|tried| is_enough(tried)) {
        Verdict::Works { answered: requests.iter().map(|tried| tried.succeeded).sum() }
    } else {
        Verdict::TooFew { attempts: requests.iter().map(|tried| tried.judged()).max().unwrap_or_default() }
    }
}

/// Whether so much was tried that it tells something.
fn is_enough(tried: &Tried) -> bool {
    tried.judged() >= ATTEMPTS_MIN && tried.visits == Visits::Several
}

fn failing(step: &Step, tried: &Tried) -> Option<Failing> {
    let (judged, failed) = (tried.judged(), tried.failures());
    let at_least = lower_bound(failed, judged);
    (is_enough(tried) && at_least > HALF).then(|| Failing {
        step: step.clone(),
        code: tried.code().cloned().unwrap_or_default(),
        judged,
        failed,
        at_least,
    })
}

/// The lower bound of the 95 % interval of a share (E. B. Wilson, 1927); 0 of none.
#[must_use]
pub fn lower_bound(failed: u64, judged: u64) -> f64 {
    if judged == 0 {
        return 0.0;
    }
    let n = judged as f64;
    let share = failed as f64 / n;
    let spread = (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    ((share + Z * Z / (2.0 * n) - Z * spread) / (1.0 + Z * Z / n)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests;
