//! A day of use, good and bad, of one gateway; whatever secret goes over the wire is noted.

use std::fs;

use http::Method;
use inzage::form::{decode_pairs, encode_pairs};
use inzage::sandbox::client::{Endpoints, PgoClient, Reply, new_id};
use inzage::sandbox::person::{Form, Person, location, read_form};
use inzage::sandbox::portal::client::PortalClient;
use inzage::sandbox::world::World;
use inzage::secret::Handle;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::needles::{Needles, files};
use crate::harness::{Home, clock, get, until};

const PROVIDER: &str = "huisarts.delinde@medmij";
const SCOPE: &str = "huisarts.delinde";
const ROLE: &str = "MM-2.0-HGB-FHIR";
const SMART_SCOPE: &str = "launch/patient openid patient/Observation.rs patient/EpisodeOfCare.s";
/// Why an auditor looks.
const REASON: &str = "klacht van 20 november over inzage";

type Pairs = Vec<(String, String)>;

/// Who use the gateway, and what they saw that is a secret.
pub(crate) struct Day<'a> {
    home: &'a Home,
    world: &'a World,
    pgo: PgoClient,
    portal: PortalClient,
    pub(crate) needles: Needles,
    bsn: String,
    saved: usize,
}

fn pairs(pairs: &[(&str, &str)]) -> Pairs {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn text(reply: &Reply) -> String {
    String::from_utf8_lossy(&reply.body).into_owned()
}

fn read(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap_or_else(|error| panic!("{error}: {}", text(reply)))
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

impl<'a> Day<'a> {
    pub(crate) fn new(home: &'a Home, world: &'a World) -> Self {
        let (pgo, portal) = (world.client("pgo", &clock()).unwrap(), world.portal(&clock()).unwrap());
        let bsn = world.practices[0].patients[0].bsn.reveal().to_owned();
        let mut needles = Needles::default();
        needles.bsn(&bsn);
        Self { home, world, pgo, portal, needles, bsn, saved: 0 }
    }

    /// Keeps what somebody got in the folder that is searched.
    fn save(&mut self, reply: &Reply) {
        assert_eq!(reply.status, 200, "{}", text(reply));
        assert!(reply.body.len() > 100, "{}", text(reply));
        self.saved += 1;
        fs::write(self.home.path(&format!("saved-{}", self.saved)), &reply.body).unwrap();
    }

    /// Notes the cookies of an answer.
    fn note(&mut self, reply: Reply) -> Reply {
        for cookie in reply.headers.get_all("set-cookie") {
            let value = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap().1;
            if !value.is_empty() {
                self.needles.secret("cookie", value);
            }
        }
        reply
    }

    /// Opens, and follows redirects; an answer to the client is the end, and not opened.
    async fn open(&mut self, person: &mut Person, url: &str) -> (Reply, String) {
        let mut at = url.to_owned();
        loop {
            let reply = person.open(&self.pgo, &at).await.unwrap();
            let reply = self.note(reply);
            match location(&reply) {
                Some(target) if target.starts_with('/') => at = format!("{}{target}", self.world.layout.front_origin()),
                Some(target) if target.starts_with(&self.world.layout.front_origin()) => at = target,
                _ => return (reply, at),
            }
        }
    }

    /// Sends the form of a page, and follows.
    async fn press(&mut self, person: &mut Person, page: &Reply, fields: &[(&str, &str)]) -> Reply {
        let Form { action, mut hidden, .. } =
            read_form(&text(page)).unwrap_or_else(|| panic!("no form: {}", text(page)));
        hidden.extend(pairs(fields));
        let url = format!("{}{action}", self.world.layout.front_origin());
        let sent = person.submit(&self.pgo, &url, &hidden).await.unwrap();
        let sent = self.note(sent);
        match location(&sent) {
            Some(target) if target.starts_with('/') => {
                self.open(person, &format!("{}{target}", self.world.layout.front_origin())).await.0
            }
            _ => sent,
        }
    }

    /// A person comes, logs in and answers; the parameters that the client gets.
    async fn walk(&mut self, url: &str, answer: &[(&str, &str)]) -> Pairs {
        let (mut person, bsn) = (Person::default(), self.bsn.clone());
        let (landing, _) = self.open(&mut person, url).await;
        let login = self.press(&mut person, &landing, &[("action", "continue")]).await;
        let consent = self.press(&mut person, &login, &[("bsn", &bsn), ("action", "login")]).await;
        let end = self.press(&mut person, &consent, answer).await;
        let target = location(&end).unwrap_or_else(|| panic!("{}", text(&end)));
        let answer = decode_pairs(target.split_once('?').unwrap().1).unwrap();
        if let Some((_, code)) = answer.iter().find(|(name, _)| name == "code") {
            self.needles.secret("code", code);
        }
        answer
    }

    async fn code(&mut self, service: &str, answer: &[(&str, &str)]) -> (Option<String>, Endpoints) {
        let endpoints = self.pgo.endpoints(PROVIDER, service).await.unwrap();
        let state = Handle::draw().reveal().to_owned();
        self.needles.secret("state", &state);
        let scope = if service == "49" { SCOPE.to_owned() } else { format!("{SCOPE}~{service}") };
        let url = self.pgo.authorization_url(&endpoints, &scope, &state, &new_id());
        let answer = self.walk(&url, answer).await;
        assert!(answer.contains(&("state".to_owned(), state)));
        (answer.into_iter().find(|(name, _)| name == "code").map(|(_, code)| code), endpoints)
    }

    fn tokens(&mut self, reply: &Reply) -> String {
        let answer = read(reply);
        assert_eq!(reply.status, 200, "{answer}");
        if let Some(refresh) = answer["refresh_token"].as_str() {
            self.needles.secret("refresh token", refresh);
        }
        let token = string(&answer["access_token"]);
        self.needles.secret("access token", &token);
        token
    }

    async fn present(&mut self, endpoints: &Endpoints, code: &str) -> Reply {
        let (client_id, redirect_uri) = (self.pgo.client_id.as_str(), self.pgo.redirect_uri.as_str());
        let form = [("grant_type", "authorization_code"), ("code", code), ("client_id", client_id)];
        let form = pairs(&[&form[..], &[("redirect_uri", redirect_uri)]].concat());
        self.pgo.token_request(&endpoints.token, &form, &new_id()).await.unwrap()
    }

    /// Collects with a lasting consent, refreshes, shows the old refresh token and the code again; the newest token.
    pub(crate) async fn collect(&mut self) -> (String, String) {
        let allow = [("answer", "allow"), ("indefinite", "yes")];
        let (code, endpoints) = self.code("49", &allow).await;
        let code = code.unwrap();
        let first = self.present(&endpoints, &code).await;
        self.tokens(&first);
        let refresh = string(&read(&first)["refresh_token"]);
        let second = self.pgo.refresh(&endpoints, &refresh).await.unwrap();
        let token = self.tokens(&second);
        let base = endpoints.resources[ROLE].clone();
        for request in ["Patient?_include=Patient:general-practitioner", "EpisodeOfCare", "Encounter"] {
            let reply = self.pgo.get(&format!("{base}/{request}"), &token, &new_id()).await.unwrap();
            assert_eq!(reply.status, 200, "{}", text(&reply));
        }
        let (refused, _) = self.code("49", &[("answer", "refuse")]).await;
        assert_eq!(refused, None);
        // Another consent, whose code comes twice: what it gave is withdrawn, and the first stays.
        let (code, _) = self.code("49", &[("answer", "allow")]).await;
        let code = code.unwrap();
        let reply = self.present(&endpoints, &code).await;
        self.tokens(&reply);
        assert!(self.present(&endpoints, &code).await.status.is_client_error());
        // One that nobody exchanges.
        self.code("49", &[("answer", "allow")]).await;
        (base, token)
    }

    /// Shares a measurement.
    pub(crate) async fn share(&mut self) {
        let (code, endpoints) = self.code("53", &[("answer", "allow")]).await;
        let reply = self.present(&endpoints, &code.unwrap()).await;
        let token = self.tokens(&reply);
        let base = endpoints.resources.values().next().unwrap();
        let reply = self.pgo.share(base, &token, &new_id(), &measurement()).await.unwrap();
        assert_eq!(reply.status, 200, "{}", text(&reply));
    }

    /// A portal asserts a person, and collects and reads the log; it sends another through our own login.
    pub(crate) async fn portal(&mut self) {
        let endpoints = self.portal.back.endpoints(PROVIDER, "49").await.unwrap();
        let base = endpoints.resources[ROLE].clone();
        let log = base.replace("/49/stu3", "/inzagelog/r4");
        for (scope, url) in
            [(SCOPE, format!("{base}/EpisodeOfCare")), ("huisarts.delinde~inzagelog", format!("{log}/AuditEvent"))]
        {
            let form = self.portal.form(&endpoints, &self.bsn, scope).await.unwrap();
            for (name, value) in form.iter().filter(|(name, _)| name.ends_with("assertion")) {
                self.needles.secret(name, value);
            }
            let reply = self.portal.present(&endpoints, &form).await.unwrap();
            let token = self.tokens(&reply);
            assert_eq!(self.portal.present(&endpoints, &form).await.unwrap().status, 401, "shown again");
            self.indexed().await;
            let reply = self.portal.back.get(&url, &token, &new_id()).await.unwrap();
            assert_eq!(reply.status, 200, "{}", text(&reply));
            if scope != SCOPE {
                self.save(&reply);
            }
        }
        self.smart(&base).await;
    }

    async fn smart(&mut self, base: &str) {
        let server = self.portal.discover(base).await.unwrap();
        let (state, verifier) = (Handle::draw().reveal().to_owned(), Handle::draw().reveal().to_owned());
        self.needles.secret("state", &state);
        self.needles.secret("verifier", &verifier);
        let question = encode_pairs(&self.portal.question(base, SMART_SCOPE, &state, &verifier));
        let url = format!("{}?{question}", server.authorization_endpoint);
        let answer = self.walk(&url, &[("answer", "allow")]).await;
        let code = &answer.iter().find(|(name, _)| name == "code").unwrap().1;
        let form = self.portal.code_form(&server, code, &verifier).unwrap();
        let shown = &form.iter().find(|(name, _)| name == "client_assertion").unwrap().1;
        self.needles.secret("client assertion", shown);
        let reply = self.portal.back.token_request(&server.token_endpoint, &form, &new_id()).await.unwrap();
        let token = self.tokens(&reply);
        let reply = self.portal.back.get(&format!("{base}/EpisodeOfCare"), &token, &new_id()).await.unwrap();
        assert_eq!(reply.status, 200, "{}", text(&reply));
        assert_eq!(self.portal.give_back(&server, &token, &new_id()).await.unwrap().status, 200);
    }

    /// Asks with the BSN and the token where they do not belong.
    pub(crate) async fn misuse(&mut self, base: &str, token: &str) {
        let (bsn, [front, back]) =
            (self.bsn.clone(), [self.world.layout.front_origin(), self.world.layout.back_origin()]);
        let urls = [
            format!("{base}/Patient?identifier=http://fhir.nl/fhir/NamingSystem/bsn%7C{bsn}"),
            format!("{base}/Encounter?patient.identifier={bsn}&access_token={token}"),
            format!("{base}/Patient/{bsn}"),
            format!("{base}/Observation?date=ge{bsn}"),
            format!("{base}/{token}"),
            format!("{back}/fhir/{bsn}/49/3.0/Patient"),
            format!("{back}/{token}/{bsn}"),
            format!("{front}/{bsn}/{token}"),
            format!("{front}/oauth/authorize?client_id={bsn}&redirect_uri={token}&state={token}"),
            format!("{front}/oauth/authorize?response_type=code&client_id=pgo.localhost&scope={bsn}&state={token}"),
            format!("{front}/visit/{bsn}/landing?{token}"),
        ];
        for url in &urls {
            let request = self.pgo.http().get(url).bearer_auth(token).header("x-correlation-id", &bsn);
            let request = request.header("user-agent", format!("{bsn} {token}")).header("medmij-request-id", token);
            assert_ne!(request.send().await.unwrap().status(), 200, "{url}");
        }
        for bearer in [bsn.clone(), format!("{token}x"), format!("{token} {bsn}")] {
            let request = self.pgo.http().get(format!("{base}/EpisodeOfCare"));
            let request = request.header("authorization", format!("Bearer {bearer}"));
            assert_eq!(request.send().await.unwrap().status(), 401);
        }
        let endpoints = self.pgo.endpoints(PROVIDER, "49").await.unwrap();
        for wrong in [bsn.as_str(), token] {
            for name in ["grant_type", "code", "client_id", "redirect_uri", "scope"] {
                let form = pairs(&[(name, wrong), ("refresh_token", wrong)]);
                let reply = self.pgo.token_request(&endpoints.token, &form, wrong).await.unwrap();
                assert!(reply.status.is_client_error(), "{name}");
            }
        }
        let declared = self.pgo.http().request(Method::POST, base).bearer_auth(token).body(format!("{bsn} {token}"));
        assert!(declared.send().await.unwrap().status().is_client_error());
    }

    /// The person's own pages: who asked, the files of it, and the consents, of which one stops.
    pub(crate) async fn own_pages(&mut self) {
        self.indexed().await;
        let (mut person, bsn, front) = (Person::default(), self.bsn.clone(), self.world.layout.front_origin());
        let (start, _) = self.open(&mut person, &format!("{front}/inzagelog")).await;
        let login = self.press(&mut person, &start, &[("action", "continue")]).await;
        let page = self.press(&mut person, &login, &[("bsn", &bsn), ("action", "login")]).await;
        self.save(&page);
        let path = read_form(&text(&page)).unwrap().action;
        for file in ["table", "print", "fhir"] {
            let (file, _) = self.open(&mut person, &format!("{front}{path}/{file}")).await;
            self.save(&file);
        }
        let mut person = Person::default();
        let (start, _) = self.open(&mut person, &format!("{front}/toestemmingen")).await;
        let login = self.press(&mut person, &start, &[("action", "continue")]).await;
        let list = self.press(&mut person, &login, &[("bsn", &bsn), ("action", "login")]).await;
        let html = text(&list);
        let id = html.split_once("name=\"stop\" value=\"").unwrap().1.split('"').next().unwrap();
        let left = self.press(&mut person, &list, &[("stop", id)]).await;
        assert!(left.status == 200 && !text(&left).contains(id));
    }

    /// An auditor searches for the person, another agrees, and what is found leaves in each form.
    pub(crate) async fn audit(&mut self) {
        self.indexed().await;
        let bsn = self.bsn.clone();
        let why = [("ground", "complaint"), ("reason", REASON)];
        let waits = self.desk("auditor", "/search", &[&why[..], &[("patient", &bsn)]].concat()).await;
        assert_eq!(waits.status, 202, "{}", text(&waits));
        let path = format!("/requests/{}", string(&read(&waits)["waits"]));
        assert_eq!(self.desk("auditor2", &path, &[("action", "approve")]).await.status, 200);
        let found = self.desk("auditor", &path, &[("action", "run")]).await;
        self.save(&found);
        let ticket = string(&read(&found)["ticket"]);
        for form in ["ndjson", "csv", "fhir", "nen7513"] {
            let file = self.desk("auditor", "/file", &[("ticket", &ticket), ("form", form)]).await;
            self.save(&file);
        }
        let with_bsn = [("ground", "complaint"), ("reason", &*format!("klacht van {bsn} over inzage"))];
        assert_eq!(self.desk("auditor", "/search", &with_bsn).await.status, 400);
    }

    async fn desk(&self, who: &str, path: &str, fields: &[(&str, &str)]) -> Reply {
        let http = self.world.reader(who, &clock()).unwrap();
        let url = format!("{}{path}", self.world.layout.desk_origin());
        let response = http.http().post(url).header("accept", "application/json").form(fields).send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Reply { status, headers, body: response.bytes().await.unwrap() }
    }

    /// Waits until what happened can be searched.
    async fn indexed(&self) {
        let ops = self.world.layout.ops_url();
        let caught_up = async || get(&ops, "/metrics").await?.contains("\ninzage_audit_index_behind 0\n").then_some(());
        until("index that has caught up", caught_up).await;
    }

    /// Asks until a whole segment of the log was closed and compressed.
    pub(crate) async fn fill(&self, base: &str, token: &str) {
        const AT_ONCE: usize = 64;
        let sealed = || files(&self.home.audit()).iter().any(|file| file.extension().is_some_and(|end| end == "zst"));
        until("sealed segment", async || {
            let mut asking = JoinSet::new();
            for _ in 0..AT_ONCE {
                let (pgo, url, token) = (self.pgo.clone(), format!("{base}/EpisodeOfCare"), token.to_owned());
                asking.spawn(async move { pgo.get(&url, &token, &new_id()).await.unwrap().status });
            }
            assert!(asking.join_all().await.iter().all(|status| *status == 200));
            sealed().then_some(())
        })
        .await;
    }
}

/// One measurement of the person who shares it.
fn measurement() -> Value {
    let person = format!("urn:uuid:{}", new_id());
    let masked = json!({"extension": [
        {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]});
    let subject = json!({"reference": person, "display": "A. de Vries"});
    let entry = |full_url: &str, resource: &Value| {
        json!({"fullUrl": full_url, "resource": resource,
            "request": {"method": "POST", "url": resource["resourceType"]}})
    };
    json!({"resourceType": "Bundle", "type": "batch", "entry": [
        entry(&person, &json!({
            "resourceType": "Patient",
            "meta": {"profile": ["http://fhir.nl/fhir/StructureDefinition/nl-core-patient"]},
            "identifier": [{"system": "http://fhir.nl/fhir/NamingSystem/bsn", "_value": masked}],
            "name": [{"text": "A. de Vries", "family": "De Vries"}],
        })),
        entry(&format!("urn:uuid:{}", new_id()), &json!({
            "resourceType": "Observation",
            "meta": {"profile": ["http://nictiz.nl/fhir/StructureDefinition/zib-BodyWeight"]},
            "status": "final",
            "category": [{"coding": [{"system": "http://hl7.org/fhir/observation-category", "code": "vital-signs"}]}],
            "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7", "display": "lichaamsgewicht"}]},
            "subject": subject,
            "effectiveDateTime": "2026-11-20T08:00:00+01:00",
            "performer": [subject],
            "valueQuantity": {"value": 80.5, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
        })),
    ]})
}
