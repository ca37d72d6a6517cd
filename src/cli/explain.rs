//! `inzage explain`: what would become of a request, and why. Without a node it is said from the configuration, the last good copy
//! of the lists and what operators set in the store; with one, by the node, which also knows whether it leaves a HIS alone.

use std::fmt::Write as _;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use serde_json::Value;
use zeroize::Zeroizing;

use super::node::{NoAnswer, NodeArguments, PerhapsNode, ask, no_answer};
use super::run::{EX_DATA, EX_UNAVAILABLE, give_up, refuse, refuse_start, runtime};
use super::{say, say_error};
use crate::app::{StandIn, StartError, mark as mark_of, stand_in};
use crate::clock::{SharedClock, SystemClock};
use crate::config::{Config, Instead};
use crate::medmij::Bsn;
use crate::operations::explain::{PersonView, QuestionView, Seen, answer};

/// Most bytes that are read as a BSN.
const BSN_MAX: u64 = 64;

/// What is asked, and of whom.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit code: 0 when the request would go through, 1 when it would be refused, 65 when the question cannot be \
                  read, 69 without an answer."
)]
pub(super) struct Arguments {
    /// The practice, as name@medmij
    #[arg(long, value_name = "NAME")]
    provider: String,
    /// The id of the service in the lists, such as 49
    #[arg(long, value_name = "ID")]
    service: String,
    /// The client_id of the PGO or portal
    #[arg(long, value_name = "HOST")]
    client: String,
    /// The name in the certificate of the node, when it is another than those that may act for the client
    #[arg(long, value_name = "HOST", default_value = "")]
    peer: String,
    /// The SMART scope of the token, when it has one
    #[arg(long, value_name = "SCOPE", default_value = "")]
    scope: String,
    /// When the person consented, as 2026-11-01T12:00:00Z; otherwise before the present stage of go-live
    #[arg(long, value_name = "MOMENT", default_value = "")]
    consented: String,
    /// Who asks, where a field test or pilot is held: somebody without a place, or with one
    #[arg(long, value_enum, default_value_t = Who::Stranger)]
    person: Who,
    /// A test patient asks: a citizen service number that begins with 9999, which is nobody's
    #[arg(long, value_name = "NUMBER", conflicts_with = "person")]
    test_patient: Option<String>,
    /// Whoever has this mark asks; `inzage mark` prints it
    #[arg(long, value_name = "MARK", conflicts_with_all = ["person", "test_patient"])]
    bsn_hash: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The configuration of a node, to ask without one
    #[arg(long, value_name = "FILE", required_unless_present = "url", conflicts_with = "url")]
    config: Option<PathBuf>,
    /// Name of the node, when it is started with another one than that in the file
    #[arg(long = "node", value_name = "NAME", requires = "config")]
    name: Option<String>,
    #[command(flatten)]
    node: PerhapsNode,
    /// A method, GET when there is none, and what follows the base, as 'Observation?code=...', or a whole path under /fhir/
    #[arg(value_name = "REQUEST")]
    request: String,
}

/// Of whose keys the mark is.
#[derive(Debug, Args)]
pub(super) struct MarkArguments {
    /// The configuration of a node, which names the key
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Read the BSN from standard input; there is no other way
    #[arg(long, required = true)]
    bsn_from_stdin: bool,
}

/// Somebody who is nobody in particular.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Who {
    /// Without a place
    Stranger,
    /// With a place
    Seated,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    crate::tls::install();
    let asked = match (arguments.node.said(), &arguments.config) {
        (Some(node), _) => of_node(&node, arguments),
        (None, Some(config)) => of_files(config, arguments),
        // clap asks for one of both.
        (None, None) => Err(ExitCode::from(2)),
    };
    match asked {
        Ok(explained) => {
            let explained = &explained;
            say(if arguments.json { format!("{explained:#}") } else { told(explained) }.trim_end());
            if explained["outcome"] == "permitted" { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(code) => code,
    }
}

fn question(arguments: &Arguments) -> QuestionView {
    QuestionView {
        provider: arguments.provider.clone(),
        service: arguments.service.clone(),
        client: arguments.client.clone(),
        peer: arguments.peer.clone(),
        scope: arguments.scope.clone(),
        consented: arguments.consented.clone(),
        request: arguments.request.clone(),
        person: match arguments.person {
            Who::Stranger => PersonView::Stranger,
            Who::Seated => PersonView::Seated,
        },
        test_patient: arguments.test_patient.clone(),
        bsn_hash: arguments.bsn_hash.clone(),
    }
}

fn of_node(node: &NodeArguments, arguments: &Arguments) -> Result<Value, ExitCode> {
    let body = serde_json::to_vec(&question(arguments)).map_err(|error| give_up(&error, EX_DATA))?;
    match ask(node, "/api/v1/explain", Some(body)) {
        Ok((200, text)) => serde_json::from_str(&text).map_err(|_| no_answer(&NoAnswer::Strange)),
        Ok((status, text)) => {
            let said = &serde_json::from_str::<Value>(&text).unwrap_or_default();
            say_error(&format!("refused ({status}): {}", said["text"].as_str().unwrap_or("no reason is given")));
            Err(ExitCode::from(EX_DATA))
        }
        Err(error) => Err(no_answer(&error)),
    }
}

fn of_files(file: &Path, arguments: &Arguments) -> Result<Value, ExitCode> {
    let config = Config::load(file).map_err(|faults| refuse(&faults))?;
    let instead = Instead { node: arguments.name.clone(), ..Instead::default() };
    let config = config.instead(&instead).map_err(|error| give_up(&error, super::run::EX_CONFIG))?;
    let clock: SharedClock = Arc::new(SystemClock);
    let StandIn { snapshot, installations } = with_runtime(|| stand_in(&config, &clock))?;
    let question = question(arguments).read(&snapshot).map_err(|fault| give_up(&fault, EX_DATA))?;
    let explained = answer(&snapshot, (&installations, Seen::Configured), &question, clock.now());
    serde_json::to_value(explained).map_err(|error| give_up(&error, EX_DATA))
}

/// On a thread that may block, with a runtime at hand.
fn with_runtime<T>(work: impl FnOnce() -> Result<T, StartError>) -> Result<T, ExitCode> {
    let runtime = runtime().map_err(|error| give_up(&error, EX_UNAVAILABLE))?;
    let _inside = runtime.enter();
    work().map_err(|error| refuse_start(&error))
}

/// For people.
fn told(explained: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut text = String::new();
    for step in explained["steps"].as_array().into_iter().flatten() {
        let version = step["version"].as_str().map(|version| format!(" [{version}]")).unwrap_or_default();
        // Writing into a string does not fail.
        let _ = writeln!(
            text,
            "{:<8} {:<14} {}{version}",
            word(&step["verdict"]),
            word(&step["name"]),
            word(&step["because"])
        );
    }
    let answer = &explained["answer"];
    if answer.is_null() {
        return text + "\nit would go through\n";
    }
    let again = answer["retry_after_seconds"].as_u64();
    let again = again.map(|seconds| format!(", again after {seconds} s")).unwrap_or_default();
    let _ = writeln!(text, "\nrefused: {} ({}{again})", word(&answer["code"]), answer["status"]);
    for (name, value) in [
        ("who can act", &answer["who"]),
        ("in the log", &answer["reason"]),
        ("people are told", &answer["text"]),
        ("developers are told", &answer["diagnostics"]),
    ] {
        let _ = writeln!(text, "{name:<20} {}", word(value));
    }
    text
}

/// Prints the mark of whoever has the BSN on standard input.
pub(super) fn mark(arguments: &MarkArguments) -> ExitCode {
    let config = match Config::load(&arguments.config) {
        Ok(config) => config,
        Err(faults) => return refuse(&faults),
    };
    let mut text = Zeroizing::new(String::new());
    if let Err(error) = io::stdin().lock().take(BSN_MAX).read_to_string(&mut text) {
        return give_up(&error, EX_DATA);
    }
    let bsn = match Bsn::parse(text.trim()) {
        Ok(bsn) => bsn,
        Err(error) => return give_up(&error, EX_DATA),
    };
    match mark_of(&config, &bsn) {
        Ok(mark) => {
            say(&mark.reveal());
            ExitCode::SUCCESS
        }
        Err(error) => refuse_start(&error),
    }
}
