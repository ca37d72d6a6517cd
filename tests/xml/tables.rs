//! The committed tables are what the script makes of the models of the package that they name.

use std::path::Path;
use std::process::{Command, Output};

use crate::skipped;

/// The version in the heads of the tables.
const VERSION: &str = "8.3.0";

/// Runs Python in the virtual environment that `tests/conformance` keeps, if it is there.
fn python(arguments: &[&str]) -> Option<Output> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let program = target.join("conformance-venv/bin/python");
    program.exists().then(|| Command::new(program).arg("-B").args(arguments).output().unwrap())
}

#[test]
fn the_tables_are_what_the_script_makes_of_the_models() {
    let ask = "import importlib.metadata as m; print(m.version('fhir.resources'))";
    let found = python(&["-c", ask]).map(|output| String::from_utf8(output.stdout).unwrap());
    if found.as_deref().map(str::trim) != Some(VERSION) {
        let why = format!("fhir.resources {VERSION} is not installed; tests/conformance installs it");
        return skipped("element tables", &why);
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/xml/tables.py");
    let output = python(&[script, "--check"]).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn each_table_names_its_source() {
    for table in ["stu3", "r4"] {
        let path = format!("{}/src/fhir/xml/tables/{table}.txt", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains(&format!("fhir.resources {VERSION}, BSD licence")), "{table}");
    }
}
