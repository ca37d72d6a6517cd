//! IHE BALP 1.1 (`input/fsh` of IHE/ITI.BasicAudit): what each profile fixes, and which kind conforms to which.

use serde_json::{Value, json};

use super::{record, site};
use crate::audit::render::balp;
use crate::audit::testing::{LOG, any_event};
use crate::audit::{Kind, Record, Term as _, encode};
use proptest::prelude::*;

const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const REST: &str = "http://terminology.hl7.org/CodeSystem/audit-event-type";
const RESTFUL: &str = "http://hl7.org/fhir/restful-interaction";
const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
const ENTITY: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const BALP: &str = "https://profiles.ihe.net/ITI/BALP";

/// A slice of agents: its type, how many there are at least and at most, and whether it has a network address.
struct Agent {
    kind: (&'static str, &'static str),
    count: (usize, usize),
    network: Network,
    requestor: Option<bool>,
}

enum Network {
    One,
    None,
}

/// A slice of entities: its type, its roles, and the members it must and must not have.
struct Entity {
    kind: (String, &'static str),
    roles: &'static [&'static str],
    count: (usize, usize),
    must: &'static [&'static str],
    must_not: &'static [&'static str],
}

struct Profile {
    kind: (&'static str, &'static str),
    subtypes: &'static [(&'static str, &'static str)],
    action: &'static str,
    success: bool,
    agents: Vec<Agent>,
    entities: Vec<Entity>,
    /// No entities but those of the slices.
    closed: bool,
}

fn agent(
    kind: (&'static str, &'static str),
    count: (usize, usize),
    network: Network,
    requestor: Option<bool>,
) -> Agent {
    Agent { kind, count, network, requestor }
}

fn patient() -> Entity {
    Entity { kind: (ENTITY.into(), "1"), roles: &["1"], count: (1, 1), must: &["what"], must_not: &[] }
}

fn transaction() -> Entity {
    let kind = (format!("{BALP}/CodeSystem/BasicAuditEntityType"), "XrequestId");
    Entity { kind, roles: &[], count: (0, 1), must: &["what"], must_not: &[] }
}

fn data() -> Entity {
    Entity { kind: (ENTITY.into(), "2"), roles: &["4", "3", "20"], count: (1, 1), must: &["what"], must_not: &[] }
}

fn query() -> Entity {
    let must_not = &["what", "lifecycle", "detail"];
    Entity { kind: (ENTITY.into(), "2"), roles: &["24"], count: (1, 1), must: &["query"], must_not }
}

/// PatientRead.fsh, PatientQuery.fsh, PatientCreate.fsh: who is the source of what flows.
fn rest(
    subtypes: &'static [(&'static str, &'static str)],
    action: &'static str,
    client: &'static str,
    server: &'static str,
    users: &'static [&'static str],
    object: Entity,
) -> Profile {
    let mut agents =
        vec![agent((DCM, client), (1, 1), Network::One, None), agent((DCM, server), (1, 1), Network::One, None)];
    agents.extend(users.iter().map(|user| agent((PARTICIPATION, user), (0, 1), Network::None, Some(true))));
    let entities = vec![patient(), transaction(), object];
    Profile { kind: (REST, "rest"), subtypes, action, success: true, agents, entities, closed: false }
}

fn profile(name: &str) -> Profile {
    match name {
        "IHE.BasicAudit.PatientRead" => {
            rest(&[(RESTFUL, "read"), (RESTFUL, "vread")], "R", "110152", "110153", &["IRCP"], data())
        }
        "IHE.BasicAudit.PatientQuery" => {
            // The slices are search, search-type and search-system; others are allowed beside and instead of them.
            let subtypes = &[(RESTFUL, "search"), (RESTFUL, "search-type"), (RESTFUL, "operation")];
            rest(subtypes, "E", "110153", "110152", &["IRCP"], query())
        }
        "IHE.BasicAudit.PatientCreate" => {
            rest(&[(RESTFUL, "create")], "C", "110153", "110152", &["AUT", "INF", "CST"], data())
        }
        "IHE.BasicAudit.AuthZconsent" => authorization(),
        "IHE.BasicAudit.PrivacyDisclosure.Source" => disclosure(),
        other => panic!("{other} is none of ours"),
    }
}

/// AuthZ.fsh.
fn authorization() -> Profile {
    let consent = ("http://hl7.org/fhir/resource-types".to_owned(), "Consent");
    Profile {
        kind: (DCM, "110113"),
        subtypes: &[("https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType", "AuthZ-Consent")],
        action: "E",
        success: false,
        agents: vec![
            agent((DCM, "110150"), (1, 1), Network::One, None),
            agent((PARTICIPATION, "IRCP"), (1, 1), Network::None, Some(true)),
            agent(("http://terminology.hl7.org/CodeSystem/v3-RoleClass", "PROV"), (1, 1), Network::None, Some(false)),
            agent(
                ("http://terminology.hl7.org/CodeSystem/extra-security-role-type", "authserver"),
                (1, 1),
                Network::None,
                Some(false),
            ),
        ],
        entities: vec![patient(), Entity { kind: consent, roles: &[], count: (1, 9), must: &["what"], must_not: &[] }],
        closed: true,
    }
}

/// Disclose.fsh.
fn disclosure() -> Profile {
    Profile {
        kind: (DCM, "110106"),
        subtypes: &[("http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle", "disclose")],
        action: "R",
        success: false,
        agents: vec![
            agent((DCM, "110153"), (1, 1), Network::One, None),
            agent((DCM, "110152"), (1, 1), Network::One, None),
        ],
        entities: vec![patient()],
        closed: false,
    }
}

/// Checks an event against the profile that it names, if it names one.
fn check(event: &Value) {
    let Some(name) = event["meta"]["profile"][0].as_str() else { return };
    let name = name.strip_prefix(&format!("{BALP}/StructureDefinition/")).unwrap();
    let profile = profile(name);
    let code =
        |coding: &Value| (coding["system"].as_str().unwrap().to_owned(), coding["code"].as_str().unwrap().to_owned());
    let is = |coding: &Value, of: (&str, &str)| code(coding) == (of.0.to_owned(), of.1.to_owned());
    assert!(is(&event["type"], profile.kind), "{event:#}");
    assert!(
        event["subtype"].as_array().unwrap().iter().any(|subtype| profile.subtypes.iter().any(|of| is(subtype, *of)))
    );
    assert_eq!(event["action"], profile.action, "{event:#}");
    if profile.success {
        assert_eq!(event["outcome"], "0");
    }
    assert!(event["outcome"].is_string() && event["recorded"].is_string() && event.get("modifierExtension").is_none());
    for slice in &profile.agents {
        let of_slice: Vec<_> = event["agent"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|agent| is(&agent["type"]["coding"][0], slice.kind))
            .collect();
        assert!((slice.count.0..=slice.count.1).contains(&of_slice.len()), "{name} {}: {event:#}", slice.kind.1);
        for agent in of_slice {
            assert!(agent["who"].is_object(), "{name} {}: {event:#}", slice.kind.1);
            match slice.network {
                Network::One => assert!(agent["network"]["address"].is_string(), "{event:#}"),
                Network::None => assert!(agent.get("network").is_none(), "{event:#}"),
            }
            assert!(agent.get("media").is_none());
            assert!(slice.requestor.is_none_or(|asks| agent["requestor"] == asks), "{name} {}", slice.kind.1);
        }
    }
    let mut seen = 0;
    for slice in &profile.entities {
        let kind = (slice.kind.0.as_str(), slice.kind.1);
        let of_slice: Vec<_> =
            event["entity"].as_array().unwrap().iter().filter(|entity| is(&entity["type"], kind)).collect();
        assert!((slice.count.0..=slice.count.1).contains(&of_slice.len()), "{name} {}: {event:#}", slice.kind.1);
        seen += of_slice.len();
        for entity in of_slice {
            assert!(
                slice.roles.is_empty() || slice.roles.iter().any(|role| entity["role"]["code"] == *role),
                "{event:#}"
            );
            assert!(slice.must.iter().all(|member| entity.get(*member).is_some()), "{event:#}");
            assert!(slice.must_not.iter().all(|member| entity.get(*member).is_none()), "{event:#}");
        }
    }
    assert!(!profile.closed || seen == event["entity"].as_array().unwrap().len(), "{event:#}");
    // val-audit-source: the agent that is us is the source.
    let ours = match name {
        "IHE.BasicAudit.AuthZconsent" => "authserver",
        "IHE.BasicAudit.PrivacyDisclosure.Source" => "110153",
        _ => return,
    };
    let us =
        event["agent"].as_array().unwrap().iter().find(|agent| agent["type"]["coding"][0]["code"] == ours).unwrap();
    assert_eq!(us["who"], event["source"]["observer"]);
}

/// Whose data flows where: the code of the agent that is `who`.
fn role_of<'a>(event: &'a Value, who: &str) -> &'a str {
    let agents = event["agent"].as_array().unwrap();
    let value = |agent: &Value| agent["who"]["identifier"]["value"] == who;
    agents.iter().find(|agent| value(agent)).map_or("-", |agent| agent["type"]["coding"][0]["code"].as_str().unwrap())
}

const US: &str = "inzage-a-00000000000000ff";
const NODE: &str = "node.pgo.example.nl";

/// Which document was read; a record of before it was told names none.
#[test]
fn a_document_that_was_read_is_named() {
    let whats = |query: &str| {
        let event = balp(&record("disclosure_outcome", &json!({"query": query})), &site());
        let entities = event["entity"].as_array().unwrap().clone();
        entities.into_iter().find(|one| one["role"]["code"] == "4").unwrap()["what"].clone()
    };
    let identifier = json!({"system": "urn:inzage:audit:document", "value": "2026-15d2825c"});
    let expected = json!({"type": "Binary", "identifier": identifier, "display": "Binary/2026-15d2825c"});
    assert_eq!(whats("Binary/2026-15d2825c"), expected);
    assert_eq!(whats("Binary"), json!({"display": "Binary"}));
}

/// Every kind, done: type, subtype, action, the role of the client's node, our role, and the profile.
#[test]
fn every_kind_has_the_codes_of_its_pattern() {
    let binary = json!({"query": "Binary"});
    let lastn = json!({"query": "Observation/$lastn?category=x"});
    let create = json!({"query": "create Observation"});
    let none = json!({});
    #[rustfmt::skip]
    let table = [
        ("node_started",            &none,   "110100", "110120",        "E", "-",      "110150", ""),
        ("node_stopped",            &none,   "110100", "110121",        "E", "-",      "110150", ""),
        ("configuration_changed",   &none,   "110113", "110129",        "U", "-",      "110150", ""),
        ("lists_swapped",           &none,   "110113", "110129",        "U", "-",      "110150", ""),
        ("lists_accepted",          &none,   "110113", "110129",        "U", "-",      "110150", ""),
        ("access_stopped",          &none,   "110113", "110129",        "U", "-",      "110150", ""),
        ("access_restored",         &none,   "110113", "110129",        "U", "-",      "110150", ""),
        ("go_live_changed",         &none,   "110113", "110129",        "U", "-",      "110150", ""),
        ("administration",          &none,   "110113", "110132",        "E", "-",      "110150", ""),
        ("overview_read",           &none,   "110113", "110132",        "R", "-",      "110150", ""),
        ("authorization_requested", &none,   "110114", "ITI-71",        "E", "-",      "AuthzOauthService", ""),
        ("authorization_refused",   &none,   "110114", "ITI-71",        "E", "-",      "AuthzOauthService", ""),
        ("person_authenticated",    &none,   "110114", "110122",        "E", "-",      "authserver", ""),
        ("authentication_failed",   &none,   "110114", "110122",        "E", "-",      "authserver", ""),
        ("consent_given",           &none,   "110113", "AuthZ-Consent", "E", "-",      "authserver", "AuthZconsent"),
        ("consent_refused",         &none,   "110113", "AuthZ-Consent", "E", "-",      "authserver", "AuthZconsent"),
        ("consent_withdrawn",       &none,   "110113", "110135",        "D", "-",      "authserver", ""),
        ("grant_ended",             &none,   "110113", "110135",        "D", "-",      "authserver", ""),
        ("token_issued",            &none,   "110114", "ITI-71",        "E", "-",      "AuthzOauthService", ""),
        ("token_refused",           &none,   "110114", "ITI-71",        "E", "-",      "AuthzOauthService", ""),
        ("disclosure_intent",       &none,   "rest",   "search-type",   "E", "110153", "110152", "PatientQuery"),
        ("disclosure_outcome",      &none,   "rest",   "search-type",   "E", "110153", "110152", "PatientQuery"),
        ("disclosure_outcome",      &lastn,  "rest",   "operation",     "E", "110153", "110152", "PatientQuery"),
        ("disclosure_outcome",      &binary, "rest",   "read",          "R", "110152", "110153", "PatientRead"),
        ("submission_intent",       &create, "rest",   "create",        "C", "110153", "110152", "PatientCreate"),
        ("submission_outcome",      &create, "rest",   "create",        "C", "110153", "110152", "PatientCreate"),
        ("resource_refused",        &none,   "rest",   "search-type",   "E", "110153", "110152", "PatientQuery"),
        ("log_read",                &none,   "110101", "-",             "R", "-",      "110153", ""),
        ("log_exported",            &none,   "110106", "disclose",      "R", "-",      "110153", "PrivacyDisclosure.Source"),
    ];
    for (kind, members, id, subtype, action, client, server, profile) in table {
        let event = balp(&record(kind, members), &site());
        let subtyped = event["subtype"][0]["code"].as_str().unwrap_or("-");
        let codes = [event["type"]["code"].as_str().unwrap(), subtyped, event["action"].as_str().unwrap()];
        assert_eq!(codes, [id, subtype, action], "{kind}");
        assert_eq!((role_of(&event, NODE), role_of(&event, US)), (client, server), "{kind}: {event:#}");
        let named = event["meta"]["profile"][0].as_str().unwrap_or("");
        assert_eq!(named.rsplit_once("IHE.BasicAudit.").map_or("", |(_, name)| name), profile, "{kind}");
        assert_eq!(event["entity"][0]["what"]["identifier"]["system"], "urn:inzage:audit:pseudonym", "{kind}");
        check(&event);
    }
    assert!(Kind::ALL.iter().all(|kind| table.iter().any(|row| row.0 == kind.as_str())));
}

/// The profiles are about success, and about what the log knows: the same event with less names none.
#[test]
fn what_does_not_conform_names_no_profile() {
    let all = [
        ("disclosure_outcome", json!({"outcome": "failed", "reason": "his-gone"}), Some("8")),
        ("disclosure_outcome", json!({"outcome": "aborted"}), Some("4")),
        ("disclosure_intent", json!({"outcome": "intended"}), None),
        ("disclosure_outcome", json!({"access_point": null}), Some("0")),
        ("disclosure_outcome", json!({"subject": null}), Some("0")),
        ("disclosure_outcome", json!({"peer": null, "client_id": null}), Some("0")),
        ("resource_refused", json!({"outcome": "refused", "query": null, "reason": "unknown-token"}), Some("4")),
        ("submission_outcome", json!({"outcome": "refused", "query": "create Observation"}), Some("4")),
        ("consent_refused", json!({"outcome": "refused", "grant": null}), Some("4")),
        ("consent_given", json!({"outcome": "intended"}), None),
        ("consent_given", json!({"provider": null}), Some("0")),
        ("log_exported", json!({"access_point": null}), Some("0")),
        ("node_started", json!({"outcome": "failed"}), Some("12")),
    ];
    for (kind, members, outcome) in all {
        let event = balp(&record(kind, &members), &site());
        assert!(event.get("meta").is_none(), "{kind} {members}");
        assert_eq!(event.get("outcome").and_then(Value::as_str), outcome, "{kind} {members}");
        assert_eq!(event.get("outcomeDesc"), members.get("reason"), "{kind} {members}");
    }
}

/// A refused consent with a consent behind it still conforms: that profile is about permits and denials.
#[test]
fn a_denial_conforms_to_the_profile_of_decisions() {
    let event = balp(&record("consent_refused", &json!({"outcome": "refused"})), &site());
    assert_eq!(event["outcome"], "4");
    assert!(event["meta"]["profile"][0].as_str().unwrap().ends_with("AuthZconsent"));
    check(&event);
}

#[test]
fn the_person_is_the_user_and_an_operator_is_not_the_person() {
    let event = balp(&record("disclosure_outcome", &json!({})), &site());
    let user = event["agent"].as_array().unwrap().iter().find(|agent| agent["requestor"] == true).unwrap();
    assert_eq!(user["type"]["coding"][0]["code"], "IRCP");
    assert_eq!(user["purposeOfUse"][0]["coding"][0]["code"], "PATRQT");
    assert_eq!(user["policy"][0], "urn:inzage:audit:authorization:lasting_consent");
    assert_eq!(event["purposeOfEvent"][0]["coding"][0]["code"], "PATRQT");
    assert_eq!(role_of(&event, "pgo.example.nl"), "110150");

    let members = json!({"user": "operator:j.jansen", "responsible": "practice", "authorization": "operator"});
    let event = balp(&record("log_read", &members), &site());
    assert_eq!(role_of(&event, "j.jansen"), "IRCP");
    assert!(event.get("purposeOfEvent").is_none());
    let asked: Vec<_> = event["agent"].as_array().unwrap().iter().filter(|agent| agent["requestor"] == true).collect();
    assert_eq!((asked.len(), &asked[0]["who"]["identifier"]["value"]), (1, &json!("j.jansen")));
}

/// An address is that of who was at the other end: the person's browser, or the node of the client.
#[test]
fn no_address_is_given_to_who_did_not_have_it() {
    let address_of = |event: &Value, code: &str| -> Value {
        let agents = event["agent"].as_array().unwrap();
        let agent = agents.iter().find(|agent| agent["type"]["coding"][0]["code"] == code);
        agent.map_or(Value::Null, |agent| agent["network"]["address"].clone())
    };
    for kind in ["authorization_requested", "person_authenticated", "consent_given", "consent_withdrawn", "log_read"] {
        let event = balp(&record(kind, &json!({"peer": null})), &site());
        assert_eq!(address_of(&event, "110150"), "https://pgo.example.nl", "{kind}");
        let browser = event["agent"].as_array().unwrap().iter().find(|agent| agent.get("who").is_none()).unwrap();
        assert_eq!(browser["network"], json!({"address": "2001:db8::7", "type": "2"}), "{kind}");
    }
    for (kind, user) in [("token_issued", None), ("grant_ended", None), ("log_read", Some("client"))] {
        let event = balp(&record(kind, &json!({"user": user})), &site());
        assert_eq!(address_of(&event, "110150"), "2001:db8::7", "{kind}");
        assert!(event["agent"].as_array().unwrap().iter().all(|agent| agent.get("who").is_some()), "{kind}");
    }
}

#[test]
fn when_nobody_is_known_the_other_end_asked() {
    let nobody = json!({"outcome": "refused", "subject": null, "client_id": null, "grant": null, "query": null});
    let event = balp(&record("resource_refused", &nobody), &site());
    assert_eq!(event["agent"][0]["requestor"], true);
    assert_eq!(event["agent"][0]["who"]["identifier"]["value"], NODE);
    let event = balp(&record("node_started", &json!({"subject": null})), &site());
    assert_eq!((&event["agent"][0]["requestor"], event["agent"].as_array().unwrap().len()), (&json!(true), 1));
}

#[test]
fn a_kind_of_a_later_release_is_an_event_of_its_own_type() {
    let event = balp(&record("dossier_merged", &json!({"outcome": "halfway"})), &site());
    assert_eq!(event["type"], json!({"system": "urn:inzage:audit:kind", "code": "dossier_merged"}));
    assert!(event.get("outcome").is_none() && event.get("meta").is_none());
}

/// Neither null, nor an empty text, list or object anywhere (FHIR R4 json.html).
fn assert_no_hole(value: &Value) {
    match value {
        Value::Null => panic!("null"),
        Value::String(text) => {
            assert!(!text.trim().is_empty() && text.trim() == text && !text.chars().any(char::is_control), "{text:?}");
        }
        Value::Array(items) => {
            assert!(!items.is_empty());
            items.iter().for_each(assert_no_hole);
        }
        Value::Object(members) => {
            assert!(!members.is_empty());
            members.values().for_each(assert_no_hole);
        }
        Value::Bool(_) | Value::Number(_) => {}
    }
}

proptest! {
    #[test]
    fn any_record_gives_an_event_that_keeps_what_it_claims(event in any_event(), index: u64) {
        let mut payload = Vec::new();
        encode(&event, LOG, &mut payload);
        let record = Record::parse(index, &payload).unwrap();
        let event = balp(&record, &site());
        assert_no_hole(&event);
        check(&event);
        prop_assert!(event["id"].as_str().unwrap().len() <= 64);
        prop_assert!(!event.to_string().contains("sealed"));
        prop_assert!(event["agent"].as_array().unwrap().iter().any(|agent| agent["requestor"] == true));
    }
}
