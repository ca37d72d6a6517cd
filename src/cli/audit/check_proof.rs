//! `inzage audit check-proof`: for whoever holds a proof and the public key of the log. It needs no log.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::{say, say_error};
use crate::app::chain;
use crate::audit::checkpoint::Checkpoint;
use crate::audit::keys::{KeysError, LogKeys};
use crate::audit::proof::{ConsistencyProof, InclusionProof, ProvenError};

/// What to check, and against what.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// What `inzage audit prove` or `inzage audit consistency` wrote
    #[arg(value_name = "PROOF")]
    proof: PathBuf,
    /// The public keys of the log, from a place that is trusted
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The payload of the record, to check instead of the one in the proof
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// The earlier checkpoint, for a proof of consistency
    #[arg(long, value_name = "FILE", conflicts_with = "record")]
    old: Option<PathBuf>,
}

/// Why a proof is not believed.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    /// A file that was named.
    #[error("{path} cannot be read")]
    File { path: PathBuf, source: io::Error },
    /// The keys, or the earlier checkpoint.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The proof.
    #[error(transparent)]
    Proof(#[from] ProvenError),
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    match check(arguments) {
        Ok(proven) => {
            say(&proven);
            ExitCode::SUCCESS
        }
        Err(error) => {
            say_error(&format!("the proof is refused: {}", chain(&error)));
            ExitCode::FAILURE
        }
    }
}

fn check(arguments: &Arguments) -> Result<String, Refusal> {
    let Arguments { proof, key, record, old } = arguments;
    let keys = LogKeys::parse(&text(key)?)?;
    let proof = text(proof)?;
    let Some(old) = old else {
        let record = record.as_deref().map(read).transpose()?;
        let proof = InclusionProof::parse(&proof)?;
        let Checkpoint { origin, size, .. } = proof.verify(record.as_deref(), &keys)?;
        return Ok(format!("record {} stands under the checkpoint of size {size} of {origin}", proof.index));
    };
    let (old, _) = keys.open(&text(old)?)?;
    let Checkpoint { origin, size, .. } = ConsistencyProof::parse(&proof)?.verify(&old, &keys)?;
    Ok(format!("the log {origin} grew from size {} to {size}", old.size))
}

fn read(path: &Path) -> Result<Vec<u8>, Refusal> {
    fs::read(path).map_err(|source| Refusal::File { path: path.into(), source })
}

fn text(path: &Path) -> Result<String, Refusal> {
    fs::read_to_string(path).map_err(|source| Refusal::File { path: path.into(), source })
}
