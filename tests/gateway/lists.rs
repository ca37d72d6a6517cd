//! The lists decide who may do what: a new set is in force at once, a bad one never is.

mod faults;
mod guard;
mod restart;
mod swaps;

use std::collections::BTreeSet;
use std::time::Duration;

use inzage::clock::Clock as _;
use inzage::lists::ListKind;
use inzage::sandbox::client::{PgoClient, new_id};
use inzage::sandbox::person::{Choices, End, Person, location, read_form};
use serde_json::Value;

use crate::harness::{Gateway, Session, fault, text};

pub(crate) const DELINDE: &str = "huisarts.delinde@medmij";

/// Publishes the lists of the sandbox under a sequence number, each after a change.
pub(crate) fn publish(gateway: &Gateway, sequence: u64, change: impl Fn(ListKind, String) -> String) {
    let lists = gateway.world.layout.lists(sequence, gateway.clock.now());
    gateway.world.publisher.publish(lists.into_iter().map(|(kind, text)| (kind, change(kind, text))));
}

/// A list without the element that holds a text.
pub(crate) fn without(list: &str, element: &str, held: &str) -> String {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let at = list.find(held).unwrap();
    let start = list[..at].rfind(&open).unwrap();
    let stop = at + list[at..].find(&close).unwrap() + close.len();
    format!("{}{}", &list[..start], &list[stop..])
}

fn in_ocl(kind: ListKind, list: String, client: &PgoClient) -> String {
    if kind == ListKind::Ocl { without(&list, "OAuthclient", &client.client_id) } else { list }
}

async fn status_of_authorization(client: &PgoClient) -> u16 {
    let endpoints = client.endpoints(DELINDE, "49").await.unwrap();
    let url = client.authorization_url(&endpoints, "huisarts.delinde", "s", &new_id());
    let reply = Person::default().open(client, &url).await.unwrap();
    assert!(location(&reply).is_none());
    assert_eq!(read_form(&text(&reply)).is_some(), reply.status == 200);
    reply.status.as_u16()
}

#[tokio::test]
async fn a_client_that_leaves_the_client_list_is_out_at_the_next_request() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    let (code, endpoints, correlation_id) = gateway.code(&session.client, DELINDE, &gateway.patient()).await;
    assert_eq!(session.get("EpisodeOfCare").await.status, 200);
    let swaps = gateway.audit_of("lists_swapped").len();

    publish(&gateway, 2, |kind, list| in_ocl(kind, list, &session.client));
    gateway.refresh_lists().await;
    assert_eq!(status_of_authorization(&session.client).await, 400);
    assert_eq!(gateway.last_audit("authorization_refused")["reason"], "unknown-client");
    let asked = gateway.world.his[0].log().count;
    let reply = session.get("EpisodeOfCare").await;
    assert_eq!(reply.status, 403, "{}", text(&reply));
    let refused = gateway.last_audit("resource_refused");
    assert_eq!(refused["reason"], fault(&reply).0);
    assert_eq!(refused["service"], "49", "the service that was asked for is on record");
    assert_eq!(gateway.world.his[0].log().count, asked, "the HIS is not asked");
    let refused = session.client.exchange(&endpoints, &code, &correlation_id).await.unwrap_err();
    assert_eq!(refused.to_string(), "the token endpoint answered 401 Unauthorized: invalid_client");
    // The other client is untouched, and the swap is in the log.
    assert_eq!(status_of_authorization(&gateway.client("pgo2")).await, 200);
    assert_eq!(gateway.audit_of("lists_swapped").len(), swaps + 1);

    publish(&gateway, 3, |_, list| list);
    gateway.refresh_lists().await;
    assert_eq!(session.get("EpisodeOfCare").await.status, 200);
    gateway.stop().await;
}

#[tokio::test]
async fn case_51_a_node_that_leaves_the_whitelist_is_out_at_the_next_request() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    let (code, endpoints, correlation_id) = gateway.code(&session.client, DELINDE, &gateway.patient()).await;
    publish(&gateway, 2, |kind, list| match kind {
        ListKind::Whl => without(&list, "MedMijNode", "pgo.localhost"),
        ListKind::Zal | ListKind::Ocl | ListKind::Gnl => list,
    });
    gateway.refresh_lists().await;
    let reply = session.get("EpisodeOfCare").await;
    assert_eq!(reply.status, 403, "{}", text(&reply));
    assert_eq!(gateway.last_audit("resource_refused")["reason"], fault(&reply).0);
    let refused = session.client.exchange(&endpoints, &code, &correlation_id).await.unwrap_err();
    assert_eq!(refused.to_string(), "the token endpoint answered 401 Unauthorized: invalid_client");
    assert_eq!(gateway.last_audit("token_refused")["peer"], "pgo.localhost");
    gateway.stop().await;
}

#[tokio::test]
async fn a_provider_that_leaves_the_list_is_served_for_an_hour_more() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    publish(&gateway, 2, |kind, list| match kind {
        ListKind::Zal => without(&list, "Zorgaanbieder", DELINDE),
        ListKind::Ocl | ListKind::Whl | ListKind::Gnl => list,
    });
    gateway.refresh_lists().await;
    assert_eq!(session.get("EpisodeOfCare").await.status, 200);
    assert!(gateway.ops("/metrics").await.1.contains("inzage_lists_in_grace 8\n"));

    // A PGO that still works from the older list sends a person in the last second.
    gateway.clock.advance(Duration::from_secs(3599));
    let url = session.client.authorization_url(&session.endpoints, "huisarts.delinde", "s", &new_id());
    let end = Person::default().walk(&session.client, &url, Choices::willing(&gateway.patient())).await.unwrap();
    let End::Client(answer) = end else { panic!("the walk ended on a page: {end:?}") };
    let token = session.client.exchange(&session.endpoints, &answer["code"], &new_id()).await.unwrap();
    let session = Session { token, ..session };
    assert_eq!(session.get("EpisodeOfCare").await.status, 200);

    gateway.clock.advance(Duration::from_secs(1));
    let asked = gateway.his_requests();
    let reply = session.get("EpisodeOfCare").await;
    assert!(matches!(reply.status.as_u16(), 403 | 404), "{}", text(&reply));
    assert_eq!(gateway.last_audit("resource_refused")["reason"], fault(&reply).0);
    assert_eq!(gateway.his_requests(), asked, "the HIS is not asked");
    let reply = Person::default().open(&session.client, &url).await.unwrap();
    assert!(location(&reply).unwrap().contains("error=invalid_scope"));
    assert_eq!(gateway.last_audit("authorization_refused")["provider"], "huisarts.delinde@medmij");
    gateway.stop().await;
}

/// One way in which a set is bad, and the alarm that says so.
struct Bad {
    what: &'static str,
    alarm: &'static str,
    sequence: u64,
    list: ListKind,
    spoil: fn(String) -> String,
}

const fn bad(
    what: &'static str,
    alarm: &'static str,
    sequence: u64,
    list: ListKind,
    spoil: fn(String) -> String,
) -> Bad {
    Bad { what, alarm, sequence, list, spoil }
}

const BAD: [Bad; 11] = [
    bad("older", "list_rollback", 4, ListKind::Ocl, |list| list),
    bad("other content under the number in force", "list_same_number", 5, ListKind::Ocl, |list| list),
    bad("from the future", "list_from_the_future", 6, ListKind::Zal, |list| list.replace("T11:00:00Z", "T11:05:01Z")),
    bad("truncated", "list_invalid", 6, ListKind::Gnl, |list| list[..list.len() / 2].to_owned()),
    bad("a document type", "list_invalid", 7, ListKind::Whl, |list| with_entities(&list)),
    bad("another root", "list_invalid", 8, ListKind::Ocl, |list| list.replace("OAuthclientlist", "X")),
    bad("another namespace", "list_invalid", 8, ListKind::Whl, |list| list.replace("/release2/", "/release9/")),
    bad("http", "list_invalid", 9, ListKind::Zal, |list| list.replace("https://", "http://")),
    bad("a provider twice", "list_invalid", 10, ListKind::Zal, |list| with_a_provider_twice(&list)),
    bad("a host that only looks right", "list_invalid", 11, ListKind::Ocl, |list| with_a_cyrillic_letter(&list)),
    bad("an empty answer", "list_invalid", 12, ListKind::Whl, |_| String::new()),
];

fn with_entities(list: &str) -> String {
    list.replacen("?>", "?><!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>", 1)
}

fn with_a_cyrillic_letter(list: &str) -> String {
    list.replace("pgo2.localhost", "pg\u{43e}2.localhost")
}

fn with_a_provider_twice(list: &str) -> String {
    let (before, last) = list.split_at(list.rfind("<Zorgaanbieder>").unwrap());
    let end = last.find("</Zorgaanbieder>").unwrap() + "</Zorgaanbieder>".len();
    format!("{before}{}{last}", &last[..end])
}

/// The alarms that last, by name; the metrics must agree.
pub(crate) async fn alarms(gateway: &Gateway) -> Vec<String> {
    let report: Value = serde_json::from_str(&gateway.ops("/readyz").await.1).unwrap();
    let raised = report["alarms"].as_array().unwrap().iter().map(|raised| raised["alarm"].as_str().unwrap().to_owned());
    let raised: Vec<String> = raised.collect();
    let (_, metrics) = gateway.ops("/metrics").await;
    let measured: BTreeSet<_> = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("inzage_alarm{alarm=\"")?.strip_suffix("\"} 1"))
        .map(str::to_owned)
        .collect();
    assert_eq!(raised.iter().cloned().collect::<BTreeSet<_>>(), measured);
    raised
}

async fn refreshes(gateway: &Gateway, result: &str) -> u64 {
    let (_, metrics) = gateway.ops("/metrics").await;
    let start = format!("inzage_lists_refreshes_total{{result=\"{result}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&start)?.parse().ok()).unwrap_or_default()
}

#[tokio::test]
async fn a_set_that_is_bad_or_old_never_comes_into_force() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let endpoints = client.endpoints(DELINDE, "49").await.unwrap();
    let url = client.authorization_url(&endpoints, "huisarts.delinde", "s", &new_id());
    publish(&gateway, 5, |_, list| list);
    gateway.refresh_lists().await;
    let good = refreshes(&gateway, "ok").await;
    for Bad { what, alarm, sequence, list: wanted, spoil } in BAD {
        let before = refreshes(&gateway, "failed").await;
        publish(&gateway, sequence, |kind, list| {
            // Each would throw the client out if it were believed.
            let list = in_ocl(kind, list, &client);
            if kind == wanted { spoil(list) } else { list }
        });
        gateway.refresh_lists().await;
        assert!(refreshes(&gateway, "failed").await > before, "{what}");
        assert_eq!(alarms(&gateway).await, [alarm], "{what}");
        assert_eq!(Person::default().open(&client, &url).await.unwrap().status, 200, "{what}");
    }
    // Those of the start and of number 5. A swap is not held up by its record, but what came after it was.
    assert_eq!((gateway.audit_of("lists_swapped").len(), refreshes(&gateway, "ok").await), (2, good));
    assert_eq!(gateway.ops("/readyz").await.0, 200);
    // The same change in a good set is believed, and ends the alarm.
    publish(&gateway, 13, |kind, list| in_ocl(kind, list, &client));
    gateway.refresh_lists().await;
    assert!(alarms(&gateway).await.is_empty());
    assert_eq!(status_of_authorization(&client).await, 400);
    gateway.stop().await;
}

#[tokio::test]
async fn the_age_of_the_lists_is_measured_and_ends_readiness() {
    let gateway = Gateway::start().await;
    gateway.refresh_lists().await;
    gateway.world.publisher.publish([]);
    gateway.clock.advance(Duration::from_secs(60));
    gateway.refresh_lists().await;
    let (_, metrics) = gateway.ops("/metrics").await;
    assert!(metrics.contains("inzage_lists_age_seconds{list=\"whl\"} 60.0"), "{metrics}");
    assert!(metrics.contains("inzage_lists_refreshes_total{result=\"ok\"}"), "{metrics}");
    assert_eq!(gateway.ops("/readyz").await.0, 200);
    gateway.clock.advance(Duration::from_hours(24));
    let (status, report) = gateway.ops("/readyz").await;
    assert_eq!(status, 503);
    assert!(report.contains("\"lists\":\"the zal is too old\""), "{report}");
    gateway.stop().await;
}
