//! What a person sees of one record: who did what, about which practice and data, how it ended, and why it was allowed. In
//! values; the words are those of the pages.

use jiff::Timestamp;

use super::Why;
use crate::medmij::LocalId;

/// One thing that happened: a record, or an intent and its outcome together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When it began.
    pub at: Timestamp,
    /// What was done.
    pub act: Act,
    /// By whom.
    pub who: Who,
    /// The app or website that it went through, or that it is about.
    pub client: Option<Client>,
    /// At which practice, as people know it.
    pub practice: Option<String>,
    /// Which data, as the list of names calls the service.
    pub service: Option<String>,
    /// Which part of it: the type of FHIR resource that was asked for.
    pub resource: Option<String>,
    /// Of a document: the beginning of what stands for it in the log, so that one can be told from another.
    pub document: Option<String>,
    /// How it ended.
    pub ending: Ending,
    /// Why it was allowed.
    pub basis: Basis,
    /// Where it stands in the log: `<log>/<index>`, of the record that ends it.
    pub number: String,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Data was asked for.
    Collect,
    /// Data was sent to the practice.
    Share,
    /// A search in the log about this person, or a look at this page.
    ReadLog,
    /// The same, as a file.
    ExportLog,
    /// The person logged in.
    LogIn,
    /// The person said yes.
    Consent,
    /// The person said no.
    Refuse,
    /// A consent ended.
    EndConsent,
    /// An app or website got the key with which it asks for data.
    GetKey,
    /// An operator did something.
    Administer,
    /// A kind of a later release, as the log calls it.
    Other(String),
}

/// By whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The person themself.
    Person,
    /// The client of the entry.
    Client,
    /// Somebody of the practice.
    Practice,
    /// Somebody who runs this gateway, or looks into it on their behalf.
    Operator,
    /// This gateway by itself.
    Gateway,
}

/// An app or website, as people know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The organisation behind an app (OCL), the name of a website by its registration, or the host name of what is in no list
    /// any more.
    pub name: String,
    /// What it is.
    pub kind: ClientKind,
}

/// What a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientKind {
    /// An app (PGO) of the OAuth client list.
    App,
    /// A website that the practices registered.
    Portal,
    /// In no list any more.
    Gone,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ending {
    /// It was done; of data, so much was given.
    Done {
        /// Parts of the record, where they can be counted.
        parts: Option<u32>,
    },
    /// It was done, and there was nothing to give.
    Nothing,
    /// We said no.
    Refused(Why),
    /// It failed.
    Failed(Why),
    /// It was broken off before anything was given.
    BrokenOff,
    /// It was broken off while data was on its way: a part was given.
    PartGiven,
    /// The log has an intent and no outcome: it may have been done, never less than the truth.
    Perhaps,
}

/// Why it was allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// A consent of the person.
    Consent {
        /// Its number.
        id: LocalId,
        /// When it was given.
        given: Option<Timestamp>,
        /// Whether it is one that lasts and is still in force, so that it can be stopped.
        stoppable: bool,
    },
    /// A website that knows the person says who they are.
    Portal,
    /// It is the person's own doing.
    Own,
    /// The task of who did it.
    Task,
    /// Nothing: it was refused before anything allowed it.
    Nothing,
}

impl Entry {
    /// Whether two entries of one day are told as one line: NEN 7513:2018 chapter 9 lets similar lines of a day be merged under
    /// the first time.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        (&self.act, self.who, &self.client, &self.practice, &self.service, self.basis)
            == (&other.act, other.who, &other.client, &other.practice, &other.service, other.basis)
            && self.ending.is_like(other.ending)
    }
}

impl Ending {
    /// How much there was makes no difference.
    fn is_like(self, other: Self) -> bool {
        let given = |ending| matches!(ending, Self::Done { .. } | Self::Nothing);
        self == other || (given(self) && given(other))
    }
}
