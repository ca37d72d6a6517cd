//! What needs an operator while the node goes on: a list that lost too much, and a ZAL that names other addresses than ours.

use std::process::{Command, Output};

use inzage::lists::ListKind;

use super::{DELINDE, alarms, publish, without};
use crate::harness::{Gateway, text};

/// Runs `inzage lists accept` beside the running gateway.
async fn accept(gateway: &Gateway, list: &str, number: u64) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_inzage"));
    command.args(["lists", "accept", "--config"]).arg(gateway.folder().join("gateway.toml"));
    command.args([list, &number.to_string()]);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn whitelist_without_pgos(kind: ListKind, list: String) -> String {
    match kind {
        ListKind::Whl => without(&without(&list, "MedMijNode", "pgo2.localhost"), "MedMijNode", "pgo.localhost"),
        ListKind::Zal | ListKind::Ocl | ListKind::Gnl => list,
    }
}

#[tokio::test]
async fn a_list_that_lost_too_much_waits_until_an_operator_accepts_it() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    let before = gateway.controls().snapshot.load().lists.headers();
    publish(&gateway, 2, whitelist_without_pgos);
    gateway.refresh_lists().await;
    assert_eq!(alarms(&gateway).await, ["list_held_back"]);
    let number = before.whl.sequence + 1;
    let (status, report) = gateway.ops("/readyz").await;
    assert_eq!(status, 200);
    assert!(report.contains(&format!("the whl with number {number} lost 2 of ")), "{report}");
    assert_eq!(gateway.controls().snapshot.load().lists.headers(), before, "all four or none");
    assert_eq!(session.get("EpisodeOfCare").await.status, 200);

    for (list, number) in [("zal", number), ("whl", number + 1)] {
        let refused = accept(&gateway, list, number).await;
        assert_eq!(refused.status.code(), Some(1));
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(said.starts_with("inzage: this is not held back, but the whl with number "), "{said}");
    }
    gateway.refresh_lists().await;
    assert_eq!(session.get("EpisodeOfCare").await.status, 200);

    let accepted = accept(&gateway, "whl", number).await;
    assert!(accepted.status.success(), "{}", String::from_utf8_lossy(&accepted.stderr));
    gateway.refresh_lists().await;
    assert!(alarms(&gateway).await.is_empty());
    let after = gateway.controls().snapshot.load().lists.headers();
    assert_eq!([after.zal, after.ocl, after.whl, after.gnl].map(|header| header.sequence), [number; 4]);
    let reply = session.get("EpisodeOfCare").await;
    assert_eq!(reply.status, 403, "{}", text(&reply));
    let detail = gateway.last_audit("lists_accepted")["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("lost 2 of ") && detail.contains(", accepted by user "), "{detail}");
    let nothing = accept(&gateway, "whl", number).await;
    assert_eq!(String::from_utf8(nothing.stderr).unwrap(), "inzage: no list is held back\n");
    gateway.stop().await;
}

#[tokio::test]
async fn a_zal_that_names_other_addresses_than_ours_is_told_of_with_both() {
    let gateway = Gateway::start().await;
    gateway.refresh_lists().await;
    assert!(alarms(&gateway).await.is_empty(), "the sandbox names ours");
    let (front, back) = (gateway.world.layout.front_origin(), gateway.world.layout.back_origin());
    let elsewhere = |wrong: &'static str, right: String| {
        move |kind, list: String| if kind == ListKind::Zal { list.replacen(&right, wrong, 1) } else { list }
    };
    let base = format!("{back}/fhir/huisarts.delinde/49/stu3");
    let cases = [
        ("https://elsewhere.example/oauth/authorize", format!("{front}/oauth/authorize")),
        ("https://elsewhere.example/oauth/token", format!("{back}/oauth/token")),
        ("https://elsewhere.example/fhir/huisarts.delinde/49/stu3", base),
    ];
    for (sequence, (wrong, right)) in (2..).zip(cases) {
        publish(&gateway, sequence, elsewhere(wrong, right.clone()));
        gateway.refresh_lists().await;
        assert_eq!(alarms(&gateway).await, ["endpoint_differs"], "{wrong}");
        let (status, report) = gateway.ops("/readyz").await;
        let said = format!("the zal names {wrong} for huisarts.delinde@medmij service ");
        assert!(status == 200 && report.contains(&said) && report.contains(&format!("ours is {right}")), "{report}");
    }
    publish(&gateway, 9, |_, list| list);
    gateway.refresh_lists().await;
    assert!(alarms(&gateway).await.is_empty());
    gateway.stop().await;
}
