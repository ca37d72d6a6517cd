//! Who takes part, in which role (AuditEvent.agent).

use serde_json::{Map, Value, json};

use super::super::codes::{APPLICATION, Code, DESTINATION, Pattern, SOURCE};
use super::super::interaction::Interaction;
use super::super::{Site, responsible, user};
use super::{POLICY, SYSTEM_OPERATOR, SYSTEM_PROVIDER, SYSTEM_PSEUDONYM, concept, observer, purpose};
use crate::audit::{Record, User};

const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
const RECIPIENT: Code = Code { system: PARTICIPATION, code: "IRCP", display: "information recipient" };
const AUTHOR: Code = Code { system: PARTICIPATION, code: "AUT", display: "author (originator)" };
const PROVIDER: Code =
    Code { system: "http://terminology.hl7.org/CodeSystem/v3-RoleClass", code: "PROV", display: "healthcare provider" };
const AUTHORIZER: Code = Code {
    system: "http://terminology.hl7.org/CodeSystem/extra-security-role-type",
    code: "authserver",
    display: "authorization server",
};
const OAUTH_SERVICE: Code = Code {
    system: "https://profiles.ihe.net/ITI/BALP/CodeSystem/UserAgentTypes",
    code: "AuthzOauthService",
    display: "OAuth Authorization Server",
};

/// An agent being put together.
struct Agent(Map<String, Value>);

impl Agent {
    fn new(role: Code, who: Option<Value>) -> Self {
        Self(Map::new()).with("type", Some(concept(role))).with("requestor", Some(false.into())).with("who", who)
    }

    fn with(mut self, name: &str, value: Option<Value>) -> Self {
        self.0.extend(value.map(|value| (name.to_owned(), value)));
        self
    }

    fn requests(self) -> Self {
        self.with("requestor", Some(true.into()))
    }
}

/// The agents of a record; at least one.
pub(super) fn of(record: &Record, site: &Site, pattern: Pattern<'_>) -> Vec<Value> {
    let us = |role| Agent::new(role, Some(observer(record, site))).with("network", host(site));
    let [application, browser] = other_end(record);
    let agents = match pattern {
        Pattern::Rest(interaction) => rest(record, us, interaction),
        Pattern::Consent => {
            let role = Agent::new(AUTHORIZER, Some(observer(record, site)));
            vec![Some(role), application, person(record, RECIPIENT), practice(record), browser]
        }
        Pattern::Token => vec![Some(us(OAUTH_SERVICE)), application, person(record, RECIPIENT), browser],
        Pattern::Login => vec![Some(us(AUTHORIZER)), application, person(record, RECIPIENT), browser],
        Pattern::Disclosure => {
            let receiver = Agent::new(DESTINATION, reader(record)).with("network", address(record));
            vec![Some(us(SOURCE)), Some(receiver), person(record, RECIPIENT), practice(record)]
        }
        Pattern::LogUsed => {
            vec![Some(us(SOURCE)), application, person(record, RECIPIENT), practice(record), browser]
        }
        Pattern::Node => vec![Some(us(APPLICATION)), person(record, RECIPIENT)],
    };
    somebody_asks(agents.into_iter().flatten().collect(), &observer(record, site))
}

/// When no person is known, whoever was at the other end asked for it; and when there was none, we did.
fn somebody_asks(mut agents: Vec<Agent>, us: &Value) -> Vec<Value> {
    if !agents.iter().any(|Agent(agent)| agent.get("requestor") == Some(&Value::Bool(true))) {
        let other = agents.iter().position(|Agent(agent)| agent.get("who") != Some(us)).unwrap_or_default();
        if let Some(Agent(agent)) = agents.get_mut(other) {
            agent.insert("requestor".to_owned(), true.into());
        }
    }
    agents.into_iter().map(|Agent(agent)| agent.into()).collect()
}

/// For a read the roles follow the data, from us to the client; for a search and for something new they follow the request.
fn rest(record: &Record, us: impl Fn(Code) -> Agent, interaction: Interaction<'_>) -> Vec<Option<Agent>> {
    let (theirs, ours, users) = match interaction {
        Interaction::Read(_) => (DESTINATION, SOURCE, RECIPIENT),
        Interaction::Search(_) | Interaction::Operation(_) | Interaction::Unknown => (SOURCE, DESTINATION, RECIPIENT),
        Interaction::Create(_) => (SOURCE, DESTINATION, AUTHOR),
    };
    let caller = Agent::new(theirs, client(record)).with("network", address(record));
    vec![
        Some(caller),
        Some(us(ours)),
        person(record, users),
        application(record).map(|application| application.with("network", address(record))),
        practice(record),
    ]
}

/// The node that asked, or the client whose node it was.
pub(super) fn client(record: &Record) -> Option<Value> {
    let host = record.peer.as_ref().or(record.client_id.as_ref())?;
    Some(json!({"identifier": {"value": host.as_str()}}))
}

/// Who gets what leaves the log.
pub(super) fn reader(record: &Record) -> Option<Value> {
    match user(record) {
        User::Operator(name) => Some(json!({"identifier": {"system": SYSTEM_OPERATOR, "value": &*name}})),
        User::Client => client(record),
        User::Practice => provider(record),
        User::Person | User::Node => pseudonym(record),
    }
}

/// The person at whose request it happened, or the one who works for the practice or for us.
fn person(record: &Record, role: Code) -> Option<Agent> {
    let (user, principal) = (user(record), responsible(record));
    if let User::Operator(name) = &user {
        let who = json!({"identifier": {"system": SYSTEM_OPERATOR, "value": &**name}});
        return Some(Agent::new(role, Some(who)).requests().with("policy", policy(record)));
    }
    if ![&user, &principal].contains(&&User::Person) {
        return None;
    }
    let agent = Agent::new(role, Some(pseudonym(record)?)).requests();
    Some(agent.with("policy", policy(record)).with("purposeOfUse", Some(json!([purpose()]))))
}

fn pseudonym(record: &Record) -> Option<Value> {
    let value = record.subject.as_ref()?.as_str();
    Some(json!({"type": "Patient", "identifier": {"system": SYSTEM_PSEUDONYM, "value": value}}))
}

fn policy(record: &Record) -> Option<Value> {
    record.authorization.as_ref().map(|rules| json!([format!("{POLICY}{}", rules.as_str())]))
}

/// The client of OAuth, and the browser when the person is at the other end: then the client has no connection with us, and its
/// network is the host where the browser came from and goes back to.
fn other_end(record: &Record) -> [Option<Agent>; 2] {
    if user(record) == User::Client {
        let application = application(record);
        return [application.map(|it| it.with("network", address(record)).with("altId", other_node(record))), None];
    }
    let at_its_host = record.client_id.as_ref().map(|host| uri(host.as_str()));
    let browser = address(record).map(|address| Agent::new(SOURCE, None).with("network", Some(address)));
    [application(record).map(|it| it.with("network", at_its_host)), browser]
}

/// The client of OAuth, by its `client_id`.
fn application(record: &Record) -> Option<Agent> {
    let client_id = record.client_id.as_ref()?.as_str();
    Some(Agent::new(APPLICATION, Some(json!({"identifier": {"value": client_id}}))))
}

/// The practice that answers for the data. It is not called its custodian (CST): at something new that is one of the codes of
/// the user.
fn practice(record: &Record) -> Option<Agent> {
    provider(record).map(|who| Agent::new(PROVIDER, Some(who)))
}

fn provider(record: &Record) -> Option<Value> {
    let name = record.provider.as_ref()?.as_str();
    Some(json!({"type": "Organization", "identifier": {"system": SYSTEM_PROVIDER, "value": name}}))
}

/// The node of the client, when it is not named as the client is.
fn other_node(record: &Record) -> Option<Value> {
    let peer = record.peer.as_ref().filter(|peer| record.client_id.as_ref() != Some(peer))?;
    Some(peer.as_str().into())
}

/// network-type 2: an address.
fn address(record: &Record) -> Option<Value> {
    record.access_point.map(|address| json!({"address": address.to_string(), "type": "2"}))
}

fn host(site: &Site) -> Option<Value> {
    Some(uri(site.name()))
}

/// network-type 5: a URI.
fn uri(host: &str) -> Value {
    json!({"address": format!("https://{host}"), "type": "5"})
}
