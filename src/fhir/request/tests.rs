//! What a service allows reaches the HIS as the catalogue says it; everything else is refused with its reason.

mod allowed;
mod refused;

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::services::Catalogue;

const FLOORS: Floors = Floors { today: date(2026, 11, 21), results: date(2025, 9, 21) };

/// A service with everything that a catalogue can say.
const LARGE: &str = r#"
[[service]]
id = "1"
name = "everything"
roles = []
fhir = "stu3"
purpose = "collect"
audience = "portal_only"
search = [
  { resource = "Observation", parameters = [
    { name = "code", required = true, any_of = ["http://loinc.org|1", "http://loinc.org|2", "http://loinc.org|"] },
    { name = "date", date = ["eq", "ge", "gt", "le"] },
  ] },
  { resource = "Observation", parameters = [
    { name = "category", required = true, repeats = true, one_of = ["vital-signs", "laboratory"] },
  ] },
  { resource = "Observation", operation = "lastn", parameters = [
    { name = "code", required = true, any_of = ["http://loinc.org|1"] },
  ] },
  { resource = "DocumentReference" },
]
read = [{ resource = "Binary", listed_by = "DocumentReference" }, { resource = "Patient", listed_by = "Observation" }]
submission = { kind = "batch", max_entries = 3, entries = [{ resource = "Media" }] }
"#;

fn asked<'a>(verb: Verb, query: Option<&'a str>) -> Asked<'a> {
    let (accept, prefer) = (Accept::ANYTHING, Prefer::default());
    Asked { verb, query, form: Ok(None), accept, media: Media::Other, prefer }
}

fn split(request: &str) -> (&str, Option<&str>) {
    request.split_once('?').map_or((request, None), |(path, query)| (path, Some(query)))
}

/// What a GET asks, in words.
fn get(service: &Service, request: &str) -> Result<String, RequestError> {
    let (path, query) = split(request);
    parse(service, path, asked(Verb::Get, query), FLOORS).map(|demand| in_words(&demand.interaction))
}

fn in_words(interaction: &Interaction<'_>) -> String {
    match interaction {
        Interaction::Search(shape) => {
            let pairs: Vec<_> = shape.upstream.iter().map(|(name, value)| format!("{name}={value}")).collect();
            pairs.join("&")
        }
        Interaction::Read(shape) => format!("{} {} {}", shape.read.resource, shape.id, shape.as_resource),
        Interaction::Page(shape) => format!("{} page {}", shape.resource, shape.token),
        Interaction::Submit(shape) => format!("submit {:?}", shape.wants),
    }
}

fn upstream(request: &str) -> Result<String, RequestError> {
    get(Catalogue::shipped().service("49").unwrap(), request)
}

fn large() -> Service {
    Catalogue::parse(LARGE).unwrap().service("1").unwrap().clone()
}

#[test]
fn the_seven_searches_are_allowed() {
    let nhg45 = "https://referentiemodel.nhg.org/tabellen/nhg-tabel-45-diagnostische-bepalingen";
    for (request, sent) in [
        ("Patient?_include=Patient:general-practitioner", "_include=Patient:general-practitioner".to_owned()),
        ("EpisodeOfCare", String::new()),
        (
            "MedicationRequest?periodofuse=ge2026-11-21&category=http://snomed.info/sct%7C16076005&_include=MedicationRequest:medication",
            "periodofuse=ge2026-11-21&category=http://snomed.info/sct|16076005&_include=MedicationRequest:medication"
                .to_owned(),
        ),
        ("AllergyIntolerance?category=medication", "category=medication".to_owned()),
        (
            &format!(
                "Observation?code={nhg45}|&_include=Observation:related-target&_include=Observation:specimen&date=ge2025-09-21"
            ),
            format!(
                "code={nhg45}|&_include=Observation:related-target&_include=Observation:specimen&date=ge2025-09-21"
            ),
        ),
        ("Composition?type=http://loinc.org|67781-5", "type=http://loinc.org|67781-5".to_owned()),
        ("Encounter", String::new()),
    ] {
        assert_eq!(upstream(request), Ok(sent), "{request}");
    }
}

#[test]
fn lower_bounds_are_never_before_their_floor() {
    let medication = "MedicationRequest?category=http://snomed.info/sct|16076005";
    assert!(upstream(&format!("{medication}&periodofuse=ge2001-01-01")).unwrap().contains("periodofuse=ge2026-11-21"));
    assert!(upstream(medication).unwrap().ends_with("periodofuse=ge2026-11-21"));
    let results = "Observation?code=https://referentiemodel.nhg.org/tabellen/nhg-tabel-45-diagnostische-bepalingen|";
    assert!(upstream(results).unwrap().ends_with("date=ge2025-09-21"));
    assert!(
        upstream(&format!("{results}&date=le2026-01-01")).unwrap().ends_with("date=le2026-01-01&date=ge2025-09-21")
    );
    let moment = upstream(&format!("{results}&date=ge2026-01-01T10:00:00+01:00")).unwrap();
    assert!(moment.ends_with("|&date=ge2026-01-01T10:00:00+01:00"), "{moment}");
}

#[test]
fn lists_ranges_operations_and_several_searches_of_a_type_are_understood() {
    let service = large();
    for (request, sent) in [
        ("Observation?code=http://loinc.org|1", "code=http://loinc.org|1"),
        ("Observation?code=http://loinc.org|2,http://loinc.org|1", "code=http://loinc.org|2,http://loinc.org|1"),
        ("Observation?code=http://loinc.org%7C", "code=http://loinc.org|"),
        (
            "Observation?code=http://loinc.org|1&date=ge2020-01-01&date=le2020-02-01",
            "code=http://loinc.org|1&date=ge2020-01-01&date=le2020-02-01",
        ),
        ("Observation?date=2020-01-01&code=http://loinc.org|1", "date=eq2020-01-01&code=http://loinc.org|1"),
        ("Observation?category=vital-signs", "category=vital-signs"),
        ("Observation?category=vital-signs&category=laboratory", "category=vital-signs&category=laboratory"),
        ("Observation/$lastn?code=http://loinc.org|1", "code=http://loinc.org|1"),
        ("Observation?_page=aB-_.~9", "Observation page aB-_.~9"),
        ("Observation?_format=json&_page=x", "Observation page x"),
        ("DocumentReference", ""),
        ("Binary/a-1.b", "Binary a-1.b false"),
        ("Binary/a?_format=json", "Binary a true"),
        ("Patient/7", "Patient 7 true"),
    ] {
        assert_eq!(get(&service, request).as_deref(), Ok(sent), "{request}");
    }
}

#[test]
fn a_search_by_form_is_the_same_as_by_query() {
    let service = large();
    let posted = |query, form| {
        let media = Media::Form;
        parse(
            &service,
            "Observation/_search",
            Asked { media, form: Ok(Some(form)), ..asked(Verb::Post, query) },
            FLOORS,
        )
        .map(|demand| in_words(&demand.interaction))
    };
    let whole = "code=http%3A%2F%2Floinc.org%7C1&date=ge2020-01-01";
    let by_query = get(&service, &format!("Observation?{whole}"));
    assert_eq!(posted(None, whole), by_query);
    assert_eq!(posted(Some("code=http://loinc.org|1"), "date=ge2020-01-01"), by_query);
    assert_eq!(posted(Some(whole), ""), by_query);
    assert_eq!(posted(None, "code=http://loinc.org|1&patient=1"), Err(RequestError::UnknownParameter));
    assert_eq!(posted(Some("category=laboratory"), "category=laboratory"), Err(RequestError::Repeated));
}

#[test]
fn the_self_link_asks_the_same_again() {
    let service = large();
    let asked = asked(Verb::Get, Some("_format=json&code=http://loinc.org|1"));
    let demand = parse(&service, "Observation/$lastn", asked, FLOORS).unwrap();
    let Interaction::Search(shape) = demand.interaction else { panic!("a search") };
    let link = shape.self_link("https://a/fhir");
    assert_eq!(link, "https://a/fhir/Observation/$lastn?_format=json&code=http://loinc.org%7C1");
    assert_eq!(shape.describe(), "Observation/$lastn?code=http://loinc.org%7C1");
}

#[test]
fn a_bundle_is_taken_where_the_service_takes_one() {
    let service = large();
    let sent = |media, query, lines: &'static [&'static str]| {
        let prefer = Prefer::of(lines.iter().copied());
        parse(&service, "", Asked { media, prefer, ..asked(Verb::Post, query) }, FLOORS)
            .map(|demand| in_words(&demand.interaction))
    };
    let json = Media::Fhir(Format::Json);
    assert_eq!(sent(json, None, &["return=representation"]).as_deref(), Ok("submit Representation"));
    assert_eq!(sent(json, Some("_format=json"), &[]).as_deref(), Ok("submit Unsaid"));
    assert_eq!(sent(json, Some("patient=1"), &[]), Err(RequestError::UnknownParameter));
    assert_eq!(sent(Media::Form, None, &[]), Err(RequestError::Media));
    assert_eq!(sent(Media::Other, None, &[]), Err(RequestError::Media));
}

#[test]
fn format_may_be_asked_for_in_either_way() {
    for value in
        ["json", "application/fhir+json", "application%2Ffhir%2Bjson", "application/fhir+json;%20charset=utf-8"]
    {
        assert_eq!(upstream(&format!("Encounter?_format={value}")), Ok(String::new()), "{value}");
    }
}

proptest! {
    #[test]
    fn no_request_panics(path in "\\PC{0,30}", query in "\\PC{0,80}", form in "\\PC{0,80}") {
        for service in Catalogue::shipped().iter().chain([&large()]) {
            for verb in [Verb::Get, Verb::Post, Verb::Other] {
                for media in [Media::Form, Media::Fhir(Format::Json)] {
                    let asked = Asked { media, form: Ok(Some(&form)), ..asked(verb, Some(&query)) };
                    let _ = parse(service, &path, asked, FLOORS);
                }
            }
        }
    }

    #[test]
    fn accept_and_prefer_lines_never_panic(line in "\\PC{0,60}") {
        let accept = Accept::of([line.as_str()].into_iter(), FhirVersion::R4);
        let _ = (accept.of_resource(), accept.of_binary(), Prefer::of([line.as_str()].into_iter()));
        let _ = Media::of(Some(&line), FhirVersion::Stu3);
    }
}
