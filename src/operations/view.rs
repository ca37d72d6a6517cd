//! What is shown of a node: the same values as JSON, in the OpenAPI document and on the pages. No personal data of patients is
//! in them; who stopped something is shown to those only who may review that.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::practices::golive::places::Change;
use crate::practices::golive::{Entrance, Stage};
use crate::routing::Snapshot;

/// The node as a whole.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NodeView {
    /// Its name.
    pub name: String,
    /// The release that runs.
    pub version: &'static str,
    /// `production`, or what else the configuration says.
    pub environment: &'static str,
    /// SHA-256 of the configuration, in hexadecimal.
    pub configuration: String,
    /// `starting`, `serving` or `draining`.
    pub state: &'static str,
    /// Whether requests can be served.
    pub ready: bool,
    /// Each part by name: `ok`, or why not.
    pub parts: BTreeMap<&'static str, String>,
    /// What needs an operator.
    pub alarms: Vec<AlarmView>,
}

/// Something that needs an operator although the node goes on.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AlarmView {
    /// Its name; alerts are built on it.
    pub alarm: &'static str,
    /// What exactly.
    pub detail: String,
}

/// Practices, by provider name.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PracticesView {
    /// How many there are.
    pub total: usize,
    /// These of them.
    pub practices: Vec<PracticeView>,
    /// Ask again with `after` this for the next ones; absent at the end.
    pub next: Option<String>,
}

/// One practice.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PracticeView {
    /// Its name in the network.
    pub provider: String,
    /// Its name for people.
    pub name: String,
    /// Its town.
    pub place: String,
    /// The HIS that holds its records.
    pub his: String,
    /// `open` or `closed`, as the configuration has it.
    pub state: &'static str,
    /// Lines recorded before this day stay hidden.
    pub access_start: String,
    /// The services that it gives now, by the ZAL or the catalogue.
    pub services: Vec<String>,
    /// `stopped`, `stopped-his` or `stopped-practice`, when an operator has stopped it.
    pub stopped: Option<&'static str>,
}

/// Clients, by client_id.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ClientsView {
    /// How many there are.
    pub total: usize,
    /// These of them.
    pub clients: Vec<ClientView>,
    /// Ask again with `after` this for the next ones; absent at the end.
    pub next: Option<String>,
}

/// One client.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ClientView {
    /// Its client_id.
    pub client_id: String,
    /// The organisation behind it.
    pub name: String,
    /// `pgo`, which exists by the OAuth client list, or `portal`, which exists by our register.
    pub kind: &'static str,
    /// `stopped` or `stopped-client`, when an operator has stopped it.
    pub stopped: Option<&'static str>,
}

/// An installation of a practice information system.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HisView {
    /// Its id in the configuration.
    pub id: String,
    /// How it speaks.
    pub dialect: &'static str,
    /// How many of our practices it holds.
    pub practices: usize,
    /// Its endpoints.
    pub endpoints: Vec<EndpointView>,
    /// `stopped` or `stopped-his`, when an operator has stopped it.
    pub stopped: Option<&'static str>,
}

/// One endpoint of an installation, since the start of the node.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EndpointView {
    /// What it is for: `fhir`, `r4`, `rest` or `token`.
    pub endpoint: &'static str,
    /// The host.
    pub host: String,
    /// `closed`: it is asked; `open`: it keeps failing and is left alone; `half_open`: one request tries it.
    pub breaker: &'static str,
    /// Requests under way.
    pub in_flight: usize,
    /// Requests that were sent a second time.
    pub repeated: u64,
    /// How exchanges ended, and how often.
    pub endings: BTreeMap<&'static str, u64>,
}

/// One of the four lists.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ListView {
    /// `ZAL`, `OCL`, `WHL` or `GNL`.
    pub list: String,
    /// Its number (*Volgnummer*).
    pub sequence: u64,
    /// When it was published.
    pub published: String,
    /// Seconds since the publisher last gave it.
    pub age_seconds: u64,
    /// How many entries it has.
    pub entries: usize,
    /// What changed when it came into force, since the start of the node.
    pub change: Option<ChangeView>,
}

/// What changed between two copies of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChangeView {
    /// The number of the copy before.
    pub before: u64,
    /// When the newer one came into force.
    pub at: String,
    /// What is new.
    pub added: NamesView,
    /// What is no longer there.
    pub gone: NamesView,
    /// What is there with other facts.
    pub changed: NamesView,
}

/// Names, of which there may be many.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct NamesView {
    /// How many.
    pub count: usize,
    /// The first of them, 100 at most.
    pub names: Vec<String>,
}

/// Something that is stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StopView {
    /// `everything`, `client:<client_id>`, `his:<id>` or `practice:<provider>`.
    pub target: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: String,
}

/// A stop, who was behind it, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PastStopView {
    /// Which stop; the id in the audit log.
    pub id: String,
    /// What was stopped.
    pub target: String,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When.
    pub since: String,
    /// Who let it go on, when somebody has.
    pub lifted_by: Option<String>,
    /// When.
    pub lifted: Option<String>,
}

/// A wish to stop something.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct StopWish {
    /// Why: 10 to 500 characters on one line, without a BSN. Patients do not see it.
    #[schema(pattern = r"^[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]{8,498}[^\s\x00-\x1f\x7f-\x9f]$")]
    pub reason: String,
}

/// The level of our own events in the technical log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LevelView {
    /// What is logged now: `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    /// What the configuration says.
    pub configured: String,
    /// When it goes back to that by itself.
    pub until: Option<String>,
}

/// A wish for another level.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct LevelWishView {
    /// One of `error`, `warn`, `info`, `debug` and `trace`.
    #[schema(pattern = "^(error|warn|info|debug|trace)$")]
    pub level: String,
    /// For how many minutes.
    #[serde(default = "a_quarter", deserialize_with = "whole")]
    #[schema(minimum = 1, maximum = 1440, default = 15)]
    pub minutes: u32,
}

const fn a_quarter() -> u32 {
    15
}

/// JSON Schema counts 15.0 among the integers, and so does this.
fn whole<'de, D: Deserializer<'de>>(number: D) -> Result<u32, D::Error> {
    let text = serde_json::Number::deserialize(number)?.to_string();
    text.strip_suffix(".0").unwrap_or(&text).parse().map_err(D::Error::custom)
}

/// An entrance whose stage operators set.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EntranceView {
    /// `name@medmij`, or `name@medmij~49` for one service.
    pub entrance: String,
    /// The practice's name for people, when it is one of ours.
    pub name: Option<String>,
    /// How far it is: `closed`, `field_test`, `pilot`, `open` or `paused`; absent when it is as configured again.
    pub stage: Option<&'static str>,
    /// The stage with all that it says.
    pub details: Option<serde_json::Value>,
    /// How many people have a place there.
    pub places_taken: usize,
    /// Since when.
    pub since: String,
    /// The number of the change, to be sent along with the next.
    pub number: u32,
    /// Why.
    pub reason: String,
}

impl EntranceView {
    /// A change in force.
    #[must_use]
    pub fn of(change: &Change, snapshot: &Snapshot) -> Self {
        let Entrance { provider, service } = &change.entrance;
        Self {
            entrance: change.entrance.to_string(),
            name: snapshot.practices.practice(provider.as_str()).map(|practice| practice.name.clone()),
            stage: change.stage.as_ref().map(Stage::name),
            details: details(change),
            places_taken: snapshot.people.taken(provider, service.as_ref()),
            since: moment(change.at),
            number: change.number,
            reason: change.reason.clone(),
        }
    }
}

/// A change of a stage.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StageChangeView {
    /// Its number at this entrance.
    pub number: u32,
    /// What it became; absent when it was to be as configured.
    pub stage: Option<&'static str>,
    /// The stage with all that it says.
    pub details: Option<serde_json::Value>,
    /// Why.
    pub reason: String,
    /// When.
    pub at: String,
}

impl StageChangeView {
    /// A change.
    #[must_use]
    pub fn of(change: &Change) -> Self {
        Self {
            number: change.number,
            stage: change.stage.as_ref().map(Stage::name),
            details: details(change),
            reason: change.reason.clone(),
            at: moment(change.at),
        }
    }
}

fn details(change: &Change) -> Option<serde_json::Value> {
    serde_json::to_value(change.stage.as_ref()?).ok()
}

/// What to set at an entrance.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StageWishView {
    /// `{"stage": "open"}`, or one of `closed`, `field_test`, `paused`, or a pilot with `places`, `clients`, `from` and `until`; null
    /// for as configured.
    #[schema(value_type = Object, nullable)]
    pub stage: Option<serde_json::Value>,
    /// The number of the change that was seen last; 0 for none.
    #[serde(deserialize_with = "whole")]
    pub seen: u32,
    /// Why, in 10 to 500 characters on one line, without a BSN.
    pub reason: String,
}

/// What was seen last.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UndoView {
    /// The number of the change that is to be undone: the last one.
    #[serde(deserialize_with = "whole")]
    pub seen: u32,
}

/// A test patient. The BSN goes into no log and no table.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatientView {
    /// The citizen service number.
    pub bsn: String,
    /// Whether they take part.
    pub takes_part: bool,
}

/// What became of a reload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReloadView {
    /// The keys that have other values, or other files; empty when everything is as it was.
    pub changed: Vec<String>,
    /// Why nothing was taken over, when something is not in order.
    pub refused: Option<String>,
    /// The record of it in the audit log.
    pub receipt: String,
}

/// What became of a change.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DoneView {
    /// Whether it changed anything: what is stopped already stays as it is.
    pub changed: bool,
    /// The record of it in the audit log.
    pub receipt: String,
}

/// Why something was not done.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ErrorView {
    /// A code.
    pub error: &'static str,
    /// For people.
    pub text: String,
}

/// A moment as it is shown: RFC 3339 in UTC, whole seconds.
#[must_use]
pub fn moment(at: jiff::Timestamp) -> String {
    format!("{at:.0}")
}
