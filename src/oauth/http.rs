//! The token endpoint and the revocation endpoint on the wire: POST, form-encoded, over mutual TLS (core.tknint.200 and .201,
//! RFC 7009).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use serde::Serialize;
use serde_json::json;

use super::metadata::Metadata;
use super::refresh::RefreshToken;
use super::smart_metadata::SmartConfiguration;
use super::token::{Patience, TokenAnswer, TokenCall, TokenDesk, TokenError};
use crate::edge::Connection;
use crate::form::decode_pairs;
use crate::jose::DecryptionKey;
use crate::medmij::{CorrelationId, RequestId};
use crate::trace;

/// Largest form that is read, in bytes.
const FORM_MAX_BYTES: usize = 16 * 1024;

/// RFC 6749 section 5.1.
const NOT_STORED: [(header::HeaderName, &str); 2] = [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];

/// When a client may come back after a failure of ours.
const RETRY_AFTER_SECONDS: u32 = 10;

/// `POST /oauth/token` and `POST /oauth/revoke`. Other methods come here too, so that their refusal is recorded.
pub fn router(desk: Arc<TokenDesk>) -> Router {
    Router::new()
        .route("/oauth/token", any(exchange))
        .route("/.well-known/jwks.json", get(keys))
        .route("/oauth/revoke", any(revoke))
        .layer(axum::extract::DefaultBodyLimit::max(FORM_MAX_BYTES))
        .with_state(desk)
}

async fn exchange(
    State(desk): State<Arc<TokenDesk>>,
    Extension(connection): Extension<Arc<Connection>>,
    method: Method,
    headers: HeaderMap,
    uri: Uri,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let call = call(&desk, &connection, &headers);
    let answer = match read_form(&method, &headers, &uri, body) {
        Ok(form) => desk.exchange(&form, call).await,
        Err(error) => Err(desk.refuse(error, call).await),
    };
    answer.map_or_else(refusal, |answer| issued(&answer))
}

/// RFC 7009 section 2.2: 200 without a body, also for a token that is not known.
async fn revoke(
    State(desk): State<Arc<TokenDesk>>,
    Extension(connection): Extension<Arc<Connection>>,
    method: Method,
    headers: HeaderMap,
    uri: Uri,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let call = call(&desk, &connection, &headers);
    let answer = match read_form(&method, &headers, &uri, body) {
        Ok(form) => desk.revoke(&form, call).await,
        Err(error) => Err(desk.refuse(error, call).await),
    };
    answer.map_or_else(refusal, |()| (StatusCode::OK, NOT_STORED).into_response())
}

fn call<'a>(desk: &TokenDesk, connection: &'a Connection, headers: &HeaderMap) -> TokenCall<'a> {
    TokenCall {
        caller: connection.caller(),
        local_id: trace::id(&*desk.clock),
        request_id: id(headers, "medmij-request-id").and_then(RequestId::parse),
        correlation_id: id(headers, "x-correlation-id").and_then(CorrelationId::parse),
    }
}

/// The parameters; none may stand in the query, where they would end up in logs.
fn read_form(
    method: &Method,
    headers: &HeaderMap,
    uri: &Uri,
    body: Result<Bytes, BytesRejection>,
) -> Result<Vec<(String, String)>, TokenError> {
    if method != Method::POST {
        return Err(TokenError::Method);
    }
    if !is_form(headers) {
        return Err(TokenError::NotAForm);
    }
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => TokenError::TooLarge,
        _ => TokenError::InvalidRequest,
    })?;
    let text = std::str::from_utf8(&body).ok().filter(|_| uri.query().is_none());
    text.and_then(|text| decode_pairs(text).ok()).ok_or(TokenError::InvalidRequest)
}

fn id<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = id(headers, header::CONTENT_TYPE.as_str()).unwrap_or_default().to_ascii_lowercase();
    let mut parts = kind.split(';').map(str::trim);
    parts.next() == Some("application/x-www-form-urlencoded")
        && parts.all(|part| matches!(part, "charset=utf-8" | "charset=\"utf-8\""))
}

/// The members of core.tknint.201; `refresh_token` stands there with lasting consent only.
#[derive(Serialize)]
struct IssuedBody<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: u64,
    scope: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    /// SMART App Launch 2.2, "Launch context arrives with your access_token".
    #[serde(skip_serializing_if = "Option::is_none")]
    patient: Option<&'a str>,
}

/// Our public keys, to which portals encrypt (RFC 7517 section 5).
async fn keys(State(desk): State<Arc<TokenDesk>>) -> impl IntoResponse {
    let keys: Vec<_> = desk.portals.decryption.iter().map(DecryptionKey::published).collect();
    ([(header::CONTENT_TYPE, "application/jwk-set+json")], Json(json!({"keys": keys})))
}

fn issued(answer: &TokenAnswer) -> Response {
    let body = IssuedBody {
        access_token: answer.token.reveal(),
        token_type: "Bearer",
        expires_in: answer.lifetime.as_secs(),
        scope: &answer.scope,
        refresh_token: answer.refresh.as_ref().map(RefreshToken::reveal),
        patient: answer.patient.as_ref().map(|patient| patient.reveal().as_str()),
    };
    (StatusCode::OK, NOT_STORED, Json(body)).into_response()
}

fn refusal(error: TokenError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = json!({"error": error.code(), "error_description": error.to_string()});
    let mut response = (status, NOT_STORED, Json(body)).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
    }
    if let TokenError::SlowDown(seconds) | TokenError::TooManyWrong(seconds) = error {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let TokenError::TooManyWrong(seconds) = error {
        tell_limit(response.headers_mut(), seconds);
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    response
}

/// The limit and what is left of it (draft-ietf-httpapi-ratelimit-headers).
fn tell_limit(headers: &mut HeaderMap, after_seconds: u32) {
    let window = (Patience::BURST * Patience::EACH).as_secs();
    let texts = [
        ("ratelimit-policy", format!("\"wrong-requests\";q={};w={window}", Patience::BURST)),
        ("ratelimit", format!("\"wrong-requests\";r=0;t={after_seconds}")),
    ];
    for (name, text) in texts {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    }
}

/// What the door of portals says of itself, at its three addresses: for its issuer (RFC 8414 section 3.1), for this host, and
/// under each FHIR base (SMART App Launch 2.2). On either channel.
pub fn smart_router(configuration: SmartConfiguration) -> Router {
    let told = move || {
        let document = configuration.clone();
        async move { ([(header::CACHE_CONTROL, "public, max-age=3600")], Json(document)) }
    };
    Router::new()
        .route("/.well-known/oauth-authorization-server/smart", get(told.clone()))
        .route("/.well-known/smart-configuration", get(told.clone()))
        .route("/fhir/{provider}/{service}/{version}/.well-known/smart-configuration", get(told))
}

/// `GET /.well-known/oauth-authorization-server`, on either channel.
pub fn metadata_router(metadata: Metadata) -> Router {
    let told = move || {
        let document = metadata.clone();
        async move { ([(header::CACHE_CONTROL, "public, max-age=3600")], Json(document)) }
    };
    Router::new().route("/.well-known/oauth-authorization-server", get(told))
}
