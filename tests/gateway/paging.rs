//! A HIS that gives its answers page by page: the client follows addresses of ours, and each page is judged and recorded.

use std::collections::BTreeSet;

use inzage::sandbox::his::faults::Faults;
use serde_json::Value;

use crate::harness::{Gateway, Session, fault, json, seven_searches};

const DELINDE: &str = "huisarts.delinde@medmij";

fn bsn(gateway: &Gateway, patient: usize) -> String {
    gateway.world.practices[0].patients[patient].bsn.reveal().to_owned()
}

fn paged(page_size: u32) -> Faults {
    Faults { page_size, ..Faults::default() }
}

/// The address of the next page, without the base.
fn next(session: &Session, bundle: &Value) -> Option<String> {
    let link = bundle["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next")?;
    let below = link["url"].as_str().unwrap().strip_prefix(session.base()).expect("an address of ours");
    Some(below.trim_start_matches('/').to_owned())
}

fn full_urls(bundle: &Value) -> BTreeSet<String> {
    let entries = bundle["entry"].as_array().into_iter().flatten();
    entries.map(|entry| entry["fullUrl"].as_str().unwrap().to_owned()).collect()
}

/// All pages of a search.
async fn pages(session: &Session, request: &str) -> Vec<Value> {
    let mut pages = vec![session.bundle(request).await];
    while let Some(address) = next(session, pages.last().unwrap()) {
        pages.push(session.bundle(&address).await);
    }
    pages
}

#[tokio::test]
async fn the_pages_of_a_search_hold_what_one_answer_holds() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &bsn(&gateway, 0)).await;
    let today = jiff::civil::date(2026, 11, 21);
    for request in seven_searches(today) {
        gateway.world.his[0].set_faults(Faults::default());
        let whole = session.bundle(&request).await;
        assert_eq!(next(&session, &whole), None, "{request}");
        gateway.world.his[0].set_faults(paged(1));
        let before = gateway.audit_of("disclosure_intent").len();
        let pages = pages(&session, &request).await;
        let together: BTreeSet<String> = pages.iter().flat_map(full_urls).collect();
        assert_eq!(together, full_urls(&whole), "{request}");
        assert_eq!(gateway.audit_of("disclosure_intent").len() - before, pages.len(), "{request}: one intent a page");
        let (last, earlier) = pages.split_last().unwrap();
        assert!(earlier.iter().all(|page| page.get("total").is_none()), "{request}: nobody knows how many there are");
        assert!(last["link"][0]["url"].as_str().unwrap().starts_with(session.base()), "{request}");
    }
}

#[tokio::test]
async fn case_59_a_cursor_is_of_one_token_and_one_patient() {
    let gateway = Gateway::start().await;
    let own = gateway.session(DELINDE, &bsn(&gateway, 0)).await;
    let others = [gateway.session(DELINDE, &bsn(&gateway, 1)).await, gateway.session(DELINDE, &bsn(&gateway, 0)).await];
    gateway.world.his[0].set_faults(paged(1));
    let address = next(&own, &own.bundle("Encounter").await).unwrap();
    let asked = gateway.his_requests();
    let (kind, cursor) = address.split_once("?_page=").unwrap();
    assert_eq!(kind, "Encounter");
    let mut changed = cursor.to_owned();
    changed.replace_range(40..41, if cursor.get(40..41) == Some("A") { "B" } else { "A" });
    let answers = [
        others[0].get(&address).await,
        others[1].get(&address).await,
        own.get(&format!("Encounter?_page={changed}")).await,
        own.get(&format!("Composition?_page={cursor}")).await,
        own.get("Encounter?_page=abc").await,
    ];
    for reply in answers {
        assert_eq!((reply.status.as_u16(), fault(&reply)), (404, ("unknown-page".to_owned(), "pgo".to_owned())));
        assert_eq!(json(&reply)["issue"][0]["code"], "not-found");
    }
    assert_eq!(gateway.his_requests(), asked, "the HIS was not asked");
    assert_eq!(own.get(&address).await.status, 200);
    for (beside, status) in [("&patient=1", 400), ("&_page=abc", 400), ("&_format=json", 200)] {
        assert_eq!(own.get(&format!("{address}{beside}")).await.status, status, "{beside}");
    }
}

#[tokio::test]
async fn a_foreign_entry_on_a_later_page_ends_that_page() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &bsn(&gateway, 0)).await;
    gateway.world.his[0].set_faults(Faults { foreign_patient: true, foreign_page: 2, ..paged(1) });
    let address = next(&session, &session.bundle("Encounter").await).unwrap();
    let reply = session.get(&address).await;
    assert_eq!((reply.status.as_u16(), fault(&reply).1.as_str()), (502, "his"));
    gateway.world.his[0].set_faults(Faults { fail_page: 2, ..paged(1) });
    let address = next(&session, &session.bundle("Encounter").await).unwrap();
    let reply = session.get(&address).await;
    assert_eq!((reply.status.as_u16(), fault(&reply).1.as_str()), (502, "his"));
}
