//! Login at a real OpenID provider, written by others: panva's oidc-provider, started by node. The gateway is the binary, the
//! browser and the PGO are those of the sandbox. Without node or the package (`npm ci` in tests/oidc) the tests are skipped,
//! and say so.

use std::fs::{self, File, Permissions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use inzage::form::{decode_pairs, encode_pairs};
use inzage::jose::{DecryptionKey, SigningKey};
use inzage::sandbox::client::{PgoClient, new_id};
use inzage::sandbox::person::{Choices, End, Person, location, read_form};
use inzage::sandbox::world::World;
use serde_json::{Value, json};

use crate::harness::{Home, Process, clock, get, text};
use crate::person::{Consented, walk, walk_choosing};

/// Why there is no provider, on a line that the runner repeats.
fn skip(reason: &str) {
    // Not by a macro: what those print of a test that passes is not shown.
    let _ = writeln!(std::io::stderr(), "skipped the OpenID provider: {reason}");
}

/// The provider; ends with its standard input.
struct Provider {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    origin: String,
}

impl Provider {
    /// Starts one that knows nobody yet.
    fn start(home: &Home) -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oidc");
        if !folder.join("node_modules/oidc-provider").is_dir() {
            skip("its package is not installed (npm ci in tests/oidc)");
            return None;
        }
        let mut command = Command::new("node");
        command.arg("provider.mjs").current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(File::create(home.path("provider.err")).unwrap());
        let Ok(mut child) = command.spawn() else {
            skip("node is not installed");
            return None;
        };
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut provider = Self { child, input, output, origin: String::new() };
        provider.origin = format!("https://login.localhost:{}", provider.says()["port"]);
        Some(provider)
    }

    /// Tells it its certificate and its clients, and waits until it serves.
    fn serve(&mut self, home: &Home, clients: &[Value]) {
        let read = |name: &str| fs::read_to_string(home.path(name)).unwrap();
        let told = json!({"cert": read("login.pem"), "key": read("login.key"), "clients": clients});
        writeln!(self.input, "{told}").unwrap();
        assert_eq!(self.says()["ready"], true);
    }

    fn says(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("the provider ended: {line:?}"))
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One way in which a gateway and a provider can agree.
struct Agreement {
    client_id: &'static str,
    key: &'static rcgen::SignatureAlgorithm,
    id_token: Value,
    userinfo: &'static str,
    registered: Value,
}

fn agreements() -> [Agreement; 4] {
    let sealed = |alg: &str| json!({"alg": alg, "enc": "A256GCM"});
    let of = |client_id, key, id_token: Value, userinfo, registered| Agreement {
        client_id,
        key,
        id_token,
        userinfo,
        registered,
    };
    [
        of(
            "elliptic",
            &rcgen::PKCS_ECDSA_P256_SHA256,
            json!("ES256"),
            "signed+encrypted",
            json!({"signed": "ES256", "encrypted": sealed("ECDH-ES")}),
        ),
        of(
            "rsa",
            &rcgen::PKCS_RSA_SHA256,
            json!("PS256"),
            "signed+encrypted",
            json!({"signed": "PS256", "encrypted": sealed("RSA-OAEP-256")}),
        ),
        of("signed", &rcgen::PKCS_ED25519, json!("EdDSA"), "signed", json!({"signed": "RS256"})),
        of("id-token", &rcgen::PKCS_ECDSA_P256_SHA256, json!("RS256"), "none", json!({"id_token": sealed("ECDH-ES")})),
    ]
}

/// Makes the keys of the gateway, and what the provider must know of it.
fn register(home: &Home, world: &World, agreement: &Agreement) -> Value {
    let id = agreement.client_id;
    let write = |name: &str, algorithm| {
        let pem = rcgen::KeyPair::generate_for(algorithm).unwrap().serialize_pem();
        let path = home.path(name);
        fs::write(&path, &pem).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        pem
    };
    let signing = SigningKey::parse(&write(&format!("{id}-sign.key"), agreement.key)).unwrap();
    // Ed25519 signs and opens nothing; the key to open with is another anyway.
    let opens = if id == "rsa" { &rcgen::PKCS_RSA_SHA256 } else { &rcgen::PKCS_ECDSA_P256_SHA256 };
    let opening = DecryptionKey::parse(&write(&format!("{id}-open.key"), opens)).unwrap();
    let mut client = json!({
        "client_id": id,
        "redirect_uris": [format!("{}/login/callback", world.layout.front_origin())],
        "response_types": ["code"],
        "grant_types": ["authorization_code"],
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": signing.algorithm().name(),
        "jwks": {"keys": [signing.published(), opening.published()]},
        "id_token_signed_response_alg": agreement.id_token,
    });
    let registered = &agreement.registered;
    let mut put = |name: &str, value: &Value| {
        if !value.is_null() {
            client[name] = value.clone();
        }
    };
    put("userinfo_signed_response_alg", &registered["signed"]);
    put("userinfo_encrypted_response_alg", &registered["encrypted"]["alg"]);
    put("userinfo_encrypted_response_enc", &registered["encrypted"]["enc"]);
    put("id_token_encrypted_response_alg", &registered["id_token"]["alg"]);
    put("id_token_encrypted_response_enc", &registered["id_token"]["enc"]);
    client
}

/// The configuration of the world's gateway with this login in the place of the simulator.
fn configure(home: &Home, origin: &str, agreement: &Agreement) -> String {
    let (id, userinfo) = (agreement.client_id, agreement.userinfo);
    let login = format!(
        r#"kind = "oidc"
issuer = "{origin}"
roots = "ca.pem"
client_id = "{id}"
signing_key = "{id}-sign.key"
decryption_key = "{id}-open.key"
userinfo = "{userinfo}"
bsn_claim = "bsn"
scopes = ["bsn"]
acr_values = ["http://eidas.europa.eu/LoA/substantial"]"#
    );
    let config = fs::read_to_string(home.path("gateway.toml")).unwrap();
    let simulator = "kind = \"simulator\"";
    assert_eq!(config.matches(simulator).count(), 1);
    let path = home.path(&format!("{id}.toml"));
    fs::write(&path, config.replace(simulator, &login)).unwrap();
    text(&path).to_owned()
}

async fn gateway(home: &Home, world: &World, file: &str) -> Process {
    Process::start(home, &["serve", "--config", file]).ready(&world.layout.ops_url()).await
}

async fn stop(gateway: Process) -> String {
    gateway.signal("TERM");
    let ended = gateway.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    ended.out + &ended.err
}

/// A world, a provider, and the gateways that are registered with it.
async fn meet() -> Option<(Home, World, Provider)> {
    let home = Home::new();
    let mut provider = Provider::start(&home)?;
    let world = home.world().await;
    let clients: Vec<_> = agreements().iter().map(|agreement| register(&home, &world, agreement)).collect();
    provider.serve(&home, &clients);
    Some((home, world, provider))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_production_configuration_has_a_login_service_and_no_simulator() {
    let home = Home::new();
    let world = home.world().await;
    let [agreement, ..] = agreements();
    register(&home, &world, &agreement);
    let oidc = configure(&home, "https://login.example/digid", &agreement);
    let front = world.layout.front_origin();
    let keys = home.run(&["login", "keys", &oidc]).await;
    let keys: Value = serde_json::from_str(&keys.out).unwrap();
    assert_eq!((&keys["keys"][0]["use"], &keys["keys"][1]["use"]), (&"sig".into(), &"enc".into()));
    assert!(keys["keys"][0].get("d").is_none() && keys["keys"][1].get("d").is_none(), "{keys}");
    assert_eq!(home.run(&["login", "keys", text(&home.path("gateway.toml"))]).await.code, Some(78));
    let without_port = front.rsplit_once(':').unwrap().0;
    for (file, code) in [(oidc.as_str(), 0), (text(&home.path("gateway.toml")), 78)] {
        let config = fs::read_to_string(file).unwrap();
        let config = config.replace("environment = \"sandbox\"", "environment = \"production\"");
        let config = config.replace(&front, without_port).replace("allow_ports = true", "allow_ports = false");
        fs::write(home.path("production.toml"), config).unwrap();
        let ended = home.run(&["check-config", text(&home.path("production.toml"))]).await;
        assert_eq!(ended.code, Some(code), "{}", ended.err);
        assert_eq!(ended.err.contains("login.kind: found the login simulator"), code == 78, "{}", ended.err);
    }
    // A key that signs nothing is found before the first person is.
    fs::write(home.path("elliptic-sign.key"), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
        .unwrap();
    let ended = home.run(&["check-config", &oidc]).await;
    assert_eq!(ended.code, Some(78));
    assert!(ended.err.contains("login.signing_key") && !ended.err.contains("AAAA"), "{}", ended.err);
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pgo_gets_its_token_through_a_real_openid_provider() {
    let Some((home, world, provider)) = meet().await else { return };
    let bsn = world.practices[0].patients[0].bsn.reveal();
    for agreement in agreements() {
        let file = configure(&home, &provider.origin, &agreement);
        let asked = home.run(&["login", "check", &file]).await;
        assert_eq!(asked.code, Some(0), "{}", asked.err);
        assert!(asked.out.starts_with(&format!("{}: in order\n", provider.origin)), "{}", asked.out);
        let gateway = gateway(&home, &world, &file).await;
        let (consented, end) = walk(&world).await;
        let End::Client(answer) = end else { panic!("{}: {end:?}", agreement.client_id) };
        let code = answer.get("code").unwrap_or_else(|| panic!("{}: {answer:?}", agreement.client_id)).clone();
        let token = Consented { code, ..consented }.exchange().await.unwrap();
        assert_eq!(token.scope, "47 48 49 51 52 63");
        let report = get(&world.layout.ops_url(), "/readyz").await.unwrap();
        assert!(report.split("\"peer_certificate_days_left\"").nth(1).unwrap().contains("\"login\":"), "{report}");
        let printed = stop(gateway).await;
        assert!(!printed.contains(bsn), "{printed}");
    }
    let records = home.records().await;
    let authenticated: Vec<_> = records.iter().filter(|record| record["kind"] == "person_authenticated").collect();
    assert_eq!(authenticated.len(), agreements().len());
    for record in authenticated {
        let how = record["detail"].as_str().unwrap();
        assert!(how.starts_with("oidc substantieel 20"), "{how}");
    }
    world.stop().await.unwrap();
}

/// Goes to the provider and logs in there; the address with which the browser is sent back, not opened yet.
async fn way_back(world: &World, client: &PgoClient, person: &mut Person) -> String {
    let provider = &world.practices[0].provider;
    let endpoints = client.endpoints(provider.as_str(), "49").await.unwrap();
    let callback = format!("{}/login/callback?", world.layout.front_origin());
    let mut at = client.authorization_url(&endpoints, provider.short(), "the state", &new_id());
    let mut reply = person.open(client, &at).await.unwrap();
    loop {
        let origin = at.match_indices('/').nth(2).map_or(at.as_str(), |(end, _)| &at[..end]).to_owned();
        let absolute = |target: String| if target.starts_with('/') { format!("{origin}{target}") } else { target };
        if let Some(target) = location(&reply).map(absolute) {
            if target.starts_with(&callback) {
                return target;
            }
            at = target;
            reply = person.open(client, &at).await.unwrap();
            continue;
        }
        let form = read_form(&String::from_utf8_lossy(&reply.body)).unwrap();
        let asks_who = form.names.iter().any(|name| name == "bsn");
        let mut fields = form.hidden;
        fields.push(("bsn".to_owned(), world.practices[0].patients[0].bsn.reveal().to_owned()));
        fields.push(("action".to_owned(), if asks_who { "login" } else { "continue" }.to_owned()));
        at = absolute(form.action);
        reply = person.submit(client, &at, &fields).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_19_an_answer_of_the_provider_is_of_no_use_in_another_browser() {
    let Some((home, world, provider)) = meet().await else { return };
    let [agreement, ..] = agreements();
    let gateway = gateway(&home, &world, &configure(&home, &provider.origin, &agreement)).await;
    let client = world.client("pgo", &clock()).unwrap();
    let (mut one, mut other) = (Person::default(), Person::default());
    let (way, other_way) = (way_back(&world, &client, &mut one).await, way_back(&world, &client, &mut other).await);
    // The code and the state of one, also mixed with the state of the other.
    let (callback, query) = way.split_once('?').unwrap();
    let (own, others) = (decode_pairs(query).unwrap(), decode_pairs(other_way.split_once('?').unwrap().1).unwrap());
    let refused = other.open(&client, &way).await.unwrap();
    assert_eq!((refused.status.as_u16(), location(&refused)), (403, None));
    assert_eq!(home.records().await.pop().unwrap()["reason"], "stale-page");
    let state = others.iter().filter(|(name, _)| name == "state");
    let mixed: Vec<_> = own.iter().filter(|(name, _)| name != "state").chain(state).cloned().collect();
    let mixed = encode_pairs(&mixed);
    let ended = other.open(&client, &format!("{callback}?{mixed}")).await.unwrap();
    assert!(location(&ended).unwrap().contains("error=access_denied"));
    assert_eq!(home.records().await.pop().unwrap()["reason"], "login-failed");
    // PKCE and nonce of the code are those of the departure that it belongs to.
    assert!(home.records().await.iter().all(|record| record["kind"] != "person_authenticated"));
    let printed = stop(gateway).await;
    assert!(own.iter().filter(|(name, _)| name == "code").all(|(_, code)| !printed.contains(code.as_str())));
    world.stop().await.unwrap();
}

/// Browsers hold every redirect after a form against `form-action`, so the landing page names the provider.
async fn assert_landing_leads_to(world: &World, origin: &str) {
    let client = world.client("pgo", &clock()).unwrap();
    let provider = &world.practices[0].provider;
    let endpoints = client.endpoints(provider.as_str(), "49").await.unwrap();
    let url = client.authorization_url(&endpoints, provider.short(), "s", &new_id());
    let landing = Person::default().open(&client, &url).await.unwrap();
    let policy = landing.headers["content-security-policy"].to_str().unwrap();
    let targets = policy.split("; ").find_map(|directive| directive.strip_prefix("form-action ")).unwrap();
    let back = client.redirect_uri.strip_suffix("/cb").unwrap();
    assert_eq!(targets.split(' ').collect::<Vec<_>>(), ["'self'", back, origin], "{policy}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_other_end_at_the_provider_has_its_end_here() {
    let Some((home, world, provider)) = meet().await else { return };
    let [agreement, ..] = agreements();
    let file = configure(&home, &provider.origin, &agreement);
    let mut gateway = gateway(&home, &world, &file).await;
    assert_landing_leads_to(&world, &provider.origin).await;
    let willing = Choices::willing(world.practices[0].patients[0].bsn.reveal());
    for (choices, reason) in [
        (Choices { login: "cancel", ..willing }, "login-cancelled"),
        (Choices { login: "fail", ..willing }, "login-failed"),
        // A password only, where more is asked for; and a number that is none.
        (Choices { login: "weak", ..willing }, "login-failed"),
        (Choices { bsn: "999911133", ..willing }, "login-failed"),
    ] {
        let (_, end) = walk_choosing(&world, choices).await;
        let End::Client(answer) = end else { panic!("{reason}: {end:?}") };
        assert_eq!(answer["error"], "access_denied", "{reason}");
        assert_eq!(home.records().await.last().unwrap()["reason"], reason);
    }
    // The provider goes away while it is known here: the browser finds nobody there, which is not ours to see. One that
    // cannot be asked for its metadata is.
    gateway.signal("TERM");
    assert_eq!(gateway.code().await, Some(0));
    drop(provider);
    let asked = home.run(&["login", "check", &file]).await;
    assert_eq!(asked.code, Some(69), "{}", asked.out);
    assert!(asked.err.contains("cannot be reached"), "{}", asked.err);
    let gateway = self::gateway(&home, &world, &file).await;
    let (_, end) = walk(&world).await;
    let End::Page { status, html } = end else { panic!("{end:?}") };
    assert_eq!(status.as_u16(), 503);
    assert!(html.contains("de inlogdienst geeft geen antwoord"), "{html}");
    let record = home.records().await.pop().unwrap();
    assert_eq!((&record["reason"], &record["outcome"]), (&"login-unavailable".into(), &"failed".into()));
    let printed = stop(gateway).await;
    assert!(printed.contains("a login at the login service ended without a person"), "{printed}");
    world.stop().await.unwrap();
}
