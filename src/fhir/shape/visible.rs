//! Which entries leave once the rules have spoken: matches that are shown, and includes that one of them still refers to.

use std::ops::Range;

use super::ShapeFault;
use super::bundle::{Bundle, Mode};
use super::reference::{Target, target};
use super::walk::Site;

/// How often a HIS may repeat one entry, as some do with an include for each match. Bounds the work on each Reference.
pub(super) const MOST_REPEATS: usize = 256;

/// Finds the entries that a Reference points to.
#[derive(Debug)]
pub(super) struct Index<'b> {
    identities: Vec<(&'b str, &'b str, usize)>,
    urls: Vec<(&'b str, usize)>,
}

impl<'b> Index<'b> {
    /// # Errors
    /// `NotASearchset` when one identity or full URL is there over 256 times.
    pub(super) fn new(bundle: &'b Bundle<'_>) -> Result<Self, ShapeFault> {
        let entries = || bundle.entries.iter().enumerate().filter_map(|(index, entry)| Some((index, entry.as_ref()?)));
        let mut identities: Vec<_> = entries().map(|(index, entry)| (entry.resource_type, entry.id, index)).collect();
        let mut urls: Vec<(&str, usize)> =
            entries().filter_map(|(index, entry)| Some((entry.full_url.as_ref()?.1.as_ref(), index))).collect();
        identities.sort_unstable();
        urls.sort_unstable();
        let is_repeated = identities
            .windows(MOST_REPEATS + 1)
            .any(|run| run.first().map(|it| (it.0, it.1)) == run.last().map(|it| (it.0, it.1)))
            || urls.windows(MOST_REPEATS + 1).any(|run| run.first().map(|it| it.0) == run.last().map(|it| it.0));
        if is_repeated { Err(ShapeFault::NotASearchset) } else { Ok(Self { identities, urls }) }
    }

    /// Indexes of the entries; more than one when the HIS repeats itself.
    pub(super) fn find(&self, target: Target<'_>) -> impl Iterator<Item = usize> {
        let (identities, urls) = match target {
            Target::Local { resource_type, id, .. } => {
                let range = range_of(&self.identities, |entry| (entry.0, entry.1).cmp(&(resource_type, id)));
                (self.identities.get(range), None)
            }
            Target::Urn(url) | Target::Elsewhere(url) => {
                (None, self.urls.get(range_of(&self.urls, |entry| entry.0.cmp(url))))
            }
            Target::Contained(_) => (None, None),
        };
        let by_identity = identities.unwrap_or_default().iter().map(|entry| entry.2);
        by_identity.chain(urls.unwrap_or_default().iter().map(|entry| entry.1))
    }
}

fn range_of<T>(sorted: &[T], order: impl Fn(&T) -> std::cmp::Ordering) -> Range<usize> {
    sorted.partition_point(|item| order(item).is_lt())..sorted.partition_point(|item| order(item).is_le())
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
            for to in index.find(target(&site.text, his_base)?) {
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
