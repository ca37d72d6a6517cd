//! A request of the past as it is asked for and shown, without who the person is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::view::moment;
use crate::audit::Record;
use crate::catalogue::Entry;
use crate::explain::past::{Past, Stood, check_of};

/// Which request is looked up, and why.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PastWish {
    /// Our number of the request, or its `MedMij-Request-ID`.
    pub id: String,
    /// The day it was, in the Netherlands, as 2026-11-22; not needed with our number.
    pub day: Option<String>,
    /// Why: 10 to 500 characters on one line, without a BSN.
    pub reason: String,
}

/// What is on record of a request, and what stood when it came.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PastView {
    /// The records, oldest first; none when it is not known on that day.
    pub records: Vec<RecordView>,
    /// The newest lists, configuration and stage before it, and the stops that were in force.
    pub stood: Vec<StoodView>,
    /// Whether so much happened that day that not all of it was looked through.
    pub is_cut: bool,
    /// The record of this look in the audit log.
    pub receipt: String,
}

/// A record of a request.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RecordView {
    /// When.
    pub at: String,
    /// The log, and its place there.
    pub record: String,
    /// What happened.
    pub kind: String,
    /// How it ended.
    pub outcome: String,
    /// Why, as a code of the catalogue.
    pub reason: Option<String>,
    /// The step of the decision at which it was refused, when it was there.
    pub step: Option<&'static str>,
    /// Who can act on the reason.
    pub who: Option<&'static str>,
    /// What people are told of the reason, in Dutch.
    pub text: Option<&'static str>,
    /// What developers are told of it.
    pub diagnostics: Option<&'static str>,
    /// The PGO or portal.
    pub client: Option<String>,
    /// The node at the other end.
    pub peer: Option<String>,
    /// The practice.
    pub provider: Option<String>,
    /// The service.
    pub service: Option<String>,
    /// What was asked, in the catalogue's words.
    pub query: Option<String>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// Our number of the request.
    pub local_id: Option<String>,
    /// The client's `MedMij-Request-ID`.
    pub request_id: Option<String>,
}

/// Something that stood.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StoodView {
    /// `lists`, `configuration`, `stage` or `stop`.
    pub what: &'static str,
    /// Since when.
    pub since: String,
    /// What it was.
    pub detail: String,
    /// The log, and the place of the record there.
    pub record: String,
}

impl PastView {
    /// What was found, beside the receipt of the look.
    #[must_use]
    pub fn of(past: &Past, receipt: String) -> Self {
        Self {
            records: past.records.iter().map(RecordView::from).collect(),
            stood: past.stood.as_ref().map(stood).unwrap_or_default(),
            is_cut: past.is_cut,
            receipt,
        }
    }
}

fn place(record: &Record) -> String {
    format!("{}:{}", record.source.as_deref().unwrap_or_default(), record.index)
}

fn stood(stood: &Stood) -> Vec<StoodView> {
    let Stood { lists, configuration, stage, stops } = stood;
    let one = [("lists", lists), ("configuration", configuration), ("stage", stage)];
    let one = one.into_iter().filter_map(|(what, record)| Some((what, record.as_ref()?)));
    let all = one.chain(stops.iter().map(|record| ("stop", record)));
    let shown = all.map(|(what, record)| StoodView {
        what,
        since: moment(record.time),
        detail: record.detail.as_deref().unwrap_or_default().to_owned(),
        record: place(record),
    });
    shown.collect()
}

impl From<&Record> for RecordView {
    fn from(record: &Record) -> Self {
        let entry = record.reason.as_deref().and_then(Entry::find);
        Self {
            at: moment(record.time),
            record: place(record),
            kind: record.kind.as_str().to_owned(),
            outcome: record.outcome.as_str().to_owned(),
            reason: record.reason.as_deref().map(str::to_owned),
            step: record.reason.as_deref().and_then(check_of).map(crate::routing::Check::name),
            who: entry.map(|entry| entry.who().as_str()),
            text: entry.map(Entry::nl),
            diagnostics: entry.map(Entry::diagnostics),
            client: record.client_id.as_ref().map(ToString::to_string),
            peer: record.peer.as_ref().map(ToString::to_string),
            provider: record.provider.as_ref().map(ToString::to_string),
            service: record.service.as_ref().map(ToString::to_string),
            query: record.query.as_deref().map(str::to_owned),
            status: record.status,
            local_id: record.local_id.map(|id| id.to_string()),
            request_id: record.request_id.map(|id| id.to_string()),
        }
    }
}
