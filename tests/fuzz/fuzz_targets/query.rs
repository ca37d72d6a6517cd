//! A request of a client, `path?query`: whatever it asks, only what the catalogue names reaches the HIS, no lower bound is
//! before its floor, and the self link asks the same again.

#![no_main]

use std::sync::LazyLock;

use inzage::fhir::query::{Floors, SearchShape, parse_search};
use inzage::form::encode_pairs;
use inzage::services::{Catalogue, Floor, Values};
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
    let prefix = prefixes.iter().find_map(|prefix| value.strip_prefix(prefix.as_str()).map(|day| (prefix, day)));
    let (prefix, day) = prefix.expect("a prefix of the catalogue");
    let day: Date = day.parse().expect("a date");
    let first = match floor {
        Some(Floor::Today) => FLOORS.today,
        Some(Floor::Results) => FLOORS.results,
        None => Date::MIN,
    };
    assert!(!prefix.starts_with('g') || day >= first);
    assert_eq!(value.len(), "ge2026-11-21".len());
}

fuzz_target!(|request: &str| {
    let service = CATALOGUE.service("49").expect("a service of the catalogue");
    let (path, query) = request.split_once('?').map_or((request, None), |(path, query)| (path, Some(query)));
    let Ok(shape) = parse_search(service, path, query, FLOORS) else { return };
    assert_eq!(shape.search.resource, path);
    assert_allowed(&shape);
    let link = encode_pairs(&shape.asked);
    let again = parse_search(service, path, Some(&link), FLOORS).expect("a self link that can be followed");
    assert_eq!((again.asked, again.upstream), (shape.asked, shape.upstream));
});
