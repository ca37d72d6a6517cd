//! What can happen and how it can end: closed sets, each in one table. Names stand in logs for years and never change.

use super::User;

/// A closed set whose members have a name in the log.
pub trait Term: Copy + 'static {
    /// All of them.
    const ALL: &'static [Self];

    /// The name in the log, stable over versions: lower case and underscores.
    fn as_str(self) -> &'static str;

    /// The member of this name.
    #[must_use]
    fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|term| term.as_str() == name)
    }
}

macro_rules! terms {
    ($(#[$doc:meta])* $set:ident { $($(#[$member_doc:meta])* $member:ident = $name:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $set { $($(#[$member_doc])* $member,)+ }

        impl $set {
            /// The form in the log, stable over versions.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$member => $name,)+ }
            }
        }

        impl $crate::audit::Term for $set {
            const ALL: &'static [Self] = &[$(Self::$member,)+];

            fn as_str(self) -> &'static str {
                self.as_str()
            }
        }
    };
}
pub(super) use terms;

terms! {
    /// How it ended.
    Outcome {
        /// Not ended yet: an intent. Without a later outcome the log says "may have been disclosed".
        Intended = "intended",
        /// It was done.
        Done = "done",
        /// We said no.
        Refused = "refused",
        /// It failed on our side or behind us.
        Failed = "failed",
        /// The other side went away before the end.
        Aborted = "aborted",
    }
}

terms! {
    /// Which of the events of NEN 7513:2018 chapter 6 a kind is.
    Activity {
        /// What makes the logging itself begin, end or change.
        Logging = "logging",
        /// Work of an operator, and changes of lists and configuration.
        Administration = "administration",
        /// A person proves who they are, or fails to.
        Login = "login",
        /// What somebody may do changes, or is asked for in vain.
        Authorization = "authorization",
        /// A person's consent changes, or is withheld.
        Consent = "consent",
        /// Data goes to, or comes from, another domain.
        Transfer = "transfer",
        /// The log is read or copied.
        LogAccess = "log_access",
    }
}

/// What is done to the object of the event (EventActionCode of RFC 3881).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Something new comes to be.
    Create,
    /// Something is seen or copied.
    Read,
    /// Something that is there changes.
    Update,
    /// Something that is there ends.
    Delete,
    /// Something is done that changes nothing kept.
    Execute,
}

impl Action {
    /// One letter: `C`, `R`, `U`, `D` or `E`.
    #[must_use]
    pub const fn code(self) -> char {
        match self {
            Self::Create => 'C',
            Self::Read => 'R',
            Self::Update => 'U',
            Self::Delete => 'D',
            Self::Execute => 'E',
        }
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal: $activity:ident, $action:ident, by $user:ident;)+) => {
        terms! {
            /// What happened.
            Kind { $($(#[$doc])* $kind = $name,)+ }
        }

        impl Kind {
            /// Which event of NEN 7513 it is.
            #[must_use]
            pub const fn activity(self) -> Activity {
                match self { $(Self::$kind => Activity::$activity,)+ }
            }

            /// What is done to its object.
            #[must_use]
            pub const fn action(self) -> Action {
                match self { $(Self::$kind => Action::$action,)+ }
            }

            /// Who does it, unless the event says otherwise.
            #[must_use]
            pub const fn user(self) -> User {
                match self { $(Self::$kind => User::$user,)+ }
            }
        }
    };
}

kinds! {
    /// The node started and its log is open.
    NodeStarted = "node_started": Logging, Execute, by Node;
    /// The node stopped in order.
    NodeStopped = "node_stopped": Logging, Execute, by Node;
    /// The node started with another configuration than the last time.
    ConfigurationChanged = "configuration_changed": Administration, Update, by Node;
    /// A new set of lists came into force.
    ListsSwapped = "lists_swapped": Administration, Update, by Node;
    /// An operator accepted a list that lost many entries.
    ListsAccepted = "lists_accepted": Administration, Update, by Node;
    /// Other work of an operator.
    Administration = "administration": Administration, Execute, by Node;
    /// An operator stopped access to data: of a client, of a HIS, of a practice, or all. An intent comes first.
    AccessStopped = "access_stopped": Administration, Update, by Node;
    /// An operator let it go on. An intent comes first.
    AccessRestored = "access_restored": Administration, Update, by Node;
    /// An operator set how far a practice is with a service, or who takes part in its field test. An intent comes first.
    GoLiveChanged = "go_live_changed": Administration, Update, by Node;
    /// Somebody of a practice, a coalition, the OPEN programme or an insurer saw how far access is there.
    OverviewRead = "overview_read": Administration, Read, by Node;
    /// A PGO sent a person to us and the request was in order.
    AuthorizationRequested = "authorization_requested": Authorization, Execute, by Person;
    /// An authorization request ended without a code: wrong request, cancelled, not available, refused by the person.
    AuthorizationRefused = "authorization_refused": Authorization, Execute, by Person;
    /// The person logged in.
    PersonAuthenticated = "person_authenticated": Login, Execute, by Person;
    /// The person did not log in.
    AuthenticationFailed = "authentication_failed": Login, Execute, by Person;
    /// The person consented; a code was issued.
    ConsentGiven = "consent_given": Consent, Create, by Person;
    /// The person said no.
    ConsentRefused = "consent_refused": Consent, Execute, by Person;
    /// The person took a consent back, which ended it with all of its tokens.
    ConsentWithdrawn = "consent_withdrawn": Consent, Delete, by Person;
    /// A code or refresh token became a token. For a refresh token an intent comes first.
    TokenIssued = "token_issued": Authorization, Create, by Client;
    /// A token request was refused.
    TokenRefused = "token_refused": Authorization, Execute, by Client;
    /// A consent ended with all of its tokens, without the person: revoked, or because a code or refresh token was used again.
    /// Refused: somebody asked for it and nothing changed.
    GrantEnded = "grant_ended": Authorization, Delete, by Client;
    /// Data is about to be asked of the HIS and may be disclosed.
    DisclosureIntent = "disclosure_intent": Transfer, Read, by Client;
    /// How the disclosure ended.
    DisclosureOutcome = "disclosure_outcome": Transfer, Read, by Client;
    /// A resource that a person shares is about to be sent to the HIS and may be stored.
    SubmissionIntent = "submission_intent": Transfer, Create, by Client;
    /// What became of it.
    SubmissionOutcome = "submission_outcome": Transfer, Create, by Client;
    /// A request for data, or to share some, was refused before the HIS was asked.
    ResourceRefused = "resource_refused": Transfer, Read, by Client;
    /// Somebody read in this log: the person whose records they are, their practice, or an auditor.
    LogRead = "log_read": LogAccess, Read, by Person;
    /// Records of this log were copied out of it.
    LogExported = "log_exported": LogAccess, Read, by Person;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn names<T: Term>() -> Vec<&'static str> {
        T::ALL.iter().map(|term| term.as_str()).collect()
    }

    /// A name that changes makes records of earlier releases unreadable.
    #[test]
    fn names_of_earlier_releases_stand() {
        let released = [
            "node_started",
            "node_stopped",
            "lists_swapped",
            "lists_accepted",
            "authorization_requested",
            "authorization_refused",
            "person_authenticated",
            "authentication_failed",
            "consent_given",
            "consent_refused",
            "token_issued",
            "token_refused",
            "grant_ended",
            "disclosure_intent",
            "disclosure_outcome",
            "submission_intent",
            "submission_outcome",
            "resource_refused",
        ];
        assert!(released.iter().all(|name| Kind::find(name).is_some_and(|kind| kind.as_str() == *name)));
        assert_eq!(names::<Outcome>(), ["intended", "done", "refused", "failed", "aborted"]);
        assert_eq!(Kind::find("Node_Started"), None);
    }

    #[test]
    fn names_are_plain_and_differ() {
        for names in [names::<Kind>(), names::<Outcome>(), names::<Activity>()] {
            assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
            assert!(names.iter().all(|name| name.bytes().all(|c| c.is_ascii_lowercase() || c == b'_')));
        }
    }

    /// NEN 7513:2018 chapter 6: each of these has at least one kind, save those that a gateway without a dossier cannot do.
    #[test]
    fn every_activity_has_a_kind() {
        for activity in Activity::ALL {
            assert!(Kind::ALL.iter().any(|kind| kind.activity() == *activity), "{activity:?}");
        }
        assert_eq!((Kind::SubmissionIntent.action().code(), Kind::ConsentWithdrawn.action().code()), ('C', 'D'));
        assert_eq!((Kind::LogRead.user(), Kind::DisclosureIntent.user()), (User::Person, User::Client));
    }
}
