//! `application/x-www-form-urlencoded` and queries: pairs in, pairs out. Strict: broken encoding is an error, never repaired.

use memchr::memchr2;

/// Most pairs that are read.
const PAIRS_MAX: usize = 32;

/// Why a text is no list of pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// Broken percent-encoding, not UTF-8, or a control character.
    #[error("not properly percent-encoded UTF-8 text")]
    Encoding,
    /// Over 32 pairs.
    #[error("more than 32 parameters")]
    TooMany,
}

/// Decodes `a=b&c=d`, with `+` for a space.
///
/// # Errors
/// See [`FormError`].
pub fn decode_pairs(text: &str) -> Result<Vec<(String, String)>, FormError> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let decoded: Vec<_> = pairs.take(PAIRS_MAX + 1).map(decode_pair).collect::<Result<_, _>>()?;
    if decoded.len() > PAIRS_MAX { Err(FormError::TooMany) } else { Ok(decoded) }
}

fn decode_pair(pair: &str) -> Result<(String, String), FormError> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    Ok((decode(name)?, decode(value)?))
}

/// What stands for itself is copied in one piece.
fn decode(text: &str) -> Result<String, FormError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some(at) = memchr2(b'+', b'%', rest) {
        let (plain, from) = rest.split_at(at);
        bytes.extend_from_slice(plain);
        rest = match from {
            [b'%', high, low, behind @ ..] => {
                bytes.push(hex_pair(*high, *low).ok_or(FormError::Encoding)?);
                behind
            }
            [b'+', behind @ ..] => {
                bytes.push(b' ');
                behind
            }
            _ => return Err(FormError::Encoding),
        };
    }
    bytes.extend_from_slice(rest);
    let text = String::from_utf8(bytes).map_err(|_| FormError::Encoding)?;
    if has_control(&text) { Err(FormError::Encoding) } else { Ok(text) }
}

fn has_control(text: &str) -> bool {
    // Without a branch for each byte; most texts are ASCII.
    let ascii = text.bytes().fold(false, |found, byte| found | byte.is_ascii_control());
    ascii || (!text.is_ascii() && text.chars().any(char::is_control))
}

fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// The value of a parameter that stands exactly once; `None` also when it stands twice.
#[must_use]
pub fn single<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut values = pairs.iter().filter(|(key, _)| key == name);
    match (values.next(), values.next()) {
        (Some((_, value)), None) => Some(value),
        _ => None,
    }
}

/// A parameter stands twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a parameter stands twice")]
pub struct Doubled;

/// The value of a parameter that may be left out.
///
/// # Errors
/// When it stands twice.
pub fn optional<'a>(pairs: &'a [(String, String)], name: &str) -> Result<Option<&'a str>, Doubled> {
    let mut values = pairs.iter().filter(|(key, _)| key == name);
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(Doubled),
        (value, None) => Ok(value.map(|(_, value)| value.as_str())),
    }
}

/// Writes pairs as a query, percent-encoded so that `|` becomes `%7C`.
#[must_use]
pub fn encode_pairs(pairs: &[(String, String)]) -> String {
    /// Room for what is escaped: most values have a few such characters.
    const MORE: usize = 16;
    let length = pairs.iter().map(|(name, value)| name.len() + value.len() + MORE).sum();
    let mut out = String::with_capacity(length);
    pairs.iter().for_each(|(name, value)| push_pair(&mut out, name, value));
    out
}

/// Writes one pair more, behind the others or behind the `?` of an address.
pub fn push_pair(out: &mut String, name: &str, value: &str) {
    if !out.is_empty() && !out.ends_with('?') {
        out.push('&');
    }
    encode_into(out, name);
    out.push('=');
    encode_into(out, value);
}

/// What stands for itself is copied in one piece.
fn encode_into(out: &mut String, text: &str) {
    out.reserve(text.len());
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| !is_plain(byte)) {
        let (plain, from) = rest.split_at(at);
        let (escaped, behind) = from.split_at(from.chars().next().map_or(0, char::len_utf8));
        out.push_str(plain);
        escaped.bytes().for_each(|byte| escape(out, byte));
        rest = behind;
    }
    out.push_str(rest);
}

const fn is_plain(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' | b':' | b'/' | b',' | b'$' | b'@' | b'*')
}

fn escape(out: &mut String, byte: u8) {
    out.push('%');
    for nibble in [byte >> 4, byte & 15] {
        out.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn broken_encodings_are_refused() {
        for text in ["a=%", "a=%1", "a=%zz", "a=%ff", "a=%00", "%0d=a"] {
            assert_eq!(decode_pairs(text), Err(FormError::Encoding), "{text}");
        }
        assert_eq!(decode_pairs(&"a&".repeat(33)), Err(FormError::TooMany));
    }

    #[test]
    fn a_parameter_that_stands_twice_has_no_single_value() {
        let pairs = decode_pairs("a=1&b=2&a=3").unwrap();
        assert_eq!((single(&pairs, "a"), single(&pairs, "b"), single(&pairs, "c")), (None, Some("2"), None));
        assert_eq!(optional(&pairs, "a"), Err(Doubled));
        assert_eq!((optional(&pairs, "b"), optional(&pairs, "c")), (Ok(Some("2")), Ok(None)));
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_the_same(pairs in proptest::collection::vec(("[a-z_:.]{1,8}", "[ -~é]{0,20}"), 0..5)) {
            prop_assert_eq!(decode_pairs(&encode_pairs(&pairs)).unwrap(), pairs);
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,60}") {
            let _ = decode_pairs(&text);
        }
    }
}
