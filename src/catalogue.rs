//! The one catalogue of everything that can be in the way of a patient's request: for each code who can act, whether trying again
//! helps, and what people and developers are told. Answers, pages, logs and explanations take their words from here, and
//! `deploy/docs/errors.md` is written from it.
//!
//! An [`Entry`] is made in this module alone, so a code that stands in an answer stands here too.

mod caller;
mod document;
mod his;
mod node;
mod oauth;
mod practice;
mod request;
mod sharing;
mod visit;

pub(crate) use self::caller::*;
pub use self::document::document;
pub(crate) use self::his::*;
pub(crate) use self::node::*;
pub(crate) use self::oauth::*;
pub(crate) use self::practice::*;
pub(crate) use self::request::*;
pub(crate) use self::sharing::*;
pub(crate) use self::visit::*;

/// Who can do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    /// The patient.
    Patient,
    /// The practice.
    Practice,
    /// The maker of the client.
    Pgo,
    /// The supplier of the practice's information system.
    His,
    /// The operator of this gateway.
    Us,
}

impl Who {
    /// The word used in answers and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Practice => "practice",
            Self::Pgo => "pgo",
            Self::His => "his",
            Self::Us => "us",
        }
    }
}

/// Whether the same request may be answered otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Again {
    /// Not before somebody has acted.
    Never,
    /// It may pass by itself.
    Later,
    /// It may after so many seconds; the answer says so (`Retry-After`).
    After(u32),
}

/// A reason that a patient understands, and whose move it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// There was no consent, or it had its time, or was stopped.
    ConsentOver,
    /// There was a consent, but for something else.
    ConsentNarrow,
    /// The app or website may not ask here.
    NotAdmitted,
    /// The practice does not give this, or not to this person.
    NotGiven,
    /// What the app asked or sent is not in order.
    Malformed,
    /// What is asked for is not there.
    NotThere,
    /// What the app sent is about somebody else.
    OtherPerson,
    /// The person said no, went back, or stopped it.
    Person,
    /// The login did not succeed.
    Login,
    /// The same proof was shown twice, which happens when somebody copied it.
    Copied,
    /// The system of the practice did not answer, or not in order.
    PracticeSystem,
    /// The system of the practice did not say whether it stored what was sent.
    Unconfirmed,
    /// The answer of the practice's system failed a check of ours, so nothing of it was shown.
    Withheld,
    /// Something was wrong on our side.
    Ours,
    /// Another reason.
    Other,
}

impl Why {
    /// The reason behind a code of the log. A code of a later release is [`Why::Other`].
    #[must_use]
    pub fn of(code: &str) -> Self {
        Entry::find(code).map_or(Self::Other, |entry| entry.why)
    }
}

/// A code and all that is said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Entry {
    code: &'static str,
    who: Who,
    again: Again,
    why: Why,
    nl: &'static str,
    en: &'static str,
    diagnostics: &'static str,
}

impl Entry {
    /// Our code of it; also the reason in the audit.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// Who can do something about it.
    #[must_use]
    pub const fn who(&self) -> Who {
        self.who
    }

    /// Whether trying again helps.
    #[must_use]
    pub const fn again(&self) -> Again {
        self.again
    }

    /// The reason as a patient finds it in their log.
    #[must_use]
    pub const fn why(&self) -> Why {
        self.why
    }

    /// For people, in Dutch.
    #[must_use]
    pub const fn nl(&self) -> &'static str {
        self.nl
    }

    /// For people, in English.
    #[must_use]
    pub const fn en(&self) -> &'static str {
        self.en
    }

    /// For developers, in English.
    #[must_use]
    pub const fn diagnostics(&self) -> &'static str {
        self.diagnostics
    }

    /// Every one, group by group.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        GROUPS.iter().flat_map(|(_, group)| group.iter())
    }

    /// The one with this code.
    #[must_use]
    pub fn find(code: &str) -> Option<&'static Self> {
        Self::all().find(|entry| entry.code == code)
    }
}

/// What belongs together, under a heading of the document.
const GROUPS: &[(&str, &[Entry])] = &[
    ("The app, its certificate and its token", CALLERS),
    ("The practice and its go-live", PRACTICES),
    ("What is asked", REQUESTS),
    ("What is sent to be stored", SHARING),
    ("The information system of the practice", HIS),
    ("The gateway", NODE),
    ("Authorization and tokens (OAuth)", OAUTH),
    ("A person's visit", VISITS),
];

/// The list of a group by its name, and its entries by theirs.
macro_rules! entries {
    ($group:ident; $($name:ident: $code:literal, $who:ident, $again:expr, $why:ident, $nl:literal, $en:literal, $diagnostics:literal;)+) => {
        $(
            #[doc = concat!("`", $code, "`: ", $diagnostics, ".")]
            pub(crate) const $name: $crate::catalogue::Entry = $crate::catalogue::Entry {
                code: $code,
                who: $crate::catalogue::Who::$who,
                again: $again,
                why: $crate::catalogue::Why::$why,
                nl: $nl,
                en: $en,
                diagnostics: $diagnostics,
            };
        )+

        /// All of the group.
        pub(super) const $group: &[$crate::catalogue::Entry] = &[$($name,)+];
    };
}
use entries;

#[cfg(test)]
mod tests;
