//! Who may look at the node and who may change it: people whom the configuration knows by the name in their certificate, or by what
//! the provider of their organisation says of them. What somebody may do is a value that a handler takes, made from who they are
//! and in no other way.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use crate::medmij::Hostname;
use crate::signin::LoginName;
use crate::signin::sessions::Session;

/// What somebody may do, from the least: each role has the rights of those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// See the state of the node.
    Reader,
    /// See it, and who changed what.
    Auditor,
    /// See both, and change it.
    Operator,
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

/// By what somebody is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// The name in their certificate.
    Certificate(Hostname),
    /// What their provider calls them.
    Login(LoginName),
}

impl Name {
    /// As it stands in the log, and beside what they stopped.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Certificate(host) => host.as_str(),
            Self::Login(name) => name.as_str(),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Somebody at the operations face. Only [`Operators`] make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    name: Name,
    role: Role,
    address: IpAddr,
}

impl Person {
    /// By what they are known.
    #[must_use]
    pub const fn name(&self) -> &Name {
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
pub struct Operators {
    by_certificate: BTreeMap<Hostname, Role>,
    by_claim: BTreeMap<String, Role>,
}

impl Operators {
    /// Who has a certificate with one of these names, and who logs in and is one of these things to their provider.
    #[must_use]
    pub const fn new(by_certificate: BTreeMap<Hostname, Role>, by_claim: BTreeMap<String, Role>) -> Self {
        Self { by_certificate, by_claim }
    }

    /// Who showed a verified certificate with these names. One that names nobody here, or two, is nobody.
    #[must_use]
    pub fn recognise(&self, names: &[Hostname], address: IpAddr) -> Option<Person> {
        let mut known = names.iter().filter_map(|name| Some((name, *self.by_certificate.get(name)?)));
        let (name, role) = known.next()?;
        known.next().is_none().then(|| Person { name: Name::Certificate(name.clone()), role, address })
    }

    /// Who logged in, as long as what they are to their provider means something here: then they have the most that it means.
    #[must_use]
    pub fn logged_in(&self, session: &Session, address: IpAddr) -> Option<Person> {
        let role = session.roles.iter().filter_map(|said| self.by_claim.get(said)).max().copied()?;
        Some(Person { name: Name::Login(session.name.clone()), role, address })
    }

    /// Of what a provider says, what means something here.
    #[must_use]
    pub fn meaningful(&self, said: Vec<String>) -> Vec<String> {
        said.into_iter().filter(|said| self.by_claim.contains_key(said)).collect()
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
        let people = people.map(|(host, role)| (name(&format!("{host}.example.nl")), role));
        let operators = Operators::new(people.into(), BTreeMap::new());
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

    #[test]
    fn who_logged_in_has_the_most_of_what_they_are_and_nothing_else() {
        let meanings = [("kijkt", Role::Reader), ("ziet-toe", Role::Auditor), ("beheert", Role::Operator)];
        let operators = Operators::new(BTreeMap::new(), meanings.map(|(said, role)| (said.to_owned(), role)).into());
        for (said, role) in [
            (&["kijkt"][..], Some(Role::Reader)),
            (&["kijkt", "beheert", "anders"], Some(Role::Operator)),
            (&["ziet-toe", "kijkt"], Some(Role::Auditor)),
            (&["Beheert", "beheert "], None),
            (&[], None),
        ] {
            let said: Vec<_> = said.iter().map(|text| (*text).to_owned()).collect();
            let session = Session { name: LoginName::parse("k.bakker").unwrap(), roles: said };
            let person = operators.logged_in(&session, Ipv4Addr::LOCALHOST.into());
            assert_eq!(person.map(|person| person.role()), role, "{session:?}");
        }
    }
}
