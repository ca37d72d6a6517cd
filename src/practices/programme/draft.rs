//! The entries of a register together, whether or not they agree with each other.

use std::collections::BTreeMap;
use std::fmt;

use super::entry::{Coalition, Membership, Organisation, Practice, Supplier};
use super::words::{Day, Id};
use crate::medmij::ProviderName;

/// What kind of entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// See [`Supplier`].
    Supplier,
    /// See [`Organisation`].
    Organisation,
    /// See [`Practice`].
    Practice,
    /// See [`Coalition`].
    Coalition,
}

impl EntryKind {
    /// All, each after those that it refers to, save that practices and coalitions refer to each other.
    pub const ALL: [Self; 4] = [Self::Supplier, Self::Organisation, Self::Practice, Self::Coalition];

    /// Its name in the store, in addresses and in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Supplier => "supplier",
            Self::Organisation => "organisation",
            Self::Practice => "practice",
            Self::Coalition => "coalition",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// Which entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A supplier.
    Supplier(Id),
    /// An organisation.
    Organisation(Id),
    /// A practice.
    Practice(ProviderName),
    /// A coalition.
    Coalition(Id),
}

impl Key {
    /// Reads the name of an entry of a kind.
    #[must_use]
    pub fn parse(kind: EntryKind, id: &str) -> Option<Self> {
        match kind {
            EntryKind::Supplier => Id::parse(id).ok().map(Self::Supplier),
            EntryKind::Organisation => Id::parse(id).ok().map(Self::Organisation),
            EntryKind::Practice => ProviderName::parse(id).ok().map(Self::Practice),
            EntryKind::Coalition => Id::parse(id).ok().map(Self::Coalition),
        }
    }

    /// Of what.
    #[must_use]
    pub const fn kind(&self) -> EntryKind {
        match self {
            Self::Supplier(_) => EntryKind::Supplier,
            Self::Organisation(_) => EntryKind::Organisation,
            Self::Practice(_) => EntryKind::Practice,
            Self::Coalition(_) => EntryKind::Coalition,
        }
    }

    /// Its name among those of its kind.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Supplier(id) | Self::Organisation(id) | Self::Coalition(id) => id.as_str(),
            Self::Practice(provider) => provider.as_str(),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind().as_str(), self.id())
    }
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum Entry {
    /// A supplier.
    Supplier(Supplier),
    /// An organisation.
    Organisation(Organisation),
    /// A practice.
    Practice(Box<Practice>),
    /// A coalition.
    Coalition(Box<Coalition>),
}

impl Entry {
    /// Which it is.
    #[must_use]
    pub fn key(&self) -> Key {
        match self {
            Self::Supplier(supplier) => Key::Supplier(supplier.id.clone()),
            Self::Organisation(organisation) => Key::Organisation(organisation.id.clone()),
            Self::Practice(practice) => Key::Practice(practice.provider.clone()),
            Self::Coalition(coalition) => Key::Coalition(coalition.id.clone()),
        }
    }

    /// Reads an entry of a kind.
    ///
    /// # Errors
    /// When a field is missing, unknown, or not what is expected; the text says which and where.
    pub fn from_json(kind: EntryKind, text: &str) -> Result<Self, serde_json::Error> {
        Ok(match kind {
            EntryKind::Supplier => Self::Supplier(serde_json::from_str(text)?),
            EntryKind::Organisation => Self::Organisation(serde_json::from_str(text)?),
            EntryKind::Practice => Self::Practice(serde_json::from_str(text)?),
            EntryKind::Coalition => Self::Coalition(serde_json::from_str(text)?),
        })
    }

    /// Writes it.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("an entry has texts, numbers and lists of them, and named fields")
    }
}

/// Entries by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// Suppliers.
    pub suppliers: BTreeMap<Id, Supplier>,
    /// Organisations.
    pub organisations: BTreeMap<Id, Organisation>,
    /// Practices.
    pub practices: BTreeMap<ProviderName, Practice>,
    /// Coalitions.
    pub coalitions: BTreeMap<Id, Coalition>,
}

impl Draft {
    /// Puts an entry in, in the place of the one of its name.
    pub fn put(&mut self, entry: Entry) {
        match entry {
            Entry::Supplier(supplier) => drop(self.suppliers.insert(supplier.id.clone(), supplier)),
            Entry::Organisation(one) => drop(self.organisations.insert(one.id.clone(), one)),
            Entry::Practice(practice) => drop(self.practices.insert(practice.provider.clone(), *practice)),
            Entry::Coalition(coalition) => drop(self.coalitions.insert(coalition.id.clone(), *coalition)),
        }
    }

    /// Takes an entry out.
    pub fn remove(&mut self, key: &Key) {
        match key {
            Key::Supplier(id) => drop(self.suppliers.remove(id)),
            Key::Organisation(id) => drop(self.organisations.remove(id)),
            Key::Practice(provider) => drop(self.practices.remove(provider)),
            Key::Coalition(id) => drop(self.coalitions.remove(id)),
        }
    }

    /// The entry of this name.
    #[must_use]
    pub fn entry(&self, key: &Key) -> Option<Entry> {
        match key {
            Key::Supplier(id) => self.suppliers.get(id).cloned().map(Entry::Supplier),
            Key::Organisation(id) => self.organisations.get(id).cloned().map(Entry::Organisation),
            Key::Practice(provider) => self.practices.get(provider).map(|one| Entry::Practice(Box::new(one.clone()))),
            Key::Coalition(id) => self.coalitions.get(id).map(|one| Entry::Coalition(Box::new(one.clone()))),
        }
    }

    /// All entries, kind by kind, each in the order of names.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        let suppliers = self.suppliers.values().cloned().map(Entry::Supplier);
        let organisations = self.organisations.values().cloned().map(Entry::Organisation);
        let practices = self.practices.values().map(|one| Entry::Practice(Box::new(one.clone())));
        let coalitions = self.coalitions.values().map(|one| Entry::Coalition(Box::new(one.clone())));
        suppliers.chain(organisations).chain(practices).chain(coalitions)
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        let Self { suppliers, organisations, practices, coalitions } = self;
        [suppliers.len(), organisations.len(), practices.len(), coalitions.len()].iter().sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The practices of a coalition on a day.
    pub fn members<'a>(&'a self, coalition: &'a Id, day: Day) -> impl Iterator<Item = &'a Practice> {
        let is_member = move |one: &Membership| one.coalition == *coalition && one.covers(day);
        self.practices.values().filter(move |practice| practice.memberships.iter().any(is_member))
    }
}
