//! The gateway in steps, each a process of its own like all subjects: `forward` is the way of the bytes alone, through our edge
//! and our pool to the HIS; `decided` has the token and the decision, too, and `shaped` the shaping; `unawaited` is the whole gateway, but no answer waits until its record is durable; `awaited` is the
//! whole gateway again, which fetches its lists whenever a line comes on standard input.

use std::io::BufRead as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, Uri, header};
use hyper::body::Incoming;
use inzage::app::App;
use inzage::bounds::Memory;
use inzage::clock::{SharedClock, SystemClock};
use inzage::config::{Config, Instead};
use inzage::edge::{Authority, Body, Connection, Counters, Edge, EdgeConfig, Listener, Serve, serve};
use inzage::his::AnswerBody;
use inzage::his::pool::{BreakerRules, Pool, PoolConfig, Wanted};
use inzage::medmij::Hostname;
use inzage::outgoing::Outgoing;
use inzage::tls::client::client_config;
use inzage::tls::identity::{Identity, Roots};
use inzage::tls::revocation::Revocations;
use inzage::tls::server::back_channel;
use tokio_util::sync::CancellationToken;

use crate::judge::Judge;
use crate::scene::{TOKENS, ZAL};
use crate::subject::address;

const DEADLINE: Duration = Duration::from_secs(20);

/// A whole gateway of this configuration, under a name of its own, so with folders of its own.
pub(crate) fn whole(configuration: &Path, name: &str, listen_offset: u16, awaited: bool) {
    let instead = Instead { node: Some(name.to_owned()), listen_offset, store: None };
    let config = Config::load(configuration).unwrap().instead(&instead).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let clock: SharedClock = Arc::new(SystemClock);
    let building = move || {
        let app = if awaited { App::build(&config, clock) } else { App::build_unawaited(&config, clock) };
        app.and_then(|app| Ok((app, App::bind(&config)?)))
    };
    runtime.block_on(async {
        let (app, listeners) = tokio::task::spawn_blocking(building).await.unwrap().unwrap();
        let controls = app.controls();
        let refresh = Arc::clone(&controls.refresh_lists);
        std::thread::spawn(move || std::io::stdin().lock().lines().for_each(|_| refresh.notify_one()));
        app.run(listeners, controls).await.unwrap();
    });
}

/// The ports of the bare way, and under which one it is known.
#[derive(Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) own: u16,
    pub(crate) public: u16,
    pub(crate) his: u16,
}

struct Forward {
    judge: Option<Judge>,
    shapes: bool,
    pool: Pool,
    his: HeaderValue,
    clock: SharedClock,
}

/// The bare way, with the certificates of the gateway; and what the step adds to it. A step with tokens prints them, one a line.
pub(crate) fn forward(step: &str, folder: &Path, host: &str, his_host: &str, ports: Ports) {
    let judge = (step != "forward").then(|| {
        let zal = std::fs::read(folder.join(ZAL)).unwrap();
        let (his, ours) =
            (format!("https://{his_host}:{}/fhir", ports.his), format!("https://{host}:{}", ports.public));
        let (judge, tokens) = Judge::new(zal, TOKENS, his, format!("{ours}/fhir/huisarts.delinde/49/stu3"));
        tokens.iter().for_each(|token| println!("{token}"));
        judge
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let clock: SharedClock = Arc::new(SystemClock);
    let identity = |name: &str| {
        let file = |kind: &str| folder.join(format!("{name}.{kind}"));
        Identity::load(&file("pem"), &file("key"), clock.now()).unwrap()
    };
    let roots = Roots::load(&folder.join("ca.pem")).unwrap();
    let tls = client_config(&roots, Some(&identity("node")), &[], &clock).unwrap();
    let service = Forward {
        judge,
        shapes: step == "shaped",
        pool: Pool::new(pool(his_host, ports.his), Arc::new(tls), Arc::clone(&clock)),
        his: HeaderValue::from_str(&format!("{his_host}:{}", ports.his)).unwrap(),
        clock: Arc::clone(&clock),
    };
    let authority = Authority::new(Hostname::parse(host).unwrap(), ports.public);
    let hour = Duration::from_secs(3600);
    let config = EdgeConfig { connections_max: 20_000, idle_timeout: hour, ..EdgeConfig::new(vec![authority]) };
    let tls = Arc::new(ArcSwap::from_pointee(
        back_channel(&identity("back"), &roots, &Revocations::default(), &clock).unwrap(),
    ));
    let edge = Edge { config, tls, service, clock, counters: Arc::new(Counters::default()) };
    runtime.block_on(async {
        let listener = Listener::from_std(std::net::TcpListener::bind(address(ports.own)).unwrap()).unwrap();
        serve(listener, edge, CancellationToken::new()).await;
    });
}

/// As the gateway has them, with as many requests at once as nginx may have.
fn pool(host: &str, port: u16) -> PoolConfig {
    let seconds = Duration::from_secs;
    PoolConfig {
        name: "forward".to_owned(),
        host: Hostname::parse(host).unwrap(),
        port,
        outgoing: Outgoing::new([(Hostname::parse(host).unwrap(), address(port).ip())], &[]),
        max_in_flight: 512,
        max_wait: seconds(1),
        connect_timeout: seconds(2),
        idle_timeout: seconds(4),
        whole_limit: 8 << 20,
        memory: Arc::new(Memory::new(128 << 20)),
        stream_limit: 512 << 20,
        stream_timeout: seconds(120),
        stall_timeout: seconds(10),
        breaker: BreakerRules { failures: 5, pause: seconds(5), longest_pause: seconds(60) },
    }
}

impl Serve for Forward {
    async fn serve(&self, request: Request<Incoming>, connection: &Arc<Connection>) -> Response<Body> {
        let mut asked = Request::new(Bytes::new());
        let Some(uri) = self.upstream(&request, connection).await else { return refused() };
        *asked.uri_mut() = uri;
        asked.headers_mut().insert(header::HOST, self.his.clone());
        for name in [header::ACCEPT, header::AUTHORIZATION] {
            if let Some(value) = request.headers().get(&name) {
                asked.headers_mut().insert(name, value.clone());
            }
        }
        let received = self.pool.exchange(&asked, Wanted::Judged, self.clock.monotonic() + DEADLINE).await;
        let Ok(received) = received else { return refused() };
        let AnswerBody::Whole(body) = received.body else { return refused() };
        let shaped = self.judge.as_ref().filter(|_| self.shapes).map(|judge| judge.shaped(request.uri(), &body));
        let Some(body) = shaped.unwrap_or(Some(body)) else { return refused() };
        let mut response = Response::new(Body::full(body));
        *response.status_mut() = received.head.status;
        for name in [header::CONTENT_TYPE, header::ETAG] {
            if let Some(value) = received.head.headers.get(&name) {
                response.headers_mut().insert(name, value.clone());
            }
        }
        response
    }
}

impl Forward {
    /// What to ask the HIS: the same, or what the decision allows.
    async fn upstream(&self, request: &Request<Incoming>, connection: &Connection) -> Option<Uri> {
        let Some(judge) = &self.judge else { return request.uri().path_and_query().cloned().map(Uri::from) };
        let presented = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
        judge.decided(request.uri(), presented.strip_prefix("Bearer ")?, connection).await
    }
}

fn refused() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}
