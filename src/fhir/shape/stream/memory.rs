//! What is remembered of entries that have gone: a few bits for each, under a keyed hash of what References call it.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use super::super::ShapeFault;
use super::super::bundle::Entry;
use super::super::reference::{Target, below};
use super::super::visible::{MOST_REPEATS, is_name_of};

/// How many names are remembered. With 17 bytes each in a table of twice the size it stays under 14 MB.
const MOST_NAMES: usize = 400_000;

/// An entry that left refers to it.
const NAMED: u16 = 1;
/// And shows what it is called.
const DISPLAYED: u16 = 2;
/// An entry of this name was withheld because the rules hide it.
const HIDDEN: u16 = 4;
/// An include of this name was withheld because nothing that left referred to it.
const SKIPPED: u16 = 8;
/// One more entry of this name; the bits above count them.
const ONE: u16 = 16;

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Leaves,
    Hidden,
    Skipped,
}

impl Fate {
    const fn bits(self) -> u16 {
        match self {
            Self::Leaves => 0,
            Self::Hidden => HIDDEN,
            Self::Skipped => SKIPPED,
        }
    }
}

/// The memory.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// With a key of its own: the HIS cannot choose two names that collide.
    hasher: RandomState,
    known: HashMap<u64, u16>,
}

impl Memory {
    /// Whether an entry that left refers to this one.
    pub(super) fn is_named(&self, entry: &Entry<'_>, his_base: &str) -> bool {
        let mut names = self.keys(entry, his_base, |url| is_name_of(url, entry));
        names.any(|key| self.known.get(&key).is_some_and(|bits| bits & NAMED != 0))
    }

    /// Notes what becomes of an entry.
    ///
    /// # Errors
    /// `OutOfOrder` when it is withheld and what left has already said what it is called, `NotASearchset` when it is
    /// there over 256 times, `PieceTooLarge` when there are too many names.
    pub(super) fn meet(&mut self, entry: &Entry<'_>, fate: Fate, his_base: &str) -> Result<(), ShapeFault> {
        let keys: Vec<u64> = self.keys(entry, his_base, |_| true).collect();
        for key in keys {
            let bits = self.bits(key)?;
            if fate != Fate::Leaves && *bits & DISPLAYED != 0 {
                return Err(ShapeFault::OutOfOrder);
            }
            if usize::from(*bits / ONE) == MOST_REPEATS {
                return Err(ShapeFault::NotASearchset);
            }
            *bits = (*bits | fate.bits()) + ONE;
        }
        Ok(())
    }

    /// Notes that an entry which leaves refers to a target, and whether it says what the target is called. Returns whether
    /// the target is hidden.
    ///
    /// # Errors
    /// `OutOfOrder` for an include that was passed over as nothing had referred to it yet, `PieceTooLarge`.
    pub(super) fn name(&mut self, target: Target<'_>, displays: bool) -> Result<bool, ShapeFault> {
        let Some(key) = self.key(target) else { return Ok(false) };
        let bits = self.bits(key)?;
        if *bits & SKIPPED != 0 {
            return Err(ShapeFault::OutOfOrder);
        }
        let is_hidden = *bits & HIDDEN != 0;
        *bits |= if displays && !is_hidden { NAMED | DISPLAYED } else { NAMED };
        Ok(is_hidden)
    }

    fn bits(&mut self, key: u64) -> Result<&mut u16, ShapeFault> {
        if self.known.len() >= MOST_NAMES && !self.known.contains_key(&key) {
            return Err(ShapeFault::PieceTooLarge);
        }
        Ok(self.known.entry(key).or_default())
    }

    /// The names of an entry: type and id, and a full URL that a Reference could give and that counts.
    fn keys(&self, entry: &Entry<'_>, his_base: &str, counts: impl Fn(&str) -> bool) -> impl Iterator<Item = u64> {
        let url = entry
            .full_url
            .as_ref()
            .map(|(_, url)| url.as_ref())
            .filter(|url| below(url, his_base).is_none() && counts(url));
        let identity = self.hasher.hash_one((entry.resource_type, entry.id));
        std::iter::once(identity).chain(url.map(|url| self.hasher.hash_one(url)))
    }

    fn key(&self, target: Target<'_>) -> Option<u64> {
        match target {
            Target::Local { resource_type, id, .. } => Some(self.hasher.hash_one((resource_type, id))),
            Target::Urn(url) | Target::Elsewhere(url) => Some(self.hasher.hash_one(url)),
            Target::Contained(_) => None,
        }
    }
}
