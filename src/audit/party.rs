//! Who does something, on whose behalf, and what entitles them (NEN 7513:2018 section 7.3 and the Dutch additions).

use std::fmt;
use std::sync::Arc;

use super::kind::terms;

/// Who does something, or on whose behalf it is done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum User {
    /// The person, in a browser. Whose data it is about is another member.
    Person,
    /// The PGO or portal of `client_id`.
    Client,
    /// The practice of `provider`.
    Practice,
    /// Somebody who works for the practice, for the host, or as an auditor: a name of theirs in the place where they work.
    Operator(Arc<str>),
    /// The node itself.
    Node,
}

const OPERATOR: &str = "operator:";

/// Longest name of an operator, in bytes.
const MAX_OPERATOR_BYTES: usize = 128;

impl User {
    /// Somebody who works with the log or the node, by the name that they have there: 1 to 128 bytes, no control characters.
    #[must_use]
    pub fn operator(name: &str) -> Option<Self> {
        let fits = (1..=MAX_OPERATOR_BYTES).contains(&name.len()) && !name.chars().any(char::is_control);
        fits.then(|| Self::Operator(name.into()))
    }

    /// The form in the log, parsed.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "person" => Some(Self::Person),
            "client" => Some(Self::Client),
            "practice" => Some(Self::Practice),
            "node" => Some(Self::Node),
            _ => Self::operator(text.strip_prefix(OPERATOR)?),
        }
    }

    /// On whose behalf this user acts, unless the event says otherwise.
    #[must_use]
    pub const fn principal(&self) -> Self {
        match self {
            Self::Person | Self::Client => Self::Person,
            Self::Practice | Self::Operator(_) => Self::Practice,
            Self::Node => Self::Node,
        }
    }
}

/// The form in the log: `person`, `client`, `practice`, `node`, or `operator:` and a name.
impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person => f.write_str("person"),
            Self::Client => f.write_str("client"),
            Self::Practice => f.write_str("practice"),
            Self::Operator(name) => write!(f, "{OPERATOR}{name}"),
            Self::Node => f.write_str("node"),
        }
    }
}

terms! {
    /// Under which rules access was given (autorisatieprotocol).
    Authorization {
        /// A consent given at our own pages, for one time (MedMij, role Authorization Server).
        MedmijConsent = "medmij_consent",
        /// A consent that lasts, of which a refresh token brought a new token (MedMij, langdurige toestemming).
        LastingConsent = "lasting_consent",
        /// The word of a portal for its logged-in person (RFC 7523).
        PortalAssertion = "portal_assertion",
        /// SMART App Launch: a portal with the person in the browser.
        Smart = "smart",
        /// The person logged in at our own pages, to see what is theirs.
        OwnLogin = "own_login",
        /// Somebody's place in the organisation.
        Operator = "operator",
    }
}

terms! {
    /// What ties the user to the person whose data it is (behandelrelatieprotocol).
    Relation {
        /// It is the record of the person on whose behalf it happens: no treatment relation is needed.
        OwnRecord = "own_record",
        /// The practice of the person.
        Practice = "practice",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_user_is_refused() {
        let long = format!("operator:{}", "n".repeat(MAX_OPERATOR_BYTES + 1));
        for text in ["", "Person", "operator", "operator:", "operator:a\nb", &long] {
            assert_eq!(User::parse(text), None, "{text:?}");
        }
        assert_eq!(User::parse("operator:person").unwrap(), User::Operator("person".into()));
    }

    proptest! {
        #[test]
        fn every_user_parses_back(name in "\\PC{1,32}") {
            let users = [User::Person, User::Client, User::Practice, User::Node];
            for user in users.into_iter().chain(User::operator(&name)) {
                prop_assert_eq!(User::parse(&user.to_string()), Some(user));
            }
        }
    }
}
