//! Queries and form bodies: what is decoded is encoded back to the same pairs, and what is encoded is plain ASCII.

#![no_main]

use inzage::form::{decode_pairs, encode_pairs, single};
use libfuzzer_sys::fuzz_target;

/// Nothing that ends a query, a header or an attribute.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|c| c.is_ascii_alphanumeric() || b"-._~:/,$@*%=&".contains(&c))
}

fn round_trip(pairs: &[(String, String)]) {
    let text = encode_pairs(pairs);
    assert!(is_plain(&text), "{text}");
    assert_eq!(decode_pairs(&text).as_deref(), Ok(pairs));
}

fuzz_target!(|text: &str| {
    if let Ok(pairs) = decode_pairs(text) {
        assert!(pairs.len() <= 32);
        round_trip(&pairs);
        for (name, value) in &pairs {
            let times = pairs.iter().filter(|(other, _)| other == name).count();
            assert_eq!(single(&pairs, name), (times == 1).then_some(value.as_str()));
        }
    }
    // Any text as a value, as long as it has no control character.
    if !text.chars().any(char::is_control) {
        round_trip(&[(text.to_owned(), text.to_owned()), ("a".to_owned(), text.to_owned())]);
    }
});
