//! What somebody wants to find in the log, and why they look.

use jiff::Timestamp;
use jiff::civil::Date;

use super::Reader;
use super::people::Role;
use crate::audit::{Keyring, NoKey, Outcome, Pseudonym, SealedBsn, Subject, Term};
use crate::availability::{dutch_midnight, dutch_today};
use crate::form::single;
use crate::medmij::{Bsn, Hostname, ProviderName, ServiceId, holds_bsn};

/// Shortest and longest reason, in characters.
const REASON_CHARS: std::ops::RangeInclusive<usize> = 10..=500;

/// Why somebody may look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// A patient complained.
    Complaint,
    /// Something went wrong, or may have.
    Incident,
    /// A patient asks for their own log (Wabvpz article 15e).
    SubjectRequest,
    /// A check that is held from time to time (NEN 7510).
    Audit,
}

impl Ground {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Complaint, Self::Incident, Self::SubjectRequest, Self::Audit];

    /// The word of forms and of the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complaint => "complaint",
            Self::Incident => "incident",
            Self::SubjectRequest => "subject_request",
            Self::Audit => "audit",
        }
    }

    fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ground| ground.as_str() == word)
    }
}

/// One person, as the log knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their pseudonyms of all years whose keys are held, at least one.
    pub pseudonyms: Vec<Pseudonym>,
    /// What stands for them in the record of this search.
    pub subject: Subject,
}

/// About whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// Whoever it is about.
    Anyone,
    /// One person.
    Person(Box<Person>),
}

/// What is looked for, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// About whom.
    pub about: About,
    /// At which practice; always given for somebody of a practice.
    pub provider: Option<ProviderName>,
    /// By which PGO or portal.
    pub client: Option<Hostname>,
    /// Which data service.
    pub service: Option<ServiceId>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// The first day, in the Netherlands.
    pub first: Date,
    /// The last one.
    pub last: Date,
    /// On what ground.
    pub ground: Ground,
    /// The reason in their own words: 10 to 500 characters, without a BSN.
    pub reason: String,
}

/// What is wrong with a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// The number of the patient is no BSN.
    #[error("this is no BSN")]
    Patient,
    /// The practice is not written as one.
    #[error("this is no name of a practice")]
    Practice,
    /// Somebody of a practice names none of their own.
    #[error("this practice is not one of yours")]
    NotYours,
    /// The client is not a host name.
    #[error("this is no client_id")]
    Client,
    /// The service is not written as one.
    #[error("this is no data service")]
    Service,
    /// The result is none of the words.
    #[error("this is no result")]
    Outcome,
    /// The days are no period.
    #[error("these days are no period")]
    Period,
    /// No ground is given, or another one.
    #[error("say on what ground you look")]
    Ground,
    /// No reason is given, or it is too short or too long.
    #[error("say in 10 to 500 characters why you look")]
    Reason,
    /// The reason names a person by their number.
    #[error("leave the BSN out of the reason")]
    ReasonHoldsBsn,
    /// The form cannot be read.
    #[error("this form cannot be read")]
    Form,
    /// Nobody can be found without keys.
    #[error("the keys of this year are missing")]
    NoKey,
}

impl From<NoKey> for Wrong {
    fn from(_: NoKey) -> Self {
        Self::NoKey
    }
}

/// What a form or ticket says of a person.
pub enum Named<'a> {
    /// Digits that somebody typed, or nothing.
    Typed(&'a Keyring),
    /// Read before.
    Known(About),
}

impl Question {
    /// Reads a form. An empty field asks for nothing in particular; without days it is about the last month.
    ///
    /// # Errors
    /// See [`Wrong`].
    pub fn read(pairs: &[(String, String)], reader: &Reader, named: Named<'_>, now: Timestamp) -> Result<Self, Wrong> {
        let field = |name| single(pairs, name).map(str::trim).filter(|text| !text.is_empty());
        let about = match named {
            Named::Known(about) => about,
            Named::Typed(keys) => about(field("patient"), keys, now)?,
        };
        let parsed = |wrong| move |_| wrong;
        let provider = field("practice").map(ProviderName::parse).transpose();
        let client = field("client").map(Hostname::parse_any_case).transpose().map_err(|_| Wrong::Client)?;
        let service = field("service").map(ServiceId::parse).transpose().map_err(parsed_service)?;
        let outcome = field("outcome").map(|word| Outcome::find(word).ok_or(Wrong::Outcome)).transpose()?;
        let (first, last) = period(field("from"), field("to"), dutch_today(now))?;
        let ground = field("ground").and_then(Ground::find).ok_or(Wrong::Ground)?;
        let reason = reason(field("reason"))?;
        let provider = within(provider.map_err(parsed(Wrong::Practice))?, reader)?;
        Ok(Self { about, provider, client, service, outcome, first, last, ground, reason })
    }

    /// The form that gives this question, but for the person.
    #[must_use]
    pub fn pairs(&self) -> Vec<(String, String)> {
        let text = |name: &str, value: Option<&str>| Some((name.to_owned(), value?.to_owned()));
        let fields = [
            text("practice", self.provider.as_ref().map(ProviderName::as_str)),
            text("client", self.client.as_ref().map(Hostname::as_str)),
            text("service", self.service.as_ref().map(ServiceId::as_str)),
            text("outcome", self.outcome.map(Outcome::as_str)),
            text("from", Some(&self.first.to_string())),
            text("to", Some(&self.last.to_string())),
            text("ground", Some(self.ground.as_str())),
            text("reason", Some(&self.reason)),
        ];
        fields.into_iter().flatten().collect()
    }

    /// The first moment of it.
    #[must_use]
    pub fn begins(&self) -> Timestamp {
        dutch_midnight(self.first)
    }

    /// The first moment after it.
    #[must_use]
    pub fn ends(&self) -> Timestamp {
        self.last.tomorrow().map_or(Timestamp::MAX, dutch_midnight)
    }
}

fn parsed_service<E>(_: E) -> Wrong {
    Wrong::Service
}

fn about(typed: Option<&str>, keys: &Keyring, now: Timestamp) -> Result<About, Wrong> {
    let Some(typed) = typed else { return Ok(About::Anyone) };
    let bsn = Bsn::parse(typed).map_err(|_| Wrong::Patient)?;
    let subject = keys.subject(&bsn, now)?;
    // A search for no subject is one for everybody, so one person is never none.
    let pseudonyms = Some(keys.pseudonyms(&bsn)).filter(|all| !all.is_empty()).ok_or(Wrong::NoKey)?;
    Ok(About::Person(Box::new(Person { pseudonyms, subject })))
}

/// Somebody of one practice asks about that one when they name none.
fn within(provider: Option<ProviderName>, reader: &Reader) -> Result<Option<ProviderName>, Wrong> {
    let provider = match (provider, reader.role()) {
        (None, Role::Practice(own)) => own.first().filter(|_| own.len() == 1).cloned(),
        (provider, _) => provider,
    };
    if reader.may_read(provider.as_ref()) { Ok(provider) } else { Err(Wrong::NotYours) }
}

fn period(first: Option<&str>, last: Option<&str>, today: Date) -> Result<(Date, Date), Wrong> {
    let day = |text: &str| text.parse::<Date>().ok().filter(|_| text.len() == 10).ok_or(Wrong::Period);
    let last = last.map(day).transpose()?.unwrap_or(today);
    let month_before = || last.checked_sub(jiff::Span::new().months(1)).unwrap_or(last);
    let first = first.map(day).transpose()?.unwrap_or_else(month_before);
    if first <= last { Ok((first, last)) } else { Err(Wrong::Period) }
}

fn reason(text: Option<&str>) -> Result<String, Wrong> {
    let text = text.filter(|text| REASON_CHARS.contains(&text.chars().count())).ok_or(Wrong::Reason)?;
    if holds_bsn(text) {
        return Err(Wrong::ReasonHoldsBsn);
    }
    Ok(text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect())
}

impl Person {
    /// From the forms that [`Pseudonym::as_str`] and [`SealedBsn::as_str`] give: the subject, its sealed value, then all
    /// pseudonyms.
    #[must_use]
    pub fn of_texts<'t>(mut texts: impl Iterator<Item = &'t str>) -> Option<Self> {
        let subject = Subject { pseudonym: Pseudonym::parse(texts.next()?)?, sealed: SealedBsn::parse(texts.next()?)? };
        let pseudonyms: Option<Vec<_>> = texts.map(Pseudonym::parse).collect();
        let pseudonyms = pseudonyms.filter(|all| !all.is_empty())?;
        Some(Self { pseudonyms, subject })
    }
}

#[cfg(test)]
mod tests;
