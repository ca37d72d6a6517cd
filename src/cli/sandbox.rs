//! `inzage sandbox`: the whole world on loopback until a signal.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use jiff::civil::Date;

use super::run::{StopSignal, give_up, runtime};
use super::say;
use crate::availability::dutch_today;
use crate::clock::{SharedClock, SystemClock};
use crate::sandbox::ports::Base;
use crate::sandbox::programme::Plan;
use crate::sandbox::world::{SandboxError, Teller, Wish, World, absolute};

/// What the sandbox is asked to be.
#[derive(Debug, Default, Args)]
pub(super) struct SandboxArguments {
    /// Folder of the sandbox; a temporary one when not given
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// STU3 resources to add to the first emulated HIS
    #[arg(long, value_name = "DATA_DIR")]
    his_data: Option<PathBuf>,
    /// First of its ports; a free range from 8440 on when not given
    #[arg(long, value_name = "PORT")]
    port_base: Option<u16>,
    /// Run everything but the gateway, for `inzage serve --config DIR/gateway.toml`
    #[arg(long)]
    no_gateway: bool,
    #[command(flatten)]
    programme: ProgrammeArguments,
}

/// A simulated year of the OPEN programme.
#[derive(Debug, Args)]
struct ProgrammeArguments {
    /// With a simulated country: its practices in the register and on the lists, and the audit log of a year
    #[arg(long)]
    programme: bool,
    /// About how many records the audit log of that year gets
    #[arg(long, value_name = "N", default_value_t = Plan::EVENTS, requires = "programme")]
    programme_events: u64,
    /// How many practices that country has
    #[arg(long, value_name = "N", default_value_t = Plan::PRACTICES, requires = "programme")]
    programme_practices: u32,
    /// From which it is drawn: the same number on the same day gives the same year
    #[arg(long, value_name = "N", default_value_t = Plan::SEED, requires = "programme")]
    programme_seed: u64,
}

impl Default for ProgrammeArguments {
    fn default() -> Self {
        let Plan { seed, events, practices, .. } = Plan::before(Date::ZERO);
        Self { programme: false, programme_events: events, programme_practices: practices, programme_seed: seed }
    }
}

impl ProgrammeArguments {
    /// The year before today, when one is wished for.
    fn plan(&self, today: Date) -> Option<Plan> {
        let plan = Plan {
            seed: self.programme_seed,
            events: self.programme_events,
            practices: self.programme_practices,
            ..Plan::before(today)
        };
        self.programme.then_some(plan)
    }
}

pub(super) fn run(arguments: &SandboxArguments) -> ExitCode {
    crate::tls::install();
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return give_up(&error, 69),
    };
    match runtime.block_on(live(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => give_up(&error, exit_code(&error)),
    }
}

const fn exit_code(error: &SandboxError) -> u8 {
    match error {
        SandboxError::Gateway(error) => error.exit_code(),
        SandboxError::Records(_) => 65,
        SandboxError::Port(_)
        | SandboxError::Programme(_)
        | SandboxError::Register(_)
        | SandboxError::Folder { .. }
        | SandboxError::Shipped(_)
        | SandboxError::Certificates(_)
        | SandboxError::Tls(_)
        | SandboxError::Ended
        | SandboxError::Client(_)
        | SandboxError::Socket(_) => 69,
    }
}

async fn live(arguments: &SandboxArguments) -> Result<(), SandboxError> {
    let signal = StopSignal::catch()?;
    let temporary = arguments.dir.is_none();
    let dir = match &arguments.dir {
        Some(dir) => absolute(dir)?,
        None => absolute(&std::env::temp_dir().join(format!("inzage-sandbox-{}", std::process::id())))?,
    };
    let clock: SharedClock = Arc::new(SystemClock);
    let wish = Wish {
        dir: dir.clone(),
        his_data: arguments.his_data.clone(),
        base: arguments.port_base.map_or(Base::Search, Base::Fixed),
        with_gateway: !arguments.no_gateway,
        settings: String::new(),
    };
    crate::telemetry::start_in_file(&dir.join("gateway.log"), tracing::Level::INFO)
        .map_err(|source| SandboxError::Folder { path: dir.clone(), source })?;
    let world = match arguments.programme.plan(dutch_today(clock.now())) {
        Some(plan) => World::start_programme(&wish, plan, &teller(), clock).await?,
        None => World::start(&wish, clock).await?,
    };
    say(&greeting(&world, &dir, temporary));
    signal.received().await;
    let ended = world.stop().await;
    if temporary {
        // The folder was ours alone and made for this run.
        let _ = std::fs::remove_dir_all(&dir);
    }
    ended.map_err(|error| SandboxError::Socket(std::io::Error::other(error)))
}

/// Says how far a simulation is.
fn teller() -> Teller {
    Arc::new(|text| say(&format!("programme: {text}")))
}

fn greeting(world: &World, dir: &Path, temporary: bool) -> String {
    let layout = &world.layout;
    let gateway = if world.gateway.is_some() {
        format!("runs here; log in {}", dir.join("gateway.log").display())
    } else {
        format!("start it with: inzage serve --config {}", dir.join("gateway.toml").display())
    };
    let his: Vec<_> = world
        .his
        .iter()
        .enumerate()
        .map(|(at, his)| format!("             {}  faults: {}", his.base(), layout.his_control(at)))
        .collect();
    let people: Vec<_> = world
        .practices
        .iter()
        .map(|practice| {
            let people: Vec<_> =
                practice.patients.iter().map(|person| format!("{} {}", person.bsn.reveal(), person.family)).collect();
            format!("             {} ({}): {}", practice.name, practice.provider, people.join(", "))
        })
        .collect();
    let provider = world.practices.first().map(|practice| practice.provider.short().to_owned()).unwrap_or_default();
    let after = if temporary { "; it is removed when the sandbox stops" } else { "" };
    format!(
        "Inzage sandbox: everything on 127.0.0.1, invented people only.\n\n\
         Look        {pgo}  the demonstration PGO\n             {portal}  the demonstration portal\n             \
         your browser will warn, for the certificates were made a moment ago\n\
         Gateway     {gateway}\n             front channel {front}, back channel {back}\n             operations {ops}/readyz and {ops}/metrics\n\
         Lists       {zal}\n\
         HIS\n{his}\n\
         Log in as\n{people}\n\
         Try         curl --cacert {ca} --cert {cert} --key {key} {back}/fhir/{provider}/49/stu3/Encounter\n             \
         (no token, so a refusal that says who can act; with one you get data)\n\
         Audit       curl --cacert {ca} --cert {auditor}.pem --key {auditor}.key -H 'accept: application/json' {desk}/search -d ground=audit -d reason='looking around'\n             \
         (who, about whom and what, and why it was allowed; your search is in it the next time)\n\
         Operate     {admin}  state of the node and emergency switch: log in there as one of the invented colleagues\n             \
         curl --cacert {ca} --cert {operator}.pem --key {operator}.key {admin}/api/v1/node\n\
         Practices   {front}/open  how far online access is, for practices, coalitions, the programme and insurers\n\
         Data        {dir}{after}\n\
         Stop        Ctrl-C\n",
        pgo = layout.pgo_url(),
        portal = layout.portal_url(),
        front = layout.front_origin(),
        back = layout.back_origin(),
        ops = layout.ops_url(),
        zal = layout.list_url(crate::lists::ListKind::Zal),
        his = his.join("\n"),
        people = people.join("\n"),
        ca = dir.join("ca.pem").display(),
        cert = dir.join("pgo.pem").display(),
        key = dir.join("pgo.key").display(),
        auditor = dir.join("auditor").display(),
        desk = layout.desk_origin(),
        admin = layout.admin_origin(),
        operator = dir.join("wacht").display(),
        dir = dir.display(),
    )
}
