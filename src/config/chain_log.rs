//! `[chain_log]`: the lines for Stichting MedMij, and where they go.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::files::Role;
use super::kind::{base_url, bytes, millis, number};
use super::log::Read;
use super::origin::HttpsUrl;
use super::parts::Identity;
use super::section::Section;

/// `[chain_log]`.
#[derive(Debug, Clone)]
pub struct ChainLog {
    /// Where batches are posted.
    pub url: HttpsUrl,
    /// The roots that the certificate of the central log component leads to.
    pub roots: PathBuf,
    /// The client certificate; by default that of the back channel.
    pub identity: Identity,
    /// File with `user:password`, when the component asks for basic authentication.
    pub credentials: Option<PathBuf>,
    /// Folder of what is not delivered yet; default `chainlog` in the data folder.
    pub spool: PathBuf,
    /// Size of the spool, 1 MiB to 64 GiB, default 256 MiB.
    pub spool_max_bytes: u64,
    /// Lines of a batch, 1 to 10,000, default 500.
    pub batch_max: u64,
    /// Time after which a batch is delivered also when it is not full, 50 ms to 1 h, default 5 s.
    pub every: Duration,
}

impl ChainLog {
    pub(super) fn read(section: &mut Section<'_, '_>, data: &Path, back: Read<&Identity>) -> Read<Self> {
        let url = section.required("url", &base_url());
        let roots = section.file("roots", Role::Roots);
        let own = Identity::read_optional(section);
        let credentials = section.optional_file("credentials", Role::ApiKey);
        let spool = section.file_or("spool", Role::Folder, data.join("chainlog"));
        let spool_max = section.or_default("spool_max_bytes", &bytes(1_048_576..=68_719_476_736), 268_435_456);
        let batch_max = section.or_default("batch_max", &number(1..=10_000, " of lines"), 500);
        let every = section.or_default("every_ms", &millis(50..=3_600_000), Duration::from_secs(5));
        Ok(Self {
            url: url?,
            roots: roots?,
            identity: own?.map_or_else(|| back.cloned(), Ok)?,
            credentials: credentials?,
            spool: spool?,
            spool_max_bytes: spool_max?,
            batch_max: batch_max?,
            every: every?,
        })
    }
}
