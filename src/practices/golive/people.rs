//! Who takes part in a field test or pilot: known by keyed marks, so that a copy of the table names nobody.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use super::Entrance;
use crate::medmij::{Bsn, ProviderName, ServiceId};
use crate::seal::Sealer;

/// A keyed hash of a BSN (HMAC-SHA256); the same on every node that shares a store.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mark([u8; 32]);

impl Mark {
    /// From its 32 bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |at: usize| pair.get(at).and_then(|digit| char::from(*digit).to_digit(16));
            *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
        }
        Some(Self(bytes))
    }

    /// 64 hexadecimal digits. It stands for one person on these nodes, so it belongs in no log, page or address.
    #[must_use]
    pub fn reveal(&self) -> String {
        use std::fmt::Write as _;
        self.0.iter().fold(String::with_capacity(64), |mut text, byte| {
            // Writing into a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mark(..)")
    }
}

/// By what it is told who somebody is.
#[derive(Debug, Clone, Copy)]
pub enum Whom<'a> {
    /// Their number.
    Person(&'a Bsn),
    /// Their mark, where the number is not needed.
    Marked(&'a Mark),
    /// Anybody who has a place wherever it is asked: for explanations.
    Seated,
    /// Anybody who has no place anywhere: for explanations.
    Stranger,
}

/// Makes marks, with the key of the store and those that it replaced.
#[derive(Clone)]
pub struct Marker(Arc<Sealer>);

impl Marker {
    /// With the keys of this sealer.
    #[must_use]
    pub const fn new(sealer: Arc<Sealer>) -> Self {
        Self(sealer)
    }

    /// The mark of a person under the present key.
    #[must_use]
    pub fn mark(&self, person: &Bsn) -> Mark {
        Mark(self.0.mark(person.reveal().as_bytes()))
    }

    /// The marks of a person under each key, the present one first.
    #[must_use]
    pub fn marks(&self, person: &Bsn) -> Vec<Mark> {
        self.0.marks(person.reveal().as_bytes()).into_iter().map(Mark).collect()
    }
}

/// Everybody who has a place somewhere.
#[derive(Clone, Default)]
pub struct People {
    marker: Option<Marker>,
    of: HashMap<ProviderName, Vec<AtEntrance>>,
}

/// Who has a place at one entrance of a practice.
#[derive(Clone)]
struct AtEntrance {
    service: Option<ServiceId>,
    marks: HashSet<Mark>,
}

impl fmt::Debug for People {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("People").field("practices", &self.of.len()).finish_non_exhaustive()
    }
}

impl People {
    /// The people at each entrance.
    pub fn new(marker: Marker, seated: impl IntoIterator<Item = (Entrance, Mark)>) -> Self {
        let mut of: HashMap<_, Vec<AtEntrance>> = HashMap::new();
        for (Entrance { provider, service }, mark) in seated {
            let own = of.entry(provider).or_default();
            match own.iter_mut().find(|known| known.service == service) {
                Some(known) => drop(known.marks.insert(mark)),
                None => own.push(AtEntrance { service, marks: HashSet::from([mark]) }),
            }
        }
        Self { marker: Some(marker), of }
    }

    /// How many have a place at an entrance.
    #[must_use]
    pub fn taken(&self, provider: &ProviderName, service: Option<&ServiceId>) -> usize {
        self.at(provider, service).map_or(0, HashSet::len)
    }

    fn at(&self, provider: &ProviderName, service: Option<&ServiceId>) -> Option<&HashSet<Mark>> {
        let own = self.of.get(provider)?;
        own.iter().find(|known| known.service.as_ref() == service).map(|known| &known.marks)
    }

    /// Whether a person has a place at an entrance. Takes a keyed hash (about 1 us), so it is asked last.
    #[must_use]
    pub fn know(&self, provider: &ProviderName, service: Option<&ServiceId>, person: Whom<'_>) -> bool {
        let person = match person {
            Whom::Seated => return true,
            Whom::Stranger => return false,
            Whom::Marked(mark) => return self.at(provider, service).is_some_and(|marks| marks.contains(mark)),
            Whom::Person(person) => person,
        };
        let Some((marker, marks)) = self.marker.as_ref().zip(self.at(provider, service)) else { return false };
        marker.0.is_marked(person.reveal().as_bytes(), |mark| marks.contains(&Mark(mark)))
    }
}
