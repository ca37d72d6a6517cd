//! `inzage healthcheck`: asks the node beside it how it is, for whoever keeps containers, where there is no other program.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::run::{give_up, refuse};
use super::{say, say_error};
use crate::config::Config;

/// How long it may take to connect, and to say the next thing.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest answer that is read, in bytes.
const LONGEST: u64 = 64 * 1024;

/// Which node is asked, and what.
#[derive(Debug, Args)]
pub(super) struct HealthArguments {
    /// Where the node listens for operations
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8490", conflicts_with = "config")]
    ops: SocketAddr,
    /// The configuration that says so
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Ask whether the process runs, not whether it is ready
    #[arg(long)]
    live: bool,
}

pub(super) fn run(arguments: &HealthArguments) -> ExitCode {
    let ops = match arguments.config.as_deref().map(Config::load).transpose() {
        Ok(config) => config.map_or(arguments.ops, |config| config.ops.listen),
        Err(faults) => return refuse(&faults),
    };
    let path = if arguments.live { "/livez" } else { "/readyz" };
    match ask(ops, path) {
        Ok(answer) => judge(&answer),
        Err(error) => {
            say_error(&format!("{ops} does not answer"));
            give_up(&error, 1)
        }
    }
}

/// One request of a known form to our own listener on this machine: an HTTP client and its runtime would take longer to start.
fn ask(ops: SocketAddr, path: &str) -> io::Result<String> {
    let mut node = TcpStream::connect_timeout(&ops, PATIENCE)?;
    node.set_read_timeout(Some(PATIENCE))?;
    node.set_write_timeout(Some(PATIENCE))?;
    node.write_all(format!("GET {path} HTTP/1.1\r\nHost: {ops}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    node.take(LONGEST).read_to_string(&mut answer)?;
    Ok(answer)
}

/// What it says of itself, and 0 only when that is well.
fn judge(answer: &str) -> ExitCode {
    say(answer.split_once("\r\n\r\n").map_or(answer, |(_, body)| body).trim_end());
    let well = answer.starts_with("HTTP/1.1 200 ");
    if well { ExitCode::SUCCESS } else { ExitCode::from(1) }
}
