//! How a node gets at its lists: where they come from, and how they are read.

use std::net::SocketAddr;

use super::assemble::{CONTROL_DEADLINES, identity};
use super::start::StartError;
use crate::clock::SharedClock;
use crate::config::{self, Config};
use crate::lists::{HttpsSource, PerList, Reading};
use crate::tls::client::{client_config, reqwest_client};
use crate::tls::identity::Roots;

/// The publisher of a configuration, over mutual TLS.
///
/// # Errors
/// When a certificate, key or root cannot be used.
pub(crate) fn list_source(config: &Config, clock: &SharedClock) -> Result<HttpsSource, StartError> {
    let section = &config.lists;
    let own = identity(&section.identity, clock)?;
    let tls = client_config(&Roots::load(&section.roots)?, Some(&own), &[crate::tls::ALPN_HTTP1], clock)?;
    let addresses: Vec<_> = config.resolve.iter().map(|(host, ip)| (host.clone(), SocketAddr::new(*ip, 0))).collect();
    let client = reqwest_client(tls, &addresses, CONTROL_DEADLINES)?;
    let url = |url: &config::HttpsUrl| url.as_str().to_owned();
    let urls =
        PerList { zal: url(&section.zal), ocl: url(&section.ocl), whl: url(&section.whl), gnl: url(&section.gnl) };
    Ok(HttpsSource::new(client, &urls)?)
}

/// How this configuration has lists read.
pub(crate) fn reading(section: &config::Lists) -> Reading {
    Reading { allow_ports: section.allow_ports, ..Reading::default() }
}
