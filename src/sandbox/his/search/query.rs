//! The query of a request URI: decoded pairs in, encoded text out.

use super::SearchError;

/// More parameters than any search needs.
const MAX_PAIRS: usize = 64;

/// Decoded names and values in the order sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads `a=b&c=d`; `+` stands for a space, as in forms. Empty pieces are skipped.
    ///
    /// # Errors
    /// [`SearchError::BadQuery`] on broken percent-encoding, bytes that are no UTF-8, or more than 64 parameters.
    pub fn parse(text: &str) -> Result<Self, SearchError> {
        let pieces: Vec<&str> = text.split('&').filter(|piece| !piece.is_empty()).collect();
        if pieces.len() > MAX_PAIRS {
            return Err(SearchError::BadQuery);
        }
        let pair = |piece: &str| {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            Some((percent_decode(name)?, percent_decode(value)?))
        };
        pieces.into_iter().map(pair).collect::<Option<_>>().map(Self).ok_or(SearchError::BadQuery)
    }

    /// The pairs.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Takes the first pair of this name out; its value.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1)
    }

    /// The query as text, encoded; `|` becomes `%7C`.
    #[must_use]
    pub fn to_text(&self) -> String {
        let pairs: Vec<_> = self.pairs().map(|(n, v)| format!("{}={}", percent_encode(n), percent_encode(v))).collect();
        pairs.join("&")
    }
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex(rest.next()?)? * 16 + hex(rest.next()?)?,
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Encodes everything but unreserved characters (RFC 3986 section 2.3) and the few that read better plain in a query.
#[must_use]
pub fn percent_encode(text: &str) -> String {
    const PLAIN: &[u8] = b"-._~:/,$";
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || PLAIN.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_forms_of_the_bar_are_read_and_one_is_written() {
        for text in [
            "code=http://loinc.org|67781-5",
            "code=http%3A%2F%2Floinc.org%7c67781-5",
            "&code=http://loinc.org|67781-5&",
        ] {
            let query = Query::parse(text).unwrap();
            assert_eq!(query.pairs().collect::<Vec<_>>(), [("code", "http://loinc.org|67781-5")]);
            assert_eq!(query.to_text(), "code=http://loinc.org%7C67781-5");
        }
    }

    #[test]
    fn broken_encodings_are_refused() {
        for text in ["a=%", "a=%4", "a=%zz", "a=%ff", &"a&".repeat(65)] {
            assert_eq!(Query::parse(text), Err(SearchError::BadQuery), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(pairs in prop::collection::vec((".{1,8}", ".{0,12}"), 0..6)) {
            let query = Query(pairs);
            prop_assert_eq!(Query::parse(&query.to_text()), Ok(query));
        }
    }
}
