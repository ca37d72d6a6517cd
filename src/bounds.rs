//! What may be in hand at once: places for requests, and bytes of answers. Nobody waits for either, so that whoever gets none
//! knows it at once. Counts, where semaphores would do as well but take a lock to give a permit back.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A bounded number of places.
#[derive(Debug)]
pub struct Places {
    most: AtomicUsize,
    taken: AtomicUsize,
}

/// One of them; free again when this is dropped.
#[derive(Debug)]
pub struct Place<P: Deref<Target = Places> = Arc<Places>>(P);

impl Places {
    /// So many.
    #[must_use]
    pub const fn new(most: usize) -> Self {
        Self { most: AtomicUsize::new(most), taken: AtomicUsize::new(0) }
    }

    /// So many from now on. Whoever has a place keeps it.
    pub fn become_as_many(&self, most: usize) {
        self.most.store(most, Ordering::Relaxed);
    }

    /// A place, unless all are taken.
    pub fn take<P: Deref<Target = Self>>(places: P) -> Option<Place<P>> {
        let before = places.taken.fetch_add(1, Ordering::Relaxed);
        let fits = before < places.most.load(Ordering::Relaxed);
        // Given back at once when it is one too many.
        let place = Place(places);
        fits.then_some(place)
    }

    /// How many are taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

impl<P: Deref<Target = Places>> Drop for Place<P> {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Bytes of answers that lie in memory as a whole: those that are read from a HIS to be judged, and those that wait for their
/// clients. What does not fit is to be passed on piece by piece.
#[derive(Debug)]
pub struct Memory {
    most: AtomicUsize,
    used: AtomicUsize,
}

/// Some of them; free again when this is dropped.
#[derive(Debug)]
pub struct Held<M: Deref<Target = Memory> = Arc<Memory>> {
    memory: M,
    bytes: usize,
}

impl Memory {
    /// What is smaller is not counted: it is bounded by the places, and is no more than a connection costs.
    pub const SMALL_BYTES: usize = 64 * 1024;
    /// What a body of unknown length takes at a time.
    const STEP_BYTES: usize = 256 * 1024;

    /// So many bytes.
    #[must_use]
    pub const fn new(most: usize) -> Self {
        Self { most: AtomicUsize::new(most), used: AtomicUsize::new(0) }
    }

    /// So many from now on. What is held stays held.
    pub fn become_as_large(&self, most: usize) {
        self.most.store(most, Ordering::Relaxed);
    }

    /// How many are in use.
    #[must_use]
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

impl<M: Deref<Target = Memory>> Held<M> {
    /// None yet.
    pub const fn nothing(memory: M) -> Self {
        Self { memory, bytes: 0 }
    }

    /// These, which are there already, whether or not there is room.
    pub fn already(memory: M, bytes: usize) -> Self {
        memory.used.fetch_add(bytes, Ordering::Relaxed);
        Self { memory, bytes }
    }

    /// Whether so many fit; they are held then.
    pub fn grows_to(&mut self, bytes: usize) -> bool {
        if bytes <= Memory::SMALL_BYTES.max(self.bytes) {
            return true;
        }
        let more = bytes.saturating_sub(self.bytes).next_multiple_of(Memory::STEP_BYTES);
        let before = self.memory.used.fetch_add(more, Ordering::Relaxed);
        let fits = before.saturating_add(more) <= self.memory.most.load(Ordering::Relaxed);
        if fits {
            self.bytes = self.bytes.saturating_add(more);
        } else {
            self.memory.used.fetch_sub(more, Ordering::Relaxed);
        }
        fits
    }
}

impl<M: Deref<Target = Memory>> Drop for Held<M> {
    fn drop(&mut self) {
        self.memory.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_places_as_there_are() {
        let places = Arc::new(Places::new(2));
        let held: Vec<_> = (0..2).map(|_| Places::take(Arc::clone(&places)).unwrap()).collect();
        assert!(Places::take(&*places).is_none());
        assert_eq!(places.taken(), 2);
        drop(held);
        assert!(Places::take(&*places).is_some());
        assert_eq!(places.taken(), 0);
    }

    #[test]
    fn fewer_or_more_places_take_none_away() {
        let places = Arc::new(Places::new(2));
        let held: Vec<_> = (0..2).map(|_| Places::take(Arc::clone(&places)).unwrap()).collect();
        places.become_as_many(1);
        assert!(Places::take(&*places).is_none());
        places.become_as_many(3);
        assert!(Places::take(&*places).is_some());
        drop(held);
        assert_eq!(places.taken(), 0);
    }

    #[test]
    fn bytes_are_held_until_they_are_given_back() {
        const MIB: usize = 1024 * 1024;
        let memory = Memory::new(2 * MIB);
        let mut small = Held::nothing(&memory);
        assert!(small.grows_to(Memory::SMALL_BYTES));
        assert_eq!(memory.used(), 0, "what is small is not counted");
        let mut one = Held::nothing(&memory);
        assert!(one.grows_to(MIB) && one.grows_to(MIB));
        assert!(one.grows_to(MIB + 1));
        assert_eq!(memory.used(), MIB + Memory::STEP_BYTES);
        let mut other = Held::nothing(&memory);
        assert!(!other.grows_to(MIB));
        assert_eq!(memory.used(), MIB + Memory::STEP_BYTES, "nothing of it is kept");
        let there = Held::already(&memory, 3 * MIB);
        assert!(!one.grows_to(2 * MIB));
        drop((one, there));
        assert!(other.grows_to(2 * MIB));
        drop(other);
        assert_eq!(memory.used(), 0);
    }
}
