//! The states of a visit outside any app: a person looks at who asked for their data, or at their own lasting consents, and
//! stops them.

use serde::{Deserialize, Serialize};

use crate::session::login::{AuthenticatedPerson, LoginState};

/// The person is at the login service.
#[derive(Debug)]
pub struct OwnAtLogin {
    /// What the login service needs to read its answer.
    pub login: LoginState,
    /// What they came for.
    pub goal: Goal,
}

/// What a person comes for who comes by themself. After the login one leads to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Goal {
    /// Their lasting consents.
    #[default]
    Consents,
    /// Who asked for their data.
    Log,
}

impl Goal {
    /// The page where they begin.
    #[must_use]
    pub const fn start(self) -> &'static str {
        match self {
            Self::Consents => "/toestemmingen",
            Self::Log => "/inzagelog",
        }
    }

    /// The page of the visit, after the login.
    #[must_use]
    pub const fn step(self) -> &'static str {
        match self {
            Self::Consents => "consents",
            Self::Log => "log",
        }
    }
}

/// We know who the person is; they see their consents, and who asked for their data.
#[derive(Debug)]
pub struct Managing {
    /// Who they are.
    pub person: AuthenticatedPerson,
    /// What they stopped last, for the page to say so.
    pub stopped: Option<Stopped>,
}

/// A consent that was stopped, in the names that people know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    /// The organisation behind the PGO.
    pub organisation: String,
    /// The practice.
    pub practice: String,
}

impl OwnAtLogin {
    /// The login service told us who the person is.
    #[must_use]
    pub fn authenticated(self, person: AuthenticatedPerson) -> Managing {
        Managing { person, stopped: None }
    }
}

impl Managing {
    /// The person stopped a consent, and sees what is left.
    #[must_use]
    pub fn stopped(self, stopped: Stopped) -> Self {
        Self { stopped: Some(stopped), ..self }
    }
}
