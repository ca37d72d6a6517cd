//! Holds the source to its design: who may name whom, which crate is named where, and how large a file may be. It reads the
//! text of `src` and knows no types, so it sees what a reader sees. The tables are in `table.rs`.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test ends with a panic when something is not as it should be"
)]

#[path = "architecture/scan.rs"]
mod scan;
#[cfg(test)]
#[path = "architecture/snippets.rs"]
mod snippets;
#[path = "architecture/table.rs"]
mod table;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use scan::{Source, Tree};
use table::{Level, PARTS};

/// A file of `src` that is not only tests.
struct File {
    /// From the root of the package.
    path: String,
    module: String,
    lines: usize,
    source: Source,
}

/// The source of the package: the files with code, and those with nothing but tests.
#[derive(Default)]
struct Package {
    files: Vec<File>,
    test_files: Vec<(String, usize)>,
    tree: Tree,
}

impl Package {
    /// Reads `src`.
    fn read() -> Self {
        Self::of(&texts("src"))
    }

    /// From paths (`src/a/b.rs`) and texts.
    fn of(texts: &[(String, String)]) -> Self {
        let mut package = Self::default();
        let mut tests = BTreeSet::new();
        let read = |(path, text): &(String, String)| {
            let (module, lines) = (module(path), text.lines().count());
            File { path: path.clone(), module, lines, source: Source::read(text) }
        };
        let files: Vec<File> = texts.iter().map(read).collect();
        for file in &files {
            tests.extend(file.source.test_modules.iter().map(|name| join(&file.module, name)));
        }
        for file in files {
            if tests.iter().any(|test| is_within(&file.module, test)) {
                package.test_files.push((file.path, file.lines));
            } else {
                package.tree.add(&file.module, &file.source);
                package.files.push(file);
            }
        }
        package
    }

    /// Every path that code names: where, as written, and in full.
    fn named(&self) -> impl Iterator<Item = (&File, scan::Path, Vec<String>)> {
        self.files.iter().flat_map(move |file| {
            file.source.paths().into_iter().map(move |path| {
                let full = self.tree.resolve(&file.module, &path.segments);
                (file, path, full)
            })
        })
    }

    /// Edges against the order of the parts, and the exceptions that were needed.
    fn wrong_edges(&self, exceptions: &[(&str, &str, &str)]) -> (BTreeSet<String>, BTreeSet<usize>) {
        let (mut wrong, mut used) = (BTreeSet::new(), BTreeSet::new());
        for (file, path, full) in self.named() {
            let Some(target) = self.tree.module_of(&full) else { continue };
            let own_child = path.exported && is_within(&target, &file.module);
            let (Some(from), Some(to)) = (part(&file.module), part(&target)) else { continue };
            let Some(why) = refused(from, to).filter(|_| !own_child) else { continue };
            let allowed = |(a, b, _): &(&str, &str, &str)| is_within(&file.module, a) && is_within(&target, b);
            if let Some(at) = exceptions.iter().position(allowed) {
                used.insert(at);
                continue;
            }
            let (at, written) = (path.line, full.join("::"));
            wrong.insert(format!("{}:{at}: `{}` names `{written}`, but {why}", file.path, file.module));
        }
        (wrong, used)
    }

    /// Modules and crates that are named where they may not be.
    fn wrong_names(&self) -> BTreeSet<String> {
        let modules = table::NAMED_ONLY_BY.iter().map(|(module, by)| (format!("crate::{module}"), *by));
        let crates = table::CRATES.iter().map(|(name, by)| ((*name).to_owned(), *by));
        let rules: Vec<_> = modules.chain(crates).collect();
        let mut wrong = BTreeSet::new();
        for (file, path, full) in self.named() {
            let full = full.join("::");
            for (name, by) in rules.iter().filter(|(name, _)| is_within(&full, name)) {
                if !by
                    .iter()
                    .any(|module| is_within(&file.module, module) && (!module.is_empty() || file.module.is_empty()))
                {
                    wrong.insert(format!(
                        "{}:{}: `{name}` may be named by {by:?} only; give `{}` what it needs through a port or a value",
                        file.path, path.line, file.module
                    ));
                }
            }
        }
        wrong
    }

    /// Banned macros outside tests.
    fn wrong_macros(&self) -> BTreeSet<String> {
        let mut wrong = BTreeSet::new();
        for file in &self.files {
            for (name, line) in file.source.macros() {
                let allowed =
                    |(module, macro_name, _): &(&str, &str, &str)| file.module == *module && name == *macro_name;
                if table::BANNED_MACROS.contains(&name) && !table::MACRO_EXCEPTIONS.iter().any(allowed) {
                    wrong
                        .insert(format!("{}:{line}: `{name}!` has no place outside tests; return an error", file.path));
                }
            }
        }
        wrong
    }

    /// Calls of `unwrap` and `expect` outside tests, and lines outside tests.
    fn unwraps(&self) -> (Vec<String>, usize) {
        let places =
            |file: &File| file.source.unwraps().into_iter().map(|line| format!("{}:{line}", file.path)).collect();
        let found: Vec<Vec<String>> = self.files.iter().map(places).collect();
        (found.concat(), self.files.iter().map(|file| file.lines - file.source.test_lines).sum())
    }
}

/// Why an edge between two parts is refused.
fn refused(from: usize, to: usize) -> Option<String> {
    let ((from_level, from_name), (to_level, to_name)) = (PARTS[from], PARTS[to]);
    if to > from {
        return Some(format!(
            "`{to_name}` ({to_level:?}) comes after `{from_name}` ({from_level:?}): declare a port or a value in \
             `{from_name}`, or move the code"
        ));
    }
    let hidden =
        from_level == Level::Sockets && to_level == Level::Outside && !table::OUTSIDE_FOR_SOCKETS.contains(&to_name);
    if hidden {
        return Some(format!("sockets reach `{to_name}` through a port only"));
    }
    let both_http = from != to && from_name.ends_with("::http") && to_name.ends_with("::http");
    both_http.then(|| "one feature's http.rs never names another's: share it in `edge` or in a rule".to_owned())
}

/// The part of a module: the longest name that fits. The root has none.
fn part(module: &str) -> Option<usize> {
    let fitting = PARTS.iter().enumerate().filter(|(_, (_, name))| is_within(module, name));
    fitting.max_by_key(|(_, (_, name))| name.len()).map(|(at, _)| at)
}

/// Whether a path is `name` or below it.
fn is_within(path: &str, name: &str) -> bool {
    path.strip_prefix(name).is_some_and(|rest| name.is_empty() || rest.is_empty() || rest.starts_with("::"))
}

fn join(module: &str, name: &str) -> String {
    if module.is_empty() { name.to_owned() } else { format!("{module}::{name}") }
}

/// `src/a/b.rs` is `a::b`; the roots are empty.
fn module(path: &str) -> String {
    let inside = path.trim_start_matches("src/").trim_end_matches(".rs");
    if matches!(inside, "lib" | "main") { String::new() } else { inside.replace('/', "::") }
}

/// Path and text of every Rust file below a folder of the package.
fn texts(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn in_order(wrong: &BTreeSet<String>) {
    let list: Vec<_> = wrong.iter().map(String::as_str).collect();
    assert!(wrong.is_empty(), "{} against the design:\n{}", list.len(), list.join("\n"));
}

#[test]
fn every_part_names_only_what_stands_before_it() {
    let (wrong, used) = Package::read().wrong_edges(table::EXCEPTIONS);
    in_order(&wrong);
    let unused: Vec<_> = (0..table::EXCEPTIONS.len()).filter(|at| !used.contains(at)).collect();
    assert!(unused.is_empty(), "exceptions without need, take them out: {unused:?}");
}

#[test]
fn crates_and_modules_are_named_where_they_belong() {
    in_order(&Package::read().wrong_names());
}

#[test]
fn every_module_has_its_place_in_the_table() {
    let package = Package::read();
    let homeless = package.files.iter().filter(|file| !file.module.is_empty() && part(&file.module).is_none());
    in_order(
        &homeless.map(|file| format!("{}: `{}` is in no part of PARTS; add it", file.path, file.module)).collect(),
    );
    let missing = PARTS.iter().filter(|(_, name)| !package.files.iter().any(|file| file.module == *name));
    in_order(&missing.map(|(_, name)| format!("table.rs: there is no module `{name}`")).collect());
}

#[test]
fn files_are_small_and_say_what_they_are() {
    let package = Package::read();
    let tests: BTreeSet<_> = package.test_files.iter().map(|(path, _)| path.as_str()).collect();
    let mut wrong = BTreeSet::new();
    for (path, text) in [texts("src"), texts("tests"), texts("benches")].concat() {
        let test = tests.contains(path.as_str()) || path.starts_with("tests/");
        let (lines, most) = (text.lines().count(), if test { table::TEST_LINES_MAX } else { table::LINES_MAX });
        if lines > most {
            wrong.insert(format!("{path}: {lines} lines, at most {most}; split it by idea"));
        }
        let opening = text.lines().find(|line| !line.starts_with("#!")).unwrap_or_default();
        if !opening.starts_with("//!") {
            wrong.insert(format!("{path}: begin with a line of `//!` that says what the file is"));
        }
        if path.ends_with("/mod.rs") {
            wrong.insert(format!("{path}: name it after its folder, beside the folder"));
        }
    }
    in_order(&wrong);
}

#[test]
fn nothing_outside_tests_panics_on_purpose() {
    let package = Package::read();
    in_order(&package.wrong_macros());
    let (places, lines) = package.unwraps();
    let most = lines * table::UNWRAPS_PER_THOUSAND / 1000;
    assert!(
        places.len() <= most,
        "{} unwrap and expect in {lines} lines, at most {most}:\n{}",
        places.len(),
        places.join("\n")
    );
}
