//! `Zorgaanbiedernaam`: the only key of a care provider in the MedMij network.

use std::fmt;

use smol_str::SmolStr;

/// `name@medmij`. The newest published pattern is not known, so the parser takes the widest form seen in use: lower-case
/// letters, digits, dots and hyphens. How long one in a list may be is configuration (57 characters where it was published).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProviderName(SmolStr);

/// Why a text is not a provider name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProviderNameError {
    /// Over [`ProviderName::LONGEST`] characters, or over what this list may have.
    #[error("the provider name is too long")]
    TooLong,
    /// No `@medmij` at the end.
    #[error("a provider name ends with @medmij")]
    NotOfMedMij,
    /// The part before `@medmij` has other characters than allowed.
    #[error(
        "the part before @medmij may hold lower-case letters, digits, dots and hyphens, and starts and ends with a letter or digit"
    )]
    Malformed,
}

impl ProviderName {
    /// What follows the name proper.
    pub const SUFFIX: &'static str = "@medmij";
    /// The most characters of any name, suffix included.
    pub const LONGEST: usize = 120;

    /// Parses the full form.
    ///
    /// # Errors
    /// See [`ProviderNameError`].
    pub fn parse(text: &str) -> Result<Self, ProviderNameError> {
        if text.len() > Self::LONGEST {
            return Err(ProviderNameError::TooLong);
        }
        let name = text.strip_suffix(Self::SUFFIX).ok_or(ProviderNameError::NotOfMedMij)?;
        let allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        let ends =
            name.as_bytes().first().is_some_and(|c| allowed(*c)) && name.as_bytes().last().is_some_and(|c| allowed(*c));
        if ends && name.bytes().all(|c| allowed(c) || c == b'.' || c == b'-') {
            Ok(Self(text.into()))
        } else {
            Err(ProviderNameError::Malformed)
        }
    }

    /// Parses the form of scopes and of our paths, without the suffix.
    ///
    /// # Errors
    /// See [`ProviderNameError`].
    pub fn parse_short(text: &str) -> Result<Self, ProviderNameError> {
        if text.len() > Self::LONGEST {
            return Err(ProviderNameError::TooLong);
        }
        Self::parse(&format!("{text}{}", Self::SUFFIX))
    }

    /// The full form, `name@medmij`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name without its suffix.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.strip_suffix(Self::SUFFIX).unwrap_or(&self.0)
    }
}

impl serde::Serialize for ProviderName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for ProviderName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for ProviderName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_give_the_same_name() {
        let name = ProviderName::parse("huisarts.delinde@medmij").unwrap();
        assert_eq!(name.short(), "huisarts.delinde");
        assert_eq!(ProviderName::parse_short("huisarts.delinde").unwrap(), name);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "delinde",
            "@medmij",
            "De.Linde@medmij",
            ".a@medmij",
            "a-@medmij",
            "a/b@medmij",
            "a@medmij@medmij",
            "a b@medmij",
        ] {
            assert!(ProviderName::parse(text).is_err(), "{text}");
        }
        assert_eq!(ProviderName::parse(&format!("{}@medmij", "a".repeat(114))), Err(ProviderNameError::TooLong));
    }
}
