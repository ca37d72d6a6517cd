//! `inzage report`: the figures of the OPEN programme, for whoever looks after a node.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::audit::index::with;
use super::run::{NodeArguments, load_for};
use super::{say, say_error};
use crate::app::{StartError, count_anew, kept_figures, recount_figures};
use crate::audit::IndexFault;
use crate::config::Config;
use crate::report::{Desk, Distinct, Figures, Period, ReportError, Scope};

/// What to do with the figures.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print the figures that are kept, as they are: one scope and period a line, in JSON
    #[command(
        after_help = "Small counts are not suppressed: what is printed is for whoever may read the audit log, and for nobody else. With SQLite \
                      the node must be stopped."
    )]
    Dump {
        /// The configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// whole, supplier:ID, coalition:ID or practice:NAME; without one all of them
        #[arg(long, value_name = "SCOPE", value_parser = scope)]
        scope: Vec<Scope>,
        /// 2026-03, 2026-Q1 or 2026; without one all since a year ago
        #[arg(long, value_name = "PERIOD", value_parser = period)]
        period: Vec<Period>,
        /// Count the index of the audit log anew, in memory, instead; of the ZAL it knows nothing
        #[arg(long)]
        anew: bool,
        #[command(flatten)]
        node: NodeArguments,
    },
    /// Drop what nodes counted, so that they count it anew from the index of the audit log
    #[command(
        after_help = "With SQLite the node must be stopped. Figures are too low until everything is counted again."
    )]
    Recount {
        /// The configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        #[command(flatten)]
        node: NodeArguments,
    },
}

fn scope(text: &str) -> Result<Scope, String> {
    Scope::parse(text).map_err(|error| error.to_string())
}

fn period(text: &str) -> Result<Period, String> {
    Period::parse(text).map_err(|error| error.to_string())
}

pub(super) fn run(command: Command) -> ExitCode {
    match command {
        Command::Dump { config, scope, period, anew, node } => dump(load_for(&config, node), scope, period, anew),
        Command::Recount { config, node } => with(load_for(&config, node), |config, clock| {
            recount_figures(config, clock)?;
            say("what was counted is dropped; nodes count it anew while they serve");
            Ok(())
        }),
    }
}

fn dump(config: Result<Config, ExitCode>, scope: Vec<Scope>, period: Vec<Period>, anew: bool) -> ExitCode {
    with(config, |config, clock| {
        let desk = if anew { count_anew(config, clock) } else { kept_figures(config, clock) }?;
        let periods = if period.is_empty() { last_year(clock.now()) } else { period };
        let printed = tokio::runtime::Handle::current().block_on(print(&desk, scope, &periods));
        printed.map_err(|error| {
            say_error(&error.to_string());
            StartError::Index(IndexFault::Store)
        })
    })
}

/// Every month since a year ago, and the quarters and years that they are in.
fn last_year(now: Timestamp) -> Vec<Period> {
    let mut periods = Vec::new();
    let mut month = Period::month_of(now);
    for _ in 0..=12 {
        let Some(Period::Month(one)) = month else { break };
        let (year, number) = (one.first().year(), one.first().month());
        let quarter = format!("{year}-Q{}", (number + 2) / 3);
        periods.extend([one.to_string(), quarter, year.to_string()].iter().filter_map(|text| Period::parse(text).ok()));
        month = one.first().yesterday().ok().and_then(|day| Period::parse(&format!("{}", day.strftime("%Y-%m"))).ok());
    }
    periods.sort_unstable();
    periods.dedup();
    periods
}

async fn print(desk: &Desk, scopes: Vec<Scope>, periods: &[Period]) -> Result<(), ReportError> {
    let scopes = if scopes.is_empty() { every_scope(desk).await? } else { scopes };
    let mut out = std::io::BufWriter::new(std::io::stdout());
    for scope in &scopes {
        for figures in desk.series(scope, periods).await? {
            if writeln!(out, "{}", written(&figures)).is_err() {
                // Who reads has seen enough.
                return Ok(());
            }
        }
    }
    let _ = out.flush();
    Ok(())
}

async fn every_scope(desk: &Desk) -> Result<Vec<Scope>, ReportError> {
    let register = desk.register().await?;
    let entries = register.entries();
    let whole = std::iter::once(Scope::Whole);
    let suppliers = entries.suppliers.keys().cloned().map(Scope::Supplier);
    let coalitions = entries.coalitions.keys().cloned().map(Scope::Coalition);
    let practices = entries.practices.keys().cloned().map(Scope::Practice);
    Ok(whole.chain(suppliers).chain(coalitions).chain(practices).collect())
}

fn written(figures: &Figures) -> Value {
    let distinct = |of: &Distinct| json!({"count": of.count, "exact": of.exact, "error": of.error});
    let requests = figures.requests.iter().map(|of| {
        let ends = &of.requests;
        let service = of.service.as_ref().map(ToString::to_string);
        json!({"channel": of.channel.as_str(), "service": service,
            "succeeded": ends.succeeded, "failed": ends.failed, "aborted": ends.aborted})
    });
    let by_channel = figures.by_channel.iter().map(|(channel, of)| (channel.as_str().to_owned(), distinct(of)));
    let by_service = figures.by_service.iter().map(|(service, of)| (service.to_string(), distinct(of)));
    let ways = figures.practices_with_viewer_by_channel.iter();
    let waiting = figures
        .waiting
        .map(|median| json!({"seconds": median.time.as_secs_f64(), "of": median.of, "error": median.error}));
    json!({
        "scope": figures.scope.to_string(),
        "period": figures.period.to_string(),
        "running": figures.running,
        "practices": figures.practices,
        "on_zal": figures.on_zal,
        "on_zal_since": figures.on_zal_since.map(|day| day.to_string()),
        "enrolled_16": figures.enrolled_16,
        "viewers": distinct(&figures.viewers),
        "repeat": distinct(&figures.repeat),
        "by_channel": by_channel.collect::<serde_json::Map<_, _>>(),
        "by_service": by_service.collect::<serde_json::Map<_, _>>(),
        "practices_with_viewer": figures.practices_with_viewer,
        "practices_with_viewer_by_channel":
            ways.map(|(channel, count)| (channel.as_str().to_owned(), (*count).into())).collect::<serde_json::Map<_, _>>(),
        "first_retrievals": figures.first_retrievals,
        "requests": requests.collect::<Vec<_>>(),
        "waiting": waiting,
    })
}
