//! Who may read in the log: people of the configuration, known by the name in their certificate.

use std::collections::BTreeMap;

use crate::medmij::{Hostname, ProviderName};

/// What somebody may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Auditor,
    /// The records of these practices.
    Practice(Vec<ProviderName>),
}

impl Role {
    /// The word of the configuration, the log and the pages.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Auditor => "auditor",
            Self::Practice(_) => "practice",
        }
    }
}

/// Somebody who may read. Only [`People::recognise`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    name: Hostname,
    role: Role,
}

impl Reader {
    /// The name in their certificate.
    #[must_use]
    pub const fn name(&self) -> &Hostname {
        &self.name
    }

    /// What they may read.
    #[must_use]
    pub const fn role(&self) -> &Role {
        &self.role
    }

    /// Whether the records of this practice are among what they may read; of `None`, whether those of all are.
    #[must_use]
    pub fn may_read(&self, provider: Option<&ProviderName>) -> bool {
        match (&self.role, provider) {
            (Role::Auditor, _) => true,
            (Role::Practice(own), Some(provider)) => own.contains(provider),
            (Role::Practice(_), None) => false,
        }
    }
}

/// Everybody who may read.
#[derive(Debug, Clone, Default)]
pub struct People(BTreeMap<Hostname, Role>);

impl People {
    /// These.
    #[must_use]
    pub fn new(people: impl IntoIterator<Item = (Hostname, Role)>) -> Self {
        Self(people.into_iter().collect())
    }

    /// Who showed a verified certificate with these names. One that names nobody here, or two, is nobody.
    #[must_use]
    pub fn recognise(&self, names: &[Hostname]) -> Option<Reader> {
        let mut known = names.iter().filter_map(|name| Some((name, self.0.get(name)?)));
        let (name, role) = known.next()?;
        known.next().is_none().then(|| Reader { name: name.clone(), role: role.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Hostname {
        Hostname::parse(text).unwrap()
    }

    #[test]
    fn a_certificate_is_one_person_or_nobody() {
        let own = ProviderName::parse("huisarts.delinde@medmij").unwrap();
        let other = ProviderName::parse("huisarts.dewilg@medmij").unwrap();
        let people = People::new([
            (name("auditor.example.nl"), Role::Auditor),
            (name("linde.example.nl"), Role::Practice(vec![own.clone()])),
        ]);
        let auditor = people.recognise(&[name("x.example.nl"), name("auditor.example.nl")]).unwrap();
        assert!(auditor.may_read(None) && auditor.may_read(Some(&other)));
        let practice = people.recognise(&[name("linde.example.nl")]).unwrap();
        assert!(practice.may_read(Some(&own)) && !practice.may_read(Some(&other)) && !practice.may_read(None));
        assert_eq!(people.recognise(&[name("x.example.nl")]), None);
        assert_eq!(people.recognise(&[]), None);
        assert_eq!(people.recognise(&[name("auditor.example.nl"), name("linde.example.nl")]), None);
    }
}
