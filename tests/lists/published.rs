//! The published samples are read, each single defect in them is refused, and `xmllint` with the published schemas says the
//! same, save where [`Defective::stricter`](crate::defects::Defective) has the reason.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::defects::{Defective, defects};
use crate::samples::{Form, assert_every_defect_is_refused, harmless, read};

/// A sample: its file, its form, and the schema of its folder's release. For the ZAL of release 3 and the ZAKL none is public.
const SAMPLES: &[(&str, Form, Option<&str>)] = &[
    ("gids-php/MedMij_Zorgaanbiederslijst_example.xml", Form::OldZal, Some("gids-php/MedMij_Zorgaanbiederslijst.xsd")),
    ("gids-php/MedMij_OAuthclientlist_example.xml", Form::Current, Some("gids-php/MedMij_OAuthclientlist.xsd")),
    ("gids-php/MedMij_Whitelist_example.xml", Form::Current, Some("gids-php/MedMij_Whitelist.xsd")),
    (
        "gids-php/MedMij_Gegevensdienstnamenlijst_example.xml",
        Form::Current,
        Some("gids-php/MedMij_Gegevensdienstnamenlijst.xsd"),
    ),
    ("gids-python-oauth/zal.xml", Form::OldZal, Some("gids-php/MedMij_Zorgaanbiederslijst.xsd")),
    ("gids-python-oauth/ocl.xml", Form::Current, Some("gids-php/MedMij_OAuthclientlist.xsd")),
    (
        "gids-python-oauth/MedMij_Gegevensdienstnamenlijst_example.xml",
        Form::Current,
        Some("gids-php/MedMij_Gegevensdienstnamenlijst.xsd"),
    ),
    ("zorgdoc-java/ZALExample.xml", Form::Release10, Some("zorgdoc-java/ZAL.xsd")),
    ("zorgdoc-java/ZALExampleSingle.xml", Form::Release10, Some("zorgdoc-java/ZAL.xsd")),
    ("zorgdoc-java/OAuthClientListExample.xml", Form::Current, Some("zorgdoc-java/OAuthclientList.xsd")),
    ("zorgdoc-java/WhitelistExample.xml", Form::Current, Some("zorgdoc-java/Whitelist.xsd")),
    ("zorgdoc-java/WhitelistExampleSingle.xml", Form::Current, Some("zorgdoc-java/Whitelist.xsd")),
    ("mgo-dvp-proxy/whitelist.xml", Form::Current, Some("mgo-dvp-proxy/MedMij_Whitelist.xsd")),
    ("mgo-localization/MedMij_Zorgaanbiederslijst_example.9.3.xml", Form::Current, None),
    ("mgo-localization/MedMij_Zorgaanbiederskoppellijst_example.5.1.xml", Form::Current, None),
];

/// A stub that a project made by hand for its own tests: no header, no names. It is no list, and is refused as one.
const STUB: &str = "mgo-localization/zakl_dummy.xml";

/// The folder with the samples, or a line that says what was left out and why.
fn folder(test: &str) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a test that needs what is not in this repository asks where it is")]
    let shared = std::env::var("INZAGE_CONFORMANCE").ok();
    match shared {
        Some(shared) => Some(Path::new(&shared).join("data/medmij")),
        None => {
            skipped(test, "INZAGE_CONFORMANCE is not set; it names the folder with the published samples");
            None
        }
    }
}

/// Straight to standard error: the test runner keeps what the printing macros say of a test that passes.
fn skipped(test: &str, why: &str) {
    let line = format!("skipped {test}: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

fn text_of(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn every_published_sample_is_read_and_each_single_defect_refused() {
    let Some(folder) = folder("published samples") else { return };
    for (name, form, _) in SAMPLES {
        let text = text_of(&folder, name);
        let list = read(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        for (what, changed) in harmless(&text) {
            assert_eq!(read(&changed).as_ref(), Ok(&list), "{what}: {name}");
        }
        assert_every_defect_is_refused(name, &text, *form);
    }
    let error = read(&text_of(&folder, STUB)).unwrap_err();
    assert_eq!((error.position.line, error.within), (2, Some("Zorgaanbiederskoppellijst")), "{error}");
}

#[test]
fn no_published_sample_is_forgotten() {
    let Some(folder) = folder("the table of published samples") else { return };
    for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir()) {
        for file in fs::read_dir(entry.path()).unwrap().map(|file| file.unwrap().path()) {
            let name = file.strip_prefix(&folder).unwrap().to_str().unwrap();
            let known = name == STUB || SAMPLES.iter().any(|(sample, ..)| *sample == name);
            assert!(known || !name.ends_with(".xml"), "{name}");
        }
    }
}

#[test]
fn the_published_schemas_give_the_same_verdicts() {
    let Some(folder) = folder_and_xmllint("comparison with the published schemas") else { return };
    for (name, form, schema) in SAMPLES {
        let Some(schema) = schema else { continue };
        compare(name, &text_of(&folder, name), *form, &folder.join(schema));
    }
}

/// The one place where we are wider than a schema: an empty whitelist is read, though the structure of 1.0 wants a node. The
/// newer structure has the same namespace and wants none, so such a file is one of that.
#[test]
fn an_empty_whitelist_is_of_the_newer_structure() {
    let Some(folder) = folder_and_xmllint("an empty whitelist by both schemas") else { return };
    let text = text_of(&folder, "zorgdoc-java/WhitelistExampleSingle.xml").replace("<MedMijNode>x.yz</MedMijNode>", "");
    assert!(!text.contains("<MedMijNode>") && read(&text).is_ok());
    let by = |schema: &str| xmllint(std::slice::from_ref(&text), &folder.join(schema));
    assert_eq!(by("zorgdoc-java/Whitelist.xsd"), [false]);
    assert_eq!(by("mgo-dvp-proxy/MedMij_Whitelist.xsd"), [true]);
}

fn folder_and_xmllint(test: &str) -> Option<PathBuf> {
    let folder = folder(test)?;
    if Command::new("xmllint").arg("--version").output().is_ok_and(|output| output.status.success()) {
        return Some(folder);
    }
    skipped(test, "xmllint is not installed (libxml2-utils)");
    None
}

fn compare(name: &str, text: &str, form: Form, schema: &Path) {
    let defects = defects(text, form);
    let good = harmless(text).into_iter().map(|(_, changed)| changed).chain([text.to_owned()]);
    let files: Vec<String> = defects.iter().map(|defective| defective.text.clone()).chain(good).collect();
    let verdicts = xmllint(&files, schema);
    let (of_defects, of_good) = verdicts.split_at(defects.len());
    assert!(of_good.iter().all(|valid| *valid), "{name}: the schema refuses what changes nothing");
    let differs = |(defective, valid): (&Defective, &bool)| {
        (*valid != defective.stricter.is_some()).then(|| format!("{}: the schema says {valid}", defective.what))
    };
    let differing: Vec<_> = defects.iter().zip(of_defects).filter_map(differs).collect();
    assert!(differing.is_empty(), "{name}: {differing:#?}");
}

/// Whether each file is valid by the schema.
fn xmllint(files: &[String], schema: &Path) -> Vec<bool> {
    let folder =
        std::env::temp_dir().join(format!("inzage-schemas-{:016x}", u64::from_le_bytes(inzage::secret::random())));
    fs::create_dir_all(&folder).unwrap();
    let paths: Vec<PathBuf> = (0..files.len()).map(|at| folder.join(format!("{at}.xml"))).collect();
    paths.iter().zip(files).for_each(|(path, text)| fs::write(path, text).unwrap());
    let arguments = ["--noout", "--nonet", "--schema"];
    let output = Command::new("xmllint").args(arguments).arg(schema).args(&paths).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let valid = paths.iter().map(|path| said.lines().any(|line| line == format!("{} validates", path.display())));
    let verdicts = valid.collect();
    fs::remove_dir_all(&folder).unwrap();
    verdicts
}
