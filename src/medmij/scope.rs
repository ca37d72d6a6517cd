//! The scope of an authorization request. Release 2.x: one provider to collect from, or one provider and service to share with.
//! Release 1.5 and 1.6: services named one by one, all of one provider.

use std::fmt;

use super::{ProviderName, ServiceId};

/// What a PGO asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// *Verzamelen* of 2.x: `name`. The person consents per provider, for all services that it offers.
    Collect(ProviderName),
    /// *Delen* of 2.x: `name~id`.
    Share(ProviderName, ServiceId),
    /// Of 1.5: `name~id` and more with a space between, each service once. Several are to collect; one is to collect or to
    /// share, as the service is.
    Named(ProviderName, Vec<ServiceId>),
}

/// Whose grammar a scope is read by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeRelease {
    /// Release 2.x.
    Two,
    /// Release 1.5 and 1.6.
    OneFive,
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
    /// Services of several providers, a service twice, or more than 32 of them.
    #[error("the services of a scope are of one care provider, each once, at most 32")]
    NotOneProvider,
}

impl Scope {
    /// Most services in one scope of 1.5.
    const NAMED_MAX: usize = 32;

    /// Parses the wire form.
    ///
    /// # Errors
    /// When it is not exactly one scope of the grammar of this release.
    pub fn parse(text: &str, release: ScopeRelease) -> Result<Self, ScopeError> {
        match release {
            ScopeRelease::Two => Self::parse_two(text),
            ScopeRelease::OneFive => Self::parse_one_five(text),
        }
    }

    fn parse_two(text: &str) -> Result<Self, ScopeError> {
        if text.is_empty() || text.contains(' ') {
            return Err(ScopeError::NotOne);
        }
        match text.split_once('~') {
            None => ProviderName::parse_short(text).map(Self::Collect).map_err(|_| ScopeError::Malformed),
            Some(_) => combination(text).map(|(provider, id)| Self::Share(provider, id)),
        }
    }

    fn parse_one_five(text: &str) -> Result<Self, ScopeError> {
        let mut parts = text.split(' ');
        let (provider, first) = combination(parts.next().unwrap_or_default())?;
        let mut services = vec![first];
        for part in parts {
            let (other, service) = combination(part)?;
            if other != provider || services.contains(&service) || services.len() == Self::NAMED_MAX {
                return Err(ScopeError::NotOneProvider);
            }
            services.push(service);
        }
        Ok(Self::Named(provider, services))
    }

    /// The grammar that it is written in.
    #[must_use]
    pub const fn release(&self) -> ScopeRelease {
        match self {
            Self::Collect(_) | Self::Share(..) => ScopeRelease::Two,
            Self::Named(..) => ScopeRelease::OneFive,
        }
    }

    /// The provider that is asked.
    #[must_use]
    pub const fn provider(&self) -> &ProviderName {
        match self {
            Self::Collect(provider) | Self::Share(provider, _) | Self::Named(provider, _) => provider,
        }
    }
}

/// `name~id`.
fn combination(text: &str) -> Result<(ProviderName, ServiceId), ScopeError> {
    let (name, id) = text.split_once('~').ok_or(ScopeError::Malformed)?;
    let provider = ProviderName::parse_short(name).map_err(|_| ScopeError::Malformed)?;
    Ok((provider, ServiceId::parse(id).map_err(|_| ScopeError::Malformed)?))
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Collect(provider) => f.write_str(provider.short()),
            Self::Share(provider, service) => write!(f, "{}~{service}", provider.short()),
            Self::Named(provider, services) => services.iter().enumerate().try_for_each(|(at, service)| {
                let space = if at == 0 { "" } else { " " };
                write!(f, "{space}{}~{service}", provider.short())
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ScopeRelease::{OneFive, Two};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_forms_of_2_parse() {
        assert!(matches!(Scope::parse("huisarts.delinde", Two), Ok(Scope::Collect(_))));
        assert!(matches!(Scope::parse("eenofanderezorgaanbieder~53", Two), Ok(Scope::Share(_, _))));
    }

    #[test]
    fn other_forms_do_not() {
        for text in ["", "a b", "subscribe~30/a~49", "a~", "~49", "a~49~50", "a@medmij", "a~49 a~51"] {
            assert!(Scope::parse(text, Two).is_err(), "{text}");
        }
    }

    #[test]
    fn services_of_1_5_are_named_one_by_one_and_of_one_provider() {
        for (text, services) in [("a~49", 1), ("a~49 a~51", 2), ("a~51 a~49 a~52", 3)] {
            let parsed = Scope::parse(text, OneFive).unwrap();
            assert!(matches!(&parsed, Scope::Named(_, named) if named.len() == services), "{text}");
            assert_eq!(parsed.to_string(), text);
        }
        let many = (1..=33).map(|id| format!("a~{id}")).collect::<Vec<_>>().join(" ");
        for text in [
            "",
            "a",
            "a~49 b~51",
            "a~49 a",
            "a~49 a~49",
            "a~49  a~51",
            "a~49 ",
            "subscribe~30/a~49",
            "a~49 onbehalfof",
            &many,
        ] {
            assert!(Scope::parse(text, OneFive).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn printing_and_parsing_agree(text in "\\PC{0,40}") {
            for release in [Two, OneFive] {
                if let Ok(scope) = Scope::parse(&text, release) {
                    prop_assert_eq!(scope.to_string(), text.clone());
                    prop_assert_eq!(scope.release(), release);
                }
            }
        }
    }
}
