//! From a configuration to the register of clients, and to what portals need at the token endpoint.

use std::path::Path;

use zeroize::Zeroizing;

use super::start::StartError;
use crate::clients::{Client, ClientRegister, Pgo, Portal, PortalScope};
use crate::config::{self, ClientRole, Config};
use crate::jose::{DecryptionKey, Jwks};

/// The register, with the keys of the portals.
pub(super) fn register(config: &Config) -> Result<ClientRegister, StartError> {
    let clients = config.clients.iter().map(|(id, written)| Ok((id.clone(), client(written)?)));
    Ok(ClientRegister::new(clients.collect::<Result<Vec<_>, StartError>>()?))
}

/// Our keys for what portals encrypt to us; none when none is configured.
pub(super) fn decryption_keys(config: &Config) -> Result<Vec<DecryptionKey>, StartError> {
    let key = |path: &Path| {
        let failed = |source| StartError::TokenKey { path: path.display().to_string(), source };
        DecryptionKey::parse(&read(path)?).map_err(failed)
    };
    config.keys.assertions.iter().map(|path| key(path)).collect()
}

/// What a portal may name as the audience of an assertion: our token endpoint and our issuers.
pub(super) fn audience(config: &Config) -> Vec<String> {
    let (front, back) = (&config.front.origin, &config.back.origin);
    vec![format!("{back}/oauth/token"), front.to_string(), format!("{front}/smart")]
}

fn client(written: &config::Client) -> Result<Client, StartError> {
    let (peers, bind_tokens) = (written.peers.clone(), written.bind_tokens);
    Ok(match &written.role {
        ClientRole::Pgo => Client::Pgo(Pgo { peers, bind_tokens }),
        ClientRole::Portal(portal) => Client::Portal(Portal {
            name: portal.name.clone(),
            peers,
            bind_tokens,
            scope: PortalScope::new(portal.practices.iter().cloned(), portal.services.iter().cloned()),
            keys: key_set(&portal.jwks)?,
            encrypt: portal.encrypt,
            redirect_uris: portal.redirect_uris.clone(),
            rate: portal.rate,
        }),
    })
}

fn key_set(path: &Path) -> Result<Jwks, StartError> {
    let failed = |source| StartError::KeySet { path: path.display().to_string(), source };
    Jwks::parse(&read(path)?).map_err(failed)
}

fn read(path: &Path) -> Result<Zeroizing<String>, StartError> {
    let failed = |source| StartError::File { path: path.display().to_string(), source };
    std::fs::read_to_string(path).map(Zeroizing::new).map_err(failed)
}
