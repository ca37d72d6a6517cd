//! Base64url without padding and JSON objects, both read strictly: one text, one meaning.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny};
use zeroize::Zeroizing;

/// Base64url as RFC 7515 section 2 has it: no padding, no line ends, no stray bits in the last character.
pub(super) fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    // Room for all of it from the start, so that no plaintext stays behind in memory that was grown out of.
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    URL_SAFE_NO_PAD.decode_vec(text, &mut bytes).ok()?;
    Some(bytes)
}

/// Base64url of exactly `N` bytes.
pub(super) fn decode_exact<const N: usize>(text: &str) -> Option<Zeroizing<[u8; N]>> {
    let bytes = decode(text)?;
    bytes.as_slice().try_into().ok().map(Zeroizing::new)
}

/// Writes base64url.
pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The media type of `typ` or `cty`, compared as RFC 7515 section 4.1.9 asks: without `application/`, in any case.
pub(super) fn is_media_type(found: &str, expected: &str) -> bool {
    let short = |text: &str| match text.split_at_checked("application/".len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case("application/") && !rest.contains('/') => rest.to_owned(),
        _ => text.to_owned(),
    };
    short(found).eq_ignore_ascii_case(&short(expected))
}

/// For a member of which only the presence matters; `null` is present too.
pub(super) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// For a member that is a text; `null` is not absence but an error.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

/// For an identifier of a key: a text of at most 255 bytes without control characters.
pub(super) fn key_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let fits = text.len() <= 255 && !text.chars().any(char::is_control);
    if fits { Ok(Some(text)) } else { Err(D::Error::custom("not a key id")) }
}

/// For a member that is a secret text: wiped when dropped.
pub(super) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Zeroizing<String>>, D::Error> {
    String::deserialize(deserializer).map(|text| Some(Zeroizing::new(text)))
}
