//! The scope of an authorization request, release 2.x: one provider to collect from, or one provider and service to share with.

use std::fmt;

use super::{ProviderName, ServiceId};

/// What a PGO asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// *Verzamelen*: `name`. The person consents per provider, for all services that it offers.
    Collect(ProviderName),
    /// *Delen*: `name~id`.
    Share(ProviderName, ServiceId),
}

/// Why a text is not a scope ("no other scopes or parts than these").
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// Empty, or more than one scope.
    #[error("exactly one scope is allowed")]
    NotOne,
    /// Not a provider name, or not a service id after the tilde.
    #[error("a scope is the name of a care provider, or name~service")]
    Malformed,
}

impl Scope {
    /// Parses the wire form.
    ///
    /// # Errors
    /// When it is not exactly one scope of the grammar of release 2.x.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        if text.is_empty() || text.contains(' ') {
            return Err(ScopeError::NotOne);
        }
        let (name, service) = text.split_once('~').map_or((text, None), |(name, id)| (name, Some(id)));
        let provider = ProviderName::parse_short(name).map_err(|_| ScopeError::Malformed)?;
        match service {
            None => Ok(Self::Collect(provider)),
            Some(id) => ServiceId::parse(id).map(|id| Self::Share(provider, id)).map_err(|_| ScopeError::Malformed),
        }
    }

    /// The provider that is asked.
    #[must_use]
    pub const fn provider(&self) -> &ProviderName {
        match self {
            Self::Collect(provider) | Self::Share(provider, _) => provider,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Collect(provider) => f.write_str(provider.short()),
            Self::Share(provider, service) => write!(f, "{}~{service}", provider.short()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_forms_parse() {
        assert!(matches!(Scope::parse("huisarts.delinde"), Ok(Scope::Collect(_))));
        assert!(matches!(Scope::parse("eenofanderezorgaanbieder~53"), Ok(Scope::Share(_, _))));
    }

    #[test]
    fn other_forms_do_not() {
        for text in ["", "a b", "subscribe~30/a~49", "a~", "~49", "a~49~50", "a@medmij"] {
            assert!(Scope::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn printing_and_parsing_agree(text in "\\PC{0,40}") {
            if let Ok(scope) = Scope::parse(&text) {
                prop_assert_eq!(scope.to_string(), text);
            }
        }
    }
}
