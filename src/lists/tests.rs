//! The lists from outside: good samples, one bad sample per defect, attacks.

mod attacks;
mod written;

use std::path::PathBuf;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

/// A folder of its own, gone afterwards.
pub(super) struct TestFolder(pub(super) PathBuf);

impl TestFolder {
    pub(super) fn new() -> Self {
        let name = format!("inzage-lists-{:016x}", u64::from_le_bytes(crate::secret::random()));
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for TestFolder {
    fn drop(&mut self) {
        // It may never have been made.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The good samples.
pub(super) fn samples() -> RawLists {
    PerList::try_from_fn(|list| Ok::<_, ()>(Bytes::from(fixture(&format!("{list}-good"))))).unwrap()
}

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/fixtures/lists/{name}.xml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Reads a list as the kind that the name starts with.
fn refusal(name: &str, bytes: &[u8]) -> Option<ListError> {
    match name.split('-').next() {
        Some("zal") => Zal::parse(bytes, Reading::default()).err(),
        Some("ocl") => Ocl::parse(bytes, Reading::default()).err(),
        Some("whl") => Whl::parse(bytes, Reading::default()).err(),
        Some("gnl") => Gnl::parse(bytes, Reading::default()).err(),
        Some("zakl") => Zakl::parse(bytes, Reading::default()).err(),
        _ => panic!("{name} is of no list"),
    }
}

fn host(name: &str) -> crate::medmij::Hostname {
    crate::medmij::Hostname::parse(name).unwrap()
}

#[test]
fn the_good_samples_say_what_they_say() {
    let lists = Lists::parse(&samples(), Reading::default()).unwrap();
    let moment = "2026-03-02T08:30:00Z".parse().unwrap();
    assert_eq!(lists.headers().zal, ListHeader { timestamp: moment, sequence: 41 });
    assert_eq!(lists.headers().whl, ListHeader { timestamp: moment, sequence: 903 });

    let provider = lists.zal.provider("huisartsen.deberk@medmij").unwrap();
    assert_eq!(provider.kind(), &ProviderKind::CareProvider);
    assert_eq!(provider.services("2").iter().map(|s| s.id().as_str()).collect::<Vec<_>>(), ["49", "51"]);
    let service = provider.service("2", "51").unwrap();
    assert_eq!(service.authorization().unwrap().as_str(), "https://login.inzage.example/deberk/authorize");
    assert_eq!(service.token().unwrap().path(), "/token");
    assert_eq!(service.subscription().unwrap().max_days(), 120);
    assert_eq!(service.roles().len(), 2);
    assert_eq!(service.resource("MM-3.0-PDB-FHIR").unwrap().port(), Some(8443));
    assert!(provider.service("1.4.0", "51").is_none() && provider.service("2", "48").is_none());
    assert!(lists.zal.provider("huisartsen.deberk").is_none());

    let other = lists.zal.provider("informatiepunt-noord@medmij").unwrap();
    assert_eq!(other.kind(), &ProviderKind::WithoutTreatment);
    assert!(other.service("2", "63").unwrap().token().is_none());

    assert_eq!(lists.ocl.client("app.dossier.example").unwrap().organisation(), "Mijn & Jouw Dossier B.V.");
    assert_eq!(lists.ocl.client("pgo.zonnewijzer.example").unwrap().organisation(), "Zonnewijzer <PGO>");
    assert!(lists.ocl.client("APP.dossier.example").is_none());
    assert!(lists.whl.contains(&host("back.dossier.example")) && !lists.whl.contains(&host("app.dossier.example")));
    assert_eq!(lists.gnl.name("51"), Some("Documenten en foto’s"));
    assert_eq!(lists.gnl.name("52"), None);
}

#[test]
fn a_whitelist_of_the_first_structure_says_the_same() {
    let whl = Whl::parse(&fixture("whl-text-good"), Reading::default()).unwrap();
    let names: Vec<_> = whl.hosts().map(|host| host.as_str()).collect();
    assert_eq!(names, ["back.dossier.example", "node.inzage.example", "lists.example"]);
    assert!(whl.contains(&host("node.inzage.example")));
}

#[test]
fn an_old_list_of_providers_offers_its_services_in_a_version_of_its_own() {
    let zal = Zal::parse(&fixture("zal-release2-good"), Reading::default()).unwrap();
    let provider = zal.provider("praktijkdeberk@medmij").unwrap();
    assert_eq!(provider.kind(), &ProviderKind::CareProvider);
    assert!(provider.service("2", "6").is_none());
    let service = provider.service(InterfaceVersion::OF_RELEASE_2, "6").unwrap();
    assert_eq!(service.token().unwrap().port(), Some(8099));
    assert_eq!(service.roles().len(), 2);
}

#[test]
fn a_koppellijst_leads_from_number_to_name() {
    let zakl = Zakl::parse(&fixture("zakl-good"), Reading::default()).unwrap();
    let names = |kind, number| zakl.names(kind, number).map(|name| name.short()).collect::<Vec<_>>();
    assert_eq!(names(IdentifierKind::Agb, "01990001"), ["huisartsen.deberk", "informatiepunt-noord"]);
    assert_eq!(names(IdentifierKind::Ura, "90000001"), ["huisartsen.deberk"]);
    assert_eq!(names(IdentifierKind::Kvk, "90000001"), ["informatiepunt-noord"], "the same digits of another kind");
    assert!(names(IdentifierKind::Agb, "90000001").is_empty());
    let service = &zakl.providers()[0].services()[0];
    assert_eq!((service.id().as_str(), service.name(), service.versions().len()), ("49", "Huisartsgegevens", 2));
}

#[test]
fn a_list_tells_its_kind_by_itself() {
    for name in ["zal", "ocl", "whl", "gnl", "zakl", "whl-text", "zal-release2"] {
        let list = AnyList::parse(&fixture(&format!("{name}-good")), Reading::default()).unwrap();
        assert!(!list.entries().is_empty(), "{name}");
    }
    let error = AnyList::parse(b"<Register/>", Reading::default()).unwrap_err();
    assert_eq!(error.to_string(), "line 1, column 1: <Register> is the root of no list");
}

#[test]
fn a_namespace_that_is_not_accepted_is_refused() {
    let schemas = Schema::ALL.into_iter().filter(|schema| *schema != Schema::ZalRelease2).collect();
    let reading = Reading { schemas, ..Reading::default() };
    let error = Zal::parse(&fixture("zal-release2-good"), reading).unwrap_err();
    assert_eq!(error.defect, Defect::WrongNamespace { element: "Zorgaanbiederslijst".into() });
    assert!(Zal::parse(&fixture("zal-good"), reading).is_ok());
}

#[test]
fn how_long_a_provider_name_may_be_is_a_setting() {
    let text = String::from_utf8(fixture("zal-good")).unwrap();
    let of = |letters| text.replace("huisartsen.deberk@medmij", &format!("{}@medmij", "a".repeat(letters)));
    let takes = |letters, provider_name_max| {
        Zal::parse(of(letters).as_bytes(), Reading { provider_name_max, ..Reading::default() }).is_ok()
    };
    assert!(takes(50, 57) && !takes(51, 57) && takes(51, 58) && takes(113, 200) && !takes(114, 200));
}

#[test]
fn what_came_and_went_and_changed() {
    let read = |text: &str| AnyList::parse(text.as_bytes(), Reading::default()).unwrap();
    let older = String::from_utf8(fixture("ocl-good")).unwrap();
    let newer = older.replace("Zonnewijzer <PGO>", "Zonnewijzer").replace("app.dossier", "app.mijndossier");
    assert_ne!(older, newer);
    let found = read(&newer).since(&read(&older)).unwrap();
    assert_eq!(
        found,
        [
            Difference::Went("app.dossier.example".to_owned()),
            Difference::Came("app.mijndossier.example".to_owned()),
            Difference::Changed {
                entry: "pgo.zonnewijzer.example".to_owned(),
                before: vec!["organisation Zonnewijzer <PGO>".to_owned()],
                after: vec!["organisation Zonnewijzer".to_owned()],
            },
        ]
    );
    let other = AnyList::parse(&fixture("gnl-good"), Reading::default()).unwrap();
    assert_eq!(read(&older).since(&other), None);
}

/// File, line, and what the message must say.
const REFUSED: &[(&str, usize, &str)] = &[
    ("zal-duplicate-provider", 65, "<Zorgaanbiedernaam> occurs twice"),
    ("zal-duplicate-service", 34, "<GegevensdienstId> occurs twice"),
    ("zal-duplicate-role", 53, "<Systeemrolcode> occurs twice"),
    ("zal-duplicate-version", 85, "<InterfaceversieId> occurs twice"),
    ("zal-wrong-order", 10, "found <Aanbiedertype>, expected <Zorgaanbiedernaam>"),
    ("zal-unknown-element", 12, "found <Weergavenaam>, expected <Interfaceversies>"),
    ("zal-unknown-release", 3, "<Zorgaanbiederslijst> is not in a namespace"),
    ("zal-wrong-release", 11, "found <Aanbiedertype>, expected <Gegevensdiensten>"),
    ("zal-release2-dotted-name", 53, "<Zorgaanbiedernaam> is not valid"),
    ("zal-release2-short-name", 53, "<Zorgaanbiedernaam> is not valid: not 10 to 57 characters long"),
    ("zal-release2-no-token", 15, "found <Systeemrollen>, expected <TokenEndpoint>"),
    ("zakl-short-number", 14, "<URA> is not valid: not 8 digits"),
    ("zakl-other-number", 14, "found <BSN>, expected <AGB> or <URA> or <OIN> or <HRN> or <KVK>"),
    ("zakl-duplicate-number", 14, "<IdentificerendKenmerk> occurs twice"),
    ("zakl-small-letter", 3, "<Zorgaanbiederskoppellijst> is not in a namespace"),
    ("zal-trailing-slash", 28, "<ResourceEndpointuri> is not valid: the path has an empty segment"),
    ("zal-dot-segment", 28, "<ResourceEndpointuri> is not valid: the path has an empty segment"),
    (
        "zal-front-channel-port",
        19,
        "<AuthorizationEndpointuri> is not valid: an endpoint on the front channel has no port",
    ),
    ("zal-address-host", 22, "<TokenEndpointuri> is not valid: the host"),
    ("zal-plain-http", 77, "<ResourceEndpointuri> is not valid: an endpoint starts with https://"),
    ("zal-no-roles", 73, "an element ends where <Systeemrol> was expected"),
    ("zal-truncated", 66, "the file ends before the list does"),
    ("zal-provider-without-suffix", 65, "<Zorgaanbiedernaam> is not valid"),
    ("ocl-uppercase-host", 11, "<Hostname> is not valid"),
    ("ocl-long-name", 8, "<OAuthclientOrganisatienaam> is not valid: not 3 to 50 characters long"),
    ("ocl-attribute", 10, "<OAuthclient> has an attribute"),
    ("ocl-direction-character", 8, "<OAuthclientOrganisatienaam> is not valid: a character"),
    ("ocl-duplicate-host", 11, "<Hostname> occurs twice"),
    ("ocl-element-in-text", 12, "found <b>, expected the text of <OAuthclientOrganisatienaam>"),
    ("whl-doctype", 2, "document type definition"),
    ("whl-external-entity", 2, "document type definition"),
    ("whl-undefined-entity", 10, "entity that XML does not define"),
    ("whl-mixed-nodes", 8, "found <Hostname>, expected the text of <MedMijNode>"),
    ("whl-mixed-nodes-later", 9, "text stands between elements"),
    ("whl-text-duplicate", 8, "<MedMijNode> occurs twice"),
    ("whl-text-space", 8, "<MedMijNode> is not valid"),
    ("whl-homoglyph-host", 10, "<Hostname> is not valid"),
    ("whl-port", 10, "<Hostname> is not valid"),
    ("whl-wrong-root", 2, "the root is <OAuthclientlist>, expected <Whitelist>"),
    ("whl-text-between", 9, "text stands between elements"),
    ("whl-processing-instruction", 2, "processing instruction"),
    ("whl-xinclude", 6, "<include> is not in a namespace"),
    ("whl-other-encoding", 1, "XML 1.0 in UTF-8"),
    ("whl-version-eleven", 1, "XML 1.0 in UTF-8"),
    ("gnl-zero-sequence", 4, "<Volgnummer> is not valid: not a positive whole number"),
    ("gnl-no-time-zone", 3, "<Tijdstempel> is not valid: not a date and time with a time zone"),
    ("gnl-duplicate-service", 11, "<GegevensdienstId> occurs twice"),
    ("gnl-second-root", 16, "something follows the end of the list"),
    ("gnl-mismatched-end", 12, "an end tag does not match"),
    ("gnl-no-namespace", 2, "<Gegevensdienstnamenlijst> is not in a namespace"),
    ("gnl-missing-name", 12, "an element ends where <Weergavenaam> was expected"),
];

#[test]
fn every_bad_sample_is_refused_at_its_defect() {
    for (name, line, says) in REFUSED {
        let error = refusal(name, &fixture(name)).unwrap_or_else(|| panic!("{name} was taken"));
        assert_eq!(error.position.line, *line, "{name}: {error}");
        assert!(error.to_string().contains(says), "{name}: {error}");
    }
}

#[test]
fn every_sample_is_in_the_table() {
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/lists")).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let name = file.strip_suffix(".xml").unwrap();
        assert!(name.ends_with("-good") || REFUSED.iter().any(|(refused, ..)| *refused == name), "{name}");
    }
}

#[test]
fn a_sandbox_may_name_ports_on_the_front_channel() {
    let bytes = fixture("zal-front-channel-port");
    assert!(Zal::parse(&bytes, Reading { allow_ports: true, ..Reading::default() }).is_ok());
}

#[test]
fn a_list_cut_off_anywhere_is_refused() {
    for kind in ListKind::ALL {
        let whole = samples().of(kind).clone();
        let end = whole.trim_ascii_end().len();
        for length in 0..end {
            assert!(refusal(kind.as_str(), &whole[..length]).is_some(), "{kind} of {length} bytes was taken");
        }
        assert!(refusal(kind.as_str(), &whole[..end]).is_none());
    }
}

#[test]
fn the_column_counts_characters() {
    let text = String::from_utf8(fixture("gnl-good")).unwrap();
    let text = text.replace("foto’s</Weergavenaam>", "foto’s</Weergavenaam>é<Extra/>");
    let error = refusal("gnl", text.as_bytes()).unwrap();
    assert_eq!(error.defect, Defect::UnexpectedText);
    assert_eq!(
        error.position,
        Position { line: 12, column: 7 + "<Weergavenaam>Documenten en foto’s</Weergavenaam>".chars().count() }
    );
}

#[test]
fn a_byte_order_mark_is_passed_over_once() {
    let sample = fixture("whl-good");
    let marked = |marks: usize| ["\u{feff}".repeat(marks).as_bytes(), &sample].concat();
    assert!(refusal("whl", &marked(1)).is_none());
    assert_eq!(refusal("whl", &marked(2)).unwrap().defect, Defect::Malformed);
    assert_eq!(refusal("whl", b"\xff\xfe<\0").unwrap().defect, Defect::NotUtf8);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        for list in ListKind::ALL {
            let _ = refusal(list.as_str(), &bytes);
        }
    }

    #[test]
    fn no_damage_panics(at: prop::sample::Index, insert in "\\PC{0,3}|[<>&;!/?\\[\\]\"'=-]{1,6}", remove in 0_usize..40) {
        for list in ListKind::ALL {
            let mut bytes = samples().of(list).to_vec();
            let from = at.index(bytes.len());
            let to = from.saturating_add(remove).min(bytes.len());
            bytes.splice(from..to, insert.bytes());
            let _ = refusal(list.as_str(), &bytes);
        }
    }
}
