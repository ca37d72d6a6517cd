//! `inzage audit subject`, `document` and `open`: from a person or a document to their records, and back to a person, for who
//! holds the keys (Wabvpz article 15e). A BSN comes and goes on standard input and output only, never as an argument.

use std::io::{self, BufRead as _, Read as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use zeroize::Zeroizing;

use crate::audit::{Keyring, SealedBsn};
use crate::cli::run::{EX_CONFIG, EX_DATA, give_up};
use crate::cli::{say, say_error};
use crate::medmij::{Bsn, ProviderName};

/// Most bytes that are read as a BSN.
const BSN_MAX: u64 = 64;
/// Most bytes of sealed values, or of ids, that are read.
const SEALED_MAX: u64 = 64 * 1024 * 1024;

/// Whose pseudonyms.
#[derive(Debug, Args)]
pub(in crate::cli) struct SubjectArguments {
    /// The folder of the audit keys
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// Read the BSN from standard input; there is no other way
    #[arg(long, required = true)]
    bsn_from_stdin: bool,
}

/// Documents of which practice.
#[derive(Debug, Args)]
pub(in crate::cli) struct DocumentArguments {
    /// The folder of the audit keys
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// The practice that has them, as `name@medmij`
    #[arg(long, value_name = "NAME", value_parser = practice)]
    practice: ProviderName,
}

fn practice(name: &str) -> Result<ProviderName, &'static str> {
    ProviderName::parse(name).map_err(|_| "not the name of a practice")
}

/// With which keys.
#[derive(Debug, Args)]
pub(in crate::cli) struct OpenArguments {
    /// The folder of the audit keys
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
}

/// Prints the person's pseudonym of each year, oldest first.
pub(in crate::cli) fn subject(arguments: &SubjectArguments) -> ExitCode {
    let keyring = match Keyring::load(&arguments.keys) {
        Ok(keyring) => keyring,
        Err(error) => return give_up(&error, EX_CONFIG),
    };
    let mut text = Zeroizing::new(String::new());
    if let Err(error) = io::stdin().lock().take(BSN_MAX).read_to_string(&mut text) {
        return give_up(&error, EX_DATA);
    }
    match Bsn::parse(text.trim()) {
        Ok(bsn) => {
            keyring.pseudonyms(&bsn).iter().for_each(|pseudonym| say(pseudonym.as_str()));
            ExitCode::SUCCESS
        }
        Err(error) => give_up(&error, EX_DATA),
    }
}

/// Prints for each document its id and what stands for it in each year, oldest first.
pub(in crate::cli) fn document(arguments: &DocumentArguments) -> ExitCode {
    let keyring = match Keyring::load(&arguments.keys) {
        Ok(keyring) => keyring,
        Err(error) => return give_up(&error, EX_CONFIG),
    };
    for line in io::stdin().lock().take(SEALED_MAX).lines() {
        let line = match line {
            Ok(line) => line,
            Err(error) => return give_up(&error, EX_DATA),
        };
        let id = line.trim();
        say(&format!("{id} {}", keyring.documents(&arguments.practice, id).join(" ")));
    }
    ExitCode::SUCCESS
}

/// Prints the BSN of each sealed value, one a line, in their order.
pub(in crate::cli) fn open(arguments: &OpenArguments) -> ExitCode {
    let keyring = match Keyring::load(&arguments.keys) {
        Ok(keyring) => keyring,
        Err(error) => return give_up(&error, EX_CONFIG),
    };
    for (at, line) in io::stdin().lock().take(SEALED_MAX).lines().enumerate() {
        let line = match line {
            Ok(line) => line,
            Err(error) => return give_up(&error, EX_DATA),
        };
        let Some(bsn) = SealedBsn::parse(line.trim()).and_then(|sealed| keyring.open(&sealed)) else {
            say_error(&format!("line {}: no sealed BSN of a year whose key is here", at.saturating_add(1)));
            return ExitCode::from(EX_DATA);
        };
        say(bsn.reveal());
    }
    ExitCode::SUCCESS
}
