//! `inzage audit`: what can be done with a log from outside, and with its keys.

mod check_export;
mod check_proof;
mod checkpoint;
mod export;
pub(super) mod index;
mod key;
mod keys;
mod people;
mod prove;
mod prune;
mod show;
mod verify;

use std::process::ExitCode;

use clap::Subcommand;

use super::{say, say_error};

/// What to do with the log.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check every record and the chain that ties them together
    Verify(verify::Arguments),
    /// Print every record, oldest first
    Show(show::Arguments),
    /// Prove that a record is in the log, to whoever has its public key
    Prove(prove::Inclusion),
    /// Check a proof that somebody was handed; needs no log
    CheckProof(check_proof::Arguments),
    /// Prove that the log holds all that it held at an earlier checkpoint
    Consistency(prove::Growth),
    /// Write checkpoint, hash tiles and entries in the static form that clients of C2SP tlog-tiles read
    Tiles(prove::Publication),
    /// Look after the index in which the log is searched
    #[command(subcommand)]
    Index(index::Command),
    /// Copy records of a period or a practice, for an auditor, a spreadsheet or an audit repository
    Export(export::Arguments),
    /// Check an export: the signature under its manifest and every byte of its parts
    CheckExport(check_export::Arguments),
    /// Remove records after their retention; what proves that they were there stays
    Prune(prune::Arguments),
    /// Print the newest signed checkpoint, to be kept elsewhere
    Checkpoint(checkpoint::Arguments),
    /// Print the public key that checks the checkpoints of a node
    Key(key::OfNode),
    /// Say what to write into the configuration to replace the key that signs checkpoints
    RotateKey(key::OfNode),
    /// Make, list and take over the yearly keys of the log
    #[command(subcommand)]
    Keys(keys::Command),
    /// Print what stands for a person in the log, in each year whose keys are there
    Subject(people::SubjectArguments),
    /// Print what stands for documents in the log: ids at the HIS, one a line on standard input
    Document(people::DocumentArguments),
    /// Open sealed BSNs: one a line on standard input
    Open(people::OpenArguments),
}

pub(super) fn run(command: Command) -> ExitCode {
    match command {
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Show(arguments) => show::run(&arguments),
        Command::Prove(arguments) => prove::inclusion(&arguments),
        Command::CheckProof(arguments) => check_proof::run(&arguments),
        Command::Consistency(arguments) => prove::growth(&arguments),
        Command::Tiles(arguments) => prove::publication(&arguments),
        Command::Index(command) => index::run(command),
        Command::Export(arguments) => export::run(&arguments),
        Command::CheckExport(arguments) => check_export::run(&arguments),
        Command::Prune(arguments) => prune::run(arguments),
        Command::Checkpoint(arguments) => checkpoint::run(&arguments),
        Command::Key(of) => key::key(&of),
        Command::RotateKey(of) => key::rotate(&of),
        Command::Keys(command) => keys::run(command),
        Command::Subject(arguments) => people::subject(&arguments),
        Command::Document(arguments) => people::document(&arguments),
        Command::Open(arguments) => people::open(&arguments),
    }
}
