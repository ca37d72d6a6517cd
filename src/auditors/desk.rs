//! The desk where the log is read: judges a question, records that somebody looks, and gives what was found with the receipt
//! of that record.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::approvals::{ApprovalError, Approvals, Request};
use super::people::{People, Reader, Role};
use super::question::{About, Named, Question, Wrong};
use super::ticket::{Agreed, Leave, Opened, Tickets};
use crate::audit::render::Site;
use crate::audit::{
    AuditError, AuditEvent, AuditIndex, AuditLog, AuditReceipt, Authorization, Counts, Cursor, IndexPage, IndexQuery,
    Keyring, Kind, Outcome, Record, Relation, User, receipt,
};
use crate::clock::SharedClock;
use crate::medmij::{Hostname, LocalId};

/// How long a search may take; somebody waits for the answer.
const SEARCH_DEADLINE: Duration = Duration::from_secs(10);
/// Records on a page.
const PAGE: u16 = 100;
/// Records in a file; what is more is cut off, and said to be.
const FILE_MAX: usize = 20_000;
/// Files that are on their way at once; of each all records are in memory.
const FILES_AT_ONCE: usize = 2;

/// What the desk needs.
pub struct Desk {
    /// Who may read.
    pub people: People,
    /// Whether a search for one person waits for a second pair of eyes.
    pub four_eyes: bool,
    /// Those that wait.
    pub approvals: Arc<Approvals>,
    /// Questions that come back.
    pub tickets: Tickets,
    /// What can be searched.
    pub index: Arc<dyn AuditIndex>,
    /// Where it is recorded that somebody looked.
    pub audit: Arc<dyn AuditLog>,
    /// Under which pseudonyms a person is in the log.
    pub keys: Arc<Keyring>,
    /// Where the records come from, for files.
    pub site: Site,
    /// Time.
    pub clock: SharedClock,
    /// Bounds the memory that files take.
    pub files: Files,
}

/// The room for files on their way.
#[derive(Debug, Clone)]
pub struct Files(Arc<Semaphore>);

impl Default for Files {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(FILES_AT_ONCE)))
    }
}

/// Somebody at the desk.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// Who.
    pub reader: Reader,
    /// From which address.
    pub address: IpAddr,
}

/// What came of a question.
#[derive(Debug)]
pub enum Answer {
    /// This was found.
    Found(Box<Results>),
    /// Somebody else must agree first; the id of the request.
    Waits(LocalId),
}

/// What may be shown: that it is shown is on record. Only the desk makes one.
#[derive(Debug)]
pub struct Results {
    /// Proof that this look is on record.
    pub receipt: AuditReceipt,
    /// What was asked.
    pub question: Question,
    /// Until when further pages and files of it can be had, and who agreed.
    pub leave: Leave,
    /// The records, newest first.
    pub records: Vec<Record>,
    /// How many more stood there that this release cannot read.
    pub unreadable: usize,
    /// Where the next page begins; of a file, where it was cut off.
    pub next: Option<Cursor>,
    /// The room that a file takes, until it was sent.
    pub room: Option<OwnedSemaphorePermit>,
}

/// Why nothing can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeskError {
    /// The certificate names nobody who may read.
    #[error("this certificate names nobody who may read the log")]
    Nobody,
    /// The question is wrong.
    #[error(transparent)]
    Wrong(#[from] Wrong),
    /// The page is too old, or belongs to somebody else.
    #[error("this page is over: search again")]
    Ticket,
    /// The request cannot be treated so.
    #[error(transparent)]
    Approval(#[from] ApprovalError),
    /// Too many files are on their way.
    #[error("other files are on their way: try again when they are there")]
    Busy,
    /// The index does not answer.
    #[error("the index of the access log does not answer")]
    Index,
    /// It cannot be recorded that somebody looks.
    #[error(transparent)]
    Audit(#[from] AuditError),
}

/// What is done with the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Read,
    Export,
}

impl Desk {
    /// Who is there. Somebody who is nobody is recorded.
    ///
    /// # Errors
    /// `Nobody`.
    pub async fn admit(&self, names: &[Hostname], address: IpAddr) -> Result<Visitor, DeskError> {
        if let Some(reader) = self.people.recognise(names) {
            return Ok(Visitor { reader, address });
        }
        let mut event = AuditEvent::new(self.clock.now(), Kind::LogRead, Outcome::Refused);
        event.peer = names.first().cloned();
        event.user = names.first().and_then(|name| User::operator(name.as_str()));
        event.access_point = Some(address);
        event.reason = Some("no-auditor");
        self.note(event).await;
        Err(DeskError::Nobody)
    }

    /// Answers a form. What is wrong with it is recorded when it asks for what is not theirs.
    ///
    /// # Errors
    /// See [`DeskError`].
    pub async fn ask(&self, visitor: &Visitor, pairs: &[(String, String)]) -> Result<Answer, DeskError> {
        let now = self.clock.now();
        let question = match Question::read(pairs, &visitor.reader, Named::Typed(&self.keys), now) {
            Ok(question) => question,
            Err(wrong) => return Err(self.wrong(visitor, wrong).await),
        };
        if self.four_eyes && matches!(question.about, About::Person(_)) {
            return self.hold(visitor, question, now).await.map(Answer::Waits);
        }
        let opened = Opened { question, leave: Leave::from(now), after: None };
        Ok(Answer::Found(Box::new(self.look(visitor, opened).await?)))
    }

    /// A further page.
    ///
    /// # Errors
    /// See [`DeskError`].
    pub async fn turn(&self, visitor: &Visitor, ticket: &str) -> Result<Results, DeskError> {
        let opened = self.tickets.open(ticket, &visitor.reader, self.clock.now());
        self.look(visitor, opened.ok_or(DeskError::Ticket)?).await
    }

    /// Everything that was found, for a file.
    ///
    /// # Errors
    /// See [`DeskError`].
    pub async fn copy(&self, visitor: &Visitor, ticket: &str) -> Result<Results, DeskError> {
        let opened = self.tickets.open(ticket, &visitor.reader, self.clock.now());
        let opened = opened.ok_or(DeskError::Ticket)?;
        let room = Arc::clone(&self.files.0).try_acquire_owned().map_err(|_| DeskError::Busy)?;
        let found = tokio::time::timeout(SEARCH_DEADLINE, self.all(&opened.question)).await;
        let page = found.unwrap_or(Err(DeskError::Index));
        Ok(Results { room: Some(room), ..self.shown(visitor, opened, page, Use::Export).await? })
    }

    /// Runs a search that somebody else has agreed to.
    ///
    /// # Errors
    /// See [`DeskError`].
    pub async fn run(&self, visitor: &Visitor, id: &str) -> Result<Results, DeskError> {
        let approved = self.approvals.approved(id, &visitor.reader, self.clock.now());
        let (request, leave) = self.allowed(visitor, (Kind::LogRead, id), approved).await?;
        self.look(visitor, Opened { question: request.question, leave, after: None }).await
    }

    /// Agrees to a search of somebody else, on record.
    ///
    /// # Errors
    /// See [`DeskError`].
    pub async fn approve(&self, visitor: &Visitor, id: &str) -> Result<(), DeskError> {
        let on = (Kind::Administration, id);
        let request = self.approvals.to_approve(id, &visitor.reader, self.clock.now());
        let request = self.allowed(visitor, on, request).await?;
        self.judged(visitor, &request, "approved").await?;
        let done = self.approvals.approve(id, &visitor.reader, self.clock.now());
        self.allowed(visitor, on, done).await.map(|_| ())
    }

    /// Does not agree, on record.
    ///
    /// # Errors
    /// See [`DeskError`].
    pub async fn refuse(&self, visitor: &Visitor, id: &str) -> Result<(), DeskError> {
        let on = (Kind::Administration, id);
        let request = self.approvals.to_refuse(id, &visitor.reader, self.clock.now());
        let request = self.allowed(visitor, on, request).await?;
        self.judged(visitor, &request, "refused").await?;
        let done = self.approvals.refuse(id, &visitor.reader, self.clock.now());
        self.allowed(visitor, on, done).await.map(|_| ())
    }

    /// A ticket for the page after these results, or for all of them again.
    #[must_use]
    pub fn ticket(&self, visitor: &Visitor, results: &Results, after: Option<Cursor>) -> String {
        self.tickets.seal(&results.question, &results.leave, after, &visitor.reader)
    }

    async fn hold(&self, visitor: &Visitor, question: Question, now: Timestamp) -> Result<LocalId, DeskError> {
        let id = LocalId::new(now);
        let mut event = self.event(visitor, &question, Kind::LogRead, Outcome::Intended);
        event.reason = Some("asks-second-person");
        event.local_id = Some(id);
        receipt(self.audit.append(&event)?).await?;
        let asked = self.approvals.ask(id, &visitor.reader, question, now);
        self.allowed(visitor, (Kind::LogRead, &id.to_string()), asked).await?;
        Ok(id)
    }

    /// What somebody may do with a request; what they may not is on record, with the request when there is one.
    async fn allowed<T>(
        &self,
        visitor: &Visitor,
        (kind, id): (Kind, &str),
        found: Result<T, ApprovalError>,
    ) -> Result<T, DeskError> {
        let error = match found {
            Ok(found) => return Ok(found),
            Err(error) => error,
        };
        let mut event = match self.approvals.find(id, self.clock.now()) {
            Some(request) => AuditEvent {
                local_id: Some(request.id),
                detail: Some(format!("search of {}", request.asker).into()),
                ..self.event(visitor, &request.question, kind, Outcome::Refused)
            },
            None => self.of(visitor, kind, Outcome::Refused),
        };
        event.reason = Some(error.reason());
        self.note(event).await;
        Err(error.into())
    }

    async fn judged(&self, visitor: &Visitor, request: &Request, verdict: &str) -> Result<(), DeskError> {
        let mut event = self.event(visitor, &request.question, Kind::Administration, Outcome::Done);
        event.local_id = Some(request.id);
        event.detail = Some(format!("search of {} {verdict}", request.asker).into());
        receipt(self.audit.append(&event)?).await?;
        Ok(())
    }

    async fn look(&self, visitor: &Visitor, asked: Opened) -> Result<Results, DeskError> {
        let query = IndexQuery { after: asked.after, limit: PAGE, ..query(&asked.question) };
        let page = tokio::time::timeout(SEARCH_DEADLINE, self.index.search(query)).await;
        let page = page.ok().and_then(Result::ok).ok_or(DeskError::Index);
        self.shown(visitor, asked, page, Use::Read).await
    }

    async fn all(&self, question: &Question) -> Result<IndexPage, DeskError> {
        let mut all = IndexPage::default();
        let mut query = IndexQuery { limit: crate::audit::PAGE_MAX, ..query(question) };
        loop {
            let page = self.index.search(query.clone()).await.map_err(|_| DeskError::Index)?;
            all.records.extend(page.records);
            all.unreadable += page.unreadable;
            (all.next, query.after) = (page.next, page.next);
            if page.next.is_none() || all.records.len() + all.unreadable >= FILE_MAX {
                return Ok(all);
            }
        }
    }

    /// Records the look, and only then gives what was found.
    async fn shown(
        &self,
        visitor: &Visitor,
        Opened { question, leave, .. }: Opened,
        page: Result<IndexPage, DeskError>,
        purpose: Use,
    ) -> Result<Results, DeskError> {
        let kind = if purpose == Use::Export { Kind::LogExported } else { Kind::LogRead };
        let mut event = self.event(visitor, &question, kind, Outcome::Done);
        if let Some(Agreed { request, by }) = &leave.agreed {
            event.local_id = Some(*request);
            event.detail = event.detail.map(|detail| format!("{by} agreed, {detail}").into());
        }
        let IndexPage { mut records, unreadable, next } = match page {
            Ok(page) => page,
            Err(error) => {
                self.note(AuditEvent { outcome: Outcome::Failed, reason: Some("index-down"), ..event }).await;
                return Err(error);
            }
        };
        let entries = u32::try_from(records.len()).unwrap_or(u32::MAX);
        event.counts = Some(Counts { entries, ..Counts::default() });
        let receipt = receipt(self.audit.append(&event)?).await?;
        if self.four_eyes && question.about == About::Anyone {
            records.iter_mut().for_each(without_person);
        }
        Ok(Results { receipt, question, leave, records, unreadable, next, room: None })
    }

    async fn wrong(&self, visitor: &Visitor, wrong: Wrong) -> DeskError {
        if wrong == Wrong::NotYours {
            let mut event = self.of(visitor, Kind::LogRead, Outcome::Refused);
            event.reason = Some("not-their-practice");
            self.note(event).await;
        }
        DeskError::Wrong(wrong)
    }

    /// Nothing is shown in any case, so a log that cannot take this changes nothing.
    async fn note(&self, event: AuditEvent) {
        if let Ok(pending) = self.audit.append(&event) {
            let _ = receipt(pending).await;
        }
    }

    fn event(&self, visitor: &Visitor, question: &Question, kind: Kind, outcome: Outcome) -> AuditEvent {
        let mut event = self.of(visitor, kind, outcome);
        event.provider.clone_from(&question.provider);
        event.client_id.clone_from(&question.client);
        event.service.clone_from(&question.service);
        if let About::Person(person) = &question.about {
            event.subject = Some(person.subject.clone());
        }
        let Question { first, last, outcome, ground, reason, .. } = question;
        let outcome = outcome.map_or("any", Outcome::as_str);
        event.query = Some(format!("from={first}&to={last}&outcome={outcome}").into());
        event.detail = Some(format!("{}, {}: {reason}", visitor.reader.role().as_str(), ground.as_str()).into());
        event
    }

    fn of(&self, visitor: &Visitor, kind: Kind, outcome: Outcome) -> AuditEvent {
        let mut event = AuditEvent::new(self.clock.now(), kind, outcome);
        event.local_id = Some(LocalId::new(event.time));
        event.peer = Some(visitor.reader.name().clone());
        event.access_point = Some(visitor.address);
        event.user = User::operator(visitor.reader.name().as_str());
        event.authorization = Some(Authorization::Operator);
        event.relation = matches!(visitor.reader.role(), Role::Practice(_)).then_some(Relation::Practice);
        event
    }
}

/// Who asks about a person has their pseudonym on record with that question. If records of everybody showed pseudonyms, they
/// would be the records of that person to somebody who was never allowed to search for them.
fn without_person(record: &mut Record) {
    record.subject = None;
    record.sealed = None;
}

/// A query for no subject is one for everybody, so one person is never none: their pseudonyms are at least one.
fn query(question: &Question) -> IndexQuery {
    let subjects = match &question.about {
        About::Anyone => Vec::new(),
        About::Person(person) => person.pseudonyms.clone(),
    };
    IndexQuery {
        subjects,
        provider: question.provider.clone(),
        client: question.client.clone(),
        service: question.service.clone(),
        outcomes: question.outcome.into_iter().collect(),
        ..IndexQuery::between(question.begins(), question.ends())
    }
}

#[cfg(test)]
mod tests;
