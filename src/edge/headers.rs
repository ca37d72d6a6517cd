//! Headers that every answer carries, whatever made it (OWASP secure headers; RFC 6749 section 5.1 for `no-store`).

use std::time::Duration;

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, REFERRER_POLICY, SERVER, SET_COOKIE, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue};

/// Browsers speak https only with this host for a year (RFC 6797 section 6.1).
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");

/// No script, nothing of another site, in nobody's frame.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// Sets what must be, fills what may differ per page (caching, referrer), and takes away what tells about us.
pub fn harden(headers: &mut HeaderMap) {
    headers.insert(STRICT_TRANSPORT_SECURITY, HSTS);
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    headers.entry(CACHE_CONTROL).or_insert(NO_STORE);
    headers.entry(REFERRER_POLICY).or_insert(NO_REFERRER);
    headers.remove(SERVER);
}

/// What a page of a desk carries: it has our stylesheet, forms that lead to ourselves, and nothing else; nobody keeps a copy, and nobody
/// else hears of its address.
pub fn guard_page(headers: &mut HeaderMap) {
    headers.insert(CONTENT_SECURITY_POLICY, PAGE_POLICY);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
}

/// Sets a cookie (name, value, how long it lasts) for our own pages only; it is sent along when another site leads here, as a provider
/// does.
pub fn set_cookie(headers: &mut HeaderMap, (name, value, lasts): (&str, &str, Duration)) {
    let text = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={}", lasts.as_secs());
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.append(SET_COOKIE, value);
    }
}

/// The first cookie of this name.
#[must_use]
pub fn cookie_of(headers: &HeaderMap, name: &str) -> Option<String> {
    let values = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_answer_gets_all_and_a_page_keeps_its_caching() {
        let mut bare = HeaderMap::new();
        bare.insert(SERVER, HeaderValue::from_static("their software"));
        harden(&mut bare);
        assert_eq!(bare.len(), 4);
        assert_eq!(bare[CACHE_CONTROL], "no-store");
        let mut page = HeaderMap::new();
        page.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=60"));
        harden(&mut page);
        assert_eq!(page[CACHE_CONTROL], "max-age=60");
        assert_eq!(page[X_CONTENT_TYPE_OPTIONS], "nosniff");
    }
}
