//! Services that left the ZAL: a provider must be served for an hour more (core.gegevensdiensten.104), because PGOs work from
//! lists that they fetched before.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Zal;
use super::moment;
use super::value::InterfaceVersion;
use crate::medmij::{ProviderName, ServiceId};

/// What left the ZAL and is still served, each with its end. Empty nearly always.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<Row>", try_from = "Vec<Row>")]
pub struct Grace {
    ending: HashMap<ProviderName, Vec<Ending>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Ending {
    version: InterfaceVersion,
    service: ServiceId,
    until: Timestamp,
}

impl Grace {
    /// Whether this service is no longer listed but still served at this moment.
    #[must_use]
    pub fn covers(&self, provider: &str, interface_version: &str, service: &str, now: Timestamp) -> bool {
        let Some(ending) = self.ending.get(provider) else { return false };
        let same = |each: &&Ending| each.version.as_str() == interface_version && each.service.as_str() == service;
        ending.iter().find(same).is_some_and(|each| now < each.until)
    }

    /// How many services are still served at this moment without being listed.
    #[must_use]
    pub fn count(&self, now: Timestamp) -> usize {
        self.ending.values().flatten().filter(|each| now < each.until).count()
    }

    /// Whether nothing left in the last swaps.
    pub(super) fn is_empty(&self) -> bool {
        self.ending.is_empty()
    }

    /// The grace beside the ZAL that is `offered`, when at this moment it replaces the one that is `held`.
    pub(super) fn after(&self, held: &Zal, offered: &Zal, now: Timestamp, length: Duration) -> Self {
        let until = now.saturating_add(length).unwrap_or(Timestamp::MAX);
        let mut next = Self::default();
        for (provider, old) in &self.ending {
            for each in old.iter().filter(|each| now < each.until) {
                next.keep(offered, provider, each.clone());
            }
        }
        for provider in held.providers() {
            for version in provider.interface_versions() {
                for service in provider.services(version.as_str()) {
                    let ending = Ending { version: version.clone(), service: service.id().clone(), until };
                    next.keep(offered, provider.name(), ending);
                }
            }
        }
        next
    }

    /// Unless it is listed.
    fn keep(&mut self, offered: &Zal, provider: &ProviderName, ending: Ending) {
        let listed = offered.provider(provider.as_str());
        if listed.and_then(|it| it.service(ending.version.as_str(), ending.service.as_str())).is_none() {
            self.ending.entry(provider.clone()).or_default().push(ending);
        }
    }
}

/// The form on disk.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    provider: String,
    interface_version: String,
    service: String,
    #[serde(with = "moment")]
    until: Timestamp,
}

impl From<Grace> for Vec<Row> {
    fn from(grace: Grace) -> Self {
        let rows = grace.ending.iter().flat_map(|(provider, ending)| {
            ending.iter().map(|each| Row {
                provider: provider.to_string(),
                interface_version: each.version.to_string(),
                service: each.service.to_string(),
                until: each.until,
            })
        });
        rows.collect()
    }
}

/// A row of the file is not of our making.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a row has a provider, interface version or service that cannot be")]
struct NotARow;

impl TryFrom<Vec<Row>> for Grace {
    type Error = NotARow;

    fn try_from(rows: Vec<Row>) -> Result<Self, NotARow> {
        let mut grace = Self::default();
        for row in rows {
            let provider = ProviderName::parse(&row.provider).map_err(|_| NotARow)?;
            let version = InterfaceVersion::parse(&row.interface_version).map_err(|_| NotARow)?;
            let service = ServiceId::parse(&row.service).map_err(|_| NotARow)?;
            grace.ending.entry(provider).or_default().push(Ending { version, service, until: row.until });
        }
        Ok(grace)
    }
}
