//! The sections about what the gateway keeps and releases: audit, store, keys, release, telemetry.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::files::Role;
use super::kind::{bytes, choice, millis, number, seconds};
use super::log::Read;
use super::section::Section;

/// `[audit]`: the evidence.
#[derive(Debug, Clone)]
pub struct Audit {
    /// Folder of the log; default `audit` in the data folder.
    pub dir: PathBuf,
    /// Size of one file of the log, 1 MiB to 4 GiB, default 256 MiB.
    pub segment_bytes: u64,
    /// Records that wait for the disk, 64 to 1,048,576, default 8,192; further requests are refused.
    pub queue: usize,
    /// Days that records are kept, 1 to 36,525, default 1,827: five years (NEN 7513).
    pub retention_days: u32,
}

impl Audit {
    pub(super) fn read(section: &mut Section<'_, '_>, data: &Path) -> Read<Self> {
        let dir = section.file_or("dir", Role::Folder, data.join("audit"));
        let segment_bytes = section.or_default("segment_bytes", &bytes(1_048_576..=4_294_967_296), 268_435_456);
        let queue = section.or_default("queue", &number(64..=1_048_576, " of records"), 8192);
        let retention_days = section.or_default("retention_days", &number(1..=36_525, " of days"), 1_827);
        Ok(Self { dir: dir?, segment_bytes: segment_bytes?, queue: queue?, retention_days: retention_days? })
    }
}

/// `[keys]`: files with keys, for the owner only.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Seals personal data in the store: 32 random bytes in base64.
    pub sealing: PathBuf,
    /// Makes pseudonyms of BSNs for the audit: 32 random bytes in base64.
    pub pseudonym: PathBuf,
    /// Opens what portals encrypt to us: a private key in PEM (PKCS#8) or as a JWK. Absent: no portal can do so.
    pub assertions: Option<PathBuf>,
}

impl Keys {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Read<Self> {
        let sealing = section.file("sealing", Role::RandomKey);
        let pseudonym = section.file("pseudonym", Role::RandomKey);
        let assertions = section.optional_file("assertions", Role::DecryptionKey);
        Ok(Self { sealing: sealing?, pseudonym: pseudonym?, assertions: assertions? })
    }
}

/// `[release]`: what leaves the building, and for how long it may be asked for.
#[derive(Debug, Clone)]
pub struct Release {
    /// Answers of a HIS up to this size are judged whole before a byte leaves; 64 KiB to 256 MiB, default 8 MiB.
    pub judge_whole_limit_bytes: usize,
    /// The largest bundle that a person may share; 64 KiB to 256 MiB, default 8 MiB.
    pub submit_limit_bytes: usize,
    /// Time for a HIS to answer, 100 ms to 55 s, default 20 s: with our own part it stays under the 60 s of
    /// core.rscint.202.
    pub his_deadline: Duration,
    /// Life of an access token, 1 to 15 min, default 15 min.
    pub token_lifetime: Duration,
    /// Life of an authorization code, 1 to 15 min, default 15 min.
    pub code_lifetime: Duration,
}

impl Release {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Read<Self> {
        let lifetime = || seconds(60..=900);
        let limit = section.or_default("judge_whole_limit_bytes", &bytes(65_536..=268_435_456), 8_388_608);
        let submit = section.or_default("submit_limit_bytes", &bytes(65_536..=268_435_456), 8_388_608);
        let his_deadline = section.or_default("his_deadline_ms", &millis(100..=55_000), Duration::from_secs(20));
        let token_lifetime = section.or_default("token_lifetime_seconds", &lifetime(), Duration::from_mins(15));
        let code_lifetime = section.or_default("code_lifetime_seconds", &lifetime(), Duration::from_mins(15));
        Ok(Self {
            judge_whole_limit_bytes: limit?,
            submit_limit_bytes: submit?,
            his_deadline: his_deadline?,
            token_lifetime: token_lifetime?,
            code_lifetime: code_lifetime?,
        })
    }
}

/// `[telemetry]`: what is written to standard output.
#[derive(Debug, Clone)]
pub struct Telemetry {
    /// The least important lines that are written; default `info`.
    pub log: tracing::Level,
}

impl Telemetry {
    const LEVELS: &'static [(&'static str, tracing::Level)] = &[
        ("error", tracing::Level::ERROR),
        ("warn", tracing::Level::WARN),
        ("info", tracing::Level::INFO),
        ("debug", tracing::Level::DEBUG),
    ];

    pub(super) fn read(section: &mut Section<'_, '_>) -> Read<Self> {
        Ok(Self { log: section.or_default("log", &choice(Self::LEVELS), tracing::Level::INFO)? })
    }
}
