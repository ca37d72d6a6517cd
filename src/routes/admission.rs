//! Who is served at all: whoever asks too often, and whoever comes when all places are taken, is told so at once and told when
//! to come back. Nothing was decided about anybody's data then; the audit log has one record for many of them (`refusals`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse as _, Response as AxumResponse};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use http_body::Body as _;
use http_body_util::{Full, Limited};
use hyper::body::Incoming;
use serde_json::json;

use super::refusals::Refusals;
use crate::audit::Kind;
use crate::bounds::{Memory, Place, Places};
use crate::edge::{Body, Connection, Network, Timely};
use crate::fault::{self, Fault};
use crate::fhir::http::turned_away;
use crate::medmij::{Hostname, LocalId};
use crate::oauth::grant::Thumbprint;
use crate::rates::{Rates, TooMany};

/// Seconds after which a place may be free again: requests are shorter than that, unless something is wrong.
const FREE_AGAIN_SECONDS: u32 = 1;

/// More than any form has; each router has a lower limit of its own.
const FORM_MAX_BYTES: u64 = 64 * 1024;

/// To whom a rate belongs. It has to be known before anything that is asked is read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Who {
    /// Somebody behind an address of this network.
    Network(Network),
    /// The holder of this certificate, for whom nobody was served yet.
    Certificate(Thumbprint),
    /// The client that the holder of the certificate was last served for: a PGO with several nodes is one client.
    Client(Hostname),
}

/// For which client each certificate was last served. Only a request that was answered with success counts: it named a client
/// for which the certificate may act.
#[derive(Debug, Default)]
pub struct Served(Mutex<HashMap<Thumbprint, Hostname>>);

impl Served {
    /// More certificates than a whitelist has names; further ones have rates of their own.
    const MOST: usize = 10_000;

    fn of(&self, certificate: Thumbprint) -> Who {
        let clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        clients.get(&certificate).cloned().map_or(Who::Certificate(certificate), Who::Client)
    }

    fn learn(&self, certificate: Thumbprint, client: &Hostname) {
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() < Self::MOST || clients.contains_key(&certificate) {
            clients.insert(certificate, client.clone());
        }
    }
}

/// What one face may have in hand, whatever configuration it is made of.
#[derive(Clone)]
pub struct Admission {
    /// How many requests.
    pub places: Arc<Places>,
    /// How much of their answers; together with the HISs.
    pub memory: Arc<Memory>,
    /// How often each may ask.
    pub rates: Arc<Rates<Who>>,
    /// Whose certificate is whose.
    pub served: Arc<Served>,
    /// What the audit log gets of those who are refused.
    pub refusals: Arc<Refusals>,
    /// How long a client may take over a form.
    pub form_time: Duration,
}

/// A request that is let in: its place, and whose rate it was counted to.
#[derive(Debug)]
pub(super) struct Admitted {
    place: Place,
    who: Who,
}

/// A request is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shed {
    TooMany(TooMany),
    Full,
}

impl Admission {
    /// Lets a request in, or notes that it was refused, as what it would have been recorded as.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn admit(&self, connection: &Connection, kind: Kind) -> Result<Admitted, Shed> {
        let who = self.who(connection);
        let admitted = self.rates.admit(who.clone()).map_err(Shed::TooMany);
        let placed = admitted.and_then(|()| Places::take(Arc::clone(&self.places)).ok_or(Shed::Full));
        match placed {
            Ok(place) => Ok(Admitted { place, who }),
            Err(shed) => {
                self.refusals.note(who, connection, kind, shed.fault());
                Err(shed)
            }
        }
    }

    fn who(&self, connection: &Connection) -> Who {
        let certificate = connection.caller().thumbprint.map(|certificate| self.served.of(certificate));
        certificate.unwrap_or_else(|| Who::Network(Network::of(connection.remote().ip())))
    }

    /// Learns whom a request was for that was answered with success.
    fn learn(&self, connection: &Connection, who: &Who, client: Option<&Hostname>) {
        if let (Some(certificate), Some(client)) = (connection.caller().thumbprint, client)
            && !matches!(who, Who::Client(known) if known == client)
        {
            self.served.learn(certificate, client);
        }
    }

    /// The body of a request as a router reads it: in time, and refused at once when more of it is announced than any form may
    /// have, so that nobody is waited for who is not going to send it.
    pub(super) fn form(&self, body: Incoming) -> axum::body::Body {
        if body.size_hint().lower() > FORM_MAX_BYTES {
            // One byte more than allowed: the way to the same error as a body that turns out too large.
            return axum::body::Body::new(Limited::new(Full::new(Bytes::from_static(b"x")), 0));
        }
        axum::body::Body::new(Timely::within(body, self.form_time))
    }

    /// The answer of a request that was let in, for this client as far as one was named.
    pub(super) fn answered(
        &self,
        response: Response<Body>,
        admitted: Admitted,
        connection: &Connection,
        client: Option<&Hostname>,
    ) -> Response<Body> {
        if response.status().is_success() {
            self.learn(connection, &admitted.who, client);
        }
        response.map(|body| body.occupying(admitted.place, &self.memory))
    }
}

impl Shed {
    /// For a browser.
    pub(super) fn page(self) -> Response<Body> {
        let text = match self {
            Self::TooMany(_) => {
                "Er komen nu te veel verzoeken van uw netwerk. Probeer het zo opnieuw.\n\
                 There are too many requests from your network. Please try again in a moment.\n"
            }
            Self::Full => {
                "Het is nu te druk. Probeer het zo opnieuw.\nWe are too busy. Please try again in a moment.\n"
            }
        };
        let mut response = Response::new(Body::full(Bytes::from_static(text.as_bytes())));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        self.told(response)
    }

    /// For a client of the resource endpoint.
    pub(super) fn outcome(self, id: LocalId) -> Response<Body> {
        self.told(turned_away(self.fault(), id))
    }

    /// For a client of the token endpoint.
    pub(super) fn oauth(self) -> Response<Body> {
        let (code, text) = match self {
            Self::TooMany(_) => ("slow_down", "too many requests of this client"),
            Self::Full => ("temporarily_unavailable", "too many requests at once"),
        };
        let json: AxumResponse = Json(json!({"error": code, "error_description": text})).into_response();
        self.told(json.map(Body::axum))
    }

    const fn fault(self) -> Fault {
        match self {
            Self::TooMany(_) => fault::TOO_MANY,
            Self::Full => fault::NODE_FULL,
        }
    }

    fn told(self, mut response: Response<Body>) -> Response<Body> {
        *response.status_mut() = match self {
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Full => StatusCode::SERVICE_UNAVAILABLE,
        };
        let headers = response.headers_mut();
        let wait = match self {
            Self::TooMany(too_many) => {
                tell_rate(headers, too_many);
                too_many.wait_seconds
            }
            Self::Full => FREE_AGAIN_SECONDS,
        };
        headers.insert(RETRY_AFTER, HeaderValue::from(wait));
        response
    }
}

/// The limit and what is left of it (draft-ietf-httpapi-ratelimit-headers-10).
fn tell_rate(headers: &mut HeaderMap, TooMany { wait_seconds, rate }: TooMany) {
    let texts = [
        (
            HeaderName::from_static("ratelimit-policy"),
            format!("\"requests\";q={};w={}", rate.burst, rate.window_seconds()),
        ),
        (HeaderName::from_static("ratelimit"), format!("\"requests\";r=0;t={wait_seconds}")),
    ];
    for (name, text) in texts {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_that_were_served_for_one_client_are_that_client() {
        let (served, [one, other, third]) = (Served::default(), [1, 2, 3].map(|byte| Thumbprint::new([byte; 32])));
        let client = Hostname::parse("pgo.example.nl").unwrap();
        assert_eq!(served.of(one), Who::Certificate(one));
        [one, other].into_iter().for_each(|certificate| served.learn(certificate, &client));
        assert_eq!(
            [one, other, third].map(|it| served.of(it)),
            [Who::Client(client.clone()), Who::Client(client), Who::Certificate(third)]
        );
    }

    #[test]
    fn what_is_learned_is_bounded() {
        let served = Served::default();
        let client = Hostname::parse("pgo.example.nl").unwrap();
        let certificate = |number: usize| {
            let mut print = [0; 32];
            print[..8].copy_from_slice(&number.to_be_bytes());
            Thumbprint::new(print)
        };
        (0..=Served::MOST).for_each(|number| served.learn(certificate(number), &client));
        assert_eq!(served.of(certificate(Served::MOST)), Who::Certificate(certificate(Served::MOST)));
        let other = Hostname::parse("other.example.nl").unwrap();
        served.learn(certificate(0), &other);
        assert_eq!(served.of(certificate(0)), Who::Client(other), "whom it serves may change");
    }
}
