//! In which language a browser wants its answer: by the link on a page, or else by its settings.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::request::Parts;

use crate::form::{decode_pairs, single};
use crate::language::Language;

/// The wish of one request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    /// What the address says.
    pub(super) asked: Option<Language>,
    /// What the browser prefers.
    pub(super) preferred: Language,
}

impl Wish {
    fn of(parts: &Parts) -> Self {
        let pairs = parts.uri.query().and_then(|query| decode_pairs(query).ok()).unwrap_or_default();
        let accepted = parts.headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Self { asked: single(&pairs, "lang").and_then(Language::parse), preferred: Language::preferred(accepted) }
    }

    /// For a page that belongs to no visit.
    pub(super) fn language(self) -> Language {
        self.asked.unwrap_or(self.preferred)
    }
}

impl<S: Sync> FromRequestParts<S> for Wish {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}
