//! `inzage audit keys`: the yearly keys that make pseudonyms and seal BSNs. Nothing here removes a key; that is done by hand.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use crate::audit::{KeyFolder, KeyFolderError, KeyUse};
use crate::cli::run::{EX_CONFIG, give_up};
use crate::cli::say;
use crate::seal::{Key32, KeyFile};

/// What to do with the keys.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    /// Make the keys of some years; a key that is there stays as it is
    Create {
        /// First year
        #[arg(long, value_name = "YEAR")]
        from: i16,
        /// Last year
        #[arg(long, value_name = "YEAR")]
        to: i16,
        /// The folder of the keys
        #[arg(value_name = "DIR")]
        dir: PathBuf,
    },
    /// Say of which years there are keys
    List {
        /// The folder of the keys
        #[arg(value_name = "DIR")]
        dir: PathBuf,
    },
    /// Take over a year of the key of the first releases, so that its pseudonyms stay the same
    Migrate {
        /// The file that `keys.pseudonym` named
        #[arg(long, value_name = "FILE")]
        master: PathBuf,
        /// Which year
        #[arg(long, value_name = "YEAR")]
        year: i16,
        /// The folder of the keys
        #[arg(value_name = "DIR")]
        dir: PathBuf,
    },
}

pub(in crate::cli) fn run(command: Command) -> ExitCode {
    let done = match command {
        Command::Create { from, to, dir } => create(from, to, &KeyFolder::new(&dir)),
        Command::List { dir } => list(&KeyFolder::new(&dir)),
        Command::Migrate { master, year, dir } => match KeyFile::load(&master) {
            Ok(master) => migrate(&KeyFolder::new(&dir), &master, year),
            Err(error) => return give_up(&error, EX_CONFIG),
        },
    };
    done.map_or_else(|error| give_up(&error, EX_CONFIG), |()| ExitCode::SUCCESS)
}

fn create(from: i16, to: i16, folder: &KeyFolder) -> Result<(), KeyFolderError> {
    let made = folder.create(from..=to)?;
    made.iter().for_each(|name| say(&format!("made {name}")));
    if made.is_empty() {
        say("every key was there already");
    } else {
        say("back them up apart from the log, and give all nodes the same; no other key can take their place");
    }
    Ok(())
}

fn list(folder: &KeyFolder) -> Result<(), KeyFolderError> {
    for (year, uses) in folder.list()? {
        let uses: Vec<_> = uses.into_iter().map(KeyUse::as_str).collect();
        say(&format!("{year} {}", uses.join(" ")));
    }
    Ok(())
}

fn migrate(folder: &KeyFolder, master: &Key32, year: i16) -> Result<(), KeyFolderError> {
    folder.migrate(master, year)?;
    say(&format!("{year} has the pseudonyms it had; the master key is needed for no other year"));
    Ok(())
}
