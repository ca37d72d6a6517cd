//! The start page of the demonstration portal, and how its pages look.

use askama::Template;
use http::StatusCode;
use jiff::civil::Date;

use crate::sandbox::site::pages::{Brand, Leave, Words};
use crate::sandbox::site::{Choice, choices};
use crate::sandbox::world::Directory;

/// The one stylesheet: that of all demonstration sites, in its own colours.
pub(super) const STYLESHEET: &str = concat!(include_str!("../site/site.css"), include_str!("praktijk.css"));

/// Who shows these pages.
pub(super) const BRAND: Brand = Brand {
    name: "Mijn Praktijk",
    stylesheet: "/assets/praktijk.css",
    foot: "Mijn Praktijk is een verzonnen portaal dat laat zien hoe een praktijk het dossier aan haar patiënten toont. Het portaal onthoudt alles een half uur en slaat niets op.",
    leave: Leave { action: "/logout", label: "Uitloggen" },
};

/// After logging out.
pub(super) const LEFT: Words = Words {
    status: StatusCode::OK,
    title: "U bent uitgelogd",
    what: "Het portaal is uw gegevens vergeten, en kan ze zonder u niet meer ophalen.",
    who: "Gebruikt iemand anders deze computer ook? Sluit dan dit venster.",
};

/// Choose a way to log in.
#[derive(Template)]
#[template(path = "portal/start.html", config = "src/sandbox/askama.toml")]
pub(super) struct StartPage<'a> {
    brand: &'static Brand,
    practices: Vec<Choice<'a>>,
    logged_in: bool,
}

impl<'a> StartPage<'a> {
    pub(super) fn of(directory: &'a Directory, today: Date, logged_in: bool) -> Self {
        Self { brand: &BRAND, practices: choices(directory, today), logged_in }
    }

    pub(super) fn render_html(&self) -> String {
        self.render().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::site::pages::tests::allowed_by_the_policy;
    use crate::sandbox::world::{ListedPractice, TestPerson};

    #[test]
    fn the_start_page_has_two_ways_and_no_number_in_what_is_sent() {
        let practice = ListedPractice {
            provider: "huisarts.dijk@medmij".to_owned(),
            name: "Praktijk <Dijk>".to_owned(),
            place: "Ergens".to_owned(),
        };
        let person = TestPerson {
            bsn: "999900006".to_owned(),
            name: "Duinker".to_owned(),
            provider: practice.provider.clone(),
            birth_date: Some(jiff::civil::date(1980, 1, 1)),
        };
        let directory = Directory { practices: vec![practice], people: vec![person] };
        let page = |logged_in| StartPage::of(&directory, jiff::civil::date(2026, 3, 9), logged_in).render_html();
        let html = page(true);
        assert!(html.contains(r#"action="/account""#) && html.contains(r#"action="/launch""#));
        assert!(html.contains(r#"<option value="0">Duinker (46 jaar)</option>"#));
        assert!(html.contains(r#"value="huisarts.dijk@medmij""#) && html.contains("Praktijk &#60;Dijk&#62;"));
        assert!(!html.contains(r#"value="999900006""#) && html.contains("<code>999900006</code>"));
        assert!(html.contains(r#"href="/record""#) && !page(false).contains(r#"href="/record""#));
        allowed_by_the_policy(&html);
    }
}
