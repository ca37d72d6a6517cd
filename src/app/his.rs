//! The HIS installations of a configuration, each with its adapter.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::assemble::{identity, read_secret};
use super::start::StartError;
use crate::clock::SharedClock;
use crate::config::{self, Config};
use crate::his::HisAdapter;
use crate::his::fhir::{Endpoint, FhirHis};
use crate::his::pool::{BreakerRules, Pool, PoolConfig};
use crate::monitor::metrics::Metrics;
use crate::tls::client::client_config;
use crate::tls::identity::Roots;

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

/// The installations of a node.
#[derive(Default)]
pub(super) struct Installations {
    /// Their adapters, by id.
    pub(super) adapters: HashMap<String, Arc<dyn HisAdapter>>,
    /// Their endpoints, for the metrics.
    pub(super) endpoints: Vec<Observed>,
}

/// One endpoint of an installation.
pub(super) struct Observed {
    his: String,
    endpoint: &'static str,
    pool: Arc<Pool>,
}

impl Observed {
    /// Shows how it is.
    pub(super) fn observe(&self, metrics: &Metrics) {
        metrics.observe_his(&self.his, self.endpoint, &self.pool.figures());
    }
}

impl Installations {
    /// Those of a configuration.
    pub(super) fn build(config: &Config, clock: &SharedClock) -> Result<Self, StartError> {
        let mut all = Self::default();
        for his in &config.his {
            let pool = Arc::new(pool(config, his, clock)?);
            all.adapters.insert(his.id.clone(), adapter(his, &pool)?);
            all.endpoints.push(Observed { his: his.id.clone(), endpoint: "fhir", pool });
        }
        Ok(all)
    }
}

fn pool(config: &Config, his: &config::His, clock: &SharedClock) -> Result<Pool, StartError> {
    let own = his.identity.as_ref().map(|written| identity(written, clock)).transpose()?;
    let tls = client_config(&Roots::load(&his.roots)?, own.as_ref(), &[crate::tls::ALPN_HTTP1], clock)?;
    let host = his.base_url.host().clone();
    let port = his.base_url.port();
    let pool = PoolConfig {
        name: his.id.clone(),
        address: config.resolve.get(&host).map(|ip| SocketAddr::new(*ip, port)),
        host,
        port,
        max_in_flight: his.max_in_flight,
        max_wait: HIS_WAIT,
        connect_timeout: his.connect_timeout,
        idle_timeout: HIS_IDLE,
        whole_limit: config.release.judge_whole_limit_bytes,
        stream_limit: HIS_STREAM_BYTES,
        stream_timeout: HIS_STREAM,
        // Nothing for as long as a whole answer may take is the end, too.
        stall_timeout: HIS_STALL.min(config.release.his_deadline),
        breaker: HIS_BREAKER,
    };
    Ok(Pool::new(pool, Arc::new(tls), Arc::clone(clock)))
}

fn adapter(his: &config::His, pool: &Arc<Pool>) -> Result<Arc<dyn HisAdapter>, StartError> {
    let api_key = his.api_key.as_deref().map(read_secret).transpose()?;
    let endpoint = Endpoint::new(his.base_url.as_str(), api_key.as_ref(), Arc::clone(pool));
    let endpoint = endpoint.map_err(|_| StartError::His { id: his.id.clone() })?;
    Ok(Arc::new(FhirHis::new(endpoint, None)))
}
