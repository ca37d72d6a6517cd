//! A second node on the store of the first.

use std::net::TcpListener;

use inzage::app::{App, Controls, Listeners, RunError};
use inzage::clock::SharedClock;
use inzage::config::Config;
use serde_json::json;

use super::Operator;
use crate::harness::{Gateway, operations};

/// A node `b` beside the node of a sandbox.
struct Second {
    controls: Controls,
    running: tokio::task::JoinHandle<Result<(), RunError>>,
    ops: String,
}

impl Second {
    async fn start(gateway: &Gateway) -> Self {
        let bind = || TcpListener::bind("127.0.0.1:0").unwrap();
        let listeners =
            Listeners { front: bind(), back: bind(), ops: bind(), auditors: Some(bind()), admin: Some(bind()) };
        let ops = format!("http://127.0.0.1:{}", listeners.ops.local_addr().unwrap().port());
        let file = gateway.folder().join("gateway.toml");
        let written = std::fs::read_to_string(&file).unwrap();
        let written = written
            .replace("name = \"a\"", "name = \"b\"")
            .replace("data = \"gateway\"", "data = \"gateway-b\"")
            .replace("dir = \"gateway/audit\"", "dir = \"gateway-b/audit\"")
            + "\n[store]\npath = \"gateway/inzage.sqlite\"\n";
        let config = Config::parse(&file, written).unwrap();
        let clock = std::sync::Arc::clone(&gateway.clock) as SharedClock;
        let app = tokio::task::spawn_blocking(move || App::build(&config, clock)).await.unwrap().unwrap();
        let controls = app.controls();
        let running = tokio::spawn(app.run(listeners, controls.clone()));
        controls.serving.cancelled().await;
        Self { controls, running, ops }
    }

    /// Whether it knows of a stop.
    async fn is_stopped(&self) -> bool {
        self.controls.snapshot.load().stops.everything().is_some()
    }

    /// Returns when it knows, or knows no longer.
    async fn until(&self, stopped: bool) {
        let known = async {
            while self.is_stopped().await != stopped {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(2), known).await.expect("within two seconds");
    }

    async fn stop(self) {
        self.controls.stop.cancel();
        self.running.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_in_force_on_every_node_within_two_seconds() {
    let gateway = Gateway::start().await;
    let (operator, second) = (Operator::new(&gateway, "wacht"), Second::start(&gateway).await);
    assert!(!second.is_stopped().await);
    assert_eq!(operator.stop("everything").await.status, 200);
    second.until(true).await;
    assert!(operations(&format!("{}/readyz", second.ops)).await.1.contains("access_stopped"));
    assert_eq!(operator.lift("everything").await.status, 200);
    second.until(false).await;
    assert!(!operations(&format!("{}/readyz", second.ops)).await.1.contains("access_stopped"));
    second.stop().await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_starts_serves_nothing_that_is_stopped() {
    let gateway = Gateway::start().await;
    let operator = Operator::new(&gateway, "wacht");
    assert_eq!(operator.stop("everything").await.status, 200);
    let second = Second::start(&gateway).await;
    assert!(second.is_stopped().await, "from its first moment on");
    assert_eq!(operator.get("/api/v1/stops").await[0]["target"], json!("everything"));
    second.stop().await;
    gateway.stop().await;
}
