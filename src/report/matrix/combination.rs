//! What works or does not: an installation of an information system, in a version, asked by a client for a data service.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::medmij::{Hostname, ServiceId};

/// What stands for a version that the register does not name.
pub const UNKNOWN: &str = "unknown";
/// Longest name of an installation or version, in bytes; what is longer is cut.
const NAME_MAX_BYTES: usize = 200;

/// Where a practice keeps its records: the installation, and the version of its software.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The id of the installation.
    pub installation: SmolStr,
    /// The version as the supplier writes it, or [`UNKNOWN`].
    pub version: SmolStr,
}

impl Place {
    /// Of these names, without control characters.
    #[must_use]
    pub fn new(installation: &str, version: Option<&str>) -> Self {
        Self { installation: plain(installation), version: version.map_or(SmolStr::new_static(UNKNOWN), plain) }
    }
}

fn plain(name: &str) -> SmolStr {
    let mut bytes = 0;
    let fits = |c: &char| {
        bytes += c.len_utf8();
        bytes <= NAME_MAX_BYTES
    };
    name.chars().filter(|c| !c.is_control()).take_while(fits).collect()
}

/// An installation in a version, a client and a service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Combination {
    /// Where the records are.
    pub place: Place,
    /// Who asks for them.
    pub client: Hostname,
    /// For what.
    pub service: ServiceId,
}

impl Combination {
    /// One line by which a store knows it; [`Self::parse`] reads it.
    #[must_use]
    pub fn key(&self) -> String {
        let Self { place: Place { installation, version }, client, service } = self;
        format!("{installation}\t{version}\t{client}\t{service}")
    }

    /// Reads a [`Self::key`].
    #[must_use]
    pub fn parse(key: &str) -> Option<Self> {
        let mut parts = key.split('\t');
        let (installation, version) = (parts.next()?, parts.next()?);
        let (client, service) = (Hostname::parse(parts.next()?).ok()?, ServiceId::parse(parts.next()?).ok()?);
        let place = Place::new(installation, Some(version));
        parts.next().is_none().then_some(Self { place, client, service })
    }

    /// A short name of it in addresses: 16 hexadecimal digits of the SHA-256 of its key.
    #[must_use]
    pub fn id(&self) -> String {
        let digest = digest(&SHA256, self.key().as_bytes());
        digest.as_ref().iter().take(8).fold(String::new(), |mut id, byte| {
            let _ = write!(id, "{byte:02x}");
            id
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_key_is_read_back(installation: String, version: Option<String>, client in "[a-z]{1,9}\\.[a-z]{2,5}", service in "[0-9]{1,3}") {
            let combination = Combination {
                place: Place::new(&installation, version.as_deref()),
                client: Hostname::parse(&client).unwrap(),
                service: ServiceId::parse(&service).unwrap(),
            };
            prop_assert_eq!(Combination::parse(&combination.key()), Some(combination.clone()));
            prop_assert_eq!(combination.id().len(), 16);
        }

        #[test]
        fn any_text_is_read_or_not(key: String) {
            if let Some(combination) = Combination::parse(&key) {
                prop_assert_eq!(Combination::parse(&combination.key()), Some(combination));
            }
        }
    }

    #[test]
    fn a_version_that_is_not_known_is_said_so() {
        assert_eq!(Place::new("his-a", None).version, UNKNOWN);
        assert_eq!(Place::new(&"x".repeat(300), Some("1\t2")), Place::new(&"x".repeat(200), Some("12")));
    }
}
