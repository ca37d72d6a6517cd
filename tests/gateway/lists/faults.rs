//! A publisher that is down or hostile: the last good set serves on until it is too old.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, StatusCode};
use inzage::clock::SharedClock;
use inzage::lists::{HttpsSource, ListKind, ListSource as _, PerList, SourceError};
use inzage::medmij::Hostname;
use inzage::outgoing::Outgoing;
use inzage::sandbox::client::new_id;
use inzage::sandbox::person::Person;
use inzage::sandbox::publisher::Trouble;
use inzage::tls::ALPN_HTTP1;
use inzage::tls::client::{Deadlines, client_config, reqwest_client};
use inzage::tls::identity::{Identity, Roots};

use super::{DELINDE, alarms, publish, refreshes};
use crate::harness::Gateway;

fn troubles() -> [Trouble; 5] {
    [
        Trouble::Status(StatusCode::NOT_FOUND),
        Trouble::Status(StatusCode::INTERNAL_SERVER_ERROR),
        Trouble::Status(StatusCode::NO_CONTENT),
        Trouble::Redirect(HeaderValue::from_static("https://pgo.localhost:1/list.xml")),
        Trouble::Endless,
    ]
}

#[tokio::test]
async fn a_publisher_in_trouble_is_noticed_in_a_quarter_of_an_hour_and_harms_nobody_for_a_day() {
    let gateway = Gateway::start().await;
    gateway.refresh_lists().await;
    let client = gateway.client("pgo");
    let endpoints = client.endpoints(DELINDE, "49").await.unwrap();
    let url = client.authorization_url(&endpoints, "huisarts.delinde", "s", &new_id());
    for trouble in troubles() {
        let failed = refreshes(&gateway, "failed").await;
        gateway.world.publisher.misbehave(Some(trouble.clone()));
        gateway.clock.advance(Duration::from_secs(900));
        gateway.refresh_lists().await;
        assert!(refreshes(&gateway, "failed").await > failed, "{trouble:?}");
        assert!(alarms(&gateway).await.is_empty(), "{trouble:?}");
        gateway.clock.advance(Duration::from_secs(1));
        gateway.refresh_lists().await;
        assert_eq!(alarms(&gateway).await, ["list_late"], "{trouble:?}");
        assert_eq!(gateway.ops("/readyz").await.0, 200, "{trouble:?}");
        assert_eq!(Person::default().open(&client, &url).await.unwrap().status, 200, "{trouble:?}");
        gateway.world.publisher.misbehave(None);
        gateway.refresh_lists().await;
        assert!(alarms(&gateway).await.is_empty(), "{trouble:?}");
    }
    gateway.clock.advance(Duration::from_hours(1));
    gateway.world.publisher.misbehave(Some(Trouble::Status(StatusCode::BAD_GATEWAY)));
    gateway.clock.advance(Duration::from_hours(23));
    assert_eq!(Person::default().open(&client, &url).await.unwrap().status, 200, "to the last second");
    gateway.clock.advance(Duration::from_secs(1));
    assert_eq!(Person::default().open(&client, &url).await.unwrap().status, 503);
    assert_eq!(gateway.ops("/readyz").await.0, 503);
    gateway.world.publisher.misbehave(None);
    gateway.refresh_lists().await;
    assert_eq!(Person::default().open(&client, &url).await.unwrap().status, 200);
    gateway.stop().await;
}

#[tokio::test]
async fn a_publisher_of_another_authority_is_not_believed() {
    let gateway = Gateway::start().await;
    let file = |name: &str| gateway.folder().join(name);
    let clock: SharedClock = Arc::clone(&gateway.clock) as _;
    let own = Identity::load(&file("node.pem"), &file("node.key"), clock.now()).unwrap();
    let url = gateway.world.layout.list_url(ListKind::Whl);
    let publisher = [(Hostname::parse("stelselnode.localhost").unwrap(), Ipv4Addr::LOCALHOST.into())];
    for (roots, own, expected) in [
        ("ca.pem", Some(&own), None),
        ("pgo.pem", Some(&own), Some(SourceError::Unreachable)),
        ("ca.pem", None, Some(SourceError::Unreachable)),
    ] {
        let tls = client_config(&Roots::load(&file(roots)).unwrap(), own, &[ALPN_HTTP1], &clock).unwrap();
        let deadlines = Deadlines { connect: Duration::from_secs(5), total: Duration::from_secs(30) };
        let client = reqwest_client(tls, &Outgoing::new(publisher.clone(), &[]), deadlines).unwrap();
        let source = HttpsSource::new(client, &PerList::from_fn(|_| url.clone())).unwrap();
        assert_eq!(source.fetch(ListKind::Whl, None).await.err(), expected, "{roots}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_list_that_did_not_change_is_not_sent_again() {
    let gateway = Gateway::start().await;
    gateway.refresh_lists().await;
    let sent = gateway.world.publisher.sent();
    gateway.refresh_lists().await;
    assert_eq!(gateway.world.publisher.sent(), sent);
    publish(&gateway, 2, |_, list| list);
    gateway.refresh_lists().await;
    assert_eq!(gateway.world.publisher.sent(), sent + 4);
    assert!(gateway.ops("/metrics").await.1.contains("inzage_lists_age_seconds{list=\"gnl\"} 0.0"));
    gateway.stop().await;
}
