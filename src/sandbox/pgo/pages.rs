//! The start page of the demonstration PGO, and how its pages look.

use askama::Template;
use jiff::civil::Date;

use super::{Offer, Shared};
use crate::sandbox::site::pages::{Brand, Leave};
use crate::sandbox::site::services::DataService;
use crate::sandbox::site::{Choice, choices};
use crate::sandbox::world::{Directory, ListedPractice};

/// The one stylesheet.
pub(super) const STYLESHEET: &str = include_str!("../site/site.css");

/// Who shows these pages.
pub(super) const BRAND: Brand = Brand {
    name: "Mijn Zorgmap",
    stylesheet: "/assets/zorgmap.css",
    foot: "Mijn Zorgmap is een verzonnen app (PGO) die laat zien hoe gegevens van de huisarts via MedMij bij iemand thuis komen. De app onthoudt alles een half uur en slaat niets op.",
    leave: Leave { action: "/forget", label: "Gegevens wissen" },
};

/// Choose a practice.
#[derive(Template)]
#[template(path = "pgo/start.html", config = "src/sandbox/askama.toml")]
pub(super) struct StartPage<'a> {
    brand: &'static Brand,
    practices: Vec<Choice<'a>>,
    /// Where the gateway has people look for their practice.
    search: Option<String>,
    /// Where it tells people who asked for their data.
    log: Option<String>,
    has_record: bool,
}

impl<'a> StartPage<'a> {
    /// `gateway` is the origin of the gateway's pages, when it is known.
    pub(super) fn of(directory: &'a Directory, today: Date, gateway: Option<&String>, has_record: bool) -> Self {
        let search = gateway.map(|origin| format!("{origin}/practices"));
        let log = gateway.map(|origin| format!("{origin}/inzagelog"));
        Self { brand: &BRAND, practices: choices(directory, today), search, log, has_record }
    }

    pub(super) fn render_html(&self) -> String {
        self.render().unwrap_or_default()
    }
}

/// Choose what to fetch.
#[derive(Template)]
#[template(path = "pgo/services.html", config = "src/sandbox/askama.toml")]
pub(super) struct ServicesPage<'a> {
    brand: &'static Brand,
    practice: &'a ListedPractice,
    services: &'a [DataService],
    takes_measurements: bool,
}

/// Fill in what was measured.
#[derive(Template)]
#[template(path = "pgo/share.html", config = "src/sandbox/askama.toml")]
pub(super) struct SharePage<'a> {
    brand: &'static Brand,
    practice: &'a ListedPractice,
}

/// What became of it.
#[derive(Template)]
#[template(path = "pgo/shared.html", config = "src/sandbox/askama.toml")]
pub(super) struct SharedPage<'a> {
    brand: &'static Brand,
    shared: &'a Shared,
}

impl<'a> SharePage<'a> {
    pub(super) const fn of(practice: &'a ListedPractice) -> Self {
        Self { brand: &BRAND, practice }
    }

    pub(super) fn render_html(&self) -> String {
        self.render().unwrap_or_default()
    }
}

impl<'a> SharedPage<'a> {
    pub(super) const fn of(shared: &'a Shared) -> Self {
        Self { brand: &BRAND, shared }
    }

    pub(super) fn render_html(&self) -> String {
        self.render().unwrap_or_default()
    }
}

impl<'a> ServicesPage<'a> {
    pub(super) fn of(offer: &'a Offer<'_>) -> Self {
        Self {
            brand: &BRAND,
            practice: offer.practice,
            services: &offer.services,
            takes_measurements: offer.takes_measurements(),
        }
    }

    pub(super) fn render_html(&self) -> String {
        self.render().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
