//! The names that follow each other in the objects of FHIR, as they were met: resources of one type have the same members in
//! the same order, so what stands where a name is expected is compared with the names that stood there before, instead of
//! being read again.
//!
//! What matches byte for byte is the same name as before. On the way to it stand the names before it in the same object, so
//! whether two of them are the same was found out when such an object first closed.
//!
//! The table outlives an answer, as small answers would otherwise have to read every name anew. So it holds nothing but
//! names of FHIR ([`vocabulary`]) and the orders in which they came, up to a limit: no other name, no value, no place in a
//! text. Measured in `benches/RESULTS.md`, "Shaping".

use super::names::Name;
use super::outline::traits;
use super::vocabulary;

/// How many labels are remembered, at 96 bytes. A searchset has 30 to 300, and practices differ little.
const MOST: usize = 2048;
/// How many labels are compared before one is read.
const TRIES: usize = 8;
/// Bytes of a label that are compared at once, and those of the longest that is remembered.
const HALF: usize = 16;
pub(super) const LONGEST: usize = 2 * HALF;

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

/// A name with its quotes and its colon.
#[derive(Debug, Clone)]
#[cfg_attr(test, derive(PartialEq, Eq))]
pub(super) struct Met {
    /// Its bytes, zeros behind the last, in two numbers; and which bits of them count.
    bytes: [u128; 2],
    counts: [u128; 2],
    pub(super) length: u8,
    pub(super) name: Name,
    /// See [`traits`].
    pub(super) traits: u8,
    /// No two names up to this one are the same.
    pub(super) is_clean: bool,
    /// The known names up to this one, a bit for each.
    pub(super) names: u64,
    /// Where the labels behind it begin, by [`Turn`], and the next one that stood where it stands.
    into: Place,
    pub(super) behind: Place,
    other: Place,
}

/// The labels that were met.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    met: Vec<Met>,
}

impl Shapes {
    /// Makes room for an answer: a full table starts anew, so that no HIS can take it from the others for long.
    pub(super) fn make_ready(&mut self) {
        if self.met.is_empty() || self.met.len() == MOST {
            self.met.clear();
            self.met.push(Met::new("", 0));
        }
    }

    /// The label that these bytes begin with, if it is this one or another that was met in its place.
    #[inline(always)]
    pub(super) fn find(&self, text: &[u8; LONGEST], expected: Place) -> Option<(Place, &Met)> {
        let (halves, mut place) = (halves(text), expected);
        for _ in 0..TRIES {
            let met = self.met.get(place.0 as usize)?;
            if met.begins(halves) {
                return Some((place, met));
            }
            place = met.other;
        }
        None
    }

    /// The label that came first in the last object with this one.
    #[inline(always)]
    pub(super) fn first_in(&self, place: Place) -> Place {
        self.get(place).map_or(Place::NOWHERE, |met| met.into)
    }

    /// The label that came behind this one last.
    #[inline(always)]
    pub(super) fn first_behind(&self, place: Place) -> Place {
        self.get(place).map_or(Place::NOWHERE, |met| met.behind)
    }

    /// What is remembered of a label.
    pub(super) fn get(&self, place: Place) -> Option<&Met> {
        self.met.get(place.0 as usize)
    }

    /// Notes that no two names up to this label are the same.
    pub(super) fn clear(&mut self, place: Place) {
        if let Some(met) = self.met.get_mut(place.0 as usize) {
            met.is_clean = true;
        }
    }

    /// Remembers a name that was read, as the first to be compared the next time.
    #[cold]
    pub(super) fn meet(&mut self, text: &str, from: Place, turn: Turn) -> Place {
        let Some(before) = self.met.get(from.0 as usize) else { return Place::NOWHERE };
        let (first, names) = (before.next(turn), if turn == Turn::Into { 0 } else { before.names });
        let place = match self.known_from(text, first) {
            Some(known) if known == first => return known,
            Some(known) => self.unlink(known, first),
            None if self.met.len() < MOST && text.len() + 3 <= LONGEST && vocabulary::knows(text) => {
                self.met.push(Met::new(text, names));
                Place(self.met.len() as u32 - 1)
            }
            None => return Place::NOWHERE,
        };
        if let Some(met) = self.met.get_mut(place.0 as usize) {
            met.other = first;
        }
        if let Some(before) = self.met.get_mut(from.0 as usize) {
            *before.next_mut(turn) = place;
        }
        place
    }

    /// Where this name is among those from `first` on.
    fn known_from(&self, text: &str, first: Place) -> Option<Place> {
        let (bytes, mut place) = (label(text)?, first);
        while let Some(met) = self.met.get(place.0 as usize) {
            if met.bytes == bytes && usize::from(met.length) == text.len() + 3 {
                return Some(place);
            }
            place = met.other;
        }
        None
    }

    /// Takes a label from among those from `first` on.
    fn unlink(&mut self, label: Place, first: Place) -> Place {
        let behind = self.get(label).map_or(Place::NOWHERE, |met| met.other);
        let mut place = first;
        while let Some(met) = self.met.get_mut(place.0 as usize) {
            if met.other == label {
                met.other = behind;
                break;
            }
            place = met.other;
        }
        label
    }
}

impl Met {
    /// That of a name behind others.
    fn new(text: &str, before: u64) -> Self {
        let length = if text.is_empty() { 0 } else { text.len() + 3 };
        let counts = [length.min(HALF), length.saturating_sub(HALF)].map(low_bytes);
        let name = Name::of(text);
        Self {
            bytes: label(text).unwrap_or_default(),
            counts,
            length: length as u8,
            name,
            traits: if name.is_watched() { traits::WATCHED } else { 0 },
            is_clean: false,
            names: before | name.bit(),
            into: Place::NOWHERE,
            behind: Place::NOWHERE,
            other: Place::NOWHERE,
        }
    }

    #[inline(always)]
    const fn next(&self, turn: Turn) -> Place {
        match turn {
            Turn::Into => self.into,
            Turn::Behind => self.behind,
        }
    }

    const fn next_mut(&mut self, turn: Turn) -> &mut Place {
        match turn {
            Turn::Into => &mut self.into,
            Turn::Behind => &mut self.behind,
        }
    }

    /// Whether a text begins with this label.
    #[inline(always)]
    fn begins(&self, [first, second]: [u128; 2]) -> bool {
        let ([head, tail], [of_head, of_tail]) = (self.bytes, self.counts);
        first & of_head == head && (usize::from(self.length) <= HALF || second & of_tail == tail)
    }
}

/// A number of which so many bytes are ones.
fn low_bytes(count: usize) -> u128 {
    u128::MAX.checked_shr(8 * (HALF - count) as u32).unwrap_or_default()
}

/// The bytes of a name with its quotes and its colon; `None` when they are too many.
fn label(name: &str) -> Option<[u128; 2]> {
    let mut bytes = [0; LONGEST];
    let whole: [&[u8]; 3] = [b"\"", name.as_bytes(), b"\":"];
    let mut to = bytes.iter_mut();
    for byte in whole.into_iter().flatten() {
        *to.next()? = *byte;
    }
    Some(halves(&bytes))
}

#[inline(always)]
fn halves(text: &[u8; LONGEST]) -> [u128; 2] {
    let (parts, _) = text.as_chunks::<HALF>();
    match parts {
        [first, second] => [u128::from_le_bytes(*first), u128::from_le_bytes(*second)],
        _ => [0; 2],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::outline::Value;
    use super::super::scan::scan;
    use super::super::{ShapeFault, scratch};
    use super::*;

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

    /// With a table that has met nothing.
    fn parsed_anew(text: &str) -> Result<Vec<String>, ShapeFault> {
        std::thread::scope(|scope| scope.spawn(|| parsed(text)).join().unwrap())
    }

    /// The names in the table of this thread.
    fn met() -> Vec<String> {
        let (spare, records) = scratch::take();
        let name = |met: &Met| {
            let bytes = met.bytes.iter().flat_map(|half| half.to_le_bytes()).take(met.length.into());
            String::from_utf8(bytes.collect()).unwrap().trim_end_matches(':').trim_matches('"').to_owned()
        };
        let names = spare.shapes.met.iter().skip(1).map(name).collect();
        spare.leave();
        scratch::keep(records);
        names
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

        /// Nor does what was met in other documents, whatever stood in them; and nothing of it stays but names of FHIR.
        #[test]
        fn other_documents_leave_nothing_but_names_of_fhir(
            documents in prop::collection::vec((object(3), any::<prop::sample::Index>(), "[\\PC\"{}:,]?"), 1..8),
        ) {
            for (text, at, other) in documents {
                let mut damaged = text.clone();
                let at = at.index(text.len());
                if text.is_char_boundary(at) && text.is_char_boundary(at + 1) {
                    damaged.replace_range(at..at + 1, &other);
                }
                for text in [&text, &damaged, &text] {
                    prop_assert_eq!(parsed(text), parsed_anew(text), "{}", text);
                }
            }
            prop_assert!(met().iter().all(|name| vocabulary::knows(name)), "{:?}", met());
        }
    }

    #[test]
    fn a_full_table_starts_anew_and_never_grows() {
        let names =
            ["id", "code", "text", "status", "system", "value", "coding", "display", "url", "period", "start", "end"];
        let pairs = names.iter().flat_map(|one| names.iter().map(move |other| (one, other)));
        let objects =
            pairs.filter(|(one, other)| one != other).map(|(one, other)| format!("\"{one}\":1,\"{other}\":{{"));
        let texts: Vec<_> = objects
            .flat_map(|open| {
                names.map(|name| format!("{{{open}\"{name}\":1,\"_{name}\":{{}},\"Jan Jansen\":{{\"id\":2}}}}}}"))
            })
            .collect();
        let (mut fullest, mut last) = (0, 0);
        for text in texts.iter().chain(&texts) {
            assert_eq!(parsed(text), parsed_anew(text));
            (fullest, last) = (fullest.max(met().len()), met().len());
        }
        assert_eq!(fullest, MOST - 1);
        assert!(last < fullest);
    }

    #[test]
    fn names_are_compared_in_the_order_in_which_they_came_last() {
        let mut shapes = Shapes::default();
        shapes.make_ready();
        let names = ["id", "url", "code", "text", "status", "system", "value", "coding", "display", "period"];
        let places = names.map(|name| shapes.meet(name, Place::ROOT, Turn::Into));
        for (name, place) in names.into_iter().zip(places) {
            assert_eq!(shapes.meet(name, Place::ROOT, Turn::Into), place);
            let mut text = [b' '; LONGEST];
            text.iter_mut().zip(format!("\"{name}\":1").bytes()).for_each(|(to, byte)| *to = byte);
            let expected = shapes.first_in(Place::ROOT);
            assert_eq!(shapes.find(&text, expected).map(|(found, _)| found), Some(place));
            assert_eq!(expected, place);
        }
        assert_eq!(shapes.met.len(), names.len() + 1);
        assert_eq!(shapes.meet("Jan Jansen", Place::ROOT, Turn::Into), Place::NOWHERE);
    }
}
