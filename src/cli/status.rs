//! `inzage status`: the state of a node for people, from its operations face.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value};

use super::run::{EX_CONFIG, EX_UNAVAILABLE, give_up, load, refuse, runtime};
use super::{say, say_error};
use crate::config::Instead;

/// How long the node may take for each of both answers.
const DEADLINE: Duration = Duration::from_secs(5);
/// More than any node says.
const ANSWER_MAX_BYTES: usize = 16 * 1024 * 1024;

/// Which node.
#[derive(Debug, Args)]
#[command(after_help = "Exit code: 0 when the node is ready, 1 when it is not, 69 when it does not answer.")]
pub(super) struct StatusArguments {
    /// The configuration of the node, which says where its operations face is
    #[arg(long, value_name = "FILE", default_value = "/etc/inzage/inzage.toml", conflicts_with = "url")]
    config: PathBuf,
    /// Added to the port in the configuration, as for `serve`
    #[arg(long, value_name = "NUMBER", default_value_t = 0, conflicts_with = "url")]
    listen_offset: u16,
    /// The operations face itself, as http://127.0.0.1:8490
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Print what /readyz says, for tools
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &StatusArguments) -> ExitCode {
    let url = match arguments.url.clone().map_or_else(|| configured(arguments), Ok) {
        Ok(url) => url,
        Err(code) => return code,
    };
    crate::tls::install();
    let asked = match runtime() {
        Ok(runtime) => runtime.block_on(ask(&url)),
        Err(error) => return give_up(&error, EX_UNAVAILABLE),
    };
    match asked {
        Ok(Said { report, metrics }) => {
            say(if arguments.json { report.to_string() } else { told(&report, &metrics) }.trim_end());
            if report.get("ready") == Some(&Value::Bool(true)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            say_error(&format!("the node does not answer at {url}: {error}"));
            ExitCode::from(EX_UNAVAILABLE)
        }
    }
}

fn configured(arguments: &StatusArguments) -> Result<String, ExitCode> {
    let config = load(&arguments.config).map_err(|faults| refuse(&faults))?;
    let instead = Instead { listen_offset: arguments.listen_offset, ..Instead::default() };
    let config = config.instead(&instead).map_err(|error| give_up(&error, EX_CONFIG))?;
    let listen: SocketAddr = config.ops.listen;
    Ok(format!("http://{listen}"))
}

/// What a node says.
struct Said {
    report: Value,
    metrics: String,
}

/// Why it says nothing that can be read.
#[derive(Debug, thiserror::Error)]
enum Unsaid {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error("it answers with something else than a node of this program")]
    Strange,
}

async fn ask(url: &str) -> Result<Said, Unsaid> {
    let http = reqwest::Client::builder().no_proxy().timeout(DEADLINE).redirect(reqwest::redirect::Policy::none());
    let http = http.build()?;
    let url = url.trim_end_matches('/');
    let report = read(&http, &format!("{url}/readyz")).await?;
    let report: Value = serde_json::from_str(&report).map_err(|_| Unsaid::Strange)?;
    if !report.get("ready").is_some_and(Value::is_boolean) {
        return Err(Unsaid::Strange);
    }
    Ok(Said { report, metrics: read(&http, &format!("{url}/metrics")).await? })
}

async fn read(http: &reqwest::Client, url: &str) -> Result<String, Unsaid> {
    let mut answer = http.get(url).send().await?;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_MAX_BYTES {
            return Err(Unsaid::Strange);
        }
    }
    String::from_utf8(body).map_err(|_| Unsaid::Strange)
}

/// The parts in the order in which a node needs them.
const PARTS: [&str; 10] =
    ["keys", "audit", "audit_disk", "checkpoints", "audit_index", "figures", "store", "lists", "certificates", "clock"];

/// For people. Whatever the node says is made plain, so that a terminal shows it and obeys nothing.
fn told(report: &Value, metrics: &str) -> String {
    let figures = Figures::read(metrics);
    let mut text = String::new();
    let ready = if report.get("ready") == Some(&Value::Bool(true)) { "ready" } else { "NOT READY" };
    let state = report["state"].as_str().unwrap_or("?");
    // Writing into a string does not fail.
    let _ = writeln!(text, "{ready}, {state}{}\n", figures.release());
    for part in PARTS {
        if let Some(said) = report[part].as_str() {
            let _ = writeln!(text, "{part:<14} {said}{}", beside(part, report));
        }
    }
    figures.his(&mut text);
    figures.answers(&mut text);
    alarms(report, &mut text);
    plain(&text)
}

/// What a figure adds to the state of a part.
fn beside(part: &str, report: &Value) -> String {
    match part {
        "lists" => each(&report["list_ages_seconds"], "s old"),
        "certificates" => {
            let ours = each(&report["certificate_days_left"], "days");
            let theirs = each(&report["peer_certificate_days_left"], "days");
            if theirs.is_empty() { ours } else { format!("{ours}; of others{theirs}") }
        }
        "keys" => report["keys_age_seconds"].as_u64().map(|age| format!(", read {age} s ago")).unwrap_or_default(),
        "audit_disk" => {
            let free = report["audit_disk_free_bytes"].as_u64();
            free.map(|bytes| format!(", {} MiB free", bytes / (1024 * 1024))).unwrap_or_default()
        }
        _ => String::new(),
    }
}

fn each(members: &Value, unit: &str) -> String {
    let none = Map::new();
    let members = members.as_object().unwrap_or(&none);
    members.iter().map(|(name, value)| format!(", {name} {value} {unit}")).collect()
}

fn alarms(report: &Value, text: &mut String) {
    let none = Vec::new();
    let alarms = report["alarms"].as_array().unwrap_or(&none);
    text.push_str(if alarms.is_empty() { "\nno alarms\n" } else { "\nalarms\n" });
    for alarm in alarms {
        let (name, detail) = (alarm["alarm"].as_str().unwrap_or("?"), alarm["detail"].as_str().unwrap_or_default());
        let _ = writeln!(text, "  {name}: {detail}");
    }
}

fn plain(text: &str) -> String {
    text.chars().filter(|c| *c == '\n' || !c.is_control()).collect()
}

/// Samples of the metrics: name, labels, value.
struct Figures<'a>(Vec<Sample<'a>>);

struct Sample<'a> {
    name: &'a str,
    labels: BTreeMap<&'a str, &'a str>,
    value: f64,
}

impl<'a> Figures<'a> {
    fn read(text: &'a str) -> Self {
        Self(text.lines().filter(|line| !line.starts_with('#')).filter_map(Sample::read).collect())
    }

    fn of<'b>(&'b self, name: &'b str) -> impl Iterator<Item = &'b Sample<'a>> {
        self.0.iter().filter(move |sample| sample.name == name)
    }

    fn release(&self) -> String {
        let version = self.of("inzage_build_info").find_map(|sample| sample.labels.get("version"));
        version.map(|version| format!(", release {version}")).unwrap_or_default()
    }

    /// One line for each endpoint of each HIS.
    fn his(&self, text: &mut String) {
        for breaker in self.of("inzage_his_breaker") {
            let of = |name: &'static str| self.of(name).filter(|sample| sample.is_of(breaker, &["his", "endpoint"]));
            let state = match breaker.value {
                0.0 => "asked",
                1.0 => "tried again",
                _ => "LEFT ALONE",
            };
            let under_way: f64 = of("inzage_his_in_flight").map(|sample| sample.value).sum();
            let all: f64 = of("inzage_his_requests_total").map(|sample| sample.value).sum();
            let well = of("inzage_his_requests_total").filter(|sample| sample.labels.get("end") == Some(&"answered"));
            let well: f64 = well.map(|sample| sample.value).sum();
            let name = format!("{}/{}", breaker.label("his"), breaker.label("endpoint"));
            let _ = writeln!(text, "{name:<14} {state}, {under_way} under way, {well} of {all} answered");
        }
    }

    fn answers(&self, text: &mut String) {
        let mut classes: BTreeMap<(&str, char), f64> = BTreeMap::new();
        for sample in self.of("inzage_answers_total") {
            let class = sample.label("status").chars().next().unwrap_or('?');
            *classes.entry((sample.label("route"), class)).or_default() += sample.value;
        }
        for ((route, class), count) in classes {
            let _ = writeln!(text, "{route:<14} {count} answers of {class}xx");
        }
    }
}

impl<'a> Sample<'a> {
    /// A line of the text format; without exemplar. A label of ours holds no quote and no comma.
    fn read(line: &'a str) -> Option<Self> {
        let line = line.split(" # ").next()?;
        let (named, value) = line.rsplit_once(' ')?;
        let (name, labels) =
            named.split_once('{').map_or((named, ""), |(name, rest)| (name, rest.trim_end_matches('}')));
        let labels = labels.split(',').filter_map(|label| label.split_once('='));
        let labels = labels.map(|(key, value)| (key, value.trim_matches('"'))).collect();
        Some(Self { name, labels, value: value.parse().ok()? })
    }

    fn label(&self, key: &str) -> &'a str {
        self.labels.get(key).copied().unwrap_or("?")
    }

    fn is_of(&self, other: &Self, keys: &[&str]) -> bool {
        keys.iter().all(|key| self.labels.get(key) == other.labels.get(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: &str = r#"# TYPE inzage_build info
inzage_build_info{version="0.1.0"} 1
inzage_his_breaker{his="his-a",endpoint="fhir"} 2
inzage_his_in_flight{his="his-a",endpoint="fhir"} 3
inzage_his_requests_total{his="his-a",endpoint="fhir",end="answered"} 40
inzage_his_requests_total{his="his-a",endpoint="fhir",end="timed_out"} 2
inzage_his_requests_total{his="his-b",endpoint="fhir",end="answered"} 7
inzage_answers_total{face="back",route="fhir",status="200"} 40
inzage_answers_total{face="back",route="fhir",status="206"} 1
inzage_step_duration_seconds_bucket{le="0.5",step="his"} 3 # {trace_id="0af7651916cd43dd8448eb211c80319c"} 0.4
# EOF
"#;

    #[test]
    fn a_person_reads_what_is_wrong() {
        let report = serde_json::json!({
            "ready": false, "state": "serving", "audit": "no room", "audit_disk": "less than 64 MiB left",
            "audit_disk_free_bytes": 5_242_880, "lists": "ok", "list_ages_seconds": {"zal": 5},
            "certificates": "ok", "certificate_days_left": {"back": 80}, "peer_certificate_days_left": {"his-a/fhir": 9},
            "alarms": [{"alarm": "list_late", "detail": "the zal\u{1b}[31m"}],
        });
        assert_eq!(
            told(&report, METRICS),
            "NOT READY, serving, release 0.1.0\n\n\
             audit          no room\n\
             audit_disk     less than 64 MiB left, 5 MiB free\n\
             lists          ok, zal 5 s old\n\
             certificates   ok, back 80 days; of others, his-a/fhir 9 days\n\
             his-a/fhir     LEFT ALONE, 3 under way, 40 of 42 answered\n\
             fhir           41 answers of 2xx\n\n\
             alarms\n  list_late: the zal[31m\n"
        );
    }

    #[test]
    fn an_exemplar_is_not_the_value() {
        let figures = Figures::read(METRICS);
        let bucket = figures.of("inzage_step_duration_seconds_bucket").next().unwrap();
        assert_eq!((bucket.value, bucket.label("step")), (3.0, "his"));
    }
}
