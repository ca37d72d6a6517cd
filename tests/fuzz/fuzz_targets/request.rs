//! A request of a client, `METHOD path?query` and the body behind a line break: whatever it asks, only what the catalogue names
//! reaches the HIS, no lower bound is before its floor, and the self link asks the same again.

#![no_main]

use std::sync::LazyLock;

use inzage::fhir::request::{Accept, Asked, Floors, Interaction, Media, Prefer, SearchShape, Verb, parse};
use inzage::medmij::FhirVersion;
use inzage::services::{Catalogue, Floor, Service, Values};
use jiff::civil::{Date, date};
use libfuzzer_sys::fuzz_target;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::shipped);
const FLOORS: Floors = Floors { today: date(2026, 11, 21), results: date(2025, 9, 21) };

fn assert_allowed(shape: &SearchShape<'_>) {
    for (name, value) in &shape.upstream {
        let parameter = shape.search.parameter(name).expect("a parameter of the catalogue");
        match &parameter.values {
            Values::OneOf(allowed) => assert!(allowed.contains(value)),
            Values::AnyOf(allowed) => assert!(value.split(',').all(|one| allowed.iter().any(|known| known == one))),
            Values::Count { most } => assert!(value.parse::<u16>().is_ok_and(|wanted| (1..=*most).contains(&wanted))),
            Values::Date { prefixes, floor } => assert_date(value, prefixes, *floor),
        }
    }
    for parameter in &shape.search.parameters {
        let sent = || shape.upstream.iter().filter(|(name, _)| *name == parameter.name);
        assert!(!parameter.required || sent().count() > 0);
        // Without a lower bound of ours the HIS would answer with everything.
        let has_floor = matches!(parameter.values, Values::Date { floor: Some(_), .. });
        assert!(!has_floor || sent().any(|(_, value)| value.starts_with('g')));
    }
}

fn assert_date(value: &str, prefixes: &[String], floor: Option<Floor>) {
    let prefix = prefixes.iter().find_map(|prefix| value.strip_prefix(prefix.as_str()).map(|rest| (prefix, rest)));
    let (prefix, rest) = prefix.expect("a prefix of the catalogue");
    let day: Date = rest[..10].parse().expect("a date");
    let first = match floor {
        Some(Floor::Today) => FLOORS.today,
        Some(Floor::Results) => FLOORS.results,
        None => Date::MIN,
    };
    // A moment may name the day before in another time zone.
    let first = if rest.len() == 10 { first } else { first.yesterday().unwrap_or(first) };
    assert!(!prefix.starts_with('g') || day >= first);
}

fn demand<'a>(service: &'a Service, path: &str, asked: Asked<'_>) -> Option<SearchShape<'a>> {
    match parse(service, path, asked, FLOORS).ok()?.interaction {
        Interaction::Search(shape) => Some(shape),
        Interaction::Read(shape) => {
            assert!(!shape.id.is_empty() && !shape.id.contains('/'));
            None
        }
        Interaction::Page(_) | Interaction::Submit(_) => None,
    }
}

fuzz_target!(|text: &str| {
    let (head, body) = text.split_once('\n').map_or((text, None), |(head, body)| (head, Some(body)));
    let (verb, rest) = match head.strip_prefix("POST ") {
        Some(rest) => (Verb::Post, rest),
        None => (Verb::Get, head),
    };
    let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
    for service in CATALOGUE.iter() {
        let accept = Accept::of(body.into_iter(), FhirVersion::Stu3);
        let asked = Asked { verb, query, form: Ok(body), accept, media: Media::Form, prefer: Prefer::of(body.into_iter()) };
        let Some(shape) = demand(service, path, asked) else { continue };
        assert!(path.starts_with(&shape.search.resource));
        assert_allowed(&shape);
        let link = shape.self_link("");
        let (path, query) = link[1..].split_once('?').map_or((&link[1..], None), |(path, query)| (path, Some(query)));
        let again = Asked { verb: Verb::Get, query, form: Ok(None), ..asked };
        let again = demand(service, path, again).expect("a self link that can be followed");
        assert_eq!((again.asked, again.upstream), (shape.asked, shape.upstream));
    }
});
