//! Who may look at the node and who may change it: people of the configuration, known by the name in their certificate. What
//! somebody may do is a value that a handler takes, made from who they are and in no other way.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::medmij::Hostname;

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// See the state of the node.
    Reader,
    /// See it, and change it.
    Operator,
    /// See it, and who changed what.
    Auditor,
}

impl Role {
    /// The word of the configuration, the log and the pages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
        }
    }
}

/// Somebody at the operations face. Only [`Operators::recognise`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    name: Hostname,
    role: Role,
    address: IpAddr,
}

impl Person {
    /// The name in their certificate.
    #[must_use]
    pub const fn name(&self) -> &Hostname {
        &self.name
    }

    /// What they may do.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// From which address.
    #[must_use]
    pub const fn address(&self) -> IpAddr {
        self.address
    }
}

/// The role does not allow it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the role {} does not allow this", .0.role.as_str())]
pub struct NotAllowed(pub Person);

/// What a role allows, as proof.
pub trait Right: Sized + Send {
    /// The proof, for somebody whose role allows it.
    ///
    /// # Errors
    /// When it does not.
    fn of(person: Person) -> Result<Self, NotAllowed>;

    /// Who has it.
    fn person(&self) -> &Person;
}

macro_rules! rights {
    ($($(#[$doc:meta])* $right:ident: $($role:ident)|+;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $right(Person);

        impl Right for $right {
            fn of(person: Person) -> Result<Self, NotAllowed> {
                if matches!(person.role, $(Role::$role)|+) { Ok(Self(person)) } else { Err(NotAllowed(person)) }
            }

            fn person(&self) -> &Person {
                &self.0
            }
        }
    )+};
}

rights! {
    /// Somebody who may see the state of the node.
    Reads: Reader | Operator | Auditor;
    /// Somebody who may see who changed what.
    Reviews: Operator | Auditor;
    /// Somebody who may change the node.
    Changes: Operator;
}

/// Everybody who may come to the operations face.
#[derive(Debug, Clone, Default)]
pub struct Operators(BTreeMap<Hostname, Role>);

impl Operators {
    /// These.
    #[must_use]
    pub fn new(people: impl IntoIterator<Item = (Hostname, Role)>) -> Self {
        Self(people.into_iter().collect())
    }

    /// Who showed a verified certificate with these names. One that names nobody here, or two, is nobody.
    #[must_use]
    pub fn recognise(&self, names: &[Hostname], address: IpAddr) -> Option<Person> {
        let mut known = names.iter().filter_map(|name| Some((name, *self.0.get(name)?)));
        let (name, role) = known.next()?;
        known.next().is_none().then(|| Person { name: name.clone(), role, address })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn name(text: &str) -> Hostname {
        Hostname::parse(text).unwrap()
    }

    fn recognised(names: &[&str]) -> Option<Person> {
        let people = [("lezer", Role::Reader), ("beheer", Role::Operator), ("toezicht", Role::Auditor)];
        let operators = Operators::new(people.map(|(host, role)| (name(&format!("{host}.example.nl")), role)));
        let names: Vec<_> = names.iter().map(|text| name(text)).collect();
        operators.recognise(&names, Ipv4Addr::LOCALHOST.into())
    }

    #[test]
    fn a_certificate_is_one_person_or_nobody() {
        assert_eq!(recognised(&["x.example.nl", "beheer.example.nl"]).unwrap().role(), Role::Operator);
        for nobody in [&[][..], &["x.example.nl"], &["beheer.example.nl", "lezer.example.nl"]] {
            assert_eq!(recognised(nobody), None);
        }
    }

    #[test]
    fn each_role_has_its_rights_and_no_other() {
        for (host, reads, reviews, changes) in [
            ("lezer.example.nl", true, false, false),
            ("beheer.example.nl", true, true, true),
            ("toezicht.example.nl", true, true, false),
        ] {
            let person = recognised(&[host]).unwrap();
            let rights = (
                Reads::of(person.clone()).is_ok(),
                Reviews::of(person.clone()).is_ok(),
                Changes::of(person.clone()).is_ok(),
            );
            assert_eq!(rights, (reads, reviews, changes), "{host}");
        }
    }
}
