//! Clients that are too slow, and more clients than there is room for.

use super::*;
use crate::edge::counters::{HandshakeFailure, TimedOut};

const SHORT: Duration = Duration::from_millis(50);

async fn closes(stream: &mut TlsStream<TcpStream>) -> String {
    read_to_close(stream).await
}

#[tokio::test]
async fn a_client_silent_in_the_handshake_is_dropped() {
    let world = World::front(EdgeConfig { handshake_timeout: SHORT, ..config() });
    let mut silent = TcpStream::connect(world.address).await.unwrap();
    let _closed_or_reset = soon(silent.read(&mut [0; 1])).await;
    let mut half = TcpStream::connect(world.address).await.unwrap();
    half.write_all(&[0x16, 3, 1, 2, 0, 1]).await.unwrap();
    let _closed_or_reset = soon(half.read(&mut [0; 1])).await;
    assert_eq!(world.counters.handshakes_failed(HandshakeFailure::TimedOut), 2);
}

#[tokio::test]
async fn a_client_silent_after_the_handshake_is_dropped() {
    let world = World::front(EdgeConfig { first_byte_timeout: SHORT, ..config() });
    assert_eq!(closes(&mut world.connect().await).await, "");
    assert_eq!(world.counters.timed_out(TimedOut::Silent), 1);
}

#[tokio::test]
async fn a_head_that_does_not_end_is_dropped() {
    let world = World::front(EdgeConfig { header_timeout: SHORT, ..config() });
    let mut stream = world.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: gp.exam").await.unwrap();
    assert_eq!(closes(&mut stream).await, "");
    assert_eq!(world.counters.timed_out(TimedOut::Header), 1);
}

#[tokio::test]
async fn a_connection_kept_alive_for_nothing_is_closed() {
    let world = World::front(EdgeConfig { idle_timeout: SHORT, ..config() });
    let answer = world.raw("GET / HTTP/1.1\r\nhost: gp.example.nl\r\n\r\n").await;
    assert!(answer.ends_with("hello"), "{answer:?}");
    let mut sender = world.http2(None).await;
    while soon(sender.ready()).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.counters.timed_out(TimedOut::Idle), 2);
}

#[tokio::test]
async fn an_answer_that_is_not_taken_is_cut() {
    let mut world = World::front(EdgeConfig { stall_timeout: SHORT, ..config() });
    let mut stream = world.connect().await;
    stream.write_all(b"GET /big HTTP/1.1\r\nhost: gp.example.nl\r\n\r\n").await.unwrap();
    assert!(matches!(soon(world.ended.recv()).await.unwrap(), Ended::Dropped { .. }));
    let mut sender = world.http2(None).await;
    let _untouched = soon(sender.send_request(get2("/big"))).await;
    assert!(matches!(soon(world.ended.recv()).await.unwrap(), Ended::Dropped { .. }));
    assert_eq!(world.counters.timed_out(TimedOut::Stalled), 2);
}

#[tokio::test]
async fn a_request_that_takes_too_long_ends_and_over_http2_alone() {
    let mut world = World::front(EdgeConfig { request_timeout: 6 * SHORT, ..config() });
    assert_eq!(world.raw("GET /wait HTTP/1.1\r\nhost: gp.example.nl\r\n\r\n").await, "");
    let mut sender = world.http2(None).await;
    assert!(soon(sender.send_request(get2("/wait"))).await.is_err());
    assert_eq!(text(soon(sender.send_request(get2("/"))).await.unwrap()).await, "hello");
    assert_eq!(world.counters.timed_out(TimedOut::Request), 2);
    assert!(world.arrived.recv().await.is_some());
}

#[tokio::test]
async fn a_body_that_does_not_come_ends_with_the_time_of_the_request() {
    let world = World::front(EdgeConfig { request_timeout: SHORT, ..config() });
    let head = "POST /echo HTTP/1.1\r\nhost: gp.example.nl\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n";
    assert_eq!(world.raw(head).await, "HTTP/1.1 100 Continue\r\n\r\n");
}

#[tokio::test]
async fn one_connection_more_than_there_is_room_for_is_closed_at_once() {
    let world = World::front(EdgeConfig { connections_max: 2, ..config() });
    let (_one, mut two) = (world.connect().await, world.connect().await);
    let mut three = TcpStream::connect(world.address).await.unwrap();
    let _closed_or_reset = soon(three.read(&mut [0; 1])).await;
    assert_eq!((world.counters.refused_over_cap(), world.counters.open()), (1, 2));
    two.write_all(b"GET / HTTP/1.1\r\nhost: gp.example.nl\r\nconnection: close\r\n\r\n").await.unwrap();
    assert!(closes(&mut two).await.ends_with("hello"));
    assert_eq!(world.counters.accepted(), 3);
}
