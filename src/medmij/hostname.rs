//! Host names as the lists write them; comparable with certificates and URLs.

use std::fmt;

use smol_str::SmolStr;

/// A fully qualified host name in lower case: letters, digits and hyphens, at least one dot, no port, no trailing dot
/// (Hostname type of the list schemas).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hostname(SmolStr);

/// Why a text is not a host name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HostnameError {
    /// Over 253 characters.
    #[error("a host name has at most 253 characters")]
    TooLong,
    /// Not the pattern of the list schemas.
    #[error("not a fully qualified host name in lower case")]
    Malformed,
}

impl Hostname {
    /// Parses a name as it stands in a list: lower case only.
    ///
    /// # Errors
    /// When it is too long or not of the pattern `(([a-z0-9])([a-z0-9-])*(\.))+([a-z0-9])([a-z0-9-])*([a-z0-9])`.
    pub fn parse(text: &str) -> Result<Self, HostnameError> {
        if text.len() > 253 {
            return Err(HostnameError::TooLong);
        }
        let (rest, last) = text.rsplit_once('.').ok_or(HostnameError::Malformed)?;
        let last_ok = last.len() >= 2 && last.ends_with(|c: char| c.is_ascii_alphanumeric()) && is_label(last);
        if last_ok && rest.split('.').all(is_label) { Ok(Self(text.into())) } else { Err(HostnameError::Malformed) }
    }

    /// Parses a name from a certificate or URL, where upper case may occur.
    ///
    /// # Errors
    /// As [`Hostname::parse`].
    pub fn parse_any_case(text: &str) -> Result<Self, HostnameError> {
        Self::parse(&text.to_ascii_lowercase())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= 63
        && label.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && label.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
}

impl fmt::Display for Hostname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for Hostname {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_lists_parse() {
        for name in ["medmij.deenigeechtepgo.nl", "78834.umcharderwijk.nl", "pgo.localhost", "a-.bc"] {
            assert_eq!(Hostname::parse(name).unwrap().as_str(), name);
        }
        assert_eq!(Hostname::parse_any_case("PGO.Example.NL").unwrap().as_str(), "pgo.example.nl");
    }

    #[test]
    fn anything_else_does_not() {
        for name in ["", "localhost", "a.b", "A.nl", "a.nl.", "a..nl", "-a.nl", "a.nl-", "a_b.nl", "a.nl:443", "á.nl"]
        {
            assert_eq!(Hostname::parse(name), Err(HostnameError::Malformed), "{name}");
        }
        assert_eq!(Hostname::parse(&"a.".repeat(200)), Err(HostnameError::TooLong));
    }
}
