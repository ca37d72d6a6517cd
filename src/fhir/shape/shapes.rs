//! The names that follow each other in the objects of this answer, as they were met: entries of one type have the same
//! members in the same order, so the bytes up to the next value are compared with those that stood there before instead of
//! being read again. What does not match is read; what is read is remembered, up to a limit.
//!
//! A label (comma, white space, name and colon) that matches byte for byte is the same name as before. On the way to it
//! stand the names before it in the same object, so a name that repeats one of them was seen when the label was first read.
//! Measured in `benches/RESULTS.md`, "Shaping".

use super::names::{Name, ends};

/// How many labels are remembered. A searchset has 30 to 300.
const MOST: usize = 1024;
/// How many labels are compared before one is read.
const TRIES: usize = 4;
/// Bytes of a label that are compared as one number.
const HEAD: usize = 16;

/// Where a label is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(u32);

impl Place {
    /// That of the document itself.
    pub(super) const ROOT: Self = Self(0);
    /// That of what is not remembered.
    pub(super) const NOWHERE: Self = Self(u32::MAX);
}

/// Which of the labels behind a label: that of its object's first member, or that of the member after its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Into,
    Behind,
}

/// A label that was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// Where its opening quote stands, in bytes from its start.
    pub(super) quote: u32,
    pub(super) length: u32,
    pub(super) name: Name,
    pub(super) traits: u8,
}

/// The names that an object had so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    known: u64,
    /// A few bits of the other names.
    others: u64,
    /// A known name came twice.
    repeats: bool,
    /// Two of the other names may be the same.
    may_repeat: bool,
}

impl Seen {
    /// Adds one.
    pub(super) fn meet(&mut self, name: Name, text: &str) {
        let bit = name.bit();
        if bit == 0 {
            let (first, last) = ends(text.as_bytes());
            let hash = (first ^ last.rotate_left(7)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58;
            self.may_repeat |= self.others >> hash & 1 == 1;
            self.others |= 1 << hash;
        }
        self.repeats |= self.known & bit != 0;
        self.known |= bit;
    }

    /// Whether no two of them can be the same.
    pub(super) const fn is_clean(self) -> bool {
        !self.repeats && !self.may_repeat
    }

    /// Whether two of them are the same.
    pub(super) const fn repeats(self) -> bool {
        self.repeats
    }
}

#[derive(Debug, Clone, Copy)]
struct Met {
    /// The first bytes, zero where it is shorter, and which bits of them count.
    head: u128,
    counts: u128,
    /// Where it stands.
    start: u32,
    known: Known,
    /// The names of its object up to this one.
    seen: Seen,
    /// Where the labels behind it begin, by [`Turn`], and the next one that stood where it stands.
    into: Place,
    behind: Place,
    other: Place,
}

/// The labels of an answer.
#[derive(Debug)]
pub(super) struct Shapes {
    met: Vec<Met>,
}

impl Shapes {
    /// Nothing met yet.
    pub(super) fn new(bytes: usize) -> Self {
        let root = Known { quote: 0, length: 0, name: Name::Other, traits: 0 };
        let mut shapes = Self { met: Vec::with_capacity((bytes / 64).clamp(16, MOST)) };
        shapes.met.push(Met::new(&[], 0, (root, Seen::default())));
        shapes
    }

    /// The label at `at`, if it is one that was met behind `from`.
    #[inline]
    pub(super) fn find(&self, text: &[u8], at: usize, from: Place, turn: Turn) -> Option<(Place, Known)> {
        let head = head(text.get(at..)?);
        let mut place = self.met.get(from.0 as usize)?.next(turn);
        for _ in 0..TRIES {
            let met = self.met.get(place.0 as usize)?;
            if head & met.counts == met.head && met.has_rest(text, at) {
                return Some((place, met.known));
            }
            place = met.other;
        }
        None
    }

    /// The names of an object up to this label; `None` when it is not remembered.
    pub(super) fn seen(&self, place: Place) -> Option<Seen> {
        self.met.get(place.0 as usize).map(|met| met.seen)
    }

    /// Notes that no two names up to this label are the same.
    pub(super) fn clear(&mut self, place: Place) {
        if let Some(met) = self.met.get_mut(place.0 as usize) {
            met.seen.may_repeat = false;
        }
    }

    /// Remembers a label that was read.
    pub(super) fn meet(&mut self, text: &[u8], start: usize, label: (Known, Seen), from: Place, turn: Turn) -> Place {
        let place = Place(self.met.len() as u32);
        let bytes = text.get(start..start + label.0.length as usize).unwrap_or_default();
        if self.met.len() == MOST {
            return Place::NOWHERE;
        }
        let Some(before) = self.met.get_mut(from.0 as usize) else { return Place::NOWHERE };
        let mut met = Met::new(bytes, start as u32, label);
        let first = match turn {
            Turn::Into => &mut before.into,
            Turn::Behind => &mut before.behind,
        };
        met.other = std::mem::replace(first, place);
        self.met.push(met);
        place
    }
}

impl Met {
    fn new(label: &[u8], start: u32, (known, seen): (Known, Seen)) -> Self {
        let counts = u128::MAX.checked_shr(8 * (HEAD - label.len().min(HEAD)) as u32).unwrap_or_default();
        let (into, behind, other) = (Place::NOWHERE, Place::NOWHERE, Place::NOWHERE);
        Self { head: head(label) & counts, counts, start, known, seen, into, behind, other }
    }

    const fn next(&self, turn: Turn) -> Place {
        match turn {
            Turn::Into => self.into,
            Turn::Behind => self.behind,
        }
    }

    /// Whether what stands at `at` goes on as this label does behind its first bytes.
    #[inline]
    fn has_rest(&self, text: &[u8], at: usize) -> bool {
        let (start, length) = (self.start as usize, self.known.length as usize);
        length <= HEAD || text.get(at + HEAD..at + length) == text.get(start + HEAD..start + length)
    }
}

/// The first bytes as a number, zeros behind the last.
#[inline]
fn head(text: &[u8]) -> u128 {
    text.first_chunk::<HEAD>().map_or_else(|| short_head(text), |head| u128::from_le_bytes(*head))
}

#[cold]
fn short_head(text: &[u8]) -> u128 {
    text.iter().take(HEAD).rev().fold(0, |head, byte| head << 8 | u128::from(*byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::ShapeFault;
    use super::super::outline::Value;
    use super::super::scan::scan;

    /// Objects inside each other with few names, so that they repeat, with spaces that differ.
    fn object(depth: u32) -> impl Strategy<Value = String> {
        let name = prop::sample::select(vec!["code", "system", "a", "b", "effectiveDateTime", "averylongnameofnobody"]);
        let space = prop::sample::select(vec!["", "", "", " ", "\n  ", "\t"]);
        let leaf = prop::sample::select(vec!["1", "\"x\"", "{}", "[]", "{ }", "true"]).prop_map(str::to_owned);
        leaf.prop_recursive(depth, 60, 5, move |inner| {
            let member = (name.clone(), space.clone(), space.clone(), inner.clone()).prop_map(
                |(name, before, behind, value)| format!("{before}\"{name}\"{behind}:{behind}{value}{before}"),
            );
            prop_oneof![
                3 => prop::collection::vec(member, 1..5).prop_map(|members| format!("{{{}}}", members.join(","))),
                1 => prop::collection::vec(inner, 1..5).prop_map(|items| format!("[{}]", items.join(","))),
            ]
        })
    }

    /// Each name and value of a document, in order.
    fn listed(value: Value<'_>, out: &mut Vec<String>) {
        out.extend(value.members().map(|member| {
            format!("{} {}", member.name(), member.known().text().is_none_or(|known| known == member.name()))
        }));
        value.members().map(|member| member.value).chain(value.items()).for_each(|value| listed(value, out));
        out.push(value.raw().to_owned());
    }

    fn parsed(text: &str) -> Result<Vec<String>, ShapeFault> {
        let outline = scan(text.as_bytes())?;
        let mut out = Vec::new();
        outline.root().into_iter().for_each(|root| listed(root, &mut out));
        Ok(out)
    }

    proptest! {
        /// What was met before in the document makes no difference: each element is what it is alone.
        #[test]
        fn a_name_that_was_met_is_the_one_that_is_read(items in prop::collection::vec(object(4), 1..12)) {
            let alone: Result<Vec<_>, _> = items.iter().map(|item| parsed(&format!("[{item}]"))).collect();
            let together = parsed(&format!("[{}]", items.join(",")));
            let strip = |mut lists: Vec<Vec<String>>| {
                lists.iter_mut().for_each(|list| drop(list.pop()));
                lists.concat()
            };
            let together = together.map(|list| strip(vec![list]));
            prop_assert_eq!(together, alone.map(strip));
        }
    }
}
