//! Looking into the log: search, record that somebody looked, and only then show what was found.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::gather::{Day, LONGEST, Span, days, gather};
use super::telling::Telling;
use super::{Entry, Reach};
use crate::audit::render::Site;
use crate::audit::{
    AuditError, AuditEvent, AuditIndex, AuditLog, AuditReceipt, Counts, Cursor, IndexQuery, Keyring, Outcome, PAGE_MAX,
    Record, receipt,
};
use crate::availability::{dutch_midnight, dutch_today};
use crate::catalogue;
use crate::clock::SharedClock;
use crate::medmij::{Bsn, LocalId, ProviderName};
use crate::routing::Snapshot;

/// How long a search may take; somebody waits for the answer.
const SEARCH_DEADLINE: Duration = Duration::from_secs(10);
/// Records that one question reads at most, those of the hour after it included.
const READ_MAX: usize = 40_000;

/// What looking needs.
pub struct AccessLog {
    /// What can be searched.
    pub index: Arc<dyn AuditIndex>,
    /// Where it is recorded that somebody looked.
    pub audit: Arc<dyn AuditLog>,
    /// Under which pseudonyms a person is in the log.
    pub keyring: Arc<Keyring>,
    /// How far that is.
    pub complete_until: CompleteUntil,
    /// Time.
    pub clock: SharedClock,
    /// How many days records are kept.
    pub kept_days: u32,
    /// What AuditEvents say of where they were recorded.
    pub site: Site,
}

/// Until when everything of this node's log is in the index, seen from this moment; `None` when that is not known.
pub type CompleteUntil = Box<dyn Fn(Timestamp) -> Option<Timestamp> + Send + Sync>;

/// What somebody wants to see.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// About whom.
    pub person: &'a Bsn,
    /// About which practice; `None`: any.
    pub provider: Option<&'a ProviderName>,
    /// From this moment on.
    pub begins: Timestamp,
    /// Before this one.
    pub ends: Timestamp,
    /// How much of it at once.
    pub extent: Extent,
}

/// How much is shown at once; what is more is cut off, and said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Whole days, newest first, until they hold so many records: for people.
    Days(usize),
    /// So many records, in the order of the index and after a place in it, for programs.
    Records(u16, Option<Cursor>),
}

/// Why nothing can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LookError {
    /// The index does not answer.
    #[error("the index of the access log does not answer")]
    Index,
    /// No key for pseudonyms is held, so nobody can be found.
    #[error("no key for pseudonyms is held")]
    NoKey,
    /// It cannot be recorded that somebody looks.
    #[error(transparent)]
    Audit(#[from] AuditError),
}

/// A look that came to nothing.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Unseen {
    /// Why.
    pub error: LookError,
    /// Proof that a search that failed is on record; `None` when the log could not take it.
    pub receipt: Option<AuditReceipt>,
}

impl From<AuditError> for Unseen {
    fn from(error: AuditError) -> Self {
        Self { error: error.into(), receipt: None }
    }
}

/// What may be shown: that it is shown is on record. Only [`AccessLog::look`] makes one.
#[derive(Debug)]
pub struct Looked {
    receipt: AuditReceipt,
    records: Vec<Record>,
    span: Span,
    found: Found,
}

#[derive(Debug)]
struct Found {
    cut: bool,
    unreadable: usize,
    next: Option<Cursor>,
    complete_until: Option<Timestamp>,
}

impl Extent {
    /// A page for reading.
    pub const PAGE: Self = Self::Days(250);
    /// A file.
    pub const FILE: Self = Self::Days(10_000);

    /// Whether one more page of the index is not needed. Programs get one page of it: what this release cannot read leaves
    /// room on it, and filling that from the next page would lose the rest of that page.
    const fn is_read(self, within: usize) -> bool {
        match self {
            Self::Days(records) => within >= records,
            Self::Records(..) => true,
        }
    }
}

impl AccessLog {
    /// Which days can be asked for now.
    #[must_use]
    pub fn reach(&self) -> Reach {
        Reach::of(self.clock.now(), self.kept_days)
    }

    /// Searches, and records it by `event`, which says who looks and why. What is found can be shown when this returns.
    ///
    /// # Errors
    /// See [`LookError`]. Nothing was shown then; a search that failed is recorded as such.
    pub async fn look(&self, question: Question<'_>, event: AuditEvent) -> Result<Looked, Unseen> {
        let (records, found) = match self.search(&question).await {
            Ok(found) => found,
            Err(error) => return Err(Unseen { error, receipt: self.note_failure(event).await }),
        };
        let asked = Span { begins: question.begins, ends: question.ends };
        let span = if found.cut { narrowed(asked, &records) } else { asked };
        let counts = Counts { entries: u32::try_from(records.len()).unwrap_or(u32::MAX), ..Counts::default() };
        let event = AuditEvent { outcome: Outcome::Done, counts: Some(counts), ..event };
        let receipt = receipt(self.audit.append(&event)?).await?;
        Ok(Looked { receipt, records, span, found })
    }

    /// Nothing is shown in any case, so a log that cannot take this changes nothing.
    async fn note_failure(&self, event: AuditEvent) -> Option<AuditReceipt> {
        let event = AuditEvent { outcome: Outcome::Failed, reason: Some(catalogue::INDEX_DOWN.code()), ..event };
        receipt(self.audit.append(&event).ok()?).await.ok()
    }

    async fn search(&self, question: &Question<'_>) -> Result<(Vec<Record>, Found), LookError> {
        let searched = tokio::time::timeout(SEARCH_DEADLINE, self.search_all(question)).await;
        searched.unwrap_or(Err(LookError::Index))
    }

    async fn search_all(&self, question: &Question<'_>) -> Result<(Vec<Record>, Found), LookError> {
        // Before the search, so that it holds for what is found.
        let complete_until = (self.complete_until)(self.clock.now());
        let mut query = self.query(question)?;
        let (mut records, mut unreadable, mut within) = (Vec::new(), 0, 0_usize);
        loop {
            let page = self.index.search(query.clone()).await.map_err(|_| LookError::Index)?;
            within += page.records.iter().filter(|record| record.time < question.ends).count();
            records.extend(page.records);
            unreadable += page.unreadable;
            query.after = page.next;
            let cut = page.next.is_some();
            if !cut || question.extent.is_read(within) || records.len() + unreadable >= READ_MAX {
                return Ok((records, Found { cut, unreadable, next: page.next, complete_until }));
            }
        }
    }

    fn query(&self, question: &Question<'_>) -> Result<IndexQuery, LookError> {
        let (ends, limit, after) = match question.extent {
            Extent::Days(_) => (later(question.ends, LONGEST), PAGE_MAX, None),
            Extent::Records(limit, after) => (question.ends, limit, after),
        };
        let subjects = self.keyring.pseudonyms(question.person);
        // A query for no subject is one for everybody.
        if subjects.is_empty() {
            return Err(LookError::NoKey);
        }
        Ok(IndexQuery {
            subjects,
            provider: question.provider.cloned(),
            after,
            limit,
            ..IndexQuery::between(question.begins, ends)
        })
    }
}

/// The part of a span of which all was read: whole days when there is one, so that a page ends where a day does.
fn narrowed(asked: Span, records: &[Record]) -> Span {
    let Some(oldest) = records.last().map(|record| record.time) else { return asked };
    let midnight = dutch_today(oldest).tomorrow().map_or(Timestamp::MAX, dutch_midnight);
    let begins = if midnight < asked.ends { midnight } else { later(oldest, SignedDuration::from_micros(1)) };
    Span { begins: begins.clamp(asked.begins, asked.ends), ..asked }
}

fn later(moment: Timestamp, by: SignedDuration) -> Timestamp {
    moment.saturating_add(by).unwrap_or(Timestamp::MAX)
}

impl Looked {
    /// Proof that this look is on record.
    #[must_use]
    pub const fn receipt(&self) -> &AuditReceipt {
        &self.receipt
    }

    /// The records, newest first, as they are.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// What happened, by day.
    #[must_use]
    pub fn days(&self, snapshot: &Snapshot, in_force: &HashSet<LocalId>) -> Vec<Day> {
        days(self.entries(snapshot, in_force))
    }

    /// What happened, newest first.
    #[must_use]
    pub fn entries(&self, snapshot: &Snapshot, in_force: &HashSet<LocalId>) -> Vec<Entry> {
        gather(&self.records, self.span, &Telling { snapshot, in_force })
    }

    /// When there was more than fits: everything from this moment on is here, and what came before it is not.
    #[must_use]
    pub fn cut_at(&self) -> Option<Timestamp> {
        self.found.cut.then_some(self.span.begins)
    }

    /// Where the next records begin, for programs.
    #[must_use]
    pub const fn next(&self) -> Option<Cursor> {
        self.found.next
    }

    /// How many records there were that this release cannot read.
    #[must_use]
    pub const fn unreadable(&self) -> usize {
        self.found.unreadable
    }

    /// Until when everything of this node's log is in the index; `None` when that is not known.
    #[must_use]
    pub const fn complete_until(&self) -> Option<Timestamp> {
        self.found.complete_until
    }
}
