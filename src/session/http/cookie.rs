//! The cookies of visits: one each, so that several authorizations in one browser do not meet.

use axum::http::{HeaderMap, HeaderValue};

use crate::edge::headers::cookie_of;
use crate::medmij::LocalId;
use crate::secret::Handle;

fn name(visit: LocalId) -> String {
    format!("__Host-visit-{visit}")
}

/// The cookie of a visit, if the browser sent it; otherwise nothing.
pub(super) fn read(headers: &HeaderMap, visit: LocalId) -> String {
    cookie_of(headers, &name(visit)).unwrap_or_default()
}

/// Sets it, for as long as a page may stand open.
pub(super) fn set(visit: LocalId, cookie: &Handle) -> HeaderValue {
    let text = format!("{}={}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=900", name(visit), cookie.reveal());
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Takes it back.
pub(super) fn forget(visit: LocalId) -> HeaderValue {
    let text = format!("{}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0", name(visit));
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
