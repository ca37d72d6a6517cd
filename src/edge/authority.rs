//! Which requests may reach a route at all: well-framed ones for this host. Pure; knows no socket.

use std::fmt;
use std::str::FromStr;

use http::header::{CONNECTION, CONTENT_LENGTH, COOKIE, HOST, HeaderMap, HeaderValue, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{Method, StatusCode, Version};

use crate::medmij::{Hostname, HostnameError, split_authority};

const HTTPS_PORT: u16 = 443;

/// A public name of a listener: `host` or `host:port`; port 443 when not given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    host: Hostname,
    port: u16,
}

/// Why a text is not an authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// The host is none.
    #[error(transparent)]
    Host(#[from] HostnameError),
    /// The port is no number from 1 to 65535.
    #[error("a port is a number from 1 to 65535")]
    Port,
}

impl Authority {
    /// A host with a port.
    #[must_use]
    pub const fn new(host: Hostname, port: u16) -> Self {
        Self { host, port }
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

    fn is(&self, host: &str, port: u16) -> bool {
        self.port == port && self.host.as_str().eq_ignore_ascii_case(host)
    }
}

impl FromStr for Authority {
    type Err = AuthorityError;

    fn from_str(text: &str) -> Result<Self, AuthorityError> {
        let (host, port) = split(text).ok_or(AuthorityError::Port)?;
        Ok(Self { host: Hostname::parse_any_case(host)?, port })
    }
}

/// As it stands in a URL: without the port when that is 443.
impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.port == HTTPS_PORT { self.host.fmt(f) } else { write!(f, "{}:{}", self.host, self.port) }
    }
}

/// Why a request is turned away before any route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// HTTP/1.0 and older: no Host, no chunks.
    #[error("the version of HTTP is not served")]
    OldVersion,
    /// CONNECT and TRACE.
    #[error("the method is not served")]
    Method,
    /// A wish for WebSocket or h2c.
    #[error("no upgrade of the protocol is offered")]
    Upgrade,
    /// Length told in two ways, or in a way that readers understand differently (RFC 9112 section 6.3).
    #[error("the framing of the body is ambiguous")]
    Framing,
    /// No authority, two, or one that contradicts another or is no `host[:port]`.
    #[error("the host is missing or ambiguous")]
    Host,
    /// A target that is not an absolute path on https.
    #[error("the target is not served")]
    Target,
    /// An underscore: back ends read it as a hyphen, and so as another header.
    #[error("the name of a header is not served")]
    HeaderName,
    /// Too many headers.
    #[error("there are too many headers")]
    TooManyHeaders,
    /// Well-formed, for another host than this listener or this connection (RFC 9110 section 15.5.20).
    #[error("the request is for another host")]
    Misdirected,
}

impl Refusal {
    /// The status to answer.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::OldVersion | Self::Upgrade | Self::Framing | Self::Host | Self::Target | Self::HeaderName => {
                StatusCode::BAD_REQUEST
            }
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooManyHeaders => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
        }
    }
}

/// Lets a request pass that is well-framed, and whose authority is both the name of the TLS handshake and one of ours.
///
/// # Errors
/// The first reason found to turn it away.
pub fn admit(
    request: &Parts,
    server_name: Option<&Hostname>,
    ours: &[Authority],
    headers_max: usize,
) -> Result<(), Refusal> {
    check_version_and_method(request)?;
    check_headers(&request.headers, headers_max)?;
    check_framing(&request.headers)?;
    check_target(request)?;
    let (host, port) = authority(request)?;
    let shaken = server_name.is_some_and(|name| name.as_str().eq_ignore_ascii_case(host));
    if shaken && ours.iter().any(|own| own.is(host, port)) { Ok(()) } else { Err(Refusal::Misdirected) }
}

fn check_version_and_method(request: &Parts) -> Result<(), Refusal> {
    if request.version < Version::HTTP_11 {
        return Err(Refusal::OldVersion);
    }
    if request.method == Method::CONNECT || request.method == Method::TRACE { Err(Refusal::Method) } else { Ok(()) }
}

fn check_headers(headers: &HeaderMap, headers_max: usize) -> Result<(), Refusal> {
    // HTTP/2 sends each cookie as a line of its own, of what is one header (RFC 9113 section 8.2.3).
    let crumbs = headers.get_all(COOKIE).iter().skip(1).count();
    if headers.len().saturating_sub(crumbs) > headers_max {
        return Err(Refusal::TooManyHeaders);
    }
    if headers.keys().any(|name| name.as_str().contains('_')) {
        return Err(Refusal::HeaderName);
    }
    let wishes = headers.get_all(CONNECTION).iter().any(|value| has_token(value, "upgrade"));
    if wishes || headers.contains_key(UPGRADE) { Err(Refusal::Upgrade) } else { Ok(()) }
}

fn has_token(value: &HeaderValue, token: &str) -> bool {
    value.to_str().is_ok_and(|text| text.split(',').any(|part| part.trim().eq_ignore_ascii_case(token)))
}

/// Something before us may read these otherwise than we do. Of a length beside chunks hyper shows us the chunks only, and
/// closes after the answer (RFC 9112 section 6.1 leaves servers that choice); here it is refused wherever it is visible.
fn check_framing(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let mut encodings = headers.get_all(TRANSFER_ENCODING).iter();
    let (length, encoding) = (lengths.next(), encodings.next());
    let doubled = lengths.next().is_some() || encodings.next().is_some() || (length.is_some() && encoding.is_some());
    let digits = length.is_none_or(|value| !value.is_empty() && value.as_bytes().iter().all(u8::is_ascii_digit));
    let chunked = encoding.is_none_or(|value| value.as_bytes().eq_ignore_ascii_case(b"chunked"));
    if doubled || !digits || !chunked { Err(Refusal::Framing) } else { Ok(()) }
}

fn check_target(request: &Parts) -> Result<(), Refusal> {
    let https = request.uri.scheme().is_none_or(|scheme| *scheme == http::uri::Scheme::HTTPS);
    if https && request.uri.path().starts_with('/') { Ok(()) } else { Err(Refusal::Target) }
}

/// The authority of the target (`:authority`, absolute form) and the one of `Host` must agree where both are given.
fn authority(request: &Parts) -> Result<(&str, u16), Refusal> {
    let mut hosts = request.headers.get_all(HOST).iter();
    let header = match (hosts.next(), hosts.next()) {
        (Some(value), None) => Some(value.to_str().ok().and_then(split).ok_or(Refusal::Host)?),
        (None, None) => None,
        (_, Some(_)) => return Err(Refusal::Host),
    };
    let target = match request.uri.authority() {
        Some(target) => Some(split(target.as_str()).ok_or(Refusal::Host)?),
        None => None,
    };
    match (target, header) {
        (Some(target), Some(header)) if !same(target, header) => Err(Refusal::Host),
        // HTTP/1.1 demands the header even beside an absolute target (RFC 9112 section 3.2).
        (_, None) if request.version == Version::HTTP_11 => Err(Refusal::Host),
        (Some(found), _) | (None, Some(found)) => Ok(found),
        (None, None) => Err(Refusal::Host),
    }
}

fn same(one: (&str, u16), other: (&str, u16)) -> bool {
    one.1 == other.1 && one.0.eq_ignore_ascii_case(other.0)
}

/// Host and port of `host[:port]`; nothing with user information or brackets.
fn split(text: &str) -> Option<(&str, u16)> {
    let (host, port) = split_authority(text).ok()?;
    let plain = host.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'.');
    (plain && !host.is_empty()).then_some((host, port.unwrap_or(HTTPS_PORT)))
}

#[cfg(test)]
mod tests {
    use http::Request;
    use proptest::prelude::*;

    use super::*;

    const OURS: &str = "gp.example.nl";

    fn judge(request: http::request::Builder) -> Result<(), Refusal> {
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let ours = ["gp.example.nl".parse().unwrap(), "alt.example.nl:8443".parse().unwrap()];
        admit(&parts, Some(&Hostname::parse(OURS).unwrap()), &ours, 10)
    }

    fn get(uri: &str) -> http::request::Builder {
        Request::get(uri)
    }

    #[test]
    fn a_plain_request_for_our_host_passes() {
        for host in ["gp.example.nl", "GP.Example.NL", "gp.example.nl:443"] {
            assert_eq!(judge(get("/a").header("host", host)), Ok(()), "{host}");
        }
        assert_eq!(judge(get("https://gp.example.nl/a").header("host", OURS)), Ok(()));
        assert_eq!(judge(get("https://gp.example.nl/a").version(Version::HTTP_2)), Ok(()));
        assert_eq!(judge(get("/a").header("host", OURS).header("content-length", "3")), Ok(()));
        assert_eq!(judge(get("/a").header("host", OURS).header("transfer-encoding", "Chunked")), Ok(()));
    }

    #[test]
    fn cookies_that_come_one_by_one_are_one_header() {
        let h2 = |name: &str| {
            (0..30).fold(get("https://gp.example.nl/a").version(Version::HTTP_2), |r, _| r.header(name, "a=b"))
        };
        assert_eq!(judge(h2("cookie")), Ok(()));
        assert_eq!(judge(h2("accept")), Err(Refusal::TooManyHeaders));
    }

    #[test]
    fn a_request_for_another_host_is_misdirected() {
        for host in ["other.example.nl", "gp.example.nl:444", "alt.example.nl:8443", "gp.example.nl.", "127.0.0.1"] {
            assert_eq!(judge(get("/a").header("host", host)), Err(Refusal::Misdirected), "{host}");
        }
        let h2 = get("https://other.example.nl/a").version(Version::HTTP_2);
        assert_eq!(judge(h2), Err(Refusal::Misdirected));
    }

    #[test]
    fn a_connection_without_a_server_name_serves_nothing() {
        let (parts, ()) = get("/a").header("host", OURS).body(()).unwrap().into_parts();
        assert_eq!(admit(&parts, None, &[OURS.parse().unwrap()], 10), Err(Refusal::Misdirected));
        let name = Hostname::parse(OURS).unwrap();
        assert_eq!(admit(&parts, Some(&name), &[], 10), Err(Refusal::Misdirected));
    }

    #[test]
    fn a_missing_doubled_or_contradicting_host_is_refused() {
        assert_eq!(judge(get("/a")), Err(Refusal::Host));
        assert_eq!(judge(get("https://gp.example.nl/a")), Err(Refusal::Host));
        assert_eq!(judge(get("/a").header("host", OURS).header("host", OURS)), Err(Refusal::Host));
        assert_eq!(judge(get("https://other.example.nl/a").header("host", OURS)), Err(Refusal::Host));
        let h2 = get("https://gp.example.nl/a").version(Version::HTTP_2).header("host", "other.example.nl");
        assert_eq!(judge(h2), Err(Refusal::Host));
        for host in
            ["", "u@gp.example.nl", "gp.example.nl:", "gp.example.nl:+443", "gp.example.nl:0443", "[::1]", "a b"]
        {
            assert_eq!(judge(get("/a").header("host", host)), Err(Refusal::Host), "{host}");
        }
    }

    #[test]
    fn old_versions_and_odd_methods_and_targets_are_refused() {
        let with = |method: &str, uri: &str| Request::builder().method(method).uri(uri).header("host", OURS);
        assert_eq!(judge(with("GET", "/a").version(Version::HTTP_10)), Err(Refusal::OldVersion));
        assert_eq!(judge(with("CONNECT", "gp.example.nl:443")), Err(Refusal::Method));
        assert_eq!(judge(with("TRACE", "/a")), Err(Refusal::Method));
        assert_eq!(judge(with("OPTIONS", "*")), Err(Refusal::Target));
        assert_eq!(judge(with("GET", "http://gp.example.nl/a")), Err(Refusal::Target));
    }

    #[test]
    fn ambiguous_framing_and_odd_headers_are_refused() {
        let with = |name: &str, value: &str| get("/a").header("host", OURS).header(name, value);
        for (request, refusal) in [
            (with("content-length", "3").header("transfer-encoding", "chunked"), Refusal::Framing),
            (with("content-length", "3").header("content-length", "3"), Refusal::Framing),
            (with("content-length", "+3"), Refusal::Framing),
            (with("content-length", ""), Refusal::Framing),
            (with("transfer-encoding", "chunked").header("transfer-encoding", "chunked"), Refusal::Framing),
            (with("transfer-encoding", "xchunked"), Refusal::Framing),
            (with("transfer-encoding", "gzip, chunked"), Refusal::Framing),
            (with("connection", "close, Upgrade"), Refusal::Upgrade),
            (with("upgrade", "h2c"), Refusal::Upgrade),
            (with("x_forwarded_for", "a"), Refusal::HeaderName),
            ((0..10).fold(with("a", "b"), |request, n| request.header(format!("x-{n}"), "y")), Refusal::TooManyHeaders),
        ] {
            assert_eq!(judge(request), Err(refusal));
        }
    }

    #[test]
    fn each_refusal_has_the_status_of_the_test_plan() {
        assert_eq!(Refusal::Misdirected.status(), 421);
        assert_eq!(Refusal::Method.status(), 405);
        assert_eq!(Refusal::TooManyHeaders.status(), 431);
        assert_eq!(Refusal::OldVersion.status(), 400);
    }

    #[test]
    fn an_authority_prints_as_in_a_url() {
        assert_eq!("gp.example.nl:443".parse::<Authority>().unwrap().to_string(), "gp.example.nl");
        assert_eq!("gp.example.nl:8443".parse::<Authority>().unwrap().to_string(), "gp.example.nl:8443");
        assert_eq!("gp.example.nl:x".parse::<Authority>(), Err(AuthorityError::Port));
        assert!(matches!("localhost".parse::<Authority>(), Err(AuthorityError::Host(_))));
    }

    proptest! {
        #[test]
        fn only_our_own_name_ever_passes(host in "[ -~]{0,40}") {
            let request = get("/a").header("host", host.as_str());
            if judge(request).is_ok() {
                prop_assert!(host.eq_ignore_ascii_case(OURS) || host.eq_ignore_ascii_case("gp.example.nl:443"));
            }
        }

        #[test]
        fn an_authority_reads_what_it_prints(host in "[a-z]{1,9}\\.[a-z]{2,9}", port in 1..=u16::MAX) {
            let authority = Authority::new(Hostname::parse(&host).unwrap(), port);
            prop_assert_eq!(authority.to_string().parse(), Ok(authority));
        }
    }
}
