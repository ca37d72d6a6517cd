//! The demonstration PGO "Mijn Zorgmap": a web app in which a person picks a practice, is sent to the gateway, comes back,
//! and sees the GP record. For showing and for trying out; it keeps everything in memory.
//!
//! | path | what |
//! |---|---|
//! | `GET /` | choose a practice; who can log in there |
//! | `POST /collect` | off to the gateway |
//! | `GET /cb` | back from it: exchanges the code and runs the seven searches |
//! | `GET /record` | the record, from the session |
//! | `POST /forget` | ends the session |
//! | `GET /assets/zorgmap.css` | the stylesheet |

mod pages;
mod trouble;
mod web;

use std::sync::Arc;

use self::trouble::Trouble;
use super::client::{Endpoints, PgoClient, TokenAnswer, new_id};
use super::site::search::{Access, ROLE, SERVICE};
use super::site::sessions::Sessions;
use super::site::{Collected, Site, origin};
use super::world::{Directory, ListedPractice};
use crate::clock::SharedClock;
use crate::secret::{Handle, Secret};

/// A web app that acts as `client` and lets people choose from `directory`.
#[must_use]
pub fn site(client: PgoClient, directory: Directory, clock: SharedClock) -> Site {
    let sessions = Sessions::new(SharedClock::clone(&clock));
    Site::new(web::router(Arc::new(Zorgmap { client, directory, clock, sessions })))
}

/// What the app has and does; [`web`] puts it on the wire.
struct Zorgmap {
    client: PgoClient,
    directory: Directory,
    clock: SharedClock,
    sessions: Sessions<Journey, Collected>,
}

/// Of a person who is away at the gateway.
struct Journey {
    practice: ListedPractice,
    endpoints: Endpoints,
    correlation_id: String,
}

/// Where a person is sent, and the cookie to come back with.
struct Departure {
    address: String,
    cookie: Handle,
}

/// What the gateway sent a person back with.
enum Return<'a> {
    Code(&'a str),
    /// An error code of RFC 6749, section 4.1.2.1.
    Error(&'a str),
}

impl Zorgmap {
    /// Prepares the way to the gateway for this practice.
    async fn depart(&self, provider: &str) -> Result<Departure, Trouble> {
        let known = self.directory.practices.iter().find(|practice| practice.provider == provider);
        let practice = known.ok_or(Trouble::NoPractice)?.clone();
        let endpoints = self.client.endpoints(provider, SERVICE).await?;
        let scope = provider.strip_suffix("@medmij").unwrap_or(provider);
        let (state, correlation_id) = (Handle::draw().reveal().to_owned(), new_id());
        let address = self.client.authorization_url(&endpoints, scope, &state, &correlation_id);
        let cookie = self.sessions.leave(state, Journey { practice, endpoints, correlation_id });
        Ok(Departure { address, cookie })
    }

    /// Takes a person back in; the cookie of their record. One state is good for one return.
    async fn come_back(&self, cookie: &str, state: &str, with: Return<'_>) -> Result<Handle, Trouble> {
        let journey = self.sessions.come_back(cookie, state).ok_or(Trouble::NotYourReturn)?;
        let code = match with {
            Return::Code(code) => code,
            Return::Error(error) => return Err(Trouble::refused(error)),
        };
        let base = journey.endpoints.resources.get(ROLE).ok_or(Trouble::NotOffered)?.clone();
        let token = self.client.exchange(&journey.endpoints, code, &journey.correlation_id).await?;
        Ok(self.sessions.keep(self.collect(journey, base, token).await))
    }

    async fn collect(&self, journey: Journey, base: String, token: TokenAnswer) -> Collected {
        let Journey { practice, correlation_id, .. } = journey;
        let access = Access { base, token: Secret::new(token.access_token), correlation_id };
        Collected::fetch(&self.client, practice, access, token.expires_in, &self.clock).await
    }

    /// The origins of the authorization endpoints, which the form of the start page may lead to. Empty when the list cannot
    /// be read; leaving fails then, too.
    async fn gateway_origins(&self) -> Vec<String> {
        let mut origins = Vec::new();
        for practice in &self.directory.practices {
            let Ok(endpoints) = self.client.endpoints(&practice.provider, SERVICE).await else { continue };
            let origin = origin(&endpoints.authorization).to_owned();
            if !origins.contains(&origin) {
                origins.push(origin);
            }
        }
        origins
    }
}

#[cfg(test)]
mod tests;
