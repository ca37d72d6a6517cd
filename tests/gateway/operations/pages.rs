//! The pages of operators: who sees what, and what their forms do.

use super::Operator;
use crate::harness::Gateway;

const REASON: &str = "verkeerde uitslagen, melding 12";

#[tokio::test]
async fn each_page_is_for_who_may_see_it_and_offers_what_they_may_do() {
    let gateway = Gateway::start().await;
    let [reader, operator, auditor, nobody] =
        ["lezer", "wacht", "toezicht", "pgo"].map(|file| Operator::new(&gateway, file));
    for (path, shown) in [
        ("/", "Node a: serving"),
        ("/practices", "huisarts.delinde@medmij"),
        ("/practices?with=delinde", "Practices (1)"),
        ("/clients", "pgo.localhost"),
        ("/his", "his-a"),
        ("/lists", "ZAL 1"),
        ("/explain", "What would become of a request"),
        ("/stops", "Emergency switch"),
    ] {
        for who in [&reader, &operator, &auditor] {
            let said = who.ask("GET", path, None).await;
            assert_eq!(said.status, 200, "{path}");
            assert!(said.text.contains(shown) && !said.text.contains("<script"), "{path}: {}", said.text);
            assert_eq!(said.headers["cache-control"], "no-store");
        }
        let said = nobody.ask("GET", path, None).await;
        assert!(said.status == 403 && said.text.contains("names no operator"), "{path}: {}", said.text);
    }
    let offers = |said: super::Said| (said.text.contains("Stop it"), said.text.contains("The last stops"));
    assert_eq!(offers(reader.ask("GET", "/stops", None).await), (false, false));
    assert_eq!(offers(auditor.ask("GET", "/stops", None).await), (false, true));
    assert_eq!(offers(operator.ask("GET", "/stops", None).await), (true, true));
    assert_eq!(reader.ask("GET", "/assets/inzage.css", None).await.status, 200);
    gateway.stop().await;
}

#[tokio::test]
async fn the_forms_throw_the_switch_for_an_operator_only_and_from_our_own_pages_only() {
    let gateway = Gateway::start().await;
    let [reader, operator, auditor] = ["lezer", "wacht", "toezicht"].map(|file| Operator::new(&gateway, file));
    let stop = [("action", "stop"), ("target", "his:his-a"), ("reason", REASON)];
    for who in [&reader, &auditor] {
        assert_eq!(who.send("/stops", &stop).await.status, 403);
    }
    assert_eq!(operator.send_from_elsewhere("/stops", &stop).await.status, 403);
    assert!(gateway.audit_of("access_stopped").is_empty());

    let done = operator.send("/stops", &stop).await;
    assert_eq!((done.status, done.headers["location"].to_str().unwrap()), (303, "/stops"));
    let shown = operator.ask("GET", "/stops", None).await.text;
    assert!(shown.contains("Stopped now (1)") && shown.contains(REASON), "{shown}");
    assert!(operator.ask("GET", "/his", None).await.text.contains("stopped-his"));
    assert_eq!(operator.send("/stops", &[("action", "lift"), ("target", "his:his-a")]).await.status, 303);
    let shown = operator.ask("GET", "/stops", None).await.text;
    assert!(shown.contains("Stopped now (0)") && shown.contains("lifted by wacht.localhost"), "{shown}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_form_that_is_wrong_comes_back_with_what_was_typed_but_never_with_a_bsn() {
    let gateway = Gateway::start().await;
    let operator = Operator::new(&gateway, "wacht");
    let typo = operator.send("/stops", &[("action", "stop"), ("target", "his:his-z<b>"), ("reason", REASON)]).await;
    assert_eq!(typo.status, 400);
    assert!(typo.text.contains("his:his-z&#60;b&#62;") && typo.text.contains(REASON), "{}", typo.text);
    let bsn = gateway.patient();
    let reason = format!("klacht van {bsn} over de uitslagen");
    let named = operator.send("/stops", &[("action", "stop"), ("target", "everything"), ("reason", &reason)]).await;
    assert!(named.status == 400 && !named.text.contains(&bsn), "{}", named.text);
    assert_eq!(operator.send("/stops", &[("action", "stop")]).await.status, 400);
    assert_eq!(operator.send("/stops", &[]).await.status, 400);
    gateway.stop().await;
}
