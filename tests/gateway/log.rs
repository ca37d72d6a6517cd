//! A person looks at who asked for their data: the page, its files, and the same as a service for portals.

use std::sync::Arc;

use inzage::clock::SharedClock;
use inzage::sandbox::client::{Reply, new_id};
use inzage::sandbox::person::{Choices, read_form};
use inzage::sandbox::portal::client::PortalClient;

use crate::harness::{Gateway, ROLE, SERVICE, fault, json, text};
use crate::own::Visitor;

const DELINDE: &str = "huisarts.delinde@medmij";

/// Logs in for the log; the page of the last three months.
async fn look(visitor: &mut Visitor<'_>, bsn: &str) -> Reply {
    let start = visitor.open("/inzagelog").await;
    assert!(text(&start).contains("Wie heeft mijn gegevens opgevraagd?"));
    let login = visitor.press(&start, &[("action", "continue")]).await;
    visitor.press(&login, &[("bsn", bsn), ("action", "login")]).await
}

/// The lines of the page as texts without markup.
fn lines(page: &Reply) -> Vec<String> {
    let html = text(page);
    let lines = html.split("<h3>").skip(1).map(|rest| {
        let line = rest.split("</li>\n<li>\n<h3>").next().unwrap_or_default();
        let mut plain = String::new();
        let mut inside = false;
        for c in line.chars() {
            match c {
                '<' => inside = true,
                '>' => {
                    inside = false;
                    plain.push(' ');
                }
                other if !inside => plain.push(other),
                _ => {}
            }
        }
        plain.split_whitespace().collect::<Vec<_>>().join(" ")
    });
    lines.collect()
}

fn has(page: &Reply, words: &[&str]) -> bool {
    lines(page).iter().any(|line| words.iter().all(|word| line.contains(word)))
}

/// Where the page leads to a file.
fn file(page: &Reply, name: &str) -> String {
    let html = text(page);
    let at = html.find(&format!("/log/{name}?")).unwrap_or_else(|| panic!("no {name}: {html}"));
    let start = html[..at].rfind('"').unwrap() + 1;
    html[start..].split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&")
}

#[tokio::test]
async fn a_person_sees_who_asked_for_what_and_that_they_looked() {
    let gateway = Gateway::start().await;
    let bsn = gateway.patient();
    let session = gateway.session(DELINDE, &bsn).await;
    session.bundle("EpisodeOfCare").await;
    session.bundle("AllergyIntolerance?category=medication").await;
    // A failed attempt: the token is not for this practice.
    let other = session.base().replace("huisarts.delinde", gateway.world.practices[1].provider.short());
    let other = format!("{other}/EpisodeOfCare");
    let refused = session.client.get(&other, &session.token.access_token, &session.correlation_id).await.unwrap();
    assert_eq!(refused.status, 403);
    gateway.indexed().await;

    let mut visitor = Visitor::new(&gateway);
    let page = look(&mut visitor, &bsn).await;
    let receipt = page.headers["inzage-audit-receipt"].to_str().unwrap().to_owned();
    let read = gateway.last_audit("log_read");
    assert_eq!(read["outcome"], "done");
    assert!(receipt.ends_with(&format!("/{}", gateway.audit().len() - 1)), "{receipt}");
    let html = text(&page);
    assert!(html.contains("zaterdag 21 november 2026"), "{html}");
    let collected = [
        "2 keer",
        "Zorgmap",
        "vroeg gegevens op bij",
        "Huisartsenpraktijk De Linde",
        "Gezondheidsproblemen",
        "Overgevoeligheden",
        "Uw toestemming van 21 november 2026",
        "Noodtoegang nee",
    ];
    assert!(has(&page, &collected), "{:#?}", lines(&page));
    assert!(has(&page, &["Geweigerd: de toestemming gold hier niet voor.", "Zorgmap"]), "{:#?}", lines(&page));
    assert!(has(&page, &["U gaf", "toestemming voor"]) && has(&page, &["U logde in"]), "{:#?}", lines(&page));
    assert!(!has(&page, &["U bekeek dit overzicht"]));
    for hidden in [bsn.as_str(), read["subject"].as_str().unwrap()] {
        assert!(!html.contains(hidden));
    }

    // The look itself is there the next time, and in English.
    gateway.indexed().await;
    let address = format!("{}?lang=en", read_form(&html).unwrap().action);
    let again = visitor.open(&address).await;
    assert!(text(&again).contains("<html lang=\"en\">") && has(&again, &["You looked at this overview"]));
    assert_eq!(gateway.audit_of("log_read").len(), 2);
    gateway.stop().await;
}

#[tokio::test]
async fn nobody_sees_what_is_about_another_person() {
    let gateway = Gateway::start().await;
    let adults: Vec<_> =
        gateway.world.practices[0].patients.iter().filter(|person| person.birth_date.year() < 2005).collect();
    let (mine, theirs) = (adults[0].bsn.reveal(), adults[1].bsn.reveal());
    gateway.session(DELINDE, theirs).await.bundle("EpisodeOfCare").await;
    gateway.indexed().await;
    let mut visitor = Visitor::new(&gateway);
    let page = look(&mut visitor, mine).await;
    assert!(!has(&page, &["gegevens"]), "{:#?}", lines(&page));
    // The page is for one browser, and for one that logged in.
    let path = read_form(&text(&page)).unwrap().action;
    let mut stranger = Visitor::new(&gateway);
    for path in [path.clone(), format!("{path}/table"), format!("{path}/fhir")] {
        assert_eq!(stranger.open(&path).await.status, 403, "{path}");
    }
    assert_eq!(visitor.open(&format!("{path}/everything")).await.status, 404);
    let looked = gateway.audit_of("log_read").len();
    assert_eq!(looked, 1, "who sees nothing looked at nothing");
    gateway.stop().await;
}

#[tokio::test]
async fn a_period_is_chosen_and_what_is_no_period_is_explained() {
    let gateway = Gateway::start().await;
    let bsn = gateway.patient();
    gateway.session(DELINDE, &bsn).await.bundle("EpisodeOfCare").await;
    gateway.indexed().await;
    let mut visitor = Visitor::new(&gateway);
    let page = look(&mut visitor, &bsn).await;
    let path = read_form(&text(&page)).unwrap().action;
    let before = visitor.open(&format!("{path}?from=2026-01-01&to=2026-11-20&lang=nl")).await;
    assert!(text(&before).contains("In deze periode heeft niemand") && lines(&before).is_empty());
    let today = visitor.open(&format!("{path}?from=2026-11-21&to=2026-11-21&lang=nl")).await;
    assert!(has(&today, &["vroeg gegevens op"]));
    let shown = gateway.audit_of("log_read").len();
    for (query, said) in
        [("from=gisteren&to=", "Dit is geen datum"), ("from=2026-02-02&to=2026-02-01", "vóór de eerste")]
    {
        let wrong = visitor.open(&format!("{path}?{query}&lang=nl")).await;
        assert!(text(&wrong).contains(said) && text(&wrong).contains("role=\"alert\""), "{}", text(&wrong));
        assert!(!wrong.headers.contains_key("inzage-audit-receipt"));
    }
    assert_eq!(gateway.audit_of("log_read").len(), shown, "nothing was shown, so nothing was read");
    gateway.stop().await;
}

#[tokio::test]
async fn the_same_leaves_as_files_and_each_is_on_record() {
    let gateway = Gateway::start().await;
    let bsn = gateway.patient();
    gateway.session(DELINDE, &bsn).await.bundle("EpisodeOfCare").await;
    gateway.indexed().await;
    let mut visitor = Visitor::new(&gateway);
    let page = look(&mut visitor, &bsn).await;

    let table = visitor.open(&file(&page, "table")).await;
    assert_eq!(table.headers["content-type"], "text/csv; charset=utf-8");
    assert_eq!(table.headers["content-disposition"], "attachment; filename=\"inzagelog-2026-08-21-2026-11-21.csv\"");
    let csv = text(&table);
    let rows: Vec<_> = csv.trim_start_matches('\u{feff}').lines().collect();
    assert!(rows.iter().all(|row| row.matches(';').count() == 9), "{csv}");
    assert!(
        csv.contains("2026-11-21;12:00:00;") && csv.contains("Huisartsgegevens: Gezondheidsproblemen (episodes)"),
        "{csv}"
    );

    let print = visitor.open(&file(&page, "print")).await;
    let html = text(&print);
    assert!(
        html.contains("<style>")
            && html.contains("vroeg gegevens op bij")
            && !html.contains("<link")
            && !html.contains("<a ")
    );
    let policy = print.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");

    let bundle = json(&visitor.open(&file(&page, "fhir")).await);
    assert_eq!((&bundle["resourceType"], &bundle["type"]), (&"Bundle".into(), &"collection".into()));
    let events = bundle["entry"].as_array().unwrap();
    assert!(events.len() > 3 && events.iter().all(|entry| entry["resource"]["resourceType"] == "AuditEvent"));
    assert!(!bundle.to_string().contains(&bsn) && !csv.contains(&bsn) && !html.contains(&bsn));

    assert_eq!(gateway.audit_of("log_exported").len(), 3);
    assert_eq!(visitor.open(&format!("{}&from=x", file(&page, "table").replace("from=", "was="))).await.status, 400);
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_seen_and_what_is_not_depends_on_the_login() {
    let gateway = Gateway::start().await;
    for action in ["cancel", "fail"] {
        let mut visitor = Visitor::new(&gateway);
        let start = visitor.open("/inzagelog?lang=en").await;
        assert!(text(&start).contains("Who requested my data?"));
        let login = visitor.press(&start, &[("action", "continue")]).await;
        let back = visitor.press(&login, &[("action", action)]).await;
        assert!(text(&back).contains("action=\"/inzagelog") && lines(&back).is_empty());
    }
    assert!(gateway.audit_of("log_read").is_empty());
    gateway.stop().await;
}

/// From the consents to the log and back, in one visit, and out of it.
#[tokio::test]
async fn one_login_is_for_both_pages_and_leaving_ends_it() {
    let gateway = Gateway::start().await;
    let bsn = gateway.patient();
    let choices = Choices { indefinite: true, ..Choices::willing(&bsn) };
    gateway.walk(&gateway.client("pgo"), DELINDE, choices).await;
    gateway.indexed().await;
    let mut visitor = Visitor::new(&gateway);
    let list = visitor.log_in(&bsn).await;
    let form = read_form(&text(&list)).unwrap();
    let path = form.action.split("/consents").next().unwrap().to_owned();
    let page = visitor.open(&format!("{path}/log?lang=nl")).await;
    assert!(has(&page, &["U gaf", "toestemming voor"]), "{:#?}", lines(&page));
    assert_eq!(visitor.submit(&form, &[("action", "leave")]).await.status, 200);
    for gone in ["log", "log/table", "consents"] {
        assert_eq!(visitor.open(&format!("{path}/{gone}")).await.status, 403, "{gone}");
    }
    gateway.stop().await;
}

/// A portal with a person's token for the log of the first practice, and the address of its AuditEvents.
async fn portal(gateway: &Gateway, bsn: &str) -> (PortalClient, String, String) {
    let clock: SharedClock = Arc::clone(&gateway.clock) as _;
    let portal = gateway.world.portal(&clock).unwrap();
    let endpoints = portal.back.endpoints(DELINDE, SERVICE).await.unwrap();
    let token = portal.assert(&endpoints, bsn, "huisarts.delinde~inzagelog", &new_id()).await.unwrap();
    let base = endpoints.resources[ROLE].replace("/49/stu3", "/inzagelog/r4");
    (portal, token.access_token, base)
}

#[tokio::test]
async fn a_portal_searches_the_log_of_its_person_at_its_practice() {
    let gateway = Gateway::start().await;
    let (bsn, other) = (gateway.patient(), gateway.world.practices[0].patients[1].bsn.reveal().to_owned());
    gateway.session(DELINDE, &bsn).await.bundle("EpisodeOfCare").await;
    gateway.session(DELINDE, &other).await.bundle("EpisodeOfCare").await;
    let (portal, token, base) = portal(&gateway, &bsn).await;
    gateway.indexed().await;
    let ask = async |query: &str| portal.back.get(&format!("{base}/{query}"), &token, &new_id()).await.unwrap();

    let reply = ask("AuditEvent?date=ge2026-11-21&date=le2026-11-21&_count=3").await;
    assert_eq!(reply.status, 200, "{}", text(&reply));
    assert_eq!(reply.headers["content-type"], "application/fhir+json; charset=utf-8");
    let read = gateway.last_audit("log_read");
    assert_eq!((&read["outcome"], &read["counts"]["entries"]), (&"done".into(), &3.into()), "{read}");
    assert_eq!((&read["client_id"], &read["provider"]), (&"portaal.localhost".into(), &DELINDE.into()));
    let receipt = reply.headers["inzage-audit-receipt"].to_str().unwrap().to_owned();
    assert!(receipt.ends_with(&format!("/{}", gateway.audit().len() - 1)), "{receipt}");

    // All pages together are every record of this person here, and no other.
    let (mut page, mut seen) = (json(&reply), Vec::new());
    loop {
        assert_eq!((&page["resourceType"], &page["type"]), (&"Bundle".into(), &"searchset".into()));
        for entry in page["entry"].as_array().unwrap() {
            let event = &entry["resource"];
            assert_eq!((&event["resourceType"], &entry["search"]["mode"]), (&"AuditEvent".into(), &"match".into()));
            assert_eq!(entry["fullUrl"], format!("{base}/AuditEvent/{}", event["id"].as_str().unwrap()));
            seen.push(event.clone());
        }
        let next = page["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next");
        let Some(next) = next else { break };
        let reply = portal.back.get(next["url"].as_str().unwrap(), &token, &new_id()).await.unwrap();
        assert_eq!(reply.status, 200, "{}", text(&reply));
        page = json(&reply);
    }
    let mine = read["subject"].as_str().unwrap();
    let recorded =
        gateway.audit().into_iter().filter(|record| record["subject"] == mine && record["provider"] == DELINDE);
    let before = recorded.filter(|record| record["kind"] != "log_read").count();
    assert_eq!(seen.iter().filter(|event| event.to_string().contains(mine)).count(), seen.len());
    assert!(seen.len() >= before && before > 3, "{} of {before}", seen.len());
    assert!(seen.iter().all(|event| !event.to_string().contains(&bsn)));

    let xml = ask("AuditEvent?_format=xml&_count=2").await;
    assert_eq!(xml.headers["content-type"], "application/fhir+xml; charset=utf-8");
    let (xml, begin) = (text(&xml), "<Bundle xmlns=\"http://hl7.org/fhir\">");
    assert!(xml.contains(begin) && xml.matches("<AuditEvent>").count() == 2, "{xml}");
    let empty = json(&ask("AuditEvent?date=lt2026-11-21").await);
    assert!(empty.get("entry").is_none(), "{empty}");
    gateway.stop().await;
}

#[tokio::test]
async fn what_the_log_does_not_answer_is_refused_as_elsewhere() {
    let gateway = Gateway::start().await;
    let (portal, token, base) = portal(&gateway, &gateway.patient()).await;
    let before = gateway.his_requests();
    for (request, status, code) in [
        ("AuditEvent?patient=Patient/1", 400, "unknown-parameter"),
        ("AuditEvent?_count=0", 400, "bad-value"),
        ("AuditEvent?_count=many", 400, "bad-value"),
        ("AuditEvent?date=ge2026-11-31", 400, "bad-value"),
        ("AuditEvent?_page=abc", 404, "unknown-page"),
        ("AuditEvent/1", 404, "no-such-interaction"),
        ("Observation", 404, "unknown-type"),
    ] {
        let reply = portal.back.get(&format!("{base}/{request}"), &token, &new_id()).await.unwrap();
        assert_eq!((reply.status.as_u16(), fault(&reply).0.as_str()), (status, code), "{request}");
        let refusal = gateway.last_audit("resource_refused");
        assert_eq!((&refusal["reason"], &gateway.named_by(&reply)), (&code.into(), &refusal));
    }
    assert_eq!(gateway.his_requests(), before, "nothing is asked of the practice");
    // No PGO gets a token for it, and the token of the portal is for this service only.
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    let log = format!("{base}/AuditEvent");
    let refused = session.client.get(&log, &session.token.access_token, &new_id()).await.unwrap();
    assert_eq!((refused.status.as_u16(), fault(&refused).0.as_str()), (403, "service-not-granted"));
    let other = format!("{}/EpisodeOfCare", session.base());
    let refused = portal.back.get(&other, &token, &new_id()).await.unwrap();
    assert_eq!((refused.status.as_u16(), fault(&refused).0.as_str()), (403, "service-not-granted"));

    let told = portal.back.get(&format!("{base}/metadata"), &token, &new_id()).await.unwrap();
    let resource = &json(&told)["rest"][0]["resource"][0];
    assert_eq!((&resource["type"], &resource["interaction"][0]["code"]), (&"AuditEvent".into(), &"search-type".into()));
    let names: Vec<_> = resource["searchParam"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, ["_count", "date"]);
    let told = session.client.get(&format!("{base}/metadata"), &token, &new_id()).await.unwrap();
    assert_eq!(told.status, 404, "to a PGO there is no such service");
    gateway.stop().await;
}
