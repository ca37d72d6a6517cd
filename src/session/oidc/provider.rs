//! What we know of the provider: its metadata and keys, read when they are needed and kept for a while. One request at a
//! time reads them anew; the others go on with what there is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::metadata::{Demands, Metadata};
use super::remote::{Endpoint, Remote};
use super::{OidcConfig, OidcError, Userinfo};
use crate::clock::SharedClock;
use crate::jose::{Jwks, SignatureAlgorithm};

/// After this time they are read anew.
const FRESH: Duration = Duration::from_hours(1);
/// So long they are of use while reading anew fails.
const USABLE: Duration = Duration::from_hours(24);
/// How long a login waits for that, when what there is can still be used.
const PATIENCE: Duration = Duration::from_secs(3);
/// Time between two attempts to read anew, when one failed or a key was not found.
const PAUSE: Duration = Duration::from_secs(60);

/// Metadata and keys of one moment.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) metadata: Metadata,
    pub(super) keys: Jwks,
    read_at: Instant,
    look_again_at: Instant,
    /// When a key was missed for the last time.
    missed_at: Option<Instant>,
}

/// The provider, as far as we know it.
pub(super) struct Provider {
    address: Endpoint,
    issuer: String,
    origins: Vec<String>,
    needs_userinfo: bool,
    our_algorithm: SignatureAlgorithm,
    remote: Remote,
    clock: SharedClock,
    known: ArcSwapOption<Known>,
    /// Whose turn it is to read.
    turn: Semaphore,
}

impl Provider {
    pub(super) fn new(
        config: &OidcConfig,
        our_algorithm: SignatureAlgorithm,
        remote: Remote,
        clock: SharedClock,
    ) -> Result<Self, OidcError> {
        Ok(Self {
            address: Metadata::address(&config.issuer, &config.origins).ok_or(OidcError::Issuer)?,
            issuer: config.issuer.clone(),
            origins: config.origins.clone(),
            needs_userinfo: config.userinfo != Userinfo::None,
            our_algorithm,
            remote,
            clock,
            known: ArcSwapOption::empty(),
            turn: Semaphore::new(1),
        })
    }

    /// What is known, read anew when it is an hour old. While that fails, what there is serves for a day.
    pub(super) async fn known(&self) -> Result<Arc<Known>, OidcError> {
        match self.usable() {
            Some(known) if self.clock.monotonic() < known.look_again_at => Ok(known),
            Some(known) => Ok(self.renewed(known).await),
            None => self.first().await,
        }
    }

    fn usable(&self) -> Option<Arc<Known>> {
        let now = self.clock.monotonic();
        self.known.load_full().filter(|known| now.saturating_duration_since(known.read_at) < USABLE)
    }

    async fn first(&self) -> Result<Arc<Known>, OidcError> {
        let _turn = self.take_turn().await?;
        // Who waited for a turn finds what the one before has read.
        match self.usable() {
            Some(known) => Ok(known),
            None => Ok(self.keep(self.read().await?)),
        }
    }

    async fn renewed(&self, known: Arc<Known>) -> Arc<Known> {
        let Ok(_turn) = self.turn.try_acquire() else { return known };
        if let Ok(Ok(read)) = timeout(PATIENCE, self.read()).await {
            return self.keep(read);
        }
        tracing::warn!("metadata and keys of the login service could not be read anew; those from before are used");
        let look_again_at = self.clock.monotonic() + PAUSE;
        self.keep(Known { look_again_at, ..Known::clone(&known) })
    }

    /// What is known, read anew because `before` lacks a key: the provider may have changed its keys. At most once a minute,
    /// whatever comes in. `None` when it is too soon.
    pub(super) async fn after_a_missing_key(&self, before: &Known) -> Result<Option<Arc<Known>>, OidcError> {
        let _turn = self.take_turn().await?;
        let now = self.clock.monotonic();
        match self.known.load_full() {
            Some(known) if known.read_at > before.read_at => Ok(Some(known)),
            Some(known) if known.missed_at.is_some_and(|at| now.saturating_duration_since(at) < PAUSE) => Ok(None),
            Some(_) | None => Ok(Some(self.keep(Known { missed_at: Some(now), ..self.read().await? }))),
        }
    }

    async fn take_turn(&self) -> Result<SemaphorePermit<'_>, OidcError> {
        self.turn.acquire().await.map_err(|_closed| OidcError::Unreachable)
    }

    fn keep(&self, known: Known) -> Arc<Known> {
        let known = Arc::new(known);
        self.known.store(Some(Arc::clone(&known)));
        known
    }

    async fn read(&self) -> Result<Known, OidcError> {
        let demands = Demands {
            issuer: &self.issuer,
            origins: &self.origins,
            needs_userinfo: self.needs_userinfo,
            our_algorithm: self.our_algorithm,
        };
        let document = self.remote.get(&self.address).await?.ok()?.json()?;
        let metadata = Metadata::parse(document.text().ok_or(OidcError::Metadata)?, &demands)?;
        let keys = self.remote.get(&metadata.keys).await?.ok()?.json()?;
        let keys = Jwks::parse_published(keys.text().unwrap_or_default()).map_err(OidcError::Keys)?;
        let read_at = self.clock.monotonic();
        Ok(Known { metadata, keys, read_at, look_again_at: read_at + FRESH, missed_at: None })
    }
}
