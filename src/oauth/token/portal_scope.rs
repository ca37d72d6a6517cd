//! What a portal asks: one practice of its registration, for all services of the record that it may show, for those that it
//! names, or to share with one.

use jiff::Timestamp;

use super::error::TokenError;
use crate::availability::dutch_today;
use crate::clients::Portal;
use crate::form::single;
use crate::medmij::{Hostname, ProviderName, ServiceId};
use crate::practices::Practice;
use crate::practices::golive::Visitor;
use crate::routing::Snapshot;
use crate::services::{Purpose, Source};

/// A practice and services that the registration names, that we serve, and that are open. Only [`PortalRequest::read`] makes
/// one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PortalRequest {
    pub(super) provider: ProviderName,
    /// Never empty.
    pub(super) services: Vec<ServiceId>,
}

impl PortalRequest {
    /// Reads `scope`: `name`, or `name~id` once or more with one name. What is not registered, not open and not offered is
    /// one and the same answer.
    pub(super) fn read(
        form: &[(String, String)],
        (client, portal): (&Hostname, &Portal),
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> Result<Self, TokenError> {
        let asked = single(form, "scope").and_then(Asked::parse).ok_or(TokenError::InvalidScope)?;
        let practice = snapshot.practices.practice(asked.provider.as_str());
        let practice = practice.filter(|_| portal.scope.has_practice(&asked.provider));
        let practice = practice.ok_or(TokenError::InvalidScope)?;
        let visitor = Visitor { client, today: dutch_today(now) };
        let given = |purpose| given(practice, portal, snapshot, (visitor, now), purpose);
        let services = match asked.services {
            // The record, and not who looked at it: that is asked for by its name.
            None => of_the_his(snapshot, given(Purpose::Collect)),
            Some(named) if named.iter().all(|id| given(Purpose::Collect).contains(id)) => named,
            // As for PGOs: one run shares one service, and collects nothing.
            Some(named) if matches!(named.as_slice(), [id] if given(Purpose::Share).contains(id)) => named,
            Some(_) => return Err(TokenError::InvalidScope),
        };
        if services.is_empty() {
            return Err(TokenError::InvalidScope);
        }
        Ok(Self { provider: asked.provider, services })
    }
}

/// The services of one direction that the practice gives now, that it lets this portal bring people to, and that the
/// registration names. One that left the ZAL a short time ago is still offered (core.gegevensdiensten.104).
fn given(
    practice: &Practice,
    portal: &Portal,
    snapshot: &Snapshot,
    (visitor, now): (Visitor<'_>, Timestamp),
    purpose: Purpose,
) -> Vec<ServiceId> {
    let services = snapshot.services.iter().filter(|service| service.purpose == purpose);
    let offered = services.filter(|service| snapshot.gives(practice.provider.as_str(), service, now));
    let offered = offered.filter(|service| snapshot.stages.greets(practice, &service.id, visitor).is_ok());
    offered.filter(|service| portal.scope.has_service(&service.id)).map(|service| service.id.clone()).collect()
}

fn of_the_his(snapshot: &Snapshot, mut services: Vec<ServiceId>) -> Vec<ServiceId> {
    services.retain(|id| snapshot.services.service(id.as_str()).is_some_and(|service| service.source == Source::His));
    services
}

struct Asked {
    provider: ProviderName,
    services: Option<Vec<ServiceId>>,
}

/// Most services in one scope.
const SERVICES_MAX: usize = 20;

impl Asked {
    fn parse(text: &str) -> Option<Self> {
        let Some((name, _)) = text.split_once('~') else {
            return Some(Self { provider: ProviderName::parse_short(text).ok()?, services: None });
        };
        let id = |part: &str| {
            let (other, id) = part.split_once('~')?;
            ServiceId::parse(id).ok().filter(|_| other == name)
        };
        let services = text.split(' ').take(SERVICES_MAX + 1).map(id).collect::<Option<Vec<_>>>()?;
        let distinct = services.iter().enumerate().all(|(at, id)| !services.iter().take(at).any(|other| other == id));
        let fits = distinct && services.len() <= SERVICES_MAX;
        fits.then_some(Self { provider: ProviderName::parse_short(name).ok()?, services: Some(services) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<(String, Option<Vec<String>>)> {
        let asked = Asked::parse(text)?;
        let services = asked.services.map(|ids| ids.iter().map(ToString::to_string).collect());
        Some((asked.provider.to_string(), services))
    }

    #[test]
    fn one_practice_and_its_services() {
        let name = || "huisarts.delinde@medmij".to_owned();
        assert_eq!(parse("huisarts.delinde"), Some((name(), None)));
        assert_eq!(parse("huisarts.delinde~49"), Some((name(), Some(vec!["49".to_owned()]))));
        let two = vec!["49".to_owned(), "51".to_owned()];
        assert_eq!(parse("huisarts.delinde~49 huisarts.delinde~51"), Some((name(), Some(two))));
    }

    #[test]
    fn everything_else_is_no_scope() {
        for text in [
            "",
            "a b",
            "a~49 b~51",
            "a~49 a",
            "a a~49",
            "a~49 a~49",
            "a~49  a~51",
            "a~",
            "~49",
            "a~49~51",
            "a@medmij",
            "patient/*.rs",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        let many: Vec<_> = (0..21).map(|id| format!("a~{id}")).collect();
        assert_eq!(parse(&many.join(" ")), None);
        assert!(parse(&many[..20].join(" ")).is_some());
    }
}
