//! `inzage audit prove`, `consistency` and `tiles`: what the holder of a log hands to others. They need no configuration, and may
//! run beside a live node.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::{say, say_error};
use crate::app::chain;
use crate::audit::keys::{KeysError, LogKeys};
use crate::audit::proof::ProvenError;
use crate::audit::prove::{ProveError, Prover, Published, claimed_keys, newest_checkpoint, publish};

/// A log, and what of it is signed.
#[derive(Debug, Args)]
struct Log {
    /// The folder of the log
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// A checkpoint of the log, instead of the newest in the folder
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// The public keys of the log, from a place that is trusted, instead of those that the folder names
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

/// What to prove, and where to.
#[derive(Debug, Args)]
pub(in crate::cli) struct Inclusion {
    /// The index of the record, as the header `Inzage-Audit-Receipt` tells it after the slash
    #[arg(value_name = "INDEX")]
    index: u64,
    #[command(flatten)]
    log: Log,
    /// The payload of the record, when it was removed from the log after its retention
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Where to write the proof, instead of to standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// From where, and where to.
#[derive(Debug, Args)]
pub(in crate::cli) struct Growth {
    /// A checkpoint of the log that was kept elsewhere
    #[arg(value_name = "OLD-CHECKPOINT")]
    old: PathBuf,
    #[command(flatten)]
    log: Log,
    /// Where to write the proof, instead of to standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What to publish, and where to.
#[derive(Debug, Args)]
pub(in crate::cli) struct Publication {
    #[command(flatten)]
    log: Log,
    /// An empty folder, or one to make
    #[arg(value_name = "OUT")]
    out: PathBuf,
}

/// Why nothing was handed out.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// From the log.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// The keys that were given.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// A file that was named.
    #[error("{path} cannot be used")]
    File { path: PathBuf, source: io::Error },
    /// The old checkpoint is ahead of the log.
    #[error(
        "the log was cut off or put back: it was signed with {old} records, and its newest checkpoint covers {new}"
    )]
    CutOff { old: u64, new: u64 },
    /// The old checkpoint is of another past.
    #[error("the log was rewritten: it does not hold what it held when it had {old} records")]
    Rewritten { old: u64 },
}

pub(super) fn inclusion(arguments: &Inclusion) -> ExitCode {
    let Inclusion { index, log, record, out } = arguments;
    let proof = || {
        let record = record.as_deref().map(read).transpose()?;
        let proof = log.prover()?.inclusion(*index, record)?;
        hand_out(&proof.to_string(), out.as_deref())
    };
    ended(proof())
}

pub(super) fn growth(arguments: &Growth) -> ExitCode {
    let Growth { old, log, out } = arguments;
    let proof = || {
        let mut prover = log.prover()?;
        let (old, _) = log.keys()?.open(&text(old)?)?;
        let new = prover.checkpoint().size;
        if old.size > new {
            return Err(Failure::CutOff { old: old.size, new });
        }
        let proof = match prover.consistency(&old) {
            Err(ProveError::Other(ProvenError::Hashes(_))) => return Err(Failure::Rewritten { old: old.size }),
            proof => proof?,
        };
        hand_out(&proof.to_string(), out.as_deref())
    };
    ended(proof())
}

pub(super) fn publication(arguments: &Publication) -> ExitCode {
    let written = || {
        let Published { records, tiles, bundles } = publish(&mut arguments.log.prover()?, &arguments.out)?;
        say(&format!("{records} records in {tiles} tiles and {bundles} entry bundles"));
        Ok(())
    };
    ended(written())
}

impl Log {
    fn prover(&self) -> Result<Prover, Failure> {
        let note = match &self.checkpoint {
            Some(path) => text(path)?,
            None => newest_checkpoint(&self.dir)?,
        };
        Ok(Prover::new(&self.dir, &note, self.keys()?)?)
    }

    fn keys(&self) -> Result<LogKeys, Failure> {
        match &self.key {
            Some(path) => Ok(LogKeys::parse(&text(path)?)?),
            None => Ok(claimed_keys(&self.dir)?),
        }
    }
}

fn ended(result: Result<(), Failure>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    say_error(&chain(&error));
    if let Failure::Prove(ProveError::NotCovered { .. }) = error {
        say_error(
            "a running node signs the next checkpoint after 10 seconds or 1,000 records, and at its end; ask again then",
        );
    }
    ExitCode::FAILURE
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|source| Failure::File { path: path.into(), source })
}

fn text(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|source| Failure::File { path: path.into(), source })
}

fn hand_out(proof: &str, out: Option<&Path>) -> Result<(), Failure> {
    let Some(path) = out else {
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(proof.as_bytes()).and_then(|()| stdout.flush());
        return written.map_err(|source| Failure::File { path: "standard output".into(), source });
    };
    fs::write(path, proof).map_err(|source| Failure::File { path: path.into(), source })
}
