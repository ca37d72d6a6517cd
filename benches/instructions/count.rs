//! Runs this program again under callgrind, and reads what it counted.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::stored::Figures;

/// What callgrind counts: this function, and all that it calls. After each call it dumps, which it does not by a pattern.
const COUNTED: &str = "instructions::measured";

/// Counts each case for doing it once. What callgrind wrote stays beside the program, for `callgrind_annotate`.
pub(crate) fn count() -> Figures {
    let folder = folder();
    _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let ran = run(&folder.join("out"));
    let (told, errors) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "under valgrind: {errors}");
    let mut figures = Figures::default();
    for (number, line) in told.lines().enumerate() {
        let [times, allocations, name] = line.splitn(3, '\t').collect::<Vec<_>>()[..] else { panic!("told: {line}") };
        let dump = folder.join(name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
        std::fs::rename(folder.join(format!("out.{}", number + 1)), &dump).unwrap();
        figures.instructions.insert(name.to_owned(), total(&dump) / times.parse::<u64>().unwrap());
        figures.allocations.insert(name.to_owned(), allocations.parse().unwrap());
    }
    figures
}

/// Where what callgrind wrote lies.
pub(crate) fn folder() -> PathBuf {
    std::env::current_exe().unwrap().with_file_name("callgrind")
}

/// Without an environment, as it lies on the stack, and where things lie on the stack may count.
fn run(out: &Path) -> Output {
    Command::new("valgrind")
        .env_clear()
        .args(["--tool=callgrind", "--quiet", "--vgdb=no"])
        .args([format!("--toggle-collect={COUNTED}"), format!("--dump-after={COUNTED}")])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(std::env::current_exe().unwrap())
        .arg("--cases")
        .output()
        .unwrap_or_else(|error| panic!("valgrind cannot be run: {error}"))
}

/// What one dump sums up.
fn total(dump: &Path) -> u64 {
    let text = std::fs::read_to_string(dump).unwrap_or_else(|error| panic!("{}: {error}", dump.display()));
    let line = text.lines().find_map(|line| line.strip_prefix("summary: ").or_else(|| line.strip_prefix("totals: ")));
    let count = line.and_then(|line| line.split(' ').next()?.parse().ok());
    count.filter(|count| *count > 0).unwrap_or_else(|| panic!("{} counts nothing", dump.display()))
}
