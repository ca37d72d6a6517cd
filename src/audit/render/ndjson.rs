//! A record as one line of JSON: all of its members by the names that they have in the log, with the log and the index first.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Site;
use crate::audit::{Counts, Record};

/// The line, with its newline. The sealed BSN is the one member that is left out: it opens with a key, and copies of the log
/// outlive keys.
#[must_use]
pub fn ndjson(record: &Record, site: &Site) -> String {
    let mut line = format!("{{\"log\":{},\"index\":{}", Value::from(site.log_of(record)), record.index);
    for (name, value) in members(record) {
        if !value.is_null() {
            let _ = write!(line, ",\"{name}\":{value}");
        }
    }
    line.push_str("}\n");
    line
}

fn members(record: &Record) -> [(&'static str, Value); 26] {
    let id = |id: Option<String>| Value::from(id);
    let text = |text: Option<&str>| Value::from(text);
    [
        ("v", record.version.into()),
        ("time", format!("{:.6}", record.time).into()),
        ("kind", record.kind.as_str().into()),
        ("outcome", record.outcome.as_str().into()),
        ("reason", text(record.reason.as_deref())),
        ("local_id", id(record.local_id.map(|id| id.to_string()))),
        ("request_id", id(record.request_id.map(|id| id.to_string()))),
        ("correlation_id", id(record.correlation_id.map(|id| id.to_string()))),
        ("session", id(record.session.map(|id| id.to_string()))),
        ("client_id", text(record.client_id.as_ref().map(|host| host.as_str()))),
        ("peer", text(record.peer.as_ref().map(|host| host.as_str()))),
        ("access_point", id(record.access_point.map(|address| address.to_string()))),
        ("provider", text(record.provider.as_ref().map(|name| name.as_str()))),
        ("service", text(record.service.as_ref().map(|id| id.as_str()))),
        ("user", id(record.user.as_ref().map(ToString::to_string))),
        ("responsible", id(record.responsible.as_ref().map(ToString::to_string))),
        ("authorization", text(record.authorization.as_ref().map(|rules| rules.as_str()))),
        ("relation", text(record.relation.as_ref().map(|relation| relation.as_str()))),
        ("subject", text(record.subject.as_ref().map(|subject| subject.as_str()))),
        ("grant", id(record.grant.map(|id| id.to_string()))),
        ("query", text(record.query.as_deref())),
        ("intent", record.intent.into()),
        ("status", record.status.into()),
        ("counts", record.counts.map_or(Value::Null, counts)),
        ("detail", text(record.detail.as_deref())),
        ("cut", record.cut.then_some(true).into()),
    ]
}

fn counts(Counts { entries, withheld, bytes }: Counts) -> Value {
    json!({"entries": entries, "withheld": withheld, "bytes": bytes})
}
