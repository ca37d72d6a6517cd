//! `inzage open`: the register of the OPEN programme from the command line, through the operations face of a node, so that rules,
//! roles and the audit are those of everybody.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::node::{NoAnswer, NodeArguments, no_answer};
use super::run::{EX_DATA, give_up};
use super::{say, say_error};
use crate::practices::programme::file::{Fault, Form, read};

/// What to do with the register.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Read a file and say what in it is not as it should be; without a node, so the rules of the register are not held against it
    Check {
        #[command(flatten)]
        file: FileArguments,
    },
    /// Take over a file: all of it, or nothing and the reason
    #[command(
        after_help = "Exit code: 0 when it was taken over, or would be; 65 when it is not in order, 69 without an answer."
    )]
    Import {
        #[command(flatten)]
        file: FileArguments,
        /// Only say what it would do
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        node: NodeArguments,
    },
    /// Print the register as a file that can be imported again
    Export {
        /// toml for everything; supplier.csv, organisation.csv, practice.csv or coalition.csv
        #[arg(value_name = "FORM", value_parser = form)]
        form: Named,
        #[command(flatten)]
        node: NodeArguments,
    },
}

/// A file of the register.
#[derive(Debug, Args)]
pub(super) struct FileArguments {
    /// The file; its name ends on .toml, supplier.csv, organisation.csv, practice.csv or coalition.csv, unless --form says
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What it is, when its name does not say
    #[arg(long, value_name = "FORM", value_parser = form)]
    form: Option<Named>,
}

/// A form and its name.
#[derive(Debug, Clone)]
pub(super) struct Named {
    name: String,
    form: Form,
}

fn form(name: &str) -> Result<Named, &'static str> {
    let form = Form::find(name).ok_or("toml, supplier.csv, organisation.csv, practice.csv or coalition.csv")?;
    Ok(Named { name: name.to_owned(), form })
}

pub(super) fn run(command: &Command) -> ExitCode {
    crate::tls::install();
    match command {
        Command::Check { file } => with_file(file, |named, bytes| match read(named.form, &bytes) {
            Ok(lines) => {
                say(&format!("in order: {} entries", lines.len()));
                ExitCode::SUCCESS
            }
            Err(faults) => refuse(&faults),
        }),
        Command::Import { file, dry_run, node } => {
            with_file(file, |named, bytes| import(node, &named, bytes, *dry_run))
        }
        Command::Export { form, node } => match ask(node, &form.name, None) {
            Ok((200, text)) => {
                say(text.trim_end());
                ExitCode::SUCCESS
            }
            Ok((status, text)) => refused(status, &text),
            Err(error) => no_answer(&error),
        },
    }
}

fn with_file(arguments: &FileArguments, then: impl FnOnce(Named, Vec<u8>) -> ExitCode) -> ExitCode {
    let Some(named) = arguments.form.clone().or_else(|| by_name(&arguments.file)) else {
        say_error("say by --form what the file holds; its name does not");
        return ExitCode::from(EX_DATA);
    };
    match std::fs::read(&arguments.file) {
        Ok(bytes) => then(named, bytes),
        Err(error) => give_up(&error, EX_DATA),
    }
}

fn by_name(file: &Path) -> Option<Named> {
    let name = file.file_name()?.to_str()?;
    let forms = ["toml", "supplier.csv", "organisation.csv", "practice.csv", "coalition.csv"];
    forms.into_iter().find(|form| name.ends_with(form)).and_then(|name| form(name).ok())
}

fn refuse(faults: &[Fault]) -> ExitCode {
    faults.iter().for_each(|fault| say_error(&fault.to_string()));
    ExitCode::from(EX_DATA)
}

fn import(node: &NodeArguments, named: &Named, bytes: Vec<u8>, dry_run: bool) -> ExitCode {
    let path = format!("{}?dry_run={dry_run}", named.name);
    match ask(node, &path, Some(bytes)) {
        Ok((200, text)) => match serde_json::from_str(&text) {
            Ok(report) => {
                say(told(&report).trim_end());
                ExitCode::SUCCESS
            }
            Err(_) => no_answer(&NoAnswer::Strange),
        },
        Ok((status, text)) => refused(status, &text),
        Err(error) => no_answer(&error),
    }
}

/// What became of each entry that changes.
fn told(report: &Value) -> String {
    let mut text = String::new();
    let entries = report["entries"].as_array().map_or(&[][..], Vec::as_slice);
    for entry in entries.iter().filter(|entry| entry["done"] != "same") {
        let word = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        // Writing into a string does not fail.
        let _ = writeln!(text, "line {:<6} {:<8} {}", entry["line"], word("done"), word("key"));
    }
    let same = entries.iter().filter(|entry| entry["done"] == "same").count();
    let tried = if report["dry_run"] == true { "tried, nothing was changed" } else { "taken over" };
    let _ =
        writeln!(text, "{tried}: {} entries, {same} of them the same; revision {}", entries.len(), report["revision"]);
    text
}

/// What the node says against it.
fn refused(status: u16, text: &str) -> ExitCode {
    let said = &serde_json::from_str::<Value>(text).unwrap_or_default();
    let each = |pointer: &str| said.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    say_error(&format!("refused ({status}): {}", said["text"].as_str().unwrap_or("no reason is given")));
    for fault in each("/faults") {
        let expected = fault["expected"].as_str().unwrap_or_default();
        say_error(&format!("line {}, column {}: {expected}", fault["line"], fault["column"]));
    }
    for breach in each("/breaches") {
        say_error(breach.pointer("/text/en").and_then(Value::as_str).unwrap_or_default());
    }
    for difference in each("/stale/differences") {
        let word = |name: &str| difference[name].as_str().unwrap_or_default().to_owned();
        say_error(&format!("{}: was {}, is {}", word("field"), word("was"), word("is")));
    }
    ExitCode::from(EX_DATA)
}

/// Asks a node for a file of the register, or sends it one.
fn ask(node: &NodeArguments, path: &str, body: Option<Vec<u8>>) -> Result<(u16, String), NoAnswer> {
    super::node::ask(node, &format!("/api/v1/register-files/{path}"), body)
}
