//! The claims of a token (RFC 7519 section 4), and what is asked of them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};
use zeroize::Zeroize as _;

mod expected;

pub use expected::{AudienceRule, Checked, ClaimError, Expected};

/// The claims of a token. They may name a person: they print as redacted, and their texts are wiped when dropped.
pub struct Claims(Map<String, Value>);

impl Claims {
    /// Reads a JSON object in which no claim stands twice (RFC 7519 section 4).
    pub(super) fn parse(payload: &[u8]) -> Option<Self> {
        serde_json::from_slice(payload).ok()
    }

    /// A claim that is a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.value(name)?.as_str()
    }

    /// A claim of any kind.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Object)
    }
}

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = Claims;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Claims, A::Error> {
        let mut claims = Claims(Map::new());
        while let Some((name, value)) = members.next_entry::<String, Value>()? {
            if claims.0.insert(name, value).is_some() {
                return Err(A::Error::custom("a claim stands twice"));
            }
        }
        Ok(claims)
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claims([redacted])")
    }
}

impl Drop for Claims {
    fn drop(&mut self) {
        self.0.values_mut().for_each(wipe);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        // A number keeps its digits; no number that we ask for is a secret.
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
