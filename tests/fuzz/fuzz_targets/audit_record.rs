//! Reading a record back: any payload gives a record or says why not, and one that is read says what its object says.

#![no_main]

use inzage::audit::Record;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// A member that is text in the record is that text in the object.
fn same(object: &Value, member: &str, value: Option<&str>) {
    assert_eq!(object[member].as_str(), value, "{member}");
}

fn compare(record: &Record, object: &Value) {
    assert_eq!(object["v"], record.version);
    same(object, "kind", Some(record.kind.as_str()));
    same(object, "outcome", Some(record.outcome.as_str()));
    same(object, "reason", record.reason.as_deref());
    same(object, "source", record.source.as_deref());
    same(object, "client_id", record.client_id.as_ref().map(|host| host.as_str()));
    same(object, "provider", record.provider.as_ref().map(|name| name.as_str()));
    same(object, "user", record.user.as_ref().map(ToString::to_string).as_deref());
    same(object, "subject", record.subject.as_ref().map(|subject| subject.as_str()));
    same(object, "sealed", record.sealed.as_ref().map(|sealed| sealed.as_str()));
    same(object, "query", record.query.as_deref());
    same(object, "detail", record.detail.as_deref());
    assert_eq!(object["intent"].as_u64(), record.intent);
    assert_eq!(object["status"].as_u64(), record.status.map(u64::from));
}

fuzz_target!(|payload: &[u8]| {
    if let Ok(record) = Record::parse(7, payload) {
        assert_eq!(record.index, 7);
        // Members that are passed over are not looked into: a lone surrogate in one is nobody's concern.
        if let Ok(object) = serde_json::from_slice(payload) {
            compare(&record, &object);
        }
    }
});
