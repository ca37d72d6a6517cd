//! Addresses of endpoints as the ZAL gives them: https, a host name, perhaps a port, a plain path. Nothing else.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::Reading;
use super::error::BadValue;
use super::value::hostname;
use crate::medmij::{Hostname, PortError, split_authority};

/// An endpoint (types Frontchanneluri and Backchanneluri). The path is already normal: no empty, `.` or `..` segment, no
/// encoded separator, so two endpoints are the same when their texts are.
#[derive(Debug, Clone)]
pub struct EndpointUri(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    text: Box<str>,
    host: Hostname,
    port: Option<u16>,
    path_at: usize,
}

/// The endpoints of one list: most care providers share most of theirs with all others that the same node serves, so a text that
/// was met before is the same value. That spares a ZAL of 20,000 providers half of its memory and most of the work to read it.
#[derive(Debug, Default)]
pub(super) struct Endpoints(HashSet<EndpointUri, RandomState>);

impl Endpoints {
    /// The endpoint of this text.
    pub(super) fn get(&mut self, text: &str) -> Result<EndpointUri, UriError> {
        if let Some(known) = self.0.get(text) {
            return Ok(known.clone());
        }
        let new = EndpointUri::back_channel(text)?;
        self.0.insert(new.clone());
        Ok(new)
    }
}

impl PartialEq for EndpointUri {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.as_str() == other.as_str()
    }
}

impl Eq for EndpointUri {}

impl Hash for EndpointUri {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Borrow<str> for EndpointUri {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

/// Why a text is not an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// Another scheme.
    #[error("an endpoint starts with https://")]
    NotHttps,
    /// Not a host name, or an IP address; user information ends here too.
    #[error("the host of an endpoint is a fully qualified name in lower case")]
    Host,
    /// Not a number from 1 to 65535 without leading zeros.
    #[error("the port is not a number from 1 to 65535")]
    Port,
    /// A port on the front channel, where 443 is the only one.
    #[error("an endpoint on the front channel has no port")]
    PortNotAllowed,
    /// A query or fragment.
    #[error("an endpoint has no query and no fragment")]
    QueryOrFragment,
    /// An empty segment, a trailing slash, or a segment `.` or `..`.
    #[error("the path has an empty segment, a trailing slash or a dot segment")]
    Segment,
    /// A character outside RFC 3986, or one that is only encoded to hide it: dot, slash, backslash, control character.
    #[error("the path has a character that is not allowed")]
    Characters,
}

impl EndpointUri {
    /// Parses an endpoint that browsers are sent to: without a port, unless the reading allows one.
    ///
    /// # Errors
    /// See [`UriError`].
    pub fn front_channel(text: &str, reading: Reading) -> Result<Self, UriError> {
        Self::back_channel(text)?.for_browsers(reading)
    }

    /// The same, if browsers may be sent there.
    pub(super) fn for_browsers(self, reading: Reading) -> Result<Self, UriError> {
        if self.port().is_some() && !reading.allow_ports { Err(UriError::PortNotAllowed) } else { Ok(self) }
    }

    /// Parses an endpoint between nodes: it may carry a port.
    ///
    /// # Errors
    /// See [`UriError`].
    pub fn back_channel(text: &str) -> Result<Self, UriError> {
        let rest = text.strip_prefix("https://").ok_or(UriError::NotHttps)?;
        if rest.contains(['?', '#']) {
            return Err(UriError::QueryOrFragment);
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = split_authority(authority).map_err(|PortError| UriError::Port)?;
        check_path(path)?;
        let path_at = text.len().saturating_sub(path.len());
        Ok(Self(Arc::new(Parts { host: parse_host(host)?, text: text.into(), port, path_at })))
    }

    /// The whole URI.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &Hostname {
        &self.0.host
    }

    /// The port, when the URI names one; 443 otherwise.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.0.port
    }

    /// The path: empty, or starting with a slash and not ending with one.
    #[must_use]
    pub fn path(&self) -> &str {
        self.0.text.get(self.0.path_at..).unwrap_or_default()
    }
}

impl fmt::Display for EndpointUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn parse_host(text: &str) -> Result<Hostname, UriError> {
    hostname(text).map_err(|_: BadValue| UriError::Host)
}

fn check_path(path: &str) -> Result<(), UriError> {
    path.split('/').skip(1).try_for_each(check_segment)
}

fn check_segment(segment: &str) -> Result<(), UriError> {
    if matches!(segment, "" | "." | "..") {
        return Err(UriError::Segment);
    }
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        let allowed = if byte == b'%' { encodes_plainly(bytes.next(), bytes.next()) } else { is_pchar(byte) };
        if !allowed {
            return Err(UriError::Characters);
        }
    }
    Ok(())
}

/// The characters of a path segment, RFC 3986 section 3.3, without the percent sign.
fn is_pchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte)
}

/// Two hexadecimal digits that do not hide a dot, a separator or a control character.
fn encodes_plainly(high: Option<u8>, low: Option<u8>) -> bool {
    let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
    match (digit(high), digit(low)) {
        (Some(high), Some(low)) => high >= 2 && !matches!((high, low), (2, 0xE | 0xF) | (5, 0xC) | (7, 0xF)),
        (None, _) | (_, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_parts_of_an_endpoint() {
        let uri = EndpointUri::back_channel("https://token.gateway.example:8443/a~b/c%20d").unwrap();
        assert_eq!(uri.host().as_str(), "token.gateway.example");
        assert_eq!((uri.port(), uri.path()), (Some(8443), "/a~b/c%20d"));
        let bare = EndpointUri::front_channel("https://gateway.example", Reading::default()).unwrap();
        assert_eq!((bare.port(), bare.path(), bare.as_str()), (None, "", "https://gateway.example"));
    }

    #[test]
    fn an_endpoint_that_was_met_before_is_the_same_value_and_is_checked_again() {
        let (mut endpoints, strict) = (Endpoints::default(), Reading::default());
        let text = "https://gateway.example:8443/authorize";
        let first = endpoints.get(text).unwrap();
        let again = endpoints.get(text).unwrap();
        assert!(Arc::ptr_eq(&first.0, &again.0));
        assert_eq!(again.for_browsers(strict), Err(UriError::PortNotAllowed), "met on the back channel, where it may");
        assert_eq!(endpoints.get("https://gateway.example/a/"), Err(UriError::Segment));
        assert_eq!(endpoints.get("https://gateway.example/a").unwrap().path(), "/a");
        assert_eq!(endpoints.0.len(), 2);
    }

    #[test]
    fn a_port_on_the_front_channel_needs_leave() {
        let text = "https://gateway.example:8443/authorize";
        assert_eq!(EndpointUri::front_channel(text, Reading::default()), Err(UriError::PortNotAllowed));
        assert!(EndpointUri::front_channel(text, Reading { allow_ports: true, ..Reading::default() }).is_ok());
    }

    #[test]
    fn anything_else_is_refused() {
        for (text, error) in [
            ("http://gateway.example/a", UriError::NotHttps),
            ("HTTPS://gateway.example/a", UriError::NotHttps),
            (" https://gateway.example/a", UriError::NotHttps),
            ("https:///a", UriError::Host),
            ("https://Gateway.example/a", UriError::Host),
            ("https://me@gateway.example/a", UriError::Host),
            ("https://me:secret@gateway.example/a", UriError::Port),
            ("https://127.0.0.1", UriError::Host),
            ("https://169.254.169.254/latest", UriError::Host),
            ("https://[::ffff:127.0.0.1]/a", UriError::Port),
            ("https://0x7f.1/a", UriError::Host),
            ("https://localhost./a", UriError::Host),
            ("https://gateway.example:/a", UriError::Port),
            ("https://gateway.example:0/a", UriError::Port),
            ("https://gateway.example:+1/a", UriError::Port),
            ("https://gateway.example:65536/a", UriError::Port),
            ("https://gateway.example/a?b", UriError::QueryOrFragment),
            ("https://gateway.example/a#b", UriError::QueryOrFragment),
            ("https://gateway.example/", UriError::Segment),
            ("https://gateway.example/a/", UriError::Segment),
            ("https://gateway.example/a//b", UriError::Segment),
            ("https://gateway.example/a/../b", UriError::Segment),
            ("https://gateway.example/./b", UriError::Segment),
            ("https://gateway.example/%2e%2E/b", UriError::Characters),
            ("https://gateway.example/a%2fb", UriError::Characters),
            ("https://gateway.example/a%00", UriError::Characters),
            ("https://gateway.example/a%4", UriError::Characters),
            ("https://gateway.example/a\\b", UriError::Characters),
            ("https://gateway.example/a b", UriError::Characters),
            ("https://gateway.example/é", UriError::Characters),
        ] {
            assert_eq!(EndpointUri::back_channel(text), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(https://)?\\PC*") {
            let _ = EndpointUri::back_channel(&text);
        }

        #[test]
        fn what_parses_is_made_of_its_parts(
            host in "[a-z][a-z0-9]{0,8}\\.[a-z]{2,5}", port in proptest::option::of(1_u16..), path in "(/[a-z0-9~._-]{0,4}){0,4}",
        ) {
            let port_text = port.map(|port| format!(":{port}")).unwrap_or_default();
            let text = format!("https://{host}{port_text}{path}");
            if let Ok(uri) = EndpointUri::back_channel(&text) {
                prop_assert_eq!(uri.host().as_str(), host);
                prop_assert_eq!(uri.port(), port);
                prop_assert_eq!(uri.path(), path);
                prop_assert_eq!(uri.as_str(), text);
            } else {
                prop_assert!(path.split('/').skip(1).any(|segment| matches!(segment, "" | "." | "..")));
            }
        }
    }
}
