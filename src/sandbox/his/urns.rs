//! References by URN within a Bundle: they become references by type and id, so that they still mean something outside it.

use std::collections::HashMap;

use serde_json::Value;

/// From the URN of an entry to `Type/id`.
pub(super) type Urns = HashMap<String, String>;

/// The URN of an entry, when its `fullUrl` is one.
pub(super) fn urn_of(entry: &Value) -> Option<&str> {
    entry.get("fullUrl")?.as_str().filter(|url| url.starts_with("urn:"))
}

/// Puts `Type/id` in the place of every URN that is known, in references and in the addresses of attachments.
pub(super) fn replace_urns(value: &mut Value, urns: &Urns) {
    if let Some(members) = value.as_object_mut() {
        for (name, member) in members {
            match member.as_str().and_then(|text| urns.get(text)) {
                Some(target) if name == "reference" || name == "url" => *member = Value::String(target.clone()),
                Some(_) | None => replace_urns(member, urns),
            }
        }
    } else if let Some(items) = value.as_array_mut() {
        items.iter_mut().for_each(|item| replace_urns(item, urns));
    }
}
