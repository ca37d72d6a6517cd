//! `inzage tls crl fetch`: a list of revoked certificates, from where its issuer publishes it into the file that nodes read.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::assemble::CONTROL_DEADLINES;
use super::limits::destinations;
use crate::clock::SharedClock;
use crate::config::Config;
use crate::tls::TlsError;
use crate::tls::identity::{Roots, certificates_of};
use crate::tls::revocation::{Edition, EditionError, Publisher, PublisherError};

/// Which list, and where it goes.
#[derive(Debug)]
pub struct WantedList {
    /// Where it is published.
    pub url: String,
    /// PEM file with the certificate of who signs it.
    pub issuer: PathBuf,
    /// Roots of the publisher's server, for https.
    pub roots: Option<PathBuf>,
    /// The file, as `client_crls` names it.
    pub to: PathBuf,
}

/// What became of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchedList {
    /// It holds the list already.
    Same,
    /// It holds another edition now.
    Replaced,
}

/// Why the file stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum FetchListError {
    /// A certificate cannot be read.
    #[error(transparent)]
    Certificate(#[from] TlsError),
    /// Nothing came.
    #[error(transparent)]
    Publisher(#[from] PublisherError),
    /// What came is refused.
    #[error("the list that came is refused")]
    Edition(#[from] EditionError),
    /// The file cannot be read or replaced.
    #[error("cannot read or replace {path}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Fetches it, as the calls of a node with this configuration go. Blocks for the disk.
///
/// # Errors
/// See [`FetchListError`]; the file is then as it was.
pub async fn fetch_list(
    config: &Config,
    clock: &SharedClock,
    wanted: &WantedList,
) -> Result<FetchedList, FetchListError> {
    let issuers = certificates_of(&wanted.issuer)?;
    let roots = wanted.roots.as_deref().map(Roots::load).transpose()?;
    let publisher = Publisher::at(&wanted.url, roots.as_ref(), &destinations(config), CONTROL_DEADLINES, clock)?;
    let came = publisher.read().await?;
    let failed = |source| FetchListError::File { path: wanted.to.clone(), source };
    let held = read(&wanted.to).map_err(failed)?;
    match Edition::judge(&came, &issuers, held.as_deref(), clock.now())? {
        Edition::Same => Ok(FetchedList::Same),
        Edition::Newer(list) => replace(&wanted.to, &list).map(|()| FetchedList::Replaced).map_err(failed),
    }
}

/// `None` when there is no file yet.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whoever reads it meanwhile finds the one before or the new one.
fn replace(path: &Path, list: &[u8]) -> io::Result<()> {
    let beside = path.with_added_extension("new");
    let mut file = File::create(&beside)?;
    file.write_all(list)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}
