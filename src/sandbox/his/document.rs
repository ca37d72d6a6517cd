//! `GET [base]/Binary/{id}`: the bytes of a document as they are, or the Binary resource that holds them (FHIR STU3
//! binary.html). Whose document it is stands in no Binary, so a HIS gives it to whoever knows the id.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;

use super::answer::{Answer, Problem, resource};
use super::faults::Faults;
use super::payload::Payload;
use super::search::Query;
use super::store::Resource;

/// The resource when a FHIR format is asked for, else the bytes with exactly the media type of the Binary.
pub(super) fn answer(binary: &Resource, request: &Parts, query: &Query, faults: &Faults) -> Result<Answer, Problem> {
    if asks_for_fhir(request, query) { Ok(resource(binary.text())) } else { raw(binary.value(), faults) }
}

fn asks_for_fhir(request: &Parts, query: &Query) -> bool {
    let accept = request.headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let formats = query.pairs().filter(|(name, _)| *name == "_format").map(|(_, value)| value);
    let mut wanted = formats.chain(accept).flat_map(|value| value.split(','));
    wanted.any(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.contains("fhir") || matches!(kind, "json" | "xml" | "application/json" | "application/xml" | "text/xml")
    })
}

/// The bytes; as many as the faults say.
pub(super) fn raw(binary: &Value, faults: &Faults) -> Result<Answer, Problem> {
    let text = |name| binary.get(name).and_then(Value::as_str);
    // R4 calls it `data`.
    let content = text("content").or_else(|| text("data")).ok_or(Problem::NotFound)?;
    let content: String = content.split_ascii_whitespace().collect();
    let document = Bytes::from(STANDARD.decode(content).map_err(|_| Problem::NotFound)?);
    let body = if faults.huge_mb > 0 { huge(document, faults.huge_mb) } else { document.into() };
    let media_type = text("contentType").unwrap_or("application/octet-stream");
    let media_type = HeaderValue::from_str(media_type).map_err(|_| Problem::NotFound)?;
    Ok(Answer { status: StatusCode::OK, media_type, body })
}

/// The document with lines of comment (ISO 32000-1 section 7.2.3) after it, until it has the size.
fn huge(document: Bytes, megabytes: u32) -> Payload {
    const LINE: &[u8; 64] = b"%..............................................................\n";
    let lines = Bytes::from(LINE.repeat(1024));
    let length = u64::from(megabytes).saturating_mul(1_000_000).max(document.len() as u64);
    let mut left = length.saturating_sub(document.len() as u64);
    let padding = std::iter::from_fn(move || {
        let piece = lines.slice(..usize::try_from(left).unwrap_or(usize::MAX).min(lines.len()));
        left = left.saturating_sub(piece.len() as u64);
        (!piece.is_empty()).then_some(piece)
    });
    Payload::Pieces(Box::new(std::iter::once(document).chain(padding)), Some(length))
}
