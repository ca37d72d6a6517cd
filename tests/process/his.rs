//! `inzage his check`: an installation that is well, beside a running node; one that fails; one that nobody should trust.

use std::fs;

use inzage::sandbox::his::faults::{Fail, Faults};
use inzage::sandbox::world::World;
use serde_json::Value;

use crate::harness::{Ended, Home, text};

/// A world and what a check of it is told.
struct Scene {
    home: Home,
    world: World,
    described: Value,
}

impl Scene {
    async fn new() -> Self {
        let home = Home::new();
        let world = home.world().await;
        let described = serde_json::from_slice(&fs::read(home.path("sandbox.json")).unwrap()).unwrap();
        Self { home, world, described }
    }

    /// A file with the BSN of an adult of the practice of this HIS.
    fn person(&self, his: &str) -> String {
        let of = |list: &str, key: &str, value: &str| {
            let entries = self.described[list].as_array().unwrap().clone();
            entries.into_iter().filter(|entry| entry[key] == value).collect::<Vec<_>>()
        };
        let provider = of("providers", "his", his)[0]["name"].as_str().unwrap().to_owned();
        let people = of("patients", "provider", &provider);
        let adult = people.iter().find(|person| person["birth_date"].as_str().unwrap() < "2000").unwrap();
        adult["bsn"].as_str().unwrap().to_owned()
    }

    async fn check(&self, his: &str, more: &[&str]) -> Ended {
        let config = self.home.path("gateway.toml");
        let given = [&["his", "check", his, "--config", text(&config)], more].concat();
        self.home.run(&given).await
    }

    /// With a person, as tools read it.
    async fn report(&self, his: &str) -> (Option<i32>, Value) {
        let (bsn, file) = (self.person(his), self.home.path("bsn"));
        fs::write(&file, format!("{bsn}\n")).unwrap();
        let ended = self.check(his, &["--bsn-file", text(&file), "--json"]).await;
        assert!(!ended.out.contains(&bsn) && !ended.err.contains(&bsn), "the BSN is printed");
        let report = serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{}{}", ended.out, ended.err));
        (ended.code, report)
    }
}

fn service<'a>(report: &'a Value, id: &str) -> &'a Value {
    report["services"].as_array().unwrap().iter().find(|service| service["id"] == id).unwrap()
}

fn step<'a>(report: &'a Value, what: &str) -> &'a Value {
    let named = |line: &&Value| line["what"].as_str().unwrap().starts_with(what);
    report["steps"].as_array().unwrap().iter().find(named).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_well_is_said_in_numbers_and_recorded_beside_a_running_node() {
    let scene = Scene::new().await;
    let gateway = scene.home.serve().ready(scene.described["ops"].as_str().unwrap()).await;
    scene.world.his[0].set_faults(Faults { page_size: 2, ..Faults::default() });
    let (code, report) = scene.report("his-a").await;
    assert_eq!(code, Some(0), "{report:#}");
    for what in ["connection", "what it says of itself (stu3)", "what it says of itself (r4)", "auth", "paging"] {
        assert_eq!(step(&report, what)["verdict"], "ok", "{what}");
    }
    for id in ["47", "48", "49", "51", "52", "63"] {
        assert_eq!(service(&report, id)["verdict"], "ok", "{id}");
    }
    assert_eq!(service(&report, "53")["verdict"], "not_tried", "a check stores nothing");
    let searches = service(&report, "49")["searches"].as_array().unwrap();
    assert!(searches.iter().any(|line| line["entries"].as_u64() > Some(0)));
    assert!(searches.iter().all(|line| line["millis"].is_u64()));
    assert_is_recorded(&scene.home, &report).await;
    gateway.signal("TERM");
    assert_eq!(gateway.ended().await.code, Some(0));
}

/// One intent and one outcome for each question, in a log of its own that can be verified.
async fn assert_is_recorded(home: &Home, report: &Value) {
    let log = home.path("gateway-his-check/audit");
    let verified = home.run(&["audit", "verify", text(&log)]).await;
    assert_eq!(verified.code, Some(0), "{}{}", verified.out, verified.err);
    let shown = home.run(&["audit", "show", text(&log), "--json"]).await;
    let count = |kind: &str| shown.out.lines().filter(|line| line.contains(kind)).count();
    let services = report["services"].as_array().unwrap().iter();
    let searches: usize = services.map(|service| service["searches"].as_array().unwrap().len()).sum();
    assert!(searches > 30, "{searches}");
    assert_eq!((count("disclosure_intent"), count("disclosure_outcome")), (searches + 1, searches + 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_dialects_are_checked_alike_and_nothing_is_asked_without_a_person() {
    let scene = Scene::new().await;
    let (code, report) = scene.report("his-b").await;
    assert_eq!((code, &service(&report, "49")["verdict"]), (Some(0), &Value::from("ok")), "{report:#}");
    assert_eq!(step(&report, "connection and TLS (token)")["verdict"], "ok");
    let (code, report) = scene.report("his-c").await;
    assert_eq!((code, &service(&report, "49")["verdict"]), (Some(0), &Value::from("ok")), "{report:#}");
    assert_eq!(service(&report, "51")["verdict"], "partly", "it lists no DocumentManifest");
    assert_eq!(service(&report, "63")["verdict"], "not_offered", "it has no R4");
    let ended = scene.check("his-a", &[]).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("no person was given (--bsn-file)"), "{}", ended.out);
    let asked = scene.world.his[0].log();
    assert_eq!((asked.count, asked.last.unwrap().path.ends_with("/metadata")), (2, true), "STU3 and R4");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_named_with_who_must_act() {
    let scene = Scene::new().await;
    let fail = |word: &str| Faults { fail: Fail::try_from(word.to_owned()).unwrap(), ..Faults::default() };
    for (word, what, who) in [("status:403", "what it says", "registered"), ("refuse", "connection", "")] {
        scene.world.his[0].set_faults(fail(word));
        let (code, report) = scene.report("his-a").await;
        let line = step(&report, what);
        assert_eq!((code, &line["verdict"]), (Some(1), &Value::from("not")), "{word}: {report:#}");
        assert!(line["who"].as_str().unwrap().contains(who), "{word}: {line}");
    }
    // The person is found on one page; of what comes in more, the second fails.
    scene.world.his[0].set_faults(Faults { page_size: 2, fail_page: 2, ..Faults::default() });
    let (code, report) = scene.report("his-a").await;
    assert_eq!((code, &service(&report, "49")["verdict"]), (Some(1), &Value::from("not")), "{report:#}");
    assert_eq!(step(&report, "auth")["verdict"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_another_root_is_no_connection() {
    let scene = Scene::new().await;
    let config = scene.home.path("gateway.toml");
    let written = fs::read_to_string(&config).unwrap();
    let (before, his) = written.split_once("[[his]]").unwrap();
    let other = his.replacen("roots = \"ca.pem\"", "roots = \"front.pem\"", 1);
    fs::write(&config, format!("{before}[[his]]{other}")).unwrap();
    let ended = scene.check("his-a", &[]).await;
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("TLS fails"), "{}", ended.out);
    assert_eq!(scene.world.his[0].log().count, 0, "nothing is asked without TLS");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_checked_is_refused_without_repeating_it() {
    let scene = Scene::new().await;
    assert_eq!(scene.check("his-z", &[]).await.code, Some(78));
    let file = scene.home.path("bsn");
    fs::write(&file, "123456789").unwrap();
    let ended = scene.check("his-a", &["--bsn-file", text(&file)]).await;
    assert_eq!(ended.code, Some(65), "{}", ended.err);
    assert!(!ended.err.contains("123456789"), "{}", ended.err);
}
