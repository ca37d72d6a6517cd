//! A record as the audit message of DICOM (PS3.15 A.5), and that message as syslog (RFC 5424) the way IHE ITI-20 sends it over
//! TLS (RFC 5425).

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::codes::{self, APPLICATION, Code, DESTINATION, EXPORT, Event, IMPORT, Pattern, QUERY, SOURCE};
use super::interaction::Interaction;
use super::{Site, responsible, user};
use crate::audit::{Record, User};

/// Facility 10 (security and authorization), severity 5 (notice): ITI TF-2 section 3.20.4.1.2.
const PRIORITY: u8 = 10 * 8 + 5;

/// The frame that goes over TLS: the number of octets, a space, and the message (RFC 5425 section 4.3).
#[must_use]
pub fn frame(record: &Record, site: &Site) -> Vec<u8> {
    let message = syslog(record, site);
    let mut frame = format!("{} ", message.len()).into_bytes();
    frame.extend_from_slice(message.as_bytes());
    frame
}

/// The message of RFC 5424: version 1, our name as application, no process and no structured data. IHE wants no byte order mark.
#[must_use]
pub fn syslog(record: &Record, site: &Site) -> String {
    let (time, host, xml) = (record.time, token(site.name()), message(record, site));
    format!("<{PRIORITY}>1 {time:.6} {host} inzage - IHE+RFC-3881 - {xml}")
}

/// The audit message.
#[must_use]
pub fn message(record: &Record, site: &Site) -> String {
    let event = Event::of(record);
    let mut xml = Xml(String::with_capacity(2_048));
    xml.0.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    xml.open("AuditMessage", &[]);
    identify(&mut xml, record, event);
    participants(&mut xml, record, site, event.pattern);
    let mut source = vec![("AuditSourceID", site.log_of(record))];
    source.extend(site.operator.as_deref().map(|operator| ("AuditEnterpriseSiteID", operator)));
    xml.open("AuditSourceIdentification", &source);
    // 4: an application server process.
    xml.empty("AuditSourceTypeCode", &[("csd-code", "4")]);
    xml.close("AuditSourceIdentification");
    objects(&mut xml, record, site, event.pattern);
    xml.close("AuditMessage");
    xml.0
}

fn identify(xml: &mut Xml, record: &Record, event: Event<'_>) {
    // An intent has no outcome yet, and the schema wants one: nothing has gone wrong, and the description says the rest.
    let outcome = codes::outcome_indicator(record).unwrap_or_default().to_string();
    let (action, time) = (event.action.to_string(), format!("{:.6}", record.time));
    let attributes = [("EventActionCode", &*action), ("EventDateTime", &*time), ("EventOutcomeIndicator", &*outcome)];
    xml.open("EventIdentification", &attributes);
    let kind = record.kind.as_str();
    match event_id(event) {
        Some(id) => xml.code("EventID", id),
        None => xml.coded("EventID", kind, "Inzage", kind),
    }
    if let Some(subtype) = event.subtype {
        xml.code("EventTypeCode", subtype);
    }
    xml.coded("EventTypeCode", kind, "Inzage", kind);
    let reason = record.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    xml.text("EventOutcomeDescription", &format!("{}{reason}", record.outcome.as_str()));
    xml.close("EventIdentification");
}

/// DICOM has no event for the RESTful API, but one for what each interaction is.
const fn event_id(event: Event<'_>) -> Option<Code> {
    match event.pattern {
        Pattern::Rest(Interaction::Read(_)) => Some(EXPORT),
        Pattern::Rest(Interaction::Create(_)) => Some(IMPORT),
        Pattern::Rest(Interaction::Search(_) | Interaction::Operation(_) | Interaction::Unknown) => Some(QUERY),
        Pattern::Consent | Pattern::Token | Pattern::Login | Pattern::Disclosure | Pattern::LogUsed | Pattern::Node => {
            event.id
        }
    }
}

fn participants(xml: &mut Xml, record: &Record, site: &Site, pattern: Pattern<'_>) {
    let (theirs, ours) = match pattern {
        Pattern::Rest(Interaction::Read(_)) | Pattern::Disclosure | Pattern::LogUsed => (Some(DESTINATION), SOURCE),
        Pattern::Rest(_) => (Some(SOURCE), DESTINATION),
        Pattern::Consent | Pattern::Token | Pattern::Login | Pattern::Node => (None, APPLICATION),
    };
    let (user, principal) = (user(record), responsible(record));
    let address = record.access_point.map(|address| address.to_string());
    let peer = record.peer.as_ref().map(|host| host.as_str());
    if user != User::Node {
        let who = Participant { id: user_id(&user, record), alternative: peer, requests: true, role: theirs };
        xml.participant(&who, address.as_deref().map(|address| (address, "2")));
    }
    if principal != user {
        let who = Participant { id: user_id(&principal, record), alternative: None, requests: false, role: None };
        xml.participant(&who, None);
    }
    let us = Participant {
        id: site.log_of(record).into(),
        alternative: None,
        requests: user == User::Node,
        role: Some(ours),
    };
    xml.participant(&us, Some((site.name(), "1")));
}

fn user_id<'a>(user: &'a User, record: &'a Record) -> Cow<'a, str> {
    let known = match user {
        User::Person => record.subject.as_ref().map(|subject| subject.as_str()),
        User::Client => record.client_id.as_ref().map(|host| host.as_str()),
        User::Practice => record.provider.as_ref().map(|name| name.as_str()),
        User::Operator(name) => Some(&**name),
        User::Node => None,
    };
    // The schema wants somebody; whoever it was stayed unknown.
    known.map_or_else(|| user.to_string().into(), Cow::from)
}

fn objects(xml: &mut Xml, record: &Record, site: &Site, pattern: Pattern<'_>) {
    if let Some(subject) = &record.subject {
        let patient = [("ParticipantObjectID", subject.as_str()), (TYPE, "1"), (ROLE, "1")];
        xml.open(OBJECT, &patient);
        xml.coded(ID_TYPE, "2", "RFC-3881", "Patient Number");
        xml.close(OBJECT);
    }
    if let (Pattern::Rest(interaction), Some(query)) = (pattern, record.query.as_deref()) {
        asked(xml, interaction, query);
    }
    recorded(xml, record, site);
}

const OBJECT: &str = "ParticipantObjectIdentification";
const ID_TYPE: &str = "ParticipantObjectIDTypeCode";
const TYPE: &str = "ParticipantObjectTypeCode";
const ROLE: &str = "ParticipantObjectTypeCodeRole";

fn asked(xml: &mut Xml, interaction: Interaction<'_>, query: &str) {
    let (role, id_type, meaning) = match interaction {
        Interaction::Read(_) | Interaction::Create(_) => ("4", "12", "URI"),
        Interaction::Search(_) | Interaction::Operation(_) | Interaction::Unknown => ("24", "10", "Search Criteria"),
    };
    let resource = match interaction {
        // One document by what stands for its id.
        Interaction::Read(_) => query,
        Interaction::Search(_) | Interaction::Operation(_) | Interaction::Create(_) | Interaction::Unknown => {
            interaction.resource().unwrap_or("unknown")
        }
    };
    xml.open(OBJECT, &[("ParticipantObjectID", resource), (TYPE, "2"), (ROLE, role)]);
    xml.coded(ID_TYPE, id_type, "RFC-3881", meaning);
    xml.text("ParticipantObjectQuery", &STANDARD.encode(query));
    xml.close(OBJECT);
}

/// The record in our log, with what DICOM has no place for.
fn recorded(xml: &mut Xml, record: &Record, site: &Site) {
    let place = format!("{}/{}", site.log_of(record), record.index);
    xml.open(OBJECT, &[("ParticipantObjectID", &place), (TYPE, "2"), (ROLE, "13")]);
    xml.coded(ID_TYPE, "12", "RFC-3881", "URI");
    xml.text("ParticipantObjectName", "Security Audit Log");
    let details = [
        ("request_id", record.request_id.map(|id| id.to_string())),
        ("correlation_id", record.correlation_id.map(|id| id.to_string())),
        ("local_id", record.local_id.map(|id| id.to_string())),
        ("session", record.session.map(|id| id.to_string())),
        ("grant", record.grant.map(|id| id.to_string())),
        ("provider", record.provider.as_ref().map(|name| name.as_str().to_owned())),
        ("service", record.service.as_ref().map(|service| service.as_str().to_owned())),
        ("client_id", record.client_id.as_ref().map(|host| host.as_str().to_owned())),
        ("authorization", record.authorization.as_ref().map(|rules| rules.as_str().to_owned())),
        ("relation", record.relation.as_ref().map(|relation| relation.as_str().to_owned())),
        ("intent", record.intent.map(|index| index.to_string())),
        ("status", record.status.map(|status| status.to_string())),
        ("detail", record.detail.as_deref().map(str::to_owned)),
    ];
    for (name, value) in details.iter().filter_map(|(name, value)| Some((name, value.as_deref()?))) {
        xml.empty("ParticipantObjectDetail", &[("type", name), ("value", &STANDARD.encode(value))]);
    }
    xml.close(OBJECT);
}

struct Participant<'a> {
    id: Cow<'a, str>,
    alternative: Option<&'a str>,
    requests: bool,
    role: Option<Code>,
}

/// XML being written. Element and attribute names are ours; values are escaped.
struct Xml(String);

impl Xml {
    fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.start(name, attributes);
        self.0.push('>');
    }

    fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.start(name, attributes);
        self.0.push_str("/>");
    }

    fn start(&mut self, name: &str, attributes: &[(&str, &str)]) {
        let _ = write!(self.0, "<{name}");
        for (attribute, value) in attributes {
            let _ = write!(self.0, " {attribute}=\"");
            self.escape(value);
            self.0.push('"');
        }
    }

    fn close(&mut self, name: &str) {
        let _ = write!(self.0, "</{name}>");
    }

    fn text(&mut self, name: &str, text: &str) {
        self.open(name, &[]);
        self.escape(text);
        self.close(name);
    }

    fn code(&mut self, element: &str, Code { system, code, display }: Code) {
        let system = match system {
            codes::DCM => "DCM",
            codes::IHE => "IHE Transactions",
            _ => system,
        };
        self.coded(element, code, system, display);
    }

    fn coded(&mut self, element: &str, code: &str, system: &str, text: &str) {
        self.empty(element, &[("csd-code", code), ("codeSystemName", system), ("originalText", text)]);
    }

    fn participant(&mut self, who: &Participant<'_>, network: Option<(&str, &str)>) {
        let mut attributes = vec![("UserID", &*who.id)];
        attributes.extend(who.alternative.map(|id| ("AlternativeUserID", id)));
        attributes.push(("UserIsRequestor", if who.requests { "true" } else { "false" }));
        if let Some((id, code)) = network {
            attributes.extend([("NetworkAccessPointID", id), ("NetworkAccessPointTypeCode", code)]);
        }
        self.open("ActiveParticipant", &attributes);
        if let Some(role) = who.role {
            self.code("RoleIDCode", role);
        }
        self.close("ActiveParticipant");
    }

    /// What XML 1.0 cannot hold (section 2.2) becomes a space, and so do line ends: a message is one line.
    fn escape(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => self.0.push(' '),
                _ => self.0.push(character),
            }
        }
    }
}

/// A HOSTNAME of RFC 5424: printable ASCII, at most 255.
fn token(text: &str) -> String {
    let plain: String = text.chars().filter(char::is_ascii_graphic).take(255).collect();
    if plain.is_empty() { "-".to_owned() } else { plain }
}
