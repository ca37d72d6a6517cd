//! The document is read whole, and an impossible one is refused with its place.

use super::*;

#[test]
fn the_shipped_catalogue_has_the_seven_searches_of_service_49() {
    let catalogue = Catalogue::shipped();
    let service = catalogue.service("49").unwrap();
    assert_eq!(service.searches.len(), 7);
    assert_eq!(service.fhir, FhirVersion::Stu3);
    assert!(service.searches_of("EpisodeOfCare").all(|search| search.needs_flags));
    assert!(!service.has_type("Flag"));
}

const SERVICE: &str =
    "[[service]]\nid='1'\nname='x'\nroles=[]\nfhir='stu3'\npurpose='collect'\n[[service.search]]\nresource='A'\n";

#[test]
fn ambiguous_and_unknown_things_are_refused() {
    assert!(Catalogue::parse(SERVICE).is_ok());
    let twice = SERVICE.repeat(2);
    assert_eq!(Catalogue::parse(&twice).unwrap_err().explain(&twice), (9, "service 1 stands twice".to_owned()));
    for (added, said) in [
        ("colour='red'", "unknown field"),
        ("parameters=[{name='a',one_of=['b'],date=['ge'],not_before='today'}]", "one of one_of"),
        ("parameters=[{name='a',one_of=['b'],not_before='today'}]", "one of one_of"),
        ("parameters=[{name='a'}]", "one of one_of"),
        ("parameters=[{name='a',any_of=['b,c']}]", "no comma"),
        ("parameters=[{name='a',one_of=[]}]", "at least one value"),
        ("parameters=[{name='a',date=['sa']}]", "a prefix of a date"),
        ("parameters=[{name='a',one_of=['b']},{name='a',one_of=['c']}]", "a stands twice"),
        ("operation='everything'", "unknown variant"),
        ("rules=['all']", "unknown variant"),
        ("[[service.search]]\nresource='A'", "two searches of A"),
        ("[[service.search]]\nresource='a b'", "no name of a resource type"),
        ("[[service.read]]\nresource='B'\nlisted_by='C'", "finds a C"),
        ("[service.submission]\nkind='batch'\nmax_entries=1\nentries=[]", "at least one entry"),
        (
            "[service.submission]\nkind='batch'\nmax_entries=1\nentries=[{resource='A',at_least=2,at_most=1}]",
            "at least one entry",
        ),
        ("[[service]]\nid='2'\nname='x'\nroles=[]\nfhir='stu3'\npurpose='share'", "one that shares a submission"),
        ("[service.submission]\nkind='batch'\nmax_entries=1\nentries=[{resource='A'}]", "goes one way"),
        (
            "[[service]]\nid='2'\nname='x'\nroles=[]\nfhir='stu3'\npurpose='share'\nsearch=[{resource='A'}]\n\
             submission={kind='batch',max_entries=1,entries=[{resource='A'}]}",
            "goes one way",
        ),
    ] {
        let error = Catalogue::parse(&format!("{SERVICE}{added}")).expect_err(added).to_string();
        assert!(error.contains(said) && error.contains("line "), "{added}: {error}");
    }
}

#[test]
fn every_part_of_a_service_can_be_written() {
    let for_portals = SERVICE.replace("purpose", "audience='portal_only'\npurpose");
    let text = format!(
        "{for_portals}operation='lastn'\nrules=['results_period','closed_episodes']\nparameters=[\
         {{name='code',required=true,any_of=['s|a','s|']}},{{name='date',repeats=true,date=['ge','le']}}]\n\
         [[service.read]]\nresource='B'\nlisted_by='A'\n\
         [service.submission]\nkind='transaction'\nmax_entries=9\nentries=[{{resource='P',at_least=1,at_most=1}}]\n"
    );
    let catalogue = Catalogue::parse(&text).unwrap();
    let service = catalogue.service("1").unwrap();
    let search = service.searches_of("A").next().unwrap();
    assert_eq!(search.operation.map(Operation::as_str), Some("$lastn"));
    assert_eq!(search.rules, [Rule::ResultsPeriod, Rule::ClosedEpisodes]);
    assert_eq!(
        search.parameter("date").unwrap().values,
        Values::Date { prefixes: vec!["ge".to_owned(), "le".to_owned()], floor: None }
    );
    assert_eq!(service.read_of("B").unwrap().listed_by, "A");
    assert!(service.has_type("P") && service.has_type("B") && !service.has_type("C"));
    assert!(!service.is_for_everyone());
}
