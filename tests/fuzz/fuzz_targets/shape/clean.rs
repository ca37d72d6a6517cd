//! What an answer that leaves may not hold, for the targets that shape one.

use serde_json::Value;

pub const HOST: &str = "https://his.praktijk.internal";
pub const BSN: &str = "999911132";
/// The text of an S line into which the input is written as further members.
pub const CANARY: &str = "KANARIE";

/// The input as further members of an S line: they cannot make it anything else, and cannot carry its text out.
pub fn inside_a_hidden_line(input: &[u8]) -> Vec<u8> {
    let system = "http://fhir.nl/fhir/NamingSystem/journaalregeltypen";
    let head = format!(
        r#"{{"resourceType":"Bundle","type":"searchset","entry":[{{"resource":{{"resourceType":"Observation","id":"s",
        "subject":{{"reference":"Patient/pat-1"}},"code":{{"coding":[{{"system":"{system}","code":"S"}}]}},
        "effectiveDateTime":"2026-01-01","valueString":"{CANARY}","#
    );
    [head.as_bytes(), input, b"}}]}"].concat()
}

/// No digit beside them, full-width or not: ten digits are no BSN.
fn has_digits_alone(text: &str) -> bool {
    let is_digit = |c: char| c.is_ascii_digit() || ('\u{ff10}'..='\u{ff19}').contains(&c);
    text.match_indices(BSN).any(|(at, _)| {
        let (before, after) = (text[..at].chars().next_back(), text[at + BSN.len()..].chars().next());
        !before.is_some_and(is_digit) && !after.is_some_and(is_digit)
    })
}

/// The address as a whole: `his.praktijk.internals` is another host.
fn has_address(text: &str) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    text.match_indices(HOST).any(|(at, _)| !text.as_bytes().get(at + HOST.len()).is_some_and(is_part))
}

fn assert_clean(value: &Value) {
    match value {
        Value::String(text) => {
            assert!(!has_digits_alone(text));
            assert!(!has_address(text));
        }
        Value::Array(items) => items.iter().for_each(assert_clean),
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            assert!(!has_digits_alone(name));
            assert_clean(value);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Numbers outside what `f64` holds are the one thing we pass on that serde_json does not read.
pub fn assert_output(body: &[u8]) {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => assert_clean(&value),
        Err(error) => assert!(error.to_string().starts_with("number out of range"), "{error}"),
    }
}

/// Also of an answer that was broken off.
pub fn assert_no_canary(body: &[u8]) {
    assert!(!body.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));
}
