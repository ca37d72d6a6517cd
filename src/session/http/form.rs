//! Forms as they come in. What cannot be read is refused on a page of ours and on record, like any other form that is not
//! complete.

use std::convert::Infallible;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};

use super::cookie;
use super::wish::Wish;
use crate::form::{decode_pairs, single};
use crate::medmij::LocalId;
use crate::session::journey::{JourneyError, Presented};

/// The visit in the address, when it can be one.
#[derive(Clone, Copy)]
pub(super) struct VisitId(pub(super) Option<LocalId>);

impl<S: Send + Sync> FromRequestParts<S> for VisitId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let text = Path::<String>::from_request_parts(parts, state).await.ok();
        Ok(Self(text.and_then(|Path(text)| LocalId::parse(&text))))
    }
}

/// The body, unless it is too large or broke off.
pub(super) struct Sent(Result<Bytes, JourneyError>);

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = Infallible;

    async fn from_request(request: Request, state: &S) -> Result<Self, Infallible> {
        let body = Bytes::from_request(request, state).await;
        Ok(Self(body.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => JourneyError::TooLarge,
            _ => JourneyError::BadForm,
        })))
    }
}

/// A form that came in, as far as every page has it.
pub(super) struct Submitted {
    pub(super) visit: LocalId,
    cookie: String,
    pub(super) pairs: Vec<(String, String)>,
    wish: Wish,
}

impl Submitted {
    pub(super) fn read(id: VisitId, wish: Wish, headers: &HeaderMap, sent: &Sent) -> Result<Self, JourneyError> {
        let visit = id.0.ok_or(JourneyError::StalePage)?;
        let body = sent.0.as_deref().map_err(|error| *error)?;
        let pairs = std::str::from_utf8(body).ok().and_then(|text| decode_pairs(text).ok());
        let pairs = pairs.ok_or(JourneyError::BadForm)?;
        Ok(Self { visit, cookie: cookie::read(headers, visit), pairs, wish })
    }

    pub(super) fn presented(&self, token: &str) -> Presented<'_> {
        let form = single(&self.pairs, token).unwrap_or_default();
        Presented { visit: self.visit, cookie: &self.cookie, form, language: self.wish.asked }
    }
}
