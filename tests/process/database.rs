//! What is promised about the database server, against a server that is stopped, killed, frozen and locked: no token that is
//! not kept, no second token of a code, a refusal soon, and service again within 5 s after the server is back.

use std::time::Duration;

use inzage::sandbox::client::{PgoClient, Reply, TokenAnswer};
use inzage::sandbox::world::World;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::harness::{Home, Process, clock, get, text};
use crate::person::{Consented, Session, code, consent};
use crate::server::Server;

/// How long a refusal may take.
const SOON: Duration = Duration::from_secs(5);
/// How long it may take to serve again.
const BACK: Duration = Duration::from_secs(5);

/// A gateway whose store is a server of the test's own.
struct Scene {
    world: World,
    server: Server,
    gateway: Process,
    client: PgoClient,
}

/// What a code brought.
struct Outcome {
    consented: Consented,
    token: Option<TokenAnswer>,
    took: Duration,
}

impl Scene {
    async fn open(home: &Home) -> Option<Self> {
        let server = Server::start(home).await?;
        let world = home.world().await;
        let config = home.path("gateway.toml");
        let gateway = Process::start(home, &["serve", "--config", text(&config), "--store", &server.url()]);
        let gateway = gateway.ready(&world.layout.ops_url()).await;
        let client = world.client("pgo", &clock()).unwrap();
        Some(Self { world, server, gateway, client })
    }

    async fn codes(&self, count: usize) -> Vec<Consented> {
        let mut codes = Vec::new();
        for _ in 0..count {
            codes.push(code(&self.world).await);
        }
        codes
    }

    /// Whether a token is good for data.
    async fn serves(&self, outcome: &Outcome, token: &TokenAnswer) -> bool {
        let (endpoints, correlation_id) = (outcome.consented.endpoints.clone(), String::new());
        let session = Session { endpoints, token: token.clone(), correlation_id };
        session.ask(&self.client).await.1.status == 200
    }

    /// Waits until it serves again, within the promised time.
    async fn comes_back(&mut self) {
        let returned = clock().monotonic();
        self.gateway.becomes_ready(&self.world.layout.ops_url()).await;
        let took = clock().monotonic() - returned;
        assert!(took < BACK, "{took:?}");
    }

    async fn assert_not_ready(&mut self) {
        let ops = self.world.layout.ops_url();
        let refusal = async || get(&ops, "/readyz").await.filter(|answer| answer.starts_with("HTTP/1.1 503"));
        let answer = self.gateway.until("refusal", refusal).await;
        assert!(answer.contains("\"store\":\"the store"), "{answer}");
    }

    async fn close(self) {
        self.gateway.signal("TERM");
        let ended = self.gateway.ended().await;
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        self.world.stop().await.unwrap();
    }
}

async fn exchange(consented: Consented) -> Outcome {
    let started = clock().monotonic();
    let token = consented.exchange().await.ok();
    Outcome { consented, token, took: clock().monotonic() - started }
}

/// Presents a code and expects to be told to come back.
async fn refused(scene: &Scene, consented: &Consented) -> Reply {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let form = [
        pair("grant_type", "authorization_code"),
        pair("code", &consented.code),
        pair("client_id", &scene.client.client_id),
        pair("redirect_uri", &scene.client.redirect_uri),
    ];
    let started = clock().monotonic();
    let request = scene.client.token_request(&consented.endpoints.token, &form, &consented.correlation_id);
    let reply = request.await.unwrap();
    let took = clock().monotonic() - started;
    assert_eq!(reply.status, 503, "{:?}", reply.body);
    assert!(reply.headers.contains_key("retry-after"), "{:?}", reply.headers);
    let body: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(body["error"], "temporarily_unavailable");
    assert!(took < SOON, "{took:?}");
    reply
}

/// The server goes while codes are being presented.
async fn goes_under_load(end: impl AsyncFn(&mut Server)) {
    let home = Home::new();
    let Some(mut scene) = Scene::open(&home).await else { return };
    let mut codes = scene.codes(16).await;
    // Those that come late find it gone.
    let late = codes.split_off(8);
    let mut running: JoinSet<Outcome> = codes.into_iter().map(exchange).collect();
    let mut outcomes = vec![running.join_next().await.unwrap().unwrap()];
    end(&mut scene.server).await;
    late.into_iter().map(exchange).for_each(|late| drop(running.spawn(late)));
    outcomes.extend(running.join_all().await);
    assert!(outcomes.iter().all(|outcome| outcome.took < SOON));
    assert!(outcomes.iter().any(|outcome| outcome.token.is_none()), "some found the server gone");
    scene.assert_not_ready().await;
    scene.server.restart().await;
    scene.comes_back().await;
    for outcome in &outcomes {
        if let Some(token) = &outcome.token {
            assert!(scene.serves(outcome, token).await, "what was handed out was kept");
        }
        let second = outcome.consented.exchange().await.ok();
        assert!(outcome.token.is_none() || second.is_none(), "two tokens of one code");
    }
    let session = consent(&scene.world).await;
    assert_eq!(session.ask(&scene.client).await.1.status, 200);
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_under_load_costs_no_token_and_gives_none_twice() {
    goes_under_load(Server::kill).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_restarted_under_load_costs_no_token_and_gives_none_twice() {
    goes_under_load(Server::stop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stands_still_is_refused_soon_and_serves_again() {
    let home = Home::new();
    let Some(mut scene) = Scene::open(&home).await else { return };
    let waiting = code(&scene.world).await;
    let frozen = scene.server.freeze().await;
    refused(&scene, &waiting).await;
    scene.assert_not_ready().await;
    drop(frozen);
    scene.comes_back().await;
    // What became of the first presentation is not known, so one more gives at most one token.
    let answers = [waiting.exchange().await.is_ok(), waiting.exchange().await.is_ok()];
    assert_ne!(answers, [true, true]);
    let session = consent(&scene.world).await;
    assert_eq!(session.ask(&scene.client).await.1.status, 200);
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_locked_is_refused_soon_and_holds_up_nothing_else() {
    let home = Home::new();
    let Some(mut scene) = Scene::open(&home).await else { return };
    let (waiting, session) = (code(&scene.world).await, consent(&scene.world).await);
    let mut beside = scene.server.connect().await;
    let lock = beside.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE codes IN ACCESS EXCLUSIVE MODE").await.unwrap();
    refused(&scene, &waiting).await;
    assert_eq!(session.ask(&scene.client).await.1.status, 200, "tokens are in another table");
    lock.rollback().await.unwrap();
    scene.comes_back().await;
    assert!(waiting.exchange().await.is_ok(), "the server gave up, so the code was not spent");
    assert!(waiting.exchange().await.is_err());
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_known_by_its_certificate() {
    let home = Home::new();
    let Some(mut server) = Server::start(&home).await else { return };
    let world = home.world().await;
    // The certificate of inzage.localhost.
    server.restart_encrypted(&home.path("back.pem"), &home.path("back.key")).await;
    let config = home.path("gateway.toml");
    let url = |host: &str, more: &str| {
        format!("postgres://inzage@{host}:{}/postgres?hostaddr=127.0.0.1{more}", server.port())
    };
    let table =
        |roots: &str| format!("\n[store.postgres]\nurl = \"{}\"\nroots = \"{roots}\"\n", url("inzage.localhost", ""));
    let plain = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, plain.clone() + &table("ca.pem")).unwrap();
    let migrate = ["migrate", "--config", text(&config)];
    let ended = home.run(&migrate).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.out.contains("applied V1__codes_grants_visits"), "{}", ended.out);
    let ops = world.layout.ops_url();
    let node = home.serve().ready(&ops).await;
    let report = get(&ops, "/readyz").await.unwrap();
    assert!(report.contains("\"store.postgres\":"), "its end is watched: {report}");
    node.signal("TERM");
    assert_eq!(node.ended().await.code, Some(0));
    let in_clear = url("localhost", "&sslmode=disable");
    let elsewhere = url("elsewhere.localhost", "&sslmode=verify-full");
    for store in [&in_clear, &elsewhere] {
        let ended = home.run(&[&migrate[..], &["--store", store]].concat()).await;
        assert_eq!(ended.code, Some(69), "{store}: {}{}", ended.out, ended.err);
        let told = ["SQLSTATE 28000", "certificate not valid for name \"elsewhere.localhost\""];
        assert!(told.iter().any(|cause| ended.err.contains(cause)), "{}", ended.err);
    }
    // A root that did not sign it: a certificate of the sandbox that is no authority of its server.
    std::fs::write(&config, plain + &table("pgo.pem")).unwrap();
    let ended = home.run(&migrate).await;
    assert_eq!(ended.code, Some(69), "{}{}", ended.out, ended.err);
    assert!(ended.err.contains("invalid peer certificate: UnknownIssuer"), "{}", ended.err);
    world.stop().await.unwrap();
}
