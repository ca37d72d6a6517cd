//! The orderly end: what was begun is finished, what was waiting is served, and nothing new comes in.

use super::*;

#[tokio::test]
async fn a_request_in_flight_is_finished_and_new_connections_are_refused() {
    let mut world = World::front(config());
    let (mut one, mut two) = (world.http1(None).await, world.http2(None).await);
    let (one, two) = (one.send_request(get("/wait")), two.send_request(get2("/wait")));
    let flights = tokio::spawn(async move { tokio::join!(one, two) });
    soon(world.arrived.recv()).await;
    soon(world.arrived.recv()).await;
    world.drain.cancel();
    while TcpStream::connect(world.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    world.release.notify_waiters();
    let (one, two) = soon(flights).await.unwrap();
    assert_eq!(text(one.unwrap()).await, "waited");
    assert_eq!(text(two.unwrap()).await, "waited");
    // The probes that came before the port was closed count too.
    let drained = soon(world.serving).await.unwrap();
    assert!(drained.finished >= 2 && drained.cut == 0, "{drained:?}");
    assert_eq!(world.counters.open(), 0);
}

#[tokio::test]
async fn connections_in_the_accept_queue_at_the_signal_are_served() {
    let waiting = std::cell::RefCell::new(Vec::new());
    let drain = CancellationToken::new();
    drain.cancel();
    let slow = EdgeConfig { drain_linger: Duration::from_secs(10), ..config() };
    let world = World::start(
        slow,
        drain,
        |_, own, clock| front_channel(own, clock).unwrap(),
        |address| {
            let connect = |_| std::net::TcpStream::connect(address).unwrap();
            waiting.borrow_mut().extend((0..20).map(connect));
        },
    );
    let connector = world.connector(None, &[ALPN_HTTP1]);
    let mut clients = tokio::task::JoinSet::new();
    for socket in waiting.into_inner() {
        socket.set_nonblocking(true).unwrap();
        let (connector, tcp) = (connector.clone(), TcpStream::from_std(socket).unwrap());
        clients.spawn(async move {
            let mut stream = shake(&connector, tcp).await.unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nhost: gp.example.nl\r\n\r\n").await.unwrap();
            read_to_close(&mut stream).await
        });
    }
    for answer in soon(clients.join_all()).await {
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"), "{answer:?}");
    }
    assert_eq!(soon(world.serving).await.unwrap(), Drained { finished: 20, cut: 0 });
}

#[tokio::test]
async fn idle_connections_are_closed_politely() {
    let world = World::front(config());
    let (mut silent, (mut used, end)) = (world.connect().await, world.http2_to_its_end(None).await);
    assert_eq!(text(soon(used.send_request(get2("/"))).await.unwrap()).await, "hello");
    world.drain.cancel();
    assert_eq!(soon(silent.read(&mut [0; 1])).await.unwrap(), 0, "closed with close_notify, not cut");
    soon(end).await.unwrap().expect("told to go away, and not cut");
    assert_eq!(soon(world.serving).await.unwrap(), Drained { finished: 2, cut: 0 });
}

#[tokio::test]
async fn what_takes_longer_than_the_grace_is_cut_and_told() {
    let mut world = World::front(EdgeConfig { drain_grace: Duration::from_millis(50), ..config() });
    let mut sender = world.http2(None).await;
    let flight = tokio::spawn(sender.send_request(get2("/wait")));
    soon(world.arrived.recv()).await;
    world.drain.cancel();
    assert_eq!(soon(world.serving).await.unwrap(), Drained { finished: 0, cut: 1 });
    assert!(soon(flight).await.unwrap().is_err());
    assert_eq!(world.counters.open(), 0);
}

/// Who comes is served all the same, and told to come elsewhere the next time; who comes back later finds it as before.
#[tokio::test]
async fn a_node_that_steps_aside_ends_each_connection_with_its_next_answer() {
    let mut world = World::front(config());
    let (mut used, end) = world.http2_to_its_end(None).await;
    assert_eq!(text(soon(used.send_request(get2("/"))).await.unwrap()).await, "hello");
    let (mut busy, busy_end) = world.http2_to_its_end(None).await;
    let flight = tokio::spawn(busy.send_request(get2("/wait")));
    soon(world.arrived.recv()).await;
    world.aside.store(true, Ordering::Relaxed);
    assert_eq!(text(soon(used.send_request(get2("/"))).await.unwrap()).await, "hello");
    soon(end).await.unwrap().expect("told to go away, and not cut");
    world.release.notify_waiters();
    assert_eq!(text(soon(flight).await.unwrap().unwrap()).await, "waited", "what was under way is finished");
    soon(busy_end).await.unwrap().expect("told to go away, and not cut");
    let new = world.raw("GET / HTTP/1.1\r\nhost: gp.example.nl\r\n\r\n").await;
    assert!(new.starts_with("HTTP/1.1 200") && new.contains("connection: close"), "{new}");
    world.aside.store(false, Ordering::Relaxed);
    let mut sender = world.http1(None).await;
    for _ in 0..2 {
        let answer = soon(sender.send_request(get("/"))).await.unwrap();
        assert!(!answer.headers().contains_key("connection"));
        assert_eq!(text(answer).await, "hello");
    }
}
