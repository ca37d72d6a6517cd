//! The states of a visit outside any app: a person looks at their own lasting consents and stops them.

use serde::{Deserialize, Serialize};

use crate::session::login::{AuthenticatedPerson, LoginState};

/// The person is at the login service.
#[derive(Debug)]
pub struct OwnAtLogin {
    /// What the login service needs to read its answer.
    pub login: LoginState,
}

/// We know who the person is; they see their consents.
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
