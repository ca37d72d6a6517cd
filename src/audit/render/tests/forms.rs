//! The line forms: what they hold, that they parse back, and that one record is one line.

use serde_json::{Value, json};

use super::{record, site};
use crate::audit::render::{atna, csv, ndjson, nen7513};
use crate::audit::testing::{LOG, any_event};
use crate::audit::{Record, encode};
use proptest::prelude::*;

const FORMULA: &str = "=HYPERLINK(\"https://example.org\",\"x\")\r\n+1,\"'\\\t<&>\u{1}";

fn cells(line: &[u8]) -> Vec<String> {
    let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(line);
    let records: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), 1);
    records[0].iter().map(str::to_owned).collect()
}

fn columns(line: &str) -> Vec<(&'static str, String)> {
    nen7513::COLUMNS.iter().map(|(name, _)| *name).zip(nen7513::parse(line).unwrap()).collect()
}

#[test]
fn a_nen_7513_line_says_who_what_when_about_whom_and_under_what() {
    let line = nen7513::nen7513(&record("disclosure_outcome", &json!({"intent": 40})), &site());
    let columns = columns(&line);
    let of = |name: &str| columns.iter().find(|(column, _)| *column == name).unwrap().1.as_str();
    let pseudonym = format!("2026:{}", "ab".repeat(32));
    let expected = [
        ("EventID", "disclosure_outcome"),
        ("EventTypeCode", "transfer"),
        ("EventActionCode", "R"),
        ("EventDateTime", "2026-11-21T09:30:00.123456Z"),
        ("EventOutcomeIndicator", "0"),
        ("EventOutcomeDescription", "done"),
        ("UserID", "pgo.example.nl"),
        ("AlternateUserID", "node.pgo.example.nl"),
        ("UserIsRequestor", "true"),
        ("RoleIDCode", "client"),
        ("PurposeOfUse", "PATRQT"),
        ("NetworkAccessPointTypeCode", "2"),
        ("NetworkAccessPointID", "2001:db8::7"),
        ("ResponsibleUserID", &pseudonym),
        ("ResponsibleRoleIDCode", "person"),
        ("ProviderID", "huisarts.delinde@medmij"),
        ("PatientID", &pseudonym),
        ("ParticipantObjectTypeCodeRole", "24"),
        ("ParticipantObjectDataLifeCycle", "6"),
        ("ParticipantObjectQuery", "Observation?code=http://loinc.org|8480-6"),
        ("ParticipantObjectDetail", "entries=3 withheld=1 bytes=8192 status=200"),
        ("autorisatieProtocol", "lasting_consent"),
        ("behandelrelatieProtocol", "own_record"),
        ("toestemmingsProfiel", "0193515a-8a5c-7cc0-8a55-7d3b1f6f0a04"),
        ("noodprocedure", "nee"),
        ("AuditSourceID", "inzage-a-00000000000000ff"),
        ("AuditEnterpriseSiteID", "Gezondheidsnet Voorbeeld"),
        ("RecordIndex", "41"),
        ("IntentIndex", "40"),
        ("RequestID", "5c0f6f0e-6a0b-4a43-9d2e-2f1f8a9e6b02"),
    ];
    for (name, value) in expected {
        assert_eq!(of(name), value, "{name}");
    }
    assert_eq!(nen7513::parse(&nen7513::header()).unwrap(), nen7513::COLUMNS.map(|(name, _)| name));
}

/// The document that is handed over with an export.
#[test]
fn every_column_of_nen_7513_is_in_the_document() {
    let document = include_str!("../../../../deploy/docs/audit-forms.md");
    for (name, holds) in nen7513::COLUMNS {
        assert!(document.contains(&format!("| `{name}` | {holds} |")), "{name}");
    }
}

#[test]
fn a_cell_is_no_formula_and_reads_back() {
    for text in [FORMULA, "=1", "+1", "-1", "@a", "\t1", "'=1", "'", "plain", "a=1"] {
        let line = csv::csv(&record("disclosure_outcome", &json!({"detail": text})), &site());
        let cells = cells(&line);
        assert_eq!(cells.len(), csv::COLUMNS.len());
        let cell = cells.last().unwrap();
        assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?}");
        assert_eq!(csv::unguarded(cell), text);
    }
    assert_eq!(cells(&csv::header()), csv::COLUMNS);
}

#[test]
fn a_line_of_json_has_every_member_but_the_sealed_bsn() {
    let line = ndjson(&record("disclosure_outcome", &json!({"intent": 40, "detail": FORMULA})), &site());
    assert!(line.starts_with("{\"log\":\"inzage-a-00000000000000ff\",\"index\":41,\"v\":2,\"time\":"));
    let value: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&value["detail"], &value["counts"]["withheld"]), (&json!(FORMULA), &json!(1)));
    assert!(value.get("sealed").is_none() && value["session"].is_string() && value["relation"] == "own_record");
}

#[test]
fn an_audit_message_has_the_form_of_dicom() {
    let xml = atna::message(&record("disclosure_outcome", &json!({"reason": "a<b&\"c\"\n"})), &site());
    for part in [
        "<EventIdentification EventActionCode=\"E\" EventDateTime=\"2026-11-21T09:30:00.123456Z\" EventOutcomeIndicator=\"0\">\
         <EventID csd-code=\"110112\" codeSystemName=\"DCM\" originalText=\"Query\"/>",
        "<EventTypeCode csd-code=\"disclosure_outcome\" codeSystemName=\"Inzage\" originalText=\"disclosure_outcome\"/>",
        "<EventOutcomeDescription>done: a&lt;b&amp;&quot;c&quot; </EventOutcomeDescription>",
        "<ActiveParticipant UserID=\"pgo.example.nl\" AlternativeUserID=\"node.pgo.example.nl\" UserIsRequestor=\"true\" \
         NetworkAccessPointID=\"2001:db8::7\" NetworkAccessPointTypeCode=\"2\">\
         <RoleIDCode csd-code=\"110153\" codeSystemName=\"DCM\" originalText=\"Source Role ID\"/>",
        "<ParticipantObjectIDTypeCode csd-code=\"2\" codeSystemName=\"RFC-3881\" originalText=\"Patient Number\"/>",
        "<ParticipantObjectQuery>T2JzZXJ2YXRpb24/Y29kZT1odHRwOi8vbG9pbmMub3JnfDg0ODAtNg==</ParticipantObjectQuery>",
        "ParticipantObjectID=\"inzage-a-00000000000000ff/41\"",
    ] {
        assert!(xml.contains(part), "{part}\n{xml}");
    }
    let read = atna::message(&record("disclosure_outcome", &json!({"query": "Binary"})), &site());
    let one = atna::message(&record("disclosure_outcome", &json!({"query": "Binary/2026-15d2825c"})), &site());
    assert!(one.contains("ParticipantObjectID=\"Binary/2026-15d2825c\""), "{one}");
    assert!(read.contains("csd-code=\"110106\"") && read.contains("originalText=\"Destination Role ID\""));
    let create = atna::message(&record("submission_outcome", &json!({"query": "create Observation"})), &site());
    assert!(create.contains("csd-code=\"110107\"") && create.contains("EventActionCode=\"C\""));
    let started = atna::message(&record("node_started", &json!({"subject": null, "query": null})), &site());
    assert!(started.contains("csd-code=\"110120\"") && started.contains("UserIsRequestor=\"true\""));
}

#[test]
fn a_syslog_message_has_the_header_of_iti_20_and_the_frame_its_octets() {
    let of = record("disclosure_outcome", &json!({"detail": "é"}));
    let message = atna::syslog(&of, &site());
    let head = "<85>1 2026-11-21T09:30:00.123456Z inzage.example.nl inzage - IHE+RFC-3881 - <?xml";
    assert!(message.starts_with(head), "{message}");
    let frame = atna::frame(&of, &site());
    let space = frame.iter().position(|byte| *byte == b' ').unwrap();
    let octets: usize = std::str::from_utf8(&frame[..space]).unwrap().parse().unwrap();
    assert_eq!(&frame[space + 1..], message.as_bytes());
    assert_eq!(octets, message.len());
}

proptest! {
    #[test]
    fn one_record_is_one_line_that_reads_back(event in any_event(), index: u64) {
        let mut payload = Vec::new();
        encode(&event, LOG, &mut payload);
        let record = Record::parse(index, &payload).unwrap();
        let detail = event.detail.as_deref().unwrap_or_default();

        let line = nen7513::nen7513(&record, &site());
        prop_assert_eq!(line.matches('\n').count(), 1);
        prop_assert!(!line.contains('\r'));
        let columns = columns(&line);
        let description = columns.iter().find(|(name, _)| *name == "ParticipantObjectDescription");
        prop_assert_eq!(&description.unwrap().1, detail);

        let cells = cells(&csv::csv(&record, &site()));
        prop_assert_eq!(csv::unguarded(cells.last().unwrap()), detail);

        let line = ndjson(&record, &site());
        prop_assert_eq!(line.matches('\n').count(), 1);
        let mut read: Value = serde_json::from_str(&line).unwrap();
        let object = read.as_object_mut().unwrap();
        prop_assert_eq!(object.remove("index"), Some(json!(index)));
        object.remove("log");
        let mut expected: Value = serde_json::from_slice(&payload).unwrap();
        for member in ["sealed", "source"] {
            expected.as_object_mut().unwrap().remove(member);
        }
        prop_assert_eq!(read, expected);

        let message = atna::syslog(&record, &site());
        prop_assert!(!message.chars().any(char::is_control));
        let mut reader = quick_xml::Reader::from_str(&message[message.find("<?xml").unwrap()..]);
        loop {
            match reader.read_event() {
                Ok(quick_xml::events::Event::Eof) => break,
                Ok(quick_xml::events::Event::Start(start) | quick_xml::events::Event::Empty(start)) => {
                    for attribute in start.attributes() {
                        prop_assert!(attribute.is_ok());
                    }
                }
                Ok(_) => {}
                Err(error) => prop_assert!(false, "{}", error),
            }
        }
    }
}
