//! What two nodes promise about the database server that they share while it is restarted, killed, locked, full, cut off or cut
//! in the middle of an answer (faults F15, F16 and F17): nothing is honoured twice, no answer is without its record, what cannot be
//! answered is refused soon, and they serve again within 5 s.

mod load;

use std::time::Duration;

use inzage::secret::hash_handle;

use self::load::Load;
use super::*;
use crate::faults::Device;
use crate::server::Server;

/// How long a refusal may take.
const SOON: Duration = Duration::from_secs(5);
/// How long it may take to serve again, once the server does.
const BACK: Duration = Duration::from_secs(5);
/// How long a node may believe what it last saw of a grant.
const STALE: Duration = Duration::from_secs(5);

/// Two nodes, and a server of the test's own, which each reaches by a line of its own.
struct Scene<'a> {
    home: &'a Home,
    server: Server,
    lines: [Relay; 2],
    nodes: Nodes,
}

impl<'a> Scene<'a> {
    async fn open(home: &'a Home) -> Option<Self> {
        Some(Self::on(home, Server::start(home).await?).await)
    }

    async fn on(home: &'a Home, server: Server) -> Self {
        let lines = [line(&server).await, line(&server).await];
        let stores = lines.each_ref().map(|line| format!("postgres://inzage@{}/postgres", line.address()));
        let nodes = Nodes::start(home, home.world().await, [&stores[0], &stores[1]]).await;
        Self { home, server, lines, nodes }
    }

    async fn is_not_ready(&mut self, node: usize) {
        let ops = self.nodes.ops[node].clone();
        let refusal = async || get(&ops, "/readyz").await.filter(|answer| answer.starts_with("HTTP/1.1 503"));
        let answer = self.nodes.processes[node].until("refusal", refusal).await;
        assert!(answer.contains("\"store\":\"the store"), "{answer}");
    }

    /// Waits until both serve what they must ask the server for, within the promised time. The tokens were never seen by the
    /// node that is asked.
    #[expect(clippy::print_stdout, reason = "who runs the tests is told what was found")]
    async fn come_back(&mut self, tokens: &[String; 2]) {
        let returned = clock().monotonic();
        for (node, token) in tokens.iter().enumerate() {
            let (pgo, endpoints) = (self.nodes.pgo[node].clone(), self.nodes.endpoints.clone());
            let served = async || ask(&pgo, &endpoints, token, &new_id()).await.filter(|reply| reply.status == 200);
            self.nodes.processes[node].until("answer", served).await;
            let took = clock().monotonic() - returned;
            println!("node {node} serves {took:?} after the server");
            assert!(took < BACK, "{took:?}");
        }
    }

    /// A fault under load, from which the server has come back when it returns.
    async fn bears(mut self, fault: impl AsyncFnOnce(&mut Self, &Load)) {
        let unseen = [self.token(1).await, self.token(0).await];
        let load = Load::begin(&self.nodes).await;
        load.disclosed(50).await;
        fault(&mut self, &load).await;
        self.come_back(&unseen).await;
        let served = load.count();
        load.disclosed(served + 50).await;
        let ledger = load.end().await;
        let home = self.home;
        ledger.assert_sound(&self.nodes).await;
        self.close().await;
        ledger.assert_recorded(home).await;
    }

    /// An access token that this node has not seen yet.
    async fn token(&self, unseen: usize) -> String {
        let tokens = self.nodes.tokens(1 - unseen, false).await;
        tokens["access_token"].as_str().unwrap().to_owned()
    }

    async fn close(self) {
        self.nodes.stop().await;
    }
}

/// A line to a server.
async fn line(server: &Server) -> Relay {
    Relay::start((Ipv4Addr::LOCALHOST, 0).into(), (Ipv4Addr::LOCALHOST, server.port()).into()).await.unwrap()
}

fn text_of<'v>(tokens: &'v Value, name: &str) -> &'v str {
    tokens[name].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn f15_a_server_that_is_killed_is_borne_by_both_nodes() {
    let home = Home::new();
    let Some(scene) = Scene::open(&home).await else { return };
    scene.bears(async |scene, load| gone(scene, load, Server::kill).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f15_a_server_that_is_restarted_is_borne_by_both_nodes() {
    let home = Home::new();
    let Some(scene) = Scene::open(&home).await else { return };
    scene.bears(async |scene, load| gone(scene, load, Server::stop).await).await;
}

async fn gone(scene: &mut Scene<'_>, load: &Load, end: impl AsyncFnOnce(&mut Server)) {
    end(&mut scene.server).await;
    scene.is_not_ready(0).await;
    scene.is_not_ready(1).await;
    load.refused(50).await;
    scene.server.restart().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f16_tables_that_are_locked_for_30_s_are_borne_by_both_nodes() {
    let home = Home::new();
    let Some(scene) = Scene::open(&home).await else { return };
    scene
        .bears(async |scene, load| {
            let mut beside = scene.server.connect().await;
            let lock = beside.transaction().await.unwrap();
            lock.batch_execute("LOCK TABLE codes, tokens, refreshes, grants IN ACCESS EXCLUSIVE MODE").await.unwrap();
            let locked = clock().monotonic();
            let refused = load.refused(50);
            // The fault itself; nothing is waited for.
            tokio::join!(refused, tokio::time::sleep(Duration::from_secs(30)));
            lock.rollback().await.unwrap();
            println!("locked for {:?}", clock().monotonic() - locked);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f16_a_server_without_room_is_borne_by_both_nodes() {
    let home = Home::new();
    let folder = home.path("postgres-disk");
    let Some(device) = Device::mount_of("160m", folder.clone()) else { return };
    let Some(server) = Server::start_in(&home, folder).await else { return };
    let scene = Scene::on(&home, server).await;
    scene
        .bears(async |scene, load| {
            scene.server.write_without_room(|| device.fill()).await;
            load.refused(50).await;
            device.free();
            // It may have given up over its log, as a server does that cannot write it.
            scene.server.revive().await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f16_a_code_whose_commit_was_sent_and_not_answered_is_spent_at_both_nodes() {
    let home = Home::new();
    let Some(scene) = Scene::open(&home).await else { return };
    for node in [0, 1] {
        let code = scene.nodes.code(&scene.nodes.pgo, false).await;
        scene.lines[node].cut_after(&hash_handle(&code));
        let started = clock().monotonic();
        let reply = scene.nodes.present(node, &code).await;
        assert!(!scene.lines[node].waits(), "it was cut");
        assert_eq!(reply.status, 503, "{:?}", reply.body);
        assert!(reply.headers.contains_key("retry-after") && clock().monotonic() - started < SOON);
        for other in [1 - node, node] {
            let reply = scene.nodes.present(other, &code).await;
            assert_eq!(reply.status, 400, "what is not known counts as spent: {:?}", reply.body);
        }
    }
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f16_a_refresh_whose_commit_was_sent_and_not_answered_is_done_once() {
    let home = Home::new();
    let Some(scene) = Scene::open(&home).await else { return };
    for node in [0, 1] {
        let tokens = scene.nodes.tokens(node, true).await;
        let refresh = text_of(&tokens, "refresh_token");
        let (_family, turn) = refresh.split_once('.').unwrap();
        // Only the statement that turns it holds this.
        scene.lines[node].cut_after(&hash_handle(turn));
        let reply = scene.nodes.refresh(node, refresh).await;
        assert!(!scene.lines[node].waits(), "it was cut");
        assert_eq!(reply.status, 200, "asked again, and so the PGO has the next one: {:?}", reply.body);
        let next: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(scene.nodes.status_of_data(1 - node, text_of(&next, "access_token")).await, Some(200));
        let reply = scene.nodes.refresh(1 - node, refresh).await;
        assert_eq!(reply.status, 400, "a second use: {:?}", reply.body);
        let reply = scene.nodes.refresh(node, text_of(&next, "refresh_token")).await;
        assert_eq!(reply.status, 400, "which ended the family: {:?}", reply.body);
    }
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f17_a_node_that_is_cut_off_refuses_what_it_does_not_know_and_the_other_serves() {
    cut_off(Relay::cut).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f17_a_node_whose_server_hears_nothing_refuses_soon_and_the_other_serves() {
    cut_off(Relay::hold).await;
}

async fn cut_off(end: impl Fn(&Relay)) {
    let home = Home::new();
    let Some(mut scene) = Scene::open(&home).await else { return };
    let (known, unseen) = (scene.nodes.tokens(0, true).await, [scene.token(0).await, scene.token(1).await]);
    let waiting = scene.nodes.code(&scene.nodes.pgo, false).await;
    let access = text_of(&known, "access_token").to_owned();
    assert_eq!(scene.nodes.status_of_data(1, &access).await, Some(200));
    end(&scene.lines[1]);
    let cut = clock().monotonic();
    assert_eq!(scene.nodes.status_of_data(1, &access).await, Some(200), "what it just saw it still knows");
    for (node, status) in [(1, 503), (0, 200)] {
        let asked = clock().monotonic();
        assert_eq!(scene.nodes.status_of_data(node, &unseen[1]).await, Some(status), "node {node}");
        assert!(clock().monotonic() - asked < SOON);
    }
    let asked = clock().monotonic();
    assert_eq!(scene.nodes.present(1, &waiting).await.status, 503);
    assert!(clock().monotonic() - asked < SOON);
    scene.is_not_ready(1).await;
    // The other ends the grant, which the one that is cut off cannot learn.
    let reply = revoke(&scene.nodes, text_of(&known, "refresh_token")).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    loop {
        let asked = clock().monotonic();
        match scene.nodes.status_of_data(1, &access).await {
            Some(503) => break,
            Some(200) => assert!(asked - cut < STALE, "served {:?} after it was cut off", asked - cut),
            other => assert_eq!(other, None),
        }
    }
    scene.lines[1].open();
    scene.come_back(&unseen).await;
    assert_eq!(scene.nodes.status_of_data(1, &access).await, Some(401), "it learns of the end");
    // Held up, the statement may have come through in the end; it counts once.
    let mut answers = Vec::new();
    for node in [0, 1, 0] {
        answers.push(scene.nodes.present(node, &waiting).await.status.as_u16());
    }
    assert!(matches!(answers[..], [200 | 400, 400, 400]), "{answers:?}");
    scene.close().await;
    load::assert_logs_are_sound(&home).await;
}

async fn revoke(nodes: &Nodes, token: &str) -> Reply {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let form = [pair("token", token), pair("client_id", &nodes.pgo[0].client_id)];
    let url = nodes.endpoints.token.replace("/oauth/token", "/oauth/revoke");
    nodes.pgo[0].token_request(&url, &form, &new_id()).await.unwrap()
}
