//! Logging in and out, on the wire: the way to the provider, the way back, and the cookies that go along.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};

use super::{answer, pages};
use crate::edge::Connection;
use crate::edge::headers::{cookie_of, set_cookie};
use crate::form::decode_pairs;
use crate::operations::desk::{Desk, DeskError};
use crate::pages::operations::{Frame, LoggedOutPage};
use crate::signin::AWAY;

/// The cookie of who is on their way to the provider.
const AWAY_COOKIE: &str = "__Host-operator-login";
/// The cookie of who is logged in.
const SESSION_COOKIE: &str = "__Host-operator";
/// Where the provider sends the browser back to.
const CALLBACK: &str = "/login/callback";

pub(super) fn routes() -> Router<Arc<Desk>> {
    Router::new().route("/login", get(leave)).route(CALLBACK, get(come_back)).route("/logout", post(log_out))
}

/// The handle of the session that a request brings.
pub(super) fn session_of(headers: &HeaderMap) -> Option<String> {
    cookie_of(headers, SESSION_COOKIE)
}

async fn leave(State(desk): State<Arc<Desk>>) -> Response {
    match desk.leave().await {
        Ok(leaving) => with_cookies(Redirect::to(&leaving.address), &[(AWAY_COOKIE, &leaving.carries, AWAY)]),
        Err(error) => pages::failed(error),
    }
}

async fn come_back(
    State(desk): State<Arc<Desk>>,
    Extension(connection): Extension<Arc<Connection>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let carries = cookie_of(&headers, AWAY_COOKIE).unwrap_or_default();
    let Ok(fields) = decode_pairs(&query.unwrap_or_default()) else { return pages::failed(DeskError::Form) };
    match desk.come_back(&carries, &fields, connection.remote().ip()).await {
        Ok((session, lasts)) => {
            let cookies = [(SESSION_COOKIE, session.reveal(), lasts), (AWAY_COOKIE, "", Duration::ZERO)];
            with_cookies(Redirect::to("/"), &cookies)
        }
        Err(error) => pages::failed(error),
    }
}

async fn log_out(
    State(desk): State<Arc<Desk>>,
    Extension(connection): Extension<Arc<Connection>>,
    headers: HeaderMap,
) -> Response {
    let cookie = session_of(&headers).unwrap_or_default();
    if let Err(error) = desk.log_out(&cookie, connection.remote().ip()).await {
        return pages::failed(error);
    }
    let page = LoggedOutPage { frame: Frame::nobody() }.render_html();
    with_cookies(answer::html(StatusCode::OK, page), &[(SESSION_COOKIE, "", Duration::ZERO)])
}

/// For our own pages only; sent along when another site leads here, as the provider does.
fn with_cookies(response: impl IntoResponse, cookies: &[(&str, &str, Duration)]) -> Response {
    let mut response = answer::guarded(response.into_response());
    cookies.iter().for_each(|cookie| set_cookie(response.headers_mut(), *cookie));
    response
}
