//! The authorization request: nobody is ever sent to another host than that of a listed client, whatever the request says.

#![no_main]

use std::sync::LazyLock;

use inzage::form::{decode_pairs, single};
use inzage::lists::{ClientEntry, ListHeader, Lists, Ocl, Reading, write_ocl};
use inzage::medmij::ScopeRelease;
use inzage::oauth::authorize::{AuthorizeForm, AuthorizeRefusal, AuthorizeRequest, AuthorizeRules, RedirectUri};
use libfuzzer_sys::fuzz_target;

const CLIENTS: [&str; 2] = ["pgo.example.nl", "dossier.example.nl"];
/// A request in order, less one parameter.
const REST: [(&str, &str); 5] = [
    ("client_id", CLIENTS[0]),
    ("redirect_uri", "https://pgo.example.nl/terug"),
    ("response_type", "code"),
    ("scope", "huisarts.delinde"),
    ("state", "xyz"),
];

static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    let entry = |host: &str| ClientEntry { hostname: host.to_owned(), organisation: "Een PGO".to_owned() };
    let text = write_ocl(ListHeader { sequence: 1, ..ListHeader::default() }, &CLIENTS.map(entry));
    Lists { ocl: Ocl::parse(text.as_bytes(), Reading::default()).expect("a list").into(), ..Lists::default() }
});

/// The URI is that of the client for a reader of URIs that is not ours, and can stand in a header and a CSP source.
fn assert_leads_to(client: &str, uri: &RedirectUri, allow_ports: bool) {
    assert!(CLIENTS.contains(&client));
    let read: http::Uri = uri.as_str().parse().expect("a URI");
    assert_eq!(read.host().map(str::to_ascii_lowercase).as_deref(), Some(client));
    assert!(read.scheme_str() == Some("https") && (allow_ports || read.port().is_none()));
    assert!(read.query().is_none() && !uri.as_str().contains('#'));
    assert!(uri.as_str().bytes().all(|c| c.is_ascii_graphic() && !b"\"<>\\".contains(&c)));
    let path = uri.as_str().strip_prefix(uri.origin()).expect("an origin of the URI");
    assert!(path.is_empty() || path.starts_with('/'));
    assert!(!uri.origin().contains([';', ',', '\'', '@']));
}

fn judge(pairs: &[(String, String)], allow_ports: bool) {
    let release = if allow_ports { ScopeRelease::OneFive } else { ScopeRelease::Two };
    let form = AuthorizeForm { release, require_ids: false };
    match AuthorizeRequest::parse(pairs, AuthorizeRules { lists: &LISTS, allow_ports, form }) {
        Ok(request) => {
            assert_leads_to(request.client.as_str(), &request.redirect_uri, allow_ports);
            assert_eq!(Some(request.state.as_str()), single(pairs, "state"));
            assert_eq!(Some(request.scope.to_string().as_str()), single(pairs, "scope"));
            assert_eq!(AuthorizeRequest::from_written(request.to_written()), Some(request));
        }
        Err(AuthorizeRefusal::Redirect { client, redirect_uri, state, error: _ }) => {
            assert_leads_to(client.as_str(), &redirect_uri, allow_ports);
            assert!(state.is_none_or(|state| single(pairs, "state") == Some(state.as_str())));
        }
        Err(AuthorizeRefusal::Page(_)) => {}
    }
}

/// A request in which the input is the value of one parameter.
fn with(name: &str, value: &str) -> Vec<(String, String)> {
    let choose = |(key, good): (&str, &str)| (key.to_owned(), if key == name { value } else { good }.to_owned());
    REST.map(choose).into()
}

fuzz_target!(|text: &str| {
    for allow_ports in [false, true] {
        if let Ok(pairs) = decode_pairs(text) {
            judge(&pairs, allow_ports);
        }
        for (name, _) in REST {
            judge(&with(name, text), allow_ports);
        }
        judge(&with("redirect_uri", &format!("https://pgo.example.nl{text}")), allow_ports);
    }
});
