//! What was found out last about a text. An answer names few systems, people and places, most of them often.

use super::names::ends;

/// How many texts are remembered, a power of two.
const SLOTS: usize = 32;
/// Mixes the ends of a text: the fractional part of the golden ratio.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// What was found out last.
#[derive(Debug)]
pub(super) struct Recent<'o, T> {
    slots: [Option<(&'o str, T)>; SLOTS],
}

impl<T: Copy> Default for Recent<'_, T> {
    fn default() -> Self {
        Self { slots: [None; SLOTS] }
    }
}

impl<'o, T: Copy> Recent<'o, T> {
    /// What was found out about this text.
    pub(super) fn about(&self, text: &str) -> Option<&T> {
        let (known, found) = self.slots.get(slot(text))?.as_ref()?;
        (*known == text).then_some(found)
    }

    /// Remembers it in place of another text.
    pub(super) fn remember(&mut self, text: &'o str, found: T) {
        if let Some(place) = self.slots.get_mut(slot(text)) {
            *place = Some((text, found));
        }
    }
}

fn slot(text: &str) -> usize {
    let (first, last) = ends(text.as_bytes());
    ((first ^ last.rotate_left(7)).wrapping_mul(FACTOR) >> (u64::BITS - SLOTS.ilog2())) as usize
}
