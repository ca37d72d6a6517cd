//! The path of a resource request as a key. The base is `/fhir/{provider}/{service}/{version}`, one per practice, service
//! and FHIR version, so that ids of different practices never meet.

use crate::medmij::{FhirVersion, ProviderName, ServiceId};

/// A path under one of our bases, borrowed from the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route<'a> {
    /// The provider's name without `@medmij`.
    pub provider: &'a str,
    /// The service id.
    pub service: &'a str,
    /// The FHIR version.
    pub version: FhirVersion,
    /// What follows the base, without a leading slash: type, id, operation.
    pub rest: &'a str,
}

/// Splits a path; `None` when it is not under a base. Allocates nothing. Percent-encoding, empty segments and dot segments
/// occur in no base and in no allowed interaction, so they lead nowhere.
#[must_use]
pub fn route(path: &str) -> Option<Route<'_>> {
    let mut parts = path.strip_prefix("/fhir/")?.splitn(4, '/');
    let (provider, service, version) = (parts.next()?, parts.next()?, parts.next()?);
    let rest = parts.next().unwrap_or_default();
    if provider.is_empty() || service.is_empty() {
        return None;
    }
    Some(Route { provider, service, version: FhirVersion::parse(version).ok()?, rest })
}

/// Whether a path says what it means: no percent-encoding, no empty or dot segments but an empty last one, no parameters of a
/// segment. Any other could be read as two things, here and in the system of a practice.
#[must_use]
pub fn is_plain(path: &str) -> bool {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let plain = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_' | b'~' | b'$' | b'@');
    let mut segments = path.as_bytes().split(|byte| *byte == b'/');
    segments.all(|segment| !matches!(segment, b"" | b"." | b"..") && segment.iter().all(plain))
}

/// The public base URL of a practice's service, without trailing slash.
#[must_use]
pub fn resource_base(origin: &str, provider: &ProviderName, service: &ServiceId, version: FhirVersion) -> String {
    [origin, "/fhir/", provider.short(), "/", service.as_str(), "/", version.as_str()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_and_what_follows_it() {
        let found = route("/fhir/huisarts.delinde/49/stu3/Patient").unwrap();
        assert_eq!(
            (found.provider, found.service, found.version, found.rest),
            ("huisarts.delinde", "49", FhirVersion::Stu3, "Patient")
        );
        assert_eq!(route("/fhir/a/49/stu3").unwrap().rest, "");
        assert_eq!(route("/fhir/a/49/r4/Binary/1/x").unwrap().rest, "Binary/1/x");
    }

    #[test]
    fn other_paths_lead_nowhere() {
        for path in [
            "",
            "/",
            "/fhir",
            "/fhir/a/49",
            "/fhir/a/49/stu4/Patient",
            "/fhir//49/stu3/P",
            "/fhir/a//stu3/P",
            "/oauth/token",
            "//fhir/a/49/stu3",
        ] {
            assert_eq!(route(path), None, "{path}");
        }
    }

    #[test]
    fn a_path_that_could_be_read_in_two_ways_is_not_plain() {
        for path in
            ["/fhir/a@medmij/49/stu3", "/fhir/a/49/stu3/", "/fhir/a.b/49/stu3/Patient/$x", "/fhir/", "/fhir/a_b/~"]
        {
            assert!(is_plain(path), "{path}");
        }
        for path in [
            "/fhir//a",
            "/fhir/a//",
            "//fhir/a",
            "/fhir/./a",
            "/fhir/../a",
            "/fhir/a/..",
            "/fhir/%2e%2e/a",
            "/fhir/a%00",
            "/fhir/a%252f",
            "/fhir/%c0%ae",
            "/fhir/a;v=1",
            "/fhir/a\\b",
            "/fhir/a b",
            "/fhir/é",
        ] {
            assert!(!is_plain(path), "{path}");
        }
    }

    #[test]
    fn a_base_routes_to_itself() {
        let base = resource_base(
            "",
            &ProviderName::parse("a.b@medmij").unwrap(),
            &ServiceId::parse("49").unwrap(),
            FhirVersion::Stu3,
        );
        let found = route(&base).unwrap();
        assert_eq!((found.provider, found.service, found.rest), ("a.b", "49", ""));
    }
}
