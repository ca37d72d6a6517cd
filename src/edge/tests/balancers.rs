//! Load balancers that say for whom they connect, and whoever pretends to be one.

use super::*;
use crate::edge::counters::HandshakeFailure;
use crate::edge::{Balancers, Others};

const HEADER: &[u8] = b"PROXY TCP4 203.0.113.7 192.0.2.1 54321 443\r\n";

/// A listener behind balancers at this address.
fn behind(address: &str, others: Others) -> World {
    World::front(EdgeConfig { balancers: balancers(address, others), ..config() })
}

fn balancers(address: &str, others: Others) -> Balancers {
    Balancers::new(vec![address.parse().unwrap()], others)
}

/// What comes back for a request after these bytes; nothing when the connection is refused.
async fn asks(world: &World, before: &[u8]) -> String {
    let mut tcp = TcpStream::connect(world.address).await.unwrap();
    tcp.write_all(before).await.unwrap();
    let Ok(mut stream) = shake(&world.connector(None, &[ALPN_HTTP1]), tcp).await else { return String::new() };
    let request = format!("GET /from HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let answer = read_to_close(&mut stream).await;
    answer.rsplit_once("\r\n\r\n").unwrap().1.to_owned()
}

async fn failures(world: World, kind: HandshakeFailure) -> u64 {
    world.drain.cancel();
    soon(world.serving).await.unwrap();
    world.counters.handshakes_failed(kind)
}

#[tokio::test]
async fn the_client_is_the_one_that_a_listed_balancer_names() {
    let world = behind("127.0.0.0/8", Others::Refuse);
    assert_eq!(asks(&world, HEADER).await, "203.0.113.7:54321");
    let speaks_for_itself = asks(&world, b"PROXY UNKNOWN\r\n").await;
    assert!(speaks_for_itself.starts_with("127.0.0.1:"), "{speaks_for_itself}");
    assert_eq!(asks(&world, b"").await, "", "a balancer must say it");
    assert_eq!(asks(&world, &[HEADER, HEADER].concat()).await, "", "and once");
    assert_eq!(failures(world, HandshakeFailure::BadHeader).await, 1);
}

#[tokio::test]
async fn nobody_else_can_choose_an_address() {
    let world = behind("192.0.2.0/24", Others::Serve);
    let served = asks(&world, b"").await;
    assert!(served.starts_with("127.0.0.1:"), "{served}");
    assert_eq!(asks(&world, HEADER).await, "", "for this listener it is no TLS");
    assert_eq!(failures(world, HandshakeFailure::Malformed).await, 1);
    let world = behind("192.0.2.0/24", Others::Refuse);
    assert_eq!(asks(&world, b"").await, "");
    assert_eq!(asks(&world, HEADER).await, "");
    assert_eq!(failures(world, HandshakeFailure::NotListed).await, 2);
}

#[tokio::test]
async fn a_header_that_does_not_come_or_never_ends_is_not_waited_for() {
    let balancers = balancers("127.0.0.1/32", Others::Serve);
    let world = World::front(EdgeConfig { balancers, handshake_timeout: Duration::from_millis(50), ..config() });
    for begun in [&b""[..], &HEADER[..20], b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"] {
        let mut tcp = TcpStream::connect(world.address).await.unwrap();
        tcp.write_all(begun).await.unwrap();
        assert_eq!(soon(tcp.read(&mut [0; 16])).await.unwrap(), 0, "it is closed");
    }
    assert_eq!(failures(world, HandshakeFailure::TimedOut).await, 3);
}
