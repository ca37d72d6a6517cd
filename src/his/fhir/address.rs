//! The base URL of a FHIR endpoint, and which addresses lie below it. A HIS names the address of its next page; only one
//! below its own base is ever asked, so that no answer of a HIS makes the gateway call another machine or path.

/// The text is no `https://host[:port]/path`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the base URL of a HIS is https://host[:port]/path")]
pub struct NoBase;

const SCHEME: &str = "https://";
const DEFAULT_PORT: &str = ":443";
/// Most queries are shorter.
const USUAL_QUERY_BYTES: usize = 160;

/// A base URL without slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base {
    text: String,
    authority: String,
    path: String,
}

impl Base {
    /// Parses it.
    ///
    /// # Errors
    /// When it is no https URL, or has a query, a fragment, a user or a segment that is none.
    pub(super) fn parse(text: &str) -> Result<Self, NoBase> {
        let (authority, path) = split(text.trim_end_matches('/')).ok_or(NoBase)?;
        let fits = !authority.is_empty() && !authority.contains('@') && !path.contains('?') && is_plain(path);
        let base = Self {
            text: text.trim_end_matches('/').to_owned(),
            authority: authority.to_owned(),
            path: path.to_owned(),
        };
        if fits { Ok(base) } else { Err(NoBase) }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Host and port as they stand.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// The target of a request for the base itself, or for what comes below it.
    pub(super) fn join(&self, below: &str) -> String {
        let slash = if below.is_empty() && !self.path.is_empty() { "" } else { "/" };
        // With room for what is asked of most.
        let mut target = String::with_capacity(self.path.len() + below.len() + USUAL_QUERY_BYTES);
        target.extend([self.path.as_str(), slash, below]);
        target
    }

    /// Path and query of an absolute address below the base. `None` when the address has another scheme, host or port, or a
    /// path that leaves the base or might (RFC 3986 section 6.2.2.3).
    pub(super) fn below<'a>(&self, address: &'a str) -> Option<&'a str> {
        let (authority, rest) = split(address)?;
        let same = |one: &str, other: &str| {
            let bare = |text: &str| text.strip_suffix(DEFAULT_PORT).unwrap_or(text).to_ascii_lowercase();
            bare(one) == bare(other)
        };
        let below = rest.strip_prefix(self.path.as_str()).filter(|_| same(authority, &self.authority))?;
        let (path, query) = below.split_once('?').unwrap_or((below, ""));
        // The base itself is no page.
        let page = path.len() > 1 || !query.is_empty();
        let fits = rest.starts_with('/') && is_plain(path) && rest.bytes().all(|c| c.is_ascii_graphic());
        (page && fits).then_some(rest)
    }
}

/// Authority, and path with query.
fn split(text: &str) -> Option<(&str, &str)> {
    let scheme = text.get(..SCHEME.len()).filter(|scheme| scheme.eq_ignore_ascii_case(SCHEME))?;
    let rest = text.strip_prefix(scheme)?;
    let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    (!rest.contains('#')).then_some((authority, rest))
}

/// No segment of the path is empty, one or two dots, or has a character that some server reads as a slash or a dot.
fn is_plain(path: &str) -> bool {
    let plain = |c: u8| c.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&c);
    let fits = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(plain);
    path.is_empty() || path.strip_prefix('/').is_some_and(|path| path.is_empty() || path.split('/').all(fits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn base() -> Base {
        Base::parse("https://his.example.nl:8443/api/fhir/").unwrap()
    }

    #[test]
    fn a_target_is_joined_with_one_slash() {
        assert_eq!(base().as_str(), "https://his.example.nl:8443/api/fhir");
        assert_eq!(base().join("Patient/_search"), "/api/fhir/Patient/_search");
        assert_eq!(base().join(""), "/api/fhir");
        let bare = Base::parse("https://his.example.nl").unwrap();
        assert_eq!([bare.join(""), bare.join("Flag")], ["/", "/Flag"]);
    }

    #[test]
    fn what_lies_below_the_base_is_found() {
        for (address, target) in [
            ("https://his.example.nl:8443/api/fhir?_getpages=a", "/api/fhir?_getpages=a"),
            ("https://his.example.nl:8443/api/fhir/?_getpages=a", "/api/fhir/?_getpages=a"),
            ("https://HIS.example.nl:8443/api/fhir/Observation?page=2&x=../y", "/api/fhir/Observation?page=2&x=../y"),
            ("HTTPS://his.example.nl:8443/api/fhir/a/b", "/api/fhir/a/b"),
        ] {
            assert_eq!(base().below(address), Some(target), "{address}");
        }
        let standard = Base::parse("https://his.example.nl/fhir").unwrap();
        assert_eq!(standard.below("https://his.example.nl:443/fhir/Flag?p=2"), Some("/fhir/Flag?p=2"));
        let bare = Base::parse("https://his.example.nl").unwrap();
        assert_eq!(bare.below("https://his.example.nl?p=2"), None);
    }

    #[test]
    fn nothing_else_is() {
        for address in [
            "",
            "Observation?page=2",
            "/api/fhir/Observation?page=2",
            "http://his.example.nl:8443/api/fhir/Observation?page=2",
            "https://his.example.nl/api/fhir/Observation?page=2",
            "https://other.example.nl:8443/api/fhir/Observation?page=2",
            "https://his.example.nl:8443@other.example.nl/api/fhir/Observation",
            "https://user@his.example.nl:8443/api/fhir/Observation",
            "https://his.example.nl:8443/api/fhir",
            "https://his.example.nl:8443/api/fhir/",
            "https://his.example.nl:8443/api/fhirs?page=2",
            "https://his.example.nl:8443/api/fhir/../admin",
            "https://his.example.nl:8443/api/fhir/%2e%2e/admin",
            "https://his.example.nl:8443/api/fhir/a%2f..%2f..",
            "https://his.example.nl:8443/api/fhir//other.example.nl/",
            "https://his.example.nl:8443/api/fhir/a\\..\\b",
            "https://his.example.nl:8443/api/fhir/Observation#page",
            "https://his.example.nl:8443/api/fhir/Observation?a b",
            "https://his.example.nl:8443/api/fhir/Observation?a\r\nX: y",
            "https://his.example.nl:8443/api/admin",
        ] {
            assert_eq!(base().below(address), None, "{address}");
        }
    }

    #[test]
    fn a_base_is_an_https_url_with_a_plain_path() {
        for text in [
            "http://his.example.nl/fhir",
            "https://",
            "https://u@h.nl/fhir",
            "https://h.nl/fhir?x",
            "https://h.nl/a/../b",
        ] {
            assert_eq!(Base::parse(text), Err(NoBase), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_below_leads_back_below(rest in "[/?.%2eaA:@#\\\\ -]{0,24}") {
            let address = format!("https://his.example.nl:8443/api/fhir{rest}");
            if let Some(target) = base().below(&address) {
                prop_assert!(target.parse::<http::Uri>().is_ok());
                let path = target.split('?').next().unwrap_or_default();
                prop_assert!(path.starts_with("/api/fhir"));
                prop_assert!(path.split('/').all(|segment| segment != ".." && segment != "."));
            }
        }
    }
}
