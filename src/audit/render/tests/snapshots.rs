//! The fixtures of each version in every form, byte for byte: a form that changes is seen in review.

use std::fs;
use std::path::Path;

use super::site;
use crate::audit::Record;
use crate::audit::render::{atna, balp, csv, ndjson, nen7513};

#[test]
fn every_form_of_every_fixture_is_what_it_was() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut changed = Vec::new();
    let versions = fs::read_dir(root.join("fixtures/audit")).unwrap().map(|entry| entry.unwrap().file_name());
    let versions: Vec<_> =
        versions.filter_map(|name| name.into_string().ok().filter(|name| name.starts_with('v'))).collect();
    assert!(!versions.is_empty());
    for version in versions {
        let text = fs::read_to_string(root.join("fixtures/audit").join(&version).join("records.ndjson")).unwrap();
        let records: Vec<_> =
            text.lines().zip(0..).map(|(line, index)| Record::parse(index, line.as_bytes()).unwrap()).collect();
        for (form, now) in forms(&records) {
            let name = format!("{version}.{form}");
            let kept = fs::read(root.join("fixtures/audit/rendered").join(&name)).unwrap_or_default();
            if kept != now {
                let place = root.join("target/rendered");
                fs::create_dir_all(&place).unwrap();
                fs::write(place.join(&name), now).unwrap();
                changed.push(name);
            }
        }
    }
    assert!(changed.is_empty(), "changed: {changed:?}; what they are now lies in target/rendered");
}

fn forms(records: &[Record]) -> [(&'static str, Vec<u8>); 5] {
    let site = site();
    let all =
        |head: Vec<u8>, line: &dyn Fn(&Record) -> Vec<u8>| [head, records.iter().flat_map(line).collect()].concat();
    [
        ("ndjson", all(Vec::new(), &|record| ndjson(record, &site).into_bytes())),
        ("csv", all(csv::header(), &|record| csv::csv(record, &site))),
        ("fhir.ndjson", all(Vec::new(), &|record| format!("{}\n", balp(record, &site)).into_bytes())),
        ("nen7513.tsv", all(nen7513::header().into_bytes(), &|record| nen7513::nen7513(record, &site).into_bytes())),
        ("atna.syslog", all(Vec::new(), &|record| format!("{}\n", atna::syslog(record, &site)).into_bytes())),
    ]
}
