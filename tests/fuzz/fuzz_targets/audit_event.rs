//! Any event: encoded within the bound, on one line, and what `show` prints for it says what the event says.

#![no_main]

use std::fmt::Display;

use inzage::audit::{AuditEvent, Counts, Kind, MAX_PAYLOAD_BYTES, Outcome, Pseudonym, SealedBsn, Subject, encode};
use inzage::medmij::{CorrelationId, Hostname, LocalId, ProviderName, RequestId, ServiceId};
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

#[path = "audit/folder.rs"]
mod folder;

const KINDS: [Kind; 4] = [Kind::NodeStarted, Kind::ConsentGiven, Kind::DisclosureIntent, Kind::DisclosureOutcome];
const OUTCOMES: [Outcome; 5] = [Outcome::Intended, Outcome::Done, Outcome::Refused, Outcome::Failed, Outcome::Aborted];
/// What a text may take after escaping, so that the longest is never cut.
const NEVER_CUT: usize = 6 * 1024 / 6;

fn id(u: &mut Unstructured<'_>) -> Result<String> {
    let [a, b] = [u.arbitrary::<u64>()?, u.arbitrary::<u64>()?];
    let hex = format!("{a:016x}{b:016x}");
    let groups = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)].map(|(from, to)| &hex[from..to]);
    Ok(groups.join("-"))
}

fn event(u: &mut Unstructured<'_>) -> Result<AuditEvent> {
    let time = jiff::Timestamp::from_microsecond(u.int_in_range(0..=253_402_207_199_000_000)?).expect("a moment");
    let mut event = AuditEvent::new(time, *u.choose(&KINDS)?, *u.choose(&OUTCOMES)?);
    event.reason = *u.choose(&[None, Some("no_consent"), Some("wrong\n\"kind\"")])?;
    event.local_id = LocalId::parse(&id(u)?).filter(|_| u.ratio(1, 2).unwrap_or_default());
    event.request_id = RequestId::parse(&id(u)?);
    event.correlation_id = CorrelationId::parse(&id(u)?);
    event.client_id = Hostname::parse(u.arbitrary()?).ok();
    event.provider = ProviderName::parse_short(u.arbitrary()?).ok();
    event.service = ServiceId::parse(u.arbitrary()?).ok();
    let (key, hash): (&str, [u8; 32]) = (u.arbitrary()?, u.arbitrary()?);
    let sealed = SealedBsn::parse("2026:c2VhbGVk").expect("a sealed value");
    event.subject = Some(Subject { pseudonym: Pseudonym::new(key, hash), sealed });
    event.intent = u.arbitrary()?;
    event.status = u.arbitrary()?;
    let counts: Option<(u32, u32, u64)> = u.arbitrary()?;
    event.counts = counts.map(|(entries, withheld, bytes)| Counts { entries, withheld, bytes });
    event.query = u.arbitrary::<Option<&str>>()?.map(Into::into);
    event.detail = u.arbitrary::<Option<&str>>()?.map(Into::into);
    Ok(event)
}

/// The member is the value, or `null` or absent when there is none.
fn says(line: &Value, name: &str, value: Option<impl Display>) {
    let found = line.get(name).filter(|found| !found.is_null());
    assert_eq!(found.and_then(Value::as_str), value.map(|value| value.to_string()).as_deref(), "{name}");
}

/// As [`says`]; a long text may be cut, and then the record says so.
fn says_all_or_cut(line: &Value, name: &str, value: Option<&str>) {
    match value.filter(|value| value.len() > NEVER_CUT) {
        Some(long) => {
            let found = line.get(name).and_then(Value::as_str).expect("a text");
            assert!(long.starts_with(found) && (found == long || line.get("cut") == Some(&Value::Bool(true))));
        }
        None => says(line, name, value),
    }
}

fn assert_says(line: &Value, event: &AuditEvent) {
    says(line, "time", Some(format_args!("{:.6}", event.time)));
    says(line, "kind", Some(event.kind.as_str()));
    says(line, "outcome", Some(event.outcome.as_str()));
    says(line, "reason", event.reason);
    says(line, "local_id", event.local_id);
    says(line, "request_id", event.request_id);
    says(line, "correlation_id", event.correlation_id);
    says(line, "client_id", event.client_id.as_ref());
    says(line, "provider", event.provider.as_ref());
    says(line, "service", event.service.as_ref());
    says_all_or_cut(line, "query", event.query.as_deref());
    says_all_or_cut(line, "detail", event.detail.as_deref());
    assert_eq!(line.get("intent").and_then(Value::as_u64), event.intent);
    assert_eq!(line.get("status").and_then(Value::as_u64), event.status.map(u64::from));
    let bytes = line.pointer("/counts/bytes").and_then(Value::as_u64);
    assert_eq!(bytes, event.counts.map(|counts| counts.bytes));
}

fuzz_target!(|input: &[u8]| {
    let Ok(event) = event(&mut Unstructured::new(input)) else { return };
    let mut payload = Vec::new();
    encode(&event, "inzage-a-00000000000000ff", &mut payload);
    assert!(payload.len() <= MAX_PAYLOAD_BYTES && !payload.contains(&b'\n'));
    folder::with_log(&folder::segment(2, &[&payload]), |dir| {
        let mut out = Vec::new();
        assert_eq!(inzage::audit::show(dir, &mut out).expect("a sound log"), 1);
        let text = String::from_utf8(out).expect("text");
        assert_eq!(text.lines().count(), 1);
        assert_says(&serde_json::from_str(&text).expect("JSON"), &event);
    });
});
