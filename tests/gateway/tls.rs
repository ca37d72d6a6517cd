//! The two public listeners as a TLS client sees them.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use inzage::clock::SharedClock;
use inzage::medmij::Hostname;
use inzage::outgoing::Outgoing;
use inzage::sandbox::client::new_id;
use inzage::tls::client::{Deadlines, client_config, reqwest_client};
use inzage::tls::identity::{Identity, Roots};
use inzage::tls::provider;
use reqwest::Version;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, ClientConfig, ProtocolVersion, SignatureScheme, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::harness::Gateway;

const FRONT: &str = "inloggen.inzage.localhost";
const BACK: &str = "inzage.localhost";
const DEADLINES: Deadlines =
    Deadlines { connect: std::time::Duration::from_secs(5), total: std::time::Duration::from_secs(30) };

fn port(origin: &str) -> u16 {
    origin.rsplit_once(':').unwrap().1.parse().unwrap()
}

fn ports(gateway: &Gateway) -> (u16, u16) {
    (port(&gateway.world.layout.front_origin()), port(&gateway.world.layout.back_origin()))
}

fn hosts() -> BTreeMap<Hostname, IpAddr> {
    [FRONT, BACK].map(|host| (Hostname::parse(host).unwrap(), Ipv4Addr::LOCALHOST.into())).into()
}

fn roots(gateway: &Gateway) -> Roots {
    Roots::load(&gateway.folder().join("ca.pem")).unwrap()
}

fn clock(gateway: &Gateway) -> SharedClock {
    Arc::clone(&gateway.clock) as _
}

/// The identity of the PGO, from the files of the sandbox.
fn pgo(gateway: &Gateway) -> Identity {
    let now = inzage::clock::Clock::now(&*gateway.clock);
    Identity::load(&gateway.folder().join("pgo.pem"), &gateway.folder().join("pgo.key"), now).unwrap()
}

/// An identity for the host of the PGO from an authority that nobody knows.
fn forged(gateway: &Gateway) -> Identity {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::default();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    // By the name of the real one.
    authority.distinguished_name = rcgen::DistinguishedName::new();
    authority.distinguished_name.push(rcgen::DnType::CommonName, "Inzage sandbox, not a real authority");
    let issuer = rcgen::Issuer::new(authority, key);
    let own = rcgen::KeyPair::generate().unwrap();
    let mut leaf = rcgen::CertificateParams::new(vec!["pgo.localhost".to_owned()]).unwrap();
    leaf.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = leaf.signed_by(&own, &issuer).unwrap();
    let (pem, private) = (gateway.folder().join("forged.pem"), gateway.folder().join("forged.key"));
    std::fs::write(&pem, certificate.pem()).unwrap();
    std::fs::write(&private, own.serialize_pem()).unwrap();
    private_to_owner(&private);
    Identity::load(&pem, &private, inzage::clock::Clock::now(&*gateway.clock)).unwrap()
}

fn private_to_owner(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

async fn shake(config: ClientConfig, host: &str, port: u16) -> io::Result<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(("127.0.0.1", port)).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(host.to_owned()).unwrap(), tcp).await
}

/// Shakes hands and asks; in TLS 1.3 a refused certificate is seen at the first read only.
async fn ask(config: ClientConfig, host: &str, port: u16) -> io::Result<String> {
    let mut stream = shake(config, host, port).await?;
    let request = format!("GET /nowhere HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    match stream.read_to_string(&mut answer).await {
        Ok(_) => Ok(answer),
        Err(error) => Err(error),
    }
}

fn alert(error: &io::Error) -> Option<AlertDescription> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    if let rustls::Error::AlertReceived(alert) = error { Some(*alert) } else { None }
}

fn plain(gateway: &Gateway, identity: Option<&Identity>) -> ClientConfig {
    client_config(&roots(gateway), identity, &[], &clock(gateway)).unwrap()
}

#[tokio::test]
async fn the_back_channel_is_for_known_certificates_only() {
    let gateway = Gateway::start().await;
    let (_, back) = ports(&gateway);
    let refused = ask(plain(&gateway, None), BACK, back).await.unwrap_err();
    assert_eq!(alert(&refused), Some(AlertDescription::CertificateRequired), "{refused}");
    let refused = ask(plain(&gateway, Some(&forged(&gateway))), BACK, back).await.unwrap_err();
    assert!(
        matches!(
            alert(&refused),
            Some(AlertDescription::UnknownCA | AlertDescription::DecryptError | AlertDescription::BadCertificate)
        ),
        "{refused}"
    );
    let answer = ask(plain(&gateway, Some(&pgo(&gateway))), BACK, back).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    gateway.stop().await;
}

/// Shows no certificate, and remembers whether it was asked for one.
#[derive(Debug, Default)]
struct Asked(AtomicBool);

impl ResolvesClientCert for Asked {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn the_front_channel_never_asks_for_a_certificate() {
    let gateway = Gateway::start().await;
    let (front, back) = ports(&gateway);
    for (host, port, asks) in [(FRONT, front, false), (BACK, back, true)] {
        for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
            let asked = Arc::new(Asked::default());
            let mut config = only(&gateway, version);
            config.client_auth_cert_resolver = Arc::clone(&asked) as _;
            let _ = shake(config, host, port).await;
            assert_eq!(asked.0.load(Ordering::Relaxed), asks, "{host} {version:?}");
        }
    }
    gateway.stop().await;
}

/// A client without certificate that speaks one version only.
fn only(gateway: &Gateway, version: &'static SupportedProtocolVersion) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(provider()).with_protocol_versions(&[version]).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(gateway.folder().join("ca.pem")).unwrap()).unwrap();
    builder.with_root_certificates(roots).with_no_client_auth()
}

#[tokio::test]
async fn case_78_both_listeners_speak_tls_1_2_and_1_3_and_nothing_older() {
    let gateway = Gateway::start().await;
    let (front, back) = ports(&gateway);
    for (version, number) in
        [(&rustls::version::TLS13, ProtocolVersion::TLSv1_3), (&rustls::version::TLS12, ProtocolVersion::TLSv1_2)]
    {
        let stream = shake(only(&gateway, version), FRONT, front).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(number));
    }
    for port in [front, back] {
        // SSL 3.0, TLS 1.0 and 1.1 by their numbers on the wire.
        for minor in [0, 1, 2] {
            let mut tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            tcp.write_all(&old_hello(minor)).await.unwrap();
            let mut answer = Vec::new();
            tcp.read_to_end(&mut answer).await.unwrap();
            // One fatal alert, protocol_version (RFC 8446 section 6.2), and the end of the connection.
            assert_eq!((answer[0], &answer[5..]), (21, &[2, 70][..]), "3.{minor}: {answer:?}");
        }
    }
    gateway.stop().await;
}

/// A ClientHello (RFC 4346 section 7.4.1.2) that offers this version and no newer one.
fn old_hello(minor: u8) -> Vec<u8> {
    let suites = [0xc0, 0x09, 0xc0, 0x0a, 0xc0, 0x13, 0xc0, 0x14, 0x00, 0x2f, 0x00, 0x35];
    let mut body = vec![3, minor];
    body.extend([7; 32]);
    body.extend([0, 0, 12]);
    body.extend(suites);
    body.extend([1, 0]);
    // secp256r1 as the only group, and the signature algorithms that a server looks for first.
    let extensions = [0, 10, 0, 4, 0, 2, 0, 23, 0, 13, 0, 4, 0, 2, 4, 3];
    body.extend([0, 16]);
    body.extend(extensions);
    let length = u8::try_from(body.len()).unwrap();
    let mut record = vec![22, 3, minor, 0, length + 4, 1, 0, 0, length];
    record.extend(body);
    record
}

#[tokio::test]
async fn http_1_and_http_2_are_both_served_on_both_listeners() {
    let gateway = Gateway::start().await;
    let session = gateway.session("huisarts.delinde@medmij", &gateway.patient()).await;
    let hosts = hosts();
    for (alpn, version) in [(inzage::tls::ALPN_HTTP1, Version::HTTP_11), (inzage::tls::ALPN_H2, Version::HTTP_2)] {
        let tls = client_config(&roots(&gateway), Some(&pgo(&gateway)), &[alpn], &clock(&gateway)).unwrap();
        let http = reqwest_client(tls, &Outgoing::new(hosts.clone(), &[]), DEADLINES).unwrap();
        let page = http.get(format!("{}/oauth/authorize", gateway.world.layout.front_origin())).send().await.unwrap();
        assert_eq!((page.status().as_u16(), page.version()), (400, version));
        let data = http.get(format!("{}/EpisodeOfCare", session.base())).bearer_auth(&session.token.access_token);
        let data = data.header("x-correlation-id", new_id()).send().await.unwrap();
        assert_eq!((data.status().as_u16(), data.version()), (200, version));
        assert!(data.text().await.unwrap().contains("searchset"));
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_request_for_another_host_is_misdirected() {
    let gateway = Gateway::start().await;
    let (front, back) = ports(&gateway);
    let client = gateway.client("pgo");
    let cases = [
        (gateway.world.layout.front_origin(), "evil.example.nl".to_owned()),
        (gateway.world.layout.front_origin(), format!("{BACK}:{front}")),
        (gateway.world.layout.front_origin(), format!("{FRONT}:{back}")),
        (gateway.world.layout.front_origin(), FRONT.to_owned()),
        (gateway.world.layout.back_origin(), format!("{FRONT}:{front}")),
        (gateway.world.layout.back_origin(), "127.0.0.1".to_owned()),
    ];
    let tls = client_config(&roots(&gateway), Some(&pgo(&gateway)), &[inzage::tls::ALPN_HTTP1], &clock(&gateway));
    let http = reqwest_client(tls.unwrap(), &Outgoing::new(hosts(), &[]), DEADLINES).unwrap();
    for (origin, host) in cases {
        let url = format!("{origin}/oauth/authorize?client_id={}", client.client_id);
        let response = http.get(url).header("host", &host).send().await.unwrap();
        assert_eq!(response.status(), 421, "{origin} {host}");
        assert!(response.bytes().await.unwrap().is_empty());
    }
    // The name of the handshake counts too: the one of the front channel, on the back channel.
    let mut stream = shake(plain(&gateway, Some(&pgo(&gateway))), BACK, back).await.unwrap();
    let request = format!("GET / HTTP/1.1\r\nHost: {FRONT}:{back}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 421"), "{answer}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_request_that_is_no_plain_http_1_1_is_turned_away() {
    let gateway = Gateway::start().await;
    let (front, _) = ports(&gateway);
    let host = format!("Host: {FRONT}:{front}\r\n");
    let cases = [
        (format!("GET /oauth/authorize HTTP/1.0\r\n{host}\r\n"), &["400", "505"][..]),
        (format!("GET https://evil.example.nl/ HTTP/1.1\r\n{host}Connection: close\r\n\r\n"), &["400", "421"]),
        (format!("CONNECT {FRONT}:{front} HTTP/1.1\r\n{host}Connection: close\r\n\r\n"), &["405"]),
        (format!("TRACE / HTTP/1.1\r\n{host}Connection: close\r\n\r\n"), &["405"]),
        (
            format!(
                "GET / HTTP/1.1\r\n{host}Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"
            ),
            &["400"],
        ),
        (
            format!(
                "GET / HTTP/1.1\r\n{host}Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"
            ),
            &["400"],
        ),
        ("GET / HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(), &["400"]),
    ];
    for (request, expected) in cases {
        let mut stream = shake(plain(&gateway, None), FRONT, front).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // The end of the connection may come with or without a last word of TLS.
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(expected.contains(&status), "{request}{answer}");
        assert!(!answer.contains("101 Switching"));
    }
    gateway.stop().await;
}

#[tokio::test]
async fn case_93_what_is_for_operators_is_not_on_the_public_listeners() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    for path in ["/livez", "/readyz", "/startupz", "/metrics"] {
        assert_eq!(gateway.ops(path).await.0, 200, "{path}");
        for origin in [gateway.world.layout.front_origin(), gateway.world.layout.back_origin()] {
            let response = client.http().get(format!("{origin}{path}")).send().await.unwrap();
            assert_eq!(response.status(), 404, "{origin}{path}");
            assert!(!response.text().await.unwrap().contains("inzage_"));
        }
    }
    gateway.stop().await;
}
