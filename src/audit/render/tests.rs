//! What the forms hold, for every kind, against what the profiles and formats ask: written from their texts.

mod forms;
mod profiles;
mod snapshots;

use serde_json::{Value, json};

use super::Site;
use crate::audit::Record;

fn site() -> Site {
    Site {
        log: "inzage-a-00000000000000ff".into(),
        operator: Some("Gezondheidsnet Voorbeeld".into()),
        host: Some("inzage.example.nl".into()),
    }
}

/// A record of version 2 of this kind that was done, with every member that it may have, and these.
fn record(kind: &str, members: &Value) -> Record {
    let mut all = json!({
        "v": 2,
        "time": "2026-11-21T09:30:00.123456Z",
        "kind": kind,
        "outcome": "done",
        "source": "inzage-a-00000000000000ff",
        "local_id": "0193515a-8a5c-7cc0-8a55-7d3b1f6f0a01",
        "request_id": "5c0f6f0e-6a0b-4a43-9d2e-2f1f8a9e6b02",
        "correlation_id": "b6f0f1de-3a0c-4d52-8a54-0d1f4b7a9c03",
        "session": "0193515a-8a5c-7cc0-8a55-7d3b1f6f0a05",
        "client_id": "pgo.example.nl",
        "peer": "node.pgo.example.nl",
        "access_point": "2001:db8::7",
        "provider": "huisarts.delinde@medmij",
        "service": "49",
        "authorization": "lasting_consent",
        "relation": "own_record",
        "subject": format!("2026:{}", "ab".repeat(32)),
        "sealed": "2026:c2VhbGVk",
        "grant": "0193515a-8a5c-7cc0-8a55-7d3b1f6f0a04",
        "query": "Observation?code=http://loinc.org|8480-6",
        "status": 200,
        "counts": {"entries": 3, "withheld": 1, "bytes": 8192},
    });
    for (name, value) in members.as_object().unwrap() {
        all[name] = value.clone();
    }
    all.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    Record::parse(41, all.to_string().as_bytes()).unwrap()
}
