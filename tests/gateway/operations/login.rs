//! Operators who log in through the provider of their organisation: who comes in as what, for how long, and who does not.

use std::time::Duration;

use inzage::sandbox::client::Reply;
use inzage::sandbox::person::location;
use serde_json::{Value, json};

use super::Operator;
use crate::browser::Browser;
use crate::harness::{Gateway, text};

const REASON: &str = "verkeerde uitslagen, melding 12";

/// A browser without a certificate, at the operations face.
fn browser(gateway: &Gateway) -> Browser<'_> {
    Browser::at(gateway, gateway.world.layout.admin_origin(), "/login")
}

async fn is_in(browser: &mut Browser<'_>) -> bool {
    browser.open("/").await.status == 200
}

/// The last record of a refused login.
fn refusal(gateway: &Gateway) -> (Value, Value, Value) {
    let last = gateway.last_audit("administration");
    (last["outcome"].clone(), last["reason"].clone(), last["user"].clone())
}

#[tokio::test]
async fn colleagues_come_in_as_what_they_are_and_stand_on_record_by_their_subject() {
    let gateway = Gateway::start().await;
    let mut operator = browser(&gateway);
    let first = operator.open("/stops").await;
    assert!(first.status == 403 && text(&first).contains("href=\"/login\""), "{}", text(&first));
    assert!(gateway.audit_of("administration").is_empty(), "who only asks for the page is not on record");

    let back = operator.log_in("b.wacht").await;
    assert_eq!((back.status.as_u16(), location(&back).as_deref()), (303, Some("/")));
    let login = gateway.last_audit("administration");
    assert_eq!((&login["user"], &login["detail"]), (&json!("operator:b.wacht"), &json!("logged in")));
    assert_eq!(login["peer"], Value::Null);
    assert!(text(&operator.open("/").await).contains("b.wacht (operator)"));

    let stop = [("action", "stop"), ("target", "his:his-a"), ("reason", REASON)];
    assert_eq!(operator.send("/stops", &stop).await.status, 303);
    let stopped = gateway.last_audit("access_stopped");
    assert_eq!((&stopped["user"], &stopped["outcome"]), (&json!("operator:b.wacht"), &json!("done")));
    let foreign = operator.client.http().post(format!("{}/stops", operator.origin)).form(&stop);
    let foreign = foreign.header("origin", "https://elsewhere.example").header("sec-fetch-site", "cross-site");
    assert_eq!(foreign.send().await.unwrap().status(), 403);

    let (mut reader, mut auditor) = (browser(&gateway), browser(&gateway));
    reader.log_in("l.lezer").await;
    auditor.log_in("t.zicht").await;
    assert!(text(&reader.open("/").await).contains("l.lezer (reader)"));
    for browser in [&mut reader, &mut auditor] {
        assert_eq!(browser.send("/stops", &stop).await.status, 403);
    }
    assert_eq!(refusal(&gateway), (json!("refused"), json!("not-their-role"), json!("operator:t.zicht")));
    let seen = text(&auditor.open("/stops").await);
    assert!(seen.contains("b.wacht") && seen.contains(REASON), "{seen}");
    assert!(!text(&reader.open("/stops").await).contains("b.wacht"));
    let listed = auditor.open("/api/v1/past-stops").await;
    assert_eq!(serde_json::from_slice::<Value>(&listed.body).unwrap()[0]["by"], "b.wacht");
    gateway.stop().await;
}

#[tokio::test]
async fn whom_the_provider_knows_and_we_do_not_stays_out() {
    let gateway = Gateway::start().await;
    let mut guest = browser(&gateway);
    let refused = guest.log_in("g.gast").await;
    assert!(refused.status == 403 && text(&refused).contains("no role here"), "{}", text(&refused));
    assert_eq!(refusal(&gateway), (json!("refused"), json!("no-operator"), json!("operator:g.gast")));
    assert!(!is_in(&mut guest).await);
    gateway.stop().await;
}

#[tokio::test]
async fn what_the_provider_says_to_somebody_else_or_too_late_lets_nobody_in() {
    let gateway = Gateway::start().await;
    let now = gateway.clock_seconds();
    for (claim, value) in [
        ("aud", json!("another-client")),
        ("aud", json!(["inzage-beheer", "another-client"])),
        ("iss", json!("https://elsewhere.example")),
        ("nonce", json!("of another departure")),
        ("exp", json!(now - 31)),
        ("iat", json!(now + 3600)),
        ("azp", json!("another-client")),
        ("sub", json!("")),
        ("sub", json!(gateway.patient())),
    ] {
        let said = value.clone();
        gateway.world.organisation.vouch_otherwise(Some(Box::new(move |claims| claims[claim] = said.clone())));
        let mut browser = browser(&gateway);
        let refused = browser.log_in("b.wacht").await;
        assert_eq!(refused.status, 403, "{claim} {value}");
        assert_eq!(
            refusal(&gateway),
            (json!("refused"), json!("login-failed"), json!("operator:unknown")),
            "{claim} {value}"
        );
        assert!(!is_in(&mut browser).await);
    }
    gateway.world.organisation.vouch_otherwise(None);
    assert_eq!(browser(&gateway).log_in("b.wacht").await.status, 303);
    gateway.stop().await;
}

#[tokio::test]
async fn a_way_back_is_good_once_in_its_own_browser_and_in_time() {
    let gateway = Gateway::start().await;
    let (mut one, mut other) = (browser(&gateway), browser(&gateway));
    let back = one.leave_as("b.wacht").await;
    other.leave_as("l.lezer").await;
    assert_eq!(other.open(&back).await.status, 403, "the state of another browser");
    assert_eq!(refusal(&gateway).1, "login-stale");
    assert_eq!(browser(&gateway).open(&back).await.status, 403, "without a cookie");

    // A browser that keeps what it should forget.
    let away = one.client.http().get(format!("{}/login", one.origin)).send().await.unwrap();
    let kept = away.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert!(kept.starts_with("__Host-operator-login="));
    let query = away.headers()["location"].to_str().unwrap().split_once('?').unwrap().1.to_owned();
    let chosen = format!("{}/choose?{query}&colleague=b.wacht", gateway.world.layout.organisation_origin());
    let back = location(&one.open(&chosen).await).unwrap();
    let come = async || one.client.http().get(&back).header("cookie", &kept).send().await.unwrap();
    let first = come().await;
    assert_eq!(first.status(), 303);
    let cookies: Vec<_> = first.headers().get_all("set-cookie").iter().map(|one| one.to_str().unwrap()).collect();
    assert!(cookies.iter().all(|cookie| cookie.contains("; Secure; HttpOnly; SameSite=Lax; Max-Age=")), "{cookies:?}");
    assert_eq!(come().await.status(), 403);
    assert_eq!(refusal(&gateway).1, "login-replayed");

    let mut late = browser(&gateway);
    let back = late.leave_as("b.wacht").await;
    gateway.clock.advance(Duration::from_mins(10));
    assert_eq!(late.open(&back).await.status, 403);
    assert_eq!(refusal(&gateway).1, "login-stale");
    gateway.stop().await;
}

#[tokio::test]
async fn a_session_ends_by_time_by_logging_out_and_when_a_role_is_taken_away() {
    let gateway = Gateway::start().await;
    let (mut one, mut other) = (browser(&gateway), browser(&gateway));
    one.log_in("b.wacht").await;
    other.log_in("t.zicht").await;
    let cookie = |reply: &Reply| {
        let mut all = reply.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap().to_owned());
        all.rfind(|cookie| cookie.starts_with("__Host-operator=")).unwrap()
    };
    let kept = cookie(&one.log_in("b.wacht").await);
    let kept = kept.split(';').next().unwrap();
    let out = one.send("/logout", &[]).await;
    assert!(out.status == 200 && cookie(&out).contains("Max-Age=0"));
    assert_eq!(gateway.last_audit("administration")["detail"], "logged out");
    let with_kept = one.client.http().get(format!("{}/", one.origin)).header("cookie", kept).send().await.unwrap();
    assert_eq!(with_kept.status(), 403, "a cookie that was kept is of no use");

    let file = gateway.folder().join("gateway.toml");
    let written = std::fs::read_to_string(&file).unwrap();
    let operator = Operator::new(&gateway, "wacht");
    std::fs::write(&file, written.replace("\"inzage-toezicht\" = \"auditor\"\n", "")).unwrap();
    let done = operator.ask("POST", "/api/v1/reload", None).await;
    assert_eq!(done.json()["changed"], json!(["admin.login"]));
    assert!(!is_in(&mut other).await, "at once");
    std::fs::write(&file, &written).unwrap();
    operator.ask("POST", "/api/v1/reload", None).await;
    assert!(is_in(&mut other).await);

    gateway.clock.advance(Duration::from_mins(59));
    assert!(is_in(&mut other).await);
    gateway.clock.advance(Duration::from_mins(1));
    assert!(!is_in(&mut other).await);
    gateway.stop().await;
}

#[tokio::test]
async fn without_a_login_a_certificate_is_needed_to_connect() {
    let gateway = Gateway::start().await;
    let mut kept = browser(&gateway);
    kept.log_in("b.wacht").await;
    assert!(is_in(&mut kept).await);
    let file = gateway.folder().join("gateway.toml");
    let written = std::fs::read_to_string(&file).unwrap();
    let (before, rest) = written.split_once("[admin.login]").unwrap();
    let (_, after) = rest.split_once("\n\n[clients").unwrap();
    std::fs::write(&file, format!("{before}\n[clients{after}")).unwrap();
    let operator = Operator::new(&gateway, "wacht");
    let done = operator.ask("POST", "/api/v1/reload", None).await;
    assert_eq!((done.status, &done.json()["refused"]), (200, &Value::Null), "{}", done.text);
    let kept = kept.open("/").await;
    assert!(
        kept.status == 403 && text(&kept).contains("names no operator"),
        "a connection from before: {}",
        text(&kept)
    );
    let new = browser(&gateway);
    assert!(new.client.http().get(format!("{}/", new.origin)).send().await.is_err(), "no handshake without one");
    assert_eq!(operator.ask("GET", "/api/v1/node", None).await.status, 200);
    gateway.stop().await;
}
