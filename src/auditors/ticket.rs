//! A question that goes to a browser and comes back: for the next page and for a file. Sealed for the one who asked it, so that
//! it cannot be read, changed, kept for long or used by somebody else, and holds no BSN.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};

use super::Reader;
use super::question::{About, Named, Person, Question};
use crate::audit::Cursor;
use crate::form::{decode_pairs, encode_pairs, single};
use crate::medmij::{Hostname, LocalId};
use crate::seal::Sealer;

/// How long a page can be turned.
const LIFETIME: SignedDuration = SignedDuration::from_hours(1);

/// Until when the answer to a question may be looked at, and who agreed to that. Turning a page does not make it longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leave {
    /// Not after this moment.
    pub until: Timestamp,
    /// Who agreed, when somebody had to.
    pub agreed: Option<Agreed>,
}

/// A second pair of eyes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed {
    /// The request.
    pub request: LocalId,
    /// Who agreed to it.
    pub by: Hostname,
}

/// What stood in a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The question.
    pub question: Question,
    /// The same leave as before.
    pub leave: Leave,
    /// Where the page begins.
    pub after: Option<Cursor>,
}

impl Leave {
    /// For a question that needs nobody else.
    #[must_use]
    pub fn from(now: Timestamp) -> Self {
        Self { until: now.saturating_add(LIFETIME).unwrap_or(Timestamp::MAX), agreed: None }
    }

    fn pairs(&self) -> impl Iterator<Item = (String, String)> {
        let agreed = self.agreed.iter();
        let agreed = agreed.flat_map(|one| [("request", one.request.to_string()), ("agreed", one.by.to_string())]);
        let until = ("until", self.until.as_second().to_string());
        std::iter::once(until).chain(agreed).map(|(name, value)| (name.to_owned(), value))
    }

    fn read(pairs: &[(String, String)]) -> Option<Self> {
        let until = Timestamp::from_second(single(pairs, "until")?.parse().ok()?).ok()?;
        let agreed = match (single(pairs, "request"), single(pairs, "agreed")) {
            (None, None) => None,
            (request, by) => Some(Agreed { request: LocalId::parse(request?)?, by: Hostname::parse(by?).ok()? }),
        };
        Some(Self { until, agreed })
    }
}

/// Seals and opens tickets.
pub struct Tickets(Sealer);

impl Tickets {
    /// With a sealer of its own.
    #[must_use]
    pub const fn new(sealer: Sealer) -> Self {
        Self(sealer)
    }

    /// For `reader` to ask `question` again, after `after`.
    #[must_use]
    pub fn seal(&self, question: &Question, leave: &Leave, after: Option<Cursor>, reader: &Reader) -> String {
        let mut pairs = question.pairs();
        pairs.extend(leave.pairs());
        if let Some(after) = after {
            pairs.push(("after".to_owned(), after.to_string()));
        }
        if let About::Person(person) = &question.about {
            pairs.push(("person".to_owned(), texts(person)));
        }
        URL_SAFE_NO_PAD.encode(self.0.seal(encode_pairs(&pairs).as_bytes(), place(reader).as_bytes()))
    }

    /// What was asked before; `None` when it is not `reader`'s, too old, or none of ours.
    #[must_use]
    pub fn open(&self, ticket: &str, reader: &Reader, now: Timestamp) -> Option<Opened> {
        let sealed = URL_SAFE_NO_PAD.decode(ticket).ok()?;
        let opened = self.0.open(&sealed, place(reader).as_bytes())?;
        let pairs = decode_pairs(std::str::from_utf8(&opened).ok()?).ok()?;
        let leave = Leave::read(&pairs).filter(|leave| now < leave.until)?;
        let about = match single(&pairs, "person") {
            Some(texts) => About::Person(Box::new(Person::of_texts(texts.split(' '))?)),
            None => About::Anyone,
        };
        let after = single(&pairs, "after").map(|after| Cursor::parse(after).ok_or(()));
        let question = Question::read(&pairs, reader, Named::Known(about), now).ok()?;
        Some(Opened { question, leave, after: after.transpose().ok()? })
    }
}

fn texts(person: &Person) -> String {
    let Person { pseudonyms, subject } = person;
    let first = [subject.pseudonym.as_str(), subject.sealed.as_str()];
    first.into_iter().chain(pseudonyms.iter().map(|one| one.as_str())).collect::<Vec<_>>().join(" ")
}

fn place(reader: &Reader) -> String {
    format!("auditor question of {}", reader.name())
}
