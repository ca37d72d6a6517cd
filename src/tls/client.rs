//! TLS of our outgoing connections: only given roots are trusted, never those of the machine, and nothing is followed.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::sign::SingleCertAndKey;

use super::identity::{Identity, Roots};
use super::{ClockTime, TlsError, VERSIONS, provider};
use crate::clock::SharedClock;
use crate::outgoing::Outgoing;

/// How long a connection may lie idle; below the shortest common keep-alive, so that a call does not meet a closing one.
const IDLE: Duration = Duration::from_secs(4);

/// How long an outgoing call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// TCP connection and TLS handshake.
    pub connect: Duration,
    /// Everything, from the call to the last byte of the answer.
    pub total: Duration,
}

/// A configuration for outgoing connections. `identity` answers a server that asks for a certificate; `alpn` lists protocols
/// by preference ([`super::ALPN_H2`], [`super::ALPN_HTTP1`]), and may be empty.
///
/// # Errors
/// When the TLS library refuses the combination.
pub fn client_config(
    roots: &Roots,
    identity: Option<&Identity>,
    alpn: &[&[u8]],
    clock: &SharedClock,
) -> Result<ClientConfig, TlsError> {
    let builder = ClientConfig::builder_with_details(provider(), Arc::new(ClockTime(Arc::clone(clock))))
        .with_protocol_versions(VERSIONS)?
        .with_root_certificates(roots.store());
    let mut config = match identity {
        Some(identity) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity.certified()))),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(config)
}

/// A client for the control plane: no redirect is followed, no proxy of the environment is used, plain http is refused, and
/// connections go where `outgoing` allows. The port is always that of the URL.
///
/// # Errors
/// When the client cannot be built.
pub fn reqwest_client(
    tls: ClientConfig,
    outgoing: &Outgoing,
    deadlines: Deadlines,
) -> Result<reqwest::Client, TlsError> {
    Ok(builder(outgoing, deadlines).tls_backend_preconfigured(tls).https_only(true).build()?)
}

/// The same for plain http: for what is signed itself, and secret to nobody.
///
/// # Errors
/// When the client cannot be built.
pub fn plain_client(outgoing: &Outgoing, deadlines: Deadlines) -> Result<reqwest::Client, TlsError> {
    Ok(builder(outgoing, deadlines).build()?)
}

fn builder(outgoing: &Outgoing, deadlines: Deadlines) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .dns_resolver(Arc::new(outgoing.clone()))
        .pool_idle_timeout(IDLE)
        .connect_timeout(deadlines.connect)
        .timeout(deadlines.total)
}
