//! What is wrong with a configuration: each fault with its key, its place, what was found, what was expected and what
//! may have been meant.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};

use super::source::Source;

/// A place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    pub(super) span: Range<usize>,
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub(super) key: String,
    pub(super) place: Option<Place>,
    pub(super) problem: Problem,
}

/// What is wrong. Texts say what was found and what was expected; a value that may be a secret is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The configuration file itself cannot be read.
    #[error("cannot be read: {}", reason(*.0))]
    Unreadable(io::ErrorKind),
    /// The configuration file is over [`super::MAX_BYTES`], or no UTF-8.
    #[error("is not a text of at most {} bytes", super::MAX_BYTES)]
    NotText,
    /// Not TOML; nothing else was looked at.
    #[error("is not TOML: {0}")]
    Syntax(String),
    /// A required key or section is absent.
    #[error("is missing, expected {expected}")]
    Missing {
        /// What belongs here.
        expected: Cow<'static, str>,
    },
    /// A key that nothing reads.
    #[error("is not a known key")]
    Unknown {
        /// The known key it looks like.
        suggestion: Option<String>,
    },
    /// The value is not what belongs here.
    #[error("found {found}, expected {expected}")]
    Wrong {
        /// What stands there, shortened.
        found: String,
        /// What belongs there.
        expected: Cow<'static, str>,
        /// The allowed value it looks like.
        suggestion: Option<String>,
    },
    /// The value looks like a secret itself.
    #[error("found what may be a secret itself (not shown), expected {expected}")]
    InlineSecret {
        /// What belongs there.
        expected: Cow<'static, str>,
    },
    /// One of two keys that belong together.
    #[error("stands alone, expected `{0}` beside it")]
    HalfPair(&'static str),
    /// One of two keys that exclude each other.
    #[error("stands beside `{0}`, expected one of the two")]
    NotBeside(&'static str),
    /// A name that must be unique stands here for the second time.
    #[error("found {found:?} for the second time, expected a name of its own (first on line {first_line})")]
    Twice {
        /// The name.
        found: String,
        /// Where it stood first.
        first_line: usize,
    },
    /// Equal to a key from which it must differ.
    #[error("found {found}, the same as `{other}`, expected another")]
    SameAs {
        /// The value.
        found: String,
        /// The key it must differ from.
        other: &'static str,
    },
    /// A practice names a HIS that is not configured.
    #[error("found {found:?}, expected the id of a [[his]]")]
    NoSuchHis {
        /// The id.
        found: String,
        /// The configured id it looks like.
        suggestion: Option<String>,
    },
    /// A portal is registered for a practice that is not configured.
    #[error("found {found:?}, expected the providers of [[practices]]")]
    NoSuchPractice {
        /// The provider.
        found: String,
        /// The configured provider it looks like.
        suggestion: Option<String>,
    },
    /// A portal is registered for a service that the catalogue does not have.
    #[error("found {0:?}, which is no service of this gateway")]
    NoSuchService(String),
    /// A portal is to encrypt, and there is no key of ours to encrypt to.
    #[error("found true, or nothing, which asks for `keys.assertions`")]
    NoKeyForAssertions,
    /// The login simulator lets anyone in as anyone.
    #[error("found the login simulator, expected a real login in production")]
    SimulatorInProduction,
    /// The crate was built without the feature `sandbox`.
    #[error("found the login simulator, which this build does not contain")]
    SimulatorNotBuilt,
    /// Front-channel URIs of production lists carry no port.
    #[error("found port {0}, expected none: in production the front channel is on port 443")]
    PortInProduction(u16),
    /// As above, for the lists as a whole.
    #[error("found true, expected false: front-channel URIs of production lists carry no port")]
    PortsInProduction,
    /// Access logs of health care are kept for five years (Besluit elektronische gegevensverwerking door zorgaanbieders).
    #[error("found {0} days, expected 1827 or more: access logs are kept for five years")]
    RetentionInProduction(u32),
    /// A named file or folder is not usable.
    #[error("{}: {wrong}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        wrong: FileProblem,
    },
}

/// The words of the standard library, but for the commonest mistake ("entity not found").
fn reason(kind: io::ErrorKind) -> String {
    if kind == io::ErrorKind::NotFound { "there is no such file".to_owned() } else { kind.to_string() }
}

/// What is wrong with a file that the configuration names. Contents are never repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileProblem {
    /// It cannot be opened or read.
    #[error("cannot be read: {}", reason(*.0))]
    Unreadable(io::ErrorKind),
    /// It is a folder, a socket …
    #[error("expected a plain file")]
    NotAFile,
    /// Group or others may read or write it.
    #[error("found mode {0:03o}, expected one without rights for group and others")]
    OpenToOthers(u32),
    /// Over the size that such a file can have.
    #[error("expected at most {0} bytes")]
    TooLarge(u64),
    /// Not 32 bytes in base64.
    #[error("expected 32 random bytes in base64: 44 characters")]
    NotAKey,
    /// Not a few lines of 32 bytes in base64.
    #[error(
        "expected the keys that `inzage tls ticket-keys create` makes: one to three lines of 32 random bytes in base64"
    )]
    NoTicketKeys,
    /// Not a folder of audit keys.
    #[error("expected the keys that `inzage audit keys create` makes: {0}")]
    AuditKeys(String),
    /// No certificate in PEM.
    #[error("expected at least one certificate in PEM")]
    NoCertificate,
    /// No revocation list.
    #[error("expected a revocation list (CRL) in DER, or at least one in PEM")]
    NoRevocationList,
    /// No private key in PEM.
    #[error("expected one private key in PEM")]
    NoPrivateKey,
    /// No set of public keys.
    #[error("expected a JWKS: a JSON object with one to twenty public keys under `keys`")]
    NoKeySet,
    /// No private key to sign or open tokens with.
    #[error("expected one private key of a kind that tokens use: PKCS#8 in PEM (BEGIN PRIVATE KEY), or a JWK")]
    NoTokenKey,
    /// Not one line of visible characters.
    #[error("expected one line of 1 to 4096 visible ASCII characters")]
    NotOneLine,
    /// Not a list that ties numbers to provider names.
    #[error("expected a valid Zorgaanbiederskoppellijst; `inzage lists validate` says what is wrong with it")]
    NoKoppellijst,
    /// Not a service catalogue.
    #[error("expected a service catalogue; on line {line}: {what}")]
    NoCatalogue {
        /// The line of its first fault.
        line: usize,
        /// The fault.
        what: String,
    },
    /// The path, or one above it, is no folder.
    #[error("expected a folder, or room to make one")]
    NotAFolder,
    /// The folder, or the one it would be made in, is read-only.
    #[error("expected a folder that can be written")]
    ReadOnly,
}

impl Problem {
    /// What to do about it, where that is not plain from the text.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let meant = |text: &String| format!("did you mean `{text}`?");
        match self {
            Self::Unknown { suggestion }
            | Self::Wrong { suggestion, .. }
            | Self::NoSuchHis { suggestion, .. }
            | Self::NoSuchPractice { suggestion, .. } => suggestion.as_ref().map(meant),
            Self::InlineSecret { .. } => Some(
                "a secret stands in a file of its own, mode 600; write its path with a slash, and replace this one"
                    .into(),
            ),
            Self::SimulatorInProduction => Some("the simulator is for acceptance and the sandbox".into()),
            Self::SimulatorNotBuilt => Some("build with the feature `sandbox`".into()),
            Self::File { wrong: FileProblem::OpenToOthers(_), .. } => Some("chmod 600".into()),
            Self::File { wrong: FileProblem::NotAKey, .. } => Some("openssl rand -base64 32".into()),
            Self::Unreadable(_)
            | Self::NotText
            | Self::Syntax(_)
            | Self::Missing { .. }
            | Self::HalfPair(_)
            | Self::NotBeside(_)
            | Self::Twice { .. }
            | Self::SameAs { .. }
            | Self::NoSuchService(_)
            | Self::NoKeyForAssertions
            | Self::PortInProduction(_)
            | Self::PortsInProduction
            | Self::RetentionInProduction(_)
            | Self::File { .. } => None,
        }
    }
}

impl Fault {
    /// The key as a path, such as `front.origin` or `his[0].id` (counted from 0); empty for the file as a whole.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Where in the file. Absent when there is nothing to point at, such as a missing section.
    #[must_use]
    pub const fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// What is wrong.
    #[must_use]
    pub const fn problem(&self) -> &Problem {
        &self.problem
    }

    fn diagnostic(&self) -> MietteDiagnostic {
        let mut text = MietteDiagnostic::new(self.to_string());
        text.help = self.problem.help();
        if let Some(place) = &self.place {
            text.labels = Some(vec![LabeledSpan::new_with_span(Some("here".to_owned()), place.span.clone())]);
        }
        text
    }
}

/// `key: message`, without place and help.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() { self.problem.fmt(f) } else { write!(f, "{}: {}", self.key, self.problem) }
    }
}

/// All faults of one configuration, in the order of the file.
#[derive(Debug, Clone)]
pub struct ConfigFaults {
    source: Arc<Source>,
    faults: Vec<Fault>,
}

impl ConfigFaults {
    /// The exit code of a process that stops because of its configuration: `EX_CONFIG` of sysexits.h.
    pub const EXIT_CODE: u8 = 78;

    pub(super) fn new(source: Arc<Source>, mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|fault| fault.place.as_ref().map_or(usize::MAX, |place| place.span.start));
        Self { source, faults }
    }

    /// The faults.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// The text for people. Plain: one line a fault, `file:line:column: key: message (help)`, without any line of the
    /// file. Fancy: with the lines themselves and colours, for the operator's own terminal; what was taken for a secret is
    /// masked, other values are shown as they stand.
    #[must_use]
    pub fn render(&self, fancy: bool) -> String {
        if fancy { self.fancy() } else { self.to_string() }
    }

    fn fancy(&self) -> String {
        let text = Arc::new(NamedSource::new(self.source.name(), self.masked_text()));
        let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode());
        let mut out = String::new();
        for fault in &self.faults {
            let report = Report::new(fault.diagnostic()).with_source_code(Arc::clone(&text));
            if handler.render_report(&mut out, report.as_ref()).is_err() {
                let _ = writeln!(out, "{fault}");
            }
        }
        out
    }

    /// The file with a star for each byte of what may be a secret, so that all places stay where they are.
    fn masked_text(&self) -> String {
        let mut text = self.source.text().to_owned();
        let secret = |fault: &&Fault| matches!(fault.problem, Problem::InlineSecret { .. });
        for span in self.faults.iter().filter(secret).filter_map(|fault| fault.place()).map(|place| place.span.clone())
        {
            let star = |c: char| if c == '\n' { "\n".to_owned() } else { "*".repeat(c.len_utf8()) };
            if let Some(stars) = text.get(span.clone()).map(|found| found.chars().map(star).collect::<String>()) {
                text.replace_range(span, &stars);
            }
        }
        text
    }
}

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in &self.faults {
            write!(f, "{}:", self.source.name())?;
            if let Some(place) = &fault.place {
                write!(f, "{}:{}:", place.line, place.column)?;
            }
            write!(f, " {fault}")?;
            match fault.problem.help() {
                Some(help) => writeln!(f, " ({help})")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigFaults {}
