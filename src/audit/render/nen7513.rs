//! The line of NEN 7513:2018 chapter 7: what happened (7.2), who did it, where and on whose behalf (7.3), what it was about
//! (7.4), and which system recorded it; with the Dutch additions on authorisation, treatment relation and consent. Names of
//! columns are those of RFC 3881, as the norm and the Dutch draft "Logging Digitale Zorg" use them.
//!
//! One event is one line: columns are parted by a tab, and a tab, line end or backslash within one is written as `\t`, `\n`,
//! `\r` or `\\`. A column without a value is empty. Which column is which is in [`COLUMNS`], and in [`header`].

use super::codes::{Event, outcome_indicator};
use super::{Site, responsible, user};
use crate::audit::{Kind, Record, User};

/// The columns in their order: name, and what stands there.
pub const COLUMNS: [(&str, &str); 41] = [
    // 7.2 the event
    ("EventID", "what happened: the kind of event, as the log has it"),
    ("EventTypeCode", "which event of chapter 6 it is"),
    ("EventActionCode", "C create, R read, U update, D delete, E execute"),
    ("EventDateTime", "when, in UTC, to the microsecond"),
    (
        "EventOutcomeIndicator",
        "0 done, 4 refused or broken off, 8 failed, 12 the node failed; empty for what had not ended",
    ),
    ("EventOutcomeDescription", "the outcome as the log has it, and why"),
    // 7.3 who, and where
    ("UserID", "person: the pseudonym; client: its client_id; practice: its name; operator: their name; node: its log"),
    ("AlternateUserID", "the node at the other end of the mutual TLS connection"),
    ("UserName", "empty: names of people are not recorded"),
    ("UserIsRequestor", "true when the user asked for it, false when the node did it by itself"),
    ("RoleIDCode", "person, client, practice, operator or node"),
    ("PurposeOfUse", "PATRQT: at the request of the patient"),
    ("NetworkAccessPointTypeCode", "2: an IP address"),
    ("NetworkAccessPointID", "the address of the other end"),
    ("ResponsibleUserID", "on whose behalf, as UserID"),
    ("ResponsibleRoleIDCode", "on whose behalf, as RoleIDCode"),
    ("ClientID", "the PGO or portal"),
    ("ProviderID", "the practice that answers for the data"),
    // 7.4 the person
    ("PatientTypeCode", "1: a person"),
    ("PatientTypeCodeRole", "1: patient"),
    ("PatientIDTypeCode", "what kind of id follows: a pseudonym of the BSN"),
    ("PatientID", "the pseudonym"),
    // 7.4 the data
    ("ParticipantObjectTypeCode", "2: a system object"),
    ("ParticipantObjectTypeCodeRole", "24 question, 4 resource, 13 the log"),
    ("ParticipantObjectDataLifeCycle", "1 made, 6 seen, 10 passed on, 14 ended"),
    ("ParticipantObjectName", "the data service"),
    ("ParticipantObjectQuery", "what was asked, in the words of the catalogue"),
    ("ParticipantObjectDetail", "entries, entries withheld and bytes; HTTP status"),
    ("ParticipantObjectDescription", "what else was recorded"),
    // the Dutch additions
    ("autorisatieProtocol", "under which rules access was given"),
    ("behandelrelatieProtocol", "what ties the user to the patient"),
    ("toestemmingsProfiel", "the consent"),
    ("noodprocedure", "nee: there is no emergency access"),
    // the source
    ("AuditSourceID", "the log"),
    ("AuditEnterpriseSiteID", "the organisation that runs the gateway"),
    ("AuditSourceTypeCode", "4: an application server"),
    // what ties lines together
    ("RecordIndex", "the place in the log"),
    ("IntentIndex", "of an outcome: the place of its beginning"),
    ("RequestID", "the id of the request: the client's own, or else ours"),
    ("CorrelationID", "the client's X-Correlation-ID"),
    ("SessionID", "the person's visit to our pages"),
];

/// The names of the columns, with a newline.
#[must_use]
pub fn header() -> String {
    line(&COLUMNS.map(|(name, _)| name.to_owned()))
}

/// The line of a record, with its newline.
#[must_use]
pub fn nen7513(record: &Record, site: &Site) -> String {
    line(&columns(record, site))
}

/// The columns of one line, read back; `None` when it is not one line of this form.
#[must_use]
pub fn parse(line: &str) -> Option<Vec<String>> {
    let columns: Option<Vec<_>> = line.strip_suffix('\n')?.split('\t').map(unescape).collect();
    columns.filter(|columns| columns.len() == COLUMNS.len())
}

fn columns(record: &Record, site: &Site) -> [String; 41] {
    let [event, actor, object, rest] =
        [of_event(record), of_users(record, site), of_objects(record), of_source(record, site)];
    let mut all = event.into_iter().chain(actor).chain(object).chain(rest);
    std::array::from_fn(|_| all.next().unwrap_or_default())
}

fn of_event(record: &Record) -> Vec<String> {
    let kind = record.kind.known();
    let reason = record.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    vec![
        record.kind.as_str().to_owned(),
        kind.map(|kind| kind.activity().as_str().to_owned()).unwrap_or_default(),
        kind.map_or('E', |kind| kind.action().code()).to_string(),
        format!("{:.6}", record.time),
        outcome_indicator(record).map(|code| code.to_string()).unwrap_or_default(),
        format!("{}{reason}", record.outcome.as_str()),
    ]
}

fn of_users(record: &Record, site: &Site) -> Vec<String> {
    let (user, principal) = (user(record), responsible(record));
    let patient = [&user, &principal].contains(&&User::Person) && record.subject.is_some();
    let address = record.access_point.map(|address| address.to_string()).unwrap_or_default();
    vec![
        user_id(&user, record, site),
        words(record.peer.as_ref().map(|host| host.as_str())),
        String::new(),
        (user != User::Node).to_string(),
        role(&user).to_owned(),
        words(patient.then_some("PATRQT")),
        words((!address.is_empty()).then_some("2")),
        address,
        user_id(&principal, record, site),
        role(&principal).to_owned(),
        words(record.client_id.as_ref().map(|host| host.as_str())),
        words(record.provider.as_ref().map(|name| name.as_str())),
    ]
}

fn of_objects(record: &Record) -> Vec<String> {
    let subject = record.subject.as_ref().map(|subject| subject.as_str());
    let of_a_person = |text| words(subject.and(Some(text)));
    let (object, life_cycle) = object(record);
    vec![
        of_a_person("1"),
        of_a_person("1"),
        of_a_person("urn:inzage:audit:pseudonym"),
        words(subject),
        words(object.and(Some("2"))),
        words(object),
        words(life_cycle),
        words(record.service.as_ref().map(|service| service.as_str())),
        words(record.query.as_deref()),
        amounts(record),
        words(record.detail.as_deref()),
    ]
}

fn of_source(record: &Record, site: &Site) -> Vec<String> {
    let request = record.request_id.map(|id| id.to_string()).or_else(|| record.local_id.map(|id| id.to_string()));
    vec![
        words(record.authorization.as_ref().map(|rules| rules.as_str())),
        words(record.relation.as_ref().map(|relation| relation.as_str())),
        record.grant.map(|id| id.to_string()).unwrap_or_default(),
        words(record.subject.as_ref().and(Some("nee"))),
        site.log_of(record).to_owned(),
        words(site.operator.as_deref()),
        "4".to_owned(),
        record.index.to_string(),
        record.intent.map(|index| index.to_string()).unwrap_or_default(),
        request.unwrap_or_default(),
        record.correlation_id.map(|id| id.to_string()).unwrap_or_default(),
        record.session.map(|id| id.to_string()).unwrap_or_default(),
    ]
}

fn words(text: Option<&str>) -> String {
    text.unwrap_or_default().to_owned()
}

/// Who somebody is. A person of whom nothing is known yet, a client that did not name itself: empty.
fn user_id(user: &User, record: &Record, site: &Site) -> String {
    match user {
        User::Person => words(record.subject.as_ref().map(|subject| subject.as_str())),
        User::Client => words(record.client_id.as_ref().map(|host| host.as_str())),
        User::Practice => words(record.provider.as_ref().map(|name| name.as_str())),
        User::Operator(name) => name.to_string(),
        User::Node => site.log_of(record).to_owned(),
    }
}

const fn role(user: &User) -> &'static str {
    match user {
        User::Person => "person",
        User::Client => "client",
        User::Practice => "practice",
        User::Operator(_) => "operator",
        User::Node => "node",
    }
}

/// The role of the object (RFC 3881 section 5.5.2), and what became of it there (section 5.5.3).
fn object(record: &Record) -> (Option<&'static str>, Option<&'static str>) {
    match record.kind.known() {
        Some(Kind::DisclosureIntent | Kind::DisclosureOutcome | Kind::ResourceRefused) => {
            // A search is `E` in the profile of FHIR; its object is the question.
            let question = Event::of(record).action == 'E';
            (Some(if question { "24" } else { "4" }), Some("6"))
        }
        Some(Kind::SubmissionIntent | Kind::SubmissionOutcome) => (Some("4"), Some("1")),
        Some(Kind::LogRead) => (Some("13"), Some("6")),
        Some(Kind::LogExported) => (Some("13"), Some("10")),
        Some(Kind::ConsentGiven) => (Some("4"), Some("1")),
        Some(Kind::ConsentWithdrawn | Kind::GrantEnded) => (Some("4"), Some("14")),
        Some(
            Kind::NodeStarted
            | Kind::NodeStopped
            | Kind::ConfigurationChanged
            | Kind::ListsSwapped
            | Kind::ListsAccepted
            | Kind::AccessStopped
            | Kind::AccessRestored
            | Kind::GoLiveChanged
            | Kind::OverviewRead
            | Kind::Administration
            | Kind::AuthorizationRequested
            | Kind::AuthorizationRefused
            | Kind::PersonAuthenticated
            | Kind::AuthenticationFailed
            | Kind::ConsentRefused
            | Kind::TokenIssued
            | Kind::TokenRefused,
        )
        | None => (None, None),
    }
}

fn amounts(record: &Record) -> String {
    let counts = record
        .counts
        .map(|counts| format!("entries={} withheld={} bytes={}", counts.entries, counts.withheld, counts.bytes));
    let status = record.status.map(|status| format!("status={status}"));
    counts.into_iter().chain(status).collect::<Vec<_>>().join(" ")
}

fn line(columns: &[String; 41]) -> String {
    let mut line = columns.each_ref().map(|column| escape(column)).join("\t");
    line.push('\n');
    line
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            _ => out.push(character),
        }
    }
    out
}

fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        out.push(match character {
            '\\' => match characters.next()? {
                '\\' => '\\',
                't' => '\t',
                'n' => '\n',
                'r' => '\r',
                _ => return None,
            },
            '\r' | '\n' => return None,
            _ => character,
        });
    }
    Some(out)
}
