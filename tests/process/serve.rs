//! `inzage serve`: one process a folder, ports that are taken, and an orderly end.

use std::net::TcpListener;

use crate::harness::{Home, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_the_same_folders_names_the_first() {
    let home = Home::new();
    let world = home.world().await;
    let mut holder = home.serve().ready(&world.layout.ops_url()).await;
    let second = home.serve().ended().await;
    assert_eq!(second.code, Some(75), "{}", second.err);
    assert!(second.err.contains(&format!("in use by process {}", holder.id())), "{}", second.err);
    assert!(holder.runs());
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_named() {
    let home = Home::new();
    let world = home.world().await;
    for origin in [world.layout.front_origin(), world.layout.back_origin(), world.layout.ops_url()] {
        let port: u16 = origin.rsplit_once(':').unwrap().1.parse().unwrap();
        let _taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let ended = home.serve().ended().await;
        assert_eq!(ended.code, Some(69), "{}", ended.err);
        assert!(ended.err.contains(&format!("127.0.0.1:{port}")), "{}", ended.err);
    }
    // What failed to start leaves nothing behind that keeps the next from starting.
    let gateway = home.serve().ready(&world.layout.ops_url()).await;
    drop(gateway);
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_it_in_order() {
    let home = Home::new();
    let world = home.world().await;
    let gateway = home.serve().ready(&world.layout.ops_url()).await;
    gateway.signal("TERM");
    let ended = gateway.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let records = home.records().await;
    assert!(records.iter().any(|record| record["kind"] == "node_started"));
    assert_eq!(records.last().unwrap()["kind"], "node_stopped");
    let verified = home.run(&["audit", "verify", text(&home.audit())]).await;
    assert_eq!(verified.code, Some(0), "{}", verified.out);
    assert!(!verified.out.contains("unfinished"), "{}", verified.out);
    world.stop().await.unwrap();
}
