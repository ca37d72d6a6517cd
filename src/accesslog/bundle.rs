//! What was found as FHIR: the records as AuditEvents of R4 (IHE BALP 1.1), in a Bundle.

use serde_json::{Value, json};

use super::{AccessLog, Looked};
use crate::audit::render::{balp, full_url};

impl AccessLog {
    /// A page of a search: entries under `base`, and where the next page is.
    #[must_use]
    pub fn searchset(&self, looked: &Looked, base: &str, self_link: &str, next: Option<&str>) -> Vec<u8> {
        let entry = |event: Value| {
            let address = format!("{base}/AuditEvent/{}", event.get("id").and_then(Value::as_str).unwrap_or_default());
            json!({"fullUrl": address, "resource": event, "search": {"mode": "match"}})
        };
        let told = self.reservation(looked).map(|outcome| json!({"resource": outcome, "search": {"mode": "outcome"}}));
        let entries: Vec<_> = self.events(looked).map(entry).chain(told).collect();
        let next = next.map(|url| json!({"relation": "next", "url": url}));
        let links: Vec<_> = [json!({"relation": "self", "url": self_link})].into_iter().chain(next).collect();
        bundle("searchset", entries, Some(links))
    }

    /// Everything at once, as a file.
    #[must_use]
    pub fn collection(&self, looked: &Looked) -> Vec<u8> {
        let records = looked.records().iter().zip(self.events(looked));
        let entries =
            records.map(|(record, event)| json!({"fullUrl": full_url(record, &self.site), "resource": event}));
        bundle("collection", entries.collect(), None)
    }

    fn events(&self, looked: &Looked) -> impl Iterator<Item = Value> {
        looked.records().iter().map(|record| balp(record, &self.site))
    }

    /// What may be missing: what is not in the index yet, and what another release wrote.
    fn reservation(&self, looked: &Looked) -> Option<Value> {
        let late = match looked.complete_until() {
            Some(until) => (until < self.clock.now()).then(|| format!("complete until {until}")),
            None => Some("not complete yet".to_owned()),
        };
        let unread = Some(looked.unreadable()).filter(|count| *count > 0);
        let unread = unread.map(|count| format!("{count} records are of a form that this release cannot read"));
        let issue = |text: String| json!({"severity": "information", "code": "incomplete", "diagnostics": text});
        let issues: Vec<_> = late.into_iter().chain(unread).map(issue).collect();
        (!issues.is_empty()).then(|| json!({"resourceType": "OperationOutcome", "issue": issues}))
    }
}

/// FHIR knows no empty arrays.
fn bundle(kind: &str, entries: Vec<Value>, links: Option<Vec<Value>>) -> Vec<u8> {
    let mut bundle = json!({"resourceType": "Bundle", "type": kind});
    if let Some(members) = bundle.as_object_mut() {
        members.extend(links.map(|links| ("link".to_owned(), links.into())));
        members.extend((!entries.is_empty()).then(|| ("entry".to_owned(), entries.into())));
    }
    bundle.to_string().into_bytes()
}
