//! Clients that are slow on purpose. Each deadline is short here, and awaited: none is slept for.

use inzage::tls::{ALPN_H2, ALPN_HTTP1};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::doors::{Door, MARKER, read_to_close, status};
use crate::harness::Gateway;

const DELINDE: &str = "huisarts.delinde@medmij";

/// Whether the other side ends a connection without a word.
async fn is_closed(mut stream: TcpStream) -> bool {
    let mut heard = Vec::new();
    match stream.read_to_end(&mut heard).await {
        Ok(_) => heard.is_empty(),
        Err(_reset) => true,
    }
}

/// As many as may connect send a head that does not end; when their time is over there is room for others again.
#[tokio::test]
async fn case_76_slow_headers() {
    let gateway = Gateway::start_with("[edge]\nmax_connections = 40\nheader_timeout_ms = 500\n").await;
    let door = Door::front(&gateway, ALPN_HTTP1);
    let mut slow = Vec::new();
    for number in 0..40 {
        let mut stream = door.open().await;
        let silent = number % 2 == 0;
        let part = if silent { "" } else { "GET / HTTP/1.1\r\nhost: " };
        stream.write_all(part.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    assert!(door.try_open().await.is_err(), "there is no room for one more");
    for mut stream in slow {
        assert_eq!(read_to_close(&mut stream).await, "", "it never asked anything");
    }
    assert_eq!(status(&door.raw(door.get(MARKER)).await), 200);
    gateway.stop().await;
}

#[tokio::test]
async fn case_76_a_slow_body() {
    let gateway = Gateway::start_with("[edge]\nheader_timeout_ms = 300\n").await;
    let (front, back) = (Door::front(&gateway, ALPN_HTTP1), Door::back(&gateway, ALPN_HTTP1));
    for (door, path) in [(&front, "/visit/x/landing"), (&back, "/oauth/token"), (&back, "/oauth/revoke")] {
        for framing in ["content-length: 100", "transfer-encoding: chunked"] {
            let begun = format!(
                "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/x-www-form-urlencoded\r\n{framing}\r\n\r\n3\r\n",
                door.authority()
            );
            let answer = door.raw(begun).await;
            assert!((400..500).contains(&status(&answer)), "{path} {framing}: {answer}");
        }
    }
    gateway.stop().await;
}

/// Nobody takes the answer; the connection ends, and with it what it held.
#[tokio::test]
async fn case_76_a_slow_read() {
    let gateway = Gateway::start_with("[edge]\nstall_timeout_ms = 300\nmax_requests = 1\n").await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    gateway.world.his[0].set_faults(inzage::sandbox::his::faults::Faults { huge_mb: 7, ..Default::default() });
    let reading = crate::slow::slow_reader(&gateway, &session, "Encounter").await;
    assert_eq!(reading.status(), 200);
    assert_eq!(session.get("Encounter").await.status, 503, "it has the only place");
    let mut tries = 0;
    // Its end is nothing that we are told of.
    while session.get("Patient").await.status == 503 {
        tries += 1;
        assert!(tries < 20_000, "it still has its place");
    }
    drop(reading);
    gateway.stop().await;
}

#[tokio::test]
async fn case_77_handshakes_that_stall() {
    let gateway = Gateway::start_with("[edge]\nhandshake_timeout_ms = 60000\nmax_handshakes_per_network = 3\n").await;
    let door = Door::front(&gateway, ALPN_H2);
    // The beginning of a ClientHello, and nothing after it.
    let mut stalled = Vec::new();
    for _ in 0..3 {
        let mut stream = door.knock().await;
        stream.write_all(&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]).await.unwrap();
        stalled.push(stream);
    }
    // The three are accepted before those that come after them.
    assert!(is_closed(door.knock().await).await);
    assert!(door.try_open().await.is_err());
    let back = Door::back(&gateway, ALPN_HTTP1);
    assert_eq!(status(&back.raw(back.get("/nowhere")).await), 404, "the other listener does not notice");
    drop(stalled);
    let mut tries = 0;
    while door.try_open().await.is_err() {
        tries += 1;
        assert!(tries < 20_000, "there is still no room");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn case_77_a_handshake_has_its_time() {
    let gateway = Gateway::start_with("[edge]\nhandshake_timeout_ms = 200\n").await;
    let door = Door::front(&gateway, ALPN_H2);
    for begun in [&[][..], &[0x16], &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]] {
        let mut stream = door.knock().await;
        stream.write_all(begun).await.unwrap();
        assert!(is_closed(stream).await, "{begun:?}");
    }
    gateway.stop().await;
}
