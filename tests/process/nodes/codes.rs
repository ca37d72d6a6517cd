//! Codes, refresh tokens and grants between two nodes: spent once, ended for both.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use inzage::medmij::Hostname;
use inzage::sandbox::client::ClientFiles;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::*;
use crate::postgres::Database;

/// How long a node may believe what it last saw of a grant.
const STALE: Duration = Duration::from_secs(5);

/// Two nodes on a database of their own.
async fn start(home: &Home) -> Option<(Nodes, Database)> {
    let (database, world) = (Database::new().await?, home.world().await);
    Some((Nodes::start(home, world, [&database.url, &database.url]).await, database))
}

async fn stop(nodes: Nodes, database: Database) {
    nodes.stop().await;
    database.remove().await;
}

/// Sends as many requests at once as there are senders, and counts the answers with this status.
async fn at_once<F>(requests: Vec<F>) -> Vec<Reply>
where
    F: Future<Output = Reply> + Send + 'static,
{
    let barrier = std::sync::Arc::new(Barrier::new(requests.len()));
    let mut running = JoinSet::new();
    for request in requests {
        let barrier = barrier.clone();
        running.spawn(async move {
            barrier.wait().await;
            request.await
        });
    }
    running.join_all().await
}

fn count(replies: &[Reply], status: u16) -> usize {
    replies.iter().filter(|reply| reply.status == status).count()
}

/// Certificates of the PGO, of an authority of the test's own, which the nodes trust when they start after this.
struct Certificates(Vec<(PathBuf, PathBuf)>);

impl Certificates {
    fn make(home: &Home, count: usize) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "an authority of the tests");
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let root = authority.self_signed(&key).unwrap().pem();
        let mut roots = File::options().append(true).open(home.path("ca.pem")).unwrap();
        roots.write_all(root.as_bytes()).unwrap();
        let issuer = Issuer::new(authority, key);
        Self((0..count).map(|number| issue(home, &issuer, number)).collect())
    }

    /// The PGO at each node, with one of the certificates.
    fn pgo(&self, home: &Home, nodes: &Nodes, number: usize) -> [PgoClient; 2] {
        let (certificate, key) = &self.0[number % self.0.len()];
        let files = ClientFiles {
            client_id: &nodes.pgo[0].client_id,
            redirect_uri: &nodes.pgo[0].redirect_uri,
            certificate: Some((certificate, key)),
            roots: &home.path("ca.pem"),
            zal: "",
        };
        let (_, authority) = nodes.endpoints.token.split_once("//").unwrap();
        let host = Hostname::parse(authority.split_once(':').unwrap().0).unwrap();
        ADDRESSES
            .map(|address| PgoClient::new(files, &[(host.clone(), IpAddr::from(address))].into(), &clock()).unwrap())
    }
}

fn issue(home: &Home, issuer: &Issuer<'_, KeyPair>, number: usize) -> (PathBuf, PathBuf) {
    let key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::new(["pgo.localhost".to_owned()]).unwrap();
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    leaf.use_authority_key_identifier_extension = true;
    let files = (home.path(&format!("pgo-{number}.pem")), home.path(&format!("pgo-{number}.key")));
    std::fs::write(&files.0, leaf.signed_by(&key, issuer).unwrap().pem()).unwrap();
    let mut private = File::options().create_new(true).write(true).mode(0o600).open(&files.1).unwrap();
    private.write_all(key.serialize_pem().as_bytes()).unwrap();
    files
}

/// Each round makes 99 wrong requests, and each certificate may make 300 in a row at a node before it has to wait.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_code_shown_a_hundred_times_to_two_processes_comes_one_token() {
    const ROUNDS: usize = 200;
    let home = Home::new();
    let Some(database) = Database::new().await else { return };
    let world = home.world().await;
    let certificates = Certificates::make(&home, ROUNDS.div_ceil(3));
    let nodes = Nodes::start(&home, world, [&database.url, &database.url]).await;
    let started = clock().monotonic();
    for round in 0..ROUNDS {
        let pgo = certificates.pgo(&home, &nodes, round);
        let code = nodes.code(&nodes.pgo[..1], false).await;
        let request = |number: usize| {
            let (pgo, endpoints, code) = (pgo[number % 2].clone(), nodes.endpoints.clone(), code.clone());
            async move { present(&pgo, &endpoints, &code).await }
        };
        let replies = at_once((0..100).map(request).collect()).await;
        let other = replies.iter().find(|reply| !matches!(reply.status.as_u16(), 200 | 400));
        assert_eq!((count(&replies, 200), count(&replies, 400)), (1, 99), "round {round}: {other:?}");
    }
    println!("{ROUNDS} rounds in {:?}", clock().monotonic() - started);
    for node in [0, 1] {
        assert_eq!(nodes.answered(node, "back").await, 50 * ROUNDS as u64, "node {node}");
    }
    stop(nodes, database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_goes_on_at_another_node() {
    let home = Home::new();
    let Some((nodes, database)) = start(&home).await else { return };
    let code = nodes.code(&nodes.pgo, false).await;
    let reply = nodes.present(1, &code).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    let token: Value = serde_json::from_slice(&reply.body).unwrap();
    for node in [0, 1] {
        assert_eq!(nodes.status_of_data(node, token["access_token"].as_str().unwrap()).await, Some(200));
    }
    assert_eq!(nodes.present(0, &code).await.status, 400, "it was spent at the other node");
    for node in [0, 1] {
        assert!(nodes.answered(node, "front").await > 1, "pages of node {node}");
    }
    stop(nodes, database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_ends_at_one_node_is_refused_by_the_other_within_5_s() {
    let home = Home::new();
    let Some((nodes, database)) = start(&home).await else { return };
    let tokens = nodes.tokens(0, true).await;
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(nodes.status_of_data(0, access).await, Some(200));
    assert_eq!(nodes.status_of_data(1, access).await, Some(200), "and this node remembers it");
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let form = [pair("token", tokens["refresh_token"].as_str().unwrap()), pair("client_id", &nodes.pgo[0].client_id)];
    let url = nodes.endpoints.token.replace("/oauth/token", "/oauth/revoke");
    let ended = clock().monotonic();
    let reply = nodes.pgo[0].token_request(&url, &form, &new_id()).await.unwrap();
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    assert_eq!(nodes.status_of_data(0, access).await, Some(401), "at once where it ended");
    loop {
        let asked = clock().monotonic();
        match nodes.status_of_data(1, access).await {
            Some(401) => break,
            Some(200) => assert!(asked - ended < STALE, "served {:?} after the grant ended", asked - ended),
            other => assert_eq!(other, None),
        }
    }
    println!("refused {:?} after the end", clock().monotonic() - ended);
    stop(nodes, database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_refresh_token_used_at_two_nodes_at_once_one_use_counts_and_the_family_ends() {
    let home = Home::new();
    let Some((nodes, database)) = start(&home).await else { return };
    for _ in 0..10 {
        let tokens = nodes.tokens(0, true).await;
        let refresh = tokens["refresh_token"].as_str().unwrap().to_owned();
        let request = |number: usize| {
            let (pgo, endpoints, refresh) = (nodes.pgo[number % 2].clone(), nodes.endpoints.clone(), refresh.clone());
            async move { pgo.refresh(&endpoints, &refresh).await.unwrap() }
        };
        let replies = at_once((0..20).map(request).collect()).await;
        assert!(count(&replies, 200) <= 1, "two new tokens of one");
        assert_eq!(count(&replies, 200) + count(&replies, 400), 20, "{replies:?}");
        let next = replies.iter().find(|reply| reply.status == 200);
        let next: Option<Value> = next.map(|reply| serde_json::from_slice(&reply.body).unwrap());
        for node in [0, 1] {
            for refresh in next.iter().map(|next| next["refresh_token"].as_str().unwrap()).chain([&*refresh]) {
                let reply = nodes.pgo[node].refresh(&nodes.endpoints, refresh).await.unwrap();
                assert_eq!(reply.status, 400, "the family has ended: {:?}", reply.body);
            }
        }
    }
    stop(nodes, database).await;
}
