//! The demonstration portal "Mijn Praktijk": a website of practices that shows the record of whoever logged in there. A
//! person logs in at the practice, and the portal asserts who they are; or they log in at the gateway, and come back.
//!
//! | path | what |
//! |---|---|
//! | `GET /` | choose a way to log in |
//! | `POST /account` | logged in at the practice: asserts the person and runs the searches |
//! | `POST /launch` | off to the gateway |
//! | `GET /cb` | back from it: exchanges the code and runs the searches of service 49 |
//! | `GET /record` | the record, from the session |
//! | `GET /documents/{number}` | a document of the list, fetched now |
//! | `POST /logout` | gives the token back and ends the session; leads to `GET /left` |
//! | `GET /assets/praktijk.css` | the stylesheet |

pub mod client;
pub(super) mod keys;
mod pages;
pub mod smart;
mod trouble;
mod web;

use std::collections::HashMap;
use std::sync::Arc;

use self::client::PortalClient;
use self::smart::Server;
use self::trouble::{Failure, Trouble};
use super::client::{ClientError, Endpoints, TokenAnswer, new_id};
use super::site::search::Access;
use super::site::services::{DataService, bases};
use super::site::sessions::Sessions;
use super::site::{Collected, Site, origin};
use super::world::{Directory, ListedPractice};
use crate::clock::SharedClock;
use crate::secret::{Handle, Secret};

/// What the portal asks for at the gateway: to know the patient, and all it may read.
const SCOPE: &str = "launch/patient patient/*.rs";

/// A website that acts as `client` for the practices and people of `directory`.
#[must_use]
pub fn site(client: PortalClient, directory: Directory, clock: SharedClock) -> Site {
    let sessions = Sessions::new(SharedClock::clone(&clock));
    Site::new(web::router(Arc::new(Portal { client, directory, clock, sessions })))
}

/// What the website has and does; [`web`] puts it on the wire.
struct Portal {
    client: PortalClient,
    directory: Directory,
    clock: SharedClock,
    sessions: Sessions<Journey, Visit>,
}

/// Of a person who is away at the gateway.
struct Journey {
    practice: ListedPractice,
    service: Service,
    /// What the code is brought with (RFC 7636).
    verifier: String,
    correlation_id: String,
}

/// Of a person who is logged in.
struct Visit {
    collected: Collected,
    /// Where the token is given back.
    server: Server,
}

/// Where the record of a practice's patients is, and who gives access to it.
struct Service {
    /// What the practice offers, by the id of the service.
    listed: HashMap<String, Endpoints>,
    /// Those of the GP record.
    endpoints: Endpoints,
    /// The FHIR base of the GP record.
    base: String,
    server: Server,
}

/// Where a person is sent, and the cookie to come back with.
struct Departure {
    address: String,
    cookie: Handle,
}

/// What a person came back with.
struct Return<'a> {
    /// Who says so (RFC 9207 section 2).
    issuer: &'a str,
    /// The code, or an error code of RFC 6749, section 4.1.2.1.
    outcome: Result<&'a str, &'a str>,
}

impl Portal {
    /// Lets in who is logged in at the practice; the cookie of their visit.
    async fn assert(&self, number: usize) -> Result<Handle, Failure> {
        let person = self.directory.people.get(number).ok_or(Trouble::NoPerson)?;
        let practice = self.practice(&person.provider)?;
        let service = self.service(&practice).await?;
        let (scope, correlation_id) = (practice.provider.trim_end_matches("@medmij"), new_id());
        let asserted = self.client.assert(&service.endpoints, &person.bsn, scope, &correlation_id).await;
        let token = asserted.map_err(|error| Failure::of_assertion(error, &correlation_id))?;
        Ok(self.let_in(practice, service, &DataService::ALL, token, correlation_id).await)
    }

    /// Prepares the way to the gateway for a patient of this practice.
    async fn depart(&self, provider: &str) -> Result<Departure, Failure> {
        let practice = self.practice(provider)?;
        let service = self.service(&practice).await?;
        let correlation_id = new_id();
        let smart::Departure { address, state, verifier } =
            self.client.depart(&service.server, &service.base, SCOPE, &correlation_id);
        let cookie = self.sessions.leave(state, Journey { practice, service, verifier, correlation_id });
        Ok(Departure { address, cookie })
    }

    /// Takes a person back in; the cookie of their visit. One state is good for one return.
    async fn come_back(&self, cookie: &str, state: &str, with: Return<'_>) -> Result<Handle, Failure> {
        let journey = self.sessions.come_back(cookie, state).ok_or(Trouble::NotYourReturn)?;
        let Journey { practice, service, verifier, correlation_id } = journey;
        // RFC 9207 section 2.4, errors included: the metadata promises it.
        if with.issuer != service.server.issuer {
            return Err(Trouble::OtherSender.into());
        }
        let code = with.outcome.map_err(|error| Failure::refused(error, &correlation_id))?;
        let redeemed = self.client.redeem(&service.server, code, &verifier, &correlation_id).await;
        let token = redeemed.map_err(|error| Failure::of_code(error, &correlation_id))?;
        Ok(self.let_in(practice, service, &[DataService::Record], token, correlation_id).await)
    }

    /// Fetches these services. A token of SMART App Launch is for the one service that its base names.
    async fn let_in(
        &self,
        practice: ListedPractice,
        service: Service,
        fetched: &[DataService],
        token: TokenAnswer,
        correlation_id: String,
    ) -> Handle {
        let Service { listed, server, .. } = service;
        let access = Access { bases: bases(fetched, &listed), token: Secret::new(token.access_token), correlation_id };
        let collected = Collected::fetch(&self.client.back, practice, access, token.expires_in, &self.clock).await;
        self.sessions.keep(Visit { collected, server })
    }

    /// Ends a session, and what the portal may still ask for in it.
    async fn log_out(&self, cookie: &str) {
        let visit = self.sessions.collected(cookie);
        self.sessions.forget(cookie);
        if let Some(visit) = visit {
            let Access { token, correlation_id, .. } = &visit.collected.access;
            // When it does not arrive, the person is logged out here all the same, and the token lapses within minutes.
            let _ = self.client.give_back(&visit.server, token.reveal(), correlation_id).await;
        }
    }

    fn practice(&self, provider: &str) -> Result<ListedPractice, Trouble> {
        let known = self.directory.practices.iter().find(|practice| practice.provider == provider);
        known.cloned().ok_or(Trouble::NoPractice)
    }

    async fn service(&self, practice: &ListedPractice) -> Result<Service, ClientError> {
        let record = DataService::Record;
        let listed = self.client.back.offered(&practice.provider).await?;
        let endpoints = listed.get(record.id()).ok_or(ClientError::NotOffered)?.clone();
        let base = endpoints.resources.get(record.role()).ok_or(ClientError::NotOffered)?.clone();
        let server = self.client.discover(&base).await?;
        Ok(Service { listed, endpoints, base, server })
    }

    /// The origins to which people are sent, which the form of the start page may lead to. Empty when the gateway does not
    /// answer; leaving fails then, too.
    async fn gateway_origins(&self) -> Vec<String> {
        let mut origins = Vec::new();
        for practice in &self.directory.practices {
            let Ok(service) = self.service(practice).await else { continue };
            let origin = origin(&service.server.authorization_endpoint).to_owned();
            if !origins.contains(&origin) {
                origins.push(origin);
            }
        }
        origins
    }
}
