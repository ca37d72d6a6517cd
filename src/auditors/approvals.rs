//! Four eyes: a search for one person waits until somebody else who may see the answer agrees. Requests live in the memory of
//! the node and are bounded in number and time; a restart loses those that wait, and they are asked again.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::people::Reader;
use super::question::Question;
use super::ticket::{Agreed, Leave};
use crate::medmij::{Hostname, LocalId};

/// How long a request waits for a second pair of eyes.
const WAITS: SignedDuration = SignedDuration::from_hours(24);
/// How long an approved search may be run.
const RUNS: SignedDuration = SignedDuration::from_hours(1);
/// Requests that are kept; a further one is refused.
const MOST: usize = 1_000;
/// Of these, requests of one person, so that nobody takes the place of others.
const MOST_OF_ONE: usize = 50;

/// A search that waits, or may be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its id.
    pub id: LocalId,
    /// Who asked.
    pub asker: Hostname,
    /// What for.
    pub question: Question,
    /// How far it is.
    pub state: RequestState,
    /// After this moment it is gone.
    pub until: Timestamp,
}

/// How far a request is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestState {
    /// Nobody has said anything yet.
    Waits,
    /// This other person agreed.
    Approved(Hostname),
}

/// Why a request cannot be treated so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalError {
    /// Too many wait.
    #[error("too many searches wait for a second pair of eyes")]
    TooMany,
    /// It is not there, or not any more.
    #[error("there is no such request, or its time is over")]
    Gone,
    /// Nobody agrees to their own search.
    #[error("somebody else must agree")]
    Own,
    /// They may not see what was asked for.
    #[error("this request is not yours to judge")]
    NotYours,
    /// Nobody has agreed yet.
    #[error("nobody has agreed yet")]
    Waits,
}

impl ApprovalError {
    /// The reason in the audit; it stands in logs for years and never changes.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::TooMany => "too-many-requests",
            Self::Gone => "request-gone",
            Self::Own => "own-request",
            Self::NotYours => "not-their-request",
            Self::Waits => "waits-for-second-person",
        }
    }
}

/// All requests.
#[derive(Debug, Default)]
pub struct Approvals(Mutex<BTreeMap<String, Request>>);

impl Approvals {
    /// Asks for a second pair of eyes.
    ///
    /// # Errors
    /// `TooMany`.
    pub fn ask(&self, id: LocalId, reader: &Reader, question: Question, now: Timestamp) -> Result<(), ApprovalError> {
        let mut all = self.current(now);
        let own = all.values().filter(|request| request.asker == *reader.name()).count();
        if all.len() >= MOST || own >= MOST_OF_ONE {
            return Err(ApprovalError::TooMany);
        }
        let until = later(now, WAITS);
        let request = Request { id, asker: reader.name().clone(), question, state: RequestState::Waits, until };
        all.insert(id.to_string(), request);
        Ok(())
    }

    /// What `reader` asked or may judge, oldest first.
    #[must_use]
    pub fn of(&self, reader: &Reader, now: Timestamp) -> Vec<Request> {
        let all = self.current(now);
        all.values().filter(|request| request.asker == *reader.name() || may_judge(reader, request)).cloned().collect()
    }

    /// The request with this id, whosever it is.
    #[must_use]
    pub fn find(&self, id: &str, now: Timestamp) -> Option<Request> {
        self.current(now).get(id).cloned()
    }

    /// The request that `reader` may agree to. It is as it was: what they do is put on record before it counts.
    ///
    /// # Errors
    /// `Gone`, `Own` or `NotYours`.
    pub fn to_approve(&self, id: &str, reader: &Reader, now: Timestamp) -> Result<Request, ApprovalError> {
        let mut all = self.current(now);
        judged(waiting(&mut all, id), reader).map(|request| request.clone())
    }

    /// `reader` agrees: the one who asked may run it for an hour.
    ///
    /// # Errors
    /// `Gone`, `Own` or `NotYours`.
    pub fn approve(&self, id: &str, reader: &Reader, now: Timestamp) -> Result<Request, ApprovalError> {
        let mut all = self.current(now);
        let request = judged(waiting(&mut all, id), reader)?;
        request.state = RequestState::Approved(reader.name().clone());
        request.until = later(now, RUNS);
        Ok(request.clone())
    }

    /// The request that `reader` may refuse or, when it is their own, take back. It is as it was.
    ///
    /// # Errors
    /// `Gone` or `NotYours`.
    pub fn to_refuse(&self, id: &str, reader: &Reader, now: Timestamp) -> Result<Request, ApprovalError> {
        let all = self.current(now);
        let request = all.get(id).ok_or(ApprovalError::Gone)?;
        let theirs = request.asker == *reader.name() || may_judge(reader, request);
        if theirs { Ok(request.clone()) } else { Err(ApprovalError::NotYours) }
    }

    /// `reader` does not agree, or the one who asked thinks better of it.
    ///
    /// # Errors
    /// `Gone` or `NotYours`.
    pub fn refuse(&self, id: &str, reader: &Reader, now: Timestamp) -> Result<Request, ApprovalError> {
        self.to_refuse(id, reader, now)?;
        self.current(now).remove(id).ok_or(ApprovalError::Gone)
    }

    /// The approved request of `reader`, to be run, and who agreed.
    ///
    /// # Errors
    /// `Gone`, `NotYours` or `Waits`.
    pub fn approved(&self, id: &str, reader: &Reader, now: Timestamp) -> Result<(Request, Leave), ApprovalError> {
        let all = self.current(now);
        let request = all.get(id).ok_or(ApprovalError::Gone)?;
        if request.asker != *reader.name() {
            return Err(ApprovalError::NotYours);
        }
        let RequestState::Approved(by) = &request.state else { return Err(ApprovalError::Waits) };
        let agreed = Some(Agreed { request: request.id, by: by.clone() });
        Ok((request.clone(), Leave { until: request.until, agreed }))
    }

    /// Those whose time is not over.
    fn current(&self, now: Timestamp) -> MutexGuard<'_, BTreeMap<String, Request>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, request| now < request.until);
        all
    }
}

fn waiting<'r>(all: &'r mut BTreeMap<String, Request>, id: &str) -> Option<&'r mut Request> {
    all.get_mut(id).filter(|request| request.state == RequestState::Waits)
}

fn judged<'r>(request: Option<&'r mut Request>, reader: &Reader) -> Result<&'r mut Request, ApprovalError> {
    let request = request.ok_or(ApprovalError::Gone)?;
    match (request.asker == *reader.name(), may_judge(reader, request)) {
        (true, _) => Err(ApprovalError::Own),
        (false, false) => Err(ApprovalError::NotYours),
        (false, true) => Ok(request),
    }
}

/// Who may see the answer may judge the question; nobody judges their own.
fn may_judge(reader: &Reader, request: &Request) -> bool {
    request.asker != *reader.name() && reader.may_read(request.question.provider.as_ref())
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
