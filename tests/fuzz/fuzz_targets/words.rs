//! The words of the network and the addresses: what is taken prints as it came, and reads back as the same.

#![no_main]

use std::fmt::Display;

use inzage::audit::NodeName;
use inzage::config::{HttpsUrl, Origin};
use inzage::edge::Authority;
use inzage::lists::{EndpointUri, InterfaceVersion, Reading};
use inzage::medmij::{
    Bsn, CorrelationId, FhirVersion, Hostname, LocalId, ProviderName, RequestId, Scope, ScopeRelease, ServiceId, SystemRole,
};
use inzage::routing::{resource_base, route};
use libfuzzer_sys::fuzz_target;

/// Prints as the text.
fn same<T: Display, E>(text: &str, parsed: Result<T, E>) {
    if let Ok(value) = parsed {
        assert_eq!(value.to_string(), text);
    }
}

/// Prints as the text in lower case.
fn same_in_lower_case<T: Display>(text: &str, parsed: Option<T>) {
    if let Some(value) = parsed {
        assert_eq!(value.to_string(), text.to_ascii_lowercase());
    }
}

fn names(text: &str) {
    same(text, Hostname::parse(text));
    same_in_lower_case(text, Hostname::parse_any_case(text).ok());
    same(text, ProviderName::parse(text));
    if let Ok(name) = ProviderName::parse_short(text) {
        assert_eq!((name.short(), ProviderName::parse(name.as_str()).as_ref()), (text, Ok(&name)));
    }
    same(text, Scope::parse(text, ScopeRelease::Two));
    same(text, Scope::parse(text, ScopeRelease::OneFive));
    same(text, ServiceId::parse(text));
    same(text, InterfaceVersion::parse(text));
    assert!(SystemRole::parse(text).is_ok_and(|role| role.as_str() == text) == ServiceId::parse(text).is_ok());
    assert!(NodeName::parse(text).is_err() || text.len() <= 32);
    if let Ok(version) = FhirVersion::parse(text) {
        assert_eq!(version.as_str(), text);
    }
}

fn ids(text: &str) {
    same_in_lower_case(text, RequestId::parse(text));
    same_in_lower_case(text, CorrelationId::parse(text));
    same_in_lower_case(text, LocalId::parse(text));
    if let Ok(bsn) = Bsn::parse(text) {
        assert!(bsn.reveal() == text || bsn.reveal().strip_prefix('0') == Some(text));
        assert!(!format!("{bsn:?}").contains(text));
    }
}

/// An address names the host that a browser would go to.
fn host_is(text: &str, host: &Hostname) {
    let uri: http::Uri = text.parse().expect("an address that we took is a URI");
    assert_eq!(uri.host().map(str::to_ascii_lowercase).as_deref(), Some(host.as_str()));
    assert!(!uri.authority().is_some_and(|authority| authority.as_str().contains('@')));
}

fn addresses(text: &str) {
    for ports in [false, true] {
        if let Ok(uri) = EndpointUri::front_channel(text, Reading { allow_ports: ports, ..Reading::default() }) {
            assert!(ports || uri.port().is_none());
            assert_eq!(EndpointUri::back_channel(text).as_ref(), Ok(&uri));
            host_is(uri.as_str(), uri.host());
            assert!(text.ends_with(uri.path()) && uri.as_str() == text);
        }
    }
    if let Ok(authority) = text.parse::<Authority>() {
        assert_eq!(authority.to_string().parse().as_ref(), Ok(&authority));
        host_is(&format!("https://{authority}"), authority.host());
    }
    if let Some(origin) = Origin::parse(text) {
        assert_eq!(Origin::parse(origin.as_str()).as_ref(), Some(&origin));
        host_is(origin.as_str(), origin.host());
    }
    for url in [HttpsUrl::parse(text), HttpsUrl::parse_base(text)].into_iter().flatten() {
        host_is(url.as_str(), url.host());
    }
}

/// What follows a base that we made leads back to the same practice and service.
fn paths(text: &str) {
    if let Some(found) = route(text) {
        assert!(text.ends_with(found.rest) && !found.provider.contains('/') && !found.service.contains('/'));
        if let (Ok(provider), Ok(service)) =
            (ProviderName::parse_short(found.provider), ServiceId::parse(found.service))
        {
            let base = resource_base("", &provider, &service, found.version);
            assert!(text.strip_prefix(&base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')));
        }
    }
}

fuzz_target!(|text: &str| {
    names(text);
    ids(text);
    addresses(text);
    paths(text);
});
