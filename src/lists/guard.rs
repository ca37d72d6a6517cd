//! The guard against a list that shrinks. A publisher that loses half of its data would take the access of half of the country
//! away; so a list that lost too much waits for a person, and the other three wait with it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::zal::Provider;
use super::{ListKind, Lists, Zal};

/// As many entries may always go: one party of a short list must be removable without a person here.
const ALWAYS_ALLOWED: usize = 1;

/// A list that lost more entries than it may, compared with the one in force. An entry of the ZAL is a provider, and one that
/// lost a service counts as lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loss {
    /// Which list.
    pub list: ListKind,
    /// Its `Volgnummer`.
    pub sequence: u64,
    /// How many entries of the list in force it lacks.
    pub lost: usize,
    /// How many entries the list in force has.
    pub held: usize,
    /// Which content exactly.
    pub(super) sha256: Digest,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { list, sequence, lost, held, sha256: _ } = self;
        write!(f, "the {list} with number {sequence} lost {lost} of {held} entries")
    }
}

/// What a list lost, when that is more than this share (per cent) of the list in force allows.
pub(super) fn loss(list: ListKind, held: &Lists, offered: &Lists, percent: u8, sha256: Digest) -> Option<Loss> {
    let (lost, of) = lost(list, held, offered);
    let allowed = of.saturating_mul(usize::from(percent)) / 100;
    (lost > allowed.max(ALWAYS_ALLOWED)).then(|| Loss {
        list,
        sequence: offered.headers().of(list).sequence,
        lost,
        held: of,
        sha256,
    })
}

/// How many entries of the list in force the offered one lacks, and how many there are.
fn lost(list: ListKind, held: &Lists, offered: &Lists) -> (usize, usize) {
    match list {
        ListKind::Zal => {
            let providers = held.zal.providers();
            (providers.iter().filter(|provider| !offers_as_much(&offered.zal, provider)).count(), providers.len())
        }
        ListKind::Ocl => {
            let clients = held.ocl.clients();
            let gone = clients.iter().filter(|client| offered.ocl.client(client.hostname().as_str()).is_none());
            (gone.count(), clients.len())
        }
        ListKind::Whl => (held.whl.hosts().filter(|host| !offered.whl.contains(host)).count(), held.whl.hosts().len()),
        ListKind::Gnl => {
            let gone = held.gnl.names().filter(|(service, _)| offered.gnl.name(service.as_str()).is_none());
            (gone.count(), held.gnl.names().len())
        }
    }
}

/// Whether this ZAL has the provider with every service that it has now.
fn offers_as_much(offered: &Zal, held: &Provider) -> bool {
    let Some(provider) = offered.provider(held.name().as_str()) else { return false };
    held.interface_versions().map(|version| version.as_str()).all(|version| {
        held.services(version).iter().all(|service| provider.service(version, service.id().as_str()).is_some())
    })
}
