//! The command line. Each command prints for people on standard output and says on standard error what went wrong; exit
//! codes follow sysexits.h: 65 data, 69 something around us is missing, 75 try again later, 78 configuration; 2 is usage.

mod audit;
mod dumps;
mod explain;
mod healthcheck;
mod his;
mod lists;
mod login;
mod node;
mod open;
mod report;
mod run;
#[cfg(feature = "sandbox")]
mod sandbox;
mod status;
mod tls;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Gateway through which patients in the Netherlands see their GP record.
#[derive(Debug, Parser)]
#[command(name = "inzage", version, about, long_about = None)]
#[cfg_attr(feature = "sandbox", command(after_help = "Without a command: the sandbox, in a temporary folder."))]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway
    Serve {
        /// The configuration, as deploy/inzage.example.toml explains it
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Take the place of the process that runs on these folders: it is told to stop, and nobody is refused meanwhile
        #[arg(long)]
        takeover: bool,
        #[command(flatten)]
        node: run::NodeArguments,
    },
    /// Bring the schema of the store to that of this release
    Migrate {
        /// The configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        #[command(flatten)]
        node: run::NodeArguments,
    },
    /// Check a configuration: every fault at once
    CheckConfig {
        /// The configuration
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Ask the node on this machine whether it is well: exit code 0 or 1
    Healthcheck(healthcheck::HealthArguments),
    /// Print the OpenAPI document of the operations face
    Openapi,
    /// Print the state of a node that runs
    Status(status::StatusArguments),
    /// Say what would become of a request, step by step, and why
    Explain(Box<explain::Arguments>),
    /// Print what stands for a person among those who take part in field tests and pilots
    Mark(explain::MarkArguments),
    /// Read and check the audit log
    #[command(subcommand)]
    Audit(audit::Command),
    /// Read, compare and fetch MedMij lists, and look after those of a node
    #[command(subcommand)]
    Lists(lists::Command),
    /// Register at the login service, and see whether it can be reached
    #[command(subcommand)]
    Login(login::Command),
    /// Look after what nodes share for TLS
    #[command(subcommand)]
    Tls(tls::Command),
    /// See whether the information systems of practices can serve
    #[command(subcommand)]
    His(his::Command),
    /// Keep the register of the OPEN programme, through the operations face of a node
    #[command(subcommand)]
    Open(open::Command),
    /// Print the figures of the OPEN programme
    #[command(subcommand)]
    Report(report::Command),
    /// Run the whole world on loopback: lists, gateway, emulated systems of practices, a demonstration PGO
    #[cfg(feature = "sandbox")]
    Sandbox(sandbox::SandboxArguments),
}

/// Runs the command that was given; without one, the sandbox.
#[must_use]
pub fn run() -> ExitCode {
    match Arguments::parse().command {
        Some(Command::Serve { config, takeover, node }) => run::serve(&config, node, takeover),
        Some(Command::Migrate { config, node }) => run::migrate(&config, node),
        Some(Command::CheckConfig { file }) => run::check_config(&file),
        Some(Command::Healthcheck(arguments)) => healthcheck::run(&arguments),
        Some(Command::Openapi) => openapi(),
        Some(Command::Status(arguments)) => status::run(&arguments),
        Some(Command::Explain(arguments)) => explain::run(&arguments),
        Some(Command::Mark(arguments)) => explain::mark(&arguments),
        Some(Command::Audit(command)) => audit::run(command),
        Some(Command::Lists(command)) => lists::run(command),
        Some(Command::Login(command)) => login::run(&command),
        Some(Command::Tls(command)) => tls::run(command),
        Some(Command::His(command)) => his::run(&command),
        Some(Command::Open(command)) => open::run(&command),
        Some(Command::Report(command)) => report::run(command),
        #[cfg(feature = "sandbox")]
        Some(Command::Sandbox(arguments)) => sandbox::run(&arguments),
        #[cfg(feature = "sandbox")]
        None => sandbox::run(&sandbox::SandboxArguments::default()),
        #[cfg(not(feature = "sandbox"))]
        None => {
            say_error("say what to do; `inzage --help` lists the commands");
            ExitCode::from(2)
        }
    }
}

fn openapi() -> ExitCode {
    match crate::operations::http::document().to_pretty_json() {
        Ok(text) => say(&text),
        Err(error) => return run::give_up(&error, run::EX_DATA),
    }
    ExitCode::SUCCESS
}

/// For people, on standard output. Whoever reads may go away when they have seen enough, as `head` does; any other failure to
/// write is told.
fn say(text: &str) {
    if let Err(error) = writeln!(std::io::stdout(), "{text}")
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        say_error(&format!("standard output cannot be written: {error}"));
    }
}

/// What went wrong, on standard error.
#[expect(clippy::print_stderr, reason = "this is the one door to standard error")]
fn say_error(text: &str) {
    eprintln!("inzage: {text}");
}
