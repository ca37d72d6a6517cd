//! Who gets a connection, and who does not.

use super::*;
use crate::edge::counters::HandshakeFailure;
use crate::tls::identity::Roots;

/// In TLS 1.3 a client learns of its refusal at its first read.
async fn is_refused(world: &World, connector: &TlsConnector) -> bool {
    let tcp = TcpStream::connect(world.address).await.unwrap();
    match shake(connector, tcp).await {
        Err(_) => true,
        Ok(mut stream) => soon(stream.read(&mut [0; 16])).await.is_err(),
    }
}

#[tokio::test]
async fn the_service_sees_the_names_of_its_peer_over_both_protocols() {
    let world = World::back();
    let pgo = world.pki.identity(&["pgo.example.nl"]);
    let mut sender = world.http1(Some(&pgo)).await;
    let response = soon(sender.send_request(get("/who"))).await.unwrap();
    assert_eq!(text(response).await, r#"Some("pgo.example.nl")"#);
    let mut sender = world.http2(Some(&pgo)).await;
    let response = soon(sender.send_request(get2("/who"))).await.unwrap();
    assert_eq!(text(response).await, r#"Some("pgo.example.nl")"#);
}

#[tokio::test]
async fn the_front_channel_takes_no_certificate_even_if_the_client_has_one() {
    let world = World::front(config());
    let mut sender = world.http1(Some(&world.pki.identity(&["pgo.example.nl"]))).await;
    assert_eq!(text(soon(sender.send_request(get("/who"))).await.unwrap()).await, "None");
}

#[tokio::test]
async fn case_23_the_back_channel_refuses_a_client_without_a_certificate() {
    let world = World::back();
    assert!(is_refused(&world, &world.connector(None, &[ALPN_HTTP1])).await);
    assert_eq!(world.counters.handshakes_failed(HandshakeFailure::NoCertificate), 1);
}

#[tokio::test]
async fn case_24_the_back_channel_refuses_certificates_that_do_not_hold() {
    use rcgen::{BasicConstraints, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, date_time_ymd};
    let world = World::back();
    let pki = &world.pki;
    let names = &["pgo.example.nl"];
    let (foreign, expired) = (Pki::new().issue(names), pki.issue_until(names, 2025));
    let future = pki.issue_changed(names, |params| params.not_before = date_time_ymd(2027, 1, 1));
    let for_servers =
        pki.issue_changed(names, |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]);
    let authority = pki.issue_changed(names, |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    });
    let all = [
        ("foreign", foreign, "2026-06-01T00:00:00Z"),
        ("expired", expired, "2024-06-01T00:00:00Z"),
        ("future", future, "2028-06-01T00:00:00Z"),
        ("for servers only", for_servers, "2026-06-01T00:00:00Z"),
        ("an authority", authority, "2026-06-01T00:00:00Z"),
    ];
    let count = u64::try_from(all.len()).unwrap();
    for (what, issued, then) in all {
        let identity = Identity::from_der(issued.chain(), issued.key(), then.parse().unwrap()).unwrap();
        assert!(is_refused(&world, &world.connector(Some(&identity), &[ALPN_HTTP1])).await, "{what}");
    }
    assert_eq!(world.counters.handshakes_failed(HandshakeFailure::BadCertificate), count);
    assert_eq!(world.counters.requests(), 0);
}

#[tokio::test]
async fn a_client_refuses_us_when_it_trusts_others() {
    let world = World::front(config());
    let stranger = client_config(&Pki::new().roots(), None, &[ALPN_HTTP1], &world.clock).unwrap();
    let tcp = TcpStream::connect(world.address).await.unwrap();
    assert!(shake(&Arc::new(stranger).into(), tcp).await.is_err());
}

#[tokio::test]
async fn an_unknown_protocol_and_bytes_that_are_not_tls_are_refused() {
    let world = World::front(config());
    assert!(is_refused(&world, &world.connector(None, &[b"spdy/3"])).await);
    let mut plain = TcpStream::connect(world.address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: gp.example.nl\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _closed_or_reset = soon(plain.read_to_end(&mut answer)).await;
    assert!(!answer.starts_with(b"HTTP"), "nothing is served in clear");
    world.drain.cancel();
    soon(world.serving).await.unwrap();
    assert_eq!(world.counters.handshakes_failed(HandshakeFailure::Incompatible), 1);
    assert_eq!(world.counters.handshakes_failed(HandshakeFailure::Malformed), 1);
}

#[tokio::test]
async fn a_client_that_only_knows_tls_1_1_gets_an_alert() {
    let world = World::front(config());
    // ClientHello of TLS 1.1: version 3.2, no extensions, one suite that existed then (RFC 4346 section 7.4.1.2).
    let mut hello = vec![0x16, 3, 1, 0, 45, 1, 0, 0, 41, 3, 2];
    hello.extend_from_slice(&[7; 32]);
    hello.extend_from_slice(&[0, 0, 2, 0, 0x2f, 1, 0]);
    let mut client = TcpStream::connect(world.address).await.unwrap();
    client.write_all(&hello).await.unwrap();
    let mut answer = Vec::new();
    soon(client.read_to_end(&mut answer)).await.unwrap();
    assert_eq!((answer.len(), answer[0], answer[5]), (7, 21, 2), "one fatal alert and nothing else");
}

#[tokio::test]
async fn a_session_resumed_after_a_new_configuration_is_shaken_in_full() {
    let world = World::back();
    let pgo = world.pki.identity(&["pgo.example.nl"]);
    let connector = world.connector(Some(&pgo), &[ALPN_HTTP1]);
    let mut kinds = Vec::new();
    for swap in [false, false, true] {
        if swap {
            let tls = back_channel(&world.own, &world.pki.roots(), &Revocations::default(), &world.clock).unwrap();
            world.tls.store(Arc::new(tls));
        }
        let mut stream = shake(&connector, TcpStream::connect(world.address).await.unwrap()).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: gp.example.nl\r\nconnection: close\r\n\r\n").await.unwrap();
        assert!(read_to_close(&mut stream).await.starts_with("HTTP/1.1 200"));
        kinds.push(stream.get_ref().1.handshake_kind().unwrap());
    }
    use rustls::HandshakeKind as K;
    assert_eq!(kinds, [K::Full, K::Resumed, K::Full]);
}

#[tokio::test]
async fn a_client_revoked_on_an_open_connection_gets_nothing_more() {
    let world = World::back();
    let pgo = world.pki.identity(&["pgo.example.nl"]);
    let mut sender = world.http2(Some(&pgo)).await;
    assert_eq!(soon(sender.send_request(get2("/"))).await.unwrap().status(), 200);
    let swap = |revoked| {
        let crls = vec![world.pki.revocations(revoked)];
        world.tls.store(Arc::new(
            back_channel(&world.own, &world.pki.roots(), &Revocations::of(crls), &world.clock).unwrap(),
        ));
    };
    swap(false);
    assert_eq!(soon(sender.send_request(get2("/"))).await.unwrap().status(), 200);
    swap(true);
    assert_eq!(soon(sender.send_request(get2("/"))).await.unwrap().status(), 403);
    assert_eq!(world.counters.distrusted_peers(), 1);
}

#[tokio::test]
async fn our_own_control_client_reaches_a_fixed_address_and_trusts_only_given_roots() {
    let world = World::back();
    let pgo = world.pki.identity(&["pgo.example.nl"]);
    let client = |roots: &Roots| {
        let tls = client_config(roots, Some(&pgo), &[ALPN_H2, ALPN_HTTP1], &world.clock).unwrap();
        let deadlines =
            crate::tls::client::Deadlines { connect: Duration::from_secs(9), total: Duration::from_secs(9) };
        let resolve = [(crate::medmij::Hostname::parse(HOST).unwrap(), world.address.ip())];
        crate::tls::client::reqwest_client(tls, &crate::outgoing::Outgoing::new(resolve, &[]), deadlines).unwrap()
    };
    let url = |scheme, path| format!("{scheme}://{HOST}:{}{path}", world.address.port());
    let own = client(&world.pki.roots());
    let response = soon(own.get(url("https", "/who")).send()).await.unwrap();
    assert_eq!(soon(response.text()).await.unwrap(), r#"Some("pgo.example.nl")"#);
    assert_eq!(soon(own.get(url("https", "/away")).send()).await.unwrap().status(), 302, "and not followed");
    assert!(soon(own.get(url("http", "/who")).send()).await.unwrap_err().is_builder(), "refused before connecting");
    assert!(soon(client(&Pki::new().roots()).get(url("https", "/who")).send()).await.unwrap_err().is_connect());
}

#[tokio::test]
async fn a_session_does_not_outlive_the_certificate_that_began_it() {
    let world = World::back();
    let issued = world.pki.issue_until(&["pgo.example.nl"], 2027);
    let connector = world.connector(Some(&issued.identity()), &[ALPN_HTTP1]);
    let tcp = || TcpStream::connect(world.address);
    let mut stream = shake(&connector, tcp().await.unwrap()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: gp.example.nl\r\nconnection: close\r\n\r\n").await.unwrap();
    assert!(read_to_close(&mut stream).await.starts_with("HTTP/1.1 200"));
    world.time.advance(Duration::from_secs(60 * 24 * 3600));
    let mut stream = shake(&connector, tcp().await.unwrap()).await.unwrap();
    assert_eq!(stream.get_ref().1.handshake_kind(), Some(rustls::HandshakeKind::Resumed));
    assert!(soon(stream.read(&mut [0; 16])).await.is_err());
    assert_eq!(world.counters.handshakes_failed(HandshakeFailure::BadCertificate), 1);
}
