//! The wire of a demonstration site: cookie, security headers, forms.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};

use crate::form::decode_pairs;
use crate::secret::Handle;

/// Largest form that is read, in bytes.
const FORM_MAX_BYTES: usize = 4 * 1024;

/// Bounds forms, and refuses those that another site sends.
pub(in crate::sandbox) fn fenced(router: Router) -> Router {
    router.layer(DefaultBodyLimit::max(FORM_MAX_BYTES)).layer(tower_http::csrf::CsrfLayer::new())
}

/// The fields of a form; none when it is none.
pub(in crate::sandbox) fn fields(body: &[u8]) -> Vec<(String, String)> {
    std::str::from_utf8(body).ok().and_then(|text| decode_pairs(text).ok()).unwrap_or_default()
}

/// A page. The policy allows what the pages need and nothing else; forms lead to this site and to `origins`.
pub(in crate::sandbox) fn page(html: String, origins: &[String]) -> Response {
    let mut response = Html(html).into_response();
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action 'self' {}; base-uri 'none'; frame-ancestors 'none'",
        origins.join(" ")
    );
    let headers = response.headers_mut();
    let closed = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_str(&policy).unwrap_or(closed));
    // A form would be sent with `Origin: null` under "no-referrer".
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

pub(in crate::sandbox) fn stylesheet(text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=300")], text)
}

/// The value of the cookie of this name; empty when there is none.
pub(in crate::sandbox) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map_or("", |(_, value)| value)
}

/// Lax, because people come back from another site.
pub(in crate::sandbox) fn with_cookie(response: Response, name: &str, cookie: &Handle) -> Response {
    set_cookie(response, &format!("{name}={}; Path=/; Secure; HttpOnly; SameSite=Lax", cookie.reveal()))
}

/// Takes the cookie away.
pub(in crate::sandbox) fn without_cookie(response: Response, name: &str) -> Response {
    set_cookie(response, &format!("{name}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"))
}

fn set_cookie(mut response: Response, text: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(text) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}
