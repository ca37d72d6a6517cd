//! The states of a visit as types: each step consumes one state and gives the next, so an illegal order does not compile.
//! Between two requests of the browser a visit lies in the store, sealed.

mod own;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use own::{Goal, Managing, OwnAtLogin, Stopped};

use super::login::{AssuranceLevel, AuthenticatedPerson, LoginMethod, LoginState};
use crate::language::Language;
use crate::medmij::{Bsn, LocalId, ServiceId};
use crate::oauth::authorize::AuthorizeRequest;
use crate::oauth::store::StoreFuture;
use crate::practices::golive::NotYet;
use crate::secret::{Handle, HandleHash};

/// The request was in order; the person sees where they are and may go on or go back.
#[derive(Debug)]
pub struct Landed {
    /// What the client asked.
    pub request: AuthorizeRequest,
}

/// The person is at the login service.
#[derive(Debug)]
pub struct AtLogin {
    /// What the client asked.
    pub request: AuthorizeRequest,
    /// What the service needs to read its answer.
    pub login: LoginState,
}

/// We know who the person is, and that the practice has data for them. They are asked for consent.
#[derive(Debug)]
pub struct Asked {
    /// What the client asked.
    pub request: AuthorizeRequest,
    /// Who is asked.
    pub person: AuthenticatedPerson,
    /// About which services. The lists may change while the page stands open: what comes to the practice meanwhile was not
    /// shown, so it is not granted.
    pub services: Vec<ServiceId>,
}

/// We know who the person is, and that the practice has nothing to give for them, or not yet. They are told so before they go back.
#[derive(Debug)]
pub struct Unavailable {
    /// What the client asked.
    pub request: AuthorizeRequest,
    /// Whom there is nothing about, or nothing yet.
    pub person: AuthenticatedPerson,
    /// Why they are not let in yet, when that is the reason.
    pub not_yet: Option<NotYet>,
}

/// The person said yes. Only [`Asked::consent`] makes one.
#[derive(Debug)]
pub struct ConsentGiven {
    /// What the client asked.
    pub request: AuthorizeRequest,
    /// Who consented.
    pub person: AuthenticatedPerson,
    /// To which services.
    pub services: Vec<ServiceId>,
    /// Whether they said so for an indefinite period ("voor onbepaalde tijd"); for collecting only.
    pub lasting: bool,
}

impl Landed {
    /// The person goes on to the login service.
    #[must_use]
    pub fn proceed(self, login: LoginState) -> AtLogin {
        AtLogin { request: self.request, login }
    }
}

impl AtLogin {
    /// The person stays where they were before: they may try once more.
    #[must_use]
    pub fn once_more(self) -> Landed {
        Landed { request: self.request }
    }

    /// The login service told us who the person is; they are asked about these services.
    #[must_use]
    pub fn authenticated(self, person: AuthenticatedPerson, services: Vec<ServiceId>) -> Asked {
        Asked { request: self.request, person, services }
    }
}

impl Asked {
    /// The availability test says no, or the practice is not so far that it lets this person in.
    #[must_use]
    pub fn unavailable(self, not_yet: Option<NotYet>) -> Unavailable {
        Unavailable { request: self.request, person: self.person, not_yet }
    }

    /// The person says yes. What may not last does not, whatever they tick.
    #[must_use]
    pub fn consent(self, lasting: bool) -> ConsentGiven {
        let lasting = lasting && self.request.may_last();
        ConsentGiven { request: self.request, person: self.person, services: self.services, lasting }
    }
}

/// A visit in one of its states that wait for the browser.
#[derive(Debug)]
pub enum Visit {
    /// See [`Landed`].
    Landed(Landed),
    /// See [`AtLogin`].
    AtLogin(AtLogin),
    /// See [`Asked`].
    Asked(Asked),
    /// See [`Unavailable`].
    Unavailable(Unavailable),
    /// See [`OwnAtLogin`].
    OwnAtLogin(OwnAtLogin),
    /// See [`Managing`].
    Managing(Managing),
}

impl Visit {
    /// What the client asked; nothing when the person came by themself.
    #[must_use]
    pub const fn request(&self) -> Option<&AuthorizeRequest> {
        match self {
            Self::Landed(Landed { request })
            | Self::AtLogin(AtLogin { request, .. })
            | Self::Asked(Asked { request, .. })
            | Self::Unavailable(Unavailable { request, .. }) => Some(request),
            Self::OwnAtLogin(_) | Self::Managing(_) => None,
        }
    }

    /// The form in which a store seals it, with the language in which the person goes on.
    #[must_use]
    pub fn to_bytes(&self, language: Language) -> Vec<u8> {
        let step = match self {
            Self::Landed(_) => Step::Landed,
            Self::AtLogin(at_login) => Step::AtLogin { login: at_login.login.reveal().clone() },
            Self::Asked(asked) => Step::Asked {
                person: WrittenPerson::of(&asked.person),
                services: asked.services.iter().map(ToString::to_string).collect(),
            },
            Self::Unavailable(Unavailable { person, not_yet, .. }) => Step::Unavailable {
                person: WrittenPerson::of(person),
                not_yet: not_yet.map(|not_yet| not_yet.code().to_owned()),
            },
            Self::OwnAtLogin(OwnAtLogin { login, goal }) => {
                Step::OwnAtLogin { login: login.reveal().clone(), goal: *goal }
            }
            Self::Managing(Managing { person, stopped }) => {
                Step::Managing { person: WrittenPerson::of(person), stopped: stopped.clone() }
            }
        };
        let language = language.tag().to_owned();
        let request = self.request().map(AuthorizeRequest::to_written);
        serde_json::to_vec(&Written { step, request, language }).unwrap_or_default()
    }

    /// Reads [`Visit::to_bytes`] back; `None` when the bytes are of no version that we know.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<(Self, Language)> {
        let written: Written = serde_json::from_slice(bytes).ok()?;
        let request = written.request.map(|request| AuthorizeRequest::from_written(request).ok_or(()));
        let request = request.transpose().ok()?;
        let visit = match (written.step, request) {
            (Step::Landed, Some(request)) => Self::Landed(Landed { request }),
            (Step::AtLogin { login }, Some(request)) => {
                Self::AtLogin(AtLogin { request, login: LoginState::new(login) })
            }
            (Step::Asked { person, services }, Some(request)) => {
                let services = services.iter().map(|id| ServiceId::parse(id).ok()).collect::<Option<_>>()?;
                Self::Asked(Asked { request, person: person.read()?, services })
            }
            (Step::Unavailable { person, not_yet }, Some(request)) => {
                let known = |code: String| NotYet::ALL.into_iter().find(|not_yet| not_yet.code() == code);
                let not_yet = not_yet.map(|code| known(code).ok_or(())).transpose().ok()?;
                Self::Unavailable(Unavailable { request, person: person.read()?, not_yet })
            }
            (Step::OwnAtLogin { login, goal }, None) => {
                Self::OwnAtLogin(OwnAtLogin { login: LoginState::new(login), goal })
            }
            (Step::Managing { person, stopped }, None) => Self::Managing(Managing { person: person.read()?, stopped }),
            (_, _) => return None,
        };
        Some((visit, Language::parse(&written.language)?))
    }
}

#[derive(Serialize, Deserialize)]
enum Step {
    Landed,
    AtLogin {
        login: String,
    },
    Asked {
        person: WrittenPerson,
        services: Vec<String>,
    },
    Unavailable {
        person: WrittenPerson,
        // Of an earlier release: everybody was let in.
        #[serde(default)]
        not_yet: Option<String>,
    },
    OwnAtLogin {
        login: String,
        // Of an earlier release: there was one page to come for.
        #[serde(default)]
        goal: Goal,
    },
    Managing {
        person: WrittenPerson,
        stopped: Option<Stopped>,
    },
}

#[derive(Serialize, Deserialize)]
struct Written {
    step: Step,
    request: Option<crate::oauth::authorize::WrittenRequest>,
    language: String,
}

#[derive(Serialize, Deserialize)]
struct WrittenPerson {
    bsn: String,
    level: String,
    at: String,
    method: String,
}

impl WrittenPerson {
    fn of(person: &AuthenticatedPerson) -> Self {
        Self {
            bsn: person.bsn.reveal().to_owned(),
            level: person.level.as_str().to_owned(),
            at: person.at.to_string(),
            method: person.method.as_str().to_owned(),
        }
    }

    fn read(&self) -> Option<AuthenticatedPerson> {
        Some(AuthenticatedPerson {
            bsn: Bsn::parse(&self.bsn).ok()?,
            level: AssuranceLevel::parse(&self.level)?,
            at: self.at.parse().ok()?,
            method: LoginMethod::parse(&self.method)?,
        })
    }
}

/// A visit with what ties it to one browser and one page.
#[derive(Debug)]
pub struct OpenVisit {
    /// Its public id; it stands in addresses.
    pub id: LocalId,
    /// SHA-256 of the cookie. The cookie changes at login, so that one planted before is of no use (session fixation).
    pub cookie: HandleHash,
    /// SHA-256 of the form token of the page that was shown last: a form works once, and only in the page we made.
    pub form: HandleHash,
    /// After this moment it is over.
    pub expires: Timestamp,
    /// Where it stands.
    pub visit: Visit,
    /// In which language the person goes on.
    pub language: Language,
}

/// What the browser gets when a visit moves on.
#[derive(Debug)]
pub struct BrowserKeys {
    /// The new value of the cookie.
    pub cookie: Handle,
    /// The token of the next form.
    pub form: Handle,
}

impl BrowserKeys {
    /// Draws a cookie; the form token follows from it, so that a page can be shown again.
    #[must_use]
    pub fn draw() -> Self {
        let cookie = Handle::draw();
        Self { form: Self::form_of(cookie.reveal()), cookie }
    }

    /// Those of a browser that has this cookie already.
    #[must_use]
    pub fn of(cookie: &str) -> Self {
        Self { cookie: Handle::presented(cookie), form: Self::form_of(cookie) }
    }

    /// The form token that goes with a cookie. Whoever sees the token cannot find the cookie.
    fn form_of(cookie: &str) -> Handle {
        Handle::derived(cookie, "form")
    }
}

/// Where visits lie between two requests of the browser.
pub trait VisitStore: Send + Sync + 'static {
    /// Keeps a new visit, or one that moved on.
    fn keep(&self, visit: OpenVisit) -> StoreFuture<'_, ()>;

    /// A visit as it stands, if the cookie fits and it is not over: for showing its page once more.
    fn look(&self, id: LocalId, cookie: HandleHash, now: Timestamp) -> StoreFuture<'_, Option<OpenVisit>>;

    /// Takes a visit out of the store if cookie and form token fit and it is not over, in one atomic step: of two
    /// presentations of one page exactly one gets it.
    fn take(
        &self,
        id: LocalId,
        cookie: HandleHash,
        form: HandleHash,
        now: Timestamp,
    ) -> StoreFuture<'_, Option<OpenVisit>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_fuzzer_starts_from_is_read_and_written_back() {
        let seeds: [&[u8]; 4] = [
            include_bytes!("../../tests/fuzz/seeds/visit/landed"),
            include_bytes!("../../tests/fuzz/seeds/visit/at_login"),
            include_bytes!("../../tests/fuzz/seeds/visit/asked"),
            include_bytes!("../../tests/fuzz/seeds/visit/managing"),
        ];
        for seed in seeds {
            let (visit, language) = Visit::from_bytes(seed).unwrap();
            let written = visit.to_bytes(language);
            assert_eq!(Visit::from_bytes(&written).unwrap().0.to_bytes(language), written);
        }
    }
}
