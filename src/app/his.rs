//! The HIS installations of a configuration, each with its adapter.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::assemble::{identity, read_secret};
use super::login::token_key;
use super::start::StartError;
use crate::bounds::Memory;
use crate::clock::SharedClock;
use crate::config::{self, Config, Dialect, HttpsUrl, Prints};
use crate::his::fhir::{Access, Endpoint, FhirHis, Manner};
use crate::his::pool::{BreakerRules, Pool, PoolConfig};
use crate::his::rest::RestHis;
use crate::his::smart::{SmartConfig, Tokens};
use crate::his::{Adapters, Format, HisAdapter};
use crate::jose::SigningKey;
use crate::monitor::metrics::Metrics;
use crate::outgoing::Outgoing as Destinations;
use crate::tls::client::client_config;
use crate::tls::identity::{Identity, Roots};

/// How long a request waits for its turn at a HIS before it is refused.
const HIS_WAIT: Duration = Duration::from_millis(500);
/// How long a connection to a HIS may lie idle; below the shortest common keep-alive.
const HIS_IDLE: Duration = Duration::from_secs(4);
/// Most bytes of one answer of a HIS.
const HIS_STREAM_BYTES: u64 = 512 * 1024 * 1024;
/// How long a HIS may take over an answer that is too large to be judged whole.
const HIS_STREAM: Duration = Duration::from_secs(120);
/// How long it may send nothing meanwhile.
const HIS_STALL: Duration = Duration::from_secs(10);

/// When a HIS is left alone: a person who presses again within seconds gets an answer at once, and it is tried again soon.
const HIS_BREAKER: BreakerRules =
    BreakerRules { failures: 5, pause: Duration::from_secs(5), longest_pause: Duration::from_secs(60) };

/// The installations of a node, by id.
#[derive(Clone, Default)]
pub(super) struct Installations(BTreeMap<String, Installation>);

/// One installation, with what it was built from.
#[derive(Clone)]
pub(super) struct Installation {
    ground: Ground,
    /// How it is asked.
    pub(super) adapter: Arc<dyn HisAdapter>,
    /// Its endpoints, for the metrics.
    pub(super) endpoints: Vec<Observed>,
}

/// All that an adapter follows from. As long as it is the same, so is the adapter, with its connections, its breaker and the
/// patients that it remembers.
#[derive(Clone, PartialEq)]
struct Ground {
    written: config::His,
    files: Prints,
    whole_limit_bytes: usize,
    deadline: Duration,
}

/// One endpoint of an installation.
#[derive(Clone)]
pub(super) struct Observed {
    pub(super) his: String,
    pub(super) endpoint: &'static str,
    pub(super) pool: Arc<Pool>,
    /// Until when our certificate towards it is valid, when it has one of its own.
    pub(super) own_expires: Option<Timestamp>,
}

impl Observed {
    /// Shows how it is.
    pub(super) fn observe(&self, metrics: &Metrics) {
        metrics.observe_his(&self.his, self.endpoint, &self.pool.figures());
    }
}

impl Installations {
    /// Those of a configuration; those of `before` whose ground is the same stay as they are.
    pub(super) fn build(
        config: &Config,
        prints: &Prints,
        clock: &SharedClock,
        memory: &Arc<Memory>,
        destinations: &Destinations,
        before: &Self,
    ) -> Result<Self, StartError> {
        let mut all = BTreeMap::new();
        for (number, his) in config.his.iter().enumerate() {
            let ground = Ground::of(config, his, prints.below(&format!("his[{number}].")));
            let installation = match before.0.get(&his.id).filter(|held| held.ground == ground) {
                Some(held) => held.clone(),
                None => {
                    let mut endpoints = Vec::new();
                    let mut site = Site { config, his, clock, memory, destinations, endpoints: &mut endpoints };
                    let adapter = site.adapter()?;
                    Installation { ground, adapter, endpoints }
                }
            };
            all.insert(his.id.clone(), installation);
        }
        Ok(Self(all))
    }

    /// Their adapters.
    pub(super) fn adapters(&self) -> Adapters {
        self.0.iter().map(|(id, installation)| (id.clone(), Arc::clone(&installation.adapter))).collect()
    }

    /// Their endpoints.
    pub(super) fn endpoints(&self) -> Vec<Observed> {
        self.0.values().flat_map(|installation| installation.endpoints.iter().cloned()).collect()
    }

    /// One of them.
    pub(super) fn take(mut self, id: &str) -> Option<Installation> {
        self.0.remove(id)
    }
}

impl Ground {
    fn of(config: &Config, written: &config::His, files: Prints) -> Self {
        let whole_limit_bytes = config.release.judge_whole_limit_bytes;
        Self { written: written.clone(), files, whole_limit_bytes, deadline: config.release.his_deadline }
    }
}

/// One installation while it is built.
struct Site<'a> {
    config: &'a Config,
    his: &'a config::His,
    clock: &'a SharedClock,
    memory: &'a Arc<Memory>,
    destinations: &'a Destinations,
    endpoints: &'a mut Vec<Observed>,
}

impl Site<'_> {
    fn adapter(&mut self) -> Result<Arc<dyn HisAdapter>, StartError> {
        let endpoint = match self.his.dialect {
            Dialect::Fhir | Dialect::SmartBackend => "fhir",
            Dialect::Rest => "rest",
        };
        let pool = self.pool(&self.his.base_url, endpoint)?;
        match self.his.dialect {
            Dialect::Fhir | Dialect::SmartBackend => self.fhir(&pool),
            Dialect::Rest => self.rest(pool),
        }
    }

    fn rest(&self, pool: Arc<Pool>) -> Result<Arc<dyn HisAdapter>, StartError> {
        let api_key = self.his.api_key.as_deref().map(read_secret).transpose()?;
        let rest = RestHis::new(self.his.base_url.as_str(), api_key.as_ref(), pool);
        Ok(Arc::new(rest.map_err(|_| self.unusable())?))
    }

    /// A FHIR server, asked by its own right: tokens, a key, or the certificate alone.
    fn fhir(&mut self, pool: &Arc<Pool>) -> Result<Arc<dyn HisAdapter>, StartError> {
        let base = &self.his.base_url;
        let access = self.access()?;
        let stu3 = self.endpoint(base, access.clone(), Arc::clone(pool))?;
        let r4 = self.his.manner.as_ref().and_then(|manner| manner.r4_base_url.as_ref());
        let r4 = match r4 {
            // One machine, one pool: its cap and its breaker hold for both.
            Some(url) if url.origin() == base.origin() => Some(self.endpoint(url, access, Arc::clone(pool))?),
            Some(url) => {
                let pool = self.pool(url, "r4")?;
                Some(self.endpoint(url, access, pool)?)
            }
            None => None,
        };
        let manner = self.his.manner.as_ref().map(manner).unwrap_or_default();
        Ok(Arc::new(FhirHis::new(stu3, r4, manner)))
    }

    fn endpoint(&self, url: &HttpsUrl, access: Access, pool: Arc<Pool>) -> Result<Endpoint, StartError> {
        Endpoint::new(url.as_str(), access, pool).map_err(|_| self.unusable())
    }

    fn unusable(&self) -> StartError {
        StartError::His { id: self.his.id.clone() }
    }

    fn access(&mut self) -> Result<Access, StartError> {
        if let Some(written) = &self.his.backend {
            let pool = self.pool(&written.token_url, "token")?;
            let config = SmartConfig {
                url: written.token_url.as_str().to_owned(),
                client_id: written.client_id.clone(),
                scope: written.scope.clone(),
                key: token_key(&written.client_key, SigningKey::parse)?,
            };
            let tokens = Tokens::new(config, pool, Arc::clone(self.clock)).map_err(|_| self.unusable())?;
            return Ok(Access::Tokens(tokens));
        }
        let Some(path) = &self.his.api_key else { return Ok(Access::Certificate) };
        Access::api_key(&read_secret(path)?).map_err(|_| self.unusable())
    }

    /// The connections to one machine of the installation.
    fn pool(&mut self, url: &HttpsUrl, endpoint: &'static str) -> Result<Arc<Pool>, StartError> {
        let Self { config, his, clock, memory, destinations, .. } = self;
        let own = his.identity.as_ref().map(|written| identity(written, clock)).transpose()?;
        let tls = client_config(&Roots::load(&his.roots)?, own.as_ref(), &[crate::tls::ALPN_HTTP1], clock)?;
        let pool = Arc::new(Pool::new(
            pool_config(config, his, url, (*memory, *destinations)),
            Arc::new(tls),
            Arc::clone(clock),
        ));
        let own_expires = own.as_ref().and_then(Identity::expires);
        self.endpoints.push(Observed { his: self.his.id.clone(), endpoint, pool: Arc::clone(&pool), own_expires });
        Ok(pool)
    }
}

fn manner(written: &config::Manner) -> Manner {
    let format = if written.xml { Format::Xml } else { Format::Json };
    Manner { format, post_search: written.post_search, page_size: written.page_size }
}

fn pool_config(
    config: &Config,
    his: &config::His,
    url: &HttpsUrl,
    (memory, destinations): (&Arc<Memory>, &Destinations),
) -> PoolConfig {
    let (host, port) = (url.host().clone(), url.port());
    PoolConfig {
        name: his.id.clone(),
        outgoing: destinations.clone(),
        host,
        port,
        max_in_flight: his.max_in_flight,
        max_wait: HIS_WAIT,
        connect_timeout: his.connect_timeout,
        idle_timeout: HIS_IDLE,
        whole_limit: config.release.judge_whole_limit_bytes,
        memory: Arc::clone(memory),
        stream_limit: HIS_STREAM_BYTES,
        stream_timeout: HIS_STREAM,
        // Nothing for as long as a whole answer may take is the end, too.
        stall_timeout: HIS_STALL.min(config.release.his_deadline),
        breaker: HIS_BREAKER,
    }
}
