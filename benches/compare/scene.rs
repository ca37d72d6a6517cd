//! The scene: a list of 20,000 providers, the emulated HIS, the peers, and the gateway as `inzage serve` with a complete
//! configuration.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use inzage::clock::{Clock as _, SharedClock, SystemClock};
use inzage::lists::{ListKind, ProviderEntry, Reading, Zal, write_zal};
use inzage::sandbox::client::{Endpoints, new_id};
use inzage::sandbox::person::{Choices, End, Person};
use inzage::sandbox::ports::Base;
use inzage::sandbox::world::{Wish, World};
use tokio::runtime::Runtime;

use crate::bodies;
use crate::cpu;
use crate::figures::now;
use crate::peers::{self, Place};
use crate::similar;
use crate::subject::{Load, Stub, Subject, free_port, own_path};

/// Providers on the ZAL.
pub(crate) const PROVIDERS: usize = 20_000;
/// What those that are not of the sandbox offer: the GP record and documents.
const OFFERED: [&str; 2] = ["49", "51"];
/// How long the gateway may take to be ready: it fetches and reads the lists first.
const READY: Duration = Duration::from_secs(20);
/// Host and files of the HIS that is asked.
pub(crate) const HIS_HOST: &str = "his-a.localhost";
const HIS_FILE: &str = "his-a";
/// The gateway in full, among the subjects.
const GATEWAY: &str = "inzage";
/// The name of the gateway, and of its peers.
const HOST: &str = "inzage.localhost";
/// From the ports of the gateway to those of a second one.
const OFFSET: u16 = 4;
/// Tokens in use at a time.
pub(crate) const TOKENS: usize = 64;
/// The file in which the ZAL is given to some steps.
pub(crate) const ZAL: &str = "zal.xml";
/// For how long tokens are used; they live for 900 s.
const LIFETIME: Duration = Duration::from_secs(480);

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
    subjects: Vec<Subject>,
    pub(crate) stub: Stub,
    pub(crate) patient: String,
    pub(crate) world: World,
    runtime: Runtime,
    offered: HashMap<String, Endpoints>,
    tokens: HashMap<&'static str, Tokens>,
    pub(crate) folder: Scratch,
}

/// Tokens for one subject, and when they were asked for.
struct Tokens {
    texts: Vec<String>,
    since: Instant,
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
            // A layout in which the ports beside those of the gateway are free for a second one.
            base: Base::Search,
            with_gateway: false,
            settings: "\n[edge]\nmax_connections = 20000\nidle_timeout_seconds = 3600\n".to_owned(),
        };
        let world = runtime.block_on(World::start(&wish, Arc::clone(&clock))).unwrap();
        world.publisher.publish(lists(&world, providers, 1));
        let stub = Stub::start(&dir, HIS_FILE, HIS_HOST);
        adjust(&dir.join("gateway.toml"), &world, stub.port);
        for name in ["back", "node"] {
            let read = |kind: &str| fs::read_to_string(dir.join(format!("{name}.{kind}"))).unwrap();
            fs::write(dir.join(format!("{name}-with-key.pem")), read("pem") + &read("key")).unwrap();
        }
        let subjects = vec![start_gateway(&dir, &world), start_nginx(&dir, stub.port), start_haproxy(&dir, stub.port)];
        let pgo = world.client("pgo", &clock).unwrap();
        let offered = runtime.block_on(pgo.offered(world.practices[0].provider.as_str())).unwrap();
        let (load, patient, tokens) = (Load::start(), bodies::person().id, HashMap::new());
        Self { load, subjects, stub, patient, world, runtime, offered, tokens, folder }
    }

    pub(crate) fn subject(&self, name: &str) -> &Subject {
        self.subjects.iter().find(|subject| subject.name == name).unwrap()
    }

    pub(crate) fn subject_mut(&mut self, name: &str) -> &mut Subject {
        self.subjects.iter_mut().find(|subject| subject.name == name).unwrap()
    }

    /// Ends a subject and starts it again.
    pub(crate) fn restart(&mut self, name: &str) {
        self.subject_mut(name).restart();
        wait_ready(&self.world.layout.ops_url());
    }

    /// Ends a subject.
    pub(crate) fn stop(&mut self, name: &str) {
        self.subjects.retain(|subject| subject.name != name);
        self.tokens.remove(name);
    }

    /// Starts the gateway in a step, see [`crate::node`].
    pub(crate) fn start_step(&mut self, name: &'static str) {
        let whole = ["awaited", "unawaited"].contains(&name);
        if whole {
            self.hand_over_tokens(name);
        }
        let (dir, program) = (self.folder.path(), own_path());
        let configuration = dir.join("gateway.toml");
        let (program, configuration) = (program.to_str().unwrap(), configuration.to_str().unwrap());
        let public = self.world.layout.back_origin().rsplit(':').next().unwrap().parse::<u16>().unwrap();
        let subject = if whole {
            let arguments = ["node", name, configuration, &OFFSET.to_string()];
            Subject::start(name, program, &arguments, public + OFFSET, dir)
        } else {
            let port = free_port();
            let ports = [port, public, self.stub.port].map(|port| port.to_string());
            let arguments = ["forward", name, dir.to_str().unwrap(), HOST, HIS_HOST, &ports[0], &ports[1], &ports[2]];
            Subject::start(name, program, &arguments, port, dir)
        };
        // It printed them before it listened.
        let printed = fs::read_to_string(dir.join(format!("{name}.out"))).unwrap();
        let texts: Vec<String> = printed.lines().filter(|_| !whole).map(str::to_owned).collect();
        if !texts.is_empty() {
            self.tokens.insert(name, Tokens { texts, since: now() });
        }
        self.subjects.push(subject);
        if whole {
            let ops = self.world.layout.ops_url();
            let (host, port) = ops.rsplit_once(':').unwrap();
            wait_ready(&format!("{host}:{}", port.parse::<u16>().unwrap() + OFFSET));
        }
    }

    /// Starts the peer that does the most similar work.
    pub(crate) fn start_similar(&mut self, providers: usize) {
        let dir = self.folder.path();
        let port = free_port();
        let names = (0..providers).map(|number| format!("huisarts.nummer{number}"));
        let own = self.world.practices[0].provider.short().to_owned();
        let place = Place { folder: dir, port, his_port: self.stub.port, his_host: HIS_HOST };
        let text = similar::haproxy(&place, names.skip(1).chain([own]));
        let texts = similar::tokens(dir, TOKENS);
        let file = dir.join("haproxy-jwt.cfg");
        fs::write(&file, text).unwrap();
        let arguments = ["-f", file.to_str().unwrap(), "-db"];
        let subject = Subject::start("haproxy-jwt", "/usr/sbin/haproxy", &arguments, port, dir);
        self.subjects.push(subject);
        self.tokens.insert("haproxy-jwt", Tokens { texts, since: now() });
    }

    /// The tokens that a subject is asked with; those of the gateway for whoever looks at none.
    pub(crate) fn tokens(&mut self, name: &'static str) -> Vec<String> {
        if let Some(own) = self.tokens.get(name).filter(|_| name != GATEWAY) {
            return own.texts.clone();
        }
        if self.tokens.get(GATEWAY).is_none_or(|known| now() - known.since > LIFETIME) {
            let tokens = Tokens { texts: self.walk(), since: now() };
            self.tokens.insert(GATEWAY, tokens);
        }
        self.tokens[GATEWAY].texts.clone()
    }

    /// Access tokens of a person who says yes, each of a walk of its own.
    fn walk(&self) -> Vec<String> {
        let clock: SharedClock = Arc::new(SystemClock);
        let pgo = self.world.client("pgo", &clock).unwrap();
        let (bsn, provider) = (bodies::person().bsn, self.world.practices[0].provider.short().to_owned());
        let token = async || {
            let url = pgo.authorization_url(self.endpoints(), &provider, "s", &new_id());
            let end = Person::default().walk(&pgo, &url, Choices::willing(bsn.reveal())).await.unwrap();
            let End::Client(answer) = end else { panic!("the walk ended on a page: {end:?}") };
            pgo.exchange(self.endpoints(), &answer["code"], &new_id()).await.unwrap().access_token
        };
        self.runtime.block_on(async {
            let mut tokens = Vec::with_capacity(TOKENS);
            for _ in 0..TOKENS {
                tokens.push(token().await);
            }
            tokens
        })
    }

    /// Gives a second gateway, whose folder has this name at its end, the tokens of the first: a copy of its store, while it rests.
    fn hand_over_tokens(&mut self, name: &'static str) {
        let tokens = Tokens { texts: self.walk(), since: now() };
        self.tokens.insert(name, tokens);
        cpu::rest(self.subject(GATEWAY).pid());
        let (from, to) = (self.folder.path().join("gateway"), self.folder.path().join(format!("gateway-{name}")));
        fs::create_dir_all(&to).unwrap();
        for file in ["inzage.sqlite", "inzage.sqlite-wal"] {
            fs::copy(from.join(file), to.join(file)).unwrap();
        }
    }

    /// The ZAL, for the steps that read it from a file.
    pub(crate) fn write_zal(&self) {
        let lists = lists(&self.world, PROVIDERS, 1);
        let (_, text) = lists.iter().find(|(kind, _)| *kind == ListKind::Zal).unwrap();
        fs::write(self.folder.path().join(ZAL), text).unwrap();
    }

    /// Lists to publish one after the other.
    pub(crate) fn next_lists(&self, count: usize) -> Vec<Vec<(ListKind, String)>> {
        (0..count).map(|number| lists(&self.world, PROVIDERS, 1000 + number as u64)).collect()
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

/// The four lists, with a ZAL of this size in which the practices of the sandbox are the last.
fn lists(world: &World, providers: usize, sequence: u64) -> Vec<(ListKind, String)> {
    let mut lists = world.layout.lists(sequence, SystemClock.now());
    let (_, text) = lists.iter_mut().find(|(kind, _)| *kind == ListKind::Zal).unwrap();
    let zal = Zal::parse(text.as_bytes(), Reading { allow_ports: true, ..Reading::default() }).unwrap();
    let own = ProviderEntry::all(&zal);
    let mut like = own[0].clone();
    like.versions[0].services.retain(|service| OFFERED.contains(&service.id.as_str()));
    let other = |number: usize| ProviderEntry { name: format!("huisarts.nummer{number}@medmij"), ..like.clone() };
    let all: Vec<_> = (own.len()..providers).map(other).chain(own.iter().cloned()).collect();
    *text = write_zal(zal.header(), &all);
    lists
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
    let gateway = Subject::start(GATEWAY, env!("CARGO_BIN_EXE_inzage"), &arguments, port, dir);
    wait_ready(&world.layout.ops_url());
    gateway
}

fn wait_ready(ops: &str) {
    let (ops, end) = (ops.trim_start_matches("http://"), now() + READY);
    loop {
        let answer = ready(ops).unwrap_or_default();
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

fn start_nginx(dir: &Path, his_port: u16) -> Subject {
    let port = free_port();
    let file = dir.join("nginx.conf");
    fs::write(&file, peers::nginx(&Place { folder: dir, port, his_port, his_host: HIS_HOST })).unwrap();
    let arguments = ["-p", dir.to_str().unwrap(), "-c", file.to_str().unwrap()];
    Subject::start("nginx", "/usr/sbin/nginx", &arguments, port, dir)
}

fn start_haproxy(dir: &Path, his_port: u16) -> Subject {
    let port = free_port();
    let file = dir.join("haproxy.cfg");
    fs::write(&file, peers::haproxy(&Place { folder: dir, port, his_port, his_host: HIS_HOST })).unwrap();
    Subject::start("haproxy", "/usr/sbin/haproxy", &["-f", file.to_str().unwrap(), "-db"], port, dir)
}
