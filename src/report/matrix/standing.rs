//! What is kept of a combination beside its counts: when each step was first and last taken or missed, its newest attempts, the
//! requests that failed last, and its alarm.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::step::{Ending, Step};
use super::visit::{Attempt, Mark};

/// How many of the newest attempts at a step are kept.
pub const NEWEST_MAX: usize = 8;
/// How many failed requests of a step are kept.
pub const SAMPLES_MAX: usize = 5;
/// How many alarms that are over are kept.
pub const PAST_MAX: usize = 10;

/// What is kept of a combination.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Standing {
    /// Of each step, by its text.
    pub steps: BTreeMap<SmolStr, StepStanding>,
    /// The alarm that stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm: Option<Raised>,
    /// Those that were over, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub past: Vec<Cleared>,
}

/// What is kept of a step.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StepStanding {
    /// When it was first and last taken.
    pub succeeded: Option<Span>,
    /// When it first and last failed.
    pub failed: Option<Span>,
    /// The newest attempts that tell whether it works, newest first.
    pub newest: Vec<Newest>,
    /// The newest failures, newest first.
    pub samples: Vec<Sample>,
}

/// From the first to the last of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The first.
    #[serde(with = "micros")]
    pub first: Timestamp,
    /// The last.
    #[serde(with = "micros")]
    pub last: Timestamp,
}

/// One of the newest attempts at a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Newest {
    /// When.
    #[serde(with = "micros")]
    pub at: Timestamp,
    /// In which visit.
    pub visit: Mark,
    /// The code of a failure; absent when the step was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<SmolStr>,
    /// The id of the request.
    pub sample: SmolStr,
}

/// A request that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// When.
    #[serde(with = "micros")]
    pub at: Timestamp,
    /// With which code.
    pub code: SmolStr,
    /// Its id: that of the client, else ours.
    pub id: SmolStr,
}

/// An alarm: it worked, and stopped working.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raised {
    /// The step, as text.
    pub step: SmolStr,
    /// The code of its newest failure.
    pub code: SmolStr,
    /// Since its first failure after the last success.
    #[serde(with = "micros")]
    pub since: Timestamp,
    /// When that was noticed: at its newest failure then.
    #[serde(with = "micros")]
    pub raised: Timestamp,
}

/// An alarm that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleared {
    /// What it was.
    pub alarm: Raised,
    /// When it ended.
    #[serde(with = "micros")]
    pub cleared: Timestamp,
    /// Whether it worked again; else nobody tried it any more.
    pub works: bool,
}

impl Span {
    fn with(span: Option<Self>, at: Timestamp) -> Option<Self> {
        let span = span.unwrap_or(Self { first: at, last: at });
        Some(Self { first: span.first.min(at), last: span.last.max(at) })
    }
}

impl Standing {
    /// Reads what [`Self::write`] wrote; nothing of another release.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// As it is kept.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// With an attempt. In which order they come is of no account.
    pub fn add(&mut self, attempt: &Attempt) {
        if attempt.ending.counts() {
            let text = SmolStr::from(attempt.step.to_string());
            self.steps.entry(text).or_default().add(attempt);
        }
    }

    /// What is kept of a step.
    #[must_use]
    pub fn step(&self, step: &Step) -> Option<&StepStanding> {
        self.steps.get(step.to_string().as_str())
    }

    /// The time of its newest attempt at any step.
    #[must_use]
    pub fn last(&self) -> Option<Timestamp> {
        self.steps.values().filter_map(|step| step.newest.first()).map(|newest| newest.at).max()
    }

    /// The time of the first attempt at any step.
    #[must_use]
    pub fn first(&self) -> Option<Timestamp> {
        let spans = self.steps.values().flat_map(|step| [step.succeeded, step.failed]);
        spans.flatten().map(|span| span.first).min()
    }
}

impl StepStanding {
    fn add(&mut self, attempt: &Attempt) {
        let at = attempt.at;
        let code = match &attempt.ending {
            Ending::Failed(code) => {
                self.failed = Span::with(self.failed, at);
                let sample = Sample { at, code: code.clone(), id: attempt.sample.clone() };
                keep_newest(&mut self.samples, sample, SAMPLES_MAX, |one| (one.at, one.id.clone()));
                Some(code.clone())
            }
            Ending::Succeeded | Ending::Ended | Ending::Aborted => {
                self.succeeded = Span::with(self.succeeded, at);
                None
            }
        };
        let newest = Newest { at, visit: attempt.visit, code, sample: attempt.sample.clone() };
        keep_newest(&mut self.newest, newest, NEWEST_MAX, |one| (one.at, one.sample.clone(), one.code.clone()));
    }
}

/// Puts one where it belongs, newest first, and leaves out what is too much.
fn keep_newest<T, K: Ord>(kept: &mut Vec<T>, one: T, most: usize, key: impl Fn(&T) -> K) {
    let place = kept.partition_point(|other| key(other) >= key(&one));
    kept.insert(place, one);
    kept.truncate(most);
}

/// Moments as microseconds since 1970.
mod micros {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(at.as_microsecond())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        Timestamp::from_microsecond(i64::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
pub(super) mod tests;
