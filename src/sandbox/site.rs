//! What the demonstration PGO and the demonstration portal have in common as websites: sessions, the searches of the
//! services, and the pages that show what they brought. Each has pages of its own before that, and its own way to a token.

mod choices;
mod day;
mod download;
mod element;
pub(super) mod pages;
mod record;
pub(super) mod search;
pub(super) mod services;
pub(super) mod sessions;
pub(super) mod web;

use std::sync::Arc;

use axum::Router;
use http::{Request, Response};
use hyper::body::Incoming;
use jiff::Timestamp;
use tower::ServiceExt as _;

pub(super) use self::choices::{Choice, choices};
pub(super) use self::download::download;
use self::record::Record;
use self::search::{Access, Trace, search_all};
use super::client::PgoClient;
use super::world::ListedPractice;
use crate::availability::dutch_today;
use crate::clock::SharedClock;
use crate::edge::{Body, Connection, Serve};

/// A website, ready to be served.
pub struct Site {
    router: Router,
}

impl Site {
    pub(super) const fn new(router: Router) -> Self {
        Self { router }
    }
}

impl Serve for Site {
    async fn serve(&self, request: Request<Incoming>, _: &Arc<Connection>) -> Response<Body> {
        let request = request.map(axum::body::Body::new);
        match self.router.clone().oneshot(request).await {
            Ok(response) => response.map(Body::axum),
            Err(never) => match never {},
        }
    }
}

/// What was fetched for a person, and with what.
pub(super) struct Collected {
    practice: ListedPractice,
    at: Timestamp,
    record: Record,
    traces: Vec<Trace>,
    /// With what it was fetched.
    pub(super) access: Access,
    /// Lifetime of the token, in seconds.
    expires_in: u64,
}

impl Collected {
    /// Runs the searches with a token that was just given, for `expires_in` seconds.
    pub(super) async fn fetch(
        client: &PgoClient,
        practice: ListedPractice,
        access: Access,
        expires_in: u64,
        clock: &SharedClock,
    ) -> Self {
        let at = clock.now();
        let today = dutch_today(at);
        let answers = search_all(client, &access, today, clock).await;
        let record = Record::read(&answers, today);
        let traces = answers.into_iter().map(|answer| answer.trace).collect();
        Self { practice, at, record, traces, access, expires_in }
    }
}

/// Scheme, host and port of an address.
pub(super) fn origin(address: &str) -> &str {
    let end = address.match_indices('/').nth(2).map_or(address.len(), |(at, _)| at);
    address.get(..end).unwrap_or_default()
}
