//! From `[login]`, `[admin.login]` and `[open.login]` to login services.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::assemble::read_secret;
use super::limits::destinations;
use super::outgoing::{LOGIN, OPEN, OPERATORS, Outgoing, of_provider};
use super::start::StartError;
use crate::clock::SharedClock;
use crate::config::{self, Config};
use crate::jose::{DecryptionKey, KeyError, SigningKey};
use crate::outgoing::Outgoing as Destinations;
use crate::session::login::IdentityProvider;
use crate::session::oidc::{
    OidcConfig, OidcKeys, OidcLogin, OrganisationClaims, OrganisationLogin, PersonClaims, RelyingParty, Userinfo,
};
use crate::tls::client::{Deadlines, reqwest_client};
use crate::tls::credentials::Credentials;

/// How long one call to the login service may take; a person is waiting for a page.
const DEADLINES: Deadlines = Deadlines { connect: Duration::from_secs(3), total: Duration::from_secs(8) };
/// Where an OpenID provider sends the browser back to: on our front channel, or on the listener of operators.
const CALLBACK: &str = "/login/callback";
/// The same for the pages under `/open` of our front channel.
const OPEN_CALLBACK: &str = "/open/login/callback";

pub(super) fn login(
    config: &Config,
    clock: &SharedClock,
    outgoing: &Outgoing,
) -> Result<Arc<dyn IdentityProvider>, StartError> {
    match &config.login {
        config::Login::Simulator => simulator(clock),
        config::Login::Oidc(written) => Ok(Arc::new(oidc(config, written, clock, Calls::of(outgoing, LOGIN)?)?)),
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

/// What a provider is called with.
#[derive(Clone, Copy)]
struct Calls<'a> {
    credentials: &'a Arc<Credentials>,
    destinations: &'a Destinations,
}

impl<'a> Calls<'a> {
    fn of(outgoing: &'a Outgoing, section: &str) -> Result<Self, StartError> {
        Ok(Self { credentials: outgoing.of(section)?, destinations: outgoing.destinations() })
    }
}

/// Who logs in through an OpenID provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Patients.
    Patients,
    /// Operators.
    Operators,
    /// People of practices, coalitions, the OPEN programme and insurers.
    Open,
}

/// What we are to an OpenID provider of a configuration; `None` when these people do not log in through one.
///
/// # Errors
/// When a file or the issuer cannot be used.
pub fn openid_party(config: &Config, whose: Whose, clock: &SharedClock) -> Result<Option<RelyingParty>, StartError> {
    let destinations = destinations(config);
    match (whose, &config.login) {
        (Whose::Patients, config::Login::Simulator) => Ok(None),
        (Whose::Patients, config::Login::Oidc(written)) => {
            let credentials = Arc::new(of_provider(&written.provider)?);
            let calls = Calls { credentials: &credentials, destinations: &destinations };
            patients(config, written, clock, calls).map(Some)
        }
        (Whose::Operators, _) => {
            let Some(written) = config.admin.as_ref().and_then(|admin| admin.login.as_ref()) else { return Ok(None) };
            let credentials = Arc::new(of_provider(&written.provider)?);
            let calls = Calls { credentials: &credentials, destinations: &destinations };
            operators(config, written, clock, calls).map(Some)
        }
        (Whose::Open, _) => {
            let Some(written) = config.open.as_ref().map(|open| &open.login) else { return Ok(None) };
            let credentials = Arc::new(of_provider(&written.provider)?);
            let calls = Calls { credentials: &credentials, destinations: &destinations };
            of_open(config, written, clock, calls).map(Some)
        }
    }
}

fn oidc(
    config: &Config,
    written: &config::Oidc,
    clock: &SharedClock,
    calls: Calls<'_>,
) -> Result<OidcLogin, StartError> {
    let claims = PersonClaims {
        bsn: written.bsn_claim.clone(),
        level: written.level_claim.clone(),
        levels: written.levels.clone(),
        minimum_level: written.minimum_level,
    };
    Ok(OidcLogin::new(patients(config, written, clock, calls)?, claims))
}

fn patients(
    config: &Config,
    written: &config::Oidc,
    clock: &SharedClock,
    calls: Calls<'_>,
) -> Result<RelyingParty, StartError> {
    let opening = written.decryption_key.iter().map(|path| token_key(path, DecryptionKey::parse));
    let keys = OidcKeys {
        signing: token_key(&written.provider.signing_key, SigningKey::parse)?,
        decryption: opening.collect::<Result<_, _>>()?,
    };
    let told = OidcConfig { userinfo: written.userinfo, ..told(&written.provider, &config.front.origin, CALLBACK) };
    party(told, keys, clock, calls)
}

/// The login service of operators.
pub(super) fn operator_login(
    config: &Config,
    written: &config::OperatorLogin,
    clock: &SharedClock,
    outgoing: &Outgoing,
) -> Result<OrganisationLogin, StartError> {
    let claims = OrganisationClaims {
        name: written.name_claim.clone(),
        roles: written.role_claim.clone(),
        acr_values: written.provider.acr_values.clone(),
    };
    Ok(OrganisationLogin::new(operators(config, written, clock, Calls::of(outgoing, OPERATORS)?)?, claims))
}

fn operators(
    config: &Config,
    written: &config::OperatorLogin,
    clock: &SharedClock,
    calls: Calls<'_>,
) -> Result<RelyingParty, StartError> {
    let origin = config.admin.as_ref().map_or(&config.front.origin, |admin| &admin.origin);
    colleagues(&written.provider, (origin, CALLBACK), clock, calls)
}

/// The login service of practices, coalitions, the programme and insurers.
pub(super) fn open_login(
    config: &Config,
    written: &config::OpenLogin,
    clock: &SharedClock,
    outgoing: &Outgoing,
) -> Result<OrganisationLogin, StartError> {
    let claims = OrganisationClaims {
        name: written.name_claim.clone(),
        roles: written.role_claim.clone(),
        acr_values: written.provider.acr_values.clone(),
    };
    Ok(OrganisationLogin::new(of_open(config, written, clock, Calls::of(outgoing, OPEN)?)?, claims))
}

fn of_open(
    config: &Config,
    written: &config::OpenLogin,
    clock: &SharedClock,
    calls: Calls<'_>,
) -> Result<RelyingParty, StartError> {
    colleagues(&written.provider, (&config.front.origin, OPEN_CALLBACK), clock, calls)
}

/// A provider that vouches for people at their work: nothing that it says is encrypted to us.
fn colleagues(
    written: &config::Provider,
    (origin, callback): (&config::Origin, &str),
    clock: &SharedClock,
    calls: Calls<'_>,
) -> Result<RelyingParty, StartError> {
    let keys = OidcKeys { signing: token_key(&written.signing_key, SigningKey::parse)?, decryption: Vec::new() };
    party(told(written, origin, callback), keys, clock, calls)
}

fn party(told: OidcConfig, keys: OidcKeys, clock: &SharedClock, calls: Calls<'_>) -> Result<RelyingParty, StartError> {
    let tls = calls.credentials.client_config(&[crate::tls::ALPN_HTTP1], clock)?;
    let client = reqwest_client(tls, calls.destinations, DEADLINES)?;
    Ok(RelyingParty::new(told, keys, client, Arc::clone(clock))?)
}

/// What a provider is told; `origin` is where the people who log in came from.
fn told(written: &config::Provider, origin: &config::Origin, callback: &str) -> OidcConfig {
    OidcConfig {
        issuer: written.issuer.as_str().to_owned(),
        origins: written.origins.iter().map(ToString::to_string).collect(),
        client_id: written.client_id.clone(),
        redirect_uri: format!("{origin}{callback}"),
        scopes: written.scopes.clone(),
        acr_values: written.acr_values.clone(),
        userinfo: Userinfo::None,
        assertion_audience: written.assertion_audience,
        fresh_login: written.fresh_login,
    }
}

/// Reads a key that signs or opens tokens.
pub(super) fn token_key<K>(path: &Path, parse: impl Fn(&str) -> Result<K, KeyError>) -> Result<K, StartError> {
    let text = read_secret(path)?;
    parse(text.reveal()).map_err(|source| StartError::TokenKey { path: path.display().to_string(), source })
}
