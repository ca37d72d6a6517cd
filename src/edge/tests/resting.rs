//! Connections that gave back the buffers of HTTP/1.1, at once here.

use super::*;
use crate::edge::counters::TimedOut;

fn cold(config: EdgeConfig) -> EdgeConfig {
    EdgeConfig { warm: Duration::ZERO, ..config }
}

#[tokio::test]
async fn a_connection_that_rested_serves_on() {
    let world = World::front(cold(config()));
    let mut sender = world.http1(None).await;
    for _ in 0..5 {
        assert_eq!(text(soon(sender.send_request(get("/"))).await.unwrap()).await, "hello");
        soon(sender.ready()).await.unwrap();
    }
    let big = soon(sender.send_request(get("/big"))).await.unwrap();
    assert_eq!(soon(big.into_body().collect()).await.unwrap().to_bytes().len(), BIG_BYTES);
    assert_eq!(text(soon(sender.send_request(get("/"))).await.unwrap()).await, "hello");
    assert!(world.counters.rested() >= 5);
    assert_eq!((world.counters.accepted(), world.counters.requests()), (1, 7));
    drop(sender);
    assert_eq!(world.end().await.cut, 0);
}

#[tokio::test]
async fn requests_that_came_together_are_all_answered() {
    let world = World::front(cold(config()));
    let one = "GET / HTTP/1.1\r\nhost: gp.example.nl\r\n\r\n";
    let last = "GET / HTTP/1.1\r\nhost: gp.example.nl\r\nconnection: close\r\n\r\n";
    let answers = world.raw(&[one, one, one, last].concat()).await;
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 4, "{answers}");
}

#[tokio::test]
async fn a_head_in_two_pieces_is_one_head() {
    let world = World::front(cold(config()));
    let mut stream = world.connect().await;
    let mut answer = [0; 512];
    stream.write_all(b"GET / HTTP/1.1\r\nhost: gp.example.nl\r\n\r\nGET / HTTP/1.1\r\nho").await.unwrap();
    let first = soon(stream.read(&mut answer)).await.unwrap();
    assert!(answer[..first].starts_with(b"HTTP/1.1 200"));
    stream.write_all(b"st: gp.example.nl\r\nconnection: close\r\n\r\n").await.unwrap();
    assert!(read_to_close(&mut stream).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn what_is_left_of_a_body_is_never_taken_for_a_request() {
    let world = World::front(cold(config()));
    let smuggled = "GET /who HTTP/1.1\r\nhost: gp.example.nl\r\n\r\n";
    let head = format!("POST / HTTP/1.1\r\nhost: gp.example.nl\r\ncontent-length: {}\r\n\r\n", smuggled.len());
    let mut stream = world.connect().await;
    stream.write_all(head.as_bytes()).await.unwrap();
    // The answer does not wait for the body.
    let mut answer = [0; 512];
    let first = soon(stream.read(&mut answer)).await.unwrap();
    assert!(answer[..first].starts_with(b"HTTP/1.1 200"));
    // The server may have closed by now.
    let _ = stream.write_all(smuggled.as_bytes()).await;
    assert!(!read_to_close(&mut stream).await.contains("HTTP/1.1"));
    assert_eq!((world.counters.requests(), world.counters.rested()), (1, 0));
}

#[tokio::test]
async fn a_connection_that_rests_too_long_is_closed_politely() {
    let world = World::front(cold(EdgeConfig { idle_timeout: Duration::from_millis(50), ..config() }));
    let mut stream = world.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: gp.example.nl\r\n\r\n").await.unwrap();
    assert!(read_to_close(&mut stream).await.ends_with("hello"));
    assert_eq!((world.counters.timed_out(TimedOut::Idle), world.counters.broken()), (1, 0));
}

#[tokio::test]
async fn a_connection_that_rests_at_the_signal_is_closed_politely() {
    let world = World::front(cold(config()));
    let mut stream = world.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: gp.example.nl\r\n\r\n").await.unwrap();
    let first = soon(stream.read(&mut [0; 512])).await.unwrap();
    assert!(first > 0);
    world.drain.cancel();
    let mut rest = Vec::new();
    soon(stream.read_to_end(&mut rest)).await.expect("closed with close_notify, not cut");
    assert_eq!(soon(world.serving).await.unwrap(), Drained { finished: 1, cut: 0 });
}

#[tokio::test]
async fn the_task_of_a_connection_is_small() {
    let world = World::front(config());
    let (tcp, remote) = (TcpStream::connect(world.address).await.unwrap(), world.address);
    let edge = Edge {
        config: config(),
        tls: Arc::clone(&world.tls),
        service: Desk {
            arrived: mpsc::unbounded_channel().0,
            release: Arc::clone(&world.release),
            ended: mpsc::unbounded_channel().0,
            aside: Arc::default(),
        },
        clock: Arc::clone(&world.clock),
        counters: Arc::clone(&world.counters),
    };
    let tasks = crate::edge::session::Tasks::new(crate::edge::arrivals::Arrivals::new(1));
    let task = crate::edge::session::run(Arc::new(edge), tcp, remote, tasks);
    let bytes = size_of_val(&task);
    assert!(bytes <= 1280, "{bytes}");
}
