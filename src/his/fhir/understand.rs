//! What an answer of a FHIR server means: status, media type and encoding. Of its headers nothing else is looked at, and
//! nothing is passed on; of an answer that is no data nothing is read.

use http::response::Parts;
use http::{StatusCode, header};

use crate::fhir::xml::to_json;
use crate::his::pool::{Failed, Received};
use crate::his::{Answer, AnswerBody, Document, Format, HisError};
use crate::medmij::FhirVersion;

/// A resource, as JSON: what comes as XML is converted here, so that everything after judges one form. XML that is too large
/// to be judged whole is refused, because it cannot be converted before all of it is there.
pub(super) fn answer(received: Received, fhir: FhirVersion) -> Result<Answer, HisError> {
    judge(received.head.status)?;
    resource(received, fhir)
}

fn resource(received: Received, fhir: FhirVersion) -> Result<Answer, HisError> {
    let body = match (media_type(&received.head).and_then(fhir_format).ok_or(HisError::Nonsense)?, received.body) {
        (Format::Json, body) => body,
        (Format::Xml, AnswerBody::Whole(xml)) => {
            AnswerBody::Whole(to_json(&xml, fhir).map_err(|_| HisError::Nonsense)?.into())
        }
        (Format::Xml, AnswerBody::Large(_)) => return Err(HisError::TooLarge),
    };
    Ok(Answer::new(Format::Json, body))
}

/// The bytes of a document.
pub(super) fn document(received: Received) -> Result<Document, HisError> {
    let missing = matches!(received.head.status, StatusCode::NOT_FOUND | StatusCode::GONE);
    if missing {
        return Err(HisError::NotFound);
    }
    judge(received.head.status)?;
    let media_type = media_type(&received.head).ok_or(HisError::Nonsense)?.to_owned();
    let AnswerBody::Large(body) = received.body else { return Err(HisError::Nonsense) };
    Ok(Document { media_type, length: received.length, body })
}

/// What became of a submission. Only an answer that says so means that nothing was stored.
pub(super) fn stored(received: Result<Received, Failed>, fhir: FhirVersion) -> Result<Answer, HisError> {
    let received = received.map_err(|failed| if failed.sent { HisError::Unconfirmed } else { failed.error })?;
    match received.head.status {
        // FHIR says 200 (STU3 http.html, 2.21.0.17.3), and the qualification of MedMij takes 201 as well.
        StatusCode::OK | StatusCode::CREATED => resource(received, fhir).map_err(|_| HisError::Unconfirmed),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(HisError::Refused),
        StatusCode::TOO_MANY_REQUESTS => Err(HisError::Busy),
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => {
            Err(HisError::Unsupported)
        }
        StatusCode::REQUEST_TIMEOUT => Err(HisError::Unconfirmed),
        status if status.is_client_error() => Err(HisError::Rejected),
        _ => Err(HisError::Unconfirmed),
    }
}

/// Redirects are not followed: what a HIS may not answer itself, it may not send us after either.
fn judge(status: StatusCode) -> Result<(), HisError> {
    match status {
        StatusCode::OK => Ok(()),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(HisError::Refused),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Err(HisError::Busy),
        StatusCode::GATEWAY_TIMEOUT => Err(HisError::TimedOut),
        _ => Err(HisError::Nonsense),
    }
}

/// The media type, when the body is not encoded.
fn media_type(head: &Parts) -> Option<&str> {
    let plain = head.headers.get(header::CONTENT_ENCODING).is_none_or(|value| value == "identity");
    let kind = head.headers.get(header::CONTENT_TYPE).filter(|_| plain)?;
    kind.to_str().ok().map(str::trim).filter(|kind| !kind.is_empty())
}

fn fhir_format(media_type: &str) -> Option<Format> {
    let kind = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/fhir+json" | "application/json" | "application/json+fhir" => Some(Format::Json),
        "application/fhir+xml" | "application/xml" | "application/xml+fhir" | "text/xml" => Some(Format::Xml),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn received(status: u16) -> Received {
        let answer = http::Response::builder().status(status).header(header::CONTENT_TYPE, "application/fhir+json");
        let (head, ()) = answer.body(()).unwrap().into_parts();
        Received { head, body: AnswerBody::Whole(Bytes::from_static(b"{}")), length: None }
    }

    #[test]
    fn what_is_stored_is_said_with_200_or_201() {
        for (status, expected) in [
            (200, Ok(())),
            (201, Ok(())),
            (202, Err(HisError::Unconfirmed)),
            (204, Err(HisError::Unconfirmed)),
            (302, Err(HisError::Unconfirmed)),
            (422, Err(HisError::Rejected)),
            (503, Err(HisError::Unconfirmed)),
        ] {
            assert_eq!(stored(Ok(received(status)), FhirVersion::Stu3).map(drop), expected, "{status}");
        }
        assert_eq!(answer(received(201), FhirVersion::Stu3).map(drop), Err(HisError::Nonsense));
    }
}
