//! The lists from outside: good samples, one bad sample per defect, attacks.

mod written;

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::clock::{Clock as _, SystemClock};

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
    match name.get(..3) {
        Some("zal") => Zal::parse(bytes, Reading::default()).err(),
        Some("ocl") => Ocl::parse(bytes, Reading::default()).err(),
        Some("whl") => Whl::parse(bytes, Reading::default()).err(),
        Some("gnl") => Gnl::parse(bytes, Reading::default()).err(),
        _ => panic!("{name} is of no list"),
    }
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
    let host = |name| crate::medmij::Hostname::parse(name).unwrap();
    assert!(lists.whl.contains(&host("back.dossier.example")) && !lists.whl.contains(&host("app.dossier.example")));
    assert_eq!(lists.gnl.name("51"), Some("Documenten en foto’s"));
    assert_eq!(lists.gnl.name("52"), None);
}

/// File, line, and what the message must say.
const REFUSED: &[(&str, usize, &str)] = &[
    ("zal-duplicate-provider", 65, "<Zorgaanbiedernaam> occurs twice"),
    ("zal-duplicate-service", 34, "<GegevensdienstId> occurs twice"),
    ("zal-duplicate-role", 53, "<Systeemrolcode> occurs twice"),
    ("zal-duplicate-version", 85, "<InterfaceversieId> occurs twice"),
    ("zal-wrong-order", 10, "found <Aanbiedertype>, expected <Zorgaanbiedernaam>"),
    ("zal-unknown-element", 12, "found <Weergavenaam>, expected <Interfaceversies>"),
    ("zal-old-release", 3, "<Zorgaanbiederslijst> is not in a namespace"),
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
    ("whl-text-only-nodes", 6, "text stands between elements"),
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
    assert!(Zal::parse(&bytes, Reading { allow_ports: true }).is_ok());
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

/// The attacks, each with the defect that stops it. The time is a bound for a debug build on a busy machine.
#[test]
fn attacks_are_refused_at_once() {
    let whl = String::from_utf8(fixture("whl-good")).unwrap();
    let many = |make: fn(u32) -> String| (0..100_000).map(make).collect::<String>();
    let bomb = (1..20).fold("<!ENTITY e0 \"ha\">".to_owned(), |text, n| {
        text + &format!("<!ENTITY e{n} \"{}\">", format!("&e{};", n - 1).repeat(10))
    });
    let attacks = [
        ("entity bomb", whl.replace("<Whitelist ", &format!("<!DOCTYPE a [{bomb}]><Whitelist ")), Defect::Doctype),
        (
            "namespace declarations on the root",
            whl.replace("<Whitelist ", &format!("<Whitelist {}", many(|n| format!("xmlns:n{n}=\"urn:{n}\" ")))),
            Defect::NamespaceDeclarations,
        ),
        (
            "namespace declarations below it",
            whl.replace("<Hostname>", &format!("<Hostname {}>", many(|n| format!("xmlns:n{n}=\"urn:{n}\" ")))),
            Defect::NamespaceDeclarations,
        ),
        (
            "attributes on the root",
            whl.replace("<Whitelist ", &format!("<Whitelist {}", many(|n| format!("a{n}=\"\" ")))),
            Defect::Attribute { element: "Whitelist".into() },
        ),
        (
            "attributes below it",
            whl.replace("<Hostname>", &format!("<Hostname {}>", many(|n| format!("a{n}=\"\" ")))),
            Defect::Attribute { element: "Hostname".into() },
        ),
        (
            "depth",
            whl.replace("<MedMijNodes>", &"<MedMijNodes>".repeat(100_000)),
            Defect::UnexpectedElement {
                expected: Expected::ItemOrEnd { item: "MedMijNode", container: "MedMijNodes" },
                found: "MedMijNodes".into(),
            },
        ),
        (
            "a long value",
            whl.replace("node.inzage", &"a.".repeat(1_000_000)),
            Defect::TextTooLong { element: "Hostname" },
        ),
        (
            "a value of many pieces",
            whl.replace("node.inzage", &"&amp;".repeat(1_000_000)),
            Defect::TextTooLong { element: "Hostname" },
        ),
        ("size", format!("{whl}{}", " ".repeat(MAX_LIST_BYTES)), Defect::TooLarge),
    ];
    for (name, text, defect) in attacks {
        let start = SystemClock.monotonic();
        assert_eq!(refusal("whl", text.as_bytes()).map(|error| error.defect), Some(defect), "{name}");
        let took = SystemClock.monotonic() - start;
        assert!(took < Duration::from_secs(2), "{name} took {took:?}");
    }
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
