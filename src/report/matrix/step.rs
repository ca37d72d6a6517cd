//! The steps from a person who looks for a practice to a complete record, and how an attempt at one ends.

use std::fmt;

use smol_str::SmolStr;

/// Longest code or request of the catalogue that is kept, in bytes; what is longer is cut.
const TEXT_MAX_BYTES: usize = 160;

/// A step, in the order in which they are taken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The app asks for the practice, and it is there, open, and offers the service.
    Found,
    /// The person logs in.
    Login,
    /// The practice has data of the person.
    Availability,
    /// The person consents.
    Consent,
    /// The app gets a token.
    Token,
    /// A request for data is admitted: token, certificate, lists and form are in order.
    Admission,
    /// A request of the catalogue is answered.
    Request(SmolStr),
    /// Everything that belongs to the service was answered under one consent within [a quarter of an hour](super::visit::ROUND).
    Complete,
}

const REQUEST: &str = "request ";

impl Step {
    /// A request of the catalogue.
    #[must_use]
    pub fn request(pattern: &str) -> Self {
        Self::Request(cut(pattern))
    }

    /// Reads what [`fmt::Display`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "found" => Self::Found,
            "login" => Self::Login,
            "availability" => Self::Availability,
            "consent" => Self::Consent,
            "token" => Self::Token,
            "admission" => Self::Admission,
            "complete" => Self::Complete,
            _ => Self::request(text.strip_prefix(REQUEST)?),
        })
    }

    /// The name of the step; of a request that it is one.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Login => "login",
            Self::Availability => "availability",
            Self::Consent => "consent",
            Self::Token => "token",
            Self::Admission => "admission",
            Self::Request(_) => "request",
            Self::Complete => "complete",
        }
    }
}

/// As it stands in a store and in answers: `token`, `request EpisodeOfCare`.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(pattern) => write!(f, "{REQUEST}{pattern}"),
            Self::Found
            | Self::Login
            | Self::Availability
            | Self::Consent
            | Self::Token
            | Self::Admission
            | Self::Complete => f.write_str(self.code()),
        }
    }
}

/// How an attempt at a step ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ending {
    /// It was taken.
    Succeeded,
    /// The person stopped, or the practice does not let them in yet: nobody's failure.
    Ended,
    /// The other side went away: counted, and nobody's failure.
    Aborted,
    /// It was not taken, with this code.
    Failed(SmolStr),
}

impl Ending {
    /// A failure with a code; one without is `unknown`.
    #[must_use]
    pub fn failed(code: Option<&str>) -> Self {
        Self::Failed(code.filter(|code| !code.is_empty()).map_or(SmolStr::new_static("unknown"), cut))
    }

    /// Whether it tells if the step works.
    #[must_use]
    pub const fn counts(&self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed(_))
    }

    /// The code of a failure.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Failed(code) => Some(code),
            Self::Succeeded | Self::Ended | Self::Aborted => None,
        }
    }

    /// Reads what [`fmt::Display`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "succeeded" => Self::Succeeded,
            "ended" => Self::Ended,
            "aborted" => Self::Aborted,
            _ => Self::Failed(cut(text.strip_prefix('!').filter(|code| !code.is_empty())?)),
        })
    }
}

/// As it stands in a store: `succeeded`, `!his-timeout`.
impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Succeeded => f.write_str("succeeded"),
            Self::Ended => f.write_str("ended"),
            Self::Aborted => f.write_str("aborted"),
            Self::Failed(code) => write!(f, "!{code}"),
        }
    }
}

fn cut(text: &str) -> SmolStr {
    SmolStr::new(&text[..text.floor_char_boundary(TEXT_MAX_BYTES)])
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn any_step() -> impl Strategy<Value = Step> {
        prop_oneof![
            Just(Step::Found),
            Just(Step::Login),
            Just(Step::Availability),
            Just(Step::Consent),
            Just(Step::Token),
            Just(Step::Admission),
            "[A-Z][a-z]{2,6}(\\?[a-z]{1,4}=[a-z|]{1,5})?".prop_map(|pattern| Step::request(&pattern)),
            Just(Step::Complete),
        ]
    }

    pub(crate) fn any_ending() -> impl Strategy<Value = Ending> {
        prop_oneof![
            Just(Ending::Succeeded),
            Just(Ending::Ended),
            Just(Ending::Aborted),
            "[a-z]{2,8}-[a-z]{2,8}".prop_map(|code| Ending::failed(Some(&code))),
        ]
    }

    proptest! {
        #[test]
        fn steps_and_endings_are_read_back(step in any_step(), ending in any_ending()) {
            prop_assert_eq!(Step::parse(&step.to_string()), Some(step));
            prop_assert_eq!(Ending::parse(&ending.to_string()), Some(ending));
        }

        #[test]
        fn what_is_read_is_written_the_same(text: String) {
            if let Some(step) = Step::parse(&text) {
                prop_assert_eq!(Step::parse(&step.to_string()), Some(step));
            }
            if let Some(ending) = Ending::parse(&text) {
                prop_assert_eq!(Ending::parse(&ending.to_string()), Some(ending));
            }
        }
    }

    #[test]
    fn steps_stand_in_the_order_in_which_they_are_taken() {
        let texts = ["found", "login", "availability", "consent", "token", "admission", "request Flag", "complete"];
        assert!(texts.map(|text| Step::parse(text).unwrap()).is_sorted());
    }

    #[test]
    fn only_successes_and_failures_tell_whether_a_step_works() {
        let counts: Vec<_> = ["succeeded", "ended", "aborted", "!his-timeout"]
            .iter()
            .map(|text| Ending::parse(text).unwrap().counts())
            .collect();
        assert_eq!(counts, [true, false, false, true]);
        assert_eq!(Ending::failed(None).code(), Some("unknown"));
    }
}
