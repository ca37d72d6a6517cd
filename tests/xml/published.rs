//! The published fixtures survive the way from XML to JSON and back, and their JSON the other way.

use std::fs;
use std::path::{Path, PathBuf};

use inzage::fhir::xml::{to_json, to_xml};
use inzage::medmij::FhirVersion::Stu3;

use crate::skipped;

/// The folder with the fixtures, or a line that says what was left out and why.
fn folder(test: &str) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a test that needs what is not in this repository asks where it is")]
    let shared = std::env::var("INZAGE_CONFORMANCE").ok();
    if shared.is_none() {
        skipped(test, "INZAGE_CONFORMANCE is not set; it names the folder with the published fixtures");
    }
    shared.map(|shared| Path::new(&shared).join("data/nictiz"))
}

/// The fixtures below a folder in this format.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // Beside them lie the scripts, which carry attributes of their compiler.
            let scripts =
                path.file_name().is_some_and(|name| name.to_string_lossy().contains("xis") || name == "phr-client");
            found.extend(if scripts { Vec::new() } else { files(&path, ending) });
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    found
}

/// What a document says, for comparing: start tags with their sorted attributes, text, and ends. An independent, slow
/// reading: prefixes, comments, processing instructions and white space between elements are no part of it.
fn said(xml: &str) -> Vec<String> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(xml);
    reader.config_mut().expand_empty_elements = true;
    let mut said = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) => {
                let mut words: Vec<String> = tag
                    .attributes()
                    .map(Result::unwrap)
                    .filter(|attribute| {
                        !attribute.key.into_inner().contains([':']) && attribute.key.into_inner() != "xmlns"
                    })
                    .map(|attribute| {
                        let value = attribute.normalized_value(quick_xml::XmlVersion::Explicit1_0).unwrap();
                        format!("{}={value}", attribute.key.into_inner())
                    })
                    .collect();
                words.sort();
                said.push(format!("<{} {}", tag.local_name().into_inner(), words.join(" ")));
            }
            Event::End(_) => said.push(">".to_owned()),
            Event::Text(text) => {
                let text = text.xml10_content();
                match said.last_mut().filter(|last| last.starts_with('"')) {
                    Some(last) => last.push_str(&text),
                    None => said.push(format!("\"{text}")),
                }
            }
            Event::GeneralRef(name) => match said.last_mut().filter(|last| last.starts_with('"')) {
                Some(last) => last.push_str(&format!("&{};", &*name)),
                None => said.push(format!("\"&{};", &*name)),
            },
            Event::Eof => break,
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
            other @ (Event::Empty(_) | Event::CData(_) | Event::DocType(_)) => panic!("{other:?}"),
        }
    }
    said.retain(|word| !word.starts_with('"') || !word.trim_start_matches('"').trim().is_empty());
    said
}

#[test]
fn every_published_fixture_survives_the_way_to_json_and_back() {
    let Some(folder) = folder("published XML") else { return };
    let mut resources = 0;
    for path in files(&folder, "xml") {
        let name = path.display();
        let text = fs::read_to_string(&path).unwrap();
        let json = to_json(text.as_bytes(), Stu3).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let back = to_xml(&json, Stu3).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let back = String::from_utf8(back).unwrap();
        assert_eq!(said(&back), said(&text), "{name}");
        assert_eq!(to_json(back.as_bytes(), Stu3).unwrap(), json, "{name}");
        resources += String::from_utf8(json).unwrap().matches("\"resourceType\":").count();
    }
    assert!(resources > 200, "{resources}");
}

#[test]
fn every_published_body_in_json_survives_the_way_to_xml_and_back() {
    let Some(folder) = folder("published JSON") else { return };
    let mut bodies = 0;
    for path in files(&folder, "json") {
        let text = fs::read_to_string(&path).unwrap();
        let xml = to_xml(text.as_bytes(), Stu3).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
        let back = to_json(&xml, Stu3).unwrap();
        let (before, after): (serde_json::Value, serde_json::Value) =
            (serde_json::from_str(&text).unwrap(), serde_json::from_slice(&back).unwrap());
        assert_eq!(before, after, "{}", path.display());
        bodies += 1;
    }
    assert!(bodies >= 3, "{bodies}");
}
