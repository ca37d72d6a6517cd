//! The refresh token grant as states: a token is found, then eligible, then tested, and only then turned into the next one.
//!
//! Looking a refresh token up does not spend it; the turn does, in one atomic step after the test. So a HIS that gives no
//! answer costs nobody their consent: the same token can be sent again. That is safe, because before the turn nothing is
//! handed out, and of any number of requests that pass the test at once one turns and the others find an old token.

use std::sync::Arc;

use jiff::Timestamp;

use super::desk::{AdmittedClient, TokenDesk};
use super::{TokenAnswer, TokenCall, TokenError};
use crate::audit::{AuditEvent, Kind, Outcome, receipt};
use crate::availability::{Moment, find_available};
use crate::catalogue;
use crate::form::{optional, single};
use crate::medmij::ServiceId;
use crate::oauth::grant::Grant;
use crate::oauth::refresh::{FoundRefresh, IssuedRefresh, PresentedRefresh, RefreshToken, Turn, Turned};
use crate::routing::still_offered;
use crate::trace::{self, Step};

/// A current refresh token, shown in time by the client that holds it.
struct EligibleRefresh {
    grant: Arc<Grant>,
}

/// The practice still makes data of the person available, through these services.
struct TestedRefresh {
    grant: Arc<Grant>,
    services: Vec<ServiceId>,
}

impl EligibleRefresh {
    fn check(
        found: IssuedRefresh,
        client: &AdmittedClient,
        scope: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, TokenError> {
        if found.grant.client != client.id || found.expires <= now {
            return Err(TokenError::InvalidGrant);
        }
        if scope.is_some_and(|scope| !covers(&found.grant, scope)) {
            return Err(TokenError::InvalidScope);
        }
        Ok(Self { grant: found.grant })
    }
}

/// Whether each part of a scope was consented to (RFC 6749 section 6). The provider stands for all of its services; a
/// service may be named in either form of the token answer.
fn covers(grant: &Grant, scope: &str) -> bool {
    let granted = |id: &str| grant.services.iter().any(|service| service.as_str() == id);
    let name = grant.provider.short();
    let part = |part: &str| match part.split_once('~') {
        Some((provider, id)) => provider == name && granted(id),
        None => part == name || granted(part),
    };
    !scope.is_empty() && scope.split(' ').all(part)
}

impl TokenDesk {
    /// Exchanges a refresh token for an access token and the next refresh token.
    pub(super) async fn refresh(
        &self,
        form: &[(String, String)],
        call: TokenCall<'_>,
        event: &mut AuditEvent,
    ) -> Result<TokenAnswer, TokenError> {
        let text = single(form, "refresh_token").ok_or(TokenError::InvalidRequest)?;
        let scope = optional(form, "scope").map_err(|_| TokenError::InvalidRequest)?;
        let client = self.admit(form, call, event)?;
        let presented = PresentedRefresh::parse(text).ok_or(TokenError::InvalidGrant)?;
        let found = self.look_up(&presented, event).await?;
        let eligible = EligibleRefresh::check(found, &client, scope, event.time)?;
        let tested = self.test(eligible, call, event).await?;
        self.turn(&presented, tested, &client, event).await
    }

    /// The current refresh token of a family. One that is not current any more was copied, whoever brings it: the family
    /// ends. A current one that another client brings stays: without the certificate of its own client it opens nothing.
    async fn look_up(
        &self,
        presented: &PresentedRefresh<'_>,
        event: &mut AuditEvent,
    ) -> Result<IssuedRefresh, TokenError> {
        match self.refreshes.look(presented.key()).await? {
            FoundRefresh::Current(found) => {
                self.name_grant(event, &found.grant)?;
                Ok(*found)
            }
            FoundRefresh::Old { grant } => {
                self.end(grant, catalogue::REFRESH_TOKEN_REUSED.code(), event).await?;
                Err(TokenError::InvalidGrant)
            }
            FoundRefresh::Unknown => Err(TokenError::InvalidGrant),
        }
    }

    /// Without the person there, the provider must still have and offer data of theirs (R54), and they must still be old
    /// enough. When it does not, the consent stays: it goes on lapsing, and the data may come back.
    async fn test(
        &self,
        eligible: EligibleRefresh,
        call: TokenCall<'_>,
        event: &mut AuditEvent,
    ) -> Result<TestedRefresh, TokenError> {
        let EligibleRefresh { grant } = eligible;
        self.running_at(&grant.provider)?;
        let snapshot = self.snapshot.load_full();
        let (practice, services) = still_offered(&snapshot, &grant, event.time).ok_or(TokenError::InvalidGrant)?;
        let adapter = snapshot.adapters.of(&practice.his).ok_or(TokenError::His)?;
        let deadline = self.clock.monotonic() + self.rules.availability_deadline;
        let moment = Moment { local_id: call.local_id, now: event.time, deadline };
        let found = find_available(&**adapter, practice, &grant.subject, moment);
        let found = trace::during(Step::Availability, &*self.clock, found).await;
        if found.map_err(|_| TokenError::His)?.is_none() {
            event.detail = Some("not available".into());
            return Err(TokenError::InvalidGrant);
        }
        Ok(TestedRefresh { grant, services })
    }

    /// The intent is on disk before anything changes, so that a log that cannot take it costs nobody their refresh token.
    async fn turn(
        &self,
        presented: &PresentedRefresh<'_>,
        tested: TestedRefresh,
        client: &AdmittedClient,
        event: &mut AuditEvent,
    ) -> Result<TokenAnswer, TokenError> {
        let intent = AuditEvent { kind: Kind::TokenIssued, outcome: Outcome::Intended, ..event.clone() };
        let intent = receipt(self.audit.append(&intent)?).await?;
        let next = RefreshToken::after(presented);
        let scope = self.rules.scope_form.write(&tested.grant, &tested.services);
        let (token, issued) = self.draw_token(tested.grant, client, event.time);
        let turn = Turn {
            presented: presented.key(),
            next: next.key().turn,
            expires: self.rules.refresh_expires(event.time),
            token: issued,
        };
        event.intent = Some(intent.index());
        match self.refreshes.turn(turn).await? {
            Turned::Done => {
                self.issued(event).await;
                Ok(TokenAnswer {
                    token,
                    lifetime: self.rules.token_lifetime,
                    scope,
                    refresh: Some(next),
                    patient: None,
                })
            }
            Turned::Old { grant } => {
                self.end(grant, catalogue::REFRESH_TOKEN_REUSED.code(), event).await?;
                Err(TokenError::InvalidGrant)
            }
            Turned::Unknown => Err(TokenError::InvalidGrant),
        }
    }

    /// The intent stands in any case.
    async fn issued(&self, event: &AuditEvent) {
        let done = AuditEvent { kind: Kind::TokenIssued, outcome: Outcome::Done, ..event.clone() };
        if let Ok(pending) = self.audit.append(&done) {
            let _ = receipt(pending).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::medmij::{Bsn, Hostname, LocalId, ProviderName};

    fn grant() -> Grant {
        let now = "2026-03-02T09:30:00Z".parse().unwrap();
        Grant {
            id: LocalId::new(now),
            client: Hostname::parse("pgo.example.nl").unwrap(),
            provider: ProviderName::parse("huisarts.delinde@medmij").unwrap(),
            services: vec![ServiceId::parse("49").unwrap(), ServiceId::parse("51").unwrap()],
            subject: Bsn::parse("999911132").unwrap(),
            request: None,
            correlation: None,
            consented: now,
            lasting: true,
            redeemed_by: None,
            smart: None,
        }
    }

    #[test]
    fn a_scope_is_no_broader_than_the_consent() {
        let grant = grant();
        for scope in ["huisarts.delinde", "49", "49 51", "huisarts.delinde~49", "huisarts.delinde~51 49"] {
            assert!(covers(&grant, scope), "{scope}");
        }
        for scope in ["", " ", "48", "49 48", "huisarts.anders", "huisarts.anders~49", "huisarts.delinde~48", "49  51"]
        {
            assert!(!covers(&grant, scope), "{scope}");
        }
    }
}
