//! What deploy/monitoring builds on is there: each metric, with the labels that are asked of it, in what a gateway exports after
//! some use; and for each alert a page that says what to do.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use inzage::sandbox::his::faults::Faults;
use serde_json::Value;

use crate::harness::Gateway;

const DELINDE: &str = "huisarts.delinde@medmij";
/// Labels that Prometheus adds itself.
const OF_THE_SCRAPE: [&str; 2] = ["instance", "job"];

fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(deploy(path)).unwrap()
}

/// The expressions of alerts and of panels.
fn expressions() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&read("monitoring/grafana-dashboard.json")).unwrap();
    let mut found = vec![read("monitoring/rules.yml")];
    let mut waiting = vec![&dashboard];
    while let Some(value) = waiting.pop() {
        match value {
            Value::Object(members) => {
                found.extend(members.get("expr").and_then(Value::as_str).map(str::to_owned));
                waiting.extend(members.values());
            }
            Value::Array(elements) => waiting.extend(elements),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    found
}

fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Each metric that an expression names, with the labels that it chooses by.
fn asked(expression: &str) -> Vec<(String, BTreeSet<String>)> {
    let mut found = Vec::new();
    for (at, _) in expression.match_indices("inzage_") {
        let rest = &expression[at..];
        let name: String = rest.chars().take_while(|c| is_of_a_name(*c)).collect();
        let chosen =
            rest[name.len()..].strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or("", |(inside, _)| inside);
        let labels =
            chosen.split(',').filter_map(|label| label.split_once(['=', '!'])).map(|(key, _)| key.trim().to_owned());
        found.push((name, labels.collect()));
    }
    found
}

/// Each metric that is exported, with its labels.
fn exported(metrics: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let name: String = line.chars().take_while(|c| is_of_a_name(*c)).collect();
        let (labels, known) = (asked(line).remove(0).1, found.entry(name).or_default());
        known.extend(labels);
    }
    found
}

#[tokio::test]
async fn every_metric_of_the_alerts_and_the_dashboard_is_exported() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    assert_eq!(session.get("EpisodeOfCare").await.status, 200);
    gateway.world.his[0].set_faults(Faults { foreign_patient: true, ..Faults::default() });
    assert_eq!(session.get("EpisodeOfCare").await.status, 502);
    gateway.world.his[0].set_faults(Faults::default());
    let sharing = gateway.session_of("53", DELINDE, &gateway.patient()).await;
    let shared = crate::share::post(&sharing, &crate::share::measurements(1)).await;
    assert!(shared.status.is_success(), "{}", shared.status);
    let (_, metrics) = gateway.ops("/metrics").await;
    assert!(
        metrics.contains("inzage_disclosures_total{outcome=\"failed\",reason=\"his-answer-unfit\"} 1\n"),
        "{metrics}"
    );
    let exported = exported(&metrics);
    let mut asked_for = 0;
    for expression in expressions() {
        for (name, labels) in asked(&expression) {
            let Some(known) = exported.get(&name) else { panic!("{name} of {expression} is not among\n{metrics}") };
            for label in labels.iter().filter(|label| !OF_THE_SCRAPE.contains(&label.as_str())) {
                assert!(known.contains(label), "{name} has no label {label}: {known:?} ({expression})");
            }
            asked_for += 1;
        }
    }
    assert!(asked_for > 70, "{asked_for}");
    gateway.stop().await;
}

/// Prometheus sees no increase in the first sample of a series: one that an alert looks at must be there before what it counts
/// happens for the first time.
#[tokio::test]
async fn what_an_alert_waits_for_is_counted_from_the_start() {
    let gateway = Gateway::start().await;
    let (_, metrics) = gateway.ops("/metrics").await;
    let rules = read("monitoring/rules.yml");
    let mut waited_for = 0;
    for (_, rest) in rules.match_indices("increase(").map(|(at, word)| rules.split_at(at + word.len())) {
        let (series, _) = rest.split_once('[').unwrap();
        let (name, chosen) = series.split_once('{').unwrap_or((series, "}"));
        let values: Vec<_> = chosen.trim_end_matches('}').split(',').filter(|label| label.contains("=\"")).collect();
        let of_it = |line: &&str| line.starts_with(name) && values.iter().all(|value| line.contains(value));
        assert!(metrics.lines().any(|line| of_it(&line)), "{series} is not among\n{metrics}");
        waited_for += 1;
    }
    assert!(waited_for > 5, "{waited_for}");
    gateway.stop().await;
}

/// What stands after a key, line by line.
fn after<'a>(key: &str, text: &'a str) -> Vec<&'a str> {
    text.lines().filter_map(|line| line.trim().strip_prefix(key)).map(str::trim).collect()
}

#[test]
fn every_alert_has_a_page_that_says_what_to_do_and_every_page_an_alert() {
    let rules = read("monitoring/rules.yml");
    let alerts = after("- alert:", &rules);
    let pages: Vec<_> =
        after("runbook_url:", &rules).into_iter().map(|url| url.strip_prefix("deploy/").unwrap()).collect();
    assert_eq!((alerts.len(), after("summary:", &rules).len()), (pages.len(), pages.len()));
    assert!(alerts.len() >= 20);
    for page in &pages {
        let text = read(page);
        for part in ["## Meaning\n\n", "## Check\n\n- ", "## Act\n\n- ", "## Escalate\n\n"] {
            assert!(text.contains(part), "{part:?} of {page}");
        }
        // A page that leads on leads somewhere.
        let folder = deploy(page).parent().unwrap().to_owned();
        for (_, rest) in text.match_indices("](").map(|(at, _)| text.split_at(at + 2)) {
            let (target, _) = rest.split_once(')').unwrap();
            assert!(folder.join(target).exists(), "{target} in {page}");
        }
    }
    let written = std::fs::read_dir(deploy("docs/runbooks")).unwrap().map(|entry| entry.unwrap().file_name());
    for page in written {
        let page = format!("docs/runbooks/{}", page.to_str().unwrap());
        assert!(pages.contains(&page.as_str()), "no alert leads to {page}");
    }
}

#[test]
fn what_an_expression_asks_for_is_read() {
    let found = asked("sum(rate(inzage_a_total{x=\"1\",y!~\"2\"}[5m])) / inzage_b");
    let labels = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(found, [("inzage_a_total".to_owned(), labels(&["x", "y"])), ("inzage_b".to_owned(), labels(&[]))]);
}
