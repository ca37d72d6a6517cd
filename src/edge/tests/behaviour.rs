//! What a request meets between the socket and the service.

use super::*;

#[tokio::test]
async fn both_protocols_answer_with_the_security_headers() {
    let world = World::front(config());
    let one = soon(world.http1(None).await.send_request(get("/"))).await.unwrap();
    let two = soon(world.http2(None).await.send_request(get2("/"))).await.unwrap();
    for response in [one, two] {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["strict-transport-security"], "max-age=31536000");
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert!(!response.headers().contains_key("server"));
        assert_eq!(text(response).await, "hello");
    }
}

#[tokio::test]
async fn an_answer_to_head_has_no_body_over_both_protocols() {
    let world = World::front(config());
    let head = |uri: &str| Request::head(uri).header("host", HOST).body(Empty::new()).unwrap();
    let one = soon(world.http1(None).await.send_request(head("/"))).await.unwrap();
    let two = soon(world.http2(None).await.send_request(head(&format!("https://{HOST}/")))).await.unwrap();
    for response in [one, two] {
        assert_eq!((response.status().as_u16(), &response.headers()["content-length"]), (200, &"5".parse().unwrap()));
        assert_eq!(text(response).await, "");
    }
}

#[tokio::test]
async fn a_wrong_host_is_misdirected_over_both_protocols() {
    let world = World::front(config());
    let wrong = Request::get("/").header("host", "other.example.nl").body(Empty::new()).unwrap();
    let response = soon(world.http1(None).await.send_request(wrong)).await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["connection"]), (421, &"close".parse().unwrap()));
    let wrong = Request::get("https://other.example.nl/").body(Empty::new()).unwrap();
    assert_eq!(soon(world.http2(None).await.send_request(wrong)).await.unwrap().status(), 421);
    assert_eq!(world.counters.refused_requests(), 2);
}

#[tokio::test]
async fn ambiguous_requests_end_the_connection_and_what_follows_is_not_served() {
    let world = World::front(config());
    let marker = "GET /marker HTTP/1.1\r\nhost: gp.example.nl\r\n\r\n";
    for (request, status) in [
        ("GET / HTTP/1.0\r\nhost: gp.example.nl\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: gp.example.nl\r\nhost: gp.example.nl\r\n\r\n", "400"),
        ("GET http://other.example.nl/ HTTP/1.1\r\nhost: gp.example.nl\r\n\r\n", "400"),
        ("CONNECT gp.example.nl:443 HTTP/1.1\r\nhost: gp.example.nl\r\n\r\n", "405"),
        ("TRACE / HTTP/1.1\r\nhost: gp.example.nl\r\n\r\n", "405"),
        ("GET / HTTP/1.1\r\nhost: gp.example.nl\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nhost: gp.example.nl\r\ncontent-length: +5\r\n\r\nabcde", "400"),
        ("POST / HTTP/1.1\r\nhost: gp.example.nl\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", "400"),
        ("POST / HTTP/1.1\r\nhost: gp.example.nl\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: gp.example.nl\r\nx: a\r\n b\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: gp.example.nl\r\nx_y: a\r\n\r\n", "400"),
    ] {
        let answer = world.raw(&format!("{request}{marker}")).await;
        assert_eq!(answer.split(' ').nth(1), Some(status), "{request:?}: {answer:?}");
        assert_eq!(answer.matches("HTTP/1.").count(), 1, "{request:?}: {answer:?}");
        assert!(!answer.contains("hello"), "{request:?}: {answer:?}");
    }
}

#[tokio::test]
async fn a_length_beside_chunks_ends_the_connection_after_the_answer() {
    let world = World::front(config());
    for lengths in
        ["content-length: 4\r\ntransfer-encoding: chunked", "transfer-encoding: chunked\r\ncontent-length: 4"]
    {
        let smuggling = format!(
            "POST /echo HTTP/1.1\r\nhost: gp.example.nl\r\n{lengths}\r\n\r\n3\r\nabc\r\n0\r\n\r\n\
             GET /marker HTTP/1.1\r\nhost: gp.example.nl\r\n\r\n"
        );
        let answer = world.raw(&smuggling).await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer:?}");
        assert!(!answer.contains("hello"), "{answer:?}");
    }
}

#[tokio::test]
async fn too_large_a_head_is_refused() {
    let world = World::front(config());
    let large = "a".repeat(20 * 1024);
    let answer = world.raw(&format!("GET / HTTP/1.1\r\nhost: gp.example.nl\r\nx: {large}\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer:?}");
    let many = "x: y\r\n".repeat(101);
    let answer = world.raw(&format!("GET / HTTP/1.1\r\nhost: gp.example.nl\r\n{many}\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer:?}");
    let mut sender = world.http2(None).await;
    let request = Request::get(format!("https://{HOST}/")).header("x", large).body(Empty::new()).unwrap();
    let refused = soon(sender.send_request(request)).await.map(|response| response.status().as_u16());
    assert!(refused.is_err() || refused.is_ok_and(|status| status == 431));
}

#[tokio::test]
async fn a_panic_is_one_500_and_the_others_go_on() {
    let world = World::front(config());
    let mut bystander = world.http2(None).await;
    assert_eq!(soon(bystander.send_request(get2("/panic"))).await.unwrap().status(), 500);
    assert_eq!(text(soon(bystander.send_request(get2("/"))).await.unwrap()).await, "hello");
    let response = soon(world.http1(None).await.send_request(get("/panic"))).await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["connection"]), (500, &"close".parse().unwrap()));
    assert_eq!(world.counters.panics(), 2);
}

#[tokio::test]
async fn a_panic_in_the_middle_of_an_answer_ends_that_connection_and_is_counted() {
    let world = World::front(config());
    let answer = world.raw("GET /panic-later HTTP/1.1\r\nhost: gp.example.nl\r\n\r\n").await;
    assert!(!answer.contains("0\r\n\r\n"), "a cut answer does not look whole: {answer:?}");
    assert_eq!(text(soon(world.http1(None).await.send_request(get("/"))).await.unwrap()).await, "hello");
    let counters = Arc::clone(&world.counters);
    world.end().await;
    assert_eq!((counters.panics(), counters.open()), (1, 0));
}

#[tokio::test]
async fn a_watched_body_tells_whether_it_was_taken() {
    let mut world = World::front(config());
    for two in [false, true] {
        let response = if two {
            soon(world.http2(None).await.send_request(get2("/big"))).await.unwrap()
        } else {
            soon(world.http1(None).await.send_request(get("/big"))).await.unwrap()
        };
        assert_eq!(soon(response.into_body().collect()).await.unwrap().to_bytes().len(), BIG_BYTES);
        let bytes = u64::try_from(BIG_BYTES).unwrap();
        assert_eq!(soon(world.ended.recv()).await, Some(Ended::Complete { bytes }));
    }
}

#[tokio::test]
async fn a_watched_body_tells_when_the_client_goes_away() {
    let mut world = World::front(config());
    let mut stream = world.connect().await;
    stream.write_all(b"GET /big HTTP/1.1\r\nhost: gp.example.nl\r\n\r\n").await.unwrap();
    soon(stream.read_exact(&mut [0; 1000])).await.unwrap();
    drop(stream);
    let ended = soon(world.ended.recv()).await.unwrap();
    assert!(matches!(ended, Ended::Dropped { bytes: 1..16_777_216 }), "{ended:?}");
    let mut sender = world.http2(None).await;
    let response = soon(sender.send_request(get2("/big"))).await.unwrap();
    drop(response);
    let ended = soon(world.ended.recv()).await.unwrap();
    assert!(matches!(ended, Ended::Dropped { .. }), "{ended:?}");
}

#[tokio::test]
async fn an_old_connection_serves_its_last_request_and_says_so() {
    let world = World::front(EdgeConfig { connection_age_max: Duration::ZERO, ..config() });
    let response = soon(world.http1(None).await.send_request(get("/"))).await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["connection"]), (200, &"close".parse().unwrap()));
    let (mut sender, end) = world.http2_to_its_end(None).await;
    assert_eq!(text(soon(sender.send_request(get2("/"))).await.unwrap()).await, "hello");
    soon(end).await.unwrap().expect("told to go away, and not cut");
}

#[tokio::test]
async fn a_port_in_use_is_an_error() {
    let listener = bind(([127, 0, 0, 1], 0).into()).unwrap();
    let refusal = bind(listener.local_addr().unwrap()).unwrap_err();
    assert_eq!(refusal.kind(), io::ErrorKind::AddrInUse);
}
