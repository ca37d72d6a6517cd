//! Headers by which a client would like to be somebody else, or that are too many.

use inzage::tls::{ALPN_H2, ALPN_HTTP1};

use super::doors::{Door, MARKER, status};
use super::frames::{END_HEADERS, END_STREAM, GOAWAY, H2, HEADERS, RST_STREAM, block, frame, pseudo};
use crate::harness::{Gateway, json, send, text};

const DELINDE: &str = "huisarts.delinde@medmij";
const CERTIFICATE: &str = "-----BEGIN%20CERTIFICATE-----%0AMIIB%0A-----END%20CERTIFICATE-----";

/// The certificate and the address of the connection are who somebody is; no header says otherwise, and none is passed on.
#[tokio::test]
async fn case_68_headers_that_claim_another_identity() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    let claims = [
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-host", "evil.example.nl"),
        ("x-forwarded-proto", "http"),
        ("x-real-ip", "203.0.113.9"),
        ("forwarded", "for=203.0.113.9;host=evil.example.nl;proto=http"),
        ("x-ssl-client-s-dn", "CN=pgo2.localhost"),
        ("x-ssl-client-verify", "SUCCESS"),
        ("x-ssl-client-cert", CERTIFICATE),
        ("client-cert", ":MIIB:"),
        ("x-client-cert", CERTIFICATE),
        ("medmij-client-id", "pgo2.localhost"),
        ("medmij-node", "pgo2.localhost"),
        ("medmij-subject", "999911120"),
        ("x-original-url", "/fhir/other"),
        ("x-rewrite-url", "/fhir/other"),
    ];
    let asking = claims
        .iter()
        .fold(session.request(http::Method::GET, "Encounter"), |asking, (name, value)| asking.header(*name, *value));
    let reply = send(asking).await;
    assert_eq!(reply.status, 200, "{}", text(&reply));
    let plain = send(session.request(http::Method::GET, "Encounter")).await;
    assert_eq!(json(&reply)["entry"], json(&plain)["entry"]);
    let record = gateway.named_by(&reply);
    assert_eq!((&record["peer"], &record["client_id"]), (&"pgo.localhost".into(), &"pgo.localhost".into()));
    assert_eq!(record["access_point"], "127.0.0.1");
    for (name, value) in claims {
        assert!(!format!("{:?}", gateway.world.his[0].log()).contains(value), "{name} came to the HIS");
    }
    gateway.stop().await;
}

/// What a client calls hop-by-hop stays what it is for us: the token counts, and a claim does not.
#[tokio::test]
async fn case_69_headers_that_are_called_hop_by_hop() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    let door = Door::back(&gateway, ALPN_HTTP1);
    let path = session.base().split_once(&door.authority()).unwrap().1;
    for named in ["Authorization", "Host", "Accept", "close, Authorization, X-Correlation-ID", "Content-Length"] {
        let request = format!(
            "GET {path}/Encounter HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\nx-hop: 1\r\n\
             connection: {named}, x-hop\r\nconnection: close\r\n\r\n",
            door.authority(),
            session.token.access_token
        );
        let answer = door.raw(request).await;
        assert_eq!(status(&answer), 200, "{named}: {answer}");
        let without = format!(
            "GET {path}/Encounter HTTP/1.1\r\nhost: {}\r\nconnection: close, {named}\r\n\r\n",
            door.authority()
        );
        assert_eq!(status(&door.raw(without).await), 401, "{named}");
    }
    assert!(!format!("{:?}", gateway.world.his[0].log()).contains("x-hop"));
    gateway.stop().await;
}

#[tokio::test]
async fn case_79_heads_that_are_too_large() {
    let gateway = Gateway::start().await;
    let door = Door::front(&gateway, ALPN_HTTP1);
    let with = |headers: &str| format!("GET {MARKER} HTTP/1.1\r\nhost: {}\r\n{headers}\r\n", door.authority());
    let large = format!("x: {}\r\n", "a".repeat(64 * 1024));
    let large_in_parts: String = (0..64).map(|number| format!("x-{number}: {}\r\n", "a".repeat(1_024))).collect();
    let many: String = (0..200).map(|number| format!("x-{number}: y\r\n")).collect();
    let path = format!("GET /{} HTTP/1.1\r\nhost: {}\r\n\r\n", "a".repeat(64 * 1024), door.authority());
    for (what, request, expected) in [
        ("64 KiB in one", with(&large), 431),
        ("64 KiB in 64", with(&large_in_parts), 431),
        ("200 headers", with(&many), 431),
        ("an underscore", with("medmij_node: pgo2.localhost\r\n"), 400),
        ("a path of 64 KiB", path, 431),
    ] {
        let answer = door.raw(request).await;
        assert!([expected, 414].contains(&status(&answer)), "{what}: {answer}");
        assert!(!answer.contains("text/css"), "{what}");
    }
    let front = Door::front(&gateway, ALPN_H2);
    let mut headers = vec![("x-many", "y"); 200];
    let authority = front.authority();
    headers.splice(0..0, pseudo("GET", &authority, MARKER));
    let mut connection = H2::open(&front, &[]).await;
    connection.send(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &block(&headers))).await.unwrap();
    let came = connection.until(|came| [HEADERS, RST_STREAM, GOAWAY].contains(&came.kind)).await;
    assert!(came.is_none_or(|came| !came.is_ok()));
    gateway.stop().await;
}

/// An id of a client that is none is not taken over anywhere; the request has an id of ours, and is served.
#[tokio::test]
async fn case_92_a_request_id_that_is_none() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    let url = format!("{}/Encounter", session.base());
    for id in ["not-an-id", "00000000-0000-0000-0000-00000000000g", "' OR 1=1 --", &"a".repeat(4_000), "{\"id\":1}"] {
        let asking = session.client.http().get(&url).bearer_auth(&session.token.access_token);
        let reply = send(asking.header("medmij-request-id", id).header("x-correlation-id", id)).await;
        assert_eq!(reply.status, 200, "{id}: {}", text(&reply));
        let record = gateway.named_by(&reply);
        assert!(record["request_id"].is_null() && record["correlation_id"].is_null(), "{record}");
        assert!(record["local_id"].is_string() && !record.to_string().contains(id), "{record}");
        assert!(!format!("{:?}", gateway.world.his[0].log()).contains(id));
    }
    gateway.stop().await;
}
