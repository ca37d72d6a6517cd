//! The records that a visit leaves, with the members that the gateway gives each kind: held against those of a real collection by a
//! test (`tests/gateway/programme.rs`).

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use jiff::Timestamp;

use super::dice::Dice;
use super::people::Way;
use crate::audit::{AuditEvent, Authorization, Counts, Kind, Outcome, Subject};
use crate::medmij::{CorrelationId, Hostname, LocalId, ProviderName, RequestId, ServiceId};

/// Who looks where, and what ties their steps together.
#[derive(Debug, Clone)]
pub(super) struct Trail {
    pub(super) client: Hostname,
    pub(super) provider: ProviderName,
    pub(super) way: Way,
    pub(super) subject: Subject,
    /// What a portal asks for that vouches for the person.
    pub(super) services: Vec<ServiceId>,
    /// Of the browser.
    browser: IpAddr,
    /// Of the node of the client.
    node: IpAddr,
    /// The visit to our pages, which is the id of the consent as well.
    visit: LocalId,
    request: Option<RequestId>,
    correlation: Option<CorrelationId>,
}

impl Trail {
    /// Of a visit that begins now.
    pub(super) fn begin(
        (client, number): (Hostname, usize),
        provider: ProviderName,
        way: Way,
        subject: Subject,
        (at, dice): (Timestamp, &mut Dice),
    ) -> Self {
        // Addresses that no network has: RFC 2544 for people, RFC 5737 for clients.
        let browser = Ipv4Addr::from_bits(0xc612_0000 | u32::try_from(dice.below(1 << 17)).unwrap_or_default());
        let node = Ipv4Addr::new(192, 0, 2, u8::try_from(number).unwrap_or_default().wrapping_add(1));
        // A portal names its request by a correlation id alone.
        let named = way != Way::Smart;
        Self {
            client,
            provider,
            way,
            subject,
            services: Vec::new(),
            browser: browser.into(),
            node: node.into(),
            visit: local_id(at, dice),
            request: named.then(|| request_id(dice)).flatten(),
            correlation: CorrelationId::parse(&random_uuid(dice)),
        }
    }

    /// The visit, and the consent that may come of it.
    pub(super) const fn visit(&self) -> LocalId {
        self.visit
    }

    /// Under which rules tokens of it are used.
    pub(super) const fn authorization(&self) -> Authorization {
        match self.way {
            Way::Once => Authorization::MedmijConsent,
            Way::Lasting => Authorization::LastingConsent,
            Way::Asserted => Authorization::PortalAssertion,
            Way::Smart => Authorization::Smart,
        }
    }

    /// A step of the person in the browser.
    pub(super) fn step(&self, at: Timestamp, kind: Kind, outcome: Outcome) -> AuditEvent {
        AuditEvent {
            local_id: Some(self.visit),
            request_id: self.request,
            correlation_id: self.correlation,
            session: Some(self.visit),
            client_id: Some(self.client.clone()),
            access_point: Some(self.browser),
            provider: Some(self.provider.clone()),
            ..AuditEvent::new(at, kind, outcome)
        }
    }

    /// The person comes for these services.
    pub(super) fn requested(&self, at: Timestamp, services: &[ServiceId]) -> AuditEvent {
        let detail = Some(named(services).into());
        AuditEvent { detail, ..self.step(at, Kind::AuthorizationRequested, Outcome::Done) }
    }

    /// The same of somebody who logged in.
    pub(super) fn known(&self, at: Timestamp, kind: Kind, outcome: Outcome) -> AuditEvent {
        AuditEvent { subject: Some(self.subject.clone()), ..self.step(at, kind, outcome) }
    }

    /// The walk ends on a page of ours.
    pub(super) fn stopped(&self, at: Timestamp, reason: &'static str, status: u16) -> AuditEvent {
        let step = self.step(at, Kind::AuthorizationRefused, Outcome::Failed);
        AuditEvent { reason: Some(reason), status: Some(status), ..step }
    }

    /// The person consented.
    pub(super) fn consent(&self, at: Timestamp, services: &[ServiceId]) -> AuditEvent {
        let how_long = if self.way == Way::Lasting { "for an indefinite period" } else { "for this time" };
        AuditEvent {
            authorization: Some(self.authorization()),
            grant: Some(self.visit),
            detail: Some(format!("{}, {how_long}", named(services)).into()),
            ..self.known(at, Kind::ConsentGiven, Outcome::Done)
        }
    }

    /// A request of the client under a grant.
    pub(super) fn asked(
        &self,
        at: Timestamp,
        (kind, outcome): (Kind, Outcome),
        grant: LocalId,
        dice: &mut Dice,
    ) -> AuditEvent {
        AuditEvent {
            local_id: Some(local_id(at, dice)),
            request_id: request_id(dice),
            correlation_id: self.correlation,
            client_id: Some(self.client.clone()),
            peer: Some(self.client.clone()),
            access_point: Some(self.node),
            provider: Some(self.provider.clone()),
            authorization: Some(self.authorization()),
            subject: Some(self.subject.clone()),
            grant: Some(grant),
            ..AuditEvent::new(at, kind, outcome)
        }
    }

    /// A request for a token.
    pub(super) fn token(&self, at: Timestamp, ends: (Kind, Outcome), grant: LocalId, dice: &mut Dice) -> AuditEvent {
        let detail = match self.way {
            Way::Once | Way::Lasting => None,
            Way::Asserted => Some(format!("protocol portal jwt-bearer, {}", named(&self.services))),
            Way::Smart => Some("protocol smart".to_owned()),
        };
        AuditEvent { detail: detail.map(Arc::from), ..self.asked(at, ends, grant, dice) }
    }

    /// Data is about to be asked of the system.
    pub(super) fn intent(
        &self,
        at: Timestamp,
        (service, query): (&ServiceId, Arc<str>),
        grant: LocalId,
        dice: &mut Dice,
    ) -> AuditEvent {
        let asked = self.asked(at, (Kind::DisclosureIntent, Outcome::Intended), grant, dice);
        AuditEvent { service: Some(service.clone()), query: Some(query), ..asked }
    }

    /// A request that names no token.
    pub(super) fn nameless(&self, at: Timestamp, dice: &mut Dice) -> AuditEvent {
        AuditEvent {
            reason: Some("no-token"),
            status: Some(401),
            local_id: Some(local_id(at, dice)),
            peer: Some(self.client.clone()),
            access_point: Some(self.node),
            ..AuditEvent::new(at, Kind::ResourceRefused, Outcome::Refused)
        }
    }
}

/// How a request for data ends that began so; its index is known when it is written.
pub(super) fn ends(intent: &AuditEvent, at: Timestamp, end: &End) -> AuditEvent {
    let (outcome, reason, status, counts) = match *end {
        End::Done(counts) => (Outcome::Done, None, 200, Some(counts)),
        End::Aborted(counts) => (Outcome::Aborted, None, 200, Some(counts)),
        End::Failed(reason, status) => (Outcome::Failed, Some(reason), status, None),
    };
    AuditEvent {
        time: at,
        kind: Kind::DisclosureOutcome,
        outcome,
        reason,
        status: Some(status),
        counts,
        ..intent.clone()
    }
}

/// How a request for data ends.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    Done(Counts),
    /// The client went away.
    Aborted(Counts),
    /// With this code and status.
    Failed(&'static str, u16),
}

/// As a detail names services.
fn named(services: &[ServiceId]) -> String {
    let ids: Vec<_> = services.iter().map(ToString::to_string).collect();
    format!("services {}", ids.join(" "))
}

fn request_id(dice: &mut Dice) -> Option<RequestId> {
    RequestId::parse(&random_uuid(dice))
}

/// One of ours (UUID version 7, RFC 9562 section 5.7).
pub(super) fn local_id(at: Timestamp, dice: &mut Dice) -> LocalId {
    let millis = u64::try_from(at.as_millisecond()).unwrap_or_default();
    let (high, low) = (millis << 16 | 0x7000 | dice.below(1 << 12), 1 << 63 | dice.below(1 << 62));
    LocalId::parse(&uuid(high, low)).expect("it has the form of one")
}

/// One of others (UUID version 4, RFC 9562 section 5.4).
fn random_uuid(dice: &mut Dice) -> String {
    let (high, low) = (dice.next() & !0xf000 | 0x4000, 1 << 63 | dice.below(1 << 62));
    uuid(high, low)
}

fn uuid(high: u64, low: u64) -> String {
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}
