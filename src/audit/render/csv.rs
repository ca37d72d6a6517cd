//! Records as a table for spreadsheets (RFC 4180): commas, quotes where needed, CRLF. A cell that a spreadsheet would take for
//! a formula has an apostrophe before it.

use csv::{Terminator, WriterBuilder};

use super::{Site, responsible, user};
use crate::audit::{Record, User};

/// The columns, in their order.
pub const COLUMNS: [&str; 28] = [
    "log",
    "index",
    "version",
    "time",
    "kind",
    "outcome",
    "reason",
    "user",
    "responsible",
    "client_id",
    "peer",
    "access_point",
    "provider",
    "service",
    "subject",
    "grant",
    "authorization",
    "relation",
    "query",
    "status",
    "entries",
    "withheld",
    "bytes",
    "intent",
    "request_id",
    "correlation_id",
    "session",
    "detail",
];

/// The line with the names of the columns.
#[must_use]
pub fn header() -> Vec<u8> {
    line(&COLUMNS.map(str::to_owned))
}

/// The line of a record.
#[must_use]
pub fn csv(record: &Record, site: &Site) -> Vec<u8> {
    line(&cells(record, site).map(guarded))
}

/// What a cell holds, without the apostrophe that guards it.
#[must_use]
pub fn unguarded(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| is_guarded(rest)).unwrap_or(cell)
}

fn cells(record: &Record, site: &Site) -> [String; 28] {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let by = |user: User| user.to_string();
    let counts = |of: fn(crate::audit::Counts) -> u64| record.counts.map(|all| of(all).to_string()).unwrap_or_default();
    [
        site.log_of(record).to_owned(),
        record.index.to_string(),
        record.version.to_string(),
        format!("{:.6}", record.time),
        record.kind.as_str().to_owned(),
        record.outcome.as_str().to_owned(),
        text(record.reason.as_deref()),
        by(user(record)),
        by(responsible(record)),
        text(record.client_id.as_ref().map(|host| host.as_str())),
        text(record.peer.as_ref().map(|host| host.as_str())),
        record.access_point.map(|address| address.to_string()).unwrap_or_default(),
        text(record.provider.as_ref().map(|name| name.as_str())),
        text(record.service.as_ref().map(|service| service.as_str())),
        text(record.subject.as_ref().map(|subject| subject.as_str())),
        record.grant.map(|id| id.to_string()).unwrap_or_default(),
        text(record.authorization.as_ref().map(|rules| rules.as_str())),
        text(record.relation.as_ref().map(|relation| relation.as_str())),
        text(record.query.as_deref()),
        record.status.map(|status| status.to_string()).unwrap_or_default(),
        counts(|all| u64::from(all.entries)),
        counts(|all| u64::from(all.withheld)),
        counts(|all| all.bytes),
        record.intent.map(|index| index.to_string()).unwrap_or_default(),
        record.request_id.map(|id| id.to_string()).unwrap_or_default(),
        record.correlation_id.map(|id| id.to_string()).unwrap_or_default(),
        record.session.map(|id| id.to_string()).unwrap_or_default(),
        text(record.detail.as_deref()),
    ]
}

fn guarded(cell: String) -> String {
    if is_guarded(&cell) { format!("'{cell}") } else { cell }
}

/// Whether a spreadsheet would take it for a formula, or it looks as if it had been guarded.
fn is_guarded(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\''])
}

fn line<const N: usize>(cells: &[String; N]) -> Vec<u8> {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    // Neither can fail: the writer writes to memory, and every line has as many cells.
    let _ = writer.write_record(cells);
    writer.into_inner().unwrap_or_default()
}
