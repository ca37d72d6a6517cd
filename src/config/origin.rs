//! URLs that the configuration names: https only, a host name of the lists' pattern, no user and no fragment.

use std::fmt;

use crate::medmij::{Hostname, split_authority};

/// Scheme, host and port of one of our own channels; the scheme is https.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    host: Hostname,
    port: Option<u16>,
    text: String,
}

impl Origin {
    /// Parses `https://host[:port]`, with or without a slash at the end. Port 443 is the same as none (RFC 6454 §6.2).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port, rest) = split(text)?;
        if !matches!(rest, "" | "/") {
            return None;
        }
        Some(Self::of(host, port))
    }

    fn of(host: Hostname, port: Option<u16>) -> Self {
        let text = port.map_or_else(|| format!("https://{host}"), |port| format!("https://{host}:{port}"));
        Self { host, port, text }
    }

    /// The host.
    #[must_use]
    pub const fn host(&self) -> &Hostname {
        &self.host
    }

    /// The port; none is 443.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// The origin as browsers write it, without a slash at the end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The URL of somebody else, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpsUrl {
    host: Hostname,
    port: u16,
    text: String,
}

impl HttpsUrl {
    /// Parses a URL; it may have a query.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port, rest) = split(text)?;
        let path = rest.split('?').next().unwrap_or_default();
        let plain = path.split('/').all(|segment| !matches!(segment, "." | ".."));
        let whole = !text.contains('#') && text.parse::<http::Uri>().is_ok();
        (plain && whole).then(|| Self { host, port: port.unwrap_or(443), text: text.to_owned() })
    }

    /// Parses a URL to which paths are added: no query; slashes at the end are dropped.
    #[must_use]
    pub fn parse_base(text: &str) -> Option<Self> {
        if text.contains('?') { None } else { Self::parse(text.trim_end_matches('/')) }
    }

    /// The host.
    #[must_use]
    pub const fn host(&self) -> &Hostname {
        &self.host
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin::of(self.host.clone(), Some(self.port).filter(|port| *port != 443))
    }

    /// The URL as configured.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Host, port and what follows them.
fn split(text: &str) -> Option<(Hostname, Option<u16>, &str)> {
    let rest = text.strip_prefix("https://")?;
    let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (host, port) = split_authority(authority).ok()?;
    let is_address = host.rsplit('.').next().is_some_and(|last| last.bytes().all(|c| c.is_ascii_digit()));
    let host = Hostname::parse(host).ok().filter(|_| !is_address)?;
    Some((host, port.filter(|port| *port != 443), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_origin_is_written_as_browsers_do() {
        for (text, written) in [
            ("https://inzage.localhost:8441", "https://inzage.localhost:8441"),
            ("https://inzage.example.nl/", "https://inzage.example.nl"),
            ("https://inzage.example.nl:443", "https://inzage.example.nl"),
        ] {
            assert_eq!(Origin::parse(text).unwrap().as_str(), written);
        }
    }

    #[test]
    fn anything_else_is_no_origin() {
        for text in [
            "http://inzage.example.nl",
            "https://inzage.example.nl/x",
            "https://inzage.example.nl?x",
            "https://u:p@inzage.example.nl",
            "https://inzage.example.nl:0",
            "https://inzage.example.nl:+80",
            "https://inzage.example.nl:99999",
            "https://inzage.example.nl:",
            "https://Inzage.example.nl",
            "https://10.0.0.15",
            "https://[::1]:8441",
            "https://localhost",
            "inzage.example.nl",
            "",
        ] {
            assert_eq!(Origin::parse(text), None, "{text}");
        }
    }

    #[test]
    fn urls_keep_their_query_and_bases_have_none() {
        let list = HttpsUrl::parse("https://stelselnode.localhost:8440/List.xml?api=2").unwrap();
        assert_eq!((list.host().as_str(), list.port()), ("stelselnode.localhost", 8440));
        assert_eq!(
            HttpsUrl::parse_base("https://his.example.nl/fhir/").unwrap().as_str(),
            "https://his.example.nl/fhir"
        );
        for text in ["https://his.example.nl/fhir?x=1", "https://his.example.nl/a/../b", "https://his.example.nl/#x"] {
            assert_eq!(HttpsUrl::parse_base(text), None, "{text}");
        }
        assert_eq!(HttpsUrl::parse("https://his.example.nl/a b"), None);
    }

    proptest! {
        #[test]
        fn no_text_panics_and_an_origin_parses_as_itself(text in "(https://)?\\PC{0,40}") {
            let _ = HttpsUrl::parse(&text);
            if let Some(origin) = Origin::parse(&text) {
                prop_assert_eq!(Origin::parse(origin.as_str()), Some(origin.clone()));
            }
        }
    }
}
