//! From `[login]` to a login service.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::assemble::read_secret;
use super::limits::destinations;
use super::outgoing::{LOGIN, Outgoing, of_login};
use super::start::StartError;
use crate::clock::SharedClock;
use crate::config::{self, Config};
use crate::jose::{DecryptionKey, KeyError, SigningKey};
use crate::session::login::IdentityProvider;
use crate::session::oidc::{OidcConfig, OidcKeys, OidcLogin};
use crate::tls::client::{Deadlines, reqwest_client};
use crate::tls::credentials::Credentials;

/// How long one call to the login service may take; a person is waiting for a page.
const DEADLINES: Deadlines = Deadlines { connect: Duration::from_secs(3), total: Duration::from_secs(8) };
/// Where an OpenID provider sends the browser back to, on our front channel.
const CALLBACK: &str = "/login/callback";

pub(super) fn login(
    config: &Config,
    clock: &SharedClock,
    outgoing: &Outgoing,
) -> Result<Arc<dyn IdentityProvider>, StartError> {
    match &config.login {
        config::Login::Simulator => simulator(clock),
        config::Login::Oidc(written) => Ok(Arc::new(oidc(config, written, clock, outgoing.of(LOGIN)?)?)),
    }
}

#[cfg(feature = "sandbox")]
#[expect(clippy::unnecessary_wraps, reason = "a build without the simulator has none to give")]
fn simulator(clock: &SharedClock) -> Result<Arc<dyn IdentityProvider>, StartError> {
    Ok(Arc::new(crate::session::simulator::LoginSimulator::new(Arc::clone(clock))))
}

/// The configuration refuses the simulator in such a build already; this says so once more.
#[cfg(not(feature = "sandbox"))]
fn simulator(_: &SharedClock) -> Result<Arc<dyn IdentityProvider>, StartError> {
    Err(StartError::NoLogin)
}

/// The OpenID provider of a configuration; `None` when its login is the simulator.
///
/// # Errors
/// When a file or the issuer cannot be used.
pub fn openid_login(config: &Config, clock: &SharedClock) -> Result<Option<OidcLogin>, StartError> {
    match &config.login {
        config::Login::Simulator => Ok(None),
        config::Login::Oidc(written) => oidc(config, written, clock, &Arc::new(of_login(written)?)).map(Some),
    }
}

fn oidc(
    config: &Config,
    written: &config::Oidc,
    clock: &SharedClock,
    credentials: &Arc<Credentials>,
) -> Result<OidcLogin, StartError> {
    let tls = credentials.client_config(&[crate::tls::ALPN_HTTP1], clock)?;
    let client = reqwest_client(tls, &destinations(config), DEADLINES)?;
    let keys = OidcKeys {
        signing: token_key(&written.signing_key, SigningKey::parse)?,
        decryption: written
            .decryption_key
            .iter()
            .map(|path| token_key(path, DecryptionKey::parse))
            .collect::<Result<_, _>>()?,
    };
    Ok(OidcLogin::new(values(config, written), keys, client, Arc::clone(clock))?)
}

fn values(config: &Config, written: &config::Oidc) -> OidcConfig {
    OidcConfig {
        issuer: written.issuer.as_str().to_owned(),
        origins: written.origins.iter().map(ToString::to_string).collect(),
        client_id: written.client_id.clone(),
        redirect_uri: format!("{}{CALLBACK}", config.front.origin),
        scopes: written.scopes.clone(),
        acr_values: written.acr_values.clone(),
        levels: written.levels.clone(),
        level_claim: written.level_claim.clone(),
        minimum_level: written.minimum_level,
        bsn_claim: written.bsn_claim.clone(),
        userinfo: written.userinfo,
        assertion_audience: written.assertion_audience,
        fresh_login: written.fresh_login,
    }
}

/// Reads a key that signs or opens tokens.
pub(super) fn token_key<K>(path: &Path, parse: impl Fn(&str) -> Result<K, KeyError>) -> Result<K, StartError> {
    let text = read_secret(path)?;
    parse(text.reveal()).map_err(|source| StartError::TokenKey { path: path.display().to_string(), source })
}
