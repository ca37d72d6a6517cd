//! Which entries leave once the rules have spoken: matches that are shown, and includes that one of them still refers to.

use std::ops::Range;

use super::ShapeFault;
use super::bundle::{Bundle, Mode};
use super::names::ends;
use super::reference::Target;
use super::walk::Site;

/// How often a HIS may repeat one entry, as some do with an include for each match. Bounds the work on each Reference.
pub(super) const MOST_REPEATS: usize = 256;

/// Finds the entries that a Reference points to.
#[derive(Debug)]
pub(super) struct Index<'b> {
    /// By the end of the id, as a number: most comparisons end there.
    identities: Vec<(u64, &'b str, &'b str, usize)>,
    urls: Vec<(u64, &'b str, usize)>,
    /// A bit for each of them, by the end of its name: almost every Reference leads out of the answer.
    present: [u64; PRESENT_WORDS],
}

/// Words of 64 bits for the presence of entries.
const PRESENT_WORDS: usize = 64;

impl<'b> Index<'b> {
    /// The index of a bundle. Without an include, an entry that is withheld or more of them than may be alike there is
    /// nothing to be found: then it is empty.
    ///
    /// # Errors
    /// `NotASearchset` when one identity or full URL is there over 256 times.
    pub(super) fn new(bundle: &'b Bundle<'_>, stays: &[bool]) -> Result<Self, ShapeFault> {
        let is_asked = stays.contains(&false) || bundle.resources().any(|entry| entry.mode != Mode::Match);
        let mut index = Self { identities: Vec::new(), urls: Vec::new(), present: [0; PRESENT_WORDS] };
        if !is_asked && stays.len() <= MOST_REPEATS {
            return Ok(index);
        }
        index.identities.reserve(stays.len());
        index.urls.reserve(stays.len());
        for (at, entry) in bundle.entries.iter().enumerate() {
            let Some(entry) = entry else { continue };
            index.identities.push((tail(entry.id), entry.id, entry.resource_type, at));
            index.urls.extend(entry.full_url.as_ref().map(|(_, url)| (tail(url), url.as_ref(), at)));
        }
        for tail in index.identities.iter().map(|entry| entry.0).chain(index.urls.iter().map(|entry| entry.0)) {
            let (word, bit) = presence(tail);
            index.present.iter_mut().skip(word).take(1).for_each(|word| *word |= bit);
        }
        index.sort()
    }

    /// Whether an entry may be there whose name ends so.
    fn may_have(&self, tail: u64) -> bool {
        let (word, bit) = presence(tail);
        self.present.get(word).is_some_and(|word| word & bit != 0)
    }

    fn sort(mut self) -> Result<Self, ShapeFault> {
        self.identities.sort_unstable();
        self.urls.sort_unstable();
        let is_repeated = repeats(&self.identities, |one, other| (one.1, one.2) == (other.1, other.2))
            || repeats(&self.urls, |one, other| one.1 == other.1);
        if is_repeated { Err(ShapeFault::NotASearchset) } else { Ok(self) }
    }

    /// Indexes of the entries; more than one when the HIS repeats itself.
    pub(super) fn find(&self, target: Target<'_>) -> impl Iterator<Item = usize> {
        let (identities, urls) = match target {
            Target::Local { id, .. } if !self.may_have(tail(id)) => (None, None),
            Target::Urn(url) | Target::Elsewhere(url) if !self.may_have(tail(url)) => (None, None),
            Target::Local { resource_type, id, .. } => {
                let sought = (tail(id), id, resource_type);
                (
                    self.identities.get(range_of(&self.identities, |entry| (entry.0, entry.1, entry.2).cmp(&sought))),
                    None,
                )
            }
            Target::Urn(url) | Target::Elsewhere(url) => {
                let sought = (tail(url), url);
                (None, self.urls.get(range_of(&self.urls, |entry| (entry.0, entry.1).cmp(&sought))))
            }
            Target::Contained(_) => (None, None),
        };
        let by_identity = identities.unwrap_or_default().iter().map(|entry| entry.3);
        by_identity.chain(urls.unwrap_or_default().iter().map(|entry| entry.2))
    }
}

/// The end of a name, where names differ most, as a number.
fn tail(name: &str) -> u64 {
    ends(name.as_bytes()).1
}

/// Where the bit of a name with this end is: word and bit.
fn presence(tail: u64) -> (usize, u64) {
    let mixed = tail.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed >> (u64::BITS - PRESENT_WORDS.ilog2())) as usize, 1 << (mixed >> 32 & 63))
}

/// Whether one of these is there too often; they are sorted.
fn repeats<T>(sorted: &[T], is_same: impl Fn(&T, &T) -> bool) -> bool {
    let runs = sorted.iter().zip(sorted.iter().skip(MOST_REPEATS));
    runs.into_iter().any(|(first, last)| is_same(first, last))
}

/// Where the entries stand that are equal in this order: few, as repeats are limited.
fn range_of<T>(sorted: &[T], order: impl Fn(&T) -> std::cmp::Ordering) -> Range<usize> {
    let start = sorted.partition_point(|item| order(item).is_lt());
    let same = sorted.get(start..).unwrap_or_default().iter().take_while(|item| order(item).is_eq());
    start..start + same.count()
}

/// Takes from `stays` the includes that no entry that stays leads to, be it over other includes.
pub(super) fn drop_unreferenced(
    bundle: &Bundle<'_>,
    index: &Index<'_>,
    sites: &[Site<'_>],
    his_base: &str,
    stays: &mut [bool],
) -> Result<(), ShapeFault> {
    if bundle.resources().all(|entry| entry.mode == Mode::Match) {
        return Ok(());
    }
    let is_match = |entry: usize| {
        bundle.entries.get(entry).and_then(Option::as_ref).is_some_and(|entry| entry.mode == Mode::Match)
    };
    let mut reached: Vec<bool> = stays.iter().enumerate().map(|(entry, stays)| *stays && is_match(entry)).collect();
    let mut open: Vec<usize> = (0..reached.len()).filter(|entry| reached.get(*entry) == Some(&true)).collect();
    while let Some(from) = open.pop() {
        // Sites come in the order of their entries.
        for site in sites.get(range_of(sites, |site| site.entry.cmp(&Some(from)))).unwrap_or_default() {
            for to in index.find(site.target(his_base)?) {
                if stays.get(to) == Some(&true) && reached.get(to) == Some(&false) {
                    reached.iter_mut().skip(to).take(1).for_each(|reached| *reached = true);
                    open.push(to);
                }
            }
        }
    }
    stays.copy_from_slice(&reached);
    Ok(())
}
