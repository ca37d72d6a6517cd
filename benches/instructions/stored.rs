//! Figures as they are stored: one set for each compiler, valgrind, C library and processor, as each of them decides how many
//! instructions the same work takes.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

/// How many times as many instructions are still well.
const GROWTH: f64 = 1.05;

/// Features of a processor that libraries choose their code by, as far as valgrind knows them. What it does not know it hides from
/// the program, so that processors with and without AVX-512 or SHA extensions count alike.
const FEATURES: [&str; 7] = ["sse4_2", "avx", "avx2", "bmi2", "aes", "pclmulqdq", "asimd"];

/// What was counted, by case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// Instructions of doing it once.
    pub(crate) instructions: BTreeMap<String, u64>,
    /// Allocations of doing it once, rounded up.
    pub(crate) allocations: BTreeMap<String, u64>,
}

/// With what figures were counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Set {
    rustc: String,
    valgrind: String,
    libc: String,
    processor: String,
}

/// The file of figures.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stored {
    sets: Vec<Counted>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Counted {
    #[serde(flatten)]
    set: Set,
    #[serde(flatten)]
    figures: Figures,
}

impl Set {
    /// Of this machine.
    pub(crate) fn here() -> Self {
        let known = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let words: Vec<_> = known.split_ascii_whitespace().collect();
        let has = FEATURES.into_iter().filter(|feature| words.contains(feature));
        Self {
            rustc: told("rustc", "--version"),
            valgrind: told("valgrind", "--version"),
            libc: told("getconf", "GNU_LIBC_VERSION"),
            processor: [std::env::consts::ARCH].into_iter().chain(has).collect::<Vec<_>>().join(" "),
        }
    }
}

/// What a program says when asked.
fn told(program: &str, question: &str) -> String {
    let told = Command::new(program).arg(question).output();
    let told = told.unwrap_or_else(|error| panic!("{program} cannot be run: {error}"));
    String::from_utf8(told.stdout).unwrap().trim().to_owned()
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}, {}, {}", self.rustc, self.valgrind, self.libc, self.processor)
    }
}

impl Stored {
    fn file() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/instructions/figures.json")
    }

    /// What is stored; nothing when there is no file.
    pub(crate) fn load() -> Self {
        std::fs::read(Self::file()).map_or_else(|_| Self::default(), |text| serde_json::from_slice(&text).unwrap())
    }

    /// The figures of this set.
    pub(crate) fn of(&self, set: &Set) -> Option<&Figures> {
        self.sets.iter().find(|counted| counted.set == *set).map(|counted| &counted.figures)
    }

    /// With these, in place of those of the same set.
    pub(crate) fn with(mut self, set: Set, figures: Figures) -> Self {
        self.sets.retain(|counted| counted.set != set);
        self.sets.push(Counted { set, figures });
        self
    }

    pub(crate) fn save(&self) {
        let text = serde_json::to_string_pretty(self).unwrap();
        std::fs::write(Self::file(), text + "\n").unwrap();
    }
}

pub(crate) fn read(file: &Path) -> Figures {
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

pub(crate) fn write(file: &Path, figures: &Figures) {
    std::fs::write(file, serde_json::to_vec(figures).unwrap()).unwrap();
}

/// What is not well, a sentence for each.
pub(crate) fn judge(now: &Figures, before: &Figures) -> Vec<String> {
    let names =
        now.instructions.keys().chain(before.instructions.keys().filter(|name| !now.instructions.contains_key(*name)));
    names.flat_map(|name| judge_case(name, now, before)).collect()
}

fn judge_case(name: &str, now: &Figures, before: &Figures) -> Vec<String> {
    let of = |figures: &Figures| Some((*figures.instructions.get(name)?, *figures.allocations.get(name)?));
    let ((now, asks), (then, asked)) = match (of(now), of(before)) {
        (Some(now), Some(before)) => (now, before),
        (Some(_), None) => return vec![format!("{name}: has no figure to be compared with; `run --store` stores one")],
        (None, _) => return vec![format!("{name}: is not counted any more; `run --store` forgets it")],
    };
    let grew = (now as f64 > then as f64 * GROWTH)
        .then(|| format!("{name}: {now} instructions, and {then} before: more than 5 % growth"));
    let more = (asks > asked).then(|| format!("{name}: {asks} allocations, and {asked} before"));
    grew.into_iter().chain(more).collect()
}
