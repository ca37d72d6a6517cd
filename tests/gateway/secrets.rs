//! What must not be anywhere: a whole day of use, good and bad, and then a search through everything that is left of it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};

use inzage::sandbox::client::new_id;
use inzage::sandbox::his::faults::{Fail, Faults};
use inzage::sandbox::person::Choices;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsConnector;
use tracing::Level;

use crate::harness::{Gateway, Session, seven_searches};

const DELINDE: &str = "huisarts.delinde@medmij";

/// All that the technical log says in this process, from the first use on.
pub(crate) static LOG: LazyLock<Captured> = LazyLock::new(|| {
    let captured = Captured::default();
    let writer = captured.clone();
    inzage::telemetry::start_with(move || writer.clone(), Level::TRACE);
    captured
});

#[derive(Clone, Default)]
pub(crate) struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    /// What it said so far.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A secret as it is, in hexadecimal and in Base64.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    // Only whole groups of three bytes have one form whatever follows.
    let whole = &secret[..secret.len() / 3 * 3];
    let forms =
        [secret.to_owned(), hex.to_uppercase(), hex, STANDARD_NO_PAD.encode(whole), URL_SAFE_NO_PAD.encode(whole)];
    forms.into_iter().map(String::into_bytes).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn assert_absent(place: &str, content: &[u8], secrets: &[(&str, String)]) {
    for (what, secret) in secrets {
        for form in forms(secret) {
            let found = content.windows(form.len()).position(|window| window == form);
            let near =
                found.map(|at| String::from_utf8_lossy(&content[at.saturating_sub(80)..(at + 40).min(content.len())]));
            assert!(found.is_none(), "the {what} is in {place}: {near:?}");
        }
    }
}

/// Asks in every wrong way with the BSN and the token where they do not belong.
async fn misuse(gateway: &Gateway, session: &Session, bsn: &str) {
    let (base, token) = (session.base(), session.token.access_token.as_str());
    let back = gateway.world.layout.back_origin();
    let (front, client) = (gateway.world.layout.front_origin(), &session.client);
    let urls = [
        format!("{base}/Patient?identifier=http://fhir.nl/fhir/NamingSystem/bsn%7C{bsn}"),
        format!("{base}/Encounter?patient.identifier={bsn}&access_token={token}"),
        format!("{base}/Patient/{bsn}"),
        format!("{base}/Composition?type=http://loinc.org%7C67781-5&{bsn}={token}"),
        format!("{base}/Observation?code={bsn}"),
        format!("{base}/Observation?date=ge{bsn}"),
        format!("{base}/{token}"),
        format!("{back}/fhir/{bsn}/49/3.0/Patient"),
        format!("{back}/{token}/{bsn}"),
        format!("{front}/{bsn}/{token}"),
        format!("{front}/oauth/authorize?client_id={bsn}&redirect_uri={token}"),
        format!(
            "{front}/oauth/authorize?response_type=code&client_id=pgo.localhost&redirect_uri=https://pgo.localhost/{bsn}&scope={bsn}&state={token}"
        ),
        format!(
            "{front}/oauth/authorize?response_type=code&client_id=pgo.localhost&redirect_uri=https://pgo.localhost/{bsn}&scope=huisarts.delinde&state={bsn}&X-Correlation-ID=%0d%0a{bsn}&MedMij-Request-ID={token}"
        ),
        format!("{front}/visit/{bsn}/landing?{token}"),
        format!("{front}/simulator?visit={bsn}&nonce={token}"),
    ];
    for url in &urls {
        let request = client.http().get(url).bearer_auth(token).header("x-correlation-id", bsn);
        let request = request.header("user-agent", format!("{bsn} {token}")).header("medmij-request-id", token);
        let response = request.send().await.unwrap();
        assert!(response.status() != 200 || url.contains("/simulator"), "{url}");
        assert!(!format!("{:?}", response.headers()).contains(bsn) || url.starts_with(&front), "{url}");
    }
    for bearer in [bsn.to_owned(), format!("{token}x"), format!("{token} {bsn}"), "x".repeat(3_000)] {
        let url = format!("{base}/EpisodeOfCare");
        let response =
            client.http().get(&url).header("authorization", format!("Bearer {bearer}")).send().await.unwrap();
        assert_eq!(response.status(), 401);
    }
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    for name in ["grant_type", "code", "client_id", "redirect_uri", "scope"] {
        let mut form = vec![
            pair("grant_type", "authorization_code"),
            pair("code", token),
            pair("client_id", &client.client_id),
            pair("redirect_uri", &client.redirect_uri),
        ];
        form.retain(|(key, _)| key != name);
        form.push(pair(name, bsn));
        let reply = client.token_request(&session.endpoints.token, &form, bsn).await.unwrap();
        assert!(reply.status.is_client_error());
    }
}

/// Bytes that no HTTP library would send: escape sequences and line ends inside a header.
async fn raw(gateway: &Gateway, bsn: &str, token: &str) {
    let roots = inzage::tls::identity::Roots::load(&gateway.folder().join("ca.pem")).unwrap();
    let clock: inzage::clock::SharedClock = Arc::clone(&gateway.clock) as _;
    let config = Arc::new(inzage::tls::client::client_config(&roots, None, &[], &clock).unwrap());
    let host = "inloggen.inzage.localhost";
    let origin = gateway.world.layout.front_origin();
    let port: u16 = origin.rsplit_once(':').unwrap().1.parse().unwrap();
    for header in [
        format!("X-Correlation-ID: \u{1b}[2J\u{1b}[31m{bsn} {token}"),
        format!("X-Correlation-ID: {bsn}\r\nX-Injected: {token}"),
        format!("X-Correlation-ID: {bsn}\rX-Injected: {token}"),
        format!("User-Agent: ${{jndi:ldap://{bsn}}}\n {token}"),
        format!("{bsn} {token}: x"),
    ] {
        let tcp = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let name = ServerName::try_from(host).unwrap();
        let mut stream = TlsConnector::from(Arc::clone(&config)).connect(name, tcp).await.unwrap();
        let request =
            format!("GET /oauth/authorize HTTP/1.1\r\nHost: {host}:{port}\r\n{header}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&answer));
    }
}

/// Looks into every file of the gateway.
fn search(folder: &Path, moment: &str, secrets: &[(&str, String)]) {
    let found = files(folder);
    for kind in ["wal", "manifest.json"] {
        let there = found.iter().any(|path| path.to_string_lossy().ends_with(kind));
        assert!(there || moment == "after the stop", "{kind} among {found:?}");
    }
    assert!(found.len() >= 7, "database, log and lists: {found:?}");
    for path in found {
        match std::fs::read(&path) {
            Ok(content) => assert_absent(&format!("{} {moment}", path.display()), &content, secrets),
            // What is delivered goes from the spool; it is looked at where it came.
            Err(error) => assert!(path.starts_with(folder.join("chainlog")), "{}: {error}", path.display()),
        }
    }
}

#[tokio::test]
async fn case_42_no_bsn_token_code_or_cookie_is_left_anywhere() {
    LazyLock::force(&LOG);
    let gateway = Gateway::start().await;
    let bsn = gateway.patient();
    let session = gateway.session(DELINDE, &bsn).await;
    for request in seven_searches(jiff::civil::date(2026, 11, 21)) {
        session.bundle(&request).await;
    }
    let (unspent, ..) = gateway.code(&session.client, DELINDE, &bsn).await;
    let (spent, endpoints, correlation_id) = gateway.code(&session.client, DELINDE, &bsn).await;
    let second = session.client.exchange(&endpoints, &spent, &correlation_id).await.unwrap().access_token;
    assert!(gateway.client("pgo2").exchange(&endpoints, &unspent, &new_id()).await.is_err());
    let lasting = gateway.lasting_session(DELINDE, &bsn).await;
    let refreshed = lasting.client.refresh(&lasting.endpoints, lasting.refresh_token()).await.unwrap();
    let rotated = crate::harness::json(&refreshed)["refresh_token"].as_str().unwrap().to_owned();
    assert_eq!(refreshed.headers["cache-control"], "no-store");
    for choices in
        [Choices { consent: "refuse", ..Choices::willing(&bsn) }, Choices { login: "cancel", ..Choices::willing(&bsn) }]
    {
        gateway.walk(&session.client, DELINDE, choices).await;
    }
    misuse(&gateway, &session, &bsn).await;
    raw(&gateway, &bsn, &session.token.access_token).await;
    for fail in ["status:500", "garbage", "cut", "reset"] {
        let faults = Faults { fail: Fail::try_from(fail.to_owned()).unwrap(), unmasked_bsn: true, ..Faults::default() };
        gateway.world.his[0].set_faults(faults);
        let reply = session.get("EpisodeOfCare").await;
        assert!(reply.status.is_server_error(), "{fail}");
        assert_absent("an answer", &reply.body, &[("BSN", bsn.clone())]);
        gateway.walk(&session.client, DELINDE, Choices::willing(&bsn)).await;
    }

    let secrets = [
        ("BSN", bsn.clone()),
        ("first token", session.token.access_token.clone()),
        ("second token", second),
        ("refresh token that was used", lasting.refresh_token().to_owned()),
        ("refresh token", rotated),
        ("code that was exchanged", spent),
        ("code that another client showed", unspent),
    ];
    for path in ["/metrics", "/readyz"] {
        let (_, body) = gateway.ops(path).await;
        assert_absent(path, body.as_bytes(), &secrets);
    }
    let folder = gateway.folder().join("gateway");
    search(&folder, "while it runs", &secrets);
    let chain_log = gateway.world.chain_log.clone();
    let left = gateway.leave().await;
    search(&folder, "after the stop", &secrets);
    let chain_log = serde_json::to_vec(&chain_log.received()).unwrap();
    assert!(chain_log.len() > 10_000, "a day of use");
    assert_absent("the chain log", &chain_log, &secrets);
    assert_log_is_clean(&secrets);
    drop(left);
}

/// The technical log is JSON, and holds none of these.
fn assert_log_is_clean(secrets: &[(&str, String)]) {
    let log = LOG.text();
    assert!(log.lines().any(|line| line.contains("\"answered\"")) && log.lines().any(|line| line.contains("serving")));
    assert!(log.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    assert!(!log.contains('\u{1b}'));
    assert_absent("the technical log", log.as_bytes(), secrets);
}
