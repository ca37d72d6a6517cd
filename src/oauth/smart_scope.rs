//! The scopes of SMART App Launch 2, as far as they name something that a service of ours gives: searches and reads in the
//! record of the person who logs in. What else is asked is left out, and the granted scope says so (RFC 6749 section 3.3).

use std::fmt;

use crate::services::Service;

/// What a client does with a type of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// `r`.
    Read,
    /// `s`.
    Search,
}

/// What of one service a SMART client may search and read. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmartScope {
    launch_patient: bool,
    /// Resource types with what may be done, sorted, each once.
    granted: Vec<(String, Access)>,
}

/// Why a text gives no scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SmartScopeError {
    /// Empty, too long, or with characters that no scope has (RFC 6749 section 3.3).
    #[error("the scope is malformed")]
    Malformed,
    /// It names nothing that the service offers.
    #[error("the scope names nothing that is offered here")]
    NothingOffered,
}

impl SmartScope {
    /// Longest text that is read, in bytes.
    pub const MAX_BYTES: usize = 4_000;

    /// Reads what a client asks of a service, and keeps what the service offers: `patient/Type.rs` of a type that can only be
    /// searched gives `patient/Type.s`.
    ///
    /// # Errors
    /// See [`SmartScopeError`].
    pub fn parse(text: &str, service: &Service) -> Result<Self, SmartScopeError> {
        let asked = split(text)?;
        let mut granted = offered(service);
        granted.retain(|(resource, access)| asked.iter().any(|asked| asks(asked, resource, *access)));
        let launch_patient = asked.contains(&LAUNCH_PATIENT);
        if granted.is_empty() { Err(SmartScopeError::NothingOffered) } else { Ok(Self { launch_patient, granted }) }
    }

    /// Reads back what [`fmt::Display`] wrote; `None` for anything else.
    #[must_use]
    pub fn from_written(text: &str) -> Option<Self> {
        let (launch_patient, rest) =
            text.strip_prefix(LAUNCH_PATIENT).map_or((false, text), |rest| (true, rest.trim_start_matches(' ')));
        let mut granted = Vec::new();
        for scope in rest.split(' ') {
            let (resource, letters) = scope.strip_prefix("patient/")?.split_once('.')?;
            let access = [('r', Access::Read), ('s', Access::Search)];
            let named = access.into_iter().filter(|(letter, _)| letters.contains(*letter));
            granted.extend(named.map(|(_, access)| (resource.to_owned(), access)));
        }
        let written = Self { launch_patient, granted };
        (written.to_string() == text).then_some(written)
    }

    /// Whether this may be done with this type.
    #[must_use]
    pub fn covers(&self, resource: &str, access: Access) -> bool {
        self.granted.iter().any(|(granted, how)| granted == resource && *how == access)
    }
}

/// All that a service offers, sorted, each once.
pub(super) fn offered(service: &Service) -> Vec<(String, Access)> {
    let searched = service.searches.iter().map(|search| (search.resource.clone(), Access::Search));
    let read = service.reads.iter().map(|read| (read.resource.clone(), Access::Read));
    let mut offered: Vec<_> = searched.chain(read).collect();
    offered.sort_unstable();
    offered.dedup();
    offered
}

const LAUNCH_PATIENT: &str = "launch/patient";

fn split(text: &str) -> Result<Vec<&str>, SmartScopeError> {
    let character = |c: u8| c == 0x21 || (0x23..=0x5b).contains(&c) || (0x5d..=0x7e).contains(&c);
    let asked: Vec<_> = text.split(' ').collect();
    let formed = asked.iter().all(|scope| !scope.is_empty() && scope.bytes().all(character));
    if formed && text.len() <= SmartScope::MAX_BYTES { Ok(asked) } else { Err(SmartScopeError::Malformed) }
}

/// `patient/(Type|*).cruds`, with the letters in this order and the one of this access among them.
fn asks(scope: &str, resource: &str, access: Access) -> bool {
    let Some((kind, letters)) = scope.strip_prefix("patient/").and_then(|rest| rest.split_once('.')) else {
        return false;
    };
    (kind == "*" || kind == resource) && letters.contains(access.letter()) && is_in_order(letters)
}

impl Access {
    pub(super) const fn letter(self) -> char {
        match self {
            Self::Read => 'r',
            Self::Search => 's',
        }
    }
}

fn is_in_order(letters: &str) -> bool {
    let mut known = "cruds".chars();
    letters.chars().all(|letter| known.any(|known| known == letter))
}

impl fmt::Display for SmartScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        if self.launch_patient {
            f.write_str(LAUNCH_PATIENT)?;
            between = " ";
        }
        let mut written: Option<&str> = None;
        for (resource, access) in &self.granted {
            if written != Some(resource.as_str()) {
                write!(f, "{between}patient/{resource}.")?;
            }
            write!(f, "{}", access.letter())?;
            (between, written) = (" ", Some(resource.as_str()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::services::Catalogue;

    fn granted(text: &str) -> Result<String, SmartScopeError> {
        let catalogue = Catalogue::shipped();
        SmartScope::parse(text, catalogue.service("49").unwrap()).map(|scope| scope.to_string())
    }

    #[test]
    fn what_the_service_offers_is_granted_and_the_rest_left_out() {
        for (asked, expected) in [
            ("patient/Observation.rs", "patient/Observation.s"),
            ("launch/patient openid fhirUser patient/Patient.s", "launch/patient patient/Patient.s"),
            ("patient/Patient.cruds patient/Observation.s offline_access", "patient/Observation.s patient/Patient.s"),
            ("patient/Observation.s patient/Observation.rs user/*.rs", "patient/Observation.s"),
            (
                "patient/*.rs",
                "patient/AllergyIntolerance.s patient/Composition.s patient/Encounter.s patient/EpisodeOfCare.s \
                 patient/MedicationRequest.s patient/Observation.s patient/Patient.s",
            ),
        ] {
            assert_eq!(granted(asked).as_deref(), Ok(expected), "{asked}");
        }
    }

    #[test]
    fn a_document_is_listed_by_searching_and_fetched_by_reading() {
        let catalogue = Catalogue::shipped();
        let service = catalogue.service("51").unwrap();
        for (asked, expected) in [
            ("patient/*.rs", "patient/Binary.r patient/DocumentManifest.s patient/DocumentReference.s"),
            ("patient/*.s", "patient/DocumentManifest.s patient/DocumentReference.s"),
            ("patient/Binary.rs", "patient/Binary.r"),
            ("patient/Binary.cruds patient/DocumentReference.s", "patient/Binary.r patient/DocumentReference.s"),
        ] {
            let scope = SmartScope::parse(asked, service).unwrap();
            assert_eq!(scope.to_string(), expected, "{asked}");
            assert_eq!(SmartScope::from_written(expected).as_ref(), Some(&scope), "{asked}");
            assert_eq!(scope.covers("Binary", Access::Read), expected.contains("Binary"), "{asked}");
            assert!(!scope.covers("Binary", Access::Search));
        }
        assert_eq!(SmartScope::parse("patient/Binary.s", service), Err(SmartScopeError::NothingOffered));
        let both = SmartScope::from_written("patient/A.rs patient/B.s").unwrap();
        assert!(both.covers("A", Access::Read) && both.covers("A", Access::Search) && !both.covers("B", Access::Read));
        for text in ["patient/A.sr", "patient/A.x", "patient/A.", "patient/A.r patient/A.s", ""] {
            assert_eq!(SmartScope::from_written(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_offered_is_no_scope() {
        for asked in [
            "openid",
            "launch/patient",
            "patient/Observation.r",
            "patient/Observation.sr",
            "patient/Observation.ss",
            "patient/Observation.",
            "patient/Observation",
            "patient/Observation.read",
            "patient/Observation.rs?category=laboratory",
            "patient/observation.rs",
            "patient/Condition.rs",
            "user/Observation.rs",
            "system/*.rs",
            "huisarts.delinde",
        ] {
            assert_eq!(granted(asked), Err(SmartScopeError::NothingOffered), "{asked}");
        }
        for asked in ["", " ", "patient/*.rs ", "patient/*.rs  openid", "patient/*.rs\topenid", "a\"b", "a\\b", "é"] {
            assert_eq!(granted(asked), Err(SmartScopeError::Malformed), "{asked:?}");
        }
        assert_eq!(granted(&format!("patient/*.rs {}", "a".repeat(4_000))), Err(SmartScopeError::Malformed));
    }

    proptest! {
        #[test]
        fn what_is_granted_is_asked_offered_and_read_back(
            asked in "((launch/patient|openid|(patient|user)/(\\*|Observation|Patient|Condition)\\.c?r?u?d?s?(\\?a=b)?) ?){0,5}"
        ) {
            let catalogue = Catalogue::shipped();
            let service = catalogue.service("49").unwrap();
            if let Ok(scope) = SmartScope::parse(&asked, service) {
                let written = scope.to_string();
                prop_assert_eq!(SmartScope::from_written(&written), Some(scope.clone()));
                prop_assert_eq!(SmartScope::parse(&written, service), Ok(scope.clone()));
                for search in &service.searches {
                    let named = asked.contains(&format!("patient/{}.", search.resource)) || asked.contains("patient/*.");
                    prop_assert!(!scope.covers(&search.resource, Access::Search) || named);
                    prop_assert!(!scope.covers(&search.resource, Access::Read), "service 49 reads nothing");
                }
                prop_assert!(!scope.covers("Condition", Access::Search) && !scope.covers("*", Access::Search));
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,80}") {
            let _ = granted(&text);
            if let Some(scope) = SmartScope::from_written(&text) {
                prop_assert_eq!(scope.to_string(), text);
            }
        }
    }
}
