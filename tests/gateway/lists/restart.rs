//! A node that starts while its publisher is away: from the last good copy, as long as that may be used.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use inzage::app::{App, Controls, Listeners, RunError};
use inzage::clock::SharedClock;
use inzage::config::Config;
use inzage::sandbox::client::{PgoClient, new_id};
use inzage::sandbox::person::Person;
use tokio::task::JoinHandle;

use super::DELINDE;
use crate::harness::{Gateway, Left, operations};

/// The node of a sandbox that has stopped, started again alone.
struct Again {
    controls: Controls,
    running: JoinHandle<Result<(), RunError>>,
    ops: String,
    client: PgoClient,
    /// Where the PGO sends a person.
    url: String,
    left: Left,
}

impl Again {
    /// Starts it after a change in its folder and after this time, and waits for its first attempt to get lists.
    async fn start(gateway: Gateway, change: impl FnOnce(&Path), after: Duration) -> Self {
        gateway.refresh_lists().await;
        let client = gateway.client("pgo");
        let mut endpoints = client.endpoints(DELINDE, "49").await.unwrap();
        let (clock, layout) = (Arc::clone(&gateway.clock), gateway.world.layout.clone());
        let left = gateway.leave().await;
        change(&left.path().join("gateway/lists"));
        clock.advance(after);

        // On other ports: those of before may have been given to somebody else.
        let bind = || TcpListener::bind("127.0.0.1:0").unwrap();
        let listeners = Listeners { front: bind(), back: bind(), ops: bind(), auditors: None, admin: None };
        let port = |url: &str| url.rsplit_once(':').unwrap().1.to_owned();
        let file = left.path().join("gateway.toml");
        let mut written = std::fs::read_to_string(&file).unwrap();
        let old = [layout.front_origin(), layout.back_origin(), layout.ops_url()];
        let new = [&listeners.front, &listeners.back, &listeners.ops].map(|socket| socket.local_addr().unwrap().port());
        for (old, new) in old.iter().zip(new) {
            written = written.replace(&format!(":{}\"", port(old)), &format!(":{new}\""));
        }
        std::fs::write(&file, written).unwrap();
        let config = Config::load(&file).unwrap();
        let app =
            tokio::task::spawn_blocking(move || App::build(&config, clock as SharedClock)).await.unwrap().unwrap();
        let controls = app.controls();
        let running = tokio::spawn(app.run(listeners, controls.clone()));
        controls.refreshes.clone().wait_for(|ended| *ended > 0).await.unwrap();
        endpoints.authorization = endpoints.authorization.replace(&port(&layout.front_origin()), &new[0].to_string());
        let url = client.authorization_url(&endpoints, "huisarts.delinde", "s", &new_id());
        Self { controls, running, ops: format!("http://127.0.0.1:{}", new[2]), client, url, left }
    }

    async fn ops(&self, path: &str) -> (u16, String) {
        operations(&format!("{}{path}", self.ops)).await
    }

    async fn status_of_authorization(&self) -> u16 {
        Person::default().open(&self.client, &self.url).await.unwrap().status.as_u16()
    }

    /// Stops it; which kinds of records it left.
    async fn stop(self) -> Vec<String> {
        self.controls.stop.cancel();
        self.running.await.unwrap().unwrap();
        self.left.audit().iter().map(|record| record["kind"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn a_node_starts_from_its_copy_without_a_publisher() {
    let again = Again::start(Gateway::start().await, |_| (), Duration::ZERO).await;
    again.controls.serving.cancelled().await;
    let (status, report) = again.ops("/readyz").await;
    assert_eq!(status, 200, "{report}");
    let (_, metrics) = again.ops("/metrics").await;
    assert!(metrics.contains("inzage_lists_refreshes_total{result=\"failed\"} "), "{metrics}");
    assert_eq!(again.status_of_authorization().await, 200);
    let kinds = again.stop().await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "node_started").count(), 2);
    assert_eq!(kinds.last().unwrap(), "node_stopped");
}

#[tokio::test]
async fn a_copy_that_is_too_old_serves_nobody() {
    let day = Duration::from_hours(24);
    let again = Again::start(Gateway::start().await, |_| (), day).await;
    again.controls.serving.cancelled().await;
    assert_eq!((again.ops("/readyz").await.0, again.status_of_authorization().await), (200, 200), "to the last second");
    again.stop().await;
    let again = Again::start(Gateway::start().await, |_| (), day + Duration::from_secs(1)).await;
    again.controls.serving.cancelled().await;
    let (status, report) = again.ops("/readyz").await;
    assert_eq!(status, 503);
    assert!(report.contains("\"lists\":\"the zal is too old\"") && report.contains("list_late"), "{report}");
    assert_eq!(again.status_of_authorization().await, 503);
    again.stop().await;
}

#[tokio::test]
async fn a_node_with_neither_copy_nor_publisher_does_not_start_to_serve() {
    let remove = |copy: &Path| std::fs::remove_dir_all(copy).unwrap();
    let spoil = |copy: &Path| std::fs::write(copy.join("manifest.json"), "{}").unwrap();
    for change in [&remove as &dyn Fn(&Path), &spoil] {
        let again = Again::start(Gateway::start().await, change, Duration::ZERO).await;
        assert!(!again.controls.serving.is_cancelled());
        let (status, report) = again.ops("/readyz").await;
        assert_eq!(status, 503);
        assert!(report.contains("\"lists\":\"missing\"") && report.contains("\"state\":\"starting\""), "{report}");
        assert_eq!(again.ops("/startupz").await.0, 503);
        assert!(again.ops("/metrics").await.1.contains("inzage_lists_age_seconds{list=\"zal\"} NaN"));
        let started = again.stop().await.iter().filter(|kind| *kind == "node_started").count();
        assert_eq!(started, 1, "that of the node before");
    }
}
