//! Requests before any route: only well-framed ones for a name of ours, that is also that of the handshake, pass.
//! The input is text, one part a line: method, target, version (1 digit), server name, then headers `name: value`.

#![no_main]

use http::request::{Builder, Parts};
use http::{Method, Request, Version};
use inzage::edge::Authority;
use inzage::edge::authority::admit;
use inzage::medmij::Hostname;
use libfuzzer_sys::fuzz_target;

const HEADERS_MAX: usize = 8;

fn version(text: &str) -> Version {
    match text {
        "0" => Version::HTTP_10,
        "2" => Version::HTTP_2,
        _ => Version::HTTP_11,
    }
}

fn header(builder: Builder, line: &str) -> Builder {
    match line.split_once(':') {
        Some((name, value)) => builder.header(name, value.trim()),
        None => builder,
    }
}

/// The request and the server name of the handshake.
fn read(text: &str) -> Option<(Parts, Option<Hostname>)> {
    let mut lines = text.split('\n');
    let builder = Request::builder().method(lines.next()?).uri(lines.next()?).version(version(lines.next()?));
    let server_name = Hostname::parse(lines.next()?).ok();
    let (parts, ()) = lines.fold(builder, header).body(()).ok()?.into_parts();
    Some((parts, server_name))
}

/// `host`, or `host:port` with a port that is one of ours; in any case of letters.
fn is_ours(text: &str, ours: &[Authority]) -> bool {
    ours.iter().any(|own| {
        let rest = text.get(..own.host().as_str().len()).filter(|host| host.eq_ignore_ascii_case(own.host().as_str()));
        let port = rest.and_then(|host| text.get(host.len()..));
        port.is_some_and(|port| match port.strip_prefix(':') {
            Some(digits) => digits.parse() == Ok(own.port()),
            None => port.is_empty() && own.port() == 443,
        })
    })
}

fn assert_passes(parts: &Parts, server_name: Option<&Hostname>, ours: &[Authority]) {
    let values =
        |name: &str| parts.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect::<Vec<_>>();
    let host = values("host");
    let target = parts.uri.authority().map(http::uri::Authority::as_str);
    assert!(host.len() <= 1 && (target.is_some() || host.len() == 1));
    assert!(host.into_iter().chain(target).all(|name| is_ours(name, ours)));
    assert!(server_name.is_some_and(|name| ours.iter().any(|own| own.host() == name)));
    assert!(values("content-length").len() + values("transfer-encoding").len() <= 1);
    assert!(!parts.headers.contains_key("upgrade") && parts.headers.keys().all(|name| !name.as_str().contains('_')));
    assert!(parts.version >= Version::HTTP_11 && parts.method != Method::CONNECT && parts.method != Method::TRACE);
    assert!(parts.uri.path().starts_with('/') && parts.uri.scheme_str().is_none_or(|scheme| scheme == "https"));
}

fuzz_target!(|text: &str| {
    let ours = ["gp.example.nl", "alt.example.nl:8443"].map(|name| name.parse().expect("a name"));
    let Some((parts, server_name)) = read(text) else { return };
    if admit(&parts, server_name.as_ref(), &ours, HEADERS_MAX).is_ok() {
        assert_passes(&parts, server_name.as_ref(), &ours);
    }
});
