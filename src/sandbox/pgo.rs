//! The demonstration PGO "Mijn Zorgmap": a web app in which a person picks a practice, is sent to the gateway, comes back,
//! and sees what it fetched. For showing and for trying out; it keeps everything in memory.
//!
//! | path | what |
//! |---|---|
//! | `GET /` | choose a practice; who can log in there |
//! | `GET /services` | choose what to fetch of what the practice offers |
//! | `POST /collect` | off to the gateway |
//! | `GET /cb` | back from it: exchanges the code and runs the searches |
//! | `GET /record` | what they brought, from the session |
//! | `GET /documents/{number}` | a document of the list, fetched now |
//! | `GET /share` | fill in a measurement |
//! | `POST /share` | off to the gateway, to confirm it; back at `GET /cb` it is sent |
//! | `GET /shared` | what became of it, from the session |
//! | `POST /forget` | ends the session |
//! | `GET /assets/zorgmap.css` | the stylesheet |

mod measurement;
mod pages;
mod trouble;
mod web;

use std::collections::HashMap;
use std::sync::Arc;

use self::measurement::{Entry, Measurement};
use self::trouble::Trouble;
use super::client::{Endpoints, PgoClient, TokenAnswer, new_id};
use super::site::search::{Access, Problem, read};
use super::site::services::{DataService, bases};
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
    sessions: Sessions<Journey, Kept>,
}

/// What a session holds of a person who came back.
enum Kept {
    Collected(Box<Collected>),
    Shared(Shared),
}

/// A measurement that was sent.
struct Shared {
    practice: ListedPractice,
    outcome: Result<Vec<Entry>, Problem>,
}

impl Shared {
    /// Whether all of it arrived.
    fn is_whole(&self) -> bool {
        self.outcome.as_ref().is_ok_and(|entries| entries.iter().all(|entry| entry.done))
    }
}

/// What a person left for.
enum Errand {
    /// To fetch from these FHIR bases, by system role.
    Collect(HashMap<String, String>),
    /// To send this to that FHIR base.
    Share(Measurement, String),
}

/// Of a person who is away at the gateway.
struct Journey {
    practice: ListedPractice,
    /// Where the person logs in and the code is redeemed.
    endpoints: Endpoints,
    errand: Errand,
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
    fn practice(&self, provider: &str) -> Result<&ListedPractice, Trouble> {
        let known = self.directory.practices.iter().find(|practice| practice.provider == provider);
        known.ok_or(Trouble::NoPractice)
    }

    /// What this practice offers of what can be shown here.
    async fn offer(&self, provider: &str) -> Result<Offer<'_>, Trouble> {
        let practice = self.practice(provider)?;
        let listed = self.client.offered(provider).await?;
        let services = DataService::ALL.into_iter().filter(|service| listed.contains_key(service.id())).collect();
        Ok(Offer { practice, services, listed })
    }

    /// Prepares the way to the gateway, to fetch these services of this practice. A person consents per practice, for all
    /// services that it offers (the scope of release 2 names the practice alone).
    async fn depart(&self, provider: &str, chosen: &[&str]) -> Result<Departure, Trouble> {
        let Offer { practice, mut services, listed } = self.offer(provider).await?;
        services.retain(|service| chosen.contains(&service.id()));
        let first = services.first().ok_or(Trouble::NothingChosen)?;
        let endpoints = listed.get(first.id()).ok_or(Trouble::NotOffered)?.clone();
        let errand = Errand::Collect(bases(&services, &listed));
        Ok(self.leave(practice, endpoints, short(provider), errand))
    }

    /// Prepares the way to the gateway, where the person confirms that this is sent.
    async fn depart_to_share(&self, provider: &str, measurement: Measurement) -> Result<Departure, Trouble> {
        let Offer { practice, mut listed, .. } = self.offer(provider).await?;
        let endpoints = listed.remove(measurement::SERVICE).ok_or(Trouble::NotOffered)?;
        let base = endpoints.resources.get(measurement::ROLE).ok_or(Trouble::NotOffered)?.clone();
        let scope = format!("{}~{}", short(provider), measurement::SERVICE);
        Ok(self.leave(practice, endpoints, &scope, Errand::Share(measurement, base)))
    }

    fn leave(&self, practice: &ListedPractice, endpoints: Endpoints, scope: &str, errand: Errand) -> Departure {
        let (state, correlation_id) = (Handle::draw().reveal().to_owned(), new_id());
        let address = self.client.authorization_url(&endpoints, scope, &state, &correlation_id);
        let journey = Journey { practice: practice.clone(), endpoints, errand, correlation_id };
        Departure { address, cookie: self.sessions.leave(state, journey) }
    }

    /// Takes a person back in; the cookie of what they left for, and the page that shows it. One state is good for one return.
    async fn come_back(&self, cookie: &str, state: &str, with: Return<'_>) -> Result<(Handle, &'static str), Trouble> {
        let journey = self.sessions.come_back(cookie, state).ok_or(Trouble::NotYourReturn)?;
        let code = match with {
            Return::Code(code) => code,
            Return::Error(error) => return Err(refused(error, &journey.errand)),
        };
        let token = self.client.exchange(&journey.endpoints, code, &journey.correlation_id).await?;
        let Journey { practice, errand, correlation_id, .. } = journey;
        let (kept, page) = match errand {
            Errand::Collect(bases) => {
                let access = Access { bases, token: Secret::new(token.access_token), correlation_id };
                let collected = Collected::fetch(&self.client, practice, access, token.expires_in, &self.clock).await;
                (Kept::Collected(Box::new(collected)), "/record")
            }
            Errand::Share(measurement, base) => {
                let outcome = self.share(&measurement, &base, &token, &correlation_id).await;
                (Kept::Shared(Shared { practice, outcome }), "/shared")
            }
        };
        Ok((self.sessions.keep(kept), page))
    }

    async fn share(
        &self,
        measurement: &Measurement,
        base: &str,
        token: &TokenAnswer,
        correlation_id: &str,
    ) -> Result<Vec<Entry>, Problem> {
        let bundle = measurement.bundle(self.clock.now());
        let reply = self.client.share(base, &token.access_token, correlation_id, &bundle).await;
        read(reply).map(|answer| measurement.outcome(&answer))
    }

    /// The origin of the pages of the gateway, where people look for their practice. `None` when the list cannot be read.
    async fn gateway_origin(&self) -> Option<String> {
        let first = self.directory.practices.first()?;
        self.offer(&first.provider).await.ok()?.origins().into_iter().next()
    }
}

/// A provider as a scope names it.
fn short(provider: &str) -> &str {
    provider.strip_suffix("@medmij").unwrap_or(provider)
}

/// What an error code means to a person who left for this.
fn refused(error: &str, errand: &Errand) -> Trouble {
    match (Trouble::refused(error), errand) {
        (Trouble::Denied, Errand::Share(..)) => Trouble::NotConfirmed,
        (trouble, _) => trouble,
    }
}

/// What a practice offers.
struct Offer<'a> {
    practice: &'a ListedPractice,
    /// What of it can be shown here.
    services: Vec<DataService>,
    listed: HashMap<String, Endpoints>,
}

impl Offer<'_> {
    fn takes_measurements(&self) -> bool {
        self.listed.contains_key(measurement::SERVICE)
    }

    /// The origins of the authorization endpoints, which a form may lead to.
    fn origins(&self) -> Vec<String> {
        let mut origins: Vec<_> =
            self.listed.values().map(|endpoints| origin(&endpoints.authorization).to_owned()).collect();
        origins.sort();
        origins.dedup();
        origins
    }
}

#[cfg(test)]
mod tests;
