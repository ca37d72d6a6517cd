//! Another configuration, other certificates and other revocation lists while the node runs: taken over whole, or refused whole.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use inzage::app::reload::{Cause, Reloaded};
use inzage::clock::SharedClock;
use inzage::config::Config;
use inzage::sandbox::client::new_id;
use inzage::sandbox::his::faults::Faults;
use inzage::sandbox::person::{Choices, End};
use inzage::tls::client::client_config;
use inzage::tls::identity::{Identity, Roots};
use jiff::civil::{Date, date};
use rustls::{AlertDescription, ClientConfig, HandshakeKind, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::harness::{Gateway, fault};

const DELINDE: &str = "huisarts.delinde@medmij";
const BACK: &str = "inzage.localhost";
/// Past the clock of the tests.
const LATER: Date = date(2030, 1, 1);

impl Gateway {
    /// Reads the configuration again; why not, when it is refused.
    async fn reload(&self) -> Result<Reloaded, String> {
        self.controls().reloads.reload(Cause::Operator).await.map_err(|error| error.reason())
    }

    /// Writes something else into the configuration, where it stands for the first time.
    fn edit(&self, from: &str, to: &str) {
        let path = self.folder().join("gateway.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from}");
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
    }

    /// Gives a file of this name another certificate.
    fn issue(&self, file: &str, host: &str) {
        self.world.authority.issue(self.folder(), file, host).unwrap();
    }

    /// Revokes the certificates in these files, and nothing else.
    fn revoke(&self, files: &[&str]) {
        let files: Vec<PathBuf> = files.iter().map(|file| self.folder().join(file)).collect();
        let files: Vec<_> = files.iter().map(PathBuf::as_path).collect();
        let list = self.world.authority.revocation_list(&files, LATER).unwrap();
        std::fs::write(self.folder().join("clients.crl"), list).unwrap();
    }

    /// Holds the clients of the back channel against a revocation list.
    fn check_revocations(&self) {
        self.revoke(&[]);
        self.edit("client_roots = \"ca.pem\"", "client_roots = \"ca.pem\"\nclient_crls = [\"clients.crl\"]");
    }

    /// The alarms that last, with what they say.
    async fn alarms(&self) -> Vec<(String, String)> {
        let report: Value = serde_json::from_str(&self.ops("/readyz").await.1).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        report["alarms"].as_array().unwrap().iter().map(|it| (text(&it["alarm"]), text(&it["detail"]))).collect()
    }

    async fn metric(&self, line: &str) -> bool {
        self.ops("/metrics").await.1.lines().any(|found| found == line)
    }

    fn tls(&self, file: &str) -> ClientConfig {
        let clock: SharedClock = Arc::clone(&self.clock) as _;
        let path = |kind: &str| self.folder().join(format!("{file}.{kind}"));
        let own = Identity::load(&path("pem"), &path("key"), inzage::clock::Clock::now(&*clock)).unwrap();
        client_config(&Roots::load(&self.folder().join("ca.pem")).unwrap(), Some(&own), &[], &clock).unwrap()
    }

    async fn connect(&self, config: &Arc<ClientConfig>) -> io::Result<TlsStream<TcpStream>> {
        let origin = self.world.layout.back_origin();
        let port: u16 = origin.rsplit_once(':').unwrap().1.parse().unwrap();
        let tcp = TcpStream::connect(("127.0.0.1", port)).await?;
        TlsConnector::from(Arc::clone(config)).connect(ServerName::try_from(BACK).unwrap(), tcp).await
    }

    /// The status of a request on a connection that stays open, or what the other side says instead.
    async fn ask(&self, stream: &mut TlsStream<TcpStream>) -> io::Result<u16> {
        let origin = self.world.layout.back_origin();
        let host = origin.strip_prefix("https://").unwrap();
        stream.write_all(format!("GET /nowhere HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).await?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await?);
        }
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.contains("content-length: 0\r\n"), "{answer}");
        Ok(answer.split(' ').nth(1).unwrap().parse().unwrap())
    }

    /// The certificate that the back channel shows now.
    async fn shown(&self) -> CertificateDer<'static> {
        let stream = self.connect(&Arc::new(self.tls("pgo"))).await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
    }

    fn certificate(&self, file: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.folder().join(file)).unwrap()
    }
}

fn alert(error: &io::Error) -> Option<AlertDescription> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    if let rustls::Error::AlertReceived(alert) = error { Some(*alert) } else { None }
}

fn copy(from: &Path, to: &Path) {
    std::fs::copy(from, to).unwrap();
}

#[tokio::test]
async fn a_new_certificate_is_shown_from_then_on_and_open_connections_stay() {
    let gateway = Gateway::start().await;
    let mut open = gateway.connect(&Arc::new(gateway.tls("pgo"))).await.unwrap();
    assert_eq!(gateway.ask(&mut open).await.unwrap(), 404);
    gateway.issue("back", BACK);
    assert_ne!(gateway.shown().await, gateway.certificate("back.pem"));
    gateway.reload().await.unwrap();
    assert_eq!(gateway.shown().await, gateway.certificate("back.pem"));
    assert_eq!(gateway.ask(&mut open).await.unwrap(), 404);
    assert!(gateway.metric("inzage_configuration_generation 2").await);
    let record = gateway.last_audit("configuration_changed");
    assert!(record["detail"].as_str().unwrap().ends_with(": back.certificate, back.key"), "{record}");
    assert_eq!(gateway.reload().await, Ok(Reloaded::Unchanged));
    assert!(gateway.metric("inzage_configuration_generation 2").await);
    gateway.stop().await;
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_as_check_config_does_and_the_old_stays() {
    let gateway = Gateway::start().await;
    let folder = gateway.folder().to_owned();
    let (certificate, key) = (folder.join("back.pem"), folder.join("back.key"));
    let (good, good_key) = (std::fs::read(&certificate).unwrap(), std::fs::read(&key).unwrap());
    let before = gateway.shown().await;
    let authority = &gateway.world.authority;
    let expired = || drop(authority.issue_until(&folder, "back", BACK, date(2026, 1, 1)).unwrap());
    let cases: [(&str, &dyn Fn()); 5] = [
        ("does not belong to the certificate", &|| copy(&folder.join("front.key"), &key)),
        ("the certificate has expired", &expired),
        ("back.certificate: ", &|| std::fs::write(&certificate, "no certificate").unwrap()),
        ("back.key: ", &|| std::fs::write(&key, "").unwrap()),
        ("back.certificate: ", &|| std::fs::remove_file(&certificate).unwrap()),
    ];
    let refused = cases.len();
    for (reason, damage) in cases {
        damage();
        let said = gateway.reload().await.unwrap_err();
        assert!(said.contains(reason), "{said}");
        let config = Config::load(&folder.join("gateway.toml")).unwrap();
        assert!(inzage::app::check(&config, &(Arc::clone(&gateway.clock) as _)).is_err(), "{reason}");
        assert_eq!(gateway.alarms().await, [("configuration_refused".to_owned(), said)]);
        assert_eq!(gateway.shown().await, before);
        std::fs::write(&certificate, &good).unwrap();
        std::fs::write(&key, &good_key).unwrap();
        assert_eq!(gateway.reload().await, Ok(Reloaded::Unchanged));
        assert_eq!(gateway.alarms().await, []);
    }
    let refusals = gateway.ops("/metrics").await.1;
    let line = refusals.lines().find(|line| line.starts_with("inzage_configuration_reloads_total{result=\"refused\"}"));
    let counted: usize = line.unwrap().rsplit_once(' ').unwrap().1.parse().unwrap();
    assert!(counted >= refused, "{line:?}");
    let changes = gateway.audit_of("configuration_changed");
    assert_eq!(changes.len(), 1, "the start: {changes:#?}");
    gateway.stop().await;
}

/// F19: certificate and key replaced 20 times under load, once mismatched, once expired.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_handshake_fails_while_certificates_are_replaced() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    let (ends, shaken, failed) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let load = async {
        while !ends.load(Ordering::Relaxed) {
            // Each client makes a connection of its own.
            let url = format!("{}/EpisodeOfCare", session.base());
            let fresh = gateway.client("pgo");
            let answered = fresh.get(&url, &session.token.access_token, &new_id()).await;
            shaken.fetch_add(1, Ordering::Relaxed);
            let kept = session.get("EpisodeOfCare").await;
            if !answered.is_ok_and(|reply| reply.status == 200) || kept.status != 200 {
                failed.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    let replacing = async {
        for round in 0..20 {
            let before = gateway.shown().await;
            match round {
                7 => copy(&gateway.folder().join("front.key"), &gateway.folder().join("back.key")),
                13 => {
                    gateway.world.authority.issue_until(gateway.folder(), "back", BACK, date(2026, 1, 1)).unwrap();
                }
                _ => gateway.issue("back", BACK),
            }
            let good = !matches!(round, 7 | 13);
            assert_eq!(gateway.reload().await.is_ok(), good, "{round}");
            assert_eq!(gateway.shown().await != before, good, "{round}");
        }
        ends.store(true, Ordering::Relaxed);
    };
    tokio::join!(replacing, load);
    assert!(shaken.load(Ordering::Relaxed) > 5);
    assert_eq!(failed.load(Ordering::Relaxed), 0);
    gateway.stop().await;
}

/// F20, and the attack with a certificate that was taken back: on a new, a resumed and an open connection.
#[tokio::test]
async fn a_revoked_client_is_refused_on_every_connection() {
    let gateway = Gateway::start().await;
    gateway.check_revocations();
    gateway.reload().await.unwrap();
    let pair: [&'static SupportedProtocolVersion; 2] = [&rustls::version::TLS13, &rustls::version::TLS12];
    let configs = pair.map(|version| Arc::new(gateway.only(version)));
    let mut open = Vec::new();
    for config in &configs {
        // The first leaves a ticket for the next.
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let mut stream = gateway.connect(config).await.unwrap();
            assert_eq!(gateway.ask(&mut stream).await.unwrap(), 404);
            assert_eq!(stream.get_ref().1.handshake_kind(), Some(kind));
            open.push(stream);
        }
    }
    gateway.revoke(&["pgo.pem"]);
    gateway.reload().await.unwrap();
    for stream in &mut open {
        assert_eq!(gateway.ask(stream).await.unwrap(), 403);
        assert!(gateway.ask(stream).await.is_err(), "it is closed");
    }
    for config in configs.into_iter().chain(pair.map(|version| Arc::new(gateway.only(version)))) {
        let refused = match gateway.connect(&config).await {
            // In TLS 1.3 the client is done before the server has seen its certificate.
            Ok(mut stream) => gateway.ask(&mut stream).await.unwrap_err(),
            Err(refused) => refused,
        };
        assert_eq!(alert(&refused), Some(AlertDescription::CertificateRevoked), "{refused}");
    }
    let mut other = gateway.connect(&Arc::new(gateway.tls("pgo2"))).await.unwrap();
    assert_eq!(gateway.ask(&mut other).await.unwrap(), 404, "who was not revoked");
    gateway.revoke(&[]);
    gateway.reload().await.unwrap();
    let mut again = gateway.connect(&Arc::new(gateway.tls("pgo"))).await.unwrap();
    assert_eq!(gateway.ask(&mut again).await.unwrap(), 404);
    gateway.stop().await;
}

impl Gateway {
    /// The PGO, with one version of TLS, and with tickets that it keeps.
    fn only(&self, version: &'static SupportedProtocolVersion) -> ClientConfig {
        let builder = ClientConfig::builder_with_provider(inzage::tls::provider());
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.certificate("ca.pem")).unwrap();
        let key = rustls_pki_types::PrivateKeyDer::from_pem_file(self.folder().join("pgo.key")).unwrap();
        let builder = builder.with_protocol_versions(&[version]).unwrap().with_root_certificates(roots);
        builder.with_client_auth_cert(vec![self.certificate("pgo.pem")], key).unwrap()
    }
}

#[tokio::test]
async fn a_list_that_is_overdue_covers_nobody_or_raises_an_alarm_only() {
    let gateway = Gateway::start().await;
    gateway.check_revocations();
    gateway.reload().await.unwrap();
    let mut open = gateway.connect(&Arc::new(gateway.tls("pgo"))).await.unwrap();
    assert_eq!(gateway.ask(&mut open).await.unwrap(), 404);
    assert_eq!(gateway.alarms().await, []);
    let due = inzage::clock::Clock::now(&*gateway.clock).duration_until("2030-01-01T00:00:00Z".parse().unwrap());
    gateway.clock.step(due);
    assert_eq!(gateway.ask(&mut open).await.unwrap(), 403);
    let refused = match gateway.connect(&Arc::new(gateway.tls("pgo"))).await {
        Ok(mut stream) => gateway.ask(&mut stream).await.unwrap_err(),
        Err(refused) => refused,
    };
    assert!(alert(&refused).is_some(), "{refused}");
    assert_eq!(gateway.reload().await, Ok(Reloaded::Unchanged), "nothing else to read");
    assert!(gateway.alarms().await.iter().any(|(alarm, _)| alarm == "revocations_overdue"));
    gateway.edit("client_crls = ", "client_crl_overdue = \"allow\"\nclient_crls = ");
    gateway.reload().await.unwrap();
    let mut stream = gateway.connect(&Arc::new(gateway.tls("pgo"))).await.unwrap();
    assert_eq!(gateway.ask(&mut stream).await.unwrap(), 404);
    assert!(gateway.alarms().await.iter().any(|(alarm, _)| alarm == "revocations_overdue"));
    gateway.stop().await;
}

#[tokio::test]
async fn a_practice_that_is_closed_gives_nothing_from_the_next_request_on() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    assert_eq!(session.get("EpisodeOfCare").await.status, 200);
    gateway.edit("state = \"open\"", "state = \"closed\"");
    gateway.reload().await.unwrap();
    let refused = session.get("EpisodeOfCare").await;
    assert_eq!((refused.status.as_u16(), fault(&refused).0.as_str()), (403, "practice-closed"));
    gateway.edit("state = \"closed\"", "state = \"open\"");
    gateway.reload().await.unwrap();
    assert_eq!(session.get("EpisodeOfCare").await.status, 200);
    gateway.stop().await;
}

#[tokio::test]
async fn a_his_whose_section_is_the_same_keeps_what_it_knows() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    let asked = async || {
        let before = gateway.his_requests();
        assert_eq!(session.get("EpisodeOfCare").await.status, 200);
        gateway.his_requests() - before
    };
    let (_, known) = (asked().await, asked().await);
    gateway.edit("phone = \"088 000 00 00\"", "phone = \"088 000 00 01\"");
    gateway.reload().await.unwrap();
    assert_eq!(asked().await, known, "it remembers the patient");
    gateway.edit("id = \"his-a\"", "id = \"his-a\"\nmax_in_flight = 63");
    gateway.reload().await.unwrap();
    assert_eq!(asked().await, known + 1, "another adapter asks who it is");
    gateway.stop().await;
}

#[tokio::test]
async fn what_needs_a_restart_is_refused_by_its_key_and_nothing_else_is_taken_over() {
    let gateway = Gateway::start().await;
    let path = gateway.folder().join("gateway.toml");
    let good = std::fs::read_to_string(&path).unwrap();
    for (from, to, key) in [
        ("name = \"a\"", "name = \"b\"", "node.name"),
        ("data = \"gateway\"", "data = \"elsewhere\"", "node.data"),
        ("[ops]\n", "[edge]\nmax_streams = 5\n[ops]\n", "edge.max_streams"),
        ("[ops]\n", "[store]\nindex = \"x\"\n[ops]\n", "store"),
    ] {
        gateway.edit(from, to);
        gateway.edit("phone = \"088 000 00 00\"", "phone = \"088 000 00 01\"");
        let said = gateway.reload().await.unwrap_err();
        assert!(said.contains(key), "{said}");
        std::fs::write(&path, &good).unwrap();
    }
    gateway.edit("state = \"open\"", "state = \"opne\"");
    let said = gateway.reload().await.unwrap_err();
    assert!(said.contains("practices[0].state") && !said.contains('\n'), "{said}");
    std::fs::write(
        gateway.folder().join("sealing.key"),
        std::fs::read(gateway.folder().join("checkpoint.key")).unwrap(),
    )
    .unwrap();
    std::fs::write(&path, &good).unwrap();
    let said = gateway.reload().await.unwrap_err();
    assert!(said.contains("a restart is needed for keys.sealing"), "{said}");
    assert_eq!(gateway.audit_of("configuration_changed").len(), 1, "the start");
    gateway.stop().await;
}

#[tokio::test]
async fn other_rates_are_in_force_at_once_and_one_that_stays_counts_on() {
    let gateway = Gateway::start_with("\n[rates]\nclient_per_second = 1\nclient_burst = 100\n").await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    let asked = async || session.get("EpisodeOfCare").await.status.as_u16();
    gateway.edit("client_burst = 100", "client_burst = 2\npages_burst = 900");
    gateway.reload().await.unwrap();
    assert_eq!([asked().await, asked().await, asked().await], [200, 200, 429]);
    gateway.edit("pages_burst = 900", "pages_burst = 901");
    gateway.reload().await.unwrap();
    assert_eq!(asked().await, 429, "the rate of clients is as it was");
    gateway.edit("client_burst = 2", "client_burst = 50");
    gateway.reload().await.unwrap();
    assert_eq!(asked().await, 200);
    gateway.stop().await;
}

#[tokio::test]
async fn fewer_requests_at_once_and_less_memory_are_taken_over() {
    let gateway = Gateway::start_with("\n[edge]\nmax_requests = 4000\n").await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    gateway.edit("max_requests = 4000", "max_requests = 1\nanswer_memory_bytes = 16777216");
    let Reloaded::Changed(keys) = gateway.reload().await.unwrap() else { panic!("something is other") };
    assert_eq!(keys.into_iter().collect::<Vec<_>>(), ["edge.answer_memory_bytes", "edge.max_requests"]);
    // The HIS answers after all of the others are there.
    gateway.world.his[0].set_faults(Faults { delay_ms: 500, ..Faults::default() });
    let (one, other, third) =
        tokio::join!(session.get("EpisodeOfCare"), session.get("EpisodeOfCare"), session.get("EpisodeOfCare"));
    let mut statuses = [one, other, third].map(|reply| reply.status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 503, 503]);
    gateway.stop().await;
}

#[tokio::test]
async fn a_name_leads_to_another_address_from_the_next_connection_on() {
    let gateway = Gateway::start().await;
    let (client, bsn) = (gateway.client("pgo"), gateway.patient());
    let ends = async || {
        let (end, ..) = gateway.walk(&client, DELINDE, Choices::willing(&bsn)).await;
        matches!(end, End::Client(answer) if answer.contains_key("code"))
    };
    // Nobody listens there.
    gateway.edit("\"his-a.localhost\" = \"127.0.0.1\"", "\"his-a.localhost\" = \"127.1.2.3\"");
    let Reloaded::Changed(keys) = gateway.reload().await.unwrap() else { panic!("something is other") };
    assert!(keys.iter().all(|key| key.starts_with("resolve")), "{keys:?}");
    assert!(!ends().await);
    gateway.edit("\"his-a.localhost\" = \"127.1.2.3\"", "\"his-a.localhost\" = \"127.0.0.1\"");
    gateway.reload().await.unwrap();
    assert!(ends().await);
    gateway.stop().await;
}

#[tokio::test]
async fn the_metrics_of_a_his_that_was_taken_out_end() {
    let gateway = Gateway::start().await;
    let shown = async |his: &str| gateway.ops("/metrics").await.1.contains(&format!("his=\"{his}\""));
    assert!(shown("his-a").await && shown("his-c").await);
    let path = gateway.folder().join("gateway.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let renamed = text.replace("id = \"his-c\"", "id = \"his-x\"").replace("his = \"his-c\"", "his = \"his-x\"");
    std::fs::write(&path, renamed).unwrap();
    gateway.reload().await.unwrap();
    assert!(shown("his-a").await && shown("his-x").await && !shown("his-c").await);
    gateway.stop().await;
}

#[tokio::test]
async fn a_client_whose_registration_ended_is_refused_on_its_open_connection() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    assert_eq!(session.get("EpisodeOfCare").await.status, 200);
    // From now on another node acts for this client.
    let registration = "[clients.\"pgo.localhost\"]\npeers = [\"node.localhost\"]\n";
    gateway.edit("[operator]", &format!("{registration}\n[operator]"));
    gateway.reload().await.unwrap();
    assert_eq!(session.get("EpisodeOfCare").await.status, 403);
    gateway.stop().await;
}

#[tokio::test]
async fn a_file_that_is_replaced_is_noticed_without_being_asked() {
    let gateway = Gateway::start().await;
    let changed = gateway.controls().reloads.next_change();
    gateway.issue("back", BACK);
    assert!(changed.await.contains("back.certificate"));
    assert_eq!(gateway.shown().await, gateway.certificate("back.pem"));
    gateway.stop().await;
}

#[tokio::test]
async fn nobody_waits_for_a_reload_of_a_node_that_stops() {
    let gateway = Gateway::start().await;
    let reloads = gateway.controls().reloads.clone();
    gateway.stop().await;
    assert_eq!(reloads.reload(Cause::Operator).await.unwrap_err().reason(), "the node stops");
}
