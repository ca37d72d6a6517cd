//! `inzage sandbox`: what it says about itself, what it leaves alone, and what keeps it from starting.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use serde_json::Value;

use crate::harness::{Home, Process, clock, free_base, status, text};

/// What stands in `sandbox.json`, once it is there.
async fn description(sandbox: &mut Process, dir: &Path) -> Value {
    let bytes = sandbox.until("sandbox.json", async || fs::read(dir.join("sandbox.json")).ok()).await;
    serde_json::from_slice(&bytes).unwrap()
}

fn strings<'a>(list: &'a Value, key: &str) -> Vec<&'a str> {
    list.as_array().unwrap().iter().map(|entry| entry[key].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_describes_itself_and_ends_on_sigint() {
    let home = Home::new();
    let dir = home.path("world");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("notes.txt"), "mine").unwrap();
    let base = free_base().to_string();
    let begun = clock().monotonic();
    let mut sandbox = Process::start(&home, &["sandbox", "--dir", text(&dir), "--port-base", &base]);
    let greeting = sandbox.greeting().await;
    println!("greeting after {:?}", clock().monotonic() - begun);
    let described = description(&mut sandbox, &dir).await;
    assert_eq!(status(described["ops"].as_str().unwrap(), "/readyz").await, Some(200));
    assert_is_as_agreed(&described, &dir);
    let ops = described["ops"].as_str().unwrap();
    let config = dir.join("gateway.toml");
    for which in [["--url", ops], ["--config", text(&config)]] {
        let shown = home.run(&[&["status"][..], &which[..]].concat()).await;
        assert_eq!(shown.code, Some(0), "{}{}", shown.out, shown.err);
        for said in ["ready, serving, release ", "\naudit          ok\n", "\nhis-a/fhir     asked, ", "\nno alarms\n"] {
            assert!(shown.out.contains(said), "{said:?} in {}", shown.out);
        }
    }
    for client in ["pgo", "portal"] {
        let uri = described["clients"][client]["redirect_uri"].as_str().unwrap();
        assert!(greeting.contains(uri.strip_suffix("cb").unwrap()), "{uri} is not in {greeting}");
    }
    for person in described["patients"].as_array().unwrap() {
        assert!(greeting.contains(person["family"].as_str().unwrap()), "{person} is not in {greeting}");
    }
    sandbox.signal("INT");
    let ended = sandbox.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert_eq!(fs::read_to_string(dir.join("notes.txt")).unwrap(), "mine");
    assert_eq!(home.run(&["status", "--url", ops]).await.code, Some(69), "nobody answers");
    let verified = home.run(&["audit", "verify", text(&dir.join("gateway/audit"))]).await;
    assert_eq!(verified.code, Some(0), "{}", verified.out);
}

/// Version 1 of the file that tools rely on.
fn assert_is_as_agreed(described: &Value, dir: &Path) {
    assert_eq!(described["version"], 1);
    let mut files = vec![&described["ca"], &described["gateway_config"], &described["audit"]["dir"]];
    for list in ["zal", "ocl", "whl", "gnl"] {
        let url = described["lists"][list].as_str().unwrap();
        assert!(url.starts_with("https://stelselnode.localhost:") && url.ends_with(".xml?api=2"), "{url}");
    }
    for name in ["pgo", "pgo2", "not_listed", "portal"] {
        let client = &described["clients"][name];
        let id = client["client_id"].as_str().unwrap();
        assert!(id.ends_with(".localhost"), "{id}");
        assert!(client["redirect_uri"].as_str().unwrap().starts_with(&format!("https://{id}:")), "{client}");
        files.extend([&client["cert"], &client["key"]]);
    }
    for file in files {
        let path = Path::new(file.as_str().unwrap());
        assert!(path.is_relative() && dir.join(path).exists(), "{file}");
    }
    let (his, providers) = (strings(&described["his"], "id"), strings(&described["providers"], "name"));
    assert!(strings(&described["his"], "control").iter().all(|url| url.ends_with("/_control")));
    assert!(strings(&described["providers"], "his").iter().all(|id| his.contains(id)));
    assert!(strings(&described["providers"], "state").iter().all(|state| *state == "open"));
    assert!(strings(&described["patients"], "provider").iter().all(|name| providers.contains(name)));
    assert!(strings(&described["patients"], "bsn").iter().all(|bsn| bsn.len() == 9));
    assert!(strings(&described["patients"], "birth_date").iter().all(|date| date.len() == 10));
    assert!(!his.is_empty() && !providers.is_empty() && !described["patients"].as_array().unwrap().is_empty());
    assert!(described["canaries"].as_array().unwrap().iter().any(Value::is_string));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_gateway_serve_runs_beside_it() {
    let home = Home::new();
    let dir = home.path("world");
    let base = free_base().to_string();
    let mut sandbox = Process::start(&home, &["sandbox", "--dir", text(&dir), "--port-base", &base, "--no-gateway"]);
    let described = description(&mut sandbox, &dir).await;
    let ops = described["ops"].as_str().unwrap();
    assert_eq!(status(ops, "/readyz").await, None, "somebody serves already");
    let config = dir.join(described["gateway_config"].as_str().unwrap());
    let gateway = Process::start(&home, &["serve", "--config", text(&config)]).ready(ops).await;
    for process in [gateway, sandbox] {
        process.signal("TERM");
        assert_eq!(process.ended().await.code, Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_its_own_is_gone_afterwards() {
    let home = Home::new();
    let base = free_base().to_string();
    let mut sandbox = Process::start(&home, &["sandbox", "--port-base", &base]);
    let dir = home.path(&format!("inzage-sandbox-{}", sandbox.id()));
    description(&mut sandbox, &dir).await;
    sandbox.greeting().await;
    sandbox.signal("INT");
    assert_eq!(sandbox.ended().await.code, Some(0));
    assert!(!dir.exists());
}

#[tokio::test]
async fn a_port_in_use_is_named_with_the_way_out() {
    let home = Home::new();
    let base = free_base();
    let _taken = TcpListener::bind(("127.0.0.1", base + 10)).unwrap();
    let ended = home.run(&["sandbox", "--dir", text(&home.path("world")), "--port-base", &base.to_string()]).await;
    assert_eq!(ended.code, Some(69), "{}", ended.err);
    assert!(ended.err.contains(&format!("port {} ", base + 10)), "{}", ended.err);
    assert!(ended.err.contains("--port-base"), "{}", ended.err);
    assert_eq!(ended.err.matches("os error").count(), 1, "{}", ended.err);
}

#[tokio::test]
async fn records_that_cannot_be_read_are_named_and_nothing_starts() {
    let home = Home::new();
    let (dir, records) = (home.path("world"), home.path("records"));
    fs::create_dir_all(&dir).unwrap();
    fs::create_dir_all(records.join("deeper")).unwrap();
    fs::write(records.join("deeper/half.json"), "{\"resourceType\": \"Pati").unwrap();
    let base = free_base().to_string();
    let ended = home.run(&["sandbox", "--dir", text(&dir), "--his-data", text(&records), "--port-base", &base]).await;
    assert_eq!(ended.code, Some(65), "{}", ended.err);
    assert!(ended.err.contains("deeper/half.json"), "{}", ended.err);
    assert!(!dir.join("gateway").exists() && !dir.join("sandbox.json").exists());
}

#[tokio::test]
async fn an_old_description_is_removed_before_anything_else() {
    let home = Home::new();
    let (dir, records) = (home.path("world"), home.path("records"));
    for folder in [&dir, &records] {
        fs::create_dir_all(folder).unwrap();
    }
    fs::write(dir.join("sandbox.json"), "{\"version\": 1}").unwrap();
    fs::write(records.join("half.json"), "{").unwrap();
    let base = free_base().to_string();
    let ended = home.run(&["sandbox", "--dir", text(&dir), "--his-data", text(&records), "--port-base", &base]).await;
    assert_eq!(ended.code, Some(65), "{}", ended.err);
    assert!(!dir.join("sandbox.json").exists(), "whoever finds it takes this sandbox for a running one");
}
