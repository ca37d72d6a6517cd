//! A listener that several threads share.

use std::num::NonZeroUsize;

use super::*;
use crate::edge::WorkerError;

const THREADS: NonZeroUsize = NonZeroUsize::new(3).unwrap();

/// A world whose listener three threads serve; `waiting` connections are in the accept queue when they begin.
fn world(drain: CancellationToken, waiting: &mut Vec<std::net::TcpStream>, count: usize) -> World {
    World::start_on(
        // Those that wait are served one after the other.
        EdgeConfig { drain_linger: Duration::from_secs(10), ..config() },
        drain,
        |_, own, clock| front_channel(own, clock).unwrap(),
        |address| waiting.extend((0..count).map(|_| std::net::TcpStream::connect(address).unwrap())),
        |socket, edge, drain| {
            let workers = Workers::start(socket, edge, THREADS, &drain).unwrap();
            tokio::spawn(async { workers.ended().await.unwrap() })
        },
    )
}

#[tokio::test]
async fn each_connection_is_served_by_a_thread_of_the_data_plane() {
    let world = world(CancellationToken::new(), &mut Vec::new(), 0);
    for _ in 0..10 {
        let (mut one, mut two) = (world.http1(None).await, world.http2(None).await);
        for response in [one.send_request(get("/thread")).await, two.send_request(get2("/thread")).await] {
            assert!(text(response.unwrap()).await.starts_with("inzage-data-"));
        }
    }
    let (address, counters) = (world.address, Arc::clone(&world.counters));
    assert_eq!(world.end().await.cut, 0);
    assert_eq!((counters.accepted(), counters.open()), (20, 0));
    assert!(TcpStream::connect(address).await.is_err(), "the last thread closed the port");
}

#[tokio::test]
async fn connections_that_wait_at_the_signal_are_served_by_whichever_thread() {
    let (drain, mut waiting) = (CancellationToken::new(), Vec::new());
    drain.cancel();
    let world = world(drain, &mut waiting, 30);
    let connector = world.connector(None, &[ALPN_HTTP1]);
    for socket in waiting {
        socket.set_nonblocking(true).unwrap();
        let mut stream = shake(&connector, TcpStream::from_std(socket).unwrap()).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: gp.example.nl\r\n\r\n").await.unwrap();
        assert!(read_to_close(&mut stream).await.starts_with("HTTP/1.1 200"));
    }
    assert_eq!(soon(world.serving).await.unwrap(), Drained { finished: 30, cut: 0 });
}

#[tokio::test]
async fn a_thread_that_cannot_serve_ends_the_others_and_is_an_error() {
    // A file is no socket, and no runtime can wait for it.
    let file = std::fs::File::open("/dev/null").unwrap();
    let socket = std::net::TcpListener::from(std::os::fd::OwnedFd::from(file));
    let drain = CancellationToken::new();
    let seen = drain.clone();
    let world = World::start_on(
        config(),
        drain,
        |_, own, clock| front_channel(own, clock).unwrap(),
        |_| (),
        |_, edge, drain| {
            let workers = Workers::start(socket, edge, THREADS, &drain).unwrap();
            tokio::spawn(async {
                assert!(matches!(workers.ended().await, Err(WorkerError::Unable(_))));
                Drained::default()
            })
        },
    );
    soon(world.serving).await.unwrap();
    assert!(seen.is_cancelled());
}
