//! The grant of portals (RFC 7523 section 2.1) as states: the node is admitted, the portal proves itself, what it asks is in
//! its registration, it says who the person is, and the practice has data of them. Each state is made from the one before
//! it only.
//!
//! | what is wrong | answer |
//! |---|---|
//! | more requests a minute than the registration allows; nothing is spent | 429 `slow_down`, `Retry-After` |
//! | the certificate may not act for the client, or is on no register | 401 `invalid_client` |
//! | the client is a PGO | 400 `unauthorized_client` |
//! | no `client_assertion`, or one that does not hold | 401 `invalid_client` |
//! | a practice or service that is not in the registration, not open or not offered | 400 `invalid_scope` |
//! | no `assertion` | 400 `invalid_request` |
//! | an `assertion` that does not hold | 400 `invalid_grant` |
//! | the practice has nothing of the person, or the person is too young, or not let in yet | 400 `invalid_grant` |
//! | the system of the practice does not answer | 503 `temporarily_unavailable` |

use std::sync::Arc;

use super::desk::{AdmittedClient, TokenDesk};
use super::error::TokenError;
use super::portal_scope::PortalRequest;
use super::{TokenAnswer, TokenCall};
use crate::audit::{AuditEvent, Kind, Outcome, receipt, services_named};
use crate::availability::{Moment, find_available};
use crate::clients::Portal;
use crate::form::single;
use crate::jose::{DecryptionKey, Jws};
use crate::medmij::{Bsn, Hostname, LocalId};
use crate::oauth::assertion::{AssertedPerson, AssertionRules, CLIENT_ASSERTION_TYPE, ProvenClient};
use crate::oauth::grant::Grant;
use crate::oauth::rate::PortalRates;
use crate::oauth::replay::ReplayStore;
use crate::practices::golive::places::{Doors, Places};
use crate::routing::{Snapshot, admit_caller};

/// The `grant_type`.
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// What the audit says of a grant that a portal vouches for.
const PROTOCOL: &str = "protocol portal jwt-bearer";

/// What the audit says of a grant through the door of portals.
const SMART: &str = "protocol smart";

/// What the grant of portals needs beside the desk.
pub struct PortalDesk {
    /// Ids that were used.
    pub ids: Arc<dyn ReplayStore>,
    /// Our keys for what is encrypted to us.
    pub decryption: Vec<DecryptionKey>,
    /// Our names: the token endpoint, and our issuers.
    pub audience: Vec<String>,
    /// How often each portal may ask.
    pub rates: Arc<PortalRates>,
    /// Places in field tests and pilots.
    pub places: Places,
}

/// A person who is known at a practice that the portal may ask, and old enough.
struct AvailablePerson {
    bsn: Bsn,
    request: PortalRequest,
    client: AdmittedClient,
}

impl TokenDesk {
    /// Gives a portal a token for the person that it asserts.
    pub(super) async fn exchange_assertion(
        &self,
        form: &[(String, String)],
        call: TokenCall<'_>,
        event: &mut AuditEvent,
    ) -> Result<TokenAnswer, TokenError> {
        event.detail = Some(PROTOCOL.into());
        let id = named_client(form).ok_or(TokenError::InvalidRequest)?;
        let client = self.admit_named(&id, call, event)?;
        let snapshot = self.snapshot.load_full();
        let portal = snapshot.clients.portal(client.id.as_str()).ok_or(TokenError::UnauthorizedClient)?;
        let audience: Vec<&str> = self.portals.audience.iter().map(String::as_str).collect();
        let rules = self.assertion_rules(&client, portal, &audience, event);
        let proven = prove(form, &rules).await?;
        let request = PortalRequest::read(form, (&client.id, portal), &snapshot, event.time)?;
        event.provider = Some(request.provider.clone());
        event.detail = Some(format!("{PROTOCOL}, {}", services_named(&request.services)).into());
        // Before the assertion about the person is spent.
        self.running_at(&request.provider)?;
        let person = assertion(form, portal, &proven, &rules).await?;
        let bsn = person.into_bsn();
        event.subject = Some(self.keyring.subject(&bsn, event.time)?);
        let available = self.find(bsn, request, client, &snapshot, call.local_id, event).await?;
        self.issue_asserted(available, event).await
    }

    /// Counts a request of a portal, known by its certificate, before anything of it is looked at: one that comes too soon
    /// spends no code and no assertion, so it may be sent again.
    pub(super) fn pace_portal(
        &self,
        form: &[(String, String)],
        call: TokenCall<'_>,
        event: &mut AuditEvent,
    ) -> Result<(), TokenError> {
        let Some(id) = named_client(form).and_then(|id| Hostname::parse(&id).ok()) else { return Ok(()) };
        let snapshot = self.snapshot.load();
        let is_portal = snapshot.clients.portal(id.as_str()).is_some();
        if !is_portal || admit_caller(&snapshot, call.caller, &id, event.time).is_err() {
            return Ok(());
        }
        let paced = self.portals.rates.admit(&id).map_err(TokenError::SlowDown);
        event.client_id = Some(id);
        paced
    }

    /// The client that shows a code. A portal is known by its certificate; when it also proves itself with its key, that must
    /// hold (SMART App Launch 2.2, "Asymmetric Client Authentication").
    pub(super) async fn admit_for_code(
        &self,
        form: &[(String, String)],
        call: TokenCall<'_>,
        event: &mut AuditEvent,
    ) -> Result<AdmittedClient, TokenError> {
        let client = self.admit_named(&named_client(form).ok_or(TokenError::InvalidRequest)?, call, event)?;
        let snapshot = self.snapshot.load_full();
        let Some(portal) = snapshot.clients.portal(client.id.as_str()) else { return Ok(client) };
        event.detail = Some(SMART.into());
        if form.iter().any(|(name, _)| name.starts_with("client_assertion")) {
            let audience: Vec<&str> = self.portals.audience.iter().map(String::as_str).collect();
            prove(form, &self.assertion_rules(&client, portal, &audience, event)).await?;
        }
        Ok(client)
    }

    fn assertion_rules<'a>(
        &'a self,
        client: &'a AdmittedClient,
        portal: &'a Portal,
        audience: &'a [&'a str],
        event: &AuditEvent,
    ) -> AssertionRules<'a> {
        AssertionRules {
            client: &client.id,
            keys: &portal.keys,
            audience,
            ids: &*self.portals.ids,
            decryption: &self.portals.decryption,
            now: event.time,
        }
    }

    /// The availability test, at the one moment that this grant has.
    async fn find(
        &self,
        bsn: Bsn,
        request: PortalRequest,
        client: AdmittedClient,
        snapshot: &Snapshot,
        local_id: LocalId,
        event: &AuditEvent,
    ) -> Result<AvailablePerson, TokenError> {
        let practice = snapshot.practices.practice(request.provider.as_str()).ok_or(TokenError::InvalidScope)?;
        let adapter = snapshot.adapters.of(&practice.his).ok_or(TokenError::His)?;
        let deadline = self.clock.monotonic() + self.rules.availability_deadline;
        let moment = Moment { local_id, now: event.time, deadline };
        let found = find_available(adapter.as_ref(), practice, &bsn, moment).await.map_err(|_| TokenError::His)?;
        found.ok_or(TokenError::NotAvailable)?;
        let doors = Doors { stages: &snapshot.stages, people: &snapshot.people, practice };
        let taken = self.portals.places.take(doors, request.services, &bsn, event.time).await?;
        let services = taken.map_err(TokenError::NotYet)?;
        Ok(AvailablePerson { bsn, request: PortalRequest { services, ..request }, client })
    }

    async fn issue_asserted(&self, person: AvailablePerson, event: &mut AuditEvent) -> Result<TokenAnswer, TokenError> {
        let AvailablePerson { bsn, request, client } = person;
        let grant = Arc::new(Grant {
            id: LocalId::new(event.time),
            client: client.id.clone(),
            provider: request.provider,
            services: request.services,
            subject: bsn,
            request: event.request_id,
            correlation: event.correlation_id,
            consented: event.time,
            lasting: false,
            redeemed_by: Some(client.node.clone()),
            smart: None,
        });
        event.grant = Some(grant.id);
        event.authorization = Some(grant.authorization(true));
        let scope = self.rules.scope_form.write(&grant, &grant.services);
        let record = AuditEvent { kind: Kind::TokenIssued, outcome: Outcome::Done, ..event.clone() };
        receipt(self.audit.append(&record)?).await?;
        let (token, issued) = self.draw_token(grant, &client, event.time);
        self.tokens.keep(issued).await?;
        Ok(TokenAnswer { token, lifetime: self.rules.token_lifetime, scope, refresh: None, patient: None })
    }
}

/// The client_id of the form; without one the portal that the client assertion says it is, which is yet to be proven
/// (RFC 7523 section 3.1).
fn named_client(form: &[(String, String)]) -> Option<String> {
    if form.iter().any(|(name, _)| name == "client_id") {
        return single(form, "client_id").map(str::to_owned);
    }
    Jws::parse(single(form, "client_assertion")?).ok()?.claimed("sub")
}

async fn prove(form: &[(String, String)], rules: &AssertionRules<'_>) -> Result<ProvenClient, TokenError> {
    if single(form, "client_assertion_type") != Some(CLIENT_ASSERTION_TYPE) {
        return Err(TokenError::NoClientAssertion);
    }
    let assertion = single(form, "client_assertion").ok_or(TokenError::NoClientAssertion)?;
    ProvenClient::prove(assertion, rules).await.map_err(TokenError::ClientAssertion)
}

async fn assertion(
    form: &[(String, String)],
    portal: &Portal,
    proven: &ProvenClient,
    rules: &AssertionRules<'_>,
) -> Result<AssertedPerson, TokenError> {
    let assertion = single(form, "assertion").ok_or(TokenError::InvalidRequest)?;
    AssertedPerson::read(assertion, portal.encrypt, proven, rules).await.map_err(TokenError::Assertion)
}
