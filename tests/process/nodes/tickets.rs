//! TLS tickets of two nodes: with shared keys one opens what the other gave, until clients are judged otherwise.

use std::sync::Arc;

use inzage::tls::ALPN_HTTP1;
use inzage::tls::client::client_config;
use inzage::tls::identity::{Identity, Roots};
use rustls::HandshakeKind;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::*;
use crate::postgres::Database;

const KEYS: &str = "tickets.key";

/// The PGO as a TLS client with a memory: how its next handshakes at these nodes go, on the back channel.
struct Client(TlsConnector);

impl Client {
    fn new(home: &Home) -> Self {
        let own = Identity::load(&home.path("pgo.pem"), &home.path("pgo.key"), clock().now()).unwrap();
        let roots = Roots::load(&home.path("ca.pem")).unwrap();
        Self(Arc::new(client_config(&roots, Some(&own), &[ALPN_HTTP1], &clock()).unwrap()).into())
    }

    async fn visits(&self, nodes: &Nodes, order: &[usize]) -> Vec<HandshakeKind> {
        let mut kinds = Vec::new();
        for node in order {
            kinds.push(self.visit(nodes, ADDRESSES[*node]).await);
        }
        kinds
    }

    async fn visit(&self, nodes: &Nodes, address: Ipv4Addr) -> HandshakeKind {
        let (host, port) = ("inzage.localhost", port(&nodes.world.layout.back_origin()));
        let tcp = TcpStream::connect((address, port)).await.unwrap();
        let mut stream = self.0.connect(host.try_into().unwrap(), tcp).await.unwrap();
        let request = format!("GET / HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
        stream.get_ref().1.handshake_kind().unwrap()
    }
}

/// Writes `keys.tickets` into the configuration.
fn share_tickets(home: &Home) {
    let config = home.path("gateway.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("[keys]\n", &format!("[keys]\ntickets = \"{KEYS}\"\n"))).unwrap();
}

async fn command(home: &Home, what: &str, code: i32) {
    let ended = home.run(&["tls", "ticket-keys", what, text(&home.path(KEYS))]).await;
    assert_eq!(ended.code, Some(code), "{}{}", ended.out, ended.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_of_one_node_opens_at_another_until_clients_are_judged_otherwise() {
    use HandshakeKind::{Full, Resumed};
    let home = Home::new();
    let Some(database) = Database::new().await else { return };
    let world = home.world().await;
    command(&home, "rotate", 69).await;
    command(&home, "create", 0).await;
    command(&home, "create", 65).await;
    share_tickets(&home);
    let mut nodes = Nodes::start(&home, world, [&database.url, &database.url]).await;
    let client = Client::new(&home);
    assert_eq!(client.visits(&nodes, &[0, 1, 1, 0]).await, [Full, Resumed, Resumed, Resumed]);
    command(&home, "rotate", 0).await;
    nodes.reload(2).await;
    assert_eq!(client.visits(&nodes, &[0, 1]).await, [Resumed, Resumed], "the key before still opens");
    // From now on they trust somebody else besides.
    let pem = std::fs::read_to_string(home.path("ca.pem")).unwrap();
    let (key, mut authority) = (rcgen::KeyPair::generate().unwrap(), rcgen::CertificateParams::default());
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    std::fs::write(home.path("ca.pem"), pem + &authority.self_signed(&key).unwrap().pem()).unwrap();
    nodes.reload(3).await;
    assert_eq!(client.visits(&nodes, &[0, 1, 0]).await, [Full, Resumed, Resumed]);
    nodes.stop().await;
    database.remove().await;
}
