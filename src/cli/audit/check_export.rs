//! `inzage audit check-export`: needs nothing but an export and the public key of its log.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::say;
use crate::app::chain;
use crate::audit::export::{CheckError, ExportManifest, check_export};
use crate::audit::keys::LogKeys;

/// What to check.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// The manifest of the export; its parts lie beside it
    #[arg(value_name = "MANIFEST")]
    manifest: PathBuf,
    /// The public keys of the log, as the file `verifier-keys` of its folder has them
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

pub(super) fn run(Arguments { manifest, key }: &Arguments) -> ExitCode {
    let unreadable = |source| CheckError::Io { path: key.clone(), source };
    let keys = std::fs::read_to_string(key).map_err(unreadable).and_then(|text| Ok(LogKeys::parse(&text)?));
    match keys.and_then(|keys| check_export(manifest, &keys)) {
        Ok(manifest) => in_order(&manifest),
        Err(error) => {
            say(&format!("export: broken: {}", chain(&error)));
            ExitCode::FAILURE
        }
    }
}

fn in_order(manifest: &ExportManifest) -> ExitCode {
    manifest.choice().lines().for_each(say);
    if manifest.first() > 0 {
        say(&format!("{} records had been removed after their retention", manifest.first()));
    }
    let (records, parts, size) = (manifest.records(), manifest.parts(), manifest.size());
    say(&format!("export: {records} records in {parts} parts, under a checkpoint of {size} records, ok"));
    ExitCode::SUCCESS
}
