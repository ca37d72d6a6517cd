//! "Find my practice" with the keys that only a configuration file sets: aliases, a closed practice, a koppellijst.

use std::fs;

use inzage::sandbox::world::World;
use serde_json::Value;

use crate::harness::{Home, Process, clock, text};

const KOPPELLIJST: &str = include_str!("../../fixtures/lists/zakl-good.xml");

/// The provider and state of the first practice that answers a question.
async fn first(world: &World, question: &str) -> Option<(String, String)> {
    let client = world.client("pgo", &clock()).unwrap();
    let url = format!("{}/practices?q={question}", world.layout.front_origin());
    let response = client.http().get(url).header("accept", "application/json").send().await.unwrap();
    let found: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    let first = found["practices"].get(0)?;
    Some((first["provider"].as_str()?.to_owned(), first["state"].as_str()?.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn aliases_numbers_and_closed_practices_are_known() {
    let home = Home::new();
    let world = home.world().await;
    let [first_practice, second] = [&world.practices[0].provider, &world.practices[1].provider];
    fs::write(home.path("zakl.xml"), KOPPELLIJST.replace("huisartsen.deberk@medmij", first_practice.as_str())).unwrap();
    let config = fs::read_to_string(home.path("gateway.toml")).unwrap();
    let config = config.replace("[lists]\n", "[lists]\nzakl = \"zakl.xml\"\n");
    let (head, tail) = config.split_once(&format!("provider = \"{second}\"\n")).unwrap();
    let tail = tail.replacen("state = \"open\"", "state = \"closed\"", 1);
    let config = format!("{head}provider = \"{second}\"\naliases = [\"Dokter Tinbergen\"]\n{tail}");
    fs::write(home.path("gateway.toml"), config).unwrap();

    let gateway = home.serve().ready(&world.layout.ops_url()).await;
    let found = |provider: &str, state: &str| Some((provider.to_owned(), state.to_owned()));
    assert_eq!(first(&world, "90000001").await, found(first_practice.as_str(), "open"));
    assert_eq!(first(&world, "tinbergen").await, found(second.as_str(), "known"));
    assert_eq!(first(&world, "00000001990000000001").await, None, "an OIN is no number that people know");
    drop::<Process>(gateway);
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_koppellijst_that_is_not_valid_is_a_fault_of_the_configuration() {
    let home = Home::new();
    let world = home.world().await;
    fs::write(home.path("zakl.xml"), KOPPELLIJST.replace("01990001", "1990001")).unwrap();
    let config = fs::read_to_string(home.path("gateway.toml")).unwrap();
    fs::write(home.path("gateway.toml"), config.replace("[lists]\n", "[lists]\nzakl = \"zakl.xml\"\n")).unwrap();
    let ended = home.run(&["check-config", text(&home.path("gateway.toml"))]).await;
    assert_eq!(ended.code, Some(78));
    assert!(ended.err.contains("lists.zakl") && ended.err.contains("zakl.xml"), "{}", ended.err);
    world.stop().await.unwrap();
}
