//! Which entries leave once the rules have spoken: matches that are shown, and includes that one of them still refers to.

use std::ops::Range;

use super::ShapeFault;
use super::bundle::{Bundle, Entry, Mode};
use super::names::ends;
use super::reference::{Target, below, named_by};
use super::walk::Site;

/// How often a HIS may repeat one entry, as some do with an include for each match. Bounds the work on each Reference.
pub(super) const MOST_REPEATS: usize = 256;

/// Finds the entries that a Reference points to.
#[derive(Debug)]
pub(super) struct Index<'b> {
    /// By the end of the id, as a number: most comparisons end there.
    identities: Vec<(u64, &'b str, &'b str, usize)>,
    /// Those below the base are found by identity.
    urls: Vec<(u64, &'b str, Location)>,
    /// A bit for each of them, by the end of its name: almost every Reference leads out of the answer.
    present: [u64; PRESENT_WORDS],
}

/// Where the entry of a full URL is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Location {
    entry: usize,
    /// Whether a Reference by this URL names the entry: a URN, or a URL that ends in its type and id (FHIR, Bundle.entry.fullUrl).
    names: bool,
}

impl Location {
    fn of(url: &str, entry: &Entry<'_>, at: usize) -> Self {
        Self { entry: at, names: is_name_of(url, entry) }
    }
}

/// Whether a Reference by this full URL, of an entry that is not found below the base of the HIS, names the entry.
pub(super) fn is_name_of(url: &str, entry: &Entry<'_>) -> bool {
    let is_entry = |target| matches!(target, Target::Local { resource_type, id, .. } if (resource_type, id) == (entry.resource_type, entry.id));
    url.starts_with("urn:") || named_by(url).is_some_and(is_entry)
}

/// Words of 64 bits for the presence of entries.
const PRESENT_WORDS: usize = 64;

impl<'b> Index<'b> {
    /// The index of a bundle. Without an include, an entry that is withheld, a Reference that leads outside the base of the HIS
    /// or more entries than may be alike there is nothing to be found: then it is empty.
    ///
    /// # Errors
    /// `NotASearchset` when one identity or full URL is there over 256 times.
    pub(super) fn new(
        bundle: &'b Bundle<'_>,
        stays: &[bool],
        leads_outside: bool,
        his_base: &str,
    ) -> Result<Self, ShapeFault> {
        let is_asked =
            leads_outside || stays.contains(&false) || bundle.resources().any(|entry| entry.mode != Mode::Match);
        let mut index = Self { identities: Vec::new(), urls: Vec::new(), present: [0; PRESENT_WORDS] };
        if !is_asked && stays.len() <= MOST_REPEATS {
            return Ok(index);
        }
        index.identities.reserve(stays.len());
        index.urls.reserve(stays.len());
        for (at, entry) in bundle.entries.iter().enumerate() {
            let Some(entry) = entry else { continue };
            index.identities.push((tail(entry.id), entry.id, entry.resource_type, at));
            let url = entry.full_url.as_ref().map(|(_, url)| url.as_ref()).filter(|url| below(url, his_base).is_none());
            index.urls.extend(url.map(|url| (tail(url), url, Location::of(url, entry, at))));
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
        let urls = self.at_url(target).iter().map(|found| found.2.entry);
        self.of_identity(target).iter().map(|found| found.3).chain(urls)
    }

    /// Those of them that a Reference to this target names, so that it brings them along.
    pub(super) fn named(&self, target: Target<'_>) -> impl Iterator<Item = usize> {
        let urls = self.at_url(target).iter().filter(|found| found.2.names).map(|found| found.2.entry);
        self.of_identity(target).iter().map(|found| found.3).chain(urls)
    }

    /// The target as it is with us: a URL outside the base that names an entry which leaves is that entry.
    pub(super) fn resolved<'t>(&self, target: Target<'t>, leaves: impl Fn(usize) -> bool) -> Target<'t> {
        match target {
            Target::Elsewhere(url) if self.named(target).any(leaves) => named_by(url).unwrap_or(target),
            Target::Local { .. } | Target::Contained(_) | Target::Urn(_) | Target::Elsewhere(_) => target,
        }
    }

    fn of_identity(&self, target: Target<'_>) -> &[(u64, &'b str, &'b str, usize)] {
        let Target::Local { resource_type, id, .. } = target else { return &[] };
        let sought = (tail(id), id, resource_type);
        if !self.may_have(sought.0) {
            return &[];
        }
        let range = range_of(&self.identities, |entry| (entry.0, entry.1, entry.2).cmp(&sought));
        self.identities.get(range).unwrap_or_default()
    }

    fn at_url(&self, target: Target<'_>) -> &[(u64, &'b str, Location)] {
        let (Target::Urn(url) | Target::Elsewhere(url)) = target else { return &[] };
        let sought = (tail(url), url);
        if !self.may_have(sought.0) {
            return &[];
        }
        self.urls.get(range_of(&self.urls, |entry| (entry.0, entry.1).cmp(&sought))).unwrap_or_default()
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
            for to in index.named(site.target(his_base)?) {
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
