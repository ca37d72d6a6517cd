//! The operations face: who may what, what stands on record of it, and the emergency switch as patients and PGOs meet it.

mod actions;
mod explain;
mod figures;
mod golive;
mod login;
mod matrix;
mod monitor;
mod pages;
pub(crate) mod register;
mod second;
mod switch;

use std::time::Duration;

use inzage::clock::SharedClock;
use inzage::lists::ListKind;
use inzage::sandbox::client::PgoClient;
use serde_json::{Value, json};

use crate::harness::Gateway;

/// Somebody with a certificate at the operations face.
pub(crate) struct Operator {
    client: PgoClient,
    origin: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

impl Said {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{}", self.text))
    }
}

impl Operator {
    /// Who shows the certificate of this base name: `lezer`, `wacht` or `toezicht`.
    pub(crate) fn new(gateway: &Gateway, file: &str) -> Self {
        let clock = std::sync::Arc::clone(&gateway.clock) as SharedClock;
        let client = gateway.world.reader(file, &clock).unwrap();
        Self { client, origin: gateway.world.layout.admin_origin() }
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Said {
        let request = self.client.http().request(method.parse().unwrap(), format!("{}{path}", self.origin));
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        said(request).await
    }

    /// Sends a form as the page at the same origin would.
    pub(crate) async fn send(&self, path: &str, fields: &[(&str, &str)]) -> Said {
        let request = self.client.http().post(format!("{}{path}", self.origin)).form(fields);
        said(request.header("origin", &self.origin).header("sec-fetch-site", "same-origin")).await
    }

    /// Sends a form as a page of another site would.
    pub(crate) async fn send_from_elsewhere(&self, path: &str, fields: &[(&str, &str)]) -> Said {
        let request = self.client.http().post(format!("{}{path}", self.origin)).form(fields);
        said(request.header("origin", "https://elsewhere.example").header("sec-fetch-site", "cross-site")).await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let said = self.ask("GET", path, None).await;
        assert_eq!(said.status, 200, "{path}: {}", said.text);
        said.json()
    }

    pub(crate) async fn stop(&self, target: &str) -> Said {
        let wish = json!({"reason": "verkeerde uitslagen, melding 12"});
        self.ask("PUT", &format!("/api/v1/stops/{target}"), Some(&wish)).await
    }

    pub(crate) async fn lift(&self, target: &str) -> Said {
        self.ask("DELETE", &format!("/api/v1/stops/{target}"), None).await
    }
}

async fn said(request: reqwest::RequestBuilder) -> Said {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Said { status, headers, text: response.text().await.unwrap() }
}

/// A path with something that fits for each parameter.
fn with_names(path: &str) -> String {
    let names = [
        ("{target}", "his:his-a"),
        ("{entrance}", "huisarts.haven@medmij"),
        ("{kind}", "supplier"),
        ("{id}", "his-b"),
        ("{form}", "toml"),
        ("{scope}", "whole"),
        ("{file}", "declarations.csv"),
    ];
    names.iter().fold(path.to_owned(), |path, (parameter, name)| path.replace(parameter, name))
}

/// Every operation of the document: method and path, with something that fits for each parameter.
fn operations(document: &Value) -> Vec<(String, String)> {
    let paths = document["paths"].as_object().unwrap();
    let each = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().keys();
        methods.map(move |method| (method.to_uppercase(), with_names(path)))
    });
    each.filter(|(method, _)| ["GET", "PUT", "POST", "DELETE"].contains(&method.as_str())).collect()
}

/// Every parameter of the document: the path it belongs to, whether it is part of that, and its name.
fn parameters(document: &Value) -> Vec<(String, bool, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            let own = operation["parameters"].as_array().into_iter().flatten();
            all.extend(own.map(|one| (path.clone(), one["in"] == "path", text(&one["name"]))));
        }
    }
    assert!(all.len() > 5);
    all
}

#[tokio::test]
async fn each_route_is_for_its_roles_and_stands_in_the_document() {
    let gateway = Gateway::start().await;
    let [reader, operator, auditor, nobody] =
        ["lezer", "wacht", "toezicht", "pgo"].map(|file| Operator::new(&gateway, file));
    let document = reader.get("/api/v1/openapi.json").await;
    for (path, in_path, name) in parameters(&document) {
        assert_eq!(path.contains(&format!("{{{name}}}")), in_path, "{path} {name}");
    }
    let mut documented = operations(&document);
    documented.sort();
    let expected = [
        ("DELETE", "/api/v1/drain", [403, 200, 403]),
        ("DELETE", "/api/v1/log-level", [403, 200, 403]),
        ("DELETE", "/api/v1/register/supplier/his-b", [403, 400, 403]),
        ("DELETE", "/api/v1/stops/his:his-a", [403, 200, 403]),
        ("GET", "/api/v1/clients", [200, 200, 200]),
        ("GET", "/api/v1/go-live", [200, 200, 200]),
        ("GET", "/api/v1/go-live/huisarts.haven@medmij", [200, 200, 200]),
        ("GET", "/api/v1/his", [200, 200, 200]),
        ("GET", "/api/v1/lists", [200, 200, 200]),
        ("GET", "/api/v1/log-level", [200, 200, 200]),
        ("GET", "/api/v1/matrix", [200, 200, 200]),
        ("GET", "/api/v1/matrix.csv", [200, 200, 200]),
        ("GET", "/api/v1/matrix/his-b", [404, 404, 404]),
        ("GET", "/api/v1/monitor-files/declarations.csv", [200, 200, 200]),
        ("GET", "/api/v1/monitor/whole", [200, 200, 200]),
        ("GET", "/api/v1/monitor/whole/declarations.csv", [404, 404, 404]),
        ("GET", "/api/v1/node", [200, 200, 200]),
        ("GET", "/api/v1/past-stops", [403, 200, 200]),
        ("GET", "/api/v1/practices", [200, 200, 200]),
        ("GET", "/api/v1/register-files/toml", [200, 200, 200]),
        ("GET", "/api/v1/register/supplier", [200, 200, 200]),
        ("GET", "/api/v1/register/supplier/his-b", [404, 404, 404]),
        ("GET", "/api/v1/register/supplier/his-b/versions", [403, 200, 200]),
        ("GET", "/api/v1/stops", [200, 200, 200]),
        ("POST", "/api/v1/end", [403, 409, 403]),
        ("POST", "/api/v1/explain", [400, 400, 400]),
        ("POST", "/api/v1/explain/past", [403, 400, 400]),
        ("POST", "/api/v1/go-live/huisarts.haven@medmij/undo", [403, 400, 403]),
        ("POST", "/api/v1/register-files/toml", [403, 422, 403]),
        ("POST", "/api/v1/reload", [403, 200, 403]),
        ("PUT", "/api/v1/drain", [403, 200, 403]),
        ("PUT", "/api/v1/go-live/huisarts.haven@medmij", [403, 400, 403]),
        ("PUT", "/api/v1/go-live/huisarts.haven@medmij/people", [403, 400, 403]),
        ("PUT", "/api/v1/log-level", [403, 200, 403]),
        ("PUT", "/api/v1/register/supplier/his-b", [403, 400, 403]),
        ("PUT", "/api/v1/stops/his:his-a", [403, 200, 403]),
    ];
    let routes: Vec<_> = expected.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(documented, routes);
    // Each takes what it needs of it. Refusals are bounded in time.
    let wish = json!({"reason": "verkeerde uitslagen, melding 12", "level": "info"});
    for (method, path, statuses) in expected.into_iter().inspect(|_| gateway.clock.advance(Duration::from_secs(2))) {
        for (who, status) in [&reader, &operator, &auditor, &nobody].into_iter().zip(statuses.into_iter().chain([403]))
        {
            let said = who.ask(method, path, Some(&wish)).await;
            assert_eq!(said.status, status, "{method} {path}: {}", said.text);
            assert_eq!(said.headers["cache-control"], "no-store");
            assert!(said.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn who_is_refused_is_on_record_with_what_they_asked() {
    let gateway = Gateway::start().await;
    let (reader, nobody) = (Operator::new(&gateway, "lezer"), Operator::new(&gateway, "stranger"));
    assert_eq!(nobody.ask("GET", "/api/v1/practices", None).await.json()["error"], "no-operator");
    let refusal = gateway.last_audit("administration");
    assert_eq!((&refusal["outcome"], &refusal["reason"]), (&"refused".into(), &"no-operator".into()));
    assert_eq!(
        (&refusal["user"], &refusal["peer"]),
        (&"operator:stranger.localhost".into(), &"stranger.localhost".into())
    );
    assert_eq!(refusal["detail"], "GET /api/v1/practices");

    assert_eq!(reader.stop("everything").await.json()["error"], "not-your-role");
    let refusal = gateway.last_audit("administration");
    assert_eq!((&refusal["outcome"], &refusal["reason"]), (&"refused".into(), &"not-their-role".into()));
    assert_eq!((&refusal["user"], &refusal["access_point"]), (&"operator:lezer.localhost".into(), &"127.0.0.1".into()));
    assert_eq!(refusal["detail"], "PUT /api/v1/stops/{target}");
    assert_eq!(reader.get("/api/v1/stops").await, json!([]));
    gateway.stop().await;
}

#[tokio::test]
async fn many_refused_requests_neither_fill_the_log_nor_keep_an_operator_away() {
    let gateway = Gateway::start().await;
    let (operator, nobody) = (Operator::new(&gateway, "wacht"), Operator::new(&gateway, "stranger"));
    let mut statuses = Vec::new();
    for _ in 0..70 {
        statuses.push(nobody.ask("GET", "/api/v1/node", None).await.status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 403).count(), 60);
    let last = nobody.ask("GET", "/api/v1/node", None).await;
    assert_eq!((last.status, last.headers["retry-after"].to_str().unwrap()), (429, "1"));
    assert_eq!(gateway.audit_of("administration").len(), 60);
    assert_eq!(operator.stop("everything").await.status, 200);
    gateway.stop().await;
}

#[tokio::test]
async fn a_reader_sees_the_node_its_practices_clients_systems_and_lists() {
    let gateway = Gateway::start().await;
    let bsn = gateway.patient();
    let session = gateway.session("huisarts.delinde@medmij", &bsn).await;
    session.bundle("EpisodeOfCare").await;
    let reader = Operator::new(&gateway, "lezer");

    let node = reader.get("/api/v1/node").await;
    assert_eq!((&node["name"], &node["state"], &node["ready"]), (&"a".into(), &"serving".into(), &true.into()));
    assert_eq!((&node["parts"]["audit"], &node["parts"]["store"]), (&"ok".into(), &"ok".into()));

    let practices = reader.get("/api/v1/practices?limit=1").await;
    assert_eq!((&practices["total"], practices["practices"].as_array().unwrap().len()), (&3.into(), 1));
    let next = practices["next"].as_str().unwrap();
    let rest = reader.get(&format!("/api/v1/practices?after={next}")).await;
    assert_eq!((rest["practices"].as_array().unwrap().len(), &rest["next"]), (2, &Value::Null));
    let linde = reader.get("/api/v1/practices?with=DELINDE").await["practices"][0].clone();
    assert_eq!((&linde["his"], &linde["state"], &linde["stopped"]), (&"his-a".into(), &"open".into(), &Value::Null));
    assert!(linde["services"].as_array().unwrap().contains(&"49".into()), "{linde}");

    let clients = reader.get("/api/v1/clients").await;
    let kinds: Vec<_> =
        clients["clients"].as_array().unwrap().iter().map(|one| (&one["client_id"], &one["kind"])).collect();
    assert!(kinds.contains(&(&"pgo.localhost".into(), &"pgo".into())), "{kinds:?}");
    assert!(kinds.contains(&(&"portaal.localhost".into(), &"portal".into())), "{kinds:?}");

    let his = reader.get("/api/v1/his").await;
    let first = his[0]["endpoints"][0].clone();
    assert_eq!(
        (&his[0]["id"], &his[0]["practices"], &first["breaker"]),
        (&"his-a".into(), &1.into(), &"closed".into())
    );
    assert!(first["endings"]["answered"].as_u64().unwrap() >= 1, "{first}");

    let lists = reader.get("/api/v1/lists").await;
    let zal = &gateway.controls().snapshot.load_full().lists.zal;
    assert_eq!((&lists[0]["list"], &lists[0]["entries"]), (&"ZAL".into(), &3.into()));
    assert_eq!(lists[0]["sequence"], zal.header().sequence);
    assert_eq!(lists[0]["change"], Value::Null);
    assert!(!his.to_string().contains(&bsn) && !node.to_string().contains(&bsn));
    gateway.stop().await;
}

#[tokio::test]
async fn a_list_tells_what_changed_against_the_copy_before() {
    use inzage::clock::Clock as _;
    let gateway = Gateway::start().await;
    let before = gateway.controls().snapshot.load_full().lists.whl.header().sequence;
    let mut lists = gateway.world.layout.lists(2, gateway.clock.now());
    let (_, whl) = lists.iter_mut().find(|(list, _)| *list == ListKind::Whl).unwrap();
    assert!(whl.contains("pgo2.localhost"));
    *whl = whl.replace("pgo2.localhost", "pgo3.localhost");
    gateway.world.publisher.publish(lists);
    gateway.refresh_lists().await;
    let told = Operator::new(&gateway, "toezicht").get("/api/v1/lists").await;
    let change = |list: usize| told[list]["change"].clone();
    let none = json!({"count": 0, "names": []});
    assert_eq!(told[2]["list"], "WHL");
    assert_eq!(change(2)["added"], json!({"count": 1, "names": ["pgo3.localhost"]}));
    assert_eq!(change(2)["gone"], json!({"count": 1, "names": ["pgo2.localhost"]}));
    assert_eq!((&change(2)["changed"], &change(2)["before"]), (&none, &before.into()));
    assert_eq!((&change(0)["added"], &change(0)["gone"], &change(0)["changed"]), (&none, &none, &none));
    gateway.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_or_stopped_is_refused() {
    let gateway = Gateway::start().await;
    let operator = Operator::new(&gateway, "wacht");
    let reason = json!({"reason": "verkeerde uitslagen, melding 12"});
    let bsn = json!({"reason": format!("klacht van {} over de uitslagen", gateway.patient())});
    for (target, body, status, error) in [
        ("his:his-z", Some(&reason), 404, "no-such-target"),
        ("practice:huisarts.onbekend@medmij", Some(&reason), 404, "no-such-target"),
        ("client:onbekend.localhost", Some(&reason), 404, "no-such-target"),
        ("nothing", Some(&reason), 404, "no-such-target"),
        ("everything", Some(&json!({"reason": "kort"})), 400, "no-reason"),
        ("everything", Some(&bsn), 400, "no-reason"),
        ("everything", Some(&json!({"why": "anders"})), 400, "not-readable"),
        ("everything", None, 400, "not-readable"),
    ] {
        let said = operator.ask("PUT", &format!("/api/v1/stops/{target}"), body).await;
        assert_eq!((said.status, &said.json()["error"]), (status, &error.into()), "{target} {body:?}");
    }
    let large = json!({"reason": "a".repeat(20_000)});
    assert_eq!(operator.ask("PUT", "/api/v1/stops/everything", Some(&large)).await.status, 413);
    for limit in ["many", "0", "501"] {
        for of in ["/api/v1/practices", "/api/v1/clients", "/practices"] {
            assert_eq!(operator.ask("GET", &format!("{of}?limit={limit}"), None).await.status, 400, "{of} {limit}");
        }
    }
    assert_eq!(operator.ask("GET", "/api/v1/nothing", None).await.status, 404);
    assert_eq!(operator.ask("POST", "/api/v1/node", Some(&reason)).await.status, 405);
    assert!(gateway.audit_of("access_stopped").is_empty());
    assert_eq!(operator.get("/api/v1/stops").await, json!([]));
    gateway.stop().await;
}
