//! What is kept of a month that is closed: exact counts, and for longer periods codes of which many people share each one. The
//! marks, by which a person could be told from another, are gone then.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::cell::Cell;
use super::figures::Distinct;
use super::people::View;
use super::sketch::Code;
use super::words::Channel;
use crate::medmij::ServiceId;

/// How many views are told apart; those beyond count as one without a service.
pub(super) const VIEWS_MAX: usize = 45;
const REPEAT: u64 = 1 << 63;
const CODE_BITS: u32 = 18;

/// A set of views, by their places in a list of at most [`VIEWS_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub struct ViewSet(u64);

impl ViewSet {
    pub(super) const fn one(place: u8) -> Self {
        Self(1 << place)
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    fn places(self) -> impl Iterator<Item = usize> {
        (0..VIEWS_MAX).filter(move |place| (self.0 >> place) & 1 == 1)
    }
}

/// Somebody, as far as a sketch knows them: a code, the views in which they are counted, and whether they came again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kept(u64);

impl Kept {
    pub(super) fn new(code: Code, views: ViewSet, again: bool) -> Self {
        Self(u64::from(code.number()) | (views.0 << CODE_BITS) | if again { REPEAT } else { 0 })
    }

    /// Somebody of whom nothing is kept but that they came again.
    pub(super) fn again(code: Code) -> Self {
        Self::new(code, ViewSet::default(), true)
    }

    pub(super) fn code(self) -> Option<Code> {
        Code::of_number(u32::try_from(self.0 & ((1 << CODE_BITS) - 1)).ok()?)
    }

    pub(super) const fn views(self) -> ViewSet {
        ViewSet((self.0 & !REPEAT) >> CODE_BITS)
    }

    pub(super) const fn came_again(self) -> bool {
        self.0 & REPEAT != 0
    }

    /// With the views at their places in another list.
    fn moved(self, places: &[u8]) -> Option<Self> {
        let moved = self.views().places().filter_map(|place| places.get(place));
        let views = moved.fold(ViewSet::default(), |views, place| views.and(ViewSet::one(*place)));
        Some(Self::new(self.code()?, views, self.came_again()))
    }
}

/// Which views are of a channel, and which of a service.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    pub(super) channels: [ViewSet; 2],
    pub(super) services: BTreeMap<ServiceId, ViewSet>,
}

impl Groups {
    pub(super) fn of(views: &[View]) -> Self {
        let mut groups = Self::default();
        for (place, view) in (0..).zip(views) {
            for (channel, views) in Channel::KNOWN.iter().zip(&mut groups.channels) {
                *views = if *channel == view.channel { views.and(ViewSet::one(place)) } else { *views };
            }
            if let Some(service) = &view.service {
                let views = groups.services.entry(service.clone()).or_default();
                *views = views.and(ViewSet::one(place));
            }
        }
        groups
    }
}

/// How many people, in each way that is told.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct People {
    pub(super) viewers: Distinct,
    pub(super) repeat: Distinct,
    pub(super) channels: [Distinct; 2],
    pub(super) services: BTreeMap<ServiceId, Distinct>,
}

impl People {
    /// Counts people by the views that each has and whether they came again.
    pub(super) fn counted(people: impl Iterator<Item = (ViewSet, bool)>, groups: &Groups) -> Self {
        let mut all = Self {
            viewers: Distinct::exact(0),
            repeat: Distinct::exact(0),
            channels: [Distinct::exact(0); 2],
            services: groups.services.keys().map(|service| (service.clone(), Distinct::exact(0))).collect(),
        };
        for (views, again) in people {
            all.viewers.count += 1;
            all.repeat.count += u64::from(again);
            for (group, distinct) in groups.channels.iter().zip(&mut all.channels) {
                distinct.count += u64::from(views.meets(*group));
            }
            for (group, distinct) in groups.services.values().zip(all.services.values_mut()) {
                distinct.count += u64::from(views.meets(*group));
            }
        }
        all.services.retain(|_, distinct| distinct.count > 0);
        all
    }
}

/// What is kept of a scope in a closed month, as it stands in the store: JSON with these members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Document {
    viewers: u64,
    repeat: u64,
    channels: BTreeMap<String, u64>,
    services: BTreeMap<String, u64>,
    /// The day of the first viewing by a PGO.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_pgo: Option<i8>,
    /// What the bits of the codes stand for.
    views: Vec<String>,
    /// Base64 of 64-bit numbers in little endian: bits 0 to 17 the code of a sketch, 18 to 62 the views, 63 whether they came
    /// again. Of more practices together: those who came again at none of them, but at two.
    codes: String,
    cells: BTreeMap<String, u64>,
}

impl Document {
    pub(super) fn new(people: &People, views: &[View], kept: BTreeSet<Kept>) -> Self {
        let bytes: Vec<u8> = kept.into_iter().flat_map(|kept| kept.0.to_le_bytes()).collect();
        let channels = Channel::KNOWN.iter().zip(&people.channels);
        Self {
            viewers: people.viewers.count,
            repeat: people.repeat.count,
            channels: channels.map(|(channel, distinct)| (channel.as_str().to_owned(), distinct.count)).collect(),
            services: people.services.iter().map(|(id, distinct)| (id.as_str().to_owned(), distinct.count)).collect(),
            first_pgo: None,
            views: views.iter().map(ToString::to_string).collect(),
            codes: STANDARD.encode(bytes),
            cells: BTreeMap::new(),
        }
    }

    pub(super) fn with_cells(mut self, cells: impl Iterator<Item = (Cell, u64)>) -> Self {
        self.cells = cells.map(|(cell, amount)| (cell.to_string(), amount)).collect();
        self
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a document has texts, numbers and lists of them")
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(super) fn people(&self) -> People {
        let channel = |channel: Channel| self.channels.get(channel.as_str()).copied().unwrap_or_default();
        let service = |(id, count): (&String, &u64)| Some((ServiceId::parse(id).ok()?, Distinct::exact(*count)));
        People {
            viewers: Distinct::exact(self.viewers),
            repeat: Distinct::exact(self.repeat),
            channels: Channel::KNOWN.map(|one| Distinct::exact(channel(one))),
            services: self.services.iter().filter_map(service).collect(),
        }
    }

    /// What its bits stand for; `None` when one is none that this release knows.
    pub(super) fn views(&self) -> Option<Vec<View>> {
        self.views.iter().map(|text| View::parse(text)).collect()
    }

    /// Its codes with the views at these places in another list.
    pub(super) fn kept(&self, places: &[u8]) -> Option<Vec<Kept>> {
        let bytes = STANDARD.decode(&self.codes).ok()?;
        let (numbers, rest) = bytes.as_chunks::<8>();
        let all = numbers.iter().map(|bytes| Kept(u64::from_le_bytes(*bytes)).moved(places));
        all.collect::<Option<Vec<_>>>().filter(|_| rest.is_empty())
    }

    pub(super) fn cells(&self) -> Option<Vec<(Cell, u64)>> {
        self.cells.iter().map(|(text, amount)| Some((Cell::parse(text)?, *amount))).collect()
    }
}
