//! Requests that are read in two ways, or that are for somebody else: one answer, and nothing after it is executed.

use inzage::tls::{ALPN_H2, ALPN_HTTP1};

use super::doors::{Door, MARKER, status};
use super::frames::{DATA, END_HEADERS, END_STREAM, GOAWAY, H2, HEADERS, RST_STREAM, block, frame, pseudo};
use crate::harness::Gateway;

/// One answer with this status, and the request that came after it was not executed.
async fn assert_alone(door: &Door, request: &str, expected: u16) {
    let marker = format!("GET {MARKER} HTTP/1.1\r\nhost: {}\r\n\r\n", door.authority());
    let answer = door.raw(format!("{request}{marker}")).await;
    assert_eq!(status(&answer), expected, "{request:?}: {answer:?}");
    assert_eq!(answer.matches("HTTP/1.").count(), 1, "{request:?}: {answer:?}");
    assert!(!answer.contains("text/css"), "{request:?}: {answer:?}");
}

#[tokio::test]
async fn case_66_ambiguous_framing_ends_the_connection_and_hides_no_request() {
    let gateway = Gateway::start().await;
    let door = Door::front(&gateway, ALPN_HTTP1);
    let post = |headers: &str, body: &str| {
        format!("POST /inzagelog HTTP/1.1\r\nhost: {}\r\n{headers}\r\n\r\n{body}", door.authority())
    };
    for (headers, body) in [
        ("content-length: 5\r\ncontent-length: 6", "abcdef"),
        ("content-length: 5, 6", "abcdef"),
        ("content-length: +5", "abcde"),
        ("content-length: 0x5", "abcde"),
        ("content-length: -1", ""),
        ("content-length: 5 5", "abcde"),
        ("content-length: 18446744073709551616", ""),
        ("content-length : 5", "abcde"),
        ("transfer-encoding: xchunked", "0\r\n\r\n"),
        ("transfer-encoding: chunked, identity", "0\r\n\r\n"),
        ("transfer-encoding: gzip, chunked", "0\r\n\r\n"),
        ("transfer-encoding: chunked\r\ntransfer-encoding: chunked", "0\r\n\r\n"),
        ("transfer-encoding: chunked\r\ntransfer-encoding: x", "0\r\n\r\n"),
        ("transfer-encoding: identity", "abcde"),
        ("transfer-encoding : chunked", "0\r\n\r\n"),
        (" transfer-encoding: chunked", "0\r\n\r\n"),
        ("x: a\r\n transfer-encoding: chunked", "0\r\n\r\n"),
        ("x: a\u{0}b", ""),
        ("x: a\rtransfer-encoding: chunked", "0\r\n\r\n"),
    ] {
        assert_alone(&door, &post(headers, body), 400).await;
    }
    gateway.stop().await;
}

/// A length beside chunks is read as RFC 9112 section 6.3 says, and the connection ends with the answer.
#[tokio::test]
async fn case_66_a_length_beside_chunks_ends_the_connection_with_its_answer() {
    let gateway = Gateway::start().await;
    let door = Door::front(&gateway, ALPN_HTTP1);
    for headers in [
        "content-length: 4\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 4",
        "transfer-encoding: chunked\r\ncontent-length: 400",
    ] {
        let request = format!("POST /inzagelog HTTP/1.1\r\nhost: {}\r\n{headers}\r\n\r\n0\r\n\r\n", door.authority());
        let marker = format!("GET {MARKER} HTTP/1.1\r\nhost: {}\r\n\r\n", door.authority());
        let answer = door.raw(format!("{request}{marker}")).await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{headers}: {answer:?}");
        assert!(!answer.contains("text/css"), "{headers}: {answer:?}");
    }
    gateway.stop().await;
}

/// What an answer over HTTP/2 is: refused as a stream or connection, or with a status that is not 200.
async fn assert_refused_over_http2(door: &Door, frames: &[u8], what: &str) {
    let mut connection = H2::open(door, &[]).await;
    connection.send(frames).await.unwrap();
    let came = connection.until(|came| [HEADERS, RST_STREAM, GOAWAY].contains(&came.kind)).await;
    assert!(came.is_none_or(|came| !came.is_ok()), "{what}");
}

#[tokio::test]
async fn case_67_a_request_of_http_2_that_contradicts_itself() {
    let gateway = Gateway::start().await;
    let door = Door::front(&gateway, ALPN_H2);
    let authority = door.authority();
    let base = pseudo("GET", &authority, MARKER);
    let head = |headers: &[(&str, &str)]| frame(HEADERS, END_STREAM | END_HEADERS, 1, &block(headers));
    let with = |more: (&'static str, &'static str)| head(&[&base[..], &[more]].concat());
    let path = |path: &str| head(&pseudo("GET", &authority, path));
    for (what, frames) in [
        ("a space in the path", path("/assets/inzage.css x")),
        ("a line end in the path", path("/assets/inzage.css\r\nx: y")),
        ("no path", path("")),
        ("a path that is none", path("assets/inzage.css")),
        ("two paths", with((":path", "/other"))),
        ("two authorities", with((":authority", "gp.example.nl"))),
        ("a pseudo-header of an answer", with((":status", "200"))),
        ("a pseudo-header after a header", head(&[&[("x", "y")][..], &base[..]].concat())),
        ("connection", with(("connection", "keep-alive"))),
        ("transfer-encoding", with(("transfer-encoding", "chunked"))),
        ("upgrade", with(("upgrade", "h2c"))),
        ("a name in capitals", with(("X-Upper", "y"))),
        ("a line end in a header", with(("x", "a\r\nb: c"))),
        ("no scheme", head(&[base[0], base[2], base[3]])),
        ("plain http", head(&[(":scheme", "http"), base[0], base[2], base[3]])),
        ("a length without a body", with(("content-length", "5"))),
    ] {
        assert_refused_over_http2(&door, &frames, what).await;
    }
    let mut headers = pseudo("POST", &authority, "/inzagelog").to_vec();
    headers.push(("content-length", "5"));
    let begun = frame(HEADERS, END_HEADERS, 1, &block(&headers));
    for body in [&b"abc"[..], b"abcdefgh"] {
        let frames = [begun.clone(), frame(DATA, END_STREAM, 1, body)].concat();
        assert_refused_over_http2(&door, &frames, "a body of another length").await;
    }
    let mut right = H2::open(&door, &[]).await;
    right.send(&head(&base)).await.unwrap();
    assert!(right.until(|came| came.kind == HEADERS).await.unwrap().is_ok(), "it is not simply broken");
    gateway.stop().await;
}

/// The name of the handshake, `Host` and `:authority` are one and the same, and ours on this listener.
#[tokio::test]
async fn case_70_host_and_sni_disagree() {
    let gateway = Gateway::start().await;
    let (front, back) = (Door::front(&gateway, ALPN_HTTP1), Door::back(&gateway, ALPN_HTTP1));
    let get = |host: &str| format!("GET {MARKER} HTTP/1.1\r\nhost: {host}\r\n\r\n");
    for host in [back.authority(), "evil.example.nl".to_owned(), "127.0.0.1".to_owned()] {
        assert_alone(&front, &get(&host), 421).await;
    }
    assert_alone(&back, &get(&front.authority()), 421).await;
    let front = Door::front(&gateway, ALPN_H2);
    let mut connection = H2::open(&front, &[]).await;
    let foreign = block(&pseudo("GET", &back.authority(), MARKER));
    connection.send(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &foreign)).await.unwrap();
    let answer = connection.until(|came| came.kind == HEADERS).await.unwrap();
    let text = String::from_utf8_lossy(&answer.payload).into_owned();
    // Not in the static table, so it stands there as a literal, in Huffman code or not.
    let huffman_421 = [0x68, 0x41];
    assert!(text.contains("421") || answer.payload.windows(2).any(|pair| pair == huffman_421), "{answer:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn case_82_old_versions_proxies_tunnels_and_upgrades() {
    let gateway = Gateway::start().await;
    let door = Door::front(&gateway, ALPN_HTTP1);
    let authority = door.authority();
    let host = format!("host: {authority}");
    for (request, expected) in [
        (format!("GET {MARKER} HTTP/1.0\r\n{host}\r\n\r\n"), 400),
        (format!("GET http://evil.example.nl{MARKER} HTTP/1.1\r\n{host}\r\n\r\n"), 400),
        (format!("GET https://evil.example.nl{MARKER} HTTP/1.1\r\n{host}\r\n\r\n"), 400),
        (format!("CONNECT {authority} HTTP/1.1\r\n{host}\r\n\r\n"), 405),
        (format!("TRACE {MARKER} HTTP/1.1\r\n{host}\r\n\r\n"), 405),
        (format!("OPTIONS * HTTP/1.1\r\n{host}\r\n\r\n"), 400),
        (format!("GET {MARKER} HTTP/1.1\r\n{host}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"), 400),
        (format!("GET {MARKER} HTTP/1.1\r\n{host}\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"), 400),
        (format!("GET {MARKER} HTTP/1.1\r\n\r\n"), 400),
        (format!("GET {MARKER} HTTP/1.1\r\n{host}\r\n{host}\r\n\r\n"), 400),
    ] {
        assert_alone(&door, &request, expected).await;
    }
    let trace = door.raw(format!("TRACE {MARKER} HTTP/1.1\r\n{host}\r\n\r\n")).await;
    assert!(trace.contains("allow: GET, HEAD, POST, PUT, DELETE\r\n"), "{trace}");
    for request in
        [format!("GET {MARKER} HTTP/2.0\r\n{host}\r\n\r\n"), format!("GET {MARKER}\r\n"), "\u{16}\u{3}".into()]
    {
        let answer = door.raw(format!("{request}\r\n\r\n")).await;
        assert!(answer.is_empty() || status(&answer) == 400, "{request:?}: {answer:?}");
    }
    gateway.stop().await;
}
