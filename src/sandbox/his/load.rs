//! Reads a folder tree of STU3 resources for the emulated HIS (`--his-data`).

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::store::{Records, Resource, ResourceError};
use super::urns::{Urns, replace_urns, urn_of};
use crate::fhir::xml::{XmlFault, to_json};
use crate::medmij::FhirVersion;

/// A file over this size is refused, in bytes.
const MAX_FILE: u64 = 64 * 1024 * 1024;
/// Folders nested deeper than this are refused; it also ends a loop of links.
const MAX_DEPTH: usize = 32;

/// Why a folder cannot be loaded. Each names the file.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The operating system does not give it.
    #[error("{path}: cannot be read", path = path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Folders in folders without end.
    #[error("{path}: folders are nested more than {MAX_DEPTH} deep", path = path.display())]
    TooDeep {
        /// The folder where counting stopped.
        path: PathBuf,
    },
    /// More than one file should hold.
    #[error("{path}: the file is larger than {MAX_FILE} bytes", path = path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// No FHIR STU3 in XML.
    #[error("{path}: {source}", path = path.display())]
    NotXml {
        /// The file.
        path: PathBuf,
        /// Where and why; it tells a position, never the content.
        #[source]
        source: XmlFault,
    },
    /// No JSON.
    #[error("{path}: the file is no JSON", path = path.display())]
    NotJson {
        /// The file.
        path: PathBuf,
        /// Where and why; it tells a position, never the content.
        #[source]
        source: serde_json::Error,
    },
    /// A Bundle that is no collection of resources.
    #[error("{path}: a Bundle in a file must be of type collection and hold a resource in every entry", path = path.display())]
    NotACollection {
        /// The file.
        path: PathBuf,
    },
    /// JSON that is no resource.
    #[error("{path}: {source}", path = path.display())]
    NotAResource {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: ResourceError,
    },
}

impl Records {
    /// Loads every `.json` and `.xml` file below a folder: one resource, or one Bundle of type collection, in a file. Files
    /// with other endings are left alone. Of two resources with the same type and id the one whose path sorts last stays.
    ///
    /// # Errors
    /// When any file cannot be read in full. The error names the file.
    pub fn load_folder(path: &Path) -> Result<Self, LoadError> {
        let mut resources = Vec::new();
        for file in files_below(path)? {
            resources.extend(resources_in(&file)?);
        }
        Ok(Self::of(resources))
    }
}

/// The `.json` and `.xml` files below a folder, sorted.
fn files_below(root: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let mut files = Vec::new();
    let mut open = vec![(root.to_owned(), 0_usize)];
    while let Some((folder, depth)) = open.pop() {
        if depth > MAX_DEPTH {
            return Err(LoadError::TooDeep { path: folder });
        }
        let unreadable = |source| LoadError::Unreadable { path: folder.clone(), source };
        for entry in fs::read_dir(&folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let kind = fs::metadata(&path).map_err(|source| LoadError::Unreadable { path: path.clone(), source })?;
            if kind.is_dir() {
                open.push((path, depth + 1));
            } else if ends_in(&path, "json") || ends_in(&path, "xml") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn ends_in(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending))
}

fn resources_in(path: &Path) -> Result<Vec<Resource>, LoadError> {
    let mut text = read(path)?;
    if ends_in(path, "xml") {
        text =
            to_json(&text, FhirVersion::Stu3).map_err(|source| LoadError::NotXml { path: path.to_owned(), source })?;
    }
    // A byte order mark is common in files of Windows systems and no part of the JSON (RFC 8259 section 8.1).
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&text);
    let value: Value =
        serde_json::from_slice(text).map_err(|source| LoadError::NotJson { path: path.to_owned(), source })?;
    let values = if value.get("resourceType").and_then(Value::as_str) == Some("Bundle") {
        entries(value, path)?
    } else {
        vec![value]
    };
    let refused = |source| LoadError::NotAResource { path: path.to_owned(), source };
    values.into_iter().map(|value| Resource::parse(value).map_err(refused)).collect()
}

fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    let unreadable = |source| LoadError::Unreadable { path: path.to_owned(), source };
    let file = fs::File::open(path).map_err(unreadable)?;
    let mut text = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut text).map_err(unreadable)?;
    if text.len() as u64 > MAX_FILE { Err(LoadError::TooLarge { path: path.to_owned() }) } else { Ok(text) }
}

/// The resources of a collection. References by URN to an entry's `fullUrl` become references by type and id, so that they
/// still mean something outside the Bundle.
fn entries(mut bundle: Value, path: &Path) -> Result<Vec<Value>, LoadError> {
    let refused = || LoadError::NotACollection { path: path.to_owned() };
    if bundle.get("type").and_then(Value::as_str) != Some("collection") {
        return Err(refused());
    }
    let entries = match bundle.get_mut("entry").map(Value::take) {
        None => Vec::new(),
        Some(Value::Array(entries)) => entries,
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            return Err(refused());
        }
    };
    let mut urns = Urns::new();
    let mut resources = Vec::with_capacity(entries.len());
    for mut entry in entries {
        let resource = entry.get_mut("resource").map(Value::take).ok_or_else(refused)?;
        urns.extend(urn_of(&entry).and_then(|urn| Some((urn.to_owned(), named(&resource)?))));
        resources.push(resource);
    }
    resources.iter_mut().for_each(|resource| replace_urns(resource, &urns));
    Ok(resources)
}

/// `Type/id` of a resource.
fn named(resource: &Value) -> Option<String> {
    Some(format!("{}/{}", resource.get("resourceType")?.as_str()?, resource.get("id")?.as_str()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A folder of its own that is removed at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn with(files: &[(&str, &str)]) -> Self {
            let name =
                format!("inzage-his-data-{}", uuid::Builder::from_random_bytes(crate::secret::random()).into_uuid());
            let root = std::env::temp_dir().join(name);
            for (name, text) in files {
                let path = root.join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Self(root)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).ok();
        }
    }

    const PATIENT: &str = r#"{"resourceType":"Patient","id":"p"}"#;

    #[test]
    fn a_tree_of_resources_and_collections_is_loaded() {
        let bundle = json!({"resourceType": "Bundle", "type": "collection", "entry": [
            {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Specimen", "id": "s"}},
            {"resource": {"resourceType": "Observation", "id": "o", "subject": {"reference": "Patient/p"},
                "specimen": {"reference": "urn:uuid:1"}}}]});
        let bundle = bundle.to_string();
        let folder = Folder::with(&[
            ("p.json", PATIENT),
            ("deep/er/bundle.JSON", bundle.as_str()),
            ("bom.json", "\u{feff}{\"resourceType\":\"Flag\",\"id\":\"f\"}"),
            (
                "xml/e.XML",
                "<Encounter xmlns='http://hl7.org/fhir'><id value='e'/><subject><reference value='Patient/p'/></subject></Encounter>",
            ),
            ("README.md", "not ours"),
        ]);
        let records = Records::load_folder(&folder.0).unwrap();
        assert_eq!(records.len(), 5);
        let encounter = records.find("Encounter", "e").unwrap();
        assert!(records.owners(encounter).unwrap().contains("p"));
        let specimen = records.find("Specimen", "s").unwrap();
        assert!(records.owners(specimen).unwrap().contains("p"), "the URN was followed");
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let cases = [
            ("broken.json", "{", "no JSON"),
            ("broken.xml", "<Patient xmlns='http://hl7.org/fhir'><id></Patient>", "not well-formed XML, at byte 41"),
            ("other.xml", "<Patient/>", "wrong namespace"),
            ("entity.xml", "<!DOCTYPE Patient><Patient xmlns='http://hl7.org/fhir'/>", "a document type"),
            ("nameless.xml", "<Patient xmlns='http://hl7.org/fhir'/>", "no id"),
            ("list.json", "[]", "no FHIR resource"),
            ("nameless.json", r#"{"resourceType":"Patient"}"#, "no id"),
            ("search.json", r#"{"resourceType":"Bundle","type":"searchset"}"#, "type collection"),
            ("hollow.json", r#"{"resourceType":"Bundle","type":"collection","entry":[{}]}"#, "resource in every entry"),
        ];
        for (name, text, reason) in cases {
            let folder = Folder::with(&[("p.json", PATIENT), (name, text)]);
            let message = Records::load_folder(&folder.0).unwrap_err().to_string();
            assert!(message.contains(name) && message.contains(reason), "{message}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let error = Records::load_folder(Path::new("/nowhere/at/all")).unwrap_err();
        assert!(matches!(error, LoadError::Unreadable { .. }), "{error}");
    }
}
