//! The pages of practices, coalitions, the OPEN programme and insurers: who comes in as what, what each sees, and what stands on
//! record of it.

use std::time::Duration;

use inzage::sandbox::client::Reply;
use inzage::sandbox::person::location;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::harness::{Gateway, text};
use crate::operations::Operator;
use crate::operations::register::registered;

const LINDE: &str = "/open/practices/huisarts.delinde@medmij";
const HAVEN: &str = "/open/practices/huisarts.haven@medmij";

fn browser(gateway: &Gateway) -> Browser<'_> {
    Browser::at(gateway, gateway.world.layout.front_origin(), "/open/login")
}

async fn logged_in<'g>(gateway: &'g Gateway, who: &str) -> Browser<'g> {
    let mut browser = browser(gateway);
    let back = browser.log_in(who).await;
    assert_eq!((back.status.as_u16(), location(&back).as_deref()), (303, Some("/open")), "{who}: {}", text(&back));
    browser
}

/// The last record of a refused login.
fn refusal(gateway: &Gateway) -> (Value, Value, Value) {
    let last = gateway.last_audit("administration");
    (last["outcome"].clone(), last["reason"].clone(), last["user"].clone())
}

fn session(reply: &Reply) -> String {
    let mut all = reply.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap().to_owned());
    all.rfind(|cookie| cookie.starts_with("__Host-open=")).unwrap()
}

#[tokio::test]
async fn each_comes_in_as_who_they_are_and_begins_at_their_own_page() {
    let gateway = Gateway::start().await;
    registered(&gateway).await;
    let mut nobody = browser(&gateway);
    let asked = nobody.open(LINDE).await;
    assert!(asked.status == 403 && text(&asked).contains("href=\"/open/login?lang=nl\""), "{}", text(&asked));
    assert!(gateway.audit_of("overview_read").is_empty(), "who is not logged in sees nothing, so nothing is on record");
    for (who, role, path, said) in [
        ("p.linde", "practice", Some("practices/huisarts.delinde@medmij"), "Huisartsenpraktijk De Linde"),
        ("p.twee", "practice", None, "Kies een pagina"),
        ("c.kring", "coalition", Some("coalitions/waterland"), "Regio Waterland"),
        ("o.open", "programme", Some("programme"), "Het hele programma"),
        ("v.zeker", "insurer", Some("declarations"), "Declaraties (2)"),
    ] {
        let mut somebody = logged_in(&gateway, who).await;
        let login = gateway.last_audit("administration");
        assert_eq!(
            (&login["user"], &login["detail"], &login["authorization"]),
            (&json!(format!("operator:{who}")), &json!(format!("as {role}: logged in")), &json!("operator"))
        );
        let home = somebody.open("/open").await;
        let shown = match path {
            None => home,
            Some(path) => {
                let own = format!("/open/{path}?lang=nl");
                assert_eq!(location(&home).as_deref(), Some(own.as_str()), "{who}");
                somebody.open(&own).await
            }
        };
        let page = text(&shown);
        assert!(shown.status == 200 && page.contains(said) && page.contains(who), "{who}: {page}");
        assert!(page.contains("<html lang=\"nl\">") && !page.contains("<script"), "{page}");
        let english = text(&somebody.open(&format!("/open/{}?lang=en", path.unwrap_or_default())).await);
        assert!(english.contains("<html lang=\"en\">"), "{english}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn nobody_sees_a_page_of_another_scope_or_learns_that_it_is_there() {
    let gateway = Gateway::start().await;
    registered(&gateway).await;
    let pages = [
        LINDE.to_owned(),
        format!("{LINDE}/texts"),
        format!("{LINDE}/leaflet"),
        format!("{LINDE}/text"),
        HAVEN.to_owned(),
        "/open/practices/dijkzicht@medmij".to_owned(),
        "/open/coalitions/waterland".to_owned(),
        "/open/programme".to_owned(),
        "/open/declarations".to_owned(),
    ];
    for (who, sees) in [
        ("p.linde", &[true, true, true, true, false, false, false, false, false][..]),
        ("p.twee", &[false, false, false, false, true, false, false, false, false]),
        ("c.kring", &[true, true, true, true, false, true, true, false, false]),
        ("o.open", &[true, true, true, true, true, true, true, true, true]),
        ("v.zeker", &[false, false, false, false, false, false, false, false, true]),
    ] {
        let mut somebody = logged_in(&gateway, who).await;
        let absent = somebody.open("/open/practices/nergens@medmij").await;
        assert_eq!(absent.status, 404);
        let absent = text(&absent).replace("nergens@medmij", "");
        for (path, sees) in pages.iter().zip(sees) {
            let reply = somebody.open(path).await;
            assert_eq!(reply.status == 200, *sees, "{who} {path}: {}", reply.status);
            if !sees {
                assert_eq!(reply.status, 404, "{who} {path}");
                let said = text(&reply);
                let own_part = path.rsplit_once('/').map_or("", |(_, last)| last);
                assert_eq!(said.replace(path, "/open/practices/"), absent, "{who} {path} {own_part}");
                let record = gateway.last_audit("overview_read");
                assert_eq!((&record["outcome"], &record["reason"]), (&json!("refused"), &json!("not-their-page")));
                assert_eq!(record["user"], json!(format!("operator:{who}")));
            }
        }
        for path in ["/open/practices/x", "/open/coalitions/X", "/open/nergens", "/open/practices/a@medmij/nergens"] {
            assert_eq!(somebody.open(path).await.status, 404, "{who} {path}");
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_lead_party_sees_a_practice_as_long_as_it_is_in_the_coalition() {
    let gateway = Gateway::start().await;
    let operator = registered(&gateway).await;
    let mut lead = logged_in(&gateway, "c.kring").await;
    let page = text(&lead.open("/open/coalitions/waterland?lang=nl").await);
    for said in [
        "Huisartsenpraktijk De Linde",
        "Praktijk Dijkzicht",
        "Openstelling: open",
        "Openstelling: niet via deze gateway",
        "coalitie gevormd",
        "dag en bewijs van: aangemeld",
        "HIS werkt volgens de richtlijn",
    ] {
        assert!(page.contains(said), "{said}\n{page}");
    }
    assert_eq!(lead.open(LINDE).await.status, 200);
    let path = "/api/v1/register/practice/huisarts.delinde@medmij";
    let mut entry = operator.get(path).await["entry"].clone();
    entry["memberships"][0]["until"] = json!("2026-11-20");
    let left = operator.ask("PUT", path, Some(&json!({"version": 1, "entry": entry}))).await;
    assert_eq!(left.status, 200, "{}", left.text);
    assert_eq!(lead.open(LINDE).await.status, 404, "it left yesterday");
    assert!(!text(&lead.open("/open/coalitions/waterland").await).contains("De Linde"));
    gateway.stop().await;
}

#[tokio::test]
async fn a_practice_sees_how_far_it_is_and_why_it_may_not_declare() {
    let gateway = Gateway::start().await;
    registered(&gateway).await;
    let mut practice = logged_in(&gateway, "p.linde").await;
    let page = text(&practice.open(&format!("{LINDE}?lang=nl")).await);
    for said in [
        "(ZAL): ja",
        "Regio Waterland",
        "Huisartsgegevens: open",
        "Alle patiënten die oud genoeg zijn",
        "Declarabel: nee",
        "nieuwsbrief juni 2020",
        "EUR 169800,00",
    ] {
        assert!(page.contains(said), "{said}\n{page}");
    }
    let record = gateway.last_audit("overview_read");
    assert_eq!(
        (&record["outcome"], &record["provider"], &record["user"], &record["detail"]),
        (
            &json!("done"),
            &json!("huisarts.delinde@medmij"),
            &json!("operator:p.linde"),
            &json!("as practice: practice")
        )
    );
    assert_eq!(record["subject"], Value::Null);

    let wish = json!({"stage": {"stage": "pilot", "places": 25, "from": "2026-11-01", "until": "2026-11-30"},
        "seen": 0, "reason": "pilot met de eerste patiënten"});
    let operator = Operator::new(&gateway, "wacht");
    let done = operator.ask("PUT", "/api/v1/go-live/huisarts.delinde@medmij~49", Some(&wish)).await;
    assert_eq!(done.status, 200, "{}", done.text);
    let page = text(&practice.open(&format!("{LINDE}?lang=nl")).await);
    for said in
        ["Huisartsgegevens: pilot", "Van 1 november 2026 tot en met 30 november 2026; 0 van de 25", "21 november 2026"]
    {
        assert!(page.contains(said), "{said}\n{page}");
    }
    operator.stop("practice:huisarts.delinde@medmij").await;
    assert!(text(&practice.open(&format!("{LINDE}?lang=en")).await).contains("Access is stopped now"));
    gateway.stop().await;
}

#[tokio::test]
async fn an_insurer_sees_the_outcome_of_the_declaration_and_nothing_else() {
    let gateway = Gateway::start().await;
    registered(&gateway).await;
    let mut insurer = logged_in(&gateway, "v.zeker").await;
    let page = text(&insurer.open("/open/declarations?lang=nl").await);
    for said in ["01990001", "01990099", "Praktijk Dijkzicht", "scholing module 1 gevolgd"] {
        assert!(page.contains(said), "{said}\n{page}");
    }
    for kept in ["169800", "nieuwsbrief", "60000", "waterland", "Waterland", "12.4", "@medmij"] {
        assert!(!page.contains(kept), "{kept}\n{page}");
    }
    let found = text(&insurer.open("/open/declarations?with=dijk").await);
    assert!(found.contains("01990099") && !found.contains("01990001"), "{found}");
    gateway.stop().await;
}

#[tokio::test]
async fn the_texts_for_patients_say_what_is_served() {
    let gateway = Gateway::start().await;
    let mut practice = logged_in(&gateway, "p.twee").await;
    let page = practice.open(&format!("{HAVEN}/texts?lang=en")).await;
    let page = text(&page);
    assert!(page.contains("lang=\"en\"") && page.contains("&#60;h1&#62;Uw medische gegevens"), "HTML to copy: {page}");
    let download = practice.open(&format!("{HAVEN}/text")).await;
    assert_eq!(download.headers["content-type"], "text/plain; charset=utf-8");
    assert!(download.headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
    let plain = text(&download);
    for said in
        ["Huisartsen aan de Haven, Zuidersluis", "Mijn Praktijk", "Mijn Zorgmap", "16 jaar of ouder", "088 000 00 00"]
    {
        assert!(plain.contains(said), "{said}\n{plain}");
    }
    let leaflet = practice.open(&format!("{HAVEN}/leaflet")).await;
    let shown = text(&leaflet);
    assert!(leaflet.status == 200 && shown.contains("class=\"panel front\"") && shown.contains("Vragen?"), "{shown}");
    let texts = gateway.audit_of("overview_read");
    assert!(texts.iter().all(|record| record["detail"] == "as practice: texts for patients"), "{texts:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn who_has_no_role_or_two_stays_out() {
    let gateway = Gateway::start().await;
    for who in ["g.gast", "d.dubbel"] {
        let mut guest = browser(&gateway);
        let refused = guest.log_in(who).await;
        assert!(refused.status == 403 && text(&refused).contains("geen rol"), "{}", text(&refused));
        assert_eq!(refusal(&gateway), (json!("refused"), json!("no-role"), json!(format!("operator:{who}"))));
        assert_eq!(guest.open("/open").await.status, 403);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn what_the_provider_says_to_somebody_else_or_too_late_lets_nobody_in() {
    let gateway = Gateway::start().await;
    let now = gateway.clock_seconds();
    for (claim, value) in [
        ("aud", json!("inzage-beheer")),
        ("aud", json!(["inzage-open", "another-client"])),
        ("iss", json!("https://elsewhere.example")),
        ("nonce", json!("of another departure")),
        ("exp", json!(now - 31)),
        ("iat", json!(now + 3600)),
        ("azp", json!("inzage-beheer")),
        ("sub", json!("")),
        ("sub", json!(gateway.patient())),
    ] {
        let said = value.clone();
        gateway.world.organisation.vouch_otherwise(Some(Box::new(move |claims| claims[claim] = said.clone())));
        let mut browser = browser(&gateway);
        assert_eq!(browser.log_in("o.open").await.status, 403, "{claim} {value}");
        let unknown = (json!("refused"), json!("login-failed"), json!("operator:unknown"));
        assert_eq!(refusal(&gateway), unknown, "{claim} {value}");
        assert_eq!(browser.open("/open").await.status, 403);
    }
    gateway.world.organisation.vouch_otherwise(None);
    logged_in(&gateway, "o.open").await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_session_begins_anew_with_each_login_and_ends_by_logging_out_and_by_time() {
    let gateway = Gateway::start().await;
    let mut one = browser(&gateway);
    let first = session(&one.log_in("o.open").await);
    assert!(first.contains("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=3600"), "{first}");
    let second = session(&one.log_in("v.zeker").await);
    let (first, second) = (first.split(';').next().unwrap(), second.split(';').next().unwrap());
    assert_ne!(first, second);
    let with = async |cookie: &str, path: &str| {
        let request = one.client.http().get(format!("{}{path}", one.origin)).header("cookie", cookie);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(with(first, "/open/programme").await, 403, "the session of before the login is over");
    assert_eq!(with(second, "/open/declarations").await, 200);
    assert_eq!(with("__Host-open=chosen-by-somebody-else", "/open/declarations").await, 403);

    let foreign = one.client.http().post(format!("{}/open/logout", one.origin)).header("cookie", second);
    let foreign = foreign.header("origin", "https://elsewhere.example").header("sec-fetch-site", "cross-site");
    assert_eq!(foreign.send().await.unwrap().status(), 403);
    let kept = second.to_owned();
    let out = one.send("/open/logout", &[]).await;
    assert!(out.status == 200 && session(&out).contains("Max-Age=0"), "{}", text(&out));
    assert_eq!(gateway.last_audit("administration")["detail"], "as insurer: logged out");
    let request = one.client.http().get(format!("{}/open/declarations", one.origin)).header("cookie", &kept);
    assert_eq!(request.send().await.unwrap().status(), 403, "a cookie that was kept is of no use");

    let mut other = logged_in(&gateway, "o.open").await;
    gateway.clock.advance(Duration::from_mins(59));
    assert_eq!(other.open("/open/programme").await.status, 200);
    gateway.clock.advance(Duration::from_mins(1));
    assert_eq!(other.open("/open/programme").await.status, 403);
    gateway.stop().await;
}

#[tokio::test]
async fn a_way_back_is_good_once_in_its_own_browser_and_in_time() {
    let gateway = Gateway::start().await;
    let (mut one, mut other) = (browser(&gateway), browser(&gateway));
    let back = one.leave_as("o.open").await;
    other.leave_as("p.linde").await;
    assert_eq!(other.open(&back).await.status, 403, "the state of another browser");
    assert_eq!(refusal(&gateway).1, "login-stale");
    let mut late = browser(&gateway);
    let back = late.leave_as("o.open").await;
    gateway.clock.advance(Duration::from_mins(10));
    assert_eq!(late.open(&back).await.status, 403);
    assert_eq!(refusal(&gateway).1, "login-stale");
    gateway.stop().await;
}

#[tokio::test]
async fn without_the_section_there_are_no_such_pages() {
    let gateway = Gateway::start().await;
    let mut somebody = logged_in(&gateway, "o.open").await;
    let file = gateway.folder().join("gateway.toml");
    let written = std::fs::read_to_string(&file).unwrap();
    let (before, rest) = written.split_once("\n[open.login]").unwrap();
    let (_, after) = rest.split_once("\n\n[admin]").unwrap();
    std::fs::write(&file, format!("{before}\n[admin]{after}")).unwrap();
    let operator = Operator::new(&gateway, "wacht");
    let done = operator.ask("POST", "/api/v1/reload", None).await;
    assert_eq!((done.status, &done.json()["changed"]), (200, &json!(["open"])), "{}", done.text);
    for path in ["/open", "/open/login", "/open/programme"] {
        assert_eq!(somebody.open(path).await.status, 404, "{path}");
    }
    std::fs::write(&file, &written).unwrap();
    operator.ask("POST", "/api/v1/reload", None).await;
    assert_eq!(somebody.open("/open/programme").await.status, 200, "a session outlives a reload");
    gateway.stop().await;
}
