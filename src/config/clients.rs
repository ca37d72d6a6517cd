//! `[clients."…"]`: what the lists of MedMij do not say about a PGO, and everything about a practice portal.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;

use super::files::Role;
use super::kind::{self, boolean, choice, number, words};
use super::log::Read;
use super::section::Section;
use crate::medmij::{Hostname, ProviderName, ServiceId};
use crate::oauth::authorize::RedirectUri;

/// One client.
#[derive(Debug, Clone)]
pub struct Client {
    /// The names in back-channel certificates that may act for it; default its client_id.
    pub peers: Vec<Hostname>,
    /// Whether its tokens work only with the certificate with which they were asked for; default false for a PGO, true for
    /// a portal.
    pub bind_tokens: bool,
    /// What it is.
    pub role: ClientRole,
}

/// What a client is.
#[derive(Debug, Clone)]
pub enum ClientRole {
    /// A PGO of the OAuth client list.
    Pgo,
    /// A practice portal.
    Portal(Portal),
}

/// What is registered of a portal.
#[derive(Debug, Clone)]
pub struct Portal {
    /// Its name for people, 1 to 100 characters.
    pub name: String,
    /// The practices whose records it may show, at least one; each is one of `[[practices]]`.
    pub practices: Vec<ProviderName>,
    /// The services that it may ask for, at least one; each is in the catalogue.
    pub services: Vec<ServiceId>,
    /// File with its public keys, a JWKS (RFC 7517).
    pub jwks: PathBuf,
    /// Whether its assertions about people must be encrypted to `keys.assertions`; default true.
    pub encrypt: bool,
    /// Where people may be sent back to, exactly, on its own host; default none: then it cannot use our login.
    pub redirect_uris: Vec<RedirectUri>,
    /// Token requests a minute, 1 to 60,000, default 600.
    pub rate: NonZeroU32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Pgo,
    Portal,
}

const WORDS: &[(&str, Word)] = &[("pgo", Word::Pgo), ("portal", Word::Portal)];

/// Reads all of them.
pub(super) fn read(root: &mut Section<'_, '_>) -> Read<BTreeMap<Hostname, Client>> {
    root.names("clients", &kind::host(), |section, id, path, value| {
        section.enter(path, "clients.*", value, |client| Client::read(client, id))
    })
}

impl Client {
    fn read(section: &mut Section<'_, '_>, id: &Hostname) -> Read<Self> {
        let word = section.or_default("kind", &choice(WORDS), Word::Pgo);
        let peers = section.or_default("peers", &kind::hosts(), vec![id.clone()]);
        let is_portal = matches!(word, Ok(Word::Portal));
        let bind_tokens = section.or_default("bind_tokens", &boolean(), is_portal);
        let role = match word? {
            Word::Pgo => ClientRole::Pgo,
            Word::Portal => ClientRole::Portal(Portal::read(section, id)?),
        };
        Ok(Self { peers: peers?, bind_tokens: bind_tokens?, role })
    }
}

impl Portal {
    fn read(section: &mut Section<'_, '_>, id: &Hostname) -> Read<Self> {
        let name = section.required("name", &words(100));
        let practices = section.required("practices", &kind::providers());
        let services = section.required("services", &kind::services());
        let jwks = section.file("jwks", Role::Jwks);
        let encrypt = section.or_default("encrypt", &boolean(), true);
        let redirect_uris = section.or_default("redirect_uris", &kind::redirect_uris(id), Vec::new());
        let rate = section.or_default("rate", &number(1..=60_000, " of requests a minute"), 600);
        Ok(Self {
            name: name?,
            practices: practices?,
            services: services?,
            jwks: jwks?,
            encrypt: encrypt?,
            redirect_uris: redirect_uris?,
            rate: NonZeroU32::new(rate?).unwrap_or(NonZeroU32::MIN),
        })
    }
}
