//! The sections about what the gateway keeps and releases: audit, store, keys, release, telemetry.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::files::Role;
use super::kind::{
    base_url, boolean, bytes, choice, cosigner_key, loopback, many_words, millis, number, path, retired_keys, seconds,
};
use super::log::Read;
use super::origin::HttpsUrl;
use super::parts::Identity;
use super::section::Section;
use super::syslog::Syslog;
use crate::audit::keys::RetiredKey;
use crate::audit::note::CosignerKey;

/// `[audit]`: the evidence.
#[derive(Debug, Clone)]
pub struct Audit {
    /// Folder of the log; default `audit` in the data folder.
    pub dir: PathBuf,
    /// Size of one file of the log, 1 MiB to 4 GiB, default 256 MiB.
    pub segment_bytes: u64,
    /// Records that wait for the disk, 64 to 1,048,576, default 8,192; further requests are refused.
    pub queue: usize,
    /// Whether closed files of the log are compressed, once a checkpoint covers them; default true.
    pub seal: bool,
    /// Days that records are kept, 1 to 36,525, default 1,827: five years (NEN 7513).
    pub retention_days: u32,
    /// Whether a running node removes what is older, default true. Only sealed files are removed.
    pub prune: bool,
    /// Signs the checkpoints of the log: 32 random bytes in base64.
    pub checkpoint_key: PathBuf,
    /// Keys that it replaced, each with the tree at which it was; of all logs that this configuration is used for.
    pub retired_keys: Vec<RetiredKey>,
    /// How long records may wait for a checkpoint before the node is not ready; 30 s to 1 h, default 5 min.
    pub unsigned_max: Duration,
    /// Ids of logs of this node that were ended on purpose.
    pub former_logs: Vec<String>,
    /// `[[audit.witness]]`: who else keeps its checkpoints.
    pub witnesses: Vec<Witness>,
    /// `[audit.syslog]`: who gets every record; without it nobody does.
    pub syslog: Option<Syslog>,
}

/// `[[audit.witness]]`: somebody who sees the checkpoints.
#[derive(Debug, Clone)]
pub struct Witness {
    /// Who.
    pub kind: WitnessKind,
    /// A checkpoint at most once in so long; 1 s to 1 h, default 60 s.
    pub every: Duration,
}

/// The kinds of witnesses.
#[derive(Debug, Clone)]
pub enum WitnessKind {
    /// A folder, best on another machine. It must be there.
    Folder(PathBuf),
    /// A server that cosigns (C2SP tlog-witness).
    Server {
        /// What comes before `/add-checkpoint`.
        url: HttpsUrl,
        /// Its public key.
        key: CosignerKey,
        /// The roots that its certificate leads to.
        roots: PathBuf,
    },
}

impl Witness {
    fn read(section: &mut Section<'_, '_>) -> Read<Self> {
        let every = section.or_default("every_seconds", &seconds(1..=3_600), Duration::from_mins(1));
        let folder = section.optional("folder", &path("the path of a folder that is there"));
        let url = section.optional("url", &base_url());
        let kind = match (folder?, url?) {
            (Some(folder), None) => WitnessKind::Folder(section.beside(folder)),
            (None, Some(url)) => {
                let key = section.required("key", &cosigner_key());
                let roots = section.file("roots", Role::Roots);
                WitnessKind::Server { url, key: key?, roots: roots? }
            }
            (None, None) | (Some(_), Some(_)) => {
                return Err(section.missing("folder", "either a folder or the url of a server".into()));
            }
        };
        Ok(Self { kind, every: every? })
    }
}

impl Audit {
    pub(super) fn read(section: &mut Section<'_, '_>, data: &Path, back: Read<&Identity>) -> Read<Self> {
        let dir = section.file_or("dir", Role::Folder, data.join("audit"));
        let segment_bytes = section.or_default("segment_bytes", &bytes(1_048_576..=4_294_967_296), 268_435_456);
        let queue = section.or_default("queue", &number(64..=1_048_576, " of records"), 8192);
        let seal = section.or_default("seal", &boolean(), true);
        let prune = section.or_default("prune", &boolean(), true);
        let retention_days = section.or_default("retention_days", &number(1..=36_525, " of days"), 1_827);
        let checkpoint_key = section.file("checkpoint_key", Role::RandomKey);
        let retired_keys = section.or_default("retired_keys", &retired_keys(), Vec::new());
        let unsigned_max = section.or_default("unsigned_max_seconds", &seconds(30..=3_600), Duration::from_mins(5));
        let former_logs = section.or_default("former_logs", &many_words(1_000, 64), Vec::new());
        let witnesses = section.tables_or_none("witness", Witness::read);
        let syslog = section.optional_table("syslog", |section| Syslog::read(section, back));
        Ok(Self {
            dir: dir?,
            segment_bytes: segment_bytes?,
            queue: queue?,
            seal: seal?,
            retention_days: retention_days?,
            prune: prune?,
            checkpoint_key: checkpoint_key?,
            retired_keys: retired_keys?,
            unsigned_max: unsigned_max?,
            former_logs: former_logs?,
            witnesses: witnesses?,
            syslog: syslog?,
        })
    }
}

/// `[keys]`: files with keys, for the owner only.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Seals personal data in the store: 32 random bytes in base64.
    pub sealing: PathBuf,
    /// Folder with the yearly keys of the audit: `<year>.pseudonym` and `<year>.sealing`, as `inzage audit keys` makes them.
    pub audit: PathBuf,
    /// Opens what portals encrypt to us: a private key in PEM (PKCS#8) or as a JWK. Absent: no portal can do so.
    pub assertions: Option<PathBuf>,
    /// Keys of TLS tickets that nodes share, as `inzage tls ticket-keys` makes them. Absent: a ticket opens at its own node.
    pub tickets: Option<PathBuf>,
}

impl Keys {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Read<Self> {
        let sealing = section.file("sealing", Role::RandomKey);
        let audit = section.file("audit", Role::AuditKeys);
        let assertions = section.optional_file("assertions", Role::DecryptionKey);
        let tickets = section.optional_file("tickets", Role::TicketKeys);
        Ok(Self { sealing: sealing?, audit: audit?, assertions: assertions?, tickets: tickets? })
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
    /// The agent on this machine that takes traces (OTLP over HTTP, JSON); without one none are kept.
    pub traces: Option<SocketAddr>,
    /// Of the traces that begin here so many in 100 are kept. 0 to 100, default 1.
    pub traces_percent: u8,
}

impl Telemetry {
    const LEVELS: &'static [(&'static str, tracing::Level)] = &[
        ("error", tracing::Level::ERROR),
        ("warn", tracing::Level::WARN),
        ("info", tracing::Level::INFO),
        ("debug", tracing::Level::DEBUG),
    ];

    pub(super) fn read(section: &mut Section<'_, '_>) -> Read<Self> {
        let log = section.or_default("log", &choice(Self::LEVELS), tracing::Level::INFO);
        let traces = section.optional("traces", &loopback());
        let percent = section.or_default("traces_percent", &number(0..=100, ""), 1);
        Ok(Self { log: log?, traces: traces?, traces_percent: percent? })
    }
}
