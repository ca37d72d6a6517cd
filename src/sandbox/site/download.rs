//! A document on its way to a person: fetched with their token when they ask for it, and not kept.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use super::Collected;
use super::search::{Problem, TRY_LATER, problem_of};
use super::services::BYTES_ROLE;
use crate::sandbox::client::{PgoClient, Reply};

/// The only kind of document there is.
const PDF: &str = "application/pdf";

/// The document that stands at this place in the list.
pub(in crate::sandbox) async fn download(
    client: &PgoClient,
    collected: &Collected,
    number: usize,
) -> Result<Response, Problem> {
    let listed = collected.record.documents.items.get(number).and_then(|document| document.bytes.as_deref());
    let (Some(id), Some(base)) = (listed, collected.access.base(BYTES_ROLE)) else {
        return Err(Problem::new("Dit document staat niet in uw lijst.", "Haal uw gegevens opnieuw op."));
    };
    let (token, correlation_id) = (collected.access.token.reveal(), &collected.access.correlation_id);
    let reply = client.get_of_kind(&format!("{base}/Binary/{id}"), token, correlation_id, PDF).await;
    let reply = reply.map_err(|_| Problem::new("Er kwam geen antwoord.", TRY_LATER))?;
    if reply.status == StatusCode::OK && is_pdf(&reply) { Ok(handed(reply.body)) } else { Err(problem_of(&reply)) }
}

fn is_pdf(reply: &Reply) -> bool {
    reply.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == PDF)
}

fn handed(body: Bytes) -> Response {
    let headers: [(HeaderName, HeaderValue); 5] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(PDF)),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"document.pdf\"")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, body).into_response()
}
