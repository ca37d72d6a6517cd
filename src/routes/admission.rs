//! Who is served at all: whoever asks too often, and whoever comes when all places are taken, is told so at once and told when
//! to come back. Nothing was decided about anybody's data then, so the audit log has no record of it; the metrics count it.

use std::sync::Arc;
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

use crate::bounds::{Memory, Place, Places};
use crate::edge::{Body, Connection, Network, Timely};
use crate::fault::{self, Fault};
use crate::fhir::http::turned_away;
use crate::medmij::LocalId;
use crate::oauth::grant::Thumbprint;
use crate::rates::{Rates, TooMany};

/// Seconds after which a place may be free again: requests are shorter than that, unless something is wrong.
const FREE_AGAIN_SECONDS: u32 = 1;

/// More than any form has; each router has a lower limit of its own.
const FORM_MAX_BYTES: u64 = 64 * 1024;

/// To whom a rate belongs. A client is a certificate, which is known before anything that it asks is read; a PGO with several
/// nodes has several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    /// Somebody behind an address of this network.
    Network(Network),
    /// The holder of this certificate.
    Client(Thumbprint),
}

impl Who {
    fn of(connection: &Connection) -> Self {
        let client = connection.caller().thumbprint.map(Self::Client);
        client.unwrap_or_else(|| Self::Network(Network::of(connection.remote().ip())))
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
    /// How long a client may take over a form.
    pub form_time: Duration,
}

/// A request is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shed {
    TooMany(TooMany),
    Full,
}

impl Admission {
    /// Lets a request in.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn admit(&self, connection: &Connection) -> Result<Place, Shed> {
        self.rates.admit(Who::of(connection)).map_err(Shed::TooMany)?;
        Places::take(Arc::clone(&self.places)).ok_or(Shed::Full)
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

    /// The answer of a request that was let in.
    pub(super) fn answered(&self, response: Response<Body>, place: Place) -> Response<Body> {
        response.map(|body| body.occupying(place, &self.memory))
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
