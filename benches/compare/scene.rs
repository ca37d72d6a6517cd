//! The scene: a list of 20,000 providers, the emulated HIS, the peers, and the gateway as `inzage serve` with a complete
//! configuration.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use inzage::clock::{Clock as _, SharedClock, SystemClock};
use inzage::lists::{ListKind, ProviderEntry, Reading, Zal, write_zal};
use inzage::sandbox::client::{Endpoints, PgoClient, new_id};
use inzage::sandbox::person::{Choices, End, Person};
use inzage::sandbox::ports::Base;
use inzage::sandbox::world::{Wish, World};
use tokio::runtime::Runtime;

use crate::bodies;
use crate::figures::now;
use crate::peers::{self, Place};
use crate::subject::{Load, Stub, Subject, free_port};

/// Providers on the ZAL.
pub(crate) const PROVIDERS: usize = 20_000;
/// What those that are not of the sandbox offer: the GP record and documents.
const OFFERED: [&str; 2] = ["49", "51"];
/// How long the gateway may take to be ready: it fetches and reads the lists first.
const READY: Duration = Duration::from_secs(20);
/// Host and files of the HIS that is asked.
const HIS_HOST: &str = "his-a.localhost";
const HIS_FILE: &str = "his-a";

/// A folder that is removed at the end.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("inzage-compare-{}", new_id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What still writes in it has been told to end.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Everything that runs. What stands first ends first.
pub(crate) struct Scene {
    pub(crate) load: Load,
    pub(crate) gateway: Subject,
    pub(crate) nginx: Subject,
    pub(crate) haproxy: Subject,
    _stub: Stub,
    pub(crate) patient: String,
    pub(crate) world: World,
    runtime: Runtime,
    pgo: PgoClient,
    offered: HashMap<String, Endpoints>,
    pub(crate) folder: Scratch,
}

impl Scene {
    /// Starts all of it.
    pub(crate) fn set(providers: usize) -> Self {
        let folder = Scratch::new();
        let dir = folder.path().to_owned();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let clock: SharedClock = Arc::new(SystemClock);
        let wish = Wish {
            dir: dir.clone(),
            his_data: None,
            base: Base::Any,
            with_gateway: false,
            settings: "\n[edge]\nmax_connections = 20000\nidle_timeout_seconds = 3600\n".to_owned(),
        };
        let world = runtime.block_on(World::start(&wish, Arc::clone(&clock))).unwrap();
        publish(&world, providers, 1);
        let stub = Stub::start(&dir, HIS_FILE, HIS_HOST);
        adjust(&dir.join("gateway.toml"), &world, stub.port);
        for name in ["back", "node"] {
            let read = |kind: &str| fs::read_to_string(dir.join(format!("{name}.{kind}"))).unwrap();
            fs::write(dir.join(format!("{name}-with-key.pem")), read("pem") + &read("key")).unwrap();
        }
        let (nginx, haproxy) = start_peers(&dir, stub.port);
        let gateway = start_gateway(&dir, &world);
        let pgo = world.client("pgo", &clock).unwrap();
        let provider = world.practices[0].provider.to_string();
        let offered = runtime.block_on(pgo.offered(&provider)).unwrap();
        let load = Load::start();
        let patient = bodies::person().id;
        Self { load, gateway, nginx, haproxy, _stub: stub, patient, world, runtime, pgo, offered, folder }
    }

    pub(crate) fn subject(&self, name: &str) -> &Subject {
        let all = [&self.gateway, &self.nginx, &self.haproxy];
        all.into_iter().find(|subject| subject.name == name).unwrap()
    }

    /// Ends a subject and starts it again.
    pub(crate) fn restart(&mut self, name: &str) {
        let all = [&mut self.gateway, &mut self.nginx, &mut self.haproxy];
        all.into_iter().find(|subject| subject.name == name).unwrap().restart();
        wait_ready(&self.world);
    }

    /// Access tokens of a person who says yes, each of a walk of its own.
    pub(crate) fn tokens(&self, count: usize) -> Vec<String> {
        let bsn = bodies::person().bsn;
        let provider = self.world.practices[0].provider.short().to_owned();
        let token = async || {
            let url = self.pgo.authorization_url(self.endpoints(), &provider, "s", &new_id());
            let end = Person::default().walk(&self.pgo, &url, Choices::willing(bsn.reveal())).await.unwrap();
            let End::Client(answer) = end else { panic!("the walk ended on a page: {end:?}") };
            self.pgo.exchange(self.endpoints(), &answer["code"], &new_id()).await.unwrap().access_token
        };
        self.runtime.block_on(async {
            let mut tokens = Vec::with_capacity(count);
            for _ in 0..count {
                tokens.push(token().await);
            }
            tokens
        })
    }

    /// Those of the GP record.
    fn endpoints(&self) -> &Endpoints {
        &self.offered["49"]
    }

    /// The path of a role's endpoint.
    pub(crate) fn base(&self, service: &str, role: &str) -> &str {
        let endpoint = &self.offered[service].resources[role];
        &endpoint[endpoint.find("/fhir/").unwrap()..]
    }

    /// Host and port by which all subjects are asked.
    pub(crate) fn authority(&self) -> String {
        self.world.layout.back_origin().trim_start_matches("https://").to_owned()
    }
}

/// Publishes a ZAL of this size, in which the practices of the sandbox are the last.
pub(crate) fn publish(world: &World, providers: usize, sequence: u64) {
    let clock = SystemClock;
    let mut lists = world.layout.lists(sequence, clock.now());
    let (_, text) = lists.iter_mut().find(|(kind, _)| *kind == ListKind::Zal).unwrap();
    let zal = Zal::parse(text.as_bytes(), Reading { allow_ports: true, ..Reading::default() }).unwrap();
    let own = ProviderEntry::all(&zal);
    let mut like = own[0].clone();
    like.versions[0].services.retain(|service| OFFERED.contains(&service.id.as_str()));
    let other = |number: usize| ProviderEntry { name: format!("huisarts.nummer{number}@medmij"), ..like.clone() };
    let all: Vec<_> = (own.len()..providers).map(other).chain(own.iter().cloned()).collect();
    *text = write_zal(zal.header(), &all);
    world.publisher.publish(lists);
}

/// The configuration of the sandbox, but for a HIS that is the stub, as many requests at once there as the peers may have, and
/// the intervals that deploy/inzage.example.toml gives in place of the hurried ones of a sandbox.
fn adjust(path: &Path, world: &World, his_port: u16) {
    let text = fs::read_to_string(path).unwrap();
    let emulated = world.layout.his_base(0);
    assert!(emulated.contains(HIS_HOST), "{emulated}");
    let text = text
        .replace(&emulated, &format!("https://{HIS_HOST}:{his_port}/fhir"))
        .replace("dialect = \"fhir\"\n", "dialect = \"fhir\"\nmax_in_flight = 512\n")
        .replace("every_ms = 100\n", "every_ms = 5000\n")
        .replace("every_seconds = 1\n", "every_seconds = 60\n");
    fs::write(path, text).unwrap();
}

fn start_gateway(dir: &Path, world: &World) -> Subject {
    let authority = world.layout.back_origin();
    let port = authority.rsplit(':').next().unwrap().parse().unwrap();
    let configuration = dir.join("gateway.toml");
    let arguments = ["serve", "--config", configuration.to_str().unwrap()];
    let gateway = Subject::start("inzage", env!("CARGO_BIN_EXE_inzage"), &arguments, port, dir);
    wait_ready(world);
    gateway
}

fn wait_ready(world: &World) {
    let (ops, end) = (world.layout.ops_url(), now() + READY);
    loop {
        let answer = ready(ops.trim_start_matches("http://")).unwrap_or_default();
        if answer.starts_with("HTTP/1.1 200") {
            return;
        }
        assert!(now() < end, "the gateway is not ready: {answer}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What the gateway says of its readiness.
fn ready(ops: &str) -> io::Result<String> {
    let (mut tcp, mut answer) = (TcpStream::connect(ops)?, String::new());
    write!(tcp, "GET /readyz HTTP/1.1\r\nHost: {ops}\r\nConnection: close\r\n\r\n")?;
    tcp.read_to_string(&mut answer)?;
    Ok(answer)
}

fn start_peers(dir: &Path, his_port: u16) -> (Subject, Subject) {
    let place = |port| Place { folder: dir, port, his_port, his_host: HIS_HOST };
    let file = |name: &str| dir.join(name).to_string_lossy().into_owned();
    let port = free_port();
    fs::write(file("nginx.conf"), peers::nginx(&place(port))).unwrap();
    let nginx = Subject::start("nginx", "/usr/sbin/nginx", &["-p", &file(""), "-c", &file("nginx.conf")], port, dir);
    let port = free_port();
    fs::write(file("haproxy.cfg"), peers::haproxy(&place(port))).unwrap();
    let haproxy = Subject::start("haproxy", "/usr/sbin/haproxy", &["-f", &file("haproxy.cfg"), "-db"], port, dir);
    (nginx, haproxy)
}
