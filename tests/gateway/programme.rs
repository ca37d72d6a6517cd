//! The simulated year against the real thing: its records have the members of those that the gateway writes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use inzage::audit::{Keyring, Years};
use inzage::sandbox::client::PgoClient;
use inzage::sandbox::his::faults::{Fail, Faults};
use inzage::sandbox::person::Choices;
use inzage::sandbox::programme::{Plan, Programme};
use inzage::secret::Secret;
use serde_json::Value;

use crate::harness::{Gateway, records};
use crate::pages::DELINDE;
use crate::portal::visit_both_ways;

/// What a record is: kind, outcome and authorization.
type What = (String, String, String);
/// The names of the members of the records of each.
type Shapes = BTreeMap<What, BTreeSet<BTreeSet<String>>>;

/// Members that tell where a request came from or what was asked, and stand in every record of a kind or in none.
fn shapes(records: &[Value]) -> Shapes {
    let mut shapes = Shapes::new();
    for record in records {
        let word = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        let members = record.as_object().unwrap().iter().filter(|(_, value)| !value.is_null());
        let what = (word("kind"), word("outcome"), word("authorization"));
        shapes.entry(what).or_default().insert(members.map(|(name, _)| name.clone()).collect());
    }
    shapes
}

fn failing(word: &str) -> Faults {
    Faults { fail: Fail::try_from(word.to_owned()).unwrap(), ..Faults::default() }
}

/// Everything that people and clients of the simulation do, done for real.
async fn collect(gateway: &Gateway, bsn: &str, stranger: &str) {
    let session = gateway.session(DELINDE, bsn).await;
    session.get("EpisodeOfCare").await;
    session.get("EpisodeOfCare?colour=blue").await;
    session.bare(http::Method::GET, &format!("{}/EpisodeOfCare", session.base())).send().await.unwrap();
    let lasting = gateway.lasting_session(DELINDE, bsn).await;
    lasting.get("EpisodeOfCare").await;
    lasting.get("EpisodeOfCare?colour=blue").await;
    let willing = Choices::willing(bsn);
    let client = gateway.client("pgo");
    for choices in [
        Choices { landing: "cancel", ..willing },
        Choices { login: "cancel", ..willing },
        Choices { login: "fail", ..willing },
        Choices { consent: "refuse", ..willing },
        Choices::willing(stranger),
    ] {
        gateway.walk(&client, DELINDE, choices).await;
    }
    refused_tokens(gateway, &client, bsn).await;
    gateway.world.his[0].set_faults(failing("garbage"));
    session.get("EpisodeOfCare").await;
    lasting.get("EpisodeOfCare").await;
    lasting.client.refresh(&lasting.endpoints, lasting.refresh_token()).await.unwrap();
    gateway.walk(&client, DELINDE, willing).await;
    gateway.world.his[0].set_faults(Faults::default());
    lasting.client.refresh(&lasting.endpoints, lasting.refresh_token()).await.unwrap();
}

/// A code that does not become a token: it is shown with another address than it was asked for.
async fn refused_tokens(gateway: &Gateway, client: &PgoClient, bsn: &str) {
    for indefinite in [false, true] {
        let choices = Choices { indefinite, ..Choices::willing(bsn) };
        let (end, endpoints, correlation) = gateway.walk(client, DELINDE, choices).await;
        let inzage::sandbox::person::End::Client(answer) = end else { panic!("the walk ended on a page") };
        let mut other = gateway.client("pgo");
        other.redirect_uri.push('x');
        other.exchange(&endpoints, &answer["code"], &correlation).await.unwrap_err();
    }
}

fn simulated(dir: &Path) -> Vec<Value> {
    let plan = Plan { events: 12_000, practices: 120, ..Plan::before(jiff::civil::date(2026, 11, 22)) };
    let programme = Programme::draw(plan);
    let mut years = Years::default();
    for year in programme.key_years() {
        years.add_pseudonym_key(year, &Secret::new([1; 32]));
        years.add_sealing_key(year, &Secret::new([2; 32]));
    }
    let dir = dir.join("simulated");
    programme.write_log(&dir, &Keyring::new(years), |_| {}).unwrap();
    records(&dir)
}

#[tokio::test]
async fn simulated_records_have_the_members_of_real_ones() {
    let gateway = Gateway::start().await;
    let person = |practice: usize| gateway.world.practices[practice].patients[0].bsn.reveal().to_owned();
    let (bsn, stranger) = (person(0), person(1));
    collect(&gateway, &bsn, &stranger).await;
    visit_both_ways(&gateway, &bsn).await;
    let records = simulated(gateway.folder());
    let left = gateway.leave().await;
    let real = shapes(&left.audit());
    for (what, simulated) in shapes(&records) {
        let (kind, outcome, authorization) = &what;
        // One whose client went away has the members of one that was taken to the end: both are told of one transfer. Under each
        // authorization the records are made by the same lines of the gateway, so what was refused is tried under one of each kind.
        let outcome = if outcome == "aborted" { "done" } else { outcome };
        let under = match (kind.as_str(), authorization.as_str()) {
            ("resource_refused", "portal_assertion" | "smart") => "medmij_consent",
            ("disclosure_outcome", "portal_assertion" | "smart") if outcome == "failed" => "medmij_consent",
            (_, authorization) => authorization,
        };
        let known = (kind.clone(), outcome.to_owned(), under.to_owned());
        let known = real.get(&known).unwrap_or_else(|| panic!("no real record is {known:?}"));
        for mut members in simulated {
            // An app of MedMij names its request, a portal need not; what refuses here, and what shows no token, is an app.
            match (kind.as_str(), authorization.as_str()) {
                ("consent_refused", _) => members.extend(["request_id".to_owned()]),
                ("resource_refused", "") => members.extend(["request_id", "correlation_id"].map(str::to_owned)),
                _ => {}
            }
            // Some requests name what they ask for before they are refused, and some do not get that far.
            assert!(known.contains(&members), "{what:?}: {members:?} is none of {known:?}");
        }
    }
}
