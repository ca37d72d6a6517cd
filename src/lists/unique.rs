//! Items in the order of the file whose keys are unique; found by key in constant time, however many there are.

use std::collections::HashMap;

use foldhash::fast::RandomState;

/// Up to this many items a scan is as fast as a hash, and needs no memory.
const SCANNED: usize = 8;

/// What an item of a list is known by.
pub(super) trait Keyed {
    /// The element that holds the key; the first in the item.
    const KEY_ELEMENT: &'static str;
    /// The key.
    fn key(&self) -> &str;
}

/// The key is already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken;

/// Unique items. A ZAL has a hundred thousand of these with one or two items, so it is small: 32 bytes, and no room to spare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unique<T> {
    items: Vec<T>,
    /// Absent while there are at most [`SCANNED`] items.
    index: Option<Box<Index>>,
}

/// Where the item with a key stands.
type Index = HashMap<Box<str>, usize, RandomState>;

/// No items.
impl<T> Default for Unique<T> {
    fn default() -> Self {
        Self { items: Vec::new(), index: None }
    }
}

impl<T: Keyed> Unique<T> {
    /// No items.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// One item.
    pub(super) fn of(item: T) -> Self {
        Self { items: vec![item], index: None }
    }

    /// Adds an item, unless its key is taken.
    pub(super) fn insert(&mut self, item: T) -> Result<(), Taken> {
        if self.find(item.key()).is_some() {
            return Err(Taken);
        }
        if self.items.len() < SCANNED {
            self.items.reserve_exact(1);
        }
        self.items.push(item);
        if self.items.len() > SCANNED {
            let index = self.index.get_or_insert_default();
            let new = self.items.iter().enumerate().skip(index.len());
            index.extend(new.map(|(at, item)| (item.key().into(), at)));
        }
        Ok(())
    }

    /// Gives back what was reserved for items that did not come.
    pub(super) fn settle(&mut self) {
        self.items.shrink_to_fit();
        if let Some(index) = &mut self.index {
            index.shrink_to_fit();
        }
    }

    /// The item with this key.
    pub(super) fn find(&self, key: &str) -> Option<&T> {
        match &self.index {
            None => self.items.iter().find(|item| item.key() == key),
            Some(index) => index.get(key).and_then(|at| self.items.get(*at)),
        }
    }

    /// All items, in the order of the file.
    pub(super) fn as_slice(&self) -> &[T] {
        &self.items
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Eq)]
    struct Item(String);

    impl Keyed for Item {
        const KEY_ELEMENT: &'static str = "Item";
        fn key(&self) -> &str {
            &self.0
        }
    }

    #[test]
    fn every_item_is_found_and_none_enters_twice_at_any_size() {
        let mut items = Unique::new();
        for n in 0..3 * SCANNED {
            assert_eq!(items.insert(Item(n.to_string())), Ok(()));
            for known in 0..=n {
                assert_eq!(items.find(&known.to_string()), Some(&Item(known.to_string())), "{known} of {n}");
                assert_eq!(items.insert(Item(known.to_string())), Err(Taken));
            }
            assert_eq!(items.find("other"), None);
        }
        let order: Vec<_> = items.as_slice().iter().map(|item| item.0.clone()).collect();
        assert_eq!(order, (0..3 * SCANNED).map(|n| n.to_string()).collect::<Vec<_>>());
    }
}
