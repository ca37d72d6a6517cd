//! Which interaction of FHIR a record is about, from its query: the words of the catalogue.

use crate::audit::{Kind, Record};

/// An interaction of the RESTful API (FHIR R4 http.html).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interaction<'a> {
    /// One resource by its place: `Binary`, or `Binary/` and what stands for its id.
    Read(&'a str),
    /// A search: the type of resource.
    Search(&'a str),
    /// An operation on a type of resource, such as `Observation/$lastn`.
    Operation(&'a str),
    /// A new resource: its type.
    Create(&'a str),
    /// None that we know: it was refused before it was understood.
    Unknown,
}

impl<'a> Interaction<'a> {
    /// Of a record of one of the kinds that are requests to the API.
    pub(super) fn of(record: &'a Record) -> Self {
        let query = record.query.as_deref().unwrap_or_default();
        let shared = query.strip_prefix("create ").or_else(|| is_submission(record).then_some(query));
        match shared {
            Some("") => Self::Unknown,
            Some(resource) => Self::Create(resource),
            None => Self::asked(query),
        }
    }

    fn asked(query: &'a str) -> Self {
        let path = query.split('?').next().unwrap_or_default();
        match path.split_once('/') {
            Some(("", _)) => Self::Unknown,
            Some((resource, rest)) if rest.starts_with('$') => Self::Operation(resource),
            Some((resource, _)) => Self::Read(resource),
            None if path.is_empty() => Self::Unknown,
            // The one resource that is read by its place, and never searched for.
            None if path == "Binary" => Self::Read(path),
            None => Self::Search(path),
        }
    }

    /// The type of the resource.
    pub(super) const fn resource(self) -> Option<&'a str> {
        match self {
            Self::Read(resource) | Self::Search(resource) | Self::Operation(resource) | Self::Create(resource) => {
                Some(resource)
            }
            Self::Unknown => None,
        }
    }
}

fn is_submission(record: &Record) -> bool {
    matches!(record.kind.known(), Some(Kind::SubmissionIntent | Kind::SubmissionOutcome))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_no_type_is_no_interaction() {
        for query in ["", "/", "/$lastn", "?code=1", "//"] {
            assert_eq!(Interaction::asked(query), Interaction::Unknown, "{query}");
        }
        assert_eq!(Interaction::asked("Observation/$lastn?code=1"), Interaction::Operation("Observation"));
        assert_eq!(Interaction::asked("Binary/x"), Interaction::Read("Binary"));
    }
}
