//! What a large answer costs the gateway in memory: a searchset of 100 MB and a document of 50 MB, each read once through
//! `inzage serve` as a process of its own, over real TLS. Printed for each: bytes, time, and how far the resident memory of the
//! process grew over what it was before, at its highest (`VmHWM` after its reset, see proc(5)). Ends with exit code 1 when
//! it grew by more than 16 MiB.

#![expect(clippy::print_stdout, reason = "the figures go to standard output")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a bench that cannot run must say so")]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use inzage::clock::{SharedClock, SystemClock};
use inzage::sandbox::client::{Endpoints, PgoClient, TokenAnswer, new_id};
use inzage::sandbox::his::faults::Faults;
use inzage::sandbox::person::{Choices, End, Person};
use inzage::sandbox::ports::Base;
use inzage::sandbox::world::{Wish, World};
use serde_json::json;

/// The most that may be added to the resident memory, in KiB.
const GROWTH_MAX_KIB: u64 = 16 * 1024;
const BSN: &str = "999910796";
const PROVIDER: &str = "huisarts.delinde@medmij";

/// The gateway; killed when this is dropped.
struct Gateway {
    child: Child,
}

impl Gateway {
    /// Starts it on the configuration of the world, and waits until it is ready.
    async fn start(dir: &Path, ops: &str) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_inzage"))
            .args(["serve", "--config", dir.join("gateway.toml").to_str().unwrap()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let gateway = Self { child };
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        for _ in 0..600 {
            let ready = http.get(format!("{ops}/readyz")).send().await;
            if ready.is_ok_and(|answer| answer.status() == 200) {
                return gateway;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the gateway was not ready within a minute")
    }

    /// A figure of its memory, in KiB.
    fn memory(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Forgets how much it ever had.
    fn reset_peak(&self) {
        fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5").unwrap();
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A token of a willing person.
async fn token(client: &PgoClient, service: &str) -> (Endpoints, TokenAnswer) {
    let endpoints = client.endpoints(PROVIDER, service).await.unwrap();
    let scope = PROVIDER.strip_suffix("@medmij").unwrap();
    let url = client.authorization_url(&endpoints, scope, "s", &new_id());
    let end = Person::default().walk(client, &url, Choices::willing(BSN)).await.unwrap();
    let End::Client(answer) = end else { panic!("the walk ended on a page: {end:?}") };
    let token = client.exchange(&endpoints, &answer["code"], &new_id()).await.unwrap();
    (endpoints, token)
}

#[expect(clippy::disallowed_methods, reason = "a bench looks at the clock on the wall of the machine")]
fn now() -> Instant {
    Instant::now()
}

/// Reads all of an answer and keeps none of it; how many bytes it had, and its last ones.
async fn read(client: &PgoClient, url: &str, token: &str, accept: &str) -> (u64, Vec<u8>) {
    let request = client.http().get(url).bearer_auth(token).header("accept", accept).timeout(Duration::from_secs(110));
    let mut answer = request.header("MedMij-Request-ID", new_id()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let (mut bytes, mut last) = (0, Vec::new());
    while let Some(chunk) = answer.chunk().await.unwrap() {
        bytes += chunk.len() as u64;
        last = chunk.last_chunk::<8>().map_or_else(|| chunk.to_vec(), |last| last.to_vec());
    }
    (bytes, last)
}

/// Reads an answer and prints what it took; whether it stayed under the limit.
async fn measure(gateway: &Gateway, what: &str, least: u64, reading: impl Future<Output = (u64, Vec<u8>)>) -> bool {
    gateway.reset_peak();
    let before = gateway.memory("VmRSS");
    let started = now();
    let (bytes, _) = reading.await;
    let took = now().duration_since(started);
    let growth = gateway.memory("VmHWM").saturating_sub(before);
    assert!(bytes >= least, "{what}: {bytes} bytes");
    println!(
        "{what:<34} {bytes:>11} bytes in {:>6.2} s   resident {before} KiB before, {growth} KiB more at its highest",
        took.as_secs_f64()
    );
    growth <= GROWTH_MAX_KIB
}

/// The record of one person, with a document of 50 MB.
fn letter(folder: &Path) {
    let line = b"% and more of it, and so on, line by line\n";
    let document = [b"%PDF-1.7\n".as_slice(), &line.repeat(50_000_000 / line.len() + 1)].concat();
    let binary = |id: &str, content: &[u8]| {
        let content = STANDARD.encode(content);
        json!({"resourceType": "Binary", "id": id, "contentType": "application/pdf", "content": content})
    };
    let attached = |id: &str| json!({"attachment": {"contentType": "application/pdf", "url": format!("Binary/{id}")}});
    let resources = [
        json!({
            "resourceType": "Patient", "id": "letter-patient", "birthDate": "1970-01-01", "active": true,
            "identifier": [{"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": BSN}],
        }),
        json!({
            "resourceType": "DocumentReference", "id": "letter", "status": "current", "indexed": "2026-03-02T09:00:00+01:00",
            "subject": {"reference": "Patient/letter-patient"},
            "content": [attached("letter"), attached("short")],
        }),
        json!({"resourceType": "Encounter", "id": "contact", "status": "finished",
            "subject": {"reference": "Patient/letter-patient"}, "period": {"start": "2026-03-02T09:00:00+01:00"},
            "reason": [{"text": "a question, asked and answered, of about the usual length of a thousand bytes".repeat(12)}],
        }),
        binary("letter", &document),
        binary("short", b"%PDF-1.7\n"),
    ];
    fs::create_dir_all(folder).unwrap();
    for (index, resource) in resources.iter().enumerate() {
        fs::write(folder.join(format!("{index}.json")), resource.to_string()).unwrap();
    }
}

async fn run(dir: &Path) -> bool {
    let clock: SharedClock = Arc::new(SystemClock);
    let records = dir.join("records");
    letter(&records);
    let (base, his_data) = (Base::Search, Some(records));
    let wish = Wish { dir: dir.to_owned(), his_data, base, with_gateway: false, settings: String::new() };
    let world = World::start(&wish, Arc::clone(&clock)).await.unwrap();
    let gateway = Gateway::start(dir, &world.layout.ops_url()).await;
    let client = world.client("pgo", &clock).unwrap();
    let (endpoints, record) = token(&client, "49").await;
    let encounters = format!("{}/Encounter", endpoints.resources.values().next().unwrap());
    let (endpoints, documents) = token(&client, "51").await;
    let document = format!("{}/Binary/letter", endpoints.resources.values().next().unwrap());
    let json = "application/fhir+json";
    // What the first request of each kind needs once is not growth by size.
    read(&client, &encounters, &record.access_token, json).await;
    let short = document.replace("/letter", "/short");
    for accept in ["*/*", json] {
        read(&client, &short, &documents.access_token, accept).await;
    }
    let mut fits = true;
    for _ in 0..2 {
        world.his[0].set_faults(Faults { huge_mb: 100, ..Faults::default() });
        let bundle = read(&client, &encounters, &record.access_token, json);
        fits &= measure(&gateway, "searchset of 100 MB", 95_000_000, bundle).await;
        world.his[0].set_faults(Faults::default());
        let raw = read(&client, &document, &documents.access_token, "*/*");
        fits &= measure(&gateway, "document of 50 MB", 50_000_000, raw).await;
        let resource = read(&client, &document, &documents.access_token, json);
        fits &= measure(&gateway, "the same as a resource", 66_000_000, resource).await;
    }
    fits
}

fn main() -> ExitCode {
    inzage::tls::install();
    let dir = std::env::temp_dir().join(format!("inzage-large-{}", new_id()));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let fits = runtime.block_on(run(&dir));
    fs::remove_dir_all(&dir).unwrap();
    if fits {
        ExitCode::SUCCESS
    } else {
        println!("more than {GROWTH_MAX_KIB} KiB");
        ExitCode::FAILURE
    }
}
