//! The pages of a visit: each works once, in one browser, in its own window, for a while, and holds nothing that it should not.

use std::time::Duration;

use inzage::form::single;
use inzage::sandbox::client::{PgoClient, Reply, new_id};
use inzage::sandbox::person::{Choices, Form, Person, location, read_form};

use crate::harness::{self, Gateway, SERVICE, text};
use crate::pages::{DELINDE, Page, answer, consent, cookie, landing, log_in, login, post, see, stale};

#[tokio::test]
async fn a_step_cannot_be_skipped() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let early = landing(&gateway, &client, "s").await;
    let address = early.address.replace("/landing", "/consent");
    let reply = post(&client, &address, Some(&early.cookie), &early.pressed("answer", "allow"), &[]).await;
    assert_eq!(reply.status, 400);
    assert_eq!(gateway.last_audit("authorization_refused")["reason"], "bad-form");
    let login = login(&gateway, &client, &landing(&gateway, &client, "s").await).await;
    let nonce = single(&login.form.hidden, "nonce").unwrap().to_owned();
    let fields = [("form".to_owned(), nonce), ("answer".to_owned(), "allow".to_owned())];
    let address = login.address.replace("/login", "/consent");
    let reply = post(&client, &address, Some(&login.cookie), &fields, &[]).await;
    assert_eq!(reply.status, 400);
    assert!(gateway.audit_of("consent_given").is_empty());
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_no_form_of_ours_ends_on_a_page_and_on_record() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let consent = consent(&gateway, &client, "s").await;
    let large = vec![("answer".to_owned(), "a".repeat(17 * 1024))];
    let nowhere = format!("{}/visit/%FF/consent", gateway.world.layout.front_origin());
    for (address, fields, status, reason) in [
        (&consent.address, &large, 413, "form-too-large"),
        (&nowhere, &consent.pressed("answer", "allow"), 403, "stale-page"),
    ] {
        let reply = post(&client, address, Some(&consent.cookie), fields, &[]).await;
        assert_eq!((reply.status.as_u16(), location(&reply)), (status, None));
        assert!(text(&reply).contains("Session ID"), "{}", text(&reply));
        assert!(reply.headers["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'none'"));
        assert_eq!(gateway.last_audit("authorization_refused")["reason"], reason);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn another_site_cannot_press_the_button() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let consent = consent(&gateway, &client, "s").await;
    let own = gateway.world.layout.front_origin();
    let attempts: [&[(&str, &str)]; 6] = [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site"), ("origin", &own)],
        &[("origin", "https://evil.example.nl")],
        &[("origin", "null")],
        &[("origin", &client.redirect_uri[..client.redirect_uri.len() - 3])],
    ];
    for headers in attempts {
        let reply =
            post(&client, &consent.address, Some(&consent.cookie), &consent.pressed("answer", "allow"), headers).await;
        assert_eq!((reply.status.as_u16(), location(&reply)), (403, None), "{headers:?}");
        assert!(text(&reply).contains("niet van onze eigen pagina"), "{headers:?}: {}", text(&reply));
        assert_eq!(gateway.last_audit("authorization_refused")["reason"], "other-site");
    }
    assert!(gateway.audit_of("consent_given").is_empty());
    let same = [("sec-fetch-site", "same-origin"), ("origin", own.as_str())];
    let reply =
        post(&client, &consent.address, Some(&consent.cookie), &consent.pressed("answer", "allow"), &same).await;
    assert!(single(&answer(&reply), "code").is_some());
    gateway.stop().await;
}

#[tokio::test]
async fn a_page_is_good_for_a_quarter_of_an_hour() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let (late, early) = (consent(&gateway, &client, "s").await, consent(&gateway, &client, "s").await);
    gateway.clock.advance(Duration::from_secs(899));
    assert!(single(&answer(&early.press(&client, "answer", "allow").await), "code").is_some());
    gateway.clock.advance(Duration::from_secs(1));
    stale(&gateway, &late.press(&client, "answer", "allow").await);
    gateway.stop().await;
}

#[tokio::test]
async fn the_headers_allow_only_what_a_page_needs() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let landing = landing(&gateway, &client, "s").await;
    let login = login(&gateway, &client, &landing).await;
    let consent = log_in(&gateway, &client, &login).await;
    let client_origin = client.redirect_uri.strip_suffix("/cb").unwrap();
    for page in [&landing, &login, &consent] {
        let header = |name: &str| page.headers[name].to_str().unwrap();
        let policy = header("content-security-policy");
        for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "style-src 'self'"] {
            assert!(policy.split("; ").any(|directive| directive == part), "{part} in {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("script-src"), "{policy}");
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "same-origin");
        assert!(header("strict-transport-security").contains("max-age="));
        assert!(!page.headers.contains_key("server"));
    }
    for page in [&landing, &consent] {
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains(&format!("form-action 'self' {client_origin};")), "{policy}");
    }
    let sent = landing_cookie(&gateway, &client).await;
    let (pair, flags) = sent.split_once("; ").unwrap();
    assert!(pair.starts_with("__Host-visit-") && pair.split_once('=').unwrap().1.len() >= 43, "{pair}");
    let flags: Vec<_> = flags.split("; ").collect();
    for flag in ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"] {
        assert!(flags.contains(&flag), "{flag} in {flags:?}");
    }
    assert!(!sent.contains("Domain"));
    let forgotten = consent.press(&client, "answer", "refuse").await;
    assert!(forgotten.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(forgotten.headers["cache-control"], "no-store");
    gateway.stop().await;
}

async fn landing_cookie(gateway: &Gateway, client: &PgoClient) -> String {
    landing(gateway, client, "s").await.headers["set-cookie"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_his_that_fails_ends_the_visit_on_a_page_and_in_the_log() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let fail = inzage::sandbox::his::faults::Fail::try_from("status:500".to_owned()).unwrap();
    gateway.world.his[0].set_faults(inzage::sandbox::his::faults::Faults { fail, ..Default::default() });
    let patient = gateway.patient();
    let (end, _, correlation) = gateway.walk(&client, DELINDE, Choices::willing(&patient)).await;
    let inzage::sandbox::person::End::Page { status, html } = end else { panic!("{end:?}") };
    assert!(status.is_server_error() && !html.contains(&patient) && !html.contains("praktijkbron"), "{html}");
    // Who runs this, both numbers, and the way back, as the client is known and good.
    assert!(html.contains("Inzage (zandbak)") && html.contains("088 000 00 00"), "{html}");
    assert!(
        html.contains(&correlation) && html.contains(gateway.audit().last().unwrap()["local_id"].as_str().unwrap())
    );
    assert!(html.contains(&format!("href=\"{}?error=server_error", client.redirect_uri)), "{html}");
    let record = gateway.audit().pop().unwrap();
    assert_eq!((&record["kind"], &record["outcome"]), (&"authorization_refused".into(), &"failed".into()));
    assert!(record["reason"].as_str().unwrap().starts_with("his-"), "{record}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_typing_error_at_login_is_told_and_can_be_mended() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let endpoints = client.endpoints(DELINDE, SERVICE).await.unwrap();
    let url = client.authorization_url(&endpoints, "huisarts.delinde", "s", &new_id());
    let mut person = Person::default();
    let front = gateway.world.layout.front_origin();
    let landing = read_form(&text(&person.open(&client, &url).await.unwrap())).unwrap();
    let with = |form: &Form, fields: &[(&str, &str)]| {
        let more = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        form.hidden.iter().cloned().chain(more).collect::<Vec<_>>()
    };
    let fields = with(&landing, &[("action", "continue")]);
    let sent = person.submit(&client, &format!("{front}{}", landing.action), &fields).await.unwrap();
    let login = person.open(&client, &format!("{front}{}", location(&sent).unwrap())).await.unwrap();
    assert!(!text(&login).contains("geen burgerservicenummer"));
    let login = read_form(&text(&login)).unwrap();
    let wrong = with(&login, &[("bsn", "999950023"), ("action", "login")]);
    let sent = person.submit(&client, &format!("{front}{}", login.action), &wrong).await.unwrap();
    let again = person.open(&client, &format!("{front}{}", location(&sent).unwrap())).await.unwrap();
    assert!(text(&again).contains("Dit is geen burgerservicenummer"), "{}", text(&again));
    assert!(!text(&again).contains("999950023"));
    let again = read_form(&text(&again)).unwrap();
    let right = with(&again, &[("bsn", gateway.world.practices[0].patients[0].bsn.reveal()), ("action", "login")]);
    let sent = person.submit(&client, &format!("{front}{}", again.action), &right).await.unwrap();
    let consent = person.open(&client, &format!("{front}{}", location(&sent).unwrap())).await.unwrap();
    assert!(text(&consent).contains("Toestemming geven"));
    gateway.stop().await;
}

#[tokio::test]
async fn a_page_can_be_reloaded_until_its_form_is_sent() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let front = gateway.world.layout.front_origin();
    let consent = consent(&gateway, &client, "s").await;
    let address = consent.address.split('?').next().unwrap();
    // Whichever step the address names, a visit shows where it stands.
    for address in [address.to_owned(), address.replace("/consent", "/landing")] {
        let again = Page::of(&gateway, &see(&client, &address, &consent.cookie).await, consent.cookie.clone());
        assert_eq!(again.form, consent.form);
    }
    for (address, cookie) in [
        (address.replace("/consent", "/login"), &consent.cookie),
        (address.to_owned(), &"x=y".to_owned()),
        (format!("{front}/visit/{}/consent", new_id()), &consent.cookie),
    ] {
        let reply = see(&client, &address, cookie).await;
        assert!(matches!(reply.status.as_u16(), 403 | 404), "{address}: {}", reply.status);
        assert!(read_form(&text(&reply)).is_none(), "{address}");
    }
    assert!(single(&answer(&consent.press(&client, "answer", "allow").await), "code").is_some());
    stale(&gateway, &see(&client, address, &consent.cookie).await);
    gateway.stop().await;
}

#[tokio::test]
async fn the_person_chooses_the_language_and_keeps_it() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let front = gateway.world.layout.front_origin();
    let endpoints = client.endpoints(DELINDE, SERVICE).await.unwrap();
    let url = client.authorization_url(&endpoints, "huisarts.delinde", "s", &new_id());
    let lang = |reply: &Reply| text(reply).split("<html lang=\"").nth(1).unwrap()[..2].to_owned();
    // The settings of the browser count, and nothing that a client adds to its request.
    let english = harness::send(client.http().get(format!("{url}&lang=nl")).header("accept-language", "en-GB")).await;
    assert_eq!(lang(&english), "en");
    let dutch = harness::send(client.http().get(format!("{url}&lang=en")).header("accept-language", "de")).await;
    assert_eq!(lang(&dutch), "nl");
    // The link on the page leads to the same page in the other language, which then stays.
    let switch = format!("/visit/{}", text(&dutch).split("href=\"/visit/").nth(1).unwrap().split('"').next().unwrap());
    let switched = see(&client, &format!("{front}{switch}"), &cookie(&dutch)).await;
    assert_eq!(lang(&switched), "en");
    let login = login(&gateway, &client, &Page::of(&gateway, &switched, cookie(&dutch))).await;
    assert!(login.address.ends_with("/login?lang=en"), "{}", login.address);
    let plain = Page { address: login.address.replace("?lang=en", ""), ..login };
    let consent = log_in(&gateway, &client, &plain).await;
    assert!(consent.address.ends_with("/consent?lang=en"), "the visit keeps it: {}", consent.address);
    gateway.stop().await;
}

#[tokio::test]
async fn the_consent_page_says_what_it_must() {
    let gateway = Gateway::start().await;
    let client = gateway.client("pgo");
    let consent = consent(&gateway, &client, "s").await;
    let html = text(&see(&client, &consent.address, &consent.cookie).await);
    let title = html.split("<title>").nth(1).unwrap().split('<').next().unwrap();
    assert_eq!(title, "Toestemming geven - Inzage");
    for part in [
        "Huisartsenpraktijk De Linde",
        "Huisartsgegevens",
        "<details>",
        "zes maanden",
        "Toestemmingen aanpassen",
        "MedMij",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    let boxes: Vec<_> = html.split('<').filter(|tag| tag.contains("type=\"checkbox\"")).collect();
    assert_eq!(boxes.len(), 1);
    assert!(boxes[0].contains("name=\"indefinite\"") && !boxes[0].contains("checked"), "offered and not preselected");
    gateway.stop().await;
}
