//! Starts the real thing for a test: the whole sandbox in this process, with a clock that stands still.

use std::path::PathBuf;
use std::sync::Arc;

use inzage::app::Controls;
use inzage::clock::{SharedClock, TestClock};
use inzage::sandbox::client::{Endpoints, PgoClient, Reply, TokenAnswer, new_id};
use inzage::sandbox::person::{Choices, End, Person};
use inzage::sandbox::ports::Base;
use inzage::sandbox::world::{Wish, World};
use inzage::services::{Catalogue, Purpose};
use serde_json::Value;

/// The service of this issue, and its role.
pub(crate) const SERVICE: &str = "49";
/// What a person gives who consents to collecting from a practice.
pub(crate) const COLLECTED: &str = "47 48 49 51 52 63";
/// See [`SERVICE`].
pub(crate) const ROLE: &str = "MM-2.0-HGB-FHIR";

/// A running sandbox with its gateway.
pub(crate) struct Gateway {
    /// Everything.
    pub(crate) world: World,
    /// Its time.
    pub(crate) clock: Arc<TestClock>,
    dir: Folder,
}

/// A folder of the test's own; kept when the test fails, so that its logs can be read.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            std::fs::remove_dir_all(&self.0).ok();
        }
    }
}

/// A PGO with a person's token.
pub(crate) struct Session {
    /// The PGO.
    pub(crate) client: PgoClient,
    /// Where it asks.
    pub(crate) endpoints: Endpoints,
    /// What it got.
    pub(crate) token: TokenAnswer,
    /// Ties the steps together.
    pub(crate) correlation_id: String,
}

/// A clock that stands at noon in the Netherlands.
pub(crate) fn noon() -> Arc<TestClock> {
    TestClock::at("2026-11-21T11:00:00Z".parse().unwrap())
}

impl Gateway {
    /// Starts one; its clock stands at noon in the Netherlands.
    pub(crate) async fn start() -> Self {
        Self::start_with("").await
    }

    /// Starts one whose gateway has these tables in its configuration, too.
    pub(crate) async fn start_with(settings: &str) -> Self {
        Self::start_among(settings, None).await
    }

    /// Starts one whose first practice has these records, too.
    pub(crate) async fn start_among(settings: &str, his_data: Option<PathBuf>) -> Self {
        let clock = noon();
        let shared = Arc::clone(&clock) as _;
        Self::launch(settings, his_data, shared, clock).await
    }

    /// Starts one that is told the time by `shared`, which knows it from `clock`.
    pub(crate) async fn start_by(shared: SharedClock, clock: Arc<TestClock>) -> Self {
        Self::launch("", None, shared, clock).await
    }

    async fn launch(settings: &str, his_data: Option<PathBuf>, shared: SharedClock, clock: Arc<TestClock>) -> Self {
        let dir = Folder(std::env::temp_dir().join(format!("inzage-test-{}", new_id())));
        let wish =
            Wish { dir: dir.0.clone(), his_data, base: Base::Any, with_gateway: true, settings: settings.to_owned() };
        let world = World::start(&wish, shared).await.unwrap();
        Self { world, clock, dir }
    }

    /// Wall-clock time in whole seconds.
    pub(crate) fn clock_seconds(&self) -> i64 {
        use inzage::clock::Clock as _;
        self.clock.now().as_second()
    }

    /// One of the sandbox's clients.
    pub(crate) fn client(&self, name: &str) -> PgoClient {
        let clock: SharedClock = Arc::clone(&self.clock) as _;
        self.world.client(name, &clock).unwrap()
    }

    /// Walks a person through the authorization; where they ended, and the correlation id.
    pub(crate) async fn walk(
        &self,
        client: &PgoClient,
        provider: &str,
        choices: Choices<'_>,
    ) -> (End, Endpoints, String) {
        let endpoints = client.endpoints(provider, SERVICE).await.unwrap();
        let correlation_id = new_id();
        let scope = provider.strip_suffix("@medmij").unwrap();
        let url = client.authorization_url(&endpoints, scope, "the state", &correlation_id);
        let end = Person::default().walk(client, &url, choices).await.unwrap();
        (end, endpoints, correlation_id)
    }

    /// A code for a willing person.
    pub(crate) async fn code(&self, client: &PgoClient, provider: &str, bsn: &str) -> (String, Endpoints, String) {
        let (end, endpoints, correlation_id) = self.walk(client, provider, Choices::willing(bsn)).await;
        let End::Client(answer) = end else { panic!("the walk ended on a page: {end:?}") };
        assert_eq!(answer["state"], "the state");
        (answer["code"].clone(), endpoints, correlation_id)
    }

    /// A token for a willing person, held by the first PGO.
    pub(crate) async fn session(&self, provider: &str, bsn: &str) -> Session {
        self.session_of(SERVICE, provider, bsn).await
    }

    /// A token of a willing person with which to ask at the endpoint of this service, or to share with it.
    pub(crate) async fn session_of(&self, service: &str, provider: &str, bsn: &str) -> Session {
        let client = self.client("pgo");
        let endpoints = client.endpoints(provider, service).await.unwrap();
        let correlation_id = new_id();
        let scope = scope_of(provider, service);
        let url = client.authorization_url(&endpoints, &scope, "the state", &correlation_id);
        let end = Person::default().walk(&client, &url, Choices::willing(bsn)).await.unwrap();
        let End::Client(answer) = end else { panic!("the walk ended on a page: {end:?}") };
        let token = client.exchange(&endpoints, &answer["code"], &correlation_id).await.unwrap();
        Session { client, endpoints, token, correlation_id }
    }

    /// Tokens of a person who consents "for an indefinite period", held by the first PGO.
    pub(crate) async fn lasting_session(&self, provider: &str, bsn: &str) -> Session {
        let client = self.client("pgo");
        let choices = Choices { indefinite: true, ..Choices::willing(bsn) };
        let (End::Client(answer), endpoints, correlation_id) = self.walk(&client, provider, choices).await else {
            panic!("the walk ended on a page")
        };
        let token = client.exchange(&endpoints, &answer["code"], &correlation_id).await.unwrap();
        Session { client, endpoints, token, correlation_id }
    }

    /// Every audit record so far, oldest first.
    pub(crate) fn audit(&self) -> Vec<Value> {
        records(&self.audit_dir())
    }

    /// Returns when everything recorded so far can be searched.
    pub(crate) async fn indexed(&self) {
        let last = u64::try_from(self.audit().len()).unwrap().checked_sub(1).unwrap();
        self.controls().indexed.reached(last).await;
    }

    /// The last audit record of a kind.
    pub(crate) fn last_audit(&self, kind: &str) -> Value {
        let records = self.audit();
        let found = records.iter().rev().find(|record| record["kind"] == kind).cloned();
        found.unwrap_or_else(|| panic!("no {kind} among {records:#?}"))
    }

    /// The record that an answer names as its own in `Inzage-Audit-Receipt`.
    pub(crate) fn named_by(&self, reply: &Reply) -> Value {
        let receipt = reply.headers.get("inzage-audit-receipt").unwrap_or_else(|| panic!("no record: {}", text(reply)));
        let (log, index) = receipt.to_str().unwrap().rsplit_once('/').unwrap();
        assert_eq!(log, inzage::audit::read_dir(&self.audit_dir()).unwrap().log().shared().as_ref());
        let index: usize = index.parse().unwrap();
        self.audit().get(index).filter(|record| record["index"] == index).cloned().unwrap()
    }

    /// How many requests every HIS together got so far.
    pub(crate) fn his_requests(&self) -> u64 {
        self.world.his.iter().map(|his| his.log().count).sum()
    }

    /// The folder of the audit log.
    pub(crate) fn audit_dir(&self) -> PathBuf {
        self.dir.0.join("gateway/audit")
    }

    /// The BSN of an adult patient of the first practice.
    pub(crate) fn patient(&self) -> String {
        self.world.practices[0].patients[0].bsn.reveal().to_owned()
    }

    /// Every audit record of a kind, oldest first.
    pub(crate) fn audit_of(&self, kind: &str) -> Vec<Value> {
        self.audit().into_iter().filter(|record| record["kind"] == kind).collect()
    }

    /// The gateway's handles.
    pub(crate) fn controls(&self) -> &Controls {
        self.world.gateway.as_ref().unwrap()
    }

    /// Makes the gateway fetch what is published now, and returns when it has dealt with it.
    pub(crate) async fn refresh_lists(&self) {
        let controls = self.controls();
        let mut refreshes = controls.refreshes.clone();
        // The one at the start may still be under way with what was published before.
        refreshes.wait_for(|ended| *ended > 0).await.unwrap();
        let before = *refreshes.borrow_and_update();
        controls.refresh_lists.notify_one();
        refreshes.wait_for(|ended| *ended > before).await.unwrap();
    }

    /// What the operations face answers: status and body.
    pub(crate) async fn ops(&self, path: &str) -> (u16, String) {
        operations(&format!("{}{path}", self.world.layout.ops_url())).await
    }

    /// Stops everything in order and leaves the folder to who looks into it.
    pub(crate) async fn leave(self) -> Left {
        self.world.stop().await.unwrap();
        inzage::audit::verify(&self.dir.0.join("gateway/audit")).unwrap();
        Left(self.dir)
    }

    /// The sandbox's folder.
    pub(crate) fn folder(&self) -> &std::path::Path {
        &self.dir.0
    }

    /// Stops everything in order; the log must verify afterwards.
    pub(crate) async fn stop(self) {
        let dir = self.audit_dir();
        self.world.stop().await.unwrap();
        let verified = inzage::audit::verify(&dir).unwrap();
        assert_eq!(verified.unfinished_bytes, 0);
    }
}

/// The scope of release 2.x: a provider to collect from, or a provider and a service to share with.
fn scope_of(provider: &str, service: &str) -> String {
    let name = provider.strip_suffix("@medmij").unwrap();
    let catalogue = Catalogue::shipped();
    let shares = catalogue.service(service).is_some_and(|service| service.purpose == Purpose::Share);
    if shares { format!("{name}~{service}") } else { name.to_owned() }
}

/// A folder whose sandbox has stopped.
pub(crate) struct Left(Folder);

impl Left {
    /// Where it is.
    pub(crate) fn path(&self) -> &std::path::Path {
        &self.0.0
    }

    /// Every audit record, oldest first.
    pub(crate) fn audit(&self) -> Vec<Value> {
        records(&self.path().join("gateway/audit"))
    }
}

/// What an operations face answers: status and body.
pub(crate) async fn operations(url: &str) -> (u16, String) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = http.get(url).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

/// The records of a log, oldest first.
pub(crate) fn records(audit_dir: &std::path::Path) -> Vec<Value> {
    let mut text = Vec::new();
    inzage::audit::show(audit_dir, &mut text).unwrap();
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

impl Session {
    /// The resource endpoint; that of a service with several roles is one and the same.
    pub(crate) fn base(&self) -> &str {
        self.endpoints.resources.values().next().unwrap()
    }

    /// Its refresh token.
    pub(crate) fn refresh_token(&self) -> &str {
        self.token.refresh_token.as_deref().unwrap()
    }

    /// Asks for something under the resource endpoint.
    pub(crate) async fn get(&self, request: &str) -> Reply {
        let url = format!("{}/{request}", self.base());
        self.client.get(&url, &self.token.access_token, &self.correlation_id).await.unwrap()
    }

    /// A request under the resource endpoint with the token and the ids, to be changed or sent.
    pub(crate) fn request(&self, method: http::Method, request: &str) -> reqwest::RequestBuilder {
        let url = format!("{}/{request}", self.base());
        self.bare(method, &url).bearer_auth(&self.token.access_token)
    }

    /// A request to an address, without the token.
    pub(crate) fn bare(&self, method: http::Method, url: &str) -> reqwest::RequestBuilder {
        let request = self.client.http().request(method, url);
        request.header("MedMij-Request-ID", new_id()).header("X-Correlation-ID", &self.correlation_id)
    }

    /// Asks, and expects a Bundle.
    pub(crate) async fn bundle(&self, request: &str) -> Value {
        let reply = self.get(request).await;
        assert_eq!(reply.status, 200, "{request}: {}", text(&reply));
        serde_json::from_slice(&reply.body).unwrap()
    }
}

/// Sends a request.
pub(crate) async fn send(request: reqwest::RequestBuilder) -> Reply {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Reply { status, headers, body: response.bytes().await.unwrap() }
}

/// A body as text.
pub(crate) fn text(reply: &Reply) -> String {
    String::from_utf8_lossy(&reply.body).into_owned()
}

/// A body as JSON.
pub(crate) fn json(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap_or_else(|error| panic!("{error}: {}", text(reply)))
}

/// Our code in an OperationOutcome, and who can act.
pub(crate) fn fault(reply: &Reply) -> (String, String) {
    let outcome = json(reply);
    assert_eq!(outcome["resourceType"], "OperationOutcome");
    let coding = &outcome["issue"][0]["details"]["coding"];
    (coding[0]["code"].as_str().unwrap().to_owned(), coding[1]["code"].as_str().unwrap().to_owned())
}

/// The seven searches of the service, for this day.
pub(crate) fn seven_searches(today: jiff::civil::Date) -> Vec<String> {
    let since = today.checked_sub(jiff::ToSpan::months(14)).unwrap();
    vec![
        "Patient?_include=Patient:general-practitioner".to_owned(),
        "EpisodeOfCare".to_owned(),
        format!(
            "MedicationRequest?periodofuse=ge{today}&category=http://snomed.info/sct%7C16076005&_include=MedicationRequest:medication"
        ),
        "AllergyIntolerance?category=medication".to_owned(),
        format!(
            "Observation?code=https://referentiemodel.nhg.org/tabellen/nhg-tabel-45-diagnostische-bepalingen%7C&_include=Observation:related-target&_include=Observation:specimen&date=ge{since}"
        ),
        "Composition?type=http://loinc.org%7C67781-5".to_owned(),
        "Encounter".to_owned(),
    ]
}
